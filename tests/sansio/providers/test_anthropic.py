"""Anthropic's own service: address and headers, ids of calls, and reasoning that must be signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sansio import (
    ConfigError,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    ProviderConfig,
    ReasoningPart,
    Request,
    Role,
    Send,
    TextPart,
    ToolCall,
    register_provider,
)
from sansio.config import PROVIDER_DEFAULTS
from sansio.families.messages import MessagesDialect
from tests.sansio.wires import ASK, WEATHER, body_of, config, refused, sent

ORIGIN = "anthropic/messages"


def signed(fields: dict[str, Any], **options: Any) -> Request:
    provider = Provider(config("anthropic", **fields))
    step = provider.call(ASK, **options).next_step()
    assert isinstance(step, Send)
    return provider.authorize(step.request, "secret-key")


def test_the_key_goes_in_its_own_header_and_the_version_beside_it() -> None:
    request = signed({})
    headers = dict(request.headers)
    assert (request.host, request.target) == ("api.anthropic.com", "/v1/messages")
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("secret-key", "2023-06-01")
    assert "authorization" not in headers


def test_the_key_goes_as_bearer_where_that_is_asked() -> None:
    headers = dict(signed({"auth_method": "bearer"}).headers)
    assert headers["authorization"] == "Bearer secret-key"
    assert "x-api-key" not in headers


@pytest.mark.parametrize("day", ["2023-06-01", "2026-10-10", "2026-12-19", "2027-02-20", "2030-01-31"])
def test_a_version_is_a_date(day: str) -> None:
    assert dict(signed({"api_version": day}).headers)["anthropic-version"] == day
    for wrong in (f"{day}0", f"0{day}", day.replace("-", ""), "2026-00-10", "2026-13-10", "2026-10-32"):
        with pytest.raises(ConfigError, match="api_version"):
            signed({"api_version": wrong})


@pytest.mark.parametrize(
    ("base", "host", "target"),
    [
        (
            "https://res.services.ai.azure.com/anthropic",
            "res.services.ai.azure.com",
            "/anthropic/v1/messages",
        ),
        ("https://api.deepseek.com/anthropic/", "api.deepseek.com", "/anthropic/v1/messages"),
    ],
)
def test_another_host_has_the_same_path_below_its_own(base: str, host: str, target: str) -> None:
    request = signed({"base_url": base})
    assert (request.host, request.target) == (host, target)


def test_a_beta_is_named_for_a_call_and_replaces_those_of_the_config() -> None:
    fields = {"extra_headers": {"Anthropic-Beta": "files-api-2025-04-14"}}
    assert dict(signed(fields).headers)["anthropic-beta"] == "files-api-2025-04-14"
    asked = signed(fields, extra_headers={"anthropic-beta": "mcp-client-2026-09-15"}, mcp_servers=[])
    betas = [value for name, value in asked.headers if name == "anthropic-beta"]
    assert betas == ["mcp-client-2026-09-15"]


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        ({"signature": "c2ln"}, True),
        ({"type": "redacted_thinking", "data": "ZGF0YQ=="}, True),
        ({"signature": ""}, False),
        ({"signature": None}, False),
        ({}, False),
    ],
)
def test_reasoning_goes_back_if_it_is_signed_or_redacted(extra: dict[str, Any], kept: bool) -> None:
    part = ReasoningPart("" if "data" in extra else "Hm.", extra)
    history = [*ASK, Message(Role.ASSISTANT, (part, TextPart("Hi")), origin=ORIGIN), *ASK]
    prepared = Provider(config("anthropic")).prepare(history)
    content = sent("anthropic", *history)[1]["content"]
    assert (content[0]["type"] in ("thinking", "redacted_thinking")) if kept else (content == "Hi")
    assert [loss.what for loss in prepared.left_out] == ([] if kept else ["ReasoningPart"])


def test_reasoning_of_the_application_is_refused_with_its_place() -> None:
    said = Message(Role.ASSISTANT, (TextPart("Hi"), ReasoningPart("Hm.")))
    assert "message 1, part 1: reasoning without a signature" in str(refused("anthropic", *ASK, said))


@pytest.mark.parametrize(
    ("call_id", "taken"), [("toolu_01-a", True), ("A9", True), ("functions.look:0", False)]
)
def test_an_id_of_a_call_has_letters_digits_and_two_signs(call_id: str, taken: bool) -> None:
    calls = Message(Role.ASSISTANT, (ToolCall(call_id, "f"),))
    history = [*ASK, calls, Message(Role.TOOL, "ok", tool_call_id=call_id)]
    prepared = Provider(config("anthropic")).prepare(history)
    [use], [result] = (turn["content"] for turn in sent("anthropic", *history)[1:])
    assert (use["id"] == call_id) is taken
    assert use["id"] == result["tool_use_id"]
    assert [loss.what for loss in prepared.left_out] == ([] if taken else ["id"])


@pytest.fixture
def relaxed() -> Iterator[Provider]:
    """A compatible server of another maker, which signs no reasoning and takes any id."""
    register_provider("relaxed", MessagesDialect, PROVIDER_DEFAULTS["anthropic"])
    yield Provider(ProviderConfig(type="relaxed", model="m"))
    del PROVIDER_DEFAULTS["relaxed"]


def test_these_rules_are_anthropics_own_and_not_the_familys(relaxed: Provider) -> None:
    parts: tuple[Part, ...] = (ReasoningPart("Hm."), ToolCall("functions.look:0", "f"))
    answer = Message(Role.ASSISTANT, parts, origin="relaxed/messages")
    history = [*ASK, answer, Message(Role.TOOL, "ok", tool_call_id="functions.look:0")]
    thinking, use = body_of(relaxed, history)["messages"][1]["content"]
    assert (thinking["thinking"], use["id"]) == ("Hm.", "functions.look:0")
    assert relaxed.prepare(history).left_out == ()


def test_a_conversation_needs_a_message_beside_the_systems() -> None:
    with pytest.raises(InvalidRequestError, match="anthropic/messages needs a user's message"):
        Provider(config("anthropic")).prepare([Message(Role.SYSTEM, "Be brief.")])


def test_only_turns_of_the_user_and_of_the_assistant_have_no_further_fields() -> None:
    provider = Provider(config("anthropic"))
    called = Message(Role.ASSISTANT, (ToolCall("a", "f"),))
    for role in (Role.USER, Role.ASSISTANT):
        with pytest.raises(InvalidRequestError, match="message 1, name") as caught:
            provider.prepare([*ASK, Message(role, "Hi", extra={"name": "x"}), *ASK])
        assert caught.value.index == 1
    result = Message(Role.TOOL, "1", "a", extra={"cache_control": {"type": "ephemeral"}})
    sent: Any = provider.prepare([*ASK, called, result], [WEATHER]).body
    assert sent["messages"][2]["content"][0]["cache_control"] == {"type": "ephemeral"}
    own = Message(Role.ASSISTANT, "Hi", origin="anthropic/messages", extra={"container": {}})
    assert provider.prepare([*ASK, own, *ASK]).body["messages"]


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "https://res.openai.azure.com", "deployment": "a", "api_version": "2024-10-21"},
        {"api": "messages", "base_url": "https://res.services.ai.azure.com/anthropic", "deployment": "a"},
        {"api": "messages", "base_url": "https://res.services.ai.azure.com/anthropic", "model": "a"},
    ],
)
def test_another_model_of_azure_s_is_another_deployment(fields: dict[str, str]) -> None:
    provider = Provider(ProviderConfig.from_dict({"type": "azure", **fields}))
    other = provider.dialect.with_model("b").config
    assert (other.model, other.deployment) == ("b", "b")
    assert provider.prepare(ASK, model="b").body["model"] == "b"
