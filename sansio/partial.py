"""JSON that is still arriving, as the value that it has so far."""

from __future__ import annotations

import re
from enum import Enum, auto

import msgspec

from sansio.errors import RemoteProtocolError
from sansio.jsontext import JSON, decode
from sansio.limits import DEFAULT_LIMITS

_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[-+.0-9A-Za-z]*")
_PLAIN = re.compile(r'[^"\\]*')
# An escape that may continue in the next piece: an incomplete one, or a high surrogate without its low one.
_OPEN_ESCAPE = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?\Z"
)
_EXACT = 4_096
"""Characters of an unfinished string up to which each piece is shown when it arrives."""
_PART = 64
"""A longer string is shown again when it has grown by a 64th of its length, so that the time is linear."""
_TEXT = msgspec.json.Decoder(str)
_ANY = msgspec.json.Decoder()


class _Next(Enum):
    """What may come next."""

    VALUE = auto()
    ITEM = auto()
    """A value, or the end of the list that has just begun."""
    KEY = auto()
    FIRST_KEY = auto()
    """A key, or the end of the object that has just begun."""
    COLON = auto()
    COMMA = auto()
    """A comma, or the end of the list or object."""
    STRING = auto()
    SCALAR = auto()
    NOTHING = auto()


class PartialJSON:
    """JSON that arrives in pieces, such as a tool call's arguments, as a value at every moment.

    Strings grow while they arrive. Numbers, `true`, `false` and `null` appear when they are complete, and a
    key appears with its value. At the end, the value equals the result of a JSON decoder for the whole text.

    A string of over 4,096 characters is shown again each time that it has grown by a 64th, so that reading
    the value after each piece takes linear time. Malformed JSON never raises: the value stays what it was.

    Args:
        max_depth: how deep the JSON may nest. Deeper JSON counts as malformed.

    Example:
        ```python
        arguments: defaultdict[int, PartialJSON] = defaultdict(PartialJSON)
        async for event in stream:
            if isinstance(event, ToolCallDelta):
                arguments[event.index].feed(event.arguments)
                show(arguments[event.index].value)
        ```
    """

    def __init__(self, max_depth: int = DEFAULT_LIMITS.max_json_depth) -> None:
        self._max_depth = max_depth
        self._next = _Next.VALUE
        self._root: list[JSON] = []
        self._open: list[list[JSON] | dict[str, JSON]] = []
        self._keys: list[str] = []  # for each open object, the key whose value is awaited
        self._pieces: list[str] = []  # the pieces of the string or scalar that is open
        self._length = self._shown = 0
        self._is_key = False
        self._rest = ""
        self.failed = False
        """Whether the text is malformed. Nothing is read after that."""

    @property
    def finished(self) -> bool:
        """Whether the value is complete. A number at the top is complete only when something follows it."""
        return self._next is _Next.NOTHING

    @property
    def value(self) -> JSON:
        """The value so far; `None` before it has begun. It grows with each `feed`: copy what you keep."""
        return self._root[0] if self._root else None

    def feed(self, text: str) -> None:
        """Take the next piece.

        Args:
            text: the piece, of any length.
        """
        if self.failed:
            return
        text, self._rest = self._rest + text, ""
        at = 0
        try:
            while at < len(text):
                at = self._step(text, at)
            self._show()
        except RemoteProtocolError:
            self.failed = True

    def _step(self, text: str, at: int) -> int:
        """Continue to read at one position; returns the position after what was read."""
        if self._next is _Next.STRING:
            return self._read_string(text, at)
        if self._next is _Next.SCALAR:
            return self._read_scalar(text, at)
        match = _BLANK.match(text, at)
        assert match is not None
        at = match.end()
        if at == len(text):
            return at
        sign = text[at]
        match self._next:
            case _Next.VALUE | _Next.ITEM:
                if sign == "]" and self._next is _Next.ITEM:
                    self._close()
                else:
                    return self._begin(sign, at)
            case _Next.KEY | _Next.FIRST_KEY:
                if sign == "}" and self._next is _Next.FIRST_KEY:
                    self._close()
                elif sign == '"':
                    self._begin_string(is_key=True)
                else:
                    raise _malformed()
            case _Next.COLON if sign == ":":
                self._next = _Next.VALUE
            case _Next.COMMA if sign == ",":
                self._next = _Next.KEY if isinstance(self._open[-1], dict) else _Next.VALUE
            case _Next.COMMA if sign == ("}" if isinstance(self._open[-1], dict) else "]"):
                self._close()
            case _:
                raise _malformed()
        return at + 1

    def _begin(self, sign: str, at: int) -> int:
        if sign == '"':
            self._put("")
            self._begin_string(is_key=False)
            return at + 1
        if sign not in "[{":
            self._next = _Next.SCALAR
            self._pieces = []
            return at
        if len(self._open) == self._max_depth:
            raise _malformed()
        inner: list[JSON] | dict[str, JSON] = [] if sign == "[" else {}
        self._put(inner)
        self._open.append(inner)
        self._keys.append("")
        self._next = _Next.ITEM if sign == "[" else _Next.FIRST_KEY
        return at + 1

    def _begin_string(self, *, is_key: bool) -> None:
        self._next = _Next.STRING
        self._is_key = is_key
        self._pieces = []
        self._length = self._shown = 0

    def _read_string(self, text: str, at: int) -> int:
        end = at
        while True:
            match = _PLAIN.match(text, end)
            assert match is not None
            end = match.end()
            if text[end : end + 1] != "\\":
                break
            end = min(end + 2, len(text))
        closed = end < len(text)
        if not closed and (open_escape := _OPEN_ESCAPE.search(text, max(at, end - 11))) is not None:
            # Only where the backslash is not escaped itself.
            before = text[at : open_escape.start()]
            if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                self._rest = text[open_escape.start() :]
                end = open_escape.start()
        if end > at:
            piece = decode(f'"{text[at:end]}"', _TEXT) if "\\" in text[at:end] else _plain(text[at:end])
            self._pieces.append(piece)
            self._length += len(piece)
        if not closed:
            return len(text)
        whole = "".join(self._pieces)
        if self._is_key:
            self._keys[-1] = whole
            self._next = _Next.COLON
        else:
            self._replace(whole)
            self._end_value()
        return end + 1

    def _read_scalar(self, text: str, at: int) -> int:
        match = _SCALAR.match(text, at)
        assert match is not None
        self._pieces.append(match[0])
        if match.end() < len(text):
            self._put(decode("".join(self._pieces), _ANY))
            self._end_value()
        return match.end()

    def _show(self) -> None:
        """Show what has arrived of an unfinished string."""
        if self._next is not _Next.STRING or self._is_key or self._length == self._shown:
            return
        if self._length <= _EXACT or self._length - self._shown >= self._shown // _PART:
            whole = "".join(self._pieces)
            self._pieces = [whole]
            self._shown = self._length
            self._replace(whole)

    def _put(self, value: JSON) -> None:
        """Give the open list or object its next value."""
        holder = self._open[-1] if self._open else self._root
        if isinstance(holder, dict):
            holder[self._keys[-1]] = value
        else:
            holder.append(value)

    def _replace(self, text: str) -> None:
        """Replace the last value by a longer text."""
        holder = self._open[-1] if self._open else self._root
        if isinstance(holder, dict):
            holder[self._keys[-1]] = text
        else:
            holder[-1] = text

    def _close(self) -> None:
        self._open.pop()
        self._keys.pop()
        self._end_value()

    def _end_value(self) -> None:
        self._next = _Next.COMMA if self._open else _Next.NOTHING


def _plain(text: str) -> str:
    """Text without escapes, as JSON takes it: without control characters."""
    return decode(f'"{text}"', _TEXT)


def _malformed() -> RemoteProtocolError:
    return RemoteProtocolError("malformed JSON")
