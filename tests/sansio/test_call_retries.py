"""What a call tries again, how often, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    Body,
    End,
    Head,
    InternalServerError,
    Lost,
    NotFoundError,
    PermissionDeniedError,
    Provider,
    ProviderError,
    RemoteProtocolError,
    Send,
    StreamComplete,
    StreamFailed,
    StreamTruncatedError,
)
from sansio.states import CallState
from tests.sansio.exchanges import (
    ENDS,
    HI,
    JSON_HEAD,
    MALFORMED,
    REFUSED,
    RESET,
    SSE_HEAD,
    STALE,
    TIMEOUT,
    Input,
    call,
    error_body,
    run,
    sends,
    streamed,
    waits,
    whole,
)
from tests.sansio.wires import (
    ASK,
    DONE,
    TYPES,
    comparable,
    completion,
    config,
    failure,
)
from tests.support import for_all

RETRYABLE = (429, 500, 502, 503, 504, 529)


def test_the_last_failure_is_that_of_the_attempt_before() -> None:
    assert call("openai").last_failure is None
    subject = call("openai")
    run(subject, error_body(503), streamed(HI, DONE))
    error = subject.last_failure
    assert isinstance(error, InternalServerError)
    assert (error.attempts, error.model) == (1, config("openai").model)


# `Lost` before `Head` on a reused connection.


def test_pain_10_a_stale_connection_is_replaced_at_once_and_costs_no_attempt() -> None:
    subject = call("openai")
    events, steps = run(subject, [Lost(STALE)], streamed(HI, DONE))
    assert [step.fresh for step in steps if isinstance(step, Send)] == [False, True]
    assert waits(steps) == []
    assert subject.attempts == 1
    assert isinstance(events[-1], StreamComplete)


def test_pain_10_once_per_attempt_and_a_loss_after_it_is_an_ordinary_one() -> None:
    subject = call("openai")
    events, steps = run(subject, *[[Lost(STALE)]] * 6)
    assert [step.fresh if isinstance(step, Send) else None for step in steps] == [
        *(False, True, None),
        *(False, True, None),
        *(False, True),
    ]
    assert subject.attempts == 3
    assert failure(events).attempts == 3


def test_pain_10_a_timeout_on_a_reused_connection_is_an_ordinary_loss() -> None:
    late = APITimeoutError("slow", field="read_timeout", reused=True)
    _, steps = run(call("openai"), [Lost(late)], streamed(HI, DONE))
    assert not any(isinstance(step, Send) and step.fresh for step in steps)
    assert waits(steps) == [1.0]


def test_pain_10_a_loss_after_the_head_is_an_ordinary_one_though_reused() -> None:
    _, steps = run(call("openai"), [SSE_HEAD, Lost(STALE)], streamed(HI, DONE))
    assert not any(isinstance(step, Send) and step.fresh for step in steps)
    assert sends(steps) == 2


# `Lost` or a truncated stream before the first event.

BREAKS: list[list[Input]] = [
    [Lost(REFUSED)],
    [Lost(TIMEOUT)],
    [Lost(RESET)],
    [SSE_HEAD, Lost(RESET)],
    [SSE_HEAD, Lost(TIMEOUT)],
    [SSE_HEAD, End()],
    [SSE_HEAD, Body(b": comment\n\ndata: {"), End()],
    [JSON_HEAD, Lost(RESET)],
    [JSON_HEAD, Lost(TIMEOUT)],
    [JSON_HEAD, Body(b'{"choices": ['), Lost(RESET)],
    [Head(204), End()],
]


@for_all(("broken", BREAKS), ("good", [streamed(HI, DONE), whole(completion({"content": "Hi"}))]))
def test_what_broke_before_the_first_event_is_tried_up_to_three_times(
    broken: list[Input], good: list[Input]
) -> None:
    for failures in range(4):
        subject = call("openai")
        events, steps = run(subject, *[broken] * min(failures, 3), *[good] * (failures < 3))
        assert sends(steps) == min(failures + 1, 3)
        assert waits(steps) == [1.0, 2.0][: min(failures, 2)]
        if failures < 3:
            assert subject.result().text == "Hi"
        else:
            error = failure(events)
            assert error.attempts == 3
            assert "3 attempts" in str(error)
            with pytest.raises(type(error)):
                subject.result()


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        ([Lost(REFUSED)], APIConnectionError),
        ([SSE_HEAD, Lost(TIMEOUT)], APITimeoutError),
        ([SSE_HEAD, Lost(RESET)], StreamTruncatedError),
        ([JSON_HEAD, Lost(RESET)], StreamTruncatedError),
        ([SSE_HEAD, Body(HI), Lost(MALFORMED)], RemoteProtocolError),
    ],
)
def test_a_loss_keeps_its_own_name(exchange: list[Input], kind: type[ProviderError]) -> None:
    assert type(failure(run(call("openai", max_attempts=1), exchange)[0])) is kind


def test_a_loss_inside_the_answer_tells_its_cause() -> None:
    error = failure(run(call("openai", max_attempts=1), [SSE_HEAD, Body(HI), Lost(RESET)])[0])
    assert "the connection was lost inside the answer: connection reset" in str(error)
    assert error.__cause__ is RESET
    assert error.partial is not None
    assert error.partial.text == "Hi"


# an error status.


@pytest.mark.parametrize("status", RETRYABLE)
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_these_statuses_are_tried_up_to_three_times(kind: str, status: int) -> None:
    subject = call(kind)
    events, steps = run(subject, *[error_body(status)] * 3)
    assert sends(steps) == 3
    assert waits(steps) == [1.0, 2.0]
    assert failure(events).status == status


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, APIStatusError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (408, APIStatusError),
        (413, BadRequestError),
        (422, BadRequestError),
        (501, InternalServerError),
    ],
)
def test_these_statuses_are_tried_once(status: int, kind: type[ProviderError]) -> None:
    events, steps = run(call("openai"), error_body(status))
    assert sends(steps) == 1
    error = failure(events)
    assert type(error) is kind
    assert error.attempts == 1
    assert "attempts" not in str(error)


@given(
    st.lists(st.integers(300, 599), min_size=1, max_size=6),
    st.integers(1, 6),
    st.floats(0, 1, exclude_max=True),
)
def test_a_call_keeps_the_schedule(statuses: list[int], attempts: int, random: float) -> None:
    tried = statuses[:attempts]
    while any(status not in RETRYABLE for status in tried[:-1]):
        tried.pop()
    subject = Provider(config("openai", max_attempts=attempts)).call(ASK, random=lambda: random)
    goes_on = tried[-1] in RETRYABLE and len(tried) < attempts
    events, steps = run(subject, *map(error_body, tried), *[streamed(HI, DONE)] * goes_on)
    assert sends(steps) == subject.attempts == len(tried) + goes_on
    assert waits(steps) == [min(2.0**n + random, 10.0) for n in range(len(tried) - 1 + goes_on)]
    assert isinstance(events[-1], StreamComplete if goes_on else StreamFailed)


@for_all(("status", [*RETRYABLE, 300, 301, 307, 400, 401, 402, 403, 404, 408, 413, 422]), ("kind", TYPES))
def test_the_error_text_says_what_happened_where_and_what_to_do(kind: str, status: int) -> None:
    headers = (("x-request-id", "req_1"), ("date", "Wed, 21 Oct 2026 07:28:00 GMT"))
    error = failure(run(call(kind, max_attempts=1), error_body(status, *headers))[0])
    text = str(error)
    name = "some-model"
    assert text.startswith(f"{kind} {name}: HTTP {status}: no (request id req_1). ")
    assert len(error.advice()) > 20
    assert (error.provider, error.model, error.status) == (kind, name, status)


def test_redirects_are_never_followed() -> None:
    events, steps = run(call("openai"), [Head(307, (("location", "https://evil.example"),)), End()])
    assert sends(steps) == 1
    assert "put the final address in base_url" in str(failure(events))


@pytest.mark.parametrize("end", ENDS, ids=range(4))
@pytest.mark.parametrize("body", [[], [Body(b'{"error": {"mess')], [Body(b"\xff\xfe")]], ids=range(3))
def test_an_error_status_decides_whatever_follows_it(body: list[Input], end: Input) -> None:
    _, steps = run(call("openai"), [Head(503), *body, end], streamed(HI, DONE))
    assert sends(steps) == 2
    events, _ = run(call("openai"), [Head(401), *body, end])
    assert type(failure(events)) is AuthenticationError


def test_an_errors_body_is_read_to_its_limit_and_cut_there() -> None:
    said = b'{"error": {"message": "no"}}'
    for size, text in ((len(said), "no"), (len(said) - 1, said[:-1].decode())):
        subject = call("openai", limits={"max_error_bytes": size})
        subject.next_step()
        subject.receive(Head(400))
        assert subject.state is CallState.ERROR_BODY
        events = [event for at in range(size) for event in subject.receive(Body(said[at : at + 1]))]
        assert not subject.wants_input
        assert failure(events).provider_message == text
        whole_events, _ = run(
            call("openai", limits={"max_error_bytes": size}), [Head(400), Body(said + b"x" * 99)]
        )
        assert comparable(whole_events) == comparable(events)


def test_an_errors_body_of_a_coding_not_asked_for_does_not_hide_the_status() -> None:
    events, _ = run(call("openai"), [Head(401, (("content-encoding", "br"),)), Body(b"\x00")])
    assert type(failure(events)) is AuthenticationError
    broken: list[Input] = [Head(403, (("content-encoding", "gzip"),)), Body(b"no gzip")]
    assert type(failure(run(call("openai"), broken)[0])) is PermissionDeniedError


# the wait that a provider asks for.


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ((("retry-after", "7"),), 7.0),
        ((("retry-after", "0"),), 1.0),
        ((("retry-after-ms", "2500"), ("retry-after", "9")), 2.5),
        (
            (
                ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
                ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
            ),
            30.0,
        ),
        ((("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),), 1.0),
        ((("retry-after", "60"),), 60.0),
    ],
)
def test_pain_09_a_wait_is_never_shorter_than_was_asked(
    headers: tuple[tuple[str, str], ...], wait: float
) -> None:
    _, steps = run(call("openai"), error_body(429, *headers), streamed(HI, DONE))
    assert waits(steps) == [wait]


def test_pain_09_a_wait_past_the_limit_fails_immediately_and_is_reported() -> None:
    events, steps = run(call("openai"), error_body(429, ("retry-after", "3600")))
    assert sends(steps) == 1
    error = failure(events)
    assert error.retry_after == 3600.0
    assert "asked to wait 3600 s" in str(error)
    events, steps = run(
        call("openai", max_retry_after=3600), error_body(429, ("retry-after", "3600")), streamed(HI, DONE)
    )
    assert waits(steps) == [3600.0]


def test_a_providers_advice_against_a_retry_is_followed() -> None:
    _, steps = run(call("openai"), error_body(429, ("x-should-retry", "false")))
    assert sends(steps) == 1
