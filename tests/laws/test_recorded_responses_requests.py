"""Recorded requests of Responses, said in messages, tools and typed options, keep their meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

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
    UnknownPart,
)
from sansio.families.fields import base64_bytes
from sansio.families.responses.parts import parts_of
from sansio.profiles import BUILT_IN
from tests.support import RESPONSES_CORPUS, for_each

pytestmark = pytest.mark.skipif(not RESPONSES_CORPUS.is_dir(), reason="recorded traffic is not here")

Body = dict[str, Any]  # Any: the corpus's own JSON

NAMES = sorted(path.name.removesuffix(".req.json") for path in RESPONSES_CORPUS.glob("*.req.json"))
OWN_TYPES = ("openai", "openrouter", "azure", "xai", "deepseek", "bedrock")
ENCRYPTED = "reasoning.encrypted_content"

EXCEPTIONS: dict[str, str] = {
    "rspe-openai-pydai-openai_responses_model_http_error-8eee-0": (
        "its temperature is -1, which the service refused too"
    ),
    "rspr-openai-ddtrace-response_with_mixed_prompt_url_stripped-de57-0": (
        "it is a stored prompt alone, without a model and without a message"
    ),
}
"""Recorded requests that are not sent as they were recorded, each with its reason."""


@cache
def recorded(name: str) -> Body:
    body: Body = json.loads((RESPONSES_CORPUS / f"{name}.req.json").read_text("utf-8"))
    return body


def provider_of(name: str, model: str) -> Provider:
    """The provider that the request was sent to."""
    maker = name.partition("-")[2]
    kind = next((kind for kind in OWN_TYPES if maker.startswith(kind)), "compatible")
    fields: Body = {"type": kind, "api": "responses", "model": model}
    if kind == "azure":
        fields |= {"base_url": "https://res.openai.azure.com/openai/v1", "deployment": model}
    elif kind == "bedrock":
        fields["region"] = "us-east-1"
    elif BUILT_IN[kind].base_url is None:
        fields["base_url"] = "https://compatible.example.com/v1"
    return Provider(ProviderConfig.from_dict(fields))


def build(name: str) -> Body:
    """The body that the library builds for what the request says."""
    body = {field: value for field, value in recorded(name).items() if value is not None}
    provider = provider_of(name, body.pop("model"))
    stream = bool(body.pop("stream", False))
    tools = [nested(tool) for tool in body.pop("tools", ())]
    messages = [*messages_of(body.pop("input"), provider.dialect.origin)]
    options: Body = {"store": None, **body}
    if isinstance(choice := options.get("tool_choice"), dict):
        options["tool_choice"] = nested(choice)
    included = options.pop("include", [])
    options["include"] = included if ENCRYPTED in included else None
    if "message.output_text.logprobs" in included:
        options["logprobs"] = True
    prepared = provider.prepare(messages, tools, stream=stream, options=options)
    assert prepared.left_out == ()
    return prepared.body


def nested(tool: Body) -> Body:
    """A tool, or the choice of one, in chat's form."""
    if tool["type"] != "function":
        return tool
    inner = ("name", "description", "parameters", "strict")
    beside = {field: value for field, value in tool.items() if field not in inner}
    strict = {} if "name" in tool and len(tool) == 2 else {"strict": tool.get("strict")}
    return {**beside, "function": {f: tool[f] for f in inner if f in tool} | strict}


def messages_of(items: Any, origin: str) -> Iterator[Message]:
    """The messages that a request's input says."""
    if isinstance(items, str):
        yield Message("user", items)
        return
    said: list[Part] = []
    for item in items:
        if item.get("role", "assistant") == "assistant" and not item.get("type", "").endswith("call_output"):
            parts = parts_of(full(item))
            if said and isinstance(said[-1], TextPart) and said[-1].extra == parts[0].extra:
                yield Message("assistant", said, origin=origin)  # two messages without an id are not one
                said = []
            said += parts
            continue
        if said:
            yield Message("assistant", said, origin=origin)
            said = []
        yield message_of(item)
    if said:
        yield Message("assistant", said, origin=origin)


def full(item: Body) -> Body:
    """An item of an answer in its long form."""
    if item.get("type", "message") != "message":
        return item
    text = item["content"]
    content = [{"type": "output_text", "text": text}] if isinstance(text, str) else text
    return {**item, "type": "message", "content": content}


def message_of(item: Body) -> Message:
    """An item that the application wrote."""
    if item.get("type", "message") == "message":
        extra = {field: value for field, value in item.items() if field not in ("type", "role", "content")}
        return Message(item["role"], content_of(item["content"]), extra=extra)
    if "call_id" not in item:
        return Message(item["role"], [UnknownPart(item["type"], item)])
    extra = {field: value for field, value in item.items() if field not in ("type", "call_id", "output")}
    return Message("tool", content_of(item["output"]), item["call_id"], extra=extra)


def content_of(content: Any) -> str | list[Part]:
    return content if isinstance(content, str) else [part_of(block) for block in content]


def part_of(block: Body) -> Part:
    extra = {field: value for field, value in block.items() if field not in ("type", *TYPED)}
    match block:
        case {"type": "input_text", "text": text}:
            return TextPart(text, extra=extra)
        case {"type": "input_image", "image_url": url}:
            return ImagePart(url=url, detail=block.get("detail"), extra=extra)
        case {"type": "input_file", "file_url": url}:
            return DocumentPart(url=url, extra=extra)
        case {"type": "input_file", "file_data": str(data), "filename": name}:
            kind, _, text = data.removeprefix("data:").partition(";base64,")
            return DocumentPart(data=base64_bytes(text), media_type=kind, name=name, extra=extra)
        case _:
            return UnknownPart(block["type"], block)


TYPED = ("text", "image_url", "detail", "file_url", "file_data", "filename")


# Two bodies that mean the same.


def meaning(body: Body) -> Body:
    """A body in one of the forms that mean the same: no defaults, content as parts, arguments as JSON."""
    same = {name: value for name, value in body.items() if value is not None and value != []}
    for name in ("stream", "background"):
        if same.get(name) is False:
            del same[name]
    if "input" in same:
        given = same["input"]
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        same["input"] = [meant(item) for item in items]
    if "tools" in same:
        same["tools"] = [{k: v for k, v in tool.items() if v is not None} for tool in same["tools"]]
    return same


def meant(item: Body) -> Body:
    same = {name: value for name, value in item.items() if value is not None}
    if same.get("type") == "message":
        del same["type"]
    kind = "output_text" if same.get("role") == "assistant" else "input_text"
    for field in ("content", "output"):
        if field in same:
            same[field] = listed(same[field], kind)
    if isinstance(same.get("arguments"), str):
        same["arguments"] = json.loads(same["arguments"] or "{}")
    return same


def listed(content: Any, kind: str) -> Any:
    if isinstance(content, str):
        content = [{"type": kind, "text": content}]
    if not isinstance(content, list):
        return content
    defaults: Body = {"annotations": [], "logprobs": [], "detail": "auto"}
    return [
        {
            name: value
            for name, value in block.items()
            if value is not None and value != defaults.get(name, ...)
        }
        for block in content
    ]


EXPRESSED = [name for name in NAMES if name not in EXCEPTIONS]


def test_recorded_requests_are_sent_in_words_of_the_same_meaning() -> None:
    different = []
    for name in EXPRESSED:
        try:
            same = meaning(build(name)) == meaning(recorded(name))
        except InvalidRequestError as error:
            different.append(f"{name}: {error}")
        else:
            different += [] if same else [name]
    assert different == []


@for_each(EXCEPTIONS)
def test_an_exception_is_one(name: str) -> None:
    try:
        built = build(name)
    except (InvalidRequestError, KeyError):
        return
    assert meaning(built) != meaning(recorded(name)), "it is expressed: take it off the list"


def test_nearly_all_recorded_requests_are_expressed() -> None:
    assert len(EXPRESSED) / len(NAMES) >= 0.98
