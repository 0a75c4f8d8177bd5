"""Dialects of the wire of lines that are wrong in one way each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

import sansio
from sansio import JSONObject, Message, Part, Read, StreamComplete, StreamEvent
from tests.sansio.testing.dialects.lines import LineDialect, LineReader, block_of


class _Forgetful(sansio.NDJSONFramer):
    """Takes the end of each piece for the end of a line."""

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        return super().feed(data if data.endswith(b"\n") else data + b"\n", read, events)


class CutsLines(LineDialect):
    """A line that arrives in two pieces is two lines."""

    def framer(self, content_type: str) -> sansio.Framer:
        return _Forgetful(self.limits.max_event_bytes)


class _NoSingleBytes(sansio.NDJSONFramer):
    """Passes over a piece of one byte."""

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        return len(data) > 1 and super().feed(data, read, events)


class LosesSingleBytes(LineDialect):
    """It is wrong byte by byte, and right for most other pieces."""

    def framer(self, content_type: str) -> sansio.Framer:
        return _NoSingleBytes(self.limits.max_event_bytes)


class _OnlySingleBytes(sansio.NDJSONFramer):
    """Passes over a second piece of more than a byte."""

    fed = False

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        if self.fed and len(data) > 1:
            return False
        self.fed = True
        return super().feed(data, read, events)


class LosesLargePieces(LineDialect):
    """It is right byte by byte, and wrong for other pieces."""

    def framer(self, content_type: str) -> sansio.Framer:
        return _OnlySingleBytes(self.limits.max_event_bytes)


class _TwoEnds(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if super().read(record, events):
            events.append(StreamComplete(self.message()))
            return True
        return False


class EndsTwice(LineDialect):
    """The reader adds the last event itself, and so does the parser."""

    def open_stream(self) -> LineReader:
        return _TwoEnds(self)


class _NeverDone(sansio.NDJSONFramer):
    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        done = False

        def on(line: bytes, events: list[StreamEvent], name: str) -> bool:
            nonlocal done
            done = read(line, events, name) or done
            return False

        super().feed(data, on, events)
        return done


class ReadsOn(LineDialect):
    """The framer goes on behind the end marker."""

    def framer(self, content_type: str) -> sansio.Framer:
        return _NeverDone(self.limits.max_event_bytes)


class _NoUsage(LineReader):
    def count(self, record: JSONObject) -> None:
        pass


class LosesUsage(LineDialect):
    """The counts of tokens are nowhere."""

    def open_stream(self) -> LineReader:
        return _NoUsage(self)


class _Trusting(LineReader):
    def receive_eof(self, events: list[StreamEvent]) -> bool:
        self._flush(events)
        return True


class TrustsTheEnd(LineDialect):
    """A connection that was lost is an answer."""

    def open_stream(self) -> LineReader:
        return _Trusting(self)


class _Mending(LineReader):
    """Gathers a call's arguments itself, and closes what was cut."""

    def __init__(self, dialect: sansio.Dialect) -> None:
        super().__init__(dialect)
        self._call: tuple[str, str, list[str]] | None = None

    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if "with" in record and self._call is not None:
            self._call[2].append(str(record["with"]))
            return False
        if self._call is not None:
            (call_id, name, pieces), self._call = self._call, None
            text = sansio.PartialJSON()
            text.feed("".join(pieces))
            found: Any = text.value or {}
            self._answer.take(sansio.ToolCall(call_id, name, dict(found)), events)
        if "call" in record:
            self._answer.end(events)
            self._call = str(record["call"]), str(record.get("name")), []
            return False
        return super().read(record, events)


class RepairsCalls(LineDialect):
    """A cut call is closed, and called."""

    def open_stream(self) -> LineReader:
        return _Mending(self)


class _Easy(LineReader):
    def receive_whole(self, data: JSONObject) -> None:
        super().receive_whole({"parts": [], "end": "done", **data})


class TakesAnything(LineDialect):
    """Any object is an answer, and an empty one."""

    def open_stream(self) -> LineReader:
        return _Easy(self)


class _OwnEvents(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        match record:
            case {"say": str(text)}:
                events.append(sansio.ContentDelta(text.upper(), 1))
                return super().read(record, [])
        return super().read(record, events)


class TellsOtherwise(LineDialect):
    """The events say other words than the message."""

    def open_stream(self) -> LineReader:
        return _OwnEvents(self)


class _Bytes(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        done = super().read(record, events)
        raw: Any = json.dumps(record).encode()
        self._answer.extra["raw"] = raw
        return done


class KeepsBytes(LineDialect):
    """An extra holds what is not JSON."""

    def open_stream(self) -> LineReader:
        return _Bytes(self)


class _Objects(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        thing: Any = object()
        self._answer.extra["thing"] = thing
        return super().read(record, events)


class KeepsObjects(LineDialect):
    """An extra holds what cannot be written as JSON at all."""

    def open_stream(self) -> LineReader:
        return _Objects(self)


class _Loose(LineReader):
    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        return super().receive(json.dumps(json.loads(data)).encode(), events, name)


class TrustsJSON(LineDialect):
    """What is no JSON raises."""

    def open_stream(self) -> LineReader:
        return _Loose(self)


class DropsSignatures(LineDialect):
    """What the server needs back is not sent, and nobody learns of it."""

    def block(self, part: Part) -> JSONObject | None:
        block = block_of(part)
        return None if block is None else sansio.rest(block, "sign")


class RefusesItsOwn(LineDialect):
    """It cannot send what it has read."""

    def block(self, part: Part) -> JSONObject | None:
        return None if isinstance(part, sansio.UnknownPart) else block_of(part)


class _Hasty(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if "tokens" in record:
            tokens: Any = record["tokens"]
            assert len(tokens) == 2
        return super().read(record, events)


class BelievesTheServer(LineDialect):
    """A value of another type is a TypeError."""

    def open_stream(self) -> LineReader:
        return _Hasty(self)


class RaisesOnErrors(LineDialect):
    """An error body of another form raises."""

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> sansio.APIStatusError:
        return super().build_error({**error, "type": str(error["type"]).strip()}, status, data)


class HasNoLimits(LineDialect):
    """The framer takes lines of any length."""

    def framer(self, content_type: str) -> sansio.Framer:
        return sansio.NDJSONFramer(1 << 30)


class _Deep(LineReader):
    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        try:
            record: JSONObject = json.loads(data)
        except ValueError as fault:
            raise sansio.RemoteProtocolError(str(fault)) from None
        if not isinstance(record, dict):
            raise sansio.RemoteProtocolError("not an object")
        if error := self._dialect.error_in(record):
            raise error
        self.progress += 1
        return self.read(record, events)


class GoesAsDeepAsItGets(LineDialect):
    """JSON may nest to any depth."""

    def open_stream(self) -> LineReader:
        return _Deep(self)


class _Rereading(LineReader):
    """Looks at all of the text again at each piece."""

    def __init__(self, dialect: sansio.Dialect) -> None:
        super().__init__(dialect)
        self._text = ""

    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        self._text += str(record.get("say") or "")
        self.look_at(self._text)
        return super().read(record, events)

    def look_at(self, text: str) -> None:
        """Look at it."""


class RereadsAll(LineDialect):
    """Quadratic cost."""

    def open_stream(self) -> LineReader:
        return _Rereading(self)


class Shares(LineDialect):
    """The dialect holds the state of an answer."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._reader: LineReader | None = None

    def open_stream(self) -> LineReader:
        self._reader = self._reader or LineReader(self)
        return self._reader


class _Still(LineReader):
    @property
    def progress(self) -> int:
        return 0

    @progress.setter
    def progress(self, value: int) -> None:
        pass


class NeverProgresses(LineDialect):
    """A slow answer looks like a stalled one."""

    def open_stream(self) -> LineReader:
        return _Still(self)


class _Twice(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if "model" in record:
            self._answer.extra["name"] = record["model"]
        return super().read(record, events)


class KeepsTwice(LineDialect):
    """A value is in a typed field and in an extra."""

    def open_stream(self) -> LineReader:
        return _Twice(self)


class CannotBeMade(LineDialect):
    """It raises where it is made."""

    def __init__(self, *given: object, **named: object) -> None:
        raise LookupError("no such thing")


class BrokenRequests(LineDialect):
    """Building a request raises."""

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[sansio.Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        raise LookupError("no such part")


class _KeepsCutCalls(LineReader):
    def partial(self) -> Message:
        message = super().partial()
        cut = [sansio.ToolCall(call.id, call.name, {}) for call in message.invalid_tool_calls]
        return msgspec.structs.replace(message, content=(*message.parts, *cut))


class KeepsCutCalls(LineDialect):
    """A call that was cut can be called, though the stream has failed."""

    def open_stream(self) -> LineReader:
        return _KeepsCutCalls(self)


class _MoreAtTheEnd(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if "end" in record:
            events.append(sansio.ContentDelta("and more " * 40, 7))
        return super().read(record, events)


class SaysMoreAtTheEnd(LineDialect):
    """The events of a whole answer say more than the message."""

    def open_stream(self) -> LineReader:
        return _MoreAtTheEnd(self)


class _OtherWords(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        over = super().read(record, events)
        if "say" in record:
            events.append(sansio.PartComplete(0, sansio.TextPart("other words")))
        return over


class CompletesOtherWords(LineDialect):
    """A part that is complete says something else than its deltas."""

    def open_stream(self) -> LineReader:
        return _OtherWords(self)


class _Before(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if "map" in record:
            place = len(self.message().parts)
            events.append(sansio.ContentDelta("first ", place))
        return super().read(record, events)


class SpeaksBeforeParts(LineDialect):
    """A part that comes whole has a delta before it."""

    def open_stream(self) -> LineReader:
        return _Before(self)


class _Stray(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if "end" in record:
            events += [sansio.ToolCallDelta(5, "{"), sansio.ToolCallDelta(5, "}")]
        return super().read(record, events)


class AddsStrayArguments(LineDialect):
    """Arguments of a call that has not begun."""

    def open_stream(self) -> LineReader:
        return _Stray(self)


class _PartTwice(LineReader):
    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        match record:
            case {"say": str(text)}:
                return super().read({**record, "said": text}, events)
        return super().read(record, events)


class KeepsTextTwice(LineDialect):
    """The text of a part is in its extra too."""

    def open_stream(self) -> LineReader:
        return _PartTwice(self)


class _Unsure(LineReader):
    """Reads a line rightly, unless its `sent` is not a number."""

    def read(self, record: JSONObject, events: list[StreamEvent]) -> bool:
        if not isinstance(record.get("sent", 0), int):
            self.err(events)
        return super().read(record, events)

    def err(self, events: list[StreamEvent]) -> None:
        """What is wrong then."""


class _UnsureOfEvents(_Unsure):
    def err(self, events: list[StreamEvent]) -> None:
        events.append(sansio.ContentDelta("odd", 7))


class _UnsureOfJSON(_Unsure):
    def err(self, events: list[StreamEvent]) -> None:
        raw: Any = b"odd"
        self._answer.extra["raw"] = raw


class _UnsureOfStorage(_Unsure):
    def err(self, events: list[StreamEvent]) -> None:
        thing: Any = object()
        self._answer.extra["thing"] = thing


class _UnsureOfTheEnd(_Unsure):
    def err(self, events: list[StreamEvent]) -> None:
        events.append(StreamComplete(self.message()))


class SaysMoreWhenDamaged(LineDialect):
    """The events of a damaged stream say more than its message."""

    def open_stream(self) -> LineReader:
        return _UnsureOfEvents(self)


class KeepsBytesWhenDamaged(LineDialect):
    """A message of a damaged stream is read from its storage as another."""

    def open_stream(self) -> LineReader:
        return _UnsureOfJSON(self)


class KeepsObjectsWhenDamaged(LineDialect):
    """A message of a damaged stream cannot be stored."""

    def open_stream(self) -> LineReader:
        return _UnsureOfStorage(self)


class EndsTwiceWhenDamaged(LineDialect):
    """A damaged stream has two ends."""

    def open_stream(self) -> LineReader:
        return _UnsureOfTheEnd(self)


class _Forgiving(LineReader):
    def receive_whole(self, data: JSONObject) -> None:
        super().receive_whole(data or {"parts": [], "end": "done"})


class TakesNothing(LineDialect):
    """An empty object is an answer."""

    def open_stream(self) -> LineReader:
        return _Forgiving(self)


class _Unread(sansio.NDJSONFramer):
    """Reads nothing of a stream that its dialect takes for an answer."""

    dialect: Guesses

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        self.dialect.data += data
        return not self.dialect.guesses and super().feed(data, read, events)


class _Guessing(LineReader):
    dialect: Guesses

    def receive_eof(self, events: list[StreamEvent]) -> bool:
        return self.dialect.guesses or super().receive_eof(events)


class Guesses(LineDialect):
    """A stream that begins with certain bytes is an answer, though it is not of this wire; see `guessing`."""

    SEEN: ClassVar[bytes]
    data = b""

    @property
    def guesses(self) -> bool:
        """Whether it does."""
        return self.data.startswith(self.SEEN) if self.SEEN else not self.data

    def framer(self, content_type: str) -> sansio.Framer:
        framer = _Unread(self.limits.max_event_bytes)
        framer.dialect = self
        return framer

    def open_stream(self) -> LineReader:
        reader = _Guessing(self)
        reader.dialect = self
        return reader


def guessing(seen: bytes) -> type[Guesses]:
    """A dialect that is wrong for streams that begin with these bytes; empty: for empty ones."""
    return type("Guesses", (Guesses,), {"SEEN": seen})


FOREIGN: list[type[LineDialect]] = [
    TakesNothing,
    *map(guessing, (b"", b"<!DOCTYPE html>", b'data: {"hello"', b'{"hello": "world"}\n{}\n')),
]
"""Those that break the law `foreign`, each by other bytes."""

BROKEN: dict[type[LineDialect], str] = {
    CutsLines: "cuts",
    LosesSingleBytes: "cuts",
    LosesLargePieces: "cuts",
    EndsTwice: "one-end",
    ReadsOn: "one-end",
    LosesUsage: "nothing-lost",
    TrustsTheEnd: "no-lie",
    RepairsCalls: "cut-calls",
    TakesAnything: "foreign",
    TellsOtherwise: "events",
    KeepsBytes: "storage",
    KeepsObjects: "storage",
    TrustsJSON: "damage",
    DropsSignatures: "goes-back",
    RefusesItsOwn: "goes-back",
    BrokenRequests: "goes-back",
    BelievesTheServer: "damage",
    RaisesOnErrors: "damage",
    HasNoLimits: "limits",
    GoesAsDeepAsItGets: "limits",
    RereadsAll: "linear",
    Shares: "independent",
    NeverProgresses: "progress",
    KeepsTwice: "one-place",
    CannotBeMade: "reads",
    KeepsCutCalls: "cut-calls",
    SaysMoreAtTheEnd: "events",
    SpeaksBeforeParts: "events",
    AddsStrayArguments: "events",
    KeepsTextTwice: "one-place",
    SaysMoreWhenDamaged: "events",
    KeepsBytesWhenDamaged: "storage",
    KeepsObjectsWhenDamaged: "storage",
    EndsTwiceWhenDamaged: "one-end",
}
"""The law that each of them breaks."""
