"""A response's metadata, from headers that any peer may send."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import APIStatusError, Body, End, Head, Lost, RateLimit, RemoteProtocolError, ResponseInfo
from sansio.http import Headers
from sansio.response import REQUEST_ID_HEADERS, find_request_id, read_response
from tests.sansio.exchanges import HI, JSON_HEAD, REFUSED, SSE_HEAD, STOP, Input, call, error_body, run, whole
from tests.sansio.wires import completion, failure

DATE = ("date", "Wed, 21 Oct 2026 07:28:00 GMT")
FIELDS = ("limit", "remaining", "reset")


def limits(*headers: tuple[str, str]) -> dict[str, RateLimit]:
    return read_response(Head(200, headers)).rate_limits


def test_a_response_that_says_nothing_has_its_status_alone() -> None:
    nothing = read_response(Head(200))
    assert nothing == ResponseInfo(status=200)
    assert (nothing.request_id, nothing.headers, nothing.rate_limits) == (None, (), {})
    assert (nothing.processing_ms, nothing.first_event_after) == (None, None)
    assert (nothing.attempts, nothing.resumes) == (1, 0)


def test_the_limits_of_openai() -> None:
    assert limits(
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-limit-tokens", "30000000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-remaining-tokens", "29999984"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ) == {
        "requests": RateLimit(10_000, 9_999, 0.006),
        "tokens": RateLimit(30_000_000, 29_999_984, 360.0),
    }


@pytest.mark.parametrize(
    ("said", "count"),
    [("0", 0), (" 7\t", 7), ("9" * 18, 10**18 - 1), ("1" + "0" * 18, None), ("-1", None), ("1.5", None)],
)
def test_a_count_is_a_plain_number_of_at_most_eighteen_digits(said: str, count: int | None) -> None:
    remaining = RateLimit(1, count)
    assert limits(("x-ratelimit-limit-tokens", "1"), ("x-ratelimit-remaining-tokens", said)) == {
        "tokens": remaining
    }


def test_the_limits_of_anthropic_are_read_against_the_responses_own_date() -> None:
    headers = (
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "2026-10-21T07:28:02Z"),
        ("anthropic-ratelimit-input-tokens-limit", "30000"),
        ("anthropic-ratelimit-input-tokens-remaining", "29000"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-10-21T07:27:00Z"),
        ("anthropic-ratelimit-output-tokens-reset", "2026-10-21T08:28:00+00:00"),
    )
    assert limits(DATE, *headers) == {
        "requests": RateLimit(50, 49, 2.0),
        "input_tokens": RateLimit(30_000, 29_000, 0.0),
        "output_tokens": RateLimit(reset=3_600.0),
    }
    assert limits(*headers)["requests"] == RateLimit(50, 49)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("2m59.56s", 179.56),
        ("7.66s", 7.66),
        ("20ms", 0.02),
        ("12", 12.0),
        ("1792567690", 10.0),
        ("1792567690000", 10.0),
        ("1792567680", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 400, None),
        ("9" * 400 + "s", None),
        ("999999999", 999_999_999.0),  # 31 years: a time from now on
        ("1000000000", 0.0),  # a moment of 2001
        ("99999999999", 98_207_432_319.0),  # a moment of 5138, in seconds
        ("100000000000", 0.0),  # a moment of 1973, in milliseconds
        ("2026-10-21T07:28:10Z", 10.0),
    ],
)
def test_each_form_of_a_reset(reset: str, seconds: float | None) -> None:
    read = limits(DATE, ("x-ratelimit-reset-tokens", reset))["tokens"].reset
    assert read == (None if seconds is None else pytest.approx(seconds))


def test_a_limit_without_a_kind_counts_requests_and_other_kinds_keep_their_names() -> None:
    assert limits(("X-RateLimit-Limit", "20"), ("x-ratelimit-remaining-tokens-minute", "5")) == {
        "requests": RateLimit(20),
        "tokens_minute": RateLimit(remaining=5, window=60.0),
    }


def test_the_limits_of_mistral_cerebras_and_together() -> None:
    mistral = limits(
        ("x-ratelimit-limit-req-minute", "60"),
        ("x-ratelimit-remaining-req-minute", "59"),
        ("x-ratelimit-remaining-tokens-month", "3950246"),
        ("x-ratelimitbysize-limit-minute", "500000"),
        ("x-ratelimitbysize-remaining-minute", "467993"),
    )
    assert mistral == {
        "requests_minute": RateLimit(60, 59, window=60.0),
        "tokens_month": RateLimit(remaining=3_950_246, window=2_592_000.0),
        "tokens_minute": RateLimit(500_000, 467_993, window=60.0),
    }
    assert limits(("x-ratelimit-reset-requests-day", "33011.5"))["requests_day"] == RateLimit(
        reset=33_011.5, window=86_400.0
    )
    assert limits(
        ("x-tokenlimit-limit", "7"), ("x-ratelimitbysize-limit", "8"), ("x-tokenlimit-reset-a", "1")
    ) == {
        "tokens": RateLimit(7),
        "a": RateLimit(reset=1.0),
    }


def test_the_first_of_a_repeated_header_counts() -> None:
    said = (("x-ratelimit-limit-tokens", "1"), ("X-Ratelimit-Limit-Tokens", "2"))
    assert limits(*said) == {"tokens": RateLimit(1)}


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(now=MOMENTS, seconds=st.integers(-(10**8), 10**8))
def test_a_time_and_a_duration_are_the_same_reset(now: datetime, seconds: int) -> None:
    until = now + timedelta(seconds=seconds)
    read = limits(
        ("date", format_datetime(now, usegmt=True)),
        ("anthropic-ratelimit-tokens-reset", until.isoformat()),
        ("x-ratelimit-reset-requests", f"{max(0, seconds)}s"),
    )
    assert read["tokens"].reset == read["requests"].reset == max(0, seconds)


NAMES = st.sampled_from((
    "date", "openai-processing-ms", "x-envoy-upstream-service-time", "set-cookie", "x-secret", "cf-ray",
    *REQUEST_ID_HEADERS, "retry-after", "retry-after-ms", "content-type",
    *(f"x-ratelimit-{field}{kind}" for field in FIELDS for kind in ("", "-requests", "-tokens", "-")),
    *(f"anthropic-ratelimit-{kind}-{field}" for kind in ("requests", "tokens", "") for field in FIELDS),
))  # fmt: skip
VALUES = st.text(max_size=30) | st.text("0123456789.msh:-TZ+ ", max_size=30) | st.integers().map(str)
HEADERS = st.lists(st.tuples(NAMES | NAMES.map(str.title) | st.text(max_size=30), VALUES), max_size=20).map(
    tuple
)


@given(status=st.integers(), headers=HEADERS)
def test_nothing_that_a_peer_sends_raises_and_every_number_is_sound(status: int, headers: Headers) -> None:
    info = read_response(Head(status, headers), attempts=2)
    assert (info.status, info.attempts, info.first_event_after) == (status, 2, None)
    numbers = [info.processing_ms]
    for limit in info.rate_limits.values():
        numbers += [limit.limit, limit.remaining, limit.reset]
    assert all(number is None or 0 <= number < math.inf for number in numbers)


@given(headers=HEADERS)
def test_only_headers_worth_logging_are_kept_in_order(headers: Headers) -> None:
    kept = read_response(Head(200, headers)).headers
    prefixes = ("x-ratelimit-", "anthropic-ratelimit-", "retry-after")
    names = {*REQUEST_ID_HEADERS, "openai-processing-ms", "x-envoy-upstream-service-time", "cf-ray"}
    lowered = [(name.lower(), value) for name, value in headers]
    assert list(kept) == [
        (name, value) for name, value in lowered if name in names or name.startswith(prefixes)
    ]


@pytest.mark.parametrize(
    "name",
    ["x-request-id", "openai-version", "openai-organization", "x-generation-id", "azureml-model-session",
     "anthropic-organization-id", "x-ms-region", "retry-after-ms", "x-envoy-upstream-service-time",
     "request-id", "apim-request-id", "x-amzn-requestid", "openai-processing-ms", "cf-ray", "retry-after",
     "x-ratelimit-limit-requests", "anthropic-ratelimit-tokens-limit", "x-ratelimitbysize-limit-minute",
     "x-tokenlimit-limit"],
)  # fmt: skip
def test_a_header_that_matters_is_kept(name: str) -> None:
    assert read_response(Head(200, ((name.title(), "1"),))).headers == ((name, "1"),)


@pytest.mark.parametrize("name", ["set-cookie", "Set-Cookie", "authorization", "content-type", "date"])
def test_a_header_that_may_hold_a_secret_or_says_little_is_not_kept(name: str) -> None:
    assert read_response(Head(200, ((name, "1"),))).headers == ()


@pytest.mark.parametrize(
    ("openai", "envoy", "milliseconds"),
    [("120", "99", 120.0), (None, "99", 99.0), ("x", "99", 99.0), ("0.5", None, 0.5), (None, None, None),
     ("9" * 400, "99", None)],
)  # fmt: skip
def test_the_processing_time(openai: str | None, envoy: str | None, milliseconds: float | None) -> None:
    said = (("openai-processing-ms", openai), ("x-envoy-upstream-service-time", envoy))
    headers = tuple((name, value) for name, value in said if value is not None)
    assert read_response(Head(200, headers)).processing_ms == milliseconds


def test_the_request_id_is_of_the_first_choice_that_is_not_empty() -> None:
    assert find_request_id((("request-id", "b"), ("X-Request-Id", ""))) == "b"
    assert find_request_id((("request-id", "b"), ("X-Request-Id", "a"), ("x-request-id", "c"))) == "a"
    assert find_request_id((("x-other", "a"),)) is None


def test_a_secret_that_a_server_echoed_is_masked_everywhere() -> None:
    secret = "sk-secret"
    info = read_response(
        Head(200, ((f"x-ratelimit-limit-{secret}", "1"), ("x-request-id", f"r-{secret}"))),
        request_id=f"r-{secret}",
    )
    assert secret in repr(info)
    assert secret not in repr(info.replacing(secret))
    assert info.replacing("") == info.replacing("absent") == info


# Of a call.


ID = ("x-request-id", "req-1")


def test_a_call_has_the_response_from_its_head_on() -> None:
    subject = call("openai")
    before = [subject.response]
    subject.next_step()
    before.append(subject.response)
    subject.receive(Head(103, (("x-request-id", "early"),)))
    before.append(subject.response)
    assert before == [None] * 3
    subject.receive(Head(200, (*SSE_HEAD.headers, ID, ("x-ratelimit-remaining-tokens", "7"))))
    expected = ResponseInfo(
        status=200,
        request_id="req-1",
        headers=(ID, ("x-ratelimit-remaining-tokens", "7")),
        rate_limits={"tokens": RateLimit(remaining=7)},
    )
    assert subject.response == expected
    for value in (Body(HI), Body(STOP), End()):
        subject.receive(value)
    assert subject.response == expected
    assert subject.result().text == "Hi"


def test_the_response_of_a_retried_call_is_that_of_its_last_attempt() -> None:
    subject = call("openai", stream=False)
    run(subject, error_body(429, ID), whole(completion({"content": "Hi"}), 200, ("x-request-id", "req-2")))
    assert subject.response == ResponseInfo(
        status=200, request_id="req-2", headers=(("x-request-id", "req-2"),), attempts=2
    )


def test_every_status_error_of_a_call_has_its_response() -> None:
    subject = call("openai", max_attempts=2)
    last = error_body(429, ID, ("retry-after", "3"))
    events, _ = run(subject, error_body(503), last)
    error = failure(events)
    assert isinstance(error, APIStatusError)
    assert error.response == subject.response
    assert error.response == ResponseInfo(
        status=429, request_id="req-1", headers=(ID, ("retry-after", "3")), attempts=2
    )


def test_an_error_inside_an_answer_has_the_response_too() -> None:
    refused: list[Input] = [
        Head(200, (*JSON_HEAD.headers, ID)),
        Body(b'{"error": {"message": "no", "code": 400}}'),
        End(),
    ]
    events, _ = run(call("openai", stream=False), refused)
    error = failure(events)
    assert isinstance(error, APIStatusError)
    assert error.response is not None
    assert (error.status, error.response.status, error.response.request_id) == (400, 200, "req-1")


def test_a_malformed_answer_has_the_response_too() -> None:
    events, _ = run(call("openai"), [Head(200, (("content-type", "text/html"), ("cf-ray", "abc"))), End()])
    error = failure(events)
    assert type(error) is RemoteProtocolError
    assert error.response is not None
    assert error.response.headers == (("cf-ray", "abc"),)


def test_an_attempt_without_a_response_is_not_given_that_of_an_earlier_one() -> None:
    subject = call("openai", max_attempts=2)
    events, _ = run(subject, error_body(503, ID), [Lost(REFUSED)])
    error = failure(events)
    assert (error.response, error.request_id) == (None, None)
    assert subject.response is not None
    assert (subject.response.status, subject.response.attempts) == (503, 1)


def test_an_error_masks_a_secret_in_its_response() -> None:
    head = Head(400, (("x-request-id", "sk-secret"), ("x-ratelimit-limit-tokens", "sk-secret")))
    events, _ = run(call("openai"), [head, End()])
    error = failure(events)
    masked = error.replacing("sk-secret")
    assert "sk-secret" in repr(error.response)
    assert "sk-secret" not in repr(masked.response)
    assert error.replacing("absent") is error


@pytest.mark.parametrize("word", ["second", "minute", "hour", "day"])
def test_the_last_word_of_a_limit_is_its_window(word: str) -> None:
    (limit,) = limits((f"x-ratelimit-limit-requests-{word}", "5")).values()
    assert limit == RateLimit(5, window=timedelta(**{f"{word}s": 1}).total_seconds())


IDS = ("x-request-id", "request-id", "apim-request-id", "x-generation-id", "x-amzn-requestid")
"""Those of OpenAI, Anthropic, Azure, OpenRouter and AWS; a gateway may send several."""


def test_each_provider_names_a_request_in_its_own_header() -> None:
    for at, name in enumerate(IDS):
        headers = tuple((other.title(), other) for other in reversed(IDS[at:]))
        assert find_request_id(headers) == name
        assert read_response(Head(200, headers)).headers == tuple((each, each) for each in reversed(IDS[at:]))


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("x-ratelimit-limit-req", "requests"),
        ("x-ratelimit-limit-req-second", "requests_second"),
        ("x-ratelimit-limit-reqs", "reqs"),
        ("x-ratelimit-limit-azAZ09-x".lower(), "azaz09_x"),
        ("x-ratelimit-limit", "requests"),
        ("x-ratelimitbysize-limit", "tokens"),
        ("x-ratelimitbysize-limit-minute", "tokens_minute"),
        ("x-tokenlimit-limit", "tokens"),
        ("x-tokenlimit-limit-a-b", "a_b"),
        ("anthropic-ratelimit-output-tokens-limit", "output_tokens"),
        ("anthropic-ratelimit-a0-z9-limit", "a0_z9"),
        ("x-ratelimit-limit-", None),
        ("x-ratelimit-limits-tokens", None),
        ("x-ratelimit-tokens", None),
        ("x-ratelimit-limit-a_b", None),
        ("anthropic-ratelimit-limit", None),
        ("anthropic-ratelimit-tokens-limits", None),
    ],
)
def test_the_kind_of_a_limit_is_in_the_name_of_its_header(header: str, kind: str | None) -> None:
    assert list(limits((header, "5"))) == ([] if kind is None else [kind])


def test_a_secret_is_masked_with_the_word_that_is_given() -> None:
    info = ResponseInfo(status=200, headers=(("x-sk", "sk"),), rate_limits={"sk": RateLimit(1)})
    assert info.replacing("sk") == ResponseInfo(
        status=200, headers=(("x-[key]", "[key]"),), rate_limits={"[key]": RateLimit(1)}
    )
    assert info.replacing("sk", "*").headers == (("x-*", "*"),)
    assert ResponseInfo(status=200, request_id="sk-1").replacing("sk").request_id == "[key]-1"
    assert ResponseInfo(status=200, request_id="").replacing("sk").request_id == ""
