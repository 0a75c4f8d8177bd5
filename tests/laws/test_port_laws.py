"""The laws of `docs/laws.md` for histories: what is ported and reported, and what a server receives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    PROVIDER_DEFAULTS,
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    JSONObject,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    Send,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.checks import check_messages
from sansio.content import PARTS, Tool
from sansio.families.gemini.parts import made_up_id
from sansio.porting import port
from sansio.testing import PROVIDER_TYPES, FakeProvider
from sansio.testing.prompt import ToolResult, text_of
from sansio.testing.routes import Route
from sansio.testing.strategies import Asked, histories, messages, requests
from sansio.testing.wires import wire_for
from tests.laws.oracle import WIRES
from tests.laws.test_request_laws import PAIRS, provider_of
from tests.sansio.wires import RESPONSES, WEATHER, config

NATIVE = ("ollama/ollama", "cohere")
GEMINI = ("google", "vertex")
OWN = (*NATIVE, "bedrock", *GEMINI)
"""Pairs whose wire family only they speak, or only they and another."""
PROVIDERS: dict[str, Provider] = {type: provider_of(type) for type in PAIRS}
PROVIDERS |= {type: Provider(config(type)) for type in OWN}
TARGETS = {
    **WIRES,
    "responses": st.sampled_from(RESPONSES),
    "native": st.sampled_from(NATIVE),
    "converse": st.just("bedrock"),
    "gemini": st.sampled_from(GEMINI),
}
"""The families that histories go to."""
to_every_family = pytest.mark.parametrize("wire", TARGETS)
OTHERS = [
    Provider(config(pair))
    for pair in (
        "deepseek",
        "mistral",
        "cerebras",
        "azure/messages",
        "ollama/messages",
        "openrouter/messages",
    )
]
"""A sample of the other pairs: those that share a family differ in quirks, which are tested elsewhere."""
USER = Message(Role.USER, "Go on.")


def tools_for(type: str, tools: Sequence[Tool] = ()) -> list[Tool]:
    """The tools; at least one for Bedrock, which refuses a conversation with calls without any."""
    return [*tools] or ([WEATHER] if type == "bedrock" else [])


def with_results(answer: Message) -> list[Message]:
    """A conversation in which each call of the answer has its result."""
    calls = answer.tool_calls
    results = [Message(Role.TOOL, "done", tool_call_id=call.id) for call in calls]
    return [USER, answer, *(results or [USER])]


@to_every_family
@given(data=st.data(), history=histories())
def test_any_history_can_be_ported_anywhere(wire: str, data: st.DataObject, history: list[Message]) -> None:
    check_port(history, PROVIDERS[data.draw(TARGETS[wire])])


@given(history=histories(), provider=st.sampled_from(OTHERS))
def test_any_history_can_be_ported_to_the_other_pairs(history: list[Message], provider: Provider) -> None:
    check_port(history, provider)


def check_port(history: list[Message], provider: Provider) -> None:
    """A history can be ported to a provider, and the report says all that is lost by it."""
    check_messages(history, continued=False)
    ported, report = port(history, provider.dialect)
    check_messages(ported, continued=False)
    for left_out in report:
        assert left_out.message is not None
        assert left_out.why
        message = history[left_out.message]
        assert left_out.part is None or left_out.part < len(message.parts)
    # Porting a ported conversation again loses nothing more.
    assert [loss for loss in port(ported, provider.dialect)[1] if loss.what != "is_error"] == []
    try:
        prepared = provider.prepare(history, tools_for(provider.dialect.TYPE))
    except InvalidRequestError:
        return
    assert list(prepared.left_out) == report


@to_every_family
@given(data=st.data())
def test_an_answer_returns_unchanged_to_its_own_provider(wire: str, data: st.DataObject) -> None:
    type = data.draw(TARGETS[wire])
    dialect = PROVIDERS[type].dialect
    answer = data.draw(messages(type))
    conversation = with_results(answer)
    ported, report = port(conversation, dialect)
    kept: list[Part] = []
    losses = 0
    for part in answer.parts:
        if isinstance(part, InvalidToolCall) or dialect.refuses(part) is not None:
            losses += 1
            continue
        if isinstance(part, TextPart) and part.citations and not dialect.SENDS_CITATIONS:
            losses += 1
            part = structs.replace(part, citations=())
        kept.append(part)
    misplaced = dialect.misplaced(kept)
    losses += len(misplaced)
    kept = [part for at, part in enumerate(kept) if at not in misplaced]
    said = structs.replace(answer, content=tuple(kept)).content
    if dialect.SENDS_EMPTY or not isinstance(said, str) or said.strip():
        assert list(ported[1].parts) == kept
        assert len(report) == losses
        assert structs.replace(ported[1], content="") == structs.replace(answer, content="")
    else:
        assert answer not in ported


@to_every_family
@given(data=st.data())
def test_another_provider_gets_an_answer_without_what_only_its_own_reads_and_each_loss_is_reported(
    wire: str, data: st.DataObject
) -> None:
    dialect = PROVIDERS[data.draw(TARGETS[wire])].dialect
    types = (*PROVIDER_TYPES, *RESPONSES, *OWN)
    homes = [str(type) for type in types if type.partition("/")[0] != dialect.TYPE]
    home = data.draw(st.sampled_from(homes))
    answer = data.draw(messages(home))
    ported, report = port(with_results(answer), dialect)
    received = next((message for message in ported if message.role is Role.ASSISTANT), None)
    if received is None:
        assert any(loss.what == "Message" for loss in report)
        return
    assert received.extra == {}
    assert all(part.extra == {} and type(part) in dialect.SENDS for part in received.parts)
    kinds = [call.kind if dialect.takes_call_kind(call.kind) else "function" for call in answer.tool_calls]
    assert received.tool_calls == tuple(
        structs.replace(call, extra={}, kind=kind)
        for call, kind in zip(answer.tool_calls, kinds, strict=True)
    )
    if received.parts != answer.parts or answer.extra:
        assert report


MARK, AT = "m4rk", 4857
"""Values that nothing else in a request has, as text and as a number."""
BESIDE: JSONObject = {"own": MARK}
PNG, PDF, WAV = b"\x89PNG\r\n\x1a\n", b"%PDF-1", b"RIFF\x24\x00\x00\x00WAVEfmt "
URL = "https://e.example/a"
CITATIONS = [
    Citation(url=MARK),
    Citation(title=MARK),
    Citation(quote=MARK),
    Citation(start=AT),
    Citation(end=AT),
    Citation(extra=BESIDE),
]
SERVED = ("server_tool_use", "web_search_tool_result", "web_search_call", "executableCode")
"""Kinds of calls that providers run, and of their results."""
MARKED: list[tuple[str, Part]] = [
    *(("citations", TextPart("Hi", (citation,))) for citation in CITATIONS),
    ("extra", TextPart("Hi", extra=BESIDE)),
    ("extra", ReasoningPart("Hm.", BESIDE)),
    ("extra", ReasoningPart("Hm.", {"signature": "c2ln", **BESIDE})),
    ("extra", RefusalPart("No.", BESIDE)),
    ("extra", ToolCall("call00001", "f", extra=BESIDE)),
    ("extra", InvalidToolCall("call00001", "f", "{", "cut", extra=BESIDE)),
    ("detail", ImagePart(data=PNG, detail=MARK)),
    ("detail", ImagePart(url=URL, detail=MARK)),
    ("extra", ImagePart(data=PNG, extra=BESIDE)),
    ("name", DocumentPart(data=PDF, name=MARK)),
    ("name", DocumentPart(data=b"Hi", media_type="text/plain", name=MARK)),
    ("name", DocumentPart(url=URL, name=MARK)),
    ("name", DocumentPart(file_id="file_1", name=MARK)),
    ("extra", DocumentPart(data=PDF, extra=BESIDE)),
    ("extra", DocumentPart(data=b"Hi", media_type="text/plain", extra=BESIDE)),
    ("transcript", AudioPart(data=WAV, transcript=MARK)),
    ("transcript", AudioPart(url=URL, transcript=MARK)),
    ("extra", AudioPart(data=WAV, extra=BESIDE)),
    *(
        (name, structs.replace(ServerToolPart(kind, "srvtoolu_1", "web_search"), **{name: value}))
        for kind in SERVED
        for name, value in (("status", MARK), ("input", {"a": MARK}), ("output", [MARK]), ("extra", BESIDE))
    ),
]
"""Parts with a mark in one field, and the field's name."""
WHO = [*((role, None) for role in Role), (Role.ASSISTANT, "its own"), (Role.ASSISTANT, "another")]
"""Who wrote a message: its role; for an answer, whether it is the endpoint's own or another one's."""
IDENTITY = frozenset((
    "text", "id", "kind", "data", "url", "file_id", "media_type", "arguments", "raw_arguments", "reason",
))  # fmt: skip
"""Fields that say what a part is. Other tests check them."""
BUILT_IN = [f"{type}/{api}" for type, row in PROVIDER_DEFAULTS.items() for api in row.apis]


def test_the_marks_are_in_every_field_that_a_part_may_have() -> None:
    for kind in PARTS:
        marked = {name for name, part in MARKED if type(part) is kind}
        fields = {*kind.__struct_fields__} - IDENTITY
        if kind is not DocumentPart:  # a document's name is its title; a tool's says which it is
            fields.discard("name")
        assert marked == fields or kind is UnknownPart, kind  # the `extra` of an unknown part is all of it


@pytest.mark.parametrize("pair", BUILT_IN)
def test_a_field_of_a_part_is_sent_or_refused_or_reported_for_each_role_and_origin(pair: str) -> None:
    provider = Provider(config(pair))
    origins = {None: None, "its own": provider.dialect.origin, "another": "another/chat"}
    for (name, part), (role, whose) in product(MARKED, WHO):
        answers = "call00000" if role is Role.TOOL else None
        message = Message(role, (TextPart("See."), part), answers, origin=origins[whose])
        before = [] if role in (Role.SYSTEM, Role.DEVELOPER) else [USER]
        if answers is not None:
            before.append(Message(Role.ASSISTANT, (ToolCall(answers, "f"),)))
        results = [Message(Role.TOOL, "ok", call.id) for call in message.all_tool_calls]
        prepared = None
        with suppress(InvalidRequestError):
            prepared = provider.prepare([*before, message, *results, USER], tools_for(provider.dialect.TYPE))
        case = (part, role, whose)
        if prepared is None:
            assert whose is None, case  # only what the application wrote is refused
            continue
        body = str(prepared.body)
        whole, kind = "AudioPart: transcript sent as text", type(part).__name__
        reported = [loss.what for loss in prepared.left_out]
        fields = [what.partition(":")[0] for what in reported if what != whole]
        assert (MARK in body or str(AT) in body) is not (name in fields or kind in fields), (case, reported)
        assert fields.count(name) <= 1, (case, reported)
        assert {loss.message for loss in prepared.left_out} <= {len(before)}, case


class Seen(NamedTuple):
    """What a server reads in a request."""

    texts: list[str]
    calls: list[tuple[str, str, object]]
    results: list[tuple[str, str]]


def seen_in_chat(body: dict[str, Any]) -> Seen:
    seen = Seen([], [], [])
    for message in body["messages"]:
        if message["role"] == "tool":
            seen.results.append((message["tool_call_id"], text_of(message["content"])))
        elif message["role"] == "assistant":
            seen.texts.append(text_of(message["content"]))
            for call in message.get("tool_calls", ()):
                if call["type"] == "custom":
                    said = call["custom"]["name"], {"input": call["custom"]["input"]}
                else:
                    said = call["function"]["name"], json.loads(call["function"]["arguments"])
                seen.calls.append((call["id"], *said))
    return seen


def seen_in_messages(body: dict[str, Any]) -> Seen:
    seen = Seen([], [], [])
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        if message["role"] == "assistant":
            seen.texts.append("".join(texts))
        for block in blocks:
            if block["type"] == "tool_use":
                seen.calls.append((block["id"], block["name"], block["input"]))
            elif block["type"] == "tool_result":
                seen.results.append((block["tool_use_id"], text_of(block.get("content", ""))))
    return seen


def seen_in_responses(body: dict[str, Any]) -> Seen:
    seen = Seen([], [], [])
    answering = False  # the item before is the assistant's
    for item in body["input"]:
        kind, before = item.get("type", "message"), answering
        if kind != "message" and not kind.endswith(("_call", "_output")):
            # Reasoning, or an item of a new type: it may be between two messages of one answer.
            continue
        answering = kind.endswith("_call") or item.get("role") == "assistant"
        if answering and not before:
            seen.texts.append("")
        if kind == "function_call":
            seen.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
        elif kind == "custom_tool_call":
            seen.calls.append((item["call_id"], item["name"], {"input": item["input"]}))
        elif kind.endswith("_output"):
            seen.results.append((item["call_id"], said_by(item["output"])))
        elif answering:
            seen.texts[-1] += said_by(item.get("content", ""))
    return seen


def seen_in_native(body: dict[str, Any]) -> Seen:
    """As in chat completions, but Ollama's arguments are objects."""
    seen = Seen([], [], [])
    for message in body["messages"]:
        if message["role"] == "tool":
            seen.results.append((message["tool_call_id"], text_of(message["content"])))
        elif message["role"] == "assistant":
            seen.texts.append(text_of(message.get("content", "")))
            for call in message.get("tool_calls", ()):
                given = call["function"]["arguments"]
                arguments = json.loads(given) if isinstance(given, str) else given
                seen.calls.append((call["id"], call["function"]["name"], arguments))
    return seen


def seen_in_converse(body: dict[str, Any]) -> Seen:
    seen = Seen([], [], [])
    for message in body["messages"]:
        cited = [block.get("citationsContent", {"content": [block]}) for block in message["content"]]
        if message["role"] == "assistant":
            seen.texts.append(" ".join(said_by(each["content"]) for each in cited))
        for block in message["content"]:
            use, result = block.get("toolUse"), block.get("toolResult")
            if use and use.get("type") != "server_tool_use":
                seen.calls.append((use["toolUseId"], use["name"], use["input"]))
            elif result and message["role"] == "user":
                seen.results.append((result["toolUseId"], said_by(result["content"])))
    return seen


def seen_in_gemini(body: dict[str, Any]) -> Seen:
    """Calls without an id have their number among all calls, and their results are in their order."""
    seen = Seen([], [], [])
    answered = 0
    for content in body["contents"]:
        if content["role"] == "model":
            said = [part["text"] for part in content["parts"] if "text" in part and "thought" not in part]
            seen.texts.append(" ".join(said))
        for part in content["parts"]:
            if call := part.get("functionCall"):
                seen.calls.append((call.get("id", f"#{len(seen.calls)}"), call["name"], call["args"]))
            elif result := part.get("functionResponse"):
                [text] = result["response"].values()
                seen.results.append((result.get("id", f"#{answered}"), text))
                answered += 1
    return seen


def numbered(said: Seen, history: list[Message]) -> Seen:
    """What is said, with numbers for the ids that are made up, and results in the order of their calls."""
    calls = [part for message in history for part in message.all_tool_calls]
    ids = {call.id: f"#{at}" if made_up_id(call) else call.id for at, call in enumerate(calls)}
    order = [call.id for call in calls]
    results = sorted(said.results, key=lambda result: order.index(result[0]))
    return Seen(
        said.texts,
        [(ids[call_id], name, arguments) for call_id, name, arguments in said.calls],
        [(ids[call_id], text) for call_id, text in results],
    )


def said_by(content: str | list[dict[str, Any]]) -> str:
    """The text of an item's content."""
    return content if isinstance(content, str) else " ".join(block.get("text", "") for block in content)


def said_in(history: list[Message], *, blanks: bool, custom: bool) -> Seen:
    """The content of ported messages.

    Args:
        blanks: blank texts are sent too.
        custom: a cut call of a custom tool goes back as its text.
    """
    said = Seen([], [], [])
    for message in history:
        if message.role is Role.TOOL:
            said.results.append((message.tool_call_id or "", " ".join(texts_of(message))))
        elif message.role is Role.ASSISTANT:
            said.texts.append("".join(text for text in texts_of(message) if blanks or text.strip()))
            for part in message.parts:
                if isinstance(part, ToolCall):
                    said.calls.append((part.id, part.name, part.arguments))
                elif isinstance(part, InvalidToolCall) and part.kind == "custom" and custom:
                    said.calls.append((part.id, part.name, {"input": part.raw_arguments}))
                elif isinstance(part, InvalidToolCall):
                    said.calls.append((part.id, part.name, {"INVALID_JSON": part.raw_arguments}))
    return said


def squeezed(text: str) -> str:
    """A text without its blanks."""
    return "".join(text.split())


def texts_of(message: Message) -> list[str]:
    return [part.text for part in message.parts if isinstance(part, TextPart)]


SEES = {
    "chat": seen_in_chat,
    "anthropic": seen_in_messages,
    "responses": seen_in_responses,
    "native": seen_in_native,
    "converse": seen_in_converse,
    "gemini": seen_in_gemini,
}
LEAVES_BLANKS_OUT = ("anthropic", "bedrock")
KNOW_CUSTOM = ("openai", "azure", "openai/responses", "azure/responses", "openrouter/responses")
"""Those that have custom tools' calls."""


@to_every_family
@given(data=st.data(), asked=requests(), stream=st.booleans())
def test_the_server_sees_what_the_messages_say(
    wire: str, data: st.DataObject, asked: Asked, stream: bool
) -> None:
    type = data.draw(TARGETS[wire])
    provider = PROVIDERS[type]
    tools = tools_for(type, asked.tools)
    step = provider.call(asked.messages, tools, stream=stream).next_step()
    assert isinstance(step, Send)
    body = json.loads(step.request.body)
    ported, _ = port(asked.messages, provider.dialect)
    seen = SEES[wire](body)
    said = said_in(ported, blanks=type not in LEAVES_BLANKS_OUT, custom=type in KNOW_CUSTOM)
    if wire == "gemini":
        said = numbered(said, ported)
    assert seen.calls == said.calls
    # Ollama's messages have one text, in which those of the parts are paragraphs; Bedrock takes no blank one.
    if wire in ("native", "converse", "gemini"):
        results = [[squeezed(text) for _, text in each.results] for each in (seen, said)]
        assert results[0] == results[1]
        assert list(map(squeezed, seen.texts)) == list(map(squeezed, said.texts))
        return
    assert seen.results == said.results
    # Text of several parts is one text in some bodies, and several with a space between them to the model.
    assert [text.replace(" ", "") for text in seen.texts] == [text.replace(" ", "") for text in said.texts]
    if wire == "responses":
        return
    prompt = wire_for(type).read_request(Route(type), step.request, body)  # type: ignore[arg-type]  # a name drawn from the built-in types
    assert prompt.stream is stream
    assert [tool.name for tool in prompt.tools] == [tool["function"]["name"] for tool in asked.tools]  # type: ignore[index]  # tools of OpenAI's form
    last = asked.messages[-1]
    if last.role is Role.TOOL:
        assert len(prompt.results) == len(last_results(asked.messages))
        assert ToolResult(called(asked.messages, last), " ".join(texts_of(last))) in prompt.results
    elif len(ported) < 2 or ported[-2].role is not Role.TOOL:  # an empty answer between may be left out
        assert prompt.results == ()


def last_results(history: list[Message]) -> list[Message]:
    """The tools' messages at the end."""
    first = len(history)
    while history[first - 1].role is Role.TOOL:
        first -= 1
    return history[first:]


def called(history: list[Message], result: Message) -> str:
    """The name of the tool that gave a result."""
    names = {
        part.id: part.name
        for message in history
        for part in message.parts
        if isinstance(part, ToolCall | InvalidToolCall)
    }
    return names[result.tool_call_id or ""]


@to_every_family
@given(data=st.data())
def test_an_edited_part_is_sent_as_edited(wire: str, data: st.DataObject) -> None:
    type = data.draw(TARGETS[wire])
    answer = data.draw(messages(type))
    calls = answer.tool_calls
    edited = structs.replace(
        answer,
        content=tuple(
            structs.replace(part, arguments={"input": "edited"})
            if isinstance(part, ToolCall)
            else structs.replace(part, text="edited")
            if isinstance(part, TextPart)
            else part
            for part in answer.parts
        ),
    )
    body = PROVIDERS[type].prepare(with_results(edited), tools_for(type)).body
    seen = SEES[wire](json.loads(msgspec.json.encode(body)))
    assert [arguments for _, _, arguments in seen.calls] == [{"input": "edited"}] * len(calls)
    assert squeezed("".join(seen.texts)) == "edited" * len(texts_of(answer))


def is_kept_elsewhere(message: Message) -> bool:
    """Whether it has reasoning by its id alone, so that only the server that made it knows what it is."""
    items = [part.extra.get("item") for part in message.parts if isinstance(part, ReasoningPart)]
    return any(isinstance(item, dict) and "encrypted_content" not in item for item in items)


def is_newer(message: Message) -> bool:
    """Whether an answer has a part, or a field of a call, that the strategies made up and no fake knows."""
    match message.origin:
        case "google/gemini" | "vertex/gemini" | "bedrock/converse":
            return any(isinstance(part, UnknownPart) for part in message.parts)
        case "cohere/cohere":
            return any(call.extra for call in message.all_tool_calls)
        case _:
            return False


@pytest.mark.parametrize("type", [*PROVIDER_TYPES, *RESPONSES, *OWN])
@given(asked=requests())
def test_every_server_takes_the_histories_of_all_others(type: str, asked: Asked) -> None:
    assume(not any(map(is_newer, asked.messages)))
    assume(type not in RESPONSES or not any(map(is_kept_elsewhere, asked.messages)))
    provider: Provider = PROVIDERS[type]
    step = provider.call(asked.messages, tools_for(type, asked.tools)).next_step()
    assert isinstance(step, Send)
    response = FakeProvider(type).respond(provider.authorize(step.request, "sk"))
    assert response.status == 200, response.body
