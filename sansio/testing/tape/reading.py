"""Reads the lines of a tape back into exchanges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec
from msgspec import UNSET, Struct

from sansio.errors import APIConnectionError, RemoteProtocolError, TransportError
from sansio.http import Body, End, Head, Input, Lost
from sansio.testing.tape.lines import (
    ERRORS,
    FORMAT,
    BodyLine,
    EndLine,
    HeadLine,
    Line,
    LostLine,
    ReleasedLine,
    RequestLine,
    SessionLine,
)
from sansio.testing.tape.redaction import SentRequest


class Timed(Struct, frozen=True):
    """An input, and when it arrived.

    Args:
        at: seconds since the exchange began.
    """

    at: float
    value: Input


class RecordedExchange(Struct, frozen=True):
    """A request and what was received for it.

    Args:
        request: the request.
        inputs: the inputs in order. The last one is an `End` or a `Lost`, also if the recording stopped
            earlier.
        complete: whether the recording has the end of the exchange. If not, the caller or the recorder
            stopped before it.
    """

    request: SentRequest
    inputs: tuple[Timed, ...]
    complete: bool = True


class Tape(Struct, frozen=True):
    """The contents of a tape.

    Args:
        exchanges: the exchanges, in the order of their requests.
        torn: how many lines a crash of the recorder left incomplete; they are ignored.
    """

    exchanges: tuple[RecordedExchange, ...] = ()
    torn: int = 0

    @property
    def inputs(self) -> list[Input]:
        """The inputs of all exchanges, which `play` gives to a call."""
        return [timed.value for exchange in self.exchanges for timed in exchange.inputs]


_decode = msgspec.json.Decoder(Line).decode


def read_tape(data: bytes, name: str = "tape") -> Tape:
    """Read the lines of a tape.

    If the recorder crashed, the last line may be incomplete, and so may a line before a new session.

    Args:
        data: all the lines.
        name: the tape's name, for errors.

    Returns:
        The contents of the tape.

    Raises:
        ValueError: a line is damaged, out of order, or of a newer format.
    """
    reader = _Reader(name)
    lines = data.split(b"\n")
    # The text after the last line end is empty, or an incomplete line.
    for number, line in enumerate(lines[:-1], 1):
        reader.take(number, line)
    reader.torn += reader.bad is not None or lines[-1] != b""
    return Tape(tuple(reader.exchanges()), reader.torn)


class _Open:
    """An exchange that is being read."""

    def __init__(self, request: SentRequest) -> None:
        self.request = request
        self.inputs: list[Timed] = []
        self.released: ReleasedLine | None = None

    @property
    def over(self) -> bool:
        return self.released is not None or (
            bool(self.inputs) and isinstance(self.inputs[-1].value, (End, Lost))
        )

    def close(self) -> RecordedExchange:
        inputs = tuple(self.inputs)
        if self.over and self.released is None:
            return RecordedExchange(self.request, inputs)
        if self.released is not None:
            why, at = "the caller stopped reading here", self.released.at
        else:
            why, at = "the recorder stopped here", inputs[-1].at if inputs else 0.0
        error = APIConnectionError(
            f"the tape has no more of this exchange: when it was recorded, {why}",
            should_retry=False,
            hint="Record it again, and read the answer to its end.",
        )
        return RecordedExchange(self.request, (*inputs, Timed(at, Lost(error))), complete=False)


class _Reader:
    """The state between two lines."""

    def __init__(self, name: str) -> None:
        self.torn = 0
        self.bad: str | None = None
        self._name = name
        self._all: list[_Open] = []
        self._session: dict[int, _Open] | None = None

    def exchanges(self) -> Iterator[RecordedExchange]:
        return (each.close() for each in self._all)

    def take(self, number: int, data: bytes) -> None:
        where = f"{self._name}, line {number}"
        try:
            line = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._fail()
            self.bad = f"{where}: the line is damaged: {error}"
            return
        if isinstance(line, SessionLine):
            if line.format > FORMAT:
                raise ValueError(
                    f"{where}: the format is {line.format}, and this version reads up to {FORMAT}; record "
                    "the tape again, or update the library"
                )
            self.torn += self.bad is not None
            self.bad = None
            self._session = {}
            return
        self._fail()
        if self._session is None:
            raise ValueError(f"{where}: a tape begins with a line of the kind session")
        if isinstance(line, RequestLine):
            if line.exchange in self._session:
                raise ValueError(
                    f"{where}: exchange {line.exchange} begins again; a tape takes one recorder at a time"
                )
            self._all.append(_Open(_request(line)))
            self._session[line.exchange] = self._all[-1]
            return
        found = self._session.get(line.exchange)
        if found is None or found.over:
            state = "has not begun" if found is None else "is over"
            raise ValueError(f"{where}: exchange {line.exchange} {state}")
        if isinstance(line, ReleasedLine):
            found.released = line
        else:
            found.inputs.append(Timed(line.at, _input(line)))

    def _fail(self) -> None:
        """Raise the error of a damaged line that neither a new session nor the tape's end follows."""
        if self.bad is not None:
            raise ValueError(self.bad)


def _request(line: RequestLine) -> SentRequest:
    if line.json is not UNSET:
        body = bytes(line.json)
    elif line.text is not UNSET:
        body = line.text.encode()
    else:
        body = b"" if line.base64 is UNSET else line.base64
    return SentRequest(line.method, line.url, line.headers, body)


def _input(line: HeadLine | BodyLine | EndLine | LostLine) -> Input:
    match line:
        case HeadLine(status=status, headers=headers):
            return Head(status, headers)
        case BodyLine(text=str() as text):
            return Body(text.encode())
        case BodyLine(base64=data):
            return Body(b"" if data is UNSET else data)
        case EndLine():
            return End()
        case LostLine():
            return Lost(_error(line))
        case _:
            assert_never(line)


def _error(line: LostLine) -> TransportError | RemoteProtocolError:
    kind = ERRORS.get(line.error, APIConnectionError)
    error = kind(line.message, field=line.field, should_retry=line.should_retry)
    if isinstance(error, TransportError):
        error.reused = line.reused
    return error if line.hint is None else error.with_context(hint=line.hint)
