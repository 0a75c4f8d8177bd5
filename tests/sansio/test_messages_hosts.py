"""Anthropic's messages on other hosts: the pair of type and api decides, never the host's name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import (
    Citation,
    ConfigError,
    DocumentPart,
    InvalidRequestError,
    Message,
    MessagesProfile,
    Provider,
    ProviderConfig,
    ReasoningPart,
    Role,
    Send,
    ServerToolPart,
    StreamComplete,
    StreamParser,
    TextPart,
    ToolCall,
    port,
)
from sansio.families.messages import MessagesDialect
from sansio.profiles import BUILT_IN, MESSAGES
from sansio.testing import Answer, encode_whole
from sansio.testing.routes import Route
from sansio.testing.wires import wire_for
from tests.sansio.wires import ANTHROPIC_STREAM, ASK, WEATHER, Record, body_of
from tests.support import for_all

HOSTS = sorted(MESSAGES)
CLAUDE = ("anthropic", "azure", "bedrock")
OTHERS = [host for host in HOSTS if host not in CLAUDE]
FORM = {"type": "json_schema", "json_schema": {"name": "Invoice", "schema": {"type": "object"}}}
OLD = "claude-sonnet-4-20250514"


def provider_of(host: str, **fields: Any) -> Provider:
    row = BUILT_IN[host].of("messages")
    given: Record = {"type": host, "api": "messages", "model": "m"}
    if row.base_url is None:
        given["base_url"] = row.example_url
    if row.region_env:
        given["region"] = "us-east-1"
    return Provider(ProviderConfig.from_dict(given | fields))


def request_of(provider: Provider) -> Any:
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    return provider.authorize(step.request, "k" if provider.config.key_variables else None)


@pytest.mark.parametrize(
    ("host", "url", "auth"),
    [
        ("anthropic", "https://api.anthropic.com/v1/messages", "x-api-key: k"),
        ("azure", "https://my-resource.services.ai.azure.com/anthropic/v1/messages", "x-api-key: k"),
        (
            "bedrock",
            "https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages",
            "authorization: Bearer k",
        ),
        ("openrouter", "https://openrouter.ai/api/v1/messages", "authorization: Bearer k"),
        ("deepseek", "https://api.deepseek.com/anthropic/v1/messages", "authorization: Bearer k"),
        ("moonshot", "https://api.moonshot.ai/anthropic/v1/messages", "authorization: Bearer k"),
        ("minimax", "https://api.minimax.io/anthropic/v1/messages", "authorization: Bearer k"),
        ("fireworks", "https://api.fireworks.ai/inference/v1/messages", "authorization: Bearer k"),
        ("vllm", "http://localhost:8000/v1/messages", ""),
        ("ollama", "http://localhost:11434/v1/messages", ""),
    ],
)
def test_each_host_has_its_address_and_its_header_for_the_key(host: str, url: str, auth: str) -> None:
    provider = provider_of(host)
    assert provider.prepare(ASK).url == url
    request = request_of(provider)
    sent = [f"{name}: {value}" for name, value in request.headers if value.endswith("k")]
    assert sent == ([auth] if auth else [])
    assert dict(request.headers)["anthropic-version"] == "2023-06-01"


def test_any_address_and_either_header_will_do() -> None:
    own = provider_of("anthropic", base_url="https://api.example.com/claude", auth_method="bearer")
    assert own.prepare(ASK).url == "https://api.example.com/claude/v1/messages"
    assert ("authorization", "Bearer k") in request_of(own).headers
    entra = provider_of("azure", auth_method="bearer")
    assert ("authorization", "Bearer k") in request_of(entra).headers


def test_another_api_has_another_address_and_another_key() -> None:
    config = ProviderConfig(type="deepseek", model="m")
    assert config.base_url != config.replace(api="messages").base_url
    foundry = provider_of("azure").config
    assert foundry.key_variables == ("ANTHROPIC_FOUNDRY_API_KEY", "AZURE_OPENAI_API_KEY")


@pytest.mark.parametrize("host", HOSTS)
def test_an_answer_is_read_and_says_where_it_is_from(host: str) -> None:
    last = StreamParser(host, api="messages").receive_data(ANTHROPIC_STREAM)[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.origin == f"{host}/messages"


SIGNED = ReasoningPart("Hm.", {"signature": "c2ln"})


@for_all(("host", HOSTS), ("stream", [True, False]))
def test_a_tool_loop_is_well_formed_at_each_host(host: str, stream: bool) -> None:
    provider = provider_of(host)
    said = Answer(reasoning="Hm.", tool_calls=(ToolCall("toolu_1", "get_weather"),))
    whole = json.loads(encode_whole("anthropic", said, model="m", response_id="msg_1"))
    answer = provider.dialect.parse_response(whole)
    assert answer.origin == f"{host}/messages"
    history = [*ASK, answer, Message(Role.TOOL, "18 °C", tool_call_id="toolu_1")]
    step = provider.call(history, [WEATHER], stream=stream).next_step()
    assert isinstance(step, Send)
    body = json.loads(step.request.body)
    assert [block["type"] for block in body["messages"][1]["content"]] == ["thinking", "tool_use"]
    prompt = wire_for("anthropic").read_request(Route("anthropic"), step.request, body)
    assert prompt.stream is stream
    assert provider.prepare(history, [WEATHER]).left_out == ()


def test_the_deployment_is_the_model_at_foundry() -> None:
    deployed = provider_of("azure", model=None, deployment="opus")
    assert deployed.prepare(ASK).body["model"] == "opus"
    assert deployed.prepare(ASK, model="haiku").body["model"] == "haiku"
    assert provider_of("azure").prepare(ASK).body["model"] == "m"
    with pytest.raises(ConfigError, match="model: name the deployment"):
        provider_of("azure", model=None)


@pytest.mark.parametrize("host", HOSTS)
def test_a_version_is_a_date(host: str) -> None:
    with pytest.raises(ConfigError, match=r"api_version: 'new' is not a date"):
        provider_of(host, api_version="new")
    assert (
        provider_of(host, api_version="2026-10-21").prepare(ASK).headers["anthropic-version"] == "2026-10-21"
    )


def test_a_version_is_none_of_chats_business() -> None:
    assert ProviderConfig(type="openrouter", model="m", api_version="new").api == "chat"


# What only a host of Claude checks.


@pytest.mark.parametrize("host", HOSTS)
def test_reasoning_without_a_signature(host: str) -> None:
    answer = Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")), origin=f"{host}/messages")
    _, report = port([*ASK, answer], provider_of(host).dialect)
    assert [loss.what for loss in report] == (["ReasoningPart"] if host in CLAUDE else [])


@pytest.mark.parametrize("host", HOSTS)
def test_names_of_tools_ids_of_calls_and_fields_of_messages(host: str) -> None:
    provider = provider_of(host)
    call = Message(Role.ASSISTANT, (ToolCall("f:0", "f"),))
    history = [*ASK, call, Message(Role.TOOL, "ok", tool_call_id="f:0")]
    assert bool(provider.prepare(history).left_out) is (host in CLAUDE)
    named = [Message(Role.USER, "Hi", extra={"name": "Ann"})]
    tool: Record = {"type": "function", "function": {"name": "a.b"}}
    for given in ((named, None), (ASK, [tool])):
        if host in CLAUDE:
            with pytest.raises(InvalidRequestError):
                provider.prepare(*given)
        else:
            provider.prepare(*given)


@pytest.mark.parametrize("host", HOSTS)
def test_options_that_do_not_go_together(host: str) -> None:
    provider = provider_of(host, api_version="2026-10-21")
    together: list[Record] = [
        {"temperature": 1.5},
        {"temperature": 0.5},
        {"thinking": {"type": "enabled", "budget_tokens": 2_000}, "top_p": 0.5},
        {"stop": " "},
    ]
    ruled = MESSAGES[host].claude
    for options in together:
        if ruled:
            with pytest.raises(InvalidRequestError):
                provider.prepare(ASK, **options)
        else:
            assert provider.prepare(ASK, **options).left_out == ()


@pytest.mark.parametrize("host", HOSTS)
def test_thinking_is_by_budget_or_as_the_name_of_a_claude_says(host: str) -> None:
    provider = provider_of(host, reasoning=True)
    by_budget = {"type": "enabled", "budget_tokens": 4096}
    newer: Any = provider.prepare(ASK, model="claude-opus-5-5").body["thinking"]
    assert newer == ({"type": "adaptive", "display": "summarized"} if MESSAGES[host].claude else by_budget)
    assert provider.prepare(ASK, model=OLD).body["thinking"] == by_budget
    if MESSAGES[host].claude:
        with pytest.raises(InvalidRequestError, match="reasoning_budget"):
            provider.prepare(ASK, reasoning_budget=2_000)
        return
    asked = {"type": "enabled", "budget_tokens": 2_000}
    assert provider.prepare(ASK, reasoning_budget=2_000).body["thinking"] == asked
    assert provider.prepare(ASK, reasoning_budget=None).body["thinking"] == by_budget


@pytest.mark.parametrize("host", HOSTS)
def test_a_schema_is_a_forced_tool_for_the_first_claudes(host: str) -> None:
    old = provider_of(host, model=OLD)
    if MESSAGES[host].claude:
        assert "tools" in old.prepare(ASK, response_format=FORM).body
    else:
        assert "output_config" in old.prepare(ASK, response_format=FORM).body
    assert "output_config" in provider_of(host).prepare(ASK, response_format=FORM).body


def test_results_of_an_answer_without_thinking_go_where_no_rule_forbids_it() -> None:
    loop = [
        *ASK,
        Message(Role.ASSISTANT, (ToolCall("a", "f"),)),
        Message(Role.TOOL, "ok", tool_call_id="a"),
    ]
    budget: Record = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
    assert provider_of("vllm").prepare(loop, **budget).left_out == ()
    azure = provider_of("azure")
    with pytest.raises(InvalidRequestError, match="does not begin with thinking"):
        azure.prepare(loop, **budget)
    for thought in (
        ReasoningPart("Hm.", {"signature": "s"}),
        ReasoningPart("", {"type": "redacted_thinking", "data": "AA=="}),
    ):
        loop[-2] = Message(Role.ASSISTANT, (thought, ToolCall("a", "f")), origin="azure/messages")
        sent: Any = azure.prepare(loop, **budget).body["messages"]
        assert sent[-2]["content"][0]["type"].endswith("thinking")


def test_citations_go_under_any_version_where_there_are_none() -> None:
    cited = [Message(Role.USER, (TextPart("Hi", (Citation("https://example.com"),)),))]
    assert provider_of("vllm", api_version="2026-10-21").prepare(cited).body["messages"]
    with pytest.raises(InvalidRequestError, match="with citations"):
        provider_of("bedrock", api_version="2026-10-21").prepare(cited)


# What a host has, and what it has not.


@pytest.mark.parametrize("host", HOSTS)
def test_breakpoints_for_the_cache(host: str) -> None:
    provider = provider_of(host)
    cached = json.dumps(provider.prepare(ASK, cache=True).body)
    assert ("cache_control" in cached) is (host in (*CLAUDE, "openrouter"))
    mark: Record = {"cache_control": {"type": "ephemeral"}}
    many = [Message(Role.USER, tuple(TextPart(str(number), extra=mark) for number in range(5)))]
    if MESSAGES[host].caches:
        with pytest.raises(InvalidRequestError, match="one too many"):
            provider.prepare(many)
    else:
        assert provider.prepare(many).left_out == ()
        with pytest.raises(InvalidRequestError, match="cache: '1h' cannot be sent"):
            provider.prepare(ASK, cache="1h")


@pytest.mark.parametrize("host", HOSTS)
def test_counts_of_tokens_and_lists_of_models(host: str) -> None:
    provider = provider_of(host)
    if host in ("anthropic", "azure", "vllm"):
        step = provider.count_tokens(ASK).next_step()
        assert isinstance(step, Send)
        assert step.request.target.endswith("/v1/messages/count_tokens")
    else:
        with pytest.raises(InvalidRequestError, match=f"count_tokens: {host}/messages has no endpoint"):
            provider.count_tokens(ASK)
    if host == "anthropic":
        assert isinstance(provider.list_models().next_step(), Send)
    else:
        with pytest.raises(InvalidRequestError, match=f"list_models: {host}/messages has no endpoint"):
            provider.list_models()


def test_ollama_has_no_choice_of_tools_and_no_documents() -> None:
    provider = provider_of("ollama")
    with pytest.raises(InvalidRequestError, match=r"tool_choice: ollama/messages has no such option"):
        provider.prepare(ASK, [WEATHER], tool_choice="auto")
    dropped = provider.prepare(ASK, [WEATHER], tool_choice="auto", unsupported="drop")
    assert [loss.option for loss in dropped.left_out] == ["tool_choice"]
    document = Message(Role.USER, (DocumentPart(data=b"Hi", media_type="text/plain"),))
    with pytest.raises(InvalidRequestError, match="give its text as a TextPart"):
        provider.prepare([document])
    assert provider_of("vllm").prepare([document]).left_out == ()


# Between hosts.

SEARCHED = ServerToolPart("server_tool_use", "srv_1", "web_search", {"query": "tower"})


@for_all(("home", CLAUDE), ("target", HOSTS))
def test_a_signature_of_claude_is_valid_at_each_host_of_claude_and_nothing_else_goes_along(
    home: str, target: str
) -> None:
    parts = (SIGNED, SEARCHED, TextPart("Hi", extra={"x": 1}))
    answer = Message(
        Role.ASSISTANT, parts, origin=f"{home}/messages", extra={"container": {"id": "container_1"}}
    )
    provider = provider_of(target)
    prepared = provider.prepare([*ASK, answer, *ASK])
    sent: Any = prepared.body["messages"]
    content = sent[1]["content"]
    thinking = [block for block in content if isinstance(block, dict) and block["type"] == "thinking"]
    if target in CLAUDE:
        assert thinking == [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]
    elif target in ("vllm", "ollama", "lmstudio", "llamacpp"):
        assert thinking == [{"type": "thinking", "thinking": "Hm."}]
    else:
        assert thinking == []
    if home == target:
        assert prepared.left_out == ()
        return
    assert "container" not in prepared.body
    lost = {loss.what for loss in prepared.left_out}
    assert lost >= {"ServerToolPart", "extra: x", "extra: container"}
    assert ("ReasoningPart" in lost) is (not thinking)


def test_another_hosts_signature_is_none_of_claudes() -> None:
    answer = Message(Role.ASSISTANT, (SIGNED, TextPart("Hi")), origin="minimax/messages")
    _, report = port([*ASK, answer], provider_of("anthropic").dialect)
    assert [loss.what for loss in report] == ["ReasoningPart"]


@pytest.mark.parametrize("host", [host for host in OTHERS if "chat" in BUILT_IN[host].apis])
def test_the_two_apis_of_one_host_are_two_origins(host: str) -> None:
    answer = Message(Role.ASSISTANT, (SIGNED, TextPart("Hi")), origin=f"{host}/messages")
    chat = Provider(ProviderConfig(type=host, model="m"))
    _, report = port([*ASK, answer], chat.dialect)
    assert len(report) == 1


def test_a_family_of_ones_own_host() -> None:
    quiet = MessagesDialect.of(MessagesProfile(path="/claude", without=frozenset(("top_k",))))
    dialect = quiet(provider_of("vllm").config)
    assert dialect.build_endpoint() == "http://localhost:8000/v1/claude"
    assert "top_k" not in dialect.options()
    body = body_of(provider_of("vllm"), ASK, top_k=-1)
    assert body["top_k"] == -1
