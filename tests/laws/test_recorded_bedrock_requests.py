"""Recorded requests of Bedrock, said in messages, tools and typed options, keep their meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote

import pytest

from sansio import (
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    ProviderConfig,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.converse.parts import DOCUMENTS, call_extra, part_of
from sansio.families.fields import base64_bytes
from sansio.families.media import media_type_of
from tests.laws import test_recorded_requests as of_anthropic
from tests.support import BEDROCK_CORPUS

pytestmark = pytest.mark.skipif(not BEDROCK_CORPUS.is_dir(), reason="recorded traffic is not here")

Body = dict[str, Any]  # Any: the corpus's own JSON

NAMES = sorted(path.name.removesuffix(".req.json") for path in BEDROCK_CORPUS.glob("bc*.req.json"))
TYPES = {word: kind for kind, word in DOCUMENTS.items()}
CHOICES = {"auto": "auto", "any": "required"}


@cache
def recorded(name: str) -> Body:
    body: Body = json.loads((BEDROCK_CORPUS / f"{name}.req.json").read_text("utf-8"))
    return body


def provider_of(name: str) -> tuple[Provider, bool]:
    """The provider that the request was sent to, and whether it asks for a stream."""
    path = json.loads((BEDROCK_CORPUS / f"{name}.json").read_text("utf-8"))["url_path"]
    _, _, model, verb = path.split("/")
    api = "converse" if verb.startswith("converse") else "invoke"
    config = ProviderConfig(type="bedrock", api=api, region="us-east-1", model=unquote(model))
    return Provider(config), verb.endswith("-stream")


def build(name: str) -> Body:
    """The body that the library builds for what the request says."""
    body = dict(recorded(name))
    provider, stream = provider_of(name)
    messages = [Message("system", [part_in(block)]) for block in body.pop("system", ())]
    for message in body.pop("messages"):
        messages += messages_of(message, provider.dialect.origin)
    config = body.pop("toolConfig", {})
    options: Body = dict(body)
    inference = options.pop("inferenceConfig", {})
    names = {
        "maxTokens": "max_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop",
    }
    options |= {names[field]: value for field, value in inference.items()}
    if "toolChoice" in config:
        [(kind, inner)] = config["toolChoice"].items()
        named = {"type": "function", "function": {"name": inner.get("name")}}
        options["tool_choice"] = CHOICES.get(kind, named)
    if "outputConfig" in options and provider.dialect.takes_schema():
        told = options.pop("outputConfig")["textFormat"]["structure"]["jsonSchema"]
        schema = {**told, "schema": json.loads(told["schema"])}
        options["response_format"] = {"type": "json_schema", "json_schema": schema}
    tools = [tool_of(tool) for tool in config.get("tools", ())]
    prepared = provider.prepare(messages, tools, stream=stream, options=options)
    assert prepared.left_out == ()
    path = json.loads((BEDROCK_CORPUS / f"{name}.json").read_text("utf-8"))["url_path"]
    assert unquote(prepared.url).endswith(unquote(path))
    return prepared.body


def tool_of(tool: Body) -> Body:
    """A tool in chat's form; one of Bedrock's own as it is."""
    if "toolSpec" not in tool:
        return {"type": next(iter(tool)), **tool}
    spec = dict(tool["toolSpec"])
    return {"type": "function", "function": {**spec, "parameters": spec.pop("inputSchema")["json"]}}


def messages_of(message: Body, origin: str) -> Iterator[Message]:
    """The messages that one of the wire's turns is."""
    if message["role"] == "assistant":
        yield Message("assistant", [answered(block) for block in message["content"]], origin=origin)
        return
    said: list[Part] = []
    for block in message["content"]:
        if (result := block.get("toolResult")) is None:
            said.append(part_in(block))
            continue
        extra: Body = {} if result.get("status") != "success" else {"status": "success"}
        content = [part_in(each) for each in result["content"]]
        is_error = result.get("status") == "error"
        yield Message("tool", content, result["toolUseId"], is_error=is_error, extra=extra)
    if said:
        yield Message("user", said)


def answered(block: Body) -> Part:
    if "toolUse" in block:
        use = block["toolUse"]
        return ToolCall(use["toolUseId"], use["name"], use["input"], extra=call_extra(block))
    return part_of(block)


def part_in(block: Body) -> Part:
    """A block that the application wrote."""
    match block:
        case {"text": text}:
            return TextPart(text)
        case {"image": {"format": form, "source": {"bytes": data}}}:
            image = ImagePart(data=base64_bytes(data), media_type=f"image/{form}")
            # The bytes count for more than the type that is said; as a block it is sent as it is.
            return image if media_type_of(image) == image.media_type else UnknownPart("image", block)
        case {"document": {"source": {"bytes": data}} as document}:
            typed = ("format", "name", "source")
            extra = {name: value for name, value in document.items() if name not in typed}
            kind = TYPES[document["format"]]
            return DocumentPart(data=base64_bytes(data), media_type=kind, name=document["name"], extra=extra)
        case {"document": {"source": {"s3Location": {"uri": uri}}, "format": form, "name": name}}:
            return DocumentPart(url=uri, media_type=TYPES[form], name=name)
        case _:
            return UnknownPart(next(iter(block)), block)


def meaning(body: Body) -> Body:
    """A body in one of the forms that mean the same: no empty fields, a schema as what it says, and one turn
    for neighbours of the same role."""
    same = {name: value for name, value in body.items() if value not in ({}, [])}
    turns: list[Body] = []
    for turn in same["messages"]:
        if turns and turns[-1]["role"] == turn["role"]:
            turn = {**turn, "content": turns.pop()["content"] + turn["content"]}
        turns.append(turn)
    same["messages"] = turns
    if "outputConfig" in same:
        form = same["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
        same["outputConfig"] = {**form, "schema": json.loads(form["schema"])}
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


# Claude's messages by InvokeModel.

INVOKED = [
    name
    for name in sorted(path.name.removesuffix(".req.json") for path in BEDROCK_CORPUS.glob("bi*.req.json"))
    if "anthropic_version" in recorded(name)
]


def build_for_claude(name: str) -> Body:
    """The same of a request whose body is Anthropic's messages."""
    body = dict(recorded(name))
    provider, stream = provider_of(name)
    provider = Provider(provider.config.replace(api_version=body.pop("anthropic_version")))
    messages = of_anthropic.anthropic_messages(body)
    prepared = provider.prepare(messages, body.pop("tools", None), stream=stream, options=body)
    assert prepared.left_out == ()
    path = json.loads((BEDROCK_CORPUS / f"{name}.json").read_text("utf-8"))["url_path"]
    assert unquote(prepared.url).endswith(unquote(path))
    return prepared.body


def test_recorded_requests_for_claude_are_sent_in_words_of_the_same_meaning() -> None:
    assert len(INVOKED) == 28
    different = []
    for name in INVOKED:
        try:
            same = of_anthropic.meaning(build_for_claude(name)) == of_anthropic.meaning(recorded(name))
        except InvalidRequestError as error:
            different.append(f"{name}: {error}")
        else:
            different += [] if same else [name]
    assert different == []
