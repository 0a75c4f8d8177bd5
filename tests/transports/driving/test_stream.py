"""What every driver does with a call, over asyncio, over trio and blocking, by a script and a clock."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    Body,
    ConfigError,
    End,
    Head,
    InternalServerError,
    Message,
    Options,
    RateLimitError,
    RemoteProtocolError,
    StreamComplete,
    StreamTruncatedError,
)
from tests.transports.scripted import (
    DONE,
    PING,
    STREAMING,
    WHOLE,
    Item,
    Kind,
    Late,
    OpenLate,
    Outcome,
    Pass,
    Reader,
    Refuse,
    answer,
    delta,
    error_body,
    finish,
    openai,
    partial_text,
    texts,
    whole,
)

_KINDS: list[Kind] = ["asyncio", "trio", "blocking"]


@pytest.fixture(params=_KINDS)
def reader(request: pytest.FixtureRequest) -> Reader:
    """Each driver in turn."""
    return Reader(request.param)


# The exchange and its release


def test_events_come_in_order_and_the_exchange_is_released_before_the_last(reader: Reader) -> None:
    outcome = reader.read(answer("Hel", "lo"))
    assert outcome.script.log == ["open", "ContentDelta", "ContentDelta", "release", "StreamComplete"]
    assert texts(outcome) == ["Hel", "lo"]
    last = outcome.events[-1]
    assert isinstance(last, StreamComplete)
    assert outcome.answer == last.message
    assert last.message.content == "Hello"


def test_events_of_the_last_read_are_held_until_the_exchange_is_released(reader: Reader) -> None:
    everything = Body(delta("Hel").data + delta("lo").data + finish().data + DONE.data)
    outcome = reader.read([STREAMING, everything])
    assert outcome.script.log == ["open", "release", "ContentDelta", "ContentDelta", "StreamComplete"]


@settings(max_examples=30, deadline=None)
@given(texts_=st.lists(st.text(min_size=1, max_size=3), max_size=4), cuts=st.lists(st.integers(0, 500)))
@pytest.mark.parametrize("kind", _KINDS)
def test_no_cut_of_the_bytes_changes_the_message(kind: Kind, texts_: list[str], cuts: list[int]) -> None:
    data = b"".join(item.data for item in answer(*texts_) if isinstance(item, Body))
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [Body(data[start:end]) for start, end in pairwise(ends)]
    outcome = Reader(kind).read([STREAMING, *pieces, End()])
    assert "".join(texts(outcome)) == "".join(texts_)
    assert isinstance(outcome.answer, Message)
    assert outcome.answer.content == "".join(texts_)
    assert outcome.script.log.count("release") == 1


def test_a_whole_answer_is_one_event_by_the_same_path(reader: Reader) -> None:
    outcome = reader.read([WHOLE, whole("Hello"), End()], stream=False)
    assert outcome.script.log == ["open", "release", "StreamComplete"]
    assert isinstance(outcome.answer, Message)
    assert outcome.answer.content == "Hello"


def test_a_failure_is_raised_after_the_events_that_came_before_it(reader: Reader) -> None:
    outcome = reader.read([STREAMING, delta("Hel"), Body(delta("lo").data + b"data: {broken\n\n")])
    assert texts(outcome) == ["Hel", "lo"]
    assert isinstance(outcome.error, RemoteProtocolError)
    assert partial_text(outcome.error) == "Hello"
    assert type(outcome.answer) is type(outcome.error)
    assert str(outcome.answer) == str(outcome.error)


def test_a_truncated_stream_is_never_a_success(reader: Reader) -> None:
    outcome = reader.read([STREAMING, delta("Hel"), End()])
    assert isinstance(outcome.error, StreamTruncatedError)
    assert partial_text(outcome.answer) == "Hel"
    assert outcome.script.log == ["open", "ContentDelta", "release"]


def test_a_connection_lost_inside_the_answer_is_aborted_and_raised(reader: Reader) -> None:
    outcome = reader.read([STREAMING, delta("Hel"), APIConnectionError("reset")])
    assert isinstance(outcome.error, StreamTruncatedError)
    assert outcome.script.log == ["open", "ContentDelta", "abort"]


def test_a_foreign_exception_of_a_transport_passes_and_the_exchange_is_dropped(reader: Reader) -> None:
    with pytest.raises(ValueError, match="a bug") as caught:
        reader.read([STREAMING, ValueError("a bug")])
    assert caught.value.args == ("a bug",)


def test_another_error_of_a_transport_ends_the_call_and_is_not_tried_again(reader: Reader) -> None:
    refused = ConfigError("ca_file cannot be read", field="ca_file")
    for attempt in (Refuse(refused), [refused]):
        outcome = reader.read(attempt)
        assert isinstance(outcome.error, ConfigError)
        assert outcome.error.provider == "openai"
        assert isinstance(outcome.answer, ConfigError)
        assert outcome.script.log.count("open") == 1


# Retries


def test_a_lost_connection_is_dropped_before_the_wait_and_tried_again(reader: Reader) -> None:
    outcome = reader.read([APIConnectionError("reset")], [STREAMING, Late()], answer("Hi"))
    assert outcome.script.log[:5] == ["open", "abort", "open", "abort", "open"]
    assert outcome.clock.slept == [1.0, 2.0]
    assert texts(outcome) == ["Hi"]


def test_refused_connections_are_tried_three_times(reader: Reader) -> None:
    refuse = Refuse(APIConnectionError("connection refused"))
    outcome = reader.read(refuse, refuse, refuse)
    assert isinstance(outcome.error, APIConnectionError)
    assert outcome.error.attempts == 3
    assert outcome.clock.slept == [1.0, 2.0]
    assert outcome.script.log == ["open"] * 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_a_retryable_status_is_tried_three_times(reader: Reader, status: int) -> None:
    attempt: list[Item] = [Head(status, (("retry-after", "7"),)), error_body("busy"), End()]
    outcome = reader.read(attempt, list(attempt), list(attempt))
    assert isinstance(outcome.error, RateLimitError | InternalServerError)
    assert outcome.clock.slept == [7.0, 7.0]
    assert outcome.script.log == ["open", "release"] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_any_other_status_fails_at_once(reader: Reader, status: int) -> None:
    outcome = reader.read([Head(status), error_body("no"), End()])
    assert outcome.error is not None
    assert outcome.error.status == status
    assert outcome.script.log == ["open", "release"]
    assert outcome.clock.slept == []


def test_nothing_is_tried_again_after_the_first_event(reader: Reader) -> None:
    outcome = reader.read([STREAMING, delta("Hel"), Late()])
    assert isinstance(outcome.error, APITimeoutError)
    assert outcome.script.log == ["open", "ContentDelta", "abort"]


def test_a_stale_connection_is_replaced_at_once_and_costs_no_attempt(reader: Reader) -> None:
    stale = APIConnectionError("closed", reused=True)
    outcome = reader.read([stale], answer("Hi"))
    assert outcome.script.log[:3] == ["open", "abort", "open fresh"]
    assert outcome.clock.slept == []
    assert texts(outcome) == ["Hi"]


def test_a_stale_connection_found_while_sending_is_replaced_too(reader: Reader) -> None:
    outcome = reader.read(Refuse(APIConnectionError("broken pipe", reused=True)), answer("Hi"))
    assert outcome.script.log[:2] == ["open", "open fresh"]


def test_malformed_http_is_not_tried_again(reader: Reader) -> None:
    outcome = reader.read([RemoteProtocolError("not HTTP")])
    assert isinstance(outcome.error, RemoteProtocolError)
    assert outcome.script.log == ["open", "abort"]


# Clocks


def test_open_gets_the_connect_timeout_and_receive_the_read_timeout(reader: Reader) -> None:
    outcome = reader.read(OpenLate(), answer("Hi"), config=openai(connect_timeout=4, read_timeout=30))
    assert outcome.clock.now() == 1_000.0 + 4 + 1
    assert set(outcome.script.timeouts) == {30.0}


def test_clocks_that_are_off_bound_nothing(reader: Reader) -> None:
    off = openai(connect_timeout=None, read_timeout=None, event_timeout=None)
    outcome = reader.read([STREAMING, Pass(1e6), PING, *answer("Hi")[1:]], config=off)
    assert set(outcome.script.timeouts) == {None}
    assert texts(outcome) == ["Hi"]


def test_a_read_timeout_names_its_field_even_where_the_transport_does_not(reader: Reader) -> None:
    outcome = reader.read([STREAMING, delta("Hel"), Late()])
    assert outcome.error is not None
    assert outcome.error.field == "read_timeout"
    assert partial_text(outcome.error) == "Hel"


def test_pings_do_not_reset_the_event_clock(reader: Reader) -> None:
    pings = [item for _ in range(10) for item in (Pass(20), PING)]
    outcome = reader.read([STREAMING, delta("Hel"), *pings], config=openai(event_timeout=60))
    assert isinstance(outcome.error, APITimeoutError)
    assert outcome.error.field == "event_timeout"
    assert partial_text(outcome.error) == "Hel"
    assert outcome.clock.now() == 1_060.0
    assert outcome.script.log == ["open", "ContentDelta", "abort"]


def test_an_event_timeout_before_the_first_event_is_tried_again(reader: Reader) -> None:
    config = openai(event_timeout=60)
    outcome = reader.read([STREAMING, Pass(61), PING], answer("Hi"), config=config)
    assert texts(outcome) == ["Hi"]
    assert outcome.clock.slept == [1.0]


def test_the_event_clock_may_be_longer_until_the_first_event(reader: Reader) -> None:
    config = openai(event_timeout=60, first_event_timeout=600)
    thinking = [item for _ in range(10) for item in (Pass(50), PING)]
    outcome = reader.read([STREAMING, *thinking, delta("Hel"), Pass(61), PING], config=config)
    assert texts(outcome) == ["Hel"]
    assert outcome.error is not None
    assert outcome.error.field == "event_timeout"


def test_too_long_a_wait_for_the_first_event_names_its_clock(reader: Reader) -> None:
    config = openai(event_timeout=60, max_attempts=1)
    attempt: list[Item] = [STREAMING, Pass(90), PING, Pass(90), PING]
    outcome = reader.read(attempt, config=config, options={"first_event_timeout": 100})
    assert outcome.error is not None
    assert outcome.error.field == "first_event_timeout"
    assert outcome.clock.now() == 1_180.0


def test_a_calls_own_clocks_take_the_place_of_the_configs(reader: Reader) -> None:
    config = openai(connect_timeout=4, read_timeout=30, event_timeout=5)
    options: Options = {"connect_timeout": 7, "read_timeout": 90, "event_timeout": None}
    steps: list[Item] = [STREAMING, delta("Hel"), Pass(50), PING, delta("lo"), finish(), DONE]
    outcome = reader.read(OpenLate(), steps, config=config, options=options)
    assert outcome.clock.now() == 1_000.0 + 7 + 1 + 50
    assert set(outcome.script.timeouts) == {90.0}
    assert texts(outcome) == ["Hel", "lo"]


def test_the_event_clock_counts_from_the_last_progress(reader: Reader) -> None:
    steps = [item for n in range(5) for item in (Pass(50), PING, Pass(9), delta(str(n)))]
    outcome = reader.read([STREAMING, *steps, finish(), DONE], config=openai(event_timeout=60))
    assert texts(outcome) == list("01234")


def test_the_consumers_own_time_is_not_the_servers_silence(reader: Reader) -> None:
    def dawdle(outcome: Outcome) -> None:
        outcome.clock.time += 1_000

    attempt: list[Item] = [STREAMING, delta("Hel"), PING, delta("lo"), PING, finish(), DONE]
    outcome = reader.read(attempt, config=openai(event_timeout=60), between=dawdle)
    assert texts(outcome) == ["Hel", "lo"]
    assert outcome.error is None


@pytest.mark.parametrize("asked", [False, True])
def test_a_whole_answer_has_no_event_clock_whatever_was_asked_for(reader: Reader, asked: bool) -> None:
    body = whole("Hello").data
    attempt: list[Item] = [WHOLE, Body(body[:10]), Pass(500), Body(body[10:]), End()]
    outcome = reader.read(attempt, stream=asked)
    assert isinstance(outcome.answer, Message)


def test_the_total_ends_the_call_and_is_not_tried_again(reader: Reader) -> None:
    config = openai(total_timeout=20, read_timeout=30)
    outcome = reader.read([STREAMING, Late()], config=config)
    assert isinstance(outcome.error, APITimeoutError)
    assert outcome.error.field == "total_timeout"
    assert outcome.clock.slept == []
    assert outcome.script.log == ["open", "abort"]


def test_the_total_bounds_the_open(reader: Reader) -> None:
    outcome = reader.read(OpenLate(), config=openai(total_timeout=3, connect_timeout=10))
    assert isinstance(outcome.error, APITimeoutError)
    assert outcome.error.field == "total_timeout"
    assert outcome.clock.now() == 1_003.0


def test_the_total_includes_the_consumers_own_time(reader: Reader) -> None:
    def dawdle(outcome: Outcome) -> None:
        outcome.clock.time += 15

    outcome = reader.read(answer("a", "b", "c"), config=openai(total_timeout=20), between=dawdle)
    assert texts(outcome) == ["a", "b"]
    assert isinstance(outcome.error, APITimeoutError)
    assert partial_text(outcome.error) == "ab"
    assert outcome.script.log[-1] == "abort"


def test_a_wait_longer_than_what_is_left_of_the_total_fails_at_once(reader: Reader) -> None:
    busy: list[Item] = [Head(429, (("retry-after", "50"),)), error_body("busy"), End()]
    outcome = reader.read(busy, config=openai(total_timeout=20))
    assert isinstance(outcome.error, APITimeoutError)
    assert outcome.error.field == "total_timeout"
    assert "50 s" in str(outcome.error)
    assert outcome.clock.slept == []


def test_a_trickling_error_body_is_cut_after_five_seconds_and_the_status_decides(reader: Reader) -> None:
    trickle = [item for _ in range(20) for item in (Pass(1), Body(b"x"))]
    outcome = reader.read([Head(401), *trickle], config=openai(event_timeout=2))
    assert isinstance(outcome.error, AuthenticationError)
    assert outcome.clock.now() == 1_005.0
    assert outcome.script.log == ["open", "abort"]
    assert outcome.script.timeouts == [600.0, 5.0, 4.0, 3.0, 2.0, 1.0]


def test_a_silent_error_body_is_cut_after_five_seconds_and_the_status_decides(reader: Reader) -> None:
    outcome = reader.read([Head(503), Late()], answer("Hi"))
    assert texts(outcome) == ["Hi"]
    assert outcome.clock.now() == 1_005.0 + 1.0
