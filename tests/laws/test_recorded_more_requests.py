"""Recorded requests of Ollama's own API and of Cohere's, said in messages, tools and options, keep their
meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from sansio import (
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    ProviderConfig,
    ReasoningPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.cohere.parts import PLAN, citation_of
from tests.support import MORE_CORPUS

pytestmark = pytest.mark.skipif(not MORE_CORPUS.is_dir(), reason="recorded traffic is not here")

Body = dict[str, Any]  # Any: the corpus's own JSON

NAMES = sorted(path.name.removesuffix(".req.json") for path in MORE_CORPUS.glob("*.req.json"))


@cache
def recorded(name: str) -> Body:
    body: Body = json.loads((MORE_CORPUS / f"{name}.req.json").read_text("utf-8"))
    return body


def provider_of(name: str, model: str) -> Provider:
    kind = "ollama" if name.startswith("ol") else "cohere"
    return Provider(ProviderConfig(type=kind, api=kind, model=model))


def build(name: str) -> Body:
    """The body that the library builds for what the request says."""
    body = {field: value for field, value in recorded(name).items() if value not in (None, "", [])}
    provider = provider_of(name, body.pop("model"))
    stream, tools = bool(body.pop("stream", False)), body.pop("tools", ())
    messages = [*messages_of(body.pop("messages"), provider.dialect.origin)]
    prepared = provider.prepare(messages, tools, stream=stream, options={**body.pop("options", {}), **body})
    assert prepared.left_out == ()
    return prepared.body


def messages_of(given: list[Body], origin: str) -> Iterator[Message]:
    """The messages of a request. Ollama's tool calls may have no ids, and are answered in their order."""
    waiting: list[str] = []
    for place, message in enumerate(given):
        content, role = content_of(message.get("content")), message["role"]
        if role == "tool":
            yield Message("tool", content, message.get("tool_call_id") or waiting.pop(0))
            continue
        if role != "assistant":
            yield Message(role, content)
            continue
        calls = [
            call_of(call, f"call_{place}_{number}")
            for number, call in enumerate(message.get("tool_calls") or ())
        ]
        waiting = [call.id for call in calls]
        said: list[Part] = []
        if message.get("tool_plan"):
            said.append(ReasoningPart(message["tool_plan"], {"field": PLAN}))
        if message.get("thinking"):
            said.append(ReasoningPart(message["thinking"]))
        cited = tuple(citation_of(citation) for citation in message.get("citations") or ())
        texts = content if isinstance(content, list) else [TextPart(content, cited)] if content else []
        yield Message("assistant", [*said, *texts, *calls], origin=origin)


def call_of(call: Body, made_up: str) -> ToolCall:
    arguments = call["function"]["arguments"]
    raw = arguments if isinstance(arguments, str) else None
    return ToolCall(
        call.get("id") or made_up,
        call["function"]["name"],
        json.loads(arguments) if isinstance(arguments, str) else arguments,
        raw,
    )


def content_of(content: Any) -> str | list[Part]:
    return [part_of(block) for block in content] if isinstance(content, list) else content or ""


def part_of(block: Body) -> Part:
    match block:
        case {"type": "text", "text": text}:
            return TextPart(text)
        case {"type": "image_url", "image_url": image}:
            return ImagePart(url=image["url"], detail=image.get("detail"))
        case _:
            return UnknownPart(block["type"], block)


# Two bodies that mean the same.


def meaning(body: Body) -> Body:
    """A body in one of the forms that mean the same: nothing empty, content as parts, no made-up ids."""
    same = {name: value for name, value in body.items() if value not in (None, "", [], {}, False)}
    if body.get("think") is False:
        same["think"] = False
    same["messages"] = [meant(message) for message in body["messages"]]
    return same


def meant(message: Body) -> Body:
    same = {name: value for name, value in message.items() if value not in (None, "", [])}
    if isinstance(same.get("content"), str):
        same["content"] = [{"type": "text", "text": same["content"]}]
    if same.get("content") == [{"type": "text", "text": ""}]:  # beside tool calls
        del same["content"]
    if "tool_name" in same:
        same.pop("tool_call_id", None)
    same["tool_calls"] = [meant_call(call) for call in same.get("tool_calls", ())]
    return same


def meant_call(call: Body) -> Body:
    same = {**call, "type": "function"}
    if isinstance(call["function"]["arguments"], dict):  # Ollama's, whose servers need no id
        same.pop("id", None)
    return same


def test_recorded_requests_are_sent_in_words_of_the_same_meaning() -> None:
    different = []
    for name in NAMES:
        try:
            same = meaning(build(name)) == meaning(recorded(name))
        except InvalidRequestError as error:
            different.append(f"{name}: {error}")
        else:
            different += [] if same else [name]
    assert different == []
