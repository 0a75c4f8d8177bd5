"""A provider makes calls and signs them: the one place where a key enters."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AuthMethod,
    ChatDialect,
    ConfigError,
    Lost,
    Message,
    Provider,
    ProviderConfig,
    Request,
    Role,
    Send,
    Wait,
    register_provider,
)
from sansio.config import PROVIDER_DEFAULTS
from sansio.defaults import ProviderDefaults
from tests.sansio.exchanges import HI, REFUSED, run, streamed
from tests.sansio.wires import ASK, DONE, TYPES, WEATHER, config

KEY = "sk-secret-0123456789"


def request_of(provider: Provider, **options: Any) -> Request:
    step = provider.call(ASK, [WEATHER], **({"stream": True, "temperature": 0} | options)).next_step()
    assert isinstance(step, Send)
    return step.request


ENDPOINTS = {
    "openrouter": "https://openrouter.ai/api/v1/chat/completions",
    "openai": "https://api.openai.com/v1/chat/completions",
    "azure": "https://res.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
    "anthropic": "https://api.anthropic.com/v1/messages",
    "ollama": "http://localhost:11434/v1/chat/completions",
    "vllm": "http://localhost:8000/v1/chat/completions",
}
AUTH = {
    "openrouter": ("authorization", f"Bearer {KEY}"),
    "openai": ("authorization", f"Bearer {KEY}"),
    "azure": ("api-key", KEY),
    "anthropic": ("x-api-key", KEY),
}


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_has_its_address_and_signs_its_way(kind: str) -> None:
    provider = Provider(config(kind))
    request = request_of(provider)
    assert request.url == ENDPOINTS[kind]
    assert request.method == "POST"
    headers = dict(request.headers)
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["content-length"] == str(len(request.body))
    assert headers["user-agent"] == "sansio-llm"
    signed = provider.authorize(request, KEY)
    added = tuple(pair for pair in signed.headers if pair not in request.headers)
    assert added == ((AUTH[kind],) if kind in AUTH else ())
    assert (signed.body, signed.url) == (request.body, request.url)


@pytest.mark.parametrize(("stream", "accept"), [(True, "text/event-stream"), (False, "application/json")])
def test_the_accept_header_names_what_is_requested(stream: bool, accept: str) -> None:
    assert dict(request_of(Provider(config("openai")), stream=stream).headers)["accept"] == accept


def test_extra_headers_are_sent_and_may_replace_the_librarys_own_manners() -> None:
    extra = {"X-Title": "mine", "User-Agent": "mine/1"}
    headers = dict(request_of(Provider(config("openrouter", extra_headers=extra))).headers)
    assert (headers["x-title"], headers["user-agent"]) == ("mine", "mine/1")


@pytest.mark.parametrize("kind", TYPES)
def test_pain_22_the_same_input_gives_the_same_bytes(kind: str) -> None:
    first, second = (request_of(Provider(config(kind, reasoning=True)), temperature=1) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("key", [None, ""])
@pytest.mark.parametrize("kind", AUTH)
def test_a_missing_key_is_a_config_error(kind: str, key: str | None) -> None:
    provider = Provider(config(kind))
    with pytest.raises(ConfigError, match="there is no API key") as caught:
        provider.authorize(request_of(provider), key)
    assert caught.value.field == "api_key_env"


@pytest.mark.parametrize("key", ["a\nb", "a\r\nx: y", " padded", "tab\t", "ключ", "nul\0", "a\u2028b"])
def test_pain_19_a_key_that_no_header_can_hold_is_refused_and_not_shown(key: str) -> None:
    provider = Provider(config("openai"))
    with pytest.raises(ConfigError, match="characters that no header can hold") as caught:
        provider.authorize(request_of(provider), key)
    assert key not in str(caught.value)
    frames = library_frames(caught.value)
    assert frames
    assert not any(key in frame.f_locals.values() for frame in frames)


def library_frames(error: ConfigError) -> list[types.FrameType]:
    """The frames of the library that the traceback goes through."""
    found = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals["__name__"].startswith("sansio."):
            found.append(trace.tb_frame)
        trace = trace.tb_next
    return found


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_pain_19_a_key_is_in_no_repr(key: str) -> None:
    provider = Provider(config("azure"))
    signed = provider.authorize(request_of(provider), "<<" + key)
    assert dict(signed.headers)["api-key"] == "<<" + key
    assert "<<" + key not in repr(signed)


def test_one_provider_serves_any_number_of_calls_at_once() -> None:
    provider = Provider(config("openai"))
    calls = [provider.call(ASK) for _ in range(3)]
    for call in calls:
        call.next_step()
    for call in reversed(calls):
        for value in streamed(HI, DONE):
            call.receive(value)
    assert [call.result().text for call in calls] == ["Hi"] * 3


def test_a_call_streams_without_tools_and_records_nothing_by_default() -> None:
    call = Provider(config("openai")).call(ASK)
    step = call.next_step()
    assert isinstance(step, Send)
    assert b'"stream":true' in step.request.body
    assert b"tools" not in step.request.body
    assert not step.fresh
    for value in streamed(HI, DONE):
        call.receive(value)
    assert call.take_records() == []


def test_prepare_says_what_call_would_send_but_for_the_key() -> None:
    provider = Provider(config("azure"))
    prepared = provider.prepare(ASK, [WEATHER], stream=False, temperature=0, extra_headers={"X-A": "b"})
    step = provider.call(ASK, [WEATHER], stream=False, temperature=0, extra_headers={"X-A": "b"}).next_step()
    assert isinstance(step, Send)
    assert prepared.url == step.request.url
    assert prepared.body == json.loads(step.request.body)
    sent = {name: value for name, value in step.request.headers if name != "content-length"}
    assert {name: value for name, value in prepared.headers.items() if name != "content-length"} == sent
    assert prepared.left_out == ()


def test_nothing_random_is_in_the_waits_unless_it_is_given() -> None:
    provider = Provider(config("openai"))
    for random, wait in ((None, 1.0), (lambda: 0.75, 1.75)):
        call = provider.call(ASK) if random is None else provider.call(ASK, random=random)
        call.next_step()
        call.receive(Lost(REFUSED))
        assert call.next_step() == Wait(wait)


def test_the_configs_limits_on_retries_are_kept() -> None:
    _, steps = run(Provider(config("openai", max_attempts=1)).call(ASK), [Lost(REFUSED)])
    assert len(steps) == 1


class Odd(ChatDialect):
    """A custom dialect whose address and headers a test sets."""

    endpoint = "https://api.example.com/v1"
    headers: ClassVar[dict[str, str]] = {}

    def build_endpoint(self, stream: bool = False) -> str:
        return self.endpoint

    def build_headers(self) -> dict[str, str]:
        return self.headers


@pytest.fixture
def odd() -> Iterator[Provider]:
    register_provider("odd", Odd, ProviderDefaults(base_url="https://api.example.com", model="m"))
    yield Provider(ProviderConfig(type="odd"))
    del PROVIDER_DEFAULTS["odd"]


@pytest.mark.parametrize(
    "endpoint",
    ["ftp://x", "https://", "/v1", "http://api.example.com/v1", "https://u:p@x/v1", "https://x:99999/v1"],
)
def test_a_custom_dialects_address_is_checked_before_anything_is_sent(
    odd: Provider, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setattr(Odd, "endpoint", endpoint)
    with pytest.raises(ConfigError):
        odd.call(ASK)


@pytest.mark.parametrize(
    "headers", [{"x": "a\r\nb"}, {"x y": "a"}, {"Authorization": "a"}, {"Content-Length": "5"}]
)
def test_a_custom_dialects_headers_are_checked_before_anything_is_sent(
    odd: Provider, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    monkeypatch.setattr(Odd, "headers", headers)
    with pytest.raises(ConfigError, match="extra_headers"):
        odd.call(ASK)


def test_a_custom_dialects_address_may_have_a_query(odd: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Odd, "endpoint", "https://api.example.com/v1?beta=true")
    assert request_of(odd).target == "/v1?beta=true"


def test_plain_http_beyond_this_machine_needs_consent(odd: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Odd, "endpoint", "http://api.example.com/v1")
    for fields in ({"allow_http": True}, {"auth_method": AuthMethod.NONE}):
        provider = Provider(ProviderConfig.from_dict({"type": "odd", **fields}))
        assert request_of(provider).url == "http://api.example.com/v1"


def test_the_example_in_the_documentation_is_true() -> None:
    call = Provider(ProviderConfig(type="ollama", model="llama3.2")).call([Message(Role.USER, "Hello")])
    assert re.match(
        r"Send\(request=<Request POST http://localhost:11434/v1/chat/completions ", repr(call.next_step())
    )


class Moving(ChatDialect):
    """A dialect whose address and headers change between two calls."""

    endpoint: ClassVar[str] = "https://one.example.com/v1"
    headers: ClassVar[dict[str, str]] = {}

    def build_endpoint(self, stream: bool = False) -> str:
        return self.endpoint

    def build_headers(self) -> dict[str, str]:
        return self.headers


def test_what_a_dialect_says_for_one_call_does_not_apply_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defaults = ProviderDefaults(base_url="https://api.example.com", api_key_env="MY_KEY", model="m")
    monkeypatch.setitem(PROVIDER_DEFAULTS, "moving", defaults)
    register_provider("moving", Moving, defaults)
    provider = Provider(ProviderConfig(type="moving"))
    headers: dict[str, str] = {}
    monkeypatch.setattr(Moving, "headers", headers)
    assert request_of(provider).host == "one.example.com"
    headers["X-Turn"] = "2"  # in the dict that was given before
    assert ("x-turn", "2") in request_of(provider).headers
    monkeypatch.setattr(Moving, "endpoint", "https://two.example.com/v1")
    assert request_of(provider).host == "two.example.com"
    assert dict(request_of(provider).headers)["accept"] == "text/event-stream"
    assert dict(request_of(provider, stream=False).headers)["accept"] == "application/json"
    headers["X-Turn"] = "a\nb"
    with pytest.raises(ConfigError):
        request_of(provider)
    del headers["X-Turn"]
    monkeypatch.setattr(Moving, "endpoint", "http://far.example.com/v1")
    for _ in range(2):
        with pytest.raises(ConfigError, match="plain text"):
            request_of(provider)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_each_call_has_its_own_body_and_length(texts: list[str]) -> None:
    provider = Provider(config("openai"))
    for text in texts:
        step = provider.call([Message(Role.USER, f"Say {text}")]).next_step()
        assert isinstance(step, Send)
        sizes = [value for name, value in step.request.headers if name == "content-length"]
        assert sizes == [str(len(step.request.body))]
