"""Each fact of a profile shows in bytes: of a request, or of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from msgspec import structs

from sansio import (
    PROVIDER_DEFAULTS,
    AudioPart,
    AuthenticationError,
    AuthMethod,
    ChatDialect,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidRequestError,
    Message,
    Option,
    Options,
    Profile,
    Provider,
    ProviderConfig,
    ProviderDefaults,
    RateLimitError,
    ReasoningPart,
    Role,
    Send,
    StreamComplete,
    StreamParser,
    TextPart,
    ToolCall,
    Usage,
    register_provider,
)
from sansio.options import UnsupportedOptionError
from sansio.profiles import BUILT_IN
from sansio.providers import dialect_named
from tests.sansio.wires import (
    ASK,
    DONE,
    TYPES,
    WEATHER,
    Record,
    answer,
    body_of,
    chunk,
    completion,
    config,
    failure,
    parse,
    read,
    sse,
    tool_chunk,
)
from tests.support import for_all

CHAT = [name for name, row in BUILT_IN.items() if "chat" in row.apis]
ROWS = [name for name in CHAT if name not in TYPES and BUILT_IN[name].apis[0] == "chat"]
FORM = {"type": "json_schema", "json_schema": {"name": "Invoice", "schema": {"type": "object"}}}


def provider_of(name: str, **fields: Any) -> Provider:
    return Provider(config(name, **fields))


def body(name: str, messages: list[Message] = ASK, tools: list[Record] | None = None, **more: Any) -> Record:
    return body_of(provider_of(name), messages, tools, **more)


@pytest.fixture
def server() -> Iterator[type[Profile]]:
    """A type of the application, which a test registers as `mine`."""
    yield Profile
    PROVIDER_DEFAULTS.pop("mine", None)


def register(**facts: Any) -> Provider:
    register_provider("mine", Profile(base_url="https://api.example.com/v1", model="m", **facts))
    return Provider(ProviderConfig(type="mine"))


# A row is whole.


@for_all(("name", ROWS))
def test_a_type_and_a_model_are_a_whole_config(name: str) -> None:
    provider = provider_of(name)
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    assert f"{step.request.scheme}://{step.request.host}" in provider.config.base_url
    assert step.request.target.endswith("/chat/completions")
    local = step.request.scheme == "http"
    assert local is (step.request.host == "localhost") is not bool(provider.config.key_variables)
    sent = provider.authorize(step.request, None if local else "k")
    assert (("authorization", "Bearer k") in sent.headers) is not local
    assert provider.dialect.origin == f"{name}/chat"
    last = StreamParser(name).receive_data(sse(chunk({"content": "Hi"}, "stop")) + DONE)[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.origin == f"{name}/chat"


@pytest.mark.parametrize(
    ("name", "api"), [(name, api) for name, row in BUILT_IN.items() if row.example_url for api in row.apis]
)
def test_a_type_without_an_address_says_what_one_looks_like(name: str, api: str) -> None:
    with pytest.raises(
        Exception, match=r"base_url: .* has no default; give the server's address, such as https://"
    ) as e:
        ProviderConfig(type=name, api=api, model="m")
    example = str(e.value).rpartition(" ")[2]
    fields: Record = (
        {"deployment": "d", "api_version": "2024-10-21"} if name == "azure" and api != "messages" else {}
    )
    assert ProviderConfig(type=name, api=api, model="m", base_url=example, **fields).base_url == example


def test_a_row_is_one_class_and_is_chosen_by_its_type_alone() -> None:
    assert type(dialect_named("groq")) is type(dialect_named("groq"))
    elsewhere = provider_of("deepseek", base_url="https://proxy.example.com")
    assert body_of(elsewhere, ASK, reasoning_effort="none")["thinking"] == {"type": "disabled"}
    unknown = Provider(config("compatible", base_url="https://api.deepseek.com"))
    assert body_of(unknown, ASK, reasoning_effort="none")["reasoning_effort"] == "none"


@for_all(("name", BUILT_IN))
def test_each_option_of_a_row_is_a_typed_keyword(name: str) -> None:
    for api in BUILT_IN[name].apis:
        if api in ("chat", "messages"):
            assert dialect_named(f"{name}/{api}").options().keys() <= get_type_hints(Options).keys()


def test_a_profile_in_five_lines_is_a_type_like_any_other(server: object) -> None:
    register_provider(
        "mine",
        Profile(base_url="https://api.example.com/v1", api_key_env="MINE_KEY", seed_field="random_seed"),
    )
    provider = Provider(ProviderConfig(type="mine", model="m"))
    assert provider.config.key_variables == ("MINE_KEY",)
    assert provider.prepare(ASK, seed=7).body["random_seed"] == 7
    assert provider.dialect.origin == "mine/chat"
    last = StreamParser("mine").receive_data(sse(chunk({"content": "Hi"}, "stop")) + DONE)[-1]
    assert "mine/chat" in repr(last)


def test_a_dialect_with_a_profile_has_its_facts_and_one_without_those_of_its_class(server: object) -> None:
    class Mine(ChatDialect):
        def build_headers(self) -> dict[str, str]:
            return {"x-mine": "1"}

    register_provider("mine", Mine, Profile(base_url="https://api.example.com", model="m", seed_field=None))
    prepared = Provider(ProviderConfig(type="mine")).prepare(ASK, seed=7, unsupported="drop")
    assert prepared.headers["x-mine"] == "1"
    assert [loss.option for loss in prepared.left_out] == ["seed"]
    Mine.OPTIONS = {**ChatDialect.OPTIONS, "mood": Option(str, "mood")}
    register_provider("mine", Mine, Profile(base_url="https://api.example.com", model="m"))
    assert Provider(ProviderConfig(type="mine")).prepare(ASK, options={"mood": "good"}).body["mood"] == "good"
    register_provider("mine", Mine, ProviderDefaults(base_url="https://api.example.com", model="m"))
    assert Provider(ProviderConfig(type="mine")).prepare(ASK, seed=7).body["seed"] == 7


def test_a_profile_is_frozen_and_a_request_does_not_change_it() -> None:
    row = BUILT_IN["deepseek"]
    with pytest.raises(AttributeError):
        row.base_url = "https://evil.example.com"  # type: ignore[misc]  # what is refused
    prepared: Any = provider_of("deepseek", reasoning=True).prepare(ASK).body
    prepared["thinking"]["type"] = "changed"
    assert body_of(provider_of("deepseek", reasoning=True), ASK)["thinking"] == {"type": "enabled"}


# The fields of a request.


@pytest.mark.parametrize("option", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_field(option: str) -> None:
    limits: Record = {option: 5}
    assert sizes(body("deepseek", **limits)) == {"max_tokens": 5}
    assert sizes(body("cerebras", **limits)) == {"max_completion_tokens": 5}
    assert sizes(body("vllm", **limits)) == limits
    with pytest.raises(InvalidRequestError, match="contradicts"):
        body("deepseek", max_tokens=5, max_completion_tokens=6)


def sizes(sent: Record) -> Record:
    return {name: value for name, value in sent.items() if "tokens" in name}


def test_seed_field(server: object) -> None:
    assert body("mistral", seed=7).items() >= {"random_seed": 7}.items()
    assert "seed" not in body("mistral", seed=7)
    assert body("groq", seed=7)["seed"] == 7
    with pytest.raises(InvalidRequestError, match="contradicts"):
        body("mistral", seed=7, random_seed=8)
    with pytest.raises(InvalidRequestError, match=r"seed: mine/chat has no such option"):
        register(seed_field=None).prepare(ASK, seed=7)


def test_budget_field() -> None:
    assert body("alibaba", reasoning_budget=500)["thinking_budget"] == 500
    with pytest.raises(InvalidRequestError, match=r"reasoning_budget: groq/chat has no such option"):
        body("groq", reasoning_budget=500)


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("deepseek", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        ("moonshot", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        ("zai", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        ("alibaba", {"enable_thinking": True}, {"enable_thinking": False}),
        (
            "sglang",
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
        ("groq", {"reasoning_format": "parsed"}, {"reasoning_effort": "none"}),
        ("mistral", {"prompt_mode": "reasoning"}, {"reasoning_effort": "none"}),
        ("xai", {"reasoning_effort": "medium"}, {"reasoning_effort": "none"}),
    ],
)
def test_reasoning_on_and_off(name: str, on: Record, off: Record) -> None:
    plain = body(name)
    assert body_of(provider_of(name, reasoning=True), ASK) == {**plain, **on}
    assert body(name, reasoning_effort="none") == {**plain, **off}
    assert body_of(provider_of(name, reasoning=True), ASK, reasoning_effort="none") == {**plain, **off}


def test_an_object_that_reasoning_begins_may_have_more() -> None:
    more: Record = {"chat_template_kwargs": {"tools_in_user_message": False}}
    sent = body_of(provider_of("sglang", reasoning=True), ASK, **more)
    assert sent["chat_template_kwargs"] == {"enable_thinking": True, "tools_in_user_message": False}
    switched = body_of(provider_of("deepseek", reasoning=True), ASK, thinking={"type": "disabled"})
    assert switched["thinking"] == {"type": "disabled"}


def test_effort_values() -> None:
    words = {"low": "low", "medium": "high", "high": "high", "xhigh": "max"}
    for word, sent in words.items():
        assert body("deepseek", reasoning_effort=word)["reasoning_effort"] == sent
    assert body("groq", reasoning_effort="default")["reasoning_effort"] == "default"
    assert "reasoning_effort" not in body("deepseek", reasoning_effort=None)
    with pytest.raises(
        InvalidRequestError, match=r"reasoning_effort: 'default' is unknown; use one of none, "
    ):
        body("deepseek", reasoning_effort="default")


def test_effort_values_of_a_server_that_always_thinks(server: object) -> None:
    provider = register(effort_values={"high": "max"})
    with pytest.raises(InvalidRequestError, match=r"reasoning_effort: 'none' is unknown; use one of high$"):
        provider.prepare(ASK, reasoning_effort="none")


def test_without_and_options() -> None:
    for option in ({"logprobs": True}, {"logit_bias": {"5": 1}}):
        refusal = rf"^{next(iter(option))}: groq/chat has no such option"
        with pytest.raises(InvalidRequestError, match=refusal):
            body("groq", **option)
        prepared = provider_of("groq").prepare(ASK, **option, unsupported="drop")
        assert [loss.option for loss in prepared.left_out] == list(option)
    assert body("groq", service_tier="flex")["service_tier"] == "flex"
    with pytest.raises(InvalidRequestError, match=r"^service_tier: deepseek/chat has no such option"):
        body("deepseek", service_tier="flex")


def test_options_may_be_bounded() -> None:
    assert body("moonshot", temperature=1)["temperature"] == 1
    with pytest.raises(InvalidRequestError, match=r"temperature: 1.5 cannot be sent"):
        body("moonshot", temperature=1.5)
    assert body("groq", temperature=1.5)["temperature"] == 1.5


def test_body() -> None:
    assert body("minimax")["reasoning_split"] is True
    assert body("minimax", reasoning_split=False)["reasoning_split"] is False


def test_stream_options() -> None:
    for name in ("mistral", "github-models"):
        assert body(name, stream=True).keys() == {"model", "messages", "stream"}
    asked = body("github-models", stream=True, stream_options={"include_usage": True})
    assert asked["stream_options"] == body("groq", stream=True)["stream_options"] == {"include_usage": True}


def test_needs_logprobs(server: object) -> None:
    assert register(needs_logprobs=False).prepare(ASK, top_logprobs=2).body["top_logprobs"] == 2
    with pytest.raises(InvalidRequestError, match=r"^top_logprobs: "):
        body("deepseek", top_logprobs=2)


# Tools.

FORCED: list[Any] = ["required", {"type": "function", "function": {"name": "get_weather"}}]


@pytest.mark.parametrize("choice", FORCED)
def test_tool_choice_forced_never(choice: Any) -> None:
    with pytest.raises(UnsupportedOptionError, match=r"^tool_choice: moonshot/chat cannot be made to"):
        body("moonshot", ASK, [WEATHER], tool_choice=choice)
    prepared = provider_of("moonshot").prepare(ASK, [WEATHER], tool_choice=choice, unsupported="drop")
    assert "tool_choice" not in prepared.body
    assert [loss.option for loss in prepared.left_out] == ["tool_choice"]
    assert body("moonshot", ASK, [WEATHER], tool_choice="auto")["tool_choice"] == "auto"


@pytest.mark.parametrize("choice", FORCED)
@pytest.mark.parametrize("asked", [{"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}}])
def test_tool_choice_forced_without_thinking(choice: Any, asked: Record) -> None:
    with pytest.raises(InvalidRequestError, match=r"^tool_choice: .*reasoning_effort='none'"):
        body("deepseek", ASK, [WEATHER], tool_choice=choice, **asked)
    with pytest.raises(InvalidRequestError, match=r"^tool_choice: "):
        body_of(provider_of("deepseek", reasoning=True), ASK, [WEATHER], tool_choice=choice)
    off = body("deepseek", ASK, [WEATHER], tool_choice=choice, reasoning_effort="none")
    assert (off["tool_choice"], off["thinking"]) == (choice, {"type": "disabled"})
    # Models that do not think by themselves take it.
    assert "thinking" not in body("deepseek", ASK, [WEATHER], tool_choice=choice)


def test_tool_choice_required() -> None:
    assert body("mistral", ASK, [WEATHER], tool_choice="required")["tool_choice"] == "any"
    assert body("mistral", ASK, [WEATHER], tool_choice=FORCED[1])["tool_choice"] == FORCED[1]
    assert body("groq", ASK, [WEATHER], tool_choice="required")["tool_choice"] == "required"


def test_tools() -> None:
    with pytest.raises(InvalidRequestError, match=r"^tool 0: perplexity/chat has no tools"):
        body("perplexity", ASK, [WEATHER])
    with pytest.raises(InvalidRequestError, match=r"^tool_choice: perplexity/chat has no such option"):
        body("perplexity", tool_choice="auto")


def test_strict_tools() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **WEATHER["function"]["parameters"]}
    strict: Record = {
        "type": "function",
        "function": {**WEATHER["function"], "parameters": schema, "strict": True},
    }
    own: Record = {"type": "web_search"}
    loose: Record = {"type": "function", "function": {"name": "f", "strict": False}}
    prepared = provider_of("mistral").prepare(ASK, [strict, loose, own])
    assert prepared.body["tools"] == [WEATHER, {"type": "function", "function": {"name": "f"}}, own]
    assert [loss.what for loss in prepared.left_out] == ["strict of tool 0"]
    assert strict["function"]["strict"] is True
    assert body("groq", ASK, [strict])["tools"] == [strict]


def test_custom_tools() -> None:
    custom: Record = {"type": "custom", "custom": {"name": "run"}}
    [sent] = body("deepseek", ASK, [custom])["tools"]
    assert (sent["type"], sent["function"]["name"]) == ("function", "run")
    assert body("openai", ASK, [custom])["tools"] == [custom]


def test_tool_id() -> None:
    call = Message(Role.ASSISTANT, (ToolCall("c1", "f"),))
    history = [*ASK, call, Message(Role.TOOL, "ok", tool_call_id="c1")]
    prepared = provider_of("mistral").prepare(history)
    (change,) = prepared.left_out
    assert "mistral/chat" in change.why
    assert "'c1'" in change.why
    assert provider_of("groq").prepare(history).left_out == ()


# The form of an answer.


def test_json_schema() -> None:
    sent = body("deepseek", response_format=FORM)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["Invoice"]
    assert sent["thinking"] == {"type": "disabled"}
    assert "response_format" not in sent
    assert body("groq", response_format=FORM)["response_format"] == FORM


@pytest.mark.parametrize(
    ("fields", "options"), [({"reasoning": True}, {}), ({}, {"reasoning_effort": "high"})]
)
def test_json_schema_as_a_forced_tool_goes_without_thinking(fields: Record, options: Record) -> None:
    provider = provider_of("deepseek", **fields)
    with pytest.raises(InvalidRequestError, match=r"response_format: .*leave out reasoning"):
        provider.call(ASK, response_format=FORM, **options)


def test_json_schema_where_no_tool_can_be_forced_is_refused_by_its_name(server: object) -> None:
    provider = register(json_schema=False, tool_choice_forced="never")
    with pytest.raises(InvalidRequestError, match=r"^response_format: .*JSON schema"):
        provider.prepare(ASK, response_format=FORM)
    assert register(json_schema=False).prepare(ASK, response_format=FORM).body["tools"]


# Messages.


def turn_of(name: str, message: Message) -> Record:
    results = [Message(Role.TOOL, "ok", tool_call_id=call.id) for call in message.tool_calls]
    found: Record = body(name, [*ASK, message, *results])["messages"][1]
    return found


def test_empty_content() -> None:
    silent = Message(Role.ASSISTANT, "", origin="mistral/chat")
    history = [*ASK, silent, *ASK]
    assert len(body("mistral", history)["messages"]) == 2
    assert [loss.what for loss in provider_of("mistral").prepare(history).left_out] == ["Message"]
    assert len(body("groq", history)["messages"]) == 3


def test_developer_role() -> None:
    history = [Message(Role.DEVELOPER, "Be brief."), *ASK]
    assert body("deepseek", history)["messages"][0]["role"] == "system"
    assert body("openai", history)["messages"][0]["role"] == "developer"


PICTURE = ImagePart(url="https://example.com/a.png")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("deepseek", PICTURE),  # 400: unknown variant `image_url`, expected `text`
        ("deepseek", ImagePart(data=b"\x89PNG")),
        ("ollama", PICTURE),
        ("alibaba", DocumentPart(data=b"%PDF-1.7", name="a.pdf")),
    ],
)
def test_images_image_urls_and_files(name: str, part: Any) -> None:
    message = Message(Role.USER, (TextPart("Look:"), part))
    with pytest.raises(InvalidRequestError, match=f"message 0, part 1: {name}/chat takes no "):
        body(name, [message])
    assert len(body("groq", [message])["messages"][0]["content"]) == 2


def test_a_text_document_is_text_where_no_files_are_taken() -> None:
    notes = DocumentPart(data=b"Hi", media_type="text/plain")
    assert body("alibaba", [Message(Role.USER, (notes,))])["messages"][0]["content"] == [
        {"type": "text", "text": "Hi"}
    ]


# Reasoning in and out.

THOUGHT = (ReasoningPart("Hm."), TextPart("Hi"))


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("deepseek", {"content": "Hi", "reasoning_content": "Hm."}),
        ("groq", {"content": "Hi", "reasoning": "Hm."}),
        (
            "mistral",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "Hi"},
                ]
            },
        ),
    ],
)
def test_reasoning_back(name: str, wire: Record) -> None:
    assert turn_of(name, Message(Role.ASSISTANT, THOUGHT)) == {"role": "assistant", **wire}


def test_reasoning_back_between_tags() -> None:
    """As Cerebras documents it for GLM, and as its clients were recorded."""
    message = read("cerebras", completion({"reasoning": "Hm.", "content": "Hi"}))
    assert message.reasoning == "Hm."
    tagged = "<think>\nHm.\n</think>\n\nHi"
    assert turn_of("cerebras", message) == {"role": "assistant", "content": tagged}
    blocks = turn_of("cerebras", Message(Role.ASSISTANT, THOUGHT))["content"]
    assert "".join(block["text"] for block in blocks) == tagged


def test_reasoning_back_to_none(server: object) -> None:
    provider = register(reasoning_back=None)
    message = structs.replace(Message(Role.ASSISTANT, THOUGHT), origin="mine/chat")
    prepared = provider.prepare([*ASK, message, *ASK])
    assert [loss.what for loss in prepared.left_out] == ["ReasoningPart"]
    assert prepared.body["messages"][1] == {"role": "assistant", "content": "Hi"}  # type: ignore[index]  # JSON


def test_reasoning_back_when_a_tool_was_called() -> None:
    """DeepSeek refuses a message with calls and without the field, also one that another model wrote."""
    foreign = Message(Role.ASSISTANT, (ToolCall("a", "f"),), origin="openai/chat")
    assert turn_of("deepseek", foreign)["reasoning_content"] == ""
    thought = Message(Role.ASSISTANT, (ReasoningPart("Hm."), ToolCall("a", "f")), origin="deepseek/chat")
    assert turn_of("deepseek", thought)["reasoning_content"] == "Hm."
    assert "reasoning_content" not in turn_of("deepseek", Message(Role.ASSISTANT, "Hi"))
    assert "reasoning_content" not in turn_of("moonshot", foreign)


def test_reasoning_of_others() -> None:
    foreign = structs.replace(Message(Role.ASSISTANT, THOUGHT), origin="openai/chat")
    assert turn_of("llamacpp", foreign)["reasoning_content"] == "Hm."
    assert "reasoning_content" not in turn_of("moonshot", foreign)


def test_reasoning_in(server: object) -> None:
    register(reasoning_in=("thoughts", "reasoning"))
    stream = sse(
        chunk({"thoughts": "H"}),
        chunk({"thoughts": "m", "reasoning": "So."}),
        chunk({"content": "Hi", "reasoning_content": "unread"}, "stop"),
    )
    streamed = answer("mine", stream, DONE)
    assert (streamed.reasoning, streamed.text) == ("Hm", "Hi")
    assert streamed.extra["reasoning_content"] == "unread"
    wire = turn_of_registered(streamed)
    assert (wire["thoughts"], wire["reasoning"]) == ("Hm", "So.")
    whole = read("mine", completion({"thoughts": "Hm", "content": "Hi"}))
    assert whole.reasoning == "Hm"


def turn_of_registered(message: Message) -> Record:
    found: Any = Provider(ProviderConfig(type="mine")).prepare([*ASK, message, *ASK]).body["messages"]
    turn: Record = found[1]
    return turn


@pytest.mark.parametrize("fields", [("reasoning",), ("reasoning_content",)])
def test_reasoning_in_decides_also_about_chunks_of_the_usual_form(server: object, fields: tuple[str]) -> None:
    register(reasoning_in=fields)
    for name in ("reasoning", "reasoning_content"):
        stream = sse(*(chunk({name: "x"}) for _ in range(4)), chunk({"content": "Hi"}, "stop"))
        message = answer("mine", stream, DONE)
        assert message.reasoning == ("xxxx" if name in fields else "")
        assert ("x" in message.extra.values()) is (name not in fields)


def test_returned() -> None:
    """Google's signature: the first of parallel calls has it, and a call without it is a 400."""
    google = {"google": {"thought_signature": "c2ln"}}
    call = {
        "id": "a",
        "function": {"name": "f", "arguments": "{}"},
        "type": "function",
        "extra_content": google,
    }
    data = completion({"content": None, "tool_calls": [call], "extra_content": google}, "tool_calls")
    turn = turn_of("gemini-openai", read("gemini-openai", data))
    assert turn["extra_content"] == turn["tool_calls"][0]["extra_content"] == google
    own = turn_of("openai", read("openai", data))
    assert "extra_content" not in own
    assert "extra_content" not in own["tool_calls"][0]


# Usage, ends and errors.


def test_usage_reasoning_outside() -> None:
    """As xAI sends it, also where a gateway took the total away."""
    counts = {
        "prompt_tokens": 12,
        "completion_tokens": 300,
        "completion_tokens_details": {"reasoning_tokens": 40},
    }
    inside, outside = (Usage(input_tokens=12, output_tokens=n, reasoning_tokens=40) for n in (300, 340))
    assert read("xai", completion({"content": "Hi"}, usage=counts)).usage == outside
    assert read("groq", completion({"content": "Hi"}, usage=counts)).usage == inside
    # A total tells, whatever the profile says.
    for total, usage in ((312, inside), (352, outside)):
        told = {**counts, "total_tokens": total}
        for name in ("xai", "groq"):
            assert read(name, completion({"content": "Hi"}, usage=told)).usage == usage


def test_a_blank_finish_reason_beside_calls_is_xais() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = read("xai", completion({"content": "", "tool_calls": [call]}, ""))
    assert message.finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("name", "word", "reason"),
    [
        ("mistral", "model_length", FinishReason.LENGTH),
        ("deepseek", "insufficient_system_resource", FinishReason.ERROR),
        ("zai", "sensitive", FinishReason.CONTENT_FILTER),
        ("zai", "network_error", FinishReason.ERROR),
    ],
)
def test_finish_reasons_of_one_server(name: str, word: str, reason: FinishReason) -> None:
    assert read(name, completion({"content": "Hi"}, word)).finish_reason is reason


def test_error_shapes_and_statuses() -> None:
    data: Record = {"base_resp": {"status_code": 1002, "status_msg": "slow down"}}
    error = dialect_named("minimax").error_in(data)
    assert isinstance(error, RateLimitError)
    assert (error.code, error.provider_message) == ("1002", "slow down")
    streamed = failure(parse("minimax", [sse({"base_resp": {"status_code": 1004, "status_msg": "no"}})]))
    assert isinstance(streamed, AuthenticationError)
    fine: Record = {"status_code": 0, "status_msg": "success"}
    kept = answer("minimax", sse(chunk({"content": "Hi"}, "stop", base_resp=fine)), DONE)
    assert kept.extra["base_resp"] == fine
    assert dialect_named("minimax").error_in({"base_resp": 5}) is None
    assert dialect_named("minimax").error_in([]) is None
    assert dialect_named("groq").error_in(data) is None


def test_error_shapes_without_those_of_gateways(server: object) -> None:
    flat: Record = {"object": "error", "message": "no"}
    register(error_shapes=())
    assert dialect_named("mine").error_in(flat) is None
    assert dialect_named("groq").error_in(flat) is not None


def test_error_detail() -> None:
    """As Groq sends it with status 400."""
    inner = {"message": "no call", "type": "invalid_request_error", "code": "tool_use_failed"}
    for said, shown in (("maybe", "no call (failed_generation: maybe)"), ("", "no call")):
        text = json.dumps({"error": {**inner, "failed_generation": said}})
        assert dialect_named("groq").parse_error(400, (), text).provider_message == shown
    nameless = json.dumps({"error": {"failed_generation": "maybe"}})
    assert "no message" in str(dialect_named("groq").parse_error(400, (), nameless))


def test_an_error_in_a_list_is_googles() -> None:
    text = json.dumps([{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}])
    assert dialect_named("gemini-openai").parse_error(429, (), text).provider_message == "quota"


# Lists of models.


@for_all(("name", ROWS))
def test_lists_models(name: str) -> None:
    provider = provider_of(name)
    if name in ("perplexity", "github-models"):
        with pytest.raises(InvalidRequestError, match=f"list_models: {name}/chat has no endpoint"):
            provider.list_models()
        return
    step = provider.list_models().next_step()
    assert isinstance(step, Send)
    assert (step.request.method, step.request.target.endswith("/models")) == ("GET", True)


def test_sound_of_the_application_is_left_to_the_server() -> None:
    sound = Message(Role.USER, (AudioPart(data=b"RIFF"),))
    assert body("groq", [sound])["messages"][0]["content"][0]["type"] == "input_audio"


def test_a_local_server_may_have_a_key() -> None:
    keyed = ProviderConfig(type="lmstudio", model="m", api_key_env="KEY")
    assert keyed.auth_method is AuthMethod.BEARER


def test_together_names_of_calls_go_back_as_they_came() -> None:
    stream = sse(tool_chunk("{}", id="functions.f:0", name="f"), chunk({}, "tool_calls"))
    message = answer("together", stream, DONE)
    assert turn_of("together", message)["tool_calls"][0]["id"] == "functions.f:0"
