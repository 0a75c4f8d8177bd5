"""OpenAI's Responses on other servers: each fact of their rows shows in bytes."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    ResponsesProfile,
    Role,
    Send,
    StreamComplete,
    StreamParser,
    TextPart,
)
from sansio.families.responses import ResponsesDialect
from sansio.profiles import RESPONSES
from tests.sansio.families.responses.frames import (
    added,
    call,
    completed,
    done,
    event,
    message,
    reasoning,
    response,
)
from tests.sansio.families.responses.frames import text as text_delta
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config, sse

HOSTS = ("xai", "lmstudio", "bedrock", "deepseek", "moonshot", "minimax")
PLAIN = ("deepseek", "lmstudio", "ollama", "vllm")
"""Servers that show their reasoning itself."""
NOTE = Message(Role.DEVELOPER, "Be brief.")
CUSTOM: Record = {"type": "custom", "custom": {"name": "run"}}
PICTURE = ImagePart(url="https://example.com/a.png")
PAPER = DocumentPart(data=b"%PDF-1.7", media_type="application/pdf")


def provider_of(host: str, **fields: Any) -> Provider:
    return Provider(config(f"{host}/responses", **fields))


def body(host: str, messages: list[Message] = ASK, tools: list[Record] | None = None, **more: Any) -> Record:
    return body_of(provider_of(host), messages, tools, **more)


def read(host: str, *records: Record) -> Message:
    parser = StreamParser(f"{host}/responses")
    last = [event for record in records for event in parser.receive_data(sse(record))][-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def items_of(host: str, history: list[Message]) -> list[Record]:
    """The items of a request that leaves nothing out."""
    prepared = provider_of(host).prepare(history)
    assert prepared.left_out == ()
    items: Any = prepared.body["input"]
    return [*items]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("xai", "https://api.x.ai/v1/responses"),
        ("lmstudio", "http://localhost:1234/v1/responses"),
        ("bedrock", "https://bedrock-mantle.us-east-1.api.aws/openai/v1/responses"),
        ("deepseek", "https://api.deepseek.com/responses"),
        ("moonshot", "https://api.moonshot.ai/v1/responses"),
        ("minimax", "https://api.minimax.io/v1/responses"),
    ],
)
def test_each_host_has_its_address_its_key_and_its_origin(host: str, url: str) -> None:
    provider = provider_of(host)
    assert provider.prepare(ASK).url == url
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    signed = dict(provider.authorize(step.request, "k" if provider.config.key_variables else None).headers)
    assert signed.get("authorization") == (None if host == "lmstudio" else "Bearer k")
    assert read(host, completed(message("Hi"))).origin == f"{host}/responses"


@pytest.mark.parametrize("host", HOSTS)
def test_what_only_openai_has_is_said_in_words_that_every_server_knows(host: str) -> None:
    sent = body(host, [NOTE, *ASK], [CUSTOM, WEATHER], tool_choice="auto")
    assert sent["input"][0] == {"role": "system", "content": "Be brief."}
    assert [tool["type"] for tool in sent["tools"]] == ["function", "function"]
    assert sent["store"] is False
    allowed: Record = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [WEATHER]}}
    narrowed = body(host, tools=[CUSTOM, WEATHER], tool_choice=allowed)
    assert ([tool["name"] for tool in narrowed["tools"]], narrowed["tool_choice"]) == (
        ["get_weather"],
        "auto",
    )


@pytest.mark.parametrize("host", sorted(RESPONSES))
def test_encrypted_reasoning_is_asked_for_where_a_server_encrypts_it(host: str) -> None:
    assert ("include" in body(host)) is (host not in PLAIN)


@pytest.mark.parametrize("host", PLAIN)
def test_plain_reasoning_goes_back_as_it_was_received(host: str) -> None:
    said = [{"type": "reasoning_text", "text": "Hm."}]
    thought = reasoning(status="completed", content=said)
    answer = read(
        host,
        added({**thought, "content": []}),
        event("reasoning_text.delta", content_index=0, delta="Hm."),
        done(thought),
        done(call("{}"), 1),
        completed(),
    )
    assert answer.reasoning == "Hm."
    history = [*ASK, answer, Message(Role.TOOL, "18", tool_call_id="call_1")]
    assert items_of(host, history)[1:3] == [thought, call("{}")]


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("deepseek", {"effort": "high"}),
        ("lmstudio", {"effort": "medium"}),
        ("xai", {"effort": "medium", "summary": "auto"}),
        ("openrouter", {"enabled": True}),
    ],
)
def test_thinking_is_asked_for_in_the_server_s_own_words(host: str, asked: Record) -> None:
    assert body_of(provider_of(host, reasoning=True), ASK)["reasoning"] == asked


def test_deepseek_knows_three_efforts() -> None:
    words = {word: body("deepseek", reasoning_effort=word)["reasoning"] for word in ("low", "medium", "max")}
    assert words == {"low": {"effort": "low"}, "medium": {"effort": "high"}, "max": {"effort": "max"}}
    with pytest.raises(InvalidRequestError, match=r"reasoning_effort: 'none' .* use one of minimal, low"):
        body("deepseek", reasoning_effort="none")
    thinking = provider_of("deepseek", reasoning=True)
    assert "reasoning" not in body_of(thinking, ASK, reasoning_effort=None)


def test_moonshot_cannot_be_made_to_call_a_tool_and_has_a_narrower_temperature() -> None:
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        with pytest.raises(InvalidRequestError, match=r"tool_choice: moonshot/responses .*leave it out"):
            body("moonshot", tools=[WEATHER], tool_choice=choice)
    assert body("moonshot", tools=[WEATHER], tool_choice="auto")["tool_choice"] == "auto"
    dropped = provider_of("moonshot").prepare(ASK, [WEATHER], tool_choice="required", unsupported="drop")
    assert [loss.option for loss in dropped.left_out] == ["tool_choice"]
    assert body("moonshot", temperature=1)["temperature"] == 1
    with pytest.raises(InvalidRequestError, match="temperature"):
        body("moonshot", temperature=1.5)


@pytest.mark.parametrize(
    ("host", "part"),
    [("deepseek", PICTURE), ("deepseek", PAPER), ("ollama", PICTURE), ("lmstudio", PAPER), ("vllm", PAPER)],
)
def test_what_a_server_cannot_see_is_refused_with_its_place(host: str, part: Part) -> None:
    asked = Message(Role.USER, (TextPart("What is this?"), part))
    with pytest.raises(InvalidRequestError, match="message 0, part 1") as caught:
        body(host, [asked])
    assert caught.value.index == 0
    assert body("xai", [asked])["input"][0]["content"][1]["type"] in ("input_image", "input_file")


@pytest.mark.parametrize("host", ["deepseek", "lmstudio"])
def test_a_text_file_is_text_where_there_are_no_files(host: str) -> None:
    notes = DocumentPart(data=b"18 degrees", media_type="text/plain")
    assert body(host, [Message(Role.USER, (notes,))])["input"][0]["content"] == [
        {"type": "input_text", "text": "18 degrees"}
    ]


def test_lmstudio_gives_the_arguments_of_a_call_whole() -> None:
    answer = read(
        "lmstudio",
        added(call()),
        event("function_call_arguments.done", arguments='{"city":"Paris"}'),
        done(call('{"city":"Paris"}')),
        completed(),
    )
    assert answer.tool_calls[0].arguments == {"city": "Paris"}


def test_bedrock_leaves_the_first_text_of_a_message_out_of_its_stream() -> None:
    answer = read(
        "bedrock",
        added(message()),
        event("content_part.added", content_index=1, part={"type": "output_text", "text": ""}),
        text_delta("Sure", number=1),
        done(message("Sure")),
        completed(message("Sure")),
    )
    assert answer.parts == (TextPart("Sure", extra={"item": {"id": "msg_1"}}),)


def test_bedrock_s_calls_have_the_same_id_in_each_turn_and_go_back_beside_their_results() -> None:
    history = [*ASK]
    for name in ("first_tool", "second_tool"):
        history.append(read("bedrock", done(call("{}", "call_0", name)), completed()))
        history.append(Message(Role.TOOL, f"{name} said so", tool_call_id="call_0"))
    items = items_of("bedrock", history)
    assert [item.get("name") or item["output"] for item in items[1:]] == [
        "first_tool",
        "first_tool said so",
        "second_tool",
        "second_tool said so",
    ]


def test_xai_sends_an_error_as_a_text_beside_its_code() -> None:
    told: Record = {"code": "The caller does not have permission", "error": "Your API key is blocked."}
    error = provider_of("xai").dialect.error_in(told, 403)
    assert error is not None
    assert (error.status, error.code, error.provider_message) == (403, told["code"], told["error"])


def test_minimax_takes_a_history_back_whole() -> None:
    said = message("Hi", phase="final_answer")
    answer = provider_of("minimax").dialect.parse_response(response(said))
    assert items_of("minimax", [*ASK, answer, *ASK])[1] == said


def test_a_server_of_ones_own_is_a_profile() -> None:
    mine = ResponsesDialect.of(ResponsesProfile(keeps=False, developer_role="assistant"))
    dialect = mine(config("compatible/responses"))
    sent = dialect.build_request_body([NOTE], (), False)
    assert sent["input"] == [{"role": "assistant", "content": "Be brief."}]
    assert "store" not in sent
