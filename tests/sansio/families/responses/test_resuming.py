"""The rest of a response whose stream was cut: what is asked for, and what is read of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import (
    ContentDelta,
    LimitExceededError,
    Limits,
    LocalProtocolError,
    ProviderError,
    RemoteProtocolError,
    Request,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
)
from sansio.limits import DEFAULT_LIMITS
from tests.sansio.families.responses.frames import (
    added,
    call,
    completed,
    created,
    done,
    event,
    message,
    reading,
    reasoning,
    response,
    text,
)
from tests.sansio.wires import Record, failure, sse

URL = "https://api.openai.com/v1/responses"
QUEUED: Record = {"type": "response.queued", "response": response(status="queued")}
BEGINNING = [created(background=True), added(message()), text("Hel"), text("lo")]
REST = [text(" world"), done(message("Hello world")), completed(message("Hello world"))]


def asked(url: str = URL, **body: Any) -> Request:
    return Request.post(url, (("accept", "text/event-stream"),), json.dumps(body).encode())


class Reader:
    """A parser that is fed with events, each with the number that it has on the wire."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.parser = StreamParser("openai/responses", limits=limits)
        self.events: list[StreamEvent] = []

    def read(self, *records: Record, first: int | None) -> Reader:
        for number, record in enumerate(records, first or 0):
            numbered = record if first is None else {**record, "sequence_number": number}
            self.events += self.parser.receive_data(sse(numbered))
        return self

    def cut(self, request: Request | None = None) -> Request | None:
        cut = self.parser.suspend(self.events)
        assert isinstance(cut, StreamTruncatedError)
        found = self.parser.resume(request or asked())
        self.parser.reopen()
        return found

    @property
    def error(self) -> ProviderError:
        return failure(self.events)


def resumed() -> Reader:
    """After the events 0 to 3, and a cut."""
    reader = Reader().read(*BEGINNING, first=0)
    assert reader.cut() is not None
    return reader


def target(*records: Record, first: int | None = 0, request: Request | None = None) -> str | None:
    found = Reader().read(*records, first=first).cut(request)
    return None if found is None else found.target


@pytest.mark.parametrize("again", range(5))
def test_the_rest_may_begin_at_any_event_that_was_read(again: int) -> None:
    records = [*BEGINNING, *REST]
    events = resumed().read(*records[4 - again :], first=4 - again).events
    assert events[:-1] == [ContentDelta("Hel"), ContentDelta("lo"), ContentDelta(" world")]
    assert isinstance(events[-1], StreamComplete)
    assert events[-1] == Reader().read(*records, first=0).events[-1]


def test_the_rest_may_begin_with_queued_and_has_no_created() -> None:
    reader = Reader().read(BEGINNING[0], first=0)
    found = reader.cut()
    assert found is not None
    assert "starting_after=0" in found.target
    reader.read(QUEUED, *BEGINNING[1:], *REST, first=1)
    assert isinstance(reader.events[-1], StreamComplete)


def test_an_event_that_is_no_part_of_the_answer_may_have_a_number() -> None:
    ping = {"type": "keepalive"}
    reader = resumed().read(ping, *REST, first=4)
    assert isinstance(reader.events[-1], StreamComplete)
    reader = resumed().read(ping, first=None).read(*REST, first=4)
    assert isinstance(reader.events[-1], StreamComplete)


def test_the_request_for_the_rest() -> None:
    body: Record = {
        "input": "Hi",
        "background": True,
        "include": ["message.output_text.logprobs"],
        "stream_options": {"include_obfuscation": False},
    }
    found = Reader().read(*BEGINNING, first=0).cut(asked(**body))
    assert found is not None
    assert (found.method, found.body) == ("GET", b"")
    assert found.url == (
        f"{URL}/resp_1?stream=true&starting_after=3&include%5B%5D=message.output_text.logprobs"
        "&include_obfuscation=false"
    )
    assert dict(found.headers) == {
        "host": "api.openai.com",
        "accept-encoding": "identity",
        "accept": "text/event-stream",
    }


def test_the_address_keeps_its_query() -> None:
    azure = asked("https://r.openai.azure.com/openai/responses?api-version=preview")
    assert target(*BEGINNING, request=azure) == (
        "/openai/responses/resp_1?api-version=preview&stream=true&starting_after=3"
    )


@pytest.mark.parametrize("body", [{"include": "x"}, {"stream_options": ["x"]}, {"include": None}])
def test_fields_of_any_type_do_no_harm(body: Record) -> None:
    assert target(*BEGINNING, request=asked(**body)) == "/v1/responses/resp_1?stream=true&starting_after=3"


@pytest.mark.parametrize("first", [
    created(),
    created(background=False),
    created(background=True, store=False),
    created(background="true"),
    created(background=True, id=None),
    created(background=True, id=""),
    created(background=True, id=".."),
    created(background=True, id="a b"),
    created(background=True, id="Ä"),
    created(background=True, id="r" * 1_001),
])  # fmt: skip
def test_what_the_server_does_not_keep_cannot_be_resumed(first: Record) -> None:
    assert target(first, added(message())) is None


def test_an_id_is_one_segment_of_the_address() -> None:
    found = target(created(background=True, id="../x?y#z%"))
    assert found == "/v1/responses/..%2Fx%3Fy%23z%25?stream=true&starting_after=0"


def test_without_numbers_there_is_nothing_to_resume_from() -> None:
    assert target(*BEGINNING, first=None) is None
    assert target(first=0) is None
    assert target(*BEGINNING, first=2**53) is None
    assert target(*BEGINNING, first=-9) is None


@pytest.mark.parametrize(
    "last", [added(message(id="msg_2"), 1), text("!"), {**added(message(), 1), "sequence_number": "4"}]
)
def test_an_event_without_a_number_ends_what_can_be_resumed(last: Record) -> None:
    assert Reader().read(*BEGINNING, first=0).read(last, first=None).cut() is None


def test_the_longest_id_and_the_largest_number_can_be_resumed() -> None:
    first, *others = BEGINNING
    assert f"starting_after={2**53 - 1}" in str(target(first, *others, first=2**53 - len(BEGINNING)))
    assert target(first, *others, first=2**53 - len(BEGINNING) + 1) is None
    assert target(created(background=True, id="r" * 1_000)) is not None


def test_an_event_that_was_cut_is_asked_for_again() -> None:
    reader = Reader().read(*BEGINNING, first=0)
    cut = sse({**text(" world"), "sequence_number": 4}).rstrip()
    reader.events += reader.parser.receive_data(cut[:-1])
    found = reader.cut()
    assert found is not None
    assert "starting_after=3" in found.target
    reader.events += reader.parser.receive_data(cut)  # whole, but for its last line end
    found = reader.cut()
    assert found is not None
    assert "starting_after=4" in found.target
    reader.read(*REST[1:], first=5)
    assert isinstance(reader.events[-1], StreamComplete)
    assert reader.events[-1].message.text == "Hello world"


@pytest.mark.parametrize(("records", "first", "words"), [
    ([{**QUEUED, "response": response(id="resp_2")}], 0, "resp_2"),
    ([completed(id="resp_2")], 4, "resp_2"),
    ([text("!")], 5, "sequence_number 5 where 4 is next"),
    ([text("!")], None, "sequence_number None where 4 is next"),
    ([text(" world"), text("!")], None, "sequence_number"),
    ([done(message("Help"))], 4, "contradicts"),
    ([completed(message("Help"))], 4, "contradicts"),
])  # fmt: skip
def test_a_rest_that_does_not_fit_is_malformed(records: list[Record], first: int | None, words: str) -> None:
    error = resumed().read(*records, first=first).error
    assert type(error) is RemoteProtocolError
    assert words in error.message
    assert error.partial is not None
    assert error.partial.text == "Hello"


ITEMS: list[tuple[list[Record], Record, Record]] = [
    (
        [added(reasoning()), event("reasoning_summary_text.delta", summary_index=0, delta="Hm")],
        reasoning("Hm."),
        reasoning("Well."),
    ),
    (
        [added(call()), event("function_call_arguments.delta", delta='{"a"')],
        call('{"a": 1}'),
        call('{"b": 1}'),
    ),
    ([added(call())], call("{}"), call("{}", name="g")),
    ([added(call())], call("{}"), call("{}", call_id="call_2")),
    ([added(message()), text("Hel")], message("Hello"), message("Hallo")),
]


@pytest.mark.parametrize(("begun", "good", "bad"), ITEMS, ids=range(len(ITEMS)))
def test_a_finished_item_must_go_on_as_it_began(begun: list[Record], good: Record, bad: Record) -> None:
    def outcome(item: Record, *, cut: bool) -> StreamEvent:
        reader = Reader().read(created(background=True), *begun, first=0)
        if cut:
            reader.cut()
        return reader.read(done(item), completed(), first=1 + len(begun)).events[-1]

    assert outcome(good, cut=True) == outcome(good, cut=False)
    assert isinstance(outcome(bad, cut=False), StreamComplete)  # some servers change what they said
    assert "contradicts" in failure([outcome(bad, cut=True)]).message


@pytest.mark.parametrize(("finished", "other"), [
    (message("Hello"), message("Help")),
    (reasoning("Hm."), reasoning("Well.")),
    (call('{"a": 1}'), call('{"b": 1}')),
])  # fmt: skip
def test_the_last_event_must_agree_with_the_items_before_the_cut(finished: Record, other: Record) -> None:
    image = {**message("Hello"), "content": [*message("Hello")["content"], {"type": "image"}]}
    more = [image, message("Hello", "more")] if finished["type"] == "message" else []
    for last in (finished, other, *more):
        reader = Reader().read(created(background=True), done(finished), first=0)
        reader.cut()
        reader.read(completed(last), first=2)
        if last is other:
            assert "contradicts" in reader.error.message
        else:
            assert isinstance(reader.events[-1], StreamComplete)


# The parser.


def test_a_chat_completion_cannot_be_resumed() -> None:
    parser = StreamParser("openai")
    assert parser.suspend([]) is not None
    assert parser.resume(asked()) is None


def test_a_body_is_reopened_only_after_it_was_suspended() -> None:
    parser = StreamParser(reading())
    with pytest.raises(LocalProtocolError):
        parser.reopen()
    parser.suspend([])
    with pytest.raises(LocalProtocolError):
        parser.receive_data(b"data: {}\n\n")
    with pytest.raises(LocalProtocolError):
        parser.suspend([])
    parser.reopen()
    assert parser.receive_data(b": ping\n\n") == []
    parser.receive_eof()
    with pytest.raises(LocalProtocolError):
        parser.reopen()


def test_the_limit_of_an_answer_is_for_all_its_bodies_and_offsets_for_the_last_one() -> None:
    size = sum(len(sse({**record, "sequence_number": 0})) for record in BEGINNING)
    reader = Reader(limits=Limits(max_answer_bytes=size + 10)).read(*BEGINNING, first=0)
    reader.cut()
    error = reader.read(*REST, first=4).error
    assert isinstance(error, LimitExceededError)
    assert (error.field, error.offset) == ("max_answer_bytes", 10)
    reader = resumed().read(text(" world"), first=4)
    error = reader.read({"type": "response.output_text.delta", "delta": 1}, first=5).error
    assert error.offset == len(sse({**text(" world"), "sequence_number": 4}))
