"""What a call does when the stream of a response is cut that its server keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sansio import (
    APIConnectionError,
    APITimeoutError,
    BadRequestError,
    Body,
    Call,
    ContentDelta,
    End,
    Head,
    InternalServerError,
    LimitExceededError,
    Limits,
    Lost,
    Message,
    NotFoundError,
    Provider,
    ProviderConfig,
    ProviderError,
    RateLimitError,
    RemoteProtocolError,
    Send,
    StreamComplete,
    StreamEvent,
    StreamTruncatedError,
    Wait,
)
from sansio.states import CallState
from sansio.steps import ChunkRecord, RequestRecord
from tests.sansio.exchanges import (
    ENDS,
    JSON_HEAD,
    MALFORMED,
    REFUSED,
    RESET,
    SSE_HEAD,
    STALE,
    TIMEOUT,
    Input,
    error_body,
    run,
    sends,
    waits,
    whole,
)
from tests.sansio.families.responses.frames import added, completed, created, done, message, response, text
from tests.sansio.wires import ASK, Record, failure, sse

RECORDS = [
    created(background=True),
    {"type": "response.queued", "response": response(status="queued", background=True)},
    added(message()),
    text("Hel"),
    text("lo"),
    text(" world"),
    done(message("Hello world")),
    completed(message("Hello world")),
]
FRAMES = [sse({**record, "sequence_number": number}) for number, record in enumerate(RECORDS)]


def asking(*, stream: bool = True, limits: dict[str, int] | None = None, **options: Any) -> Call:
    config = ProviderConfig(type="openai", api="responses", model="m", limits=Limits(**limits or {}))
    return Provider(config).call(ASK, stream=stream, background=True, **options)


def part(first: int, last: int, end: Input = Lost(RESET)) -> list[Input]:  # noqa: B008, it is frozen
    """A response with the events from `first` on, before `last`."""
    return [SSE_HEAD, Body(b"".join(FRAMES[first:last])), end]


def targets(steps: Sequence[Send | Wait]) -> list[str]:
    """What each request after the first asked for."""
    asked = [step.request for step in steps if isinstance(step, Send)][1:]
    assert {request.method for request in asked} <= {"GET"}
    return [request.target.removeprefix("/v1/responses/resp_1?stream=true&") for request in asked]


def partial(error: ProviderError) -> str:
    assert error.partial is not None
    return error.partial.text


def seen(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ContentDelta))


@pytest.mark.parametrize("end", [End(), Lost(RESET), Lost(TIMEOUT)])
def test_a_stream_that_is_cut_after_output_goes_on(end: Input) -> None:
    subject = asking()
    events, steps = run(subject, part(0, 4, end), part(4, 5, end), part(5, 8))
    assert seen(events) == "Hello world"
    assert isinstance(events[-1], StreamComplete)
    assert events[-1].message == subject.result()
    assert subject.result().text == "Hello world"
    assert targets(steps) == ["starting_after=3", "starting_after=4"]
    assert (subject.attempts, subject.resumes) == (3, 2)
    assert subject.response is not None
    assert (subject.response.attempts, subject.response.resumes) == (3, 2)


def test_what_the_server_sends_again_is_not_handed_out_again() -> None:
    events, _ = run(asking(), part(0, 4), part(0, 5), part(2, 8))
    assert [event for event in events if isinstance(event, ContentDelta)] == [
        ContentDelta("Hel"),
        ContentDelta("lo"),
        ContentDelta(" world"),
    ]


def test_a_stream_that_is_cut_before_output_goes_on_too() -> None:
    """A second request would start, and cost, a second response beside the first."""
    events, steps = run(asking(), part(0, 2), part(2, 8))
    assert seen(events) == "Hello world"
    assert targets(steps) == ["starting_after=1"]


def test_a_stream_that_is_cut_before_its_first_event_begins_again() -> None:
    events, steps = run(asking(), part(0, 0), part(0, 8))
    assert seen(events) == "Hello world"
    assert [step.request.method for step in steps if isinstance(step, Send)] == ["POST", "POST"]


def test_a_stream_that_was_not_asked_for_is_resumed_all_the_same() -> None:
    events, steps = run(asking(stream=False), part(0, 4), part(4, 8))
    assert [type(event) for event in events] == [StreamComplete]
    assert targets(steps) == ["starting_after=3"]


def test_a_stream_is_resumed_any_number_of_times_if_each_brings_something() -> None:
    subject = asking()
    events, steps = run(subject, *(part(at, at + 1) for at in range(7)), part(7, 8))
    assert seen(events) == "Hello world"
    assert subject.attempts == 8
    assert waits(steps) == [1.0] * 7


def test_a_resume_that_brings_nothing_new_is_a_failed_attempt() -> None:
    subject = asking()
    events, steps = run(subject, part(0, 4), part(2, 4), part(4, 4))
    error = failure(events)
    assert targets(steps) == ["starting_after=3"] * 2
    assert waits(steps) == [1.0, 2.0]
    assert isinstance(error, StreamTruncatedError)
    assert (error.attempts, error.resumes, partial(error)) == (3, 2, "Hel")
    assert "3 attempts, 2 of them for the rest" in str(error)
    assert error.response is not None
    assert error.response.resumes == 2


def test_something_new_lets_the_count_begin_again() -> None:
    _, steps = run(asking(), part(0, 4), [Lost(REFUSED)], part(4, 5), [Lost(REFUSED)], part(5, 8))
    assert waits(steps) == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_max_attempts_bounds_the_attempts_without_anything_new(attempts: int) -> None:
    subject = asking(max_attempts=attempts)
    events, steps = run(subject, part(0, 4), *[[Lost(REFUSED)]] * (attempts - 1))
    assert sends(steps) == attempts
    assert partial(failure(events)) == "Hel"


def test_a_peer_that_gives_one_event_a_time_comes_to_the_limit_of_an_answer() -> None:
    subject = asking(limits={"max_answer_bytes": 2_000})
    exchange = part(0, 4)
    events: list[StreamEvent] = []
    number = 4
    while (step := subject.next_step()) is not None:
        if isinstance(step, Send):
            for value in exchange:
                events += subject.receive(value)
            exchange = [SSE_HEAD, Body(sse({**text("x"), "sequence_number": number})), Lost(RESET)]
            number += 1
    error = failure(events)
    assert isinstance(error, LimitExceededError)
    assert error.field == "max_answer_bytes"
    assert 3 < subject.resumes < 20


# What the request for the rest may be answered with.


def test_a_stale_connection_is_replaced_at_once() -> None:
    subject = asking()
    events, steps = run(subject, part(0, 4), [Lost(STALE)], part(4, 8))
    assert seen(events) == "Hello world"
    assert waits(steps) == [1.0]
    assert (subject.attempts, subject.resumes) == (2, 1)
    assert [step.fresh for step in steps if isinstance(step, Send)] == [False, False, True]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_a_status_that_may_pass_is_tried_again(status: int) -> None:
    busy = error_body(status, ("retry-after", "7"))
    events, steps = run(asking(), part(0, 4), busy, part(4, 8))
    assert seen(events) == "Hello world"
    assert waits(steps) == [1.0, 7.0]
    assert targets(steps) == ["starting_after=3"] * 2


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitError), (503, InternalServerError)])
def test_a_status_that_does_not_pass_ends_the_call(status: int, kind: type[ProviderError]) -> None:
    events, _ = run(asking(), part(0, 4), error_body(status), error_body(status))
    error = failure(events)
    assert type(error) is kind
    assert (error.attempts, partial(error)) == (3, "Hel")
    events, steps = run(asking(), part(0, 4), error_body(status, ("retry-after", "3600")))
    assert failure(events).retry_after == 3_600
    assert sends(steps) == 2


def test_any_other_status_ends_the_call() -> None:
    events, _ = run(asking(), part(0, 4), error_body(400))
    error = failure(events)
    assert type(error) is BadRequestError
    assert partial(error) == "Hel"


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("before", [2, 4])
def test_a_response_that_the_server_has_no_more_is_truncated(status: int, before: int) -> None:
    events, steps = run(asking(), part(0, before), error_body(status))
    error = failure(events)
    assert type(error) is StreamTruncatedError
    assert sends(steps) == 2
    assert "stored" in str(error)
    assert isinstance(error.__cause__, NotFoundError) == (status == 404)
    assert partial(error) == ("Hel" if before == 4 else "")
    assert error.response is not None
    assert error.response.status == status


WRONG: dict[str, list[Input]] = {
    "a whole response": whole(response(message("Hello world"))),
    "a web page": [Head(200, (("content-type", "text/html"),)), Body(b"<html>")],
    "malformed HTTP": [Lost(MALFORMED)],
    "malformed HTTP in the stream": [SSE_HEAD, Lost(MALFORMED)],
    "malformed JSON": [SSE_HEAD, Body(b"data: {\n\n")],
    "another response": [SSE_HEAD, Body(sse({**created(id="resp_2"), "sequence_number": 0}))],
    "a gap": [SSE_HEAD, Body(FRAMES[5])],
    "an unknown coding": [Head(200, (("content-encoding", "br"),))],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_rest_that_is_malformed_ends_the_call(name: str) -> None:
    events, steps = run(asking(), part(0, 4), WRONG[name])
    error = failure(events)
    assert type(error) is RemoteProtocolError
    assert partial(error) == seen(events) == "Hel"
    assert sends(steps) == 2


def test_a_whole_response_that_is_cut_is_asked_for_again() -> None:
    events, _ = run(asking(), part(0, 4), [JSON_HEAD, Body(b"{"), Lost(RESET)], part(4, 8))
    assert seen(events) == "Hello world"


def test_a_stream_of_another_content_type_is_known_by_its_first_bytes() -> None:
    plain = Head(200, (("content-type", "application/json"),))
    events, _ = run(asking(), part(0, 4), [plain, *part(4, 8)[1:]])
    assert seen(events) == "Hello world"


ERRORS: list[Record] = [
    {"type": "error", "error": {"type": "server_error", "message": "m"}},
    {"type": "response.failed", "response": response(status="failed", error={"code": "server_error"})},
]


@pytest.mark.parametrize("record", ERRORS)
@pytest.mark.parametrize("before", [2, 4])
def test_an_error_that_the_provider_states_is_final(record: Record, before: int) -> None:
    last = Body(sse({**record, "sequence_number": before}))
    events, steps = run(asking(), part(0, before), [SSE_HEAD, last])
    assert isinstance(failure(events), InternalServerError)
    assert sends(steps) == 2
    events, steps = run(asking(), [SSE_HEAD, Body(b"".join(FRAMES[:4])), last])
    assert isinstance(failure(events), InternalServerError)
    assert sends(steps) == 1


@pytest.mark.parametrize("end", ENDS)
def test_without_background_nothing_is_resumed(end: Input) -> None:
    config = ProviderConfig(type="openai", api="responses", model="m")
    first = sse({**created(background=False), "sequence_number": 0})
    subject = Provider(config).call(ASK)
    events, steps = run(subject, [SSE_HEAD, Body(first + b"".join(FRAMES[2:4])), end])
    assert sends(steps) == 1
    assert partial(failure(events)) == "Hel"
    assert subject.resumes == 0


@pytest.mark.parametrize("end", [
    Lost(MALFORMED),
    Body(b"data: {\n\n"),
    Body(sse({**text("x"), "delta": 1, "sequence_number": 4})),
])  # fmt: skip
def test_a_stream_that_is_malformed_is_not_resumed(end: Input) -> None:
    events, steps = run(asking(), [*part(0, 4)[:2], end])
    assert sends(steps) == 1
    assert type(failure(events)) is RemoteProtocolError


# The driver and the logs.


@pytest.mark.parametrize("steps", range(5))
def test_a_call_that_is_failed_between_two_streams_has_what_arrived(steps: int) -> None:
    subject = asking()
    taken: list[Input] = [*part(0, 4), SSE_HEAD]
    states = []
    for _ in range(3 + steps):
        if subject.wants_input:
            subject.receive(taken.pop(0))
        else:
            subject.next_step()
        states.append(subject.state)
    if steps == 4:
        assert states[-4:] == [CallState.BACKOFF, CallState.READY, CallState.HEAD, CallState.STREAM]
    error = failure(subject.fail(APIConnectionError("closed")))
    assert partial(error) == "Hel"
    assert subject.fail(APIConnectionError("again")) == []


def test_progress_goes_on_and_what_is_sent_again_is_none() -> None:
    subject = asking()
    run_to = [*part(0, 4), *part(0, 5)]
    seen_at = []
    for value in run_to:
        while not subject.wants_input:
            subject.next_step()
        subject.receive(value)
        seen_at.append(subject.progress)
    assert seen_at == [0, 4, 4, 4, 5, 5]


def test_raw_logs_get_each_request_and_each_event() -> None:
    subject = asking(record=True)
    run(subject, part(0, 4), part(3, 8))
    records = subject.take_records()
    requests = [record for record in records if isinstance(record, RequestRecord)]
    assert [request.endpoint.rpartition("=")[2] for request in requests] == [
        "https://api.openai.com/v1/responses",
        "3",
    ]
    assert requests[1].payload == {}
    numbers = [record.chunk["sequence_number"] for record in records if isinstance(record, ChunkRecord)]
    assert numbers == [0, 1, 2, 3, 3, 4, 5, 6, 7]


def test_the_event_clock_resumes_too() -> None:
    late = APITimeoutError("no progress", field="event_timeout")
    events, _ = run(asking(), part(0, 4, Lost(late)), part(4, 8))
    assert seen(events) == "Hello world"


def test_a_message_is_the_same_as_without_cuts() -> None:
    uncut, cut = asking(), asking()
    run(uncut, part(0, 8))
    run(cut, part(0, 3), part(3, 4), part(0, 8))
    assert isinstance(uncut.result(), Message)
    assert uncut.result() == cut.result()
