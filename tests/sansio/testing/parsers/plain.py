"""Parsers for the check: right ones, and ones that are wrong in one way each."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from sansio import (
    ServerSentEvent,
    SSEDecoder,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    ToolCallDelta,
)

Answer: TypeAlias = tuple[str, list[tuple[str, object]]]


class Ours:
    """This library's parser behind the two functions."""

    DIALECT: ClassVar[str] = "openai"

    def __init__(self) -> None:
        self.parser = StreamParser(self.DIALECT)
        self.events: list[StreamEvent] = []

    def feed(self, data: bytes) -> None:
        self.events += self.parser.receive_data(data)

    def close(self) -> Answer:
        self.events += self.parser.receive_eof()
        last = self.events[-1]
        if isinstance(last, StreamFailed):
            raise last.error
        assert isinstance(last, StreamComplete)
        return last.message.text, [(call.name, call.arguments_text()) for call in last.message.tool_calls]


class OursOfAnthropic(Ours):
    DIALECT = "anthropic"


class Decoder:
    """This library's decoder behind the two functions."""

    def __init__(self) -> None:
        self.decoder = SSEDecoder()
        self.events: list[list[str]] = []

    def feed(self, data: bytes) -> None:
        for item in self.decoder.receive_data(data):
            assert isinstance(item, ServerSentEvent)
            self.events.append([item.event, item.data, item.id])

    def close(self) -> object:
        return self.events


class Failing(Ours):
    def close(self) -> Answer:
        raise NotImplementedError("later")


class Strict(Ours):
    """Refuses what follows the end marker, and a call that was cut."""

    def feed(self, data: bytes) -> None:
        _, marker, rest = data.partition(b"[DONE]\n\n")
        if (marker and rest) or b'"length"' in data:
            raise ValueError("not valid")
        super().feed(data)


class Verbatim(Ours):
    """Gives all arguments as they were sent."""

    def close(self) -> Answer:
        super().close()
        last = self.events[-1]
        assert isinstance(last, StreamComplete)
        calls = last.message.all_tool_calls
        return last.message.text, [(call.name, call.raw_arguments or "") for call in calls]


class Shapeless(Ours):
    def close(self) -> object:  # type: ignore[override]  # wrong on purpose
        return "text"


class Nameless(Ours):
    def close(self) -> object:  # type: ignore[override]  # wrong on purpose
        return "text", [("name", {}), None]


class Upper(Ours):
    """Gives other words than the stream."""

    def close(self) -> Answer:
        text, calls = super().close()
        return text.upper(), calls


class NoCarriageReturns(Ours):
    """Knows one line end."""

    def feed(self, data: bytes) -> None:
        super().feed(data.replace(b"\r", b""))


class NoMark(Ours):
    """Does not know a byte order mark."""

    def feed(self, data: bytes) -> None:
        if data.startswith(b"\xef\xbb\xbf"):
            raise ValueError("a mark")
        super().feed(data)


class NoComments(Ours):
    """Does not know comments."""

    def feed(self, data: bytes) -> None:
        if b"\n:" in data:
            raise ValueError("a line without a name")
        super().feed(data)


class OneLine(Ours):
    """Takes each data line for an event."""

    def feed(self, data: bytes) -> None:
        super().feed(data.replace(b"\ndata:", b"\n\ndata:"))


class WithSpace(Ours):
    """Wants a space behind the colon."""

    def feed(self, data: bytes) -> None:
        super().feed(data.replace(b"data:{", b"x:{"))


class KnownFields(Ours):
    """Refuses fields that it does not know."""

    def feed(self, data: bytes) -> None:
        if b"a_new_field" in data:
            raise ValueError("unknown field")
        super().feed(data)


class Characters(Ours):
    """Decodes each piece by itself."""

    def feed(self, data: bytes) -> None:
        super().feed(data.decode("utf-8", "replace").encode())


class Pieces(Ours):
    """Fails for many pieces alone."""

    def feed(self, data: bytes) -> None:
        if len(data) == 1:
            return
        super().feed(data)


class Halves(Ours):
    """Loses what is in a second piece, unless all are small."""

    def __init__(self) -> None:
        super().__init__()
        self.fed = 0

    def feed(self, data: bytes) -> None:
        self.fed += 1
        if self.fed == 1 or len(data) == 1:
            super().feed(data)


class Partial(Ours):
    """Takes what was received for an answer, however it ended."""

    def close(self) -> Answer:
        last = [*self.events, *self.parser.receive_eof()][-1]
        if isinstance(last, StreamFailed):
            message = last.error.partial
            return message.text if message else "", []
        return super().close()


class Deaf(Ours):
    """Takes an error inside the stream for the end of the answer."""

    failed = False

    def feed(self, data: bytes) -> None:
        before, error, _ = data.partition(b'data: {"error"')
        self.failed = self.failed or bool(error)
        super().feed(before)

    def close(self) -> Answer:
        return ("Hello ", []) if self.failed else super().close()


class Guesses(Ours):
    """Takes a stream for an answer if it looks like one, also if it is not; see `guessing`."""

    SEEN: ClassVar[bytes]

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def feed(self, data: bytes) -> None:
        self.data += data
        super().feed(data)

    def close(self) -> Answer:
        guessed = self.SEEN in self.data[:40] if self.SEEN else not self.data
        return ("", []) if guessed else super().close()


def guessing(seen: bytes) -> type[Guesses]:
    """A parser that is wrong for streams that begin with these bytes or nearly so; empty: for empty ones."""
    return type("Guesses", (Guesses,), {"SEEN": seen})


class ReadsOn(Ours):
    """Gives what it finds behind the end."""

    def __init__(self) -> None:
        super().__init__()
        self.behind = b""

    def feed(self, data: bytes) -> None:
        self.behind += data.partition(b"[DONE]\n\n")[2]
        super().feed(data)

    def close(self) -> Answer:
        text, calls = super().close()
        return text + self.behind.decode() if self.behind == b"data: {\n\n" else text, calls


class Repairs(Ours):
    """Closes the JSON of a call that was cut."""

    def close(self) -> Answer:
        text, calls = super().close()
        pieces = [event.arguments for event in self.events if isinstance(event, ToolCallDelta)]
        return text, calls or ([("weather", {"repaired": pieces})] if pieces else [])


class Doubles(Ours):
    """Reads on behind the end marker."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = 0

    def feed(self, data: bytes) -> None:
        self.ends += data.count(b"[DONE]\n\n")
        super().feed(data)

    def close(self) -> Answer:
        text, calls = super().close()
        return text * max(1, self.ends), calls


class Trusts(Ours):
    """Looks into each value without a check."""

    def feed(self, data: bytes) -> None:
        if b'"choices":null' in data:
            raise TypeError("'NoneType' object is not iterable")
        super().feed(data)


class Shared(Ours):
    """Keeps what is open in the class."""

    open: ClassVar[list[StreamParser]] = []

    def __init__(self) -> None:
        super().__init__()
        if not self.open:
            self.open.append(self.parser)
        self.parser = self.open[0]

    def close(self) -> Answer:
        self.open.clear()
        return super().close()


class Remembers(Ours):
    """Answers differently once a stream was cut."""

    cut: ClassVar[list[int]] = []

    def close(self) -> Answer:
        if self.cut:
            return "again", []
        try:
            return super().close()
        except Exception:
            self.cut.append(1)
            raise


class Twins(Ours):
    """Of two streams at once, the first has the text of both."""

    open: ClassVar[list[Twins]] = []

    def __init__(self) -> None:
        super().__init__()
        self.open.append(self)
        self.alone = len(self.open) == 1

    def close(self) -> Answer:
        self.open.remove(self)
        text, calls = super().close()
        return (text, calls) if self.alone else (text * 50, calls)


class LongWinded(Ours):
    """Raises with a long text."""

    def feed(self, data: bytes) -> None:
        raise KeyError("no such name. " * 50)


class CallsLoosely(Ours):
    """Takes a call that was cut for one with no arguments."""

    def close(self) -> Answer:
        text, calls = super().close()
        return text, calls or [("weather", None)]


class Quadratic(Ours):
    """Looks through all that arrived at each piece."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def feed(self, data: bytes) -> None:
        self.data += data
        self.look(self.data)
        super().feed(data)

    def look(self, data: bytes) -> bool:
        return data.endswith(b"\n\n")


class LastEvent(Decoder):
    """Gives the event that the end of the stream leaves open."""

    def close(self) -> object:
        self.feed(b"\n\n")
        return self.events


class Unnamed(Decoder):
    """Gives data without names."""

    def close(self) -> object:
        return [event[1] for event in self.events]


class WithoutIds(Decoder):
    def close(self) -> object:
        return [event[:2] for event in self.events]


class Listless(Decoder):
    def close(self) -> object:
        return None
