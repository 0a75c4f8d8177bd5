"""A block of the wire becomes a part, and the part becomes the block again, in every recorded answer.

These forms are equal and need not be restored exactly: a field that is absent, null or empty; text as a
`str` or as one part; the older `function_call`, which is sent back as a tool call; and truncated arguments,
which are sent back inside an object.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import msgspec

from sansio import Message, Provider, Role, StreamComplete
from sansio.families.messages.parts import block_of, part_of
from sansio.providers import dialect_named
from tests.sansio.test_corpus import golden, kind_of, names, needs_corpus
from tests.sansio.wires import ASK, body_of, config, parse
from tests.support import CORPUS, for_each

pytestmark = needs_corpus

JSON: TypeAlias = Any  # recorded JSON

WHOLE = [name for name in names("response") if name != "none" and not golden(name)["error"]] or ["none"]
MESSAGES = [name for name in WHOLE if name.startswith("ant")] or ["none"]
CHAT = [name for name in WHOLE if name.startswith("oai")] or ["none"]


def recorded(name: str) -> JSON:
    return json.loads((CORPUS / f"{name}.resp.json").read_bytes())


def sent_back(name: str, message: Message) -> JSON:
    """The message as the next request to the same provider has it, its tool calls answered."""
    ids = [call.id for call in message.tool_calls] + [call.id for call in message.invalid_tool_calls]
    results = [Message(Role.TOOL, "ok", tool_call_id=call_id) for call_id in ids]
    body = body_of(Provider(config(kind_of(name))), [*ASK, message, *results, *ASK])
    return body["messages"][1]


def without_empty(value: JSON) -> JSON:
    """Absent, null and empty fields are equal forms."""
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if inner not in (None, [], {}, "")}


@for_each(MESSAGES)
def test_recorded_blocks_come_back_as_they_were(name: str) -> None:
    data = recorded(name)
    message = dialect_named("anthropic").parse_response(data)
    message = msgspec.structs.replace(message, origin="anthropic/messages")
    blocks = [block for block in data["content"] if block.get("text", "x").strip()]
    if not blocks:
        assert sent_back(name, message)["role"] == "user"  # an answer without text and calls is left out
        return
    back = sent_back(name, message)["content"]
    if isinstance(back, str):
        back = [{"type": "text", "text": back}]
    assert list(map(without_empty, back)) == list(map(without_empty, blocks))


@for_each([name for name in names("stream") if name.startswith("ant")] or ["none"])
def test_parts_of_a_recorded_stream_are_the_parts_of_their_blocks(name: str) -> None:
    last = parse(kind_of(name), [(CORPUS / f"{name}.sse").read_bytes()])[-1]
    if not isinstance(last, StreamComplete):
        return
    for part in last.message.parts:
        block = block_of(part)
        if block is not None and block["type"] != "tool_use":
            assert part_of(block) == part


@for_each(CHAT)
def test_a_recorded_completion_comes_back_as_it_was(name: str) -> None:
    data = recorded(name)
    message = dialect_named(kind_of(name)).parse_response(data)
    said = data["choices"][0].get("message") or {}
    back = sent_back(name, message)
    content = text_of(said.get("content"))
    if kind_of(name) == "cerebras" and message.reasoning:
        content = f"<think>\n{message.reasoning}\n</think>\n\n{content}"
    assert text_of(back.get("content")) == content
    assert (back.get("refusal") or "") == (said.get("refusal") or "")
    assert list(map(comparable_call, back.get("tool_calls") or ())) == calls_in(said)
    if kind_of(name) == "openrouter":
        assert list(map(without_empty, back.get("reasoning_details", ()))) == list(
            map(without_empty, said.get("reasoning_details") or ())
        )


def text_of(content: JSON) -> str:
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return (
        content if isinstance(content, str) else json.dumps(content, separators=(",", ":")) if content else ""
    )


def calls_in(said: JSON) -> list[JSON]:
    calls = [comparable_call(call) for call in said.get("tool_calls") or ()]
    legacy = said.get("function_call")
    if not calls and legacy and legacy["name"]:
        return [comparable_call({"function": legacy})]
    return calls


def comparable_call(call: JSON) -> JSON:
    """Name and arguments; ids are made up if a provider gave none, and blank arguments are `{}`."""
    if call.get("custom", {}).get("name"):
        return call["custom"]
    arguments = call["function"].get("arguments")
    if isinstance(arguments, dict):
        return call["function"]["name"], arguments
    try:
        return call["function"]["name"], json.loads(arguments or "{}") or {}
    except ValueError:
        return call["function"]["name"], {"INVALID_JSON": arguments}  # a cut call, which was answered
