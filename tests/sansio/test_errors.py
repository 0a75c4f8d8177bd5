"""Errors: their messages, the error of each status, and that a secret can be masked in all of it."""

from __future__ import annotations

import copy
import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.content import Message, Role
from sansio.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    FallbackError,
    InternalServerError,
    InvalidRequestError,
    LimitExceededError,
    LocalProtocolError,
    NotFoundError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RemoteProtocolError,
    StreamTruncatedError,
    TransportError,
    UnansweredError,
    mask_cut,
    status_error_kind,
)
from sansio.response import ResponseInfo

PARENTS: dict[type[ProviderError], type[Exception]] = {
    ProviderError: Exception,
    ConfigError: ProviderError,
    InvalidRequestError: ProviderError,
    LocalProtocolError: ProviderError,
    RemoteProtocolError: ProviderError,
    StreamTruncatedError: RemoteProtocolError,
    LimitExceededError: RemoteProtocolError,
    APIStatusError: ProviderError,
    BadRequestError: APIStatusError,
    AuthenticationError: APIStatusError,
    PermissionDeniedError: APIStatusError,
    NotFoundError: APIStatusError,
    RateLimitError: APIStatusError,
    InternalServerError: APIStatusError,
    TransportError: ProviderError,
    APIConnectionError: TransportError,
    APITimeoutError: TransportError,
}

KINDS = st.sampled_from(sorted(PARENTS, key=lambda kind: kind.__name__))
WORDS = st.text(string.ascii_lowercase + ".:/-", max_size=20)


@pytest.mark.parametrize("kind", PARENTS)
def test_the_tree_of_errors(kind: type[ProviderError]) -> None:
    assert kind.__bases__ == (PARENTS[kind],)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (413, BadRequestError),
        (422, BadRequestError),
        (429, RateLimitError),
        (500, InternalServerError),
        (503, InternalServerError),
        (529, InternalServerError),
        (599, InternalServerError),
        (418, APIStatusError),
        (402, APIStatusError),
        (302, APIStatusError),
        (600, APIStatusError),
    ],
)
def test_each_status_has_its_kind(status: int, kind: type[APIStatusError]) -> None:
    assert status_error_kind(status) is kind


@given(st.integers(200, 999))
def test_every_status_tells_a_person_what_to_do_next(status: int) -> None:
    error = status_error_kind(status)("refused", status=status)
    assert error.advice()
    assert str(error).endswith(error.advice())
    assert error.advice()[0].isupper()
    assert error.advice()[-1] == "."


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (301, "base_url"),
        (400, "message"),
        (401, "key"),
        (402, "credit"),
        (403, "permissions"),
        (404, "deployment"),
        (413, "smaller"),
        (422, "field"),
        (429, "limit"),
        (500, "request id"),
        (502, "gateway"),
        (503, "later"),
        (504, "time"),
        (529, "overloaded"),
    ],
)
def test_the_advice_speaks_of_what_that_status_means(status: int, word: str) -> None:
    assert word in str(status_error_kind(status)("refused", status=status))


def test_an_error_inside_a_stream_is_advised_by_its_kind() -> None:
    assert RateLimitError("busy", status=200).advice() == RateLimitError("busy", status=429).advice()


@given(
    kind=KINDS,
    message=WORDS,
    provider=st.none() | WORDS,
    model=st.none() | WORDS,
    request_id=st.none() | WORDS,
    offset=st.none() | st.integers(0),
    attempts=st.none() | st.integers(0, 9),
    retry_after=st.none() | st.floats(0, 10_000),
)
def test_the_text_says_what_where_and_how_often(
    kind: type[ProviderError],
    message: str,
    provider: str | None,
    model: str | None,
    request_id: str | None,
    offset: int | None,
    attempts: int | None,
    retry_after: float | None,
) -> None:
    error = kind(
        message,
        provider=provider,
        model=model,
        request_id=request_id,
        offset=offset,
        attempts=attempts,
        retry_after=retry_after,
    )
    text = str(error)
    assert error.message == message
    for part in (message, provider, model, request_id):
        assert (part or "") in text
    assert (offset is None) or f"at byte {offset}" in text
    assert (f"{attempts} attempts" in text) is (attempts is not None and attempts > 1)
    assert ("asked to wait" in text) is (retry_after is not None)
    assert "None" not in text


def test_the_text_of_one_error() -> None:
    error = RateLimitError(
        "HTTP 429, rate_limit_error: slow down",
        provider="anthropic",
        model="claude",
        status=429,
        request_id="req_1",
        attempts=3,
        retry_after=90.0,
    )
    assert str(error) == (
        "anthropic claude: HTTP 429, rate_limit_error: slow down (request id req_1, 3 attempts, "
        "asked to wait 90 s). Slow down, or ask the provider for a higher limit; "
        "the quota may also be used up."
    )


@pytest.mark.parametrize(
    ("kind", "field", "path"),
    [
        (LimitExceededError, "max_event_bytes", "limits.max_event_bytes"),
        (APITimeoutError, "read_timeout", "read_timeout"),
    ],
)
def test_limits_and_clocks_name_the_field_to_raise_where_it_is_known(
    kind: type[ProviderError], field: str, path: str
) -> None:
    assert f"raise {path} in the config" in str(kind("passed", field=field))
    assert str(kind("passed")) == "passed"


def test_what_is_not_known_is_none() -> None:
    error = ProviderError("no")
    for name in ("provider", "model", "status", "error_type", "request_id", "partial", "index", "field"):
        assert getattr(error, name) is None


@given(kind=KINDS, message=WORDS, model=WORDS)
def test_more_context_makes_another_error_and_leaves_the_first(
    kind: type[ProviderError], message: str, model: str
) -> None:
    partial = Message(Role.ASSISTANT, "so far")
    first = kind(message, status=500)
    second = first.with_context(model=model, partial=partial)
    assert type(second) is kind
    assert (second.message, second.status, second.model, second.partial) == (message, 500, model, partial)
    assert (first.model, first.partial) == (None, None)


def test_a_copy_keeps_its_cause() -> None:
    cause = OSError("refused")
    error = APIConnectionError("refused")
    error.__cause__ = cause
    assert error.with_context(model="m").__cause__ is cause


def test_a_transport_error_says_whether_its_connection_had_served() -> None:
    assert not APIConnectionError("reset").reused
    again = APIConnectionError("reset", reused=True)
    assert again.reused
    assert again.with_context(model="m").reused


@given(kind=KINDS, before=WORDS, after=WORDS, secret=st.text(string.digits, min_size=1, max_size=8))
def test_a_secret_is_masked_wherever_a_server_echoed_it(
    kind: type[ProviderError], before: str, after: str, secret: str
) -> None:
    echoed = f"{before}{secret}{after}"
    error = kind(echoed, provider_message=echoed, error_type=secret, request_id=echoed, field="max")
    clean = error.replacing(secret)
    assert type(clean) is kind
    for text in (str(clean), repr(clean), clean.message, clean.provider_message, clean.error_type):
        assert text is not None
        assert secret not in text
    assert clean.provider_message == f"{before}[key]{after}"
    assert clean.field == "max"
    assert error.provider_message == echoed


def test_a_secret_is_masked_in_the_message_and_in_the_context_each_for_itself() -> None:
    cause = OSError("refused")
    in_message = APIConnectionError("no route for sk-1, sk-1", model="m", offset=3)
    in_message.__cause__ = cause
    clean = in_message.replacing("sk-1")
    assert str(clean).startswith("m: no route for [key], [key] (at byte 3).")
    assert clean.__cause__ is cause
    in_context = RateLimitError("slow down", provider_message="slow down, sk-1", status=429)
    assert in_context.replacing("sk-1", "…").provider_message == "slow down, …"
    assert in_context.replacing("sk-1").message == "slow down"
    assert in_context.provider_message == "slow down, sk-1"


def test_a_secret_is_masked_in_an_error_of_ours_that_is_the_cause() -> None:
    cause = APIConnectionError("reset by sk-1")
    error = StreamTruncatedError("the connection was lost")
    error.__cause__ = cause
    clean = error.replacing("sk-1")
    assert str(clean) == str(error)
    assert "sk-1" not in str(clean.__cause__)
    assert "sk-1" in str(cause)
    assert error.replacing("sk-2") is error


@given(before=WORDS, secret=st.text(string.digits, min_size=4, max_size=30), data=st.data())
def test_a_secret_is_masked_where_its_text_was_cut(before: str, secret: str, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, len(secret)))
    clean = ProviderError("m", provider_message=before + secret[:seen]).replacing(secret)
    assert clean.provider_message == before + ("[key]" if seen >= 4 else secret[:seen])


def test_an_error_without_the_secret_stays_itself() -> None:
    error = ProviderError("nothing here", provider_message="nor here", status=400)
    assert error.replacing("sk-secret") is error


def test_an_empty_secret_masks_nothing() -> None:
    error = ProviderError("text")
    assert error.replacing("") is error


@given(kind=KINDS, message=WORDS, status=st.none() | st.integers(100, 999))
def test_errors_can_be_copied_and_pickled(
    kind: type[ProviderError], message: str, status: int | None
) -> None:
    error = kind(message, status=status, provider="openai")
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


@given(st.text(st.characters(max_codepoint=0xFF) | st.sampled_from("\x1b\x9b\r\n\t\x07é")))
def test_no_control_character_of_a_peer_reaches_a_terminal(text: str) -> None:
    error = APIStatusError(text, status=500, request_id=text, provider_message=text)
    for shown in (error.message, str(error), str(error.with_context(model="m")), str(copy.copy(error))):
        controls = {c for c in shown.replace("\r\n", "\n") if not c.isprintable() and c not in "\n\t\xa0\xad"}
        assert controls == set()
    assert error.provider_message == text


def test_control_characters_are_shown_as_escapes() -> None:
    error = RateLimitError("Slow\x1b[2J down\r\nand\rwait\x9b31m,\tplease\x00", request_id="r\x07")
    assert error.message == "Slow\\x1b[2J down\r\nand\\rwait\\x9b31m,\tplease\\x00"
    assert "request id r\\x07)" in str(error)
    assert pickle.loads(pickle.dumps(error)).message == error.message


@pytest.mark.parametrize(
    "code", ["insufficient_quota", "contract_spend_limit_reached", "enforced_spend_limit_reached"]
)
def test_a_quota_that_is_used_up_is_not_advised_to_wait_out(code: str) -> None:
    for error in (
        RateLimitError("busy", status=429, code=code),
        RateLimitError("busy", status=429, error_type=code),
    ):
        assert "limit is used up" in error.advice()
        assert "billing" in error.advice()
        assert "Slow down" not in error.advice()


def test_the_error_of_a_list_of_providers_has_each_failure() -> None:
    failures = (RateLimitError("slow down", provider="openai"), APIConnectionError("no route"))
    error = FallbackError.of(failures)
    assert error.failures == failures
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert error.with_context(attempts=2).failures == failures
    assert str(error).endswith(f": (1) {failures[0]}; (2) {failures[1]}")


def test_every_control_character_is_escaped_except_tabs_and_line_ends() -> None:
    for code in range(0x180):
        char = chr(code)
        shown = ProviderError(f"a{char}b").message
        if char in "\n\t" or 0x20 <= code < 0x7F or code >= 0xA0:
            assert shown == f"a{char}b"
        else:
            assert shown == (f"a\\r{'b'}" if char == "\r" else f"a\\x{code:02x}b")
    assert ProviderError("a\r\nb\r\rc\r").message == "a\r\nb\\r\\rc\\r"


def test_a_text_shorter_than_the_secret_is_masked_where_it_was_cut() -> None:
    assert mask_cut("sk-s", "sk-secret") == "[key]"
    assert mask_cut("sk-", "sk-secret") == "sk-"
    assert mask_cut("xsk-secre", "sk-secret", "*") == "x*"
    assert mask_cut("sk-secret sk-secretsk-secr", "sk-secret", "*") == "* **"
    assert mask_cut("abcabc", "abcabcd", "*") == "*"
    assert mask_cut("abc", "abc") == "[key]"
    assert mask_cut("", "abcde") == ""


def test_the_rest_of_a_stream_is_named_beside_the_attempts() -> None:
    assert str(ProviderError("no", attempts=3, resumes=2)) == (
        "no (3 attempts, 2 of them for the rest of the stream)"
    )
    assert str(ProviderError("no", attempts=3)) == "no (3 attempts)"
    assert str(ProviderError("no", resumes=2)) == "no"


def test_an_error_about_the_key_keeps_all_else() -> None:
    error = PermissionDeniedError("no", status=403, code="c", provider="p", request_id="r")
    about = error.about_the_key("Make another key.")
    assert type(about) is AuthenticationError
    assert (about.message, about.status, about.code, about.provider) == ("no", 403, "c", "p")
    assert about.advice() == about.hint == "Make another key."
    assert error.hint != about.hint


def test_a_copy_of_an_error_masks_its_response_and_its_cause_alone() -> None:
    response = ResponseInfo(status=400, request_id="sk-1")
    error = BadRequestError("no", response=response, status=400)
    clean = error.replacing("sk-1", "*")
    assert clean.response == ResponseInfo(status=400, request_id="*")
    assert (clean.message, clean.status) == ("no", 400)
    cause = ProviderError("sk-1")
    error = BadRequestError("no")
    error.__cause__ = cause
    masked = error.replacing("sk-1", "*").__cause__
    assert isinstance(masked, ProviderError)
    assert masked.message == "*"
    assert error.__cause__ is cause


@pytest.mark.parametrize("status", [300, 301, 307, 308, 399])
def test_a_redirect_is_never_followed(status: int) -> None:
    assert APIStatusError("no", status=status).advice().startswith("Redirects are never followed")


@pytest.mark.parametrize("status", [299, 400, 200])
def test_other_statuses_are_not_redirects(status: int) -> None:
    assert "Redirects" not in APIStatusError("no", status=status).advice()


def test_only_a_429_can_be_of_a_quota_that_is_used_up() -> None:
    assert "billing" not in APIStatusError("no", status=400, code="insufficient_quota").advice()
    assert "billing" not in RateLimitError("no", status=429, code="rate_limit_exceeded").advice()
    assert RateLimitError("no", status=429, code="insufficient_quota", hint="Wait.").advice() == "Wait."


def test_each_class_of_errors_has_its_own_advice() -> None:
    """A word of the remedy, for each class that has one without any detail."""
    remedies = {
        RemoteProtocolError: "base_url",
        StreamTruncatedError: "incomplete",
        UnansweredError: "another batch",
        APIStatusError: "documentation",
        BadRequestError: "Fix what the provider's message names",
        AuthenticationError: "API key",
        PermissionDeniedError: "permissions",
        NotFoundError: "deployment",
        RateLimitError: "Slow down",
        InternalServerError: "request id",
        TransportError: "network",
        APIConnectionError: "network",
    }
    for kind, word in remedies.items():
        assert word in kind("no").advice()
        assert str(kind("no")) == f"no. {kind('no').advice()}"
    for kind in set(PARENTS) - set(remedies):
        assert kind("no").advice() == ""


def test_a_timeout_names_its_clock_and_a_limit_its_path() -> None:
    assert (
        APITimeoutError("slow", field="read_timeout").advice().endswith("raise read_timeout in the config.")
    )
    assert LimitExceededError("big", field="max_x").advice().endswith("raise limits.max_x in the config.")
    assert (APITimeoutError("slow").advice(), LimitExceededError("big").advice()) == ("", "")


def test_the_failures_of_a_list_are_numbered_from_one() -> None:
    failures = (ProviderError("a"), ProviderError("b", provider="p"), ProviderError("c", attempts=2))
    error = FallbackError.of(failures)
    assert error.message.startswith("3 providers were asked and failed: (1) a")
    assert error.message.endswith("(1) a; (2) p: b; (3) c (2 attempts)")
    assert FallbackError("no").failures == ()
