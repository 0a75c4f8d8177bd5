"""Which events are read in one step, and which by their lines.

A wire of the tests' own notes the way on which each of its events came.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sansio import Dialect, DialectStream, Message, Role, StreamEvent, StreamParser
from sansio.framing.sse import ServerSentEvent
from sansio.content import JSONObject, Tool
from tests.sansio.wires import config

USUAL = "at once"
LINES = "by lines"


class Noting(DialectStream):
    """Takes any text in one step, but what begins with `odd` or has two lines."""

    plain_prefix = b"data: "

    def __init__(self) -> None:
        self.ways: list[tuple[str, str]] = []

    def receive(self, event: ServerSentEvent, events: list[StreamEvent]) -> bool:
        self.ways.append((event.data, LINES))
        return event.data == "end"

    def receive_plain(self, payload: bytes, events: list[StreamEvent]) -> bool:
        assert b"\n" not in payload
        if payload.startswith((b"odd", b"end")):
            return False
        self.ways.append((payload.decode(), USUAL))
        return True

    def receive_eof(self, events: list[StreamEvent]) -> bool:
        return False

    def message(self) -> Message:
        return Message(Role.ASSISTANT)

    def partial(self) -> Message:
        return Message(Role.ASSISTANT)


class NotingDialect(Dialect):
    """As much of a dialect as a parser needs; all its streams are one."""

    def __init__(self, **limits: int) -> None:
        super().__init__(config("openai", limits=limits))
        self.stream = Noting()

    def build_endpoint(self, stream: bool = False) -> str:
        return self.config.base_url

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        return {}

    def parse_response(self, data: JSONObject) -> Message:
        return Message(Role.ASSISTANT)

    def open_stream(self) -> Noting:
        return self.stream


def ways(*feeds: str, record: bool = False, **limits: int) -> str:
    """The events in order, those that were read by lines in brackets."""
    dialect = NotingDialect(**limits)
    parser = StreamParser(dialect, record=record)
    for feed in feeds:
        parser.receive_data(feed.encode())
    return " ".join(data if way == USUAL else f"[{data}]" for data, way in dialect.stream.ways)


def usual(*words: str) -> str:
    return "".join(f"data: {word}\n\n" for word in words)


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        # Before the first byte a byte order mark may come.
        ([usual("a", "b", "c")], "[a] b c"),
        ([usual("a"), usual("b"), usual("c", "d")], "[a] b c d"),
        (["\ufeff" + usual("a", "b"), usual("c")], "[a] b c"),
        # What is not whole is framed by lines, and what comes whole behind it is not.
        ([usual("a"), "data: b", "\n\n" + usual("c", "d")], "[a] [b] c d"),
        ([usual("a"), "data: b\n", "\n" + usual("c", "d")], "[a] [b] [c] d"),
        ([usual("a"), usual("b") + "da", "ta: c\n\n" + usual("d")], "[a] b [c] d"),
        ([usual("a"), usual("b") + "data: c\n", "\n", usual("d")], "[a] b [c] d"),
        ([usual("a"), usual("b", "c", "d") + "data: e", "\n\n"], "[a] b c d [e]"),
        ([usual("a"), "data: ", "b\n\n", usual("c")], "[a] [b] c"),
        # So it is with what is of another form.
        ([usual("a"), ": ping\n\n" + usual("b"), usual("c")], "[a] b c"),
        ([usual("a", "b") + ": ping\n\n" + usual("c"), usual("d")], "[a] [b] c d"),
        ([usual("a"), "id: 7\ndata: b\n\n", usual("c")], "[a] [b] c"),
        ([usual("a"), "data:b\n\n" + usual("c", "d")], "[a] [b] c d"),
        ([usual("a"), "\n\n" + usual("b")], "[a] b"),
        ([usual("a"), "data: b\ndata: c\n\n" + usual("d")], "[a] [b\nc] d"),
        ([usual("a"), "data: b\n\n\n\n", usual("c")], "[a] [b] c"),
        # The dialect says what of the usual form is odd all the same.
        ([usual("a", "b", "odd", "c", "odd", "odd", "d"), usual("e")], "[a] b [odd] c [odd] [odd] d e"),
        ([usual("a", "odd"), usual("odd"), usual("b")], "[a] [odd] [odd] b"),
        # A feed with a carriage return in it is framed by lines as a whole.
        ([usual("a"), usual("b") + "\r\n" + usual("c"), usual("d")], "[a] [b] [c] d"),
        ([usual("a"), "data: b\r\n\r\n", usual("c")], "[a] [b] c"),
        ([usual("a"), "data: b\r\r", usual("c"), usual("d")], "[a] [b] [c] d"),
        # Nothing is read behind the end.
        ([usual("a", "b", "end", "c"), usual("d")], "[a] b [end]"),
        ([usual("end", "a")], "[end]"),
    ],
)
def test_what_is_whole_and_of_the_usual_form_is_read_at_once(feeds: list[str], expected: str) -> None:
    assert ways(*feeds) == expected
    words = expected.replace("[", "").replace("]", "").split(" ")
    assert ways(*feeds, record=True) == " ".join(f"[{word}]" for word in words)


def test_a_feed_that_is_longer_than_an_event_may_be_is_framed_by_lines() -> None:
    assert ways(usual("a"), usual("b", "c"), max_event_bytes=18) == "[a] b c"
    assert ways(usual("a"), usual("b", "c"), max_event_bytes=17) == "[a] [b] [c]"
    assert ways(usual("a"), usual("b", "c"), usual("d"), max_event_bytes=17) == "[a] [b] [c] d"
