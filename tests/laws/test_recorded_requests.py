"""Recorded requests, said in messages, tools and typed options, are sent in words of the same meaning.

Chat requests are read with `from_openai`, and Anthropic's with functions of this module.
Fields that one compatible server alone knows go into `extra_body`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, get_type_hints

import pytest

from sansio import (
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    Message,
    Options,
    Part,
    Provider,
    ProviderConfig,
    ToolCall,
)
from sansio.families.messages.parts import part_of
from sansio.profiles import BUILT_IN
from tests.sansio.test_corpus import needs_corpus
from tests.support import CORPUS, for_each

pytestmark = needs_corpus

Body = dict[str, Any]  # Any: the corpus's own JSON

NAMES = sorted(path.name.removesuffix(".req.json") for path in CORPUS.glob("*.req.json"))
MAKERS = {"google": "gemini-openai", "bedrock": "bedrock"}
"""Provider types by the corpus's word, where it has another one."""
COMPATIBLE = "https://compatible.example.com/v1"
"""The base URL of servers that have no type."""

ONE_SERVER = frozenset(
    [
        "thinking",
        "enable_thinking",
        "clear_thinking",
        "random_seed",
        "safe_prompt",
        "include_reasoning",
        "reasoning_format",
        "venice_parameters",
        "safety_model",
        "echo",
        "min_p",
        "repetition_penalty",
        "top_k",
        "reasoning",
        "provider",
        "models",
        "transforms",
    ]
)
"""Fields that one compatible server alone knows, where no type has them as options."""

EXCEPTIONS: dict[str, str] = {
    "ants-anthropic-ddtrace-anthropic_completion_tools_call_with_tool_result_stream_helper-670e-0": (
        "its tool result names another call than the one before it, which the service itself refuses"
    ),
    "oaie-deepseek-rig-wire_shape_matrix_blocking_image_base64_part_reaches_the_wire-3be8-0": (
        "it has an image, which the service itself refuses"
    ),
    "oair-mistral-rig-agent_tool_sessions_sequential_complex_tool_calls_nonstreaming-32c7-1": (
        "the ids of its calls were replaced by others, which the service would refuse"
    ),
    "oais-mistral-rig-history_roundtrip_matrix_streaming_ministral_3b_raw_single_tool-3134-0": (
        "the ids of its calls were replaced by others, which the service would refuse"
    ),
}
"""Recorded requests that are not sent as they were recorded, each with its reason."""


@cache
def recorded(name: str) -> Body:
    body: Body = json.loads((CORPUS / f"{name}.req.json").read_text("utf-8"))
    return body


def provider_of(name: str, body: Body) -> Provider:
    """The provider that the request was sent to."""
    maker = name.split("-")[1]
    if name.startswith("ant"):
        return Provider(ProviderConfig(type="anthropic", model=body["model"]))
    kind = MAKERS.get(maker, maker)
    fields: Body = {"type": kind if kind in BUILT_IN else "compatible", "model": body["model"]}
    if kind == "azure":
        fields["base_url"] = "https://res.openai.azure.com/openai/v1"
        fields["deployment"] = body["model"]
    elif kind not in BUILT_IN or BUILT_IN[kind].base_url is None:
        fields["base_url"] = COMPATIBLE
    elif kind == "bedrock":
        fields |= {"api": "chat", "region": "us-east-1"}
    return Provider(ProviderConfig.from_dict(fields))


def build(name: str) -> Body:
    """The body that the library builds for what the request says."""
    body = dict(recorded(name))
    provider = provider_of(name, body)
    stream = bool(body.pop("stream", False))
    model = body.pop("model")
    tools = body.pop("tools", None)
    messages = anthropic_messages(body) if name.startswith("ant") else body.pop("messages")
    known = get_type_hints(Options).keys() & provider.dialect.OPTIONS.keys()
    options = {field: value for field, value in body.items() if field in known}
    extra = {field: value for field, value in body.items() if field not in known}
    strange = extra.keys() - ONE_SERVER
    assert not strange, f"no option, and no field of one server alone: {strange}"
    prepared = provider.prepare(
        messages, tools, stream=stream, options=options, extra_body=extra, model=model
    )
    assert prepared.left_out == ()
    return prepared.body


def anthropic_messages(body: Body) -> list[Message]:
    """Anthropic's `system` and `messages` as messages, taken out of the body."""
    system = body.pop("system", None)
    messages = [Message("system", _parts(system))] if system else []
    for turn in body.pop("messages"):
        blocks = turn["content"]
        if isinstance(blocks, str):
            messages.append(Message(turn["role"], blocks))
            continue
        rest = [block for block in blocks if block["type"] != "tool_result"]
        for block in blocks:
            if block["type"] == "tool_result":
                more = {
                    k: v for k, v in block.items() if k not in ("type", "tool_use_id", "content", "is_error")
                }
                content = _parts(block.get("content", ""))
                messages.append(
                    Message("tool", content, block["tool_use_id"], block.get("is_error", False), extra=more)
                )
        if rest:
            messages.append(Message(turn["role"], _parts(rest)))
    return messages


def _parts(content: Any) -> str | list[Part]:
    return content if isinstance(content, str) else [_part(block) for block in content]


def _part(block: Body) -> Part:
    source = block.get("source") or {}
    if block["type"] == "tool_use":
        extra = {k: v for k, v in block.items() if k not in ("type", "id", "name", "input")}
        return ToolCall(block["id"], block["name"], block["input"], extra=extra)
    if block["type"] in ("image", "document") and source.get("type") == "url":
        extra = {k: v for k, v in block.items() if k not in ("type", "source", "title")}
        if block["type"] == "image":
            return ImagePart(url=source["url"], extra=extra)
        return DocumentPart(url=source["url"], name=block.get("title"), extra=extra)
    return part_of(block)


# Two bodies that mean the same.


def meaning(body: Body) -> Body:
    """A body in one of the forms that mean the same: no defaults, content as parts, arguments as JSON."""
    same = {name: value for name, value in body.items() if value is not None and value != []}
    for name, default in (("stream", False), ("n", 1)):
        if same.get(name) == default:
            del same[name]
    same.pop("stream_options", None)
    if "max_completion_tokens" in same:  # OpenAI's newer name
        same["max_tokens"] = same.pop("max_completion_tokens")
    same["messages"] = merged([meant(message) for message in same["messages"]])
    if "tools" in same:
        same["tools"] = [
            {"type": "function", **tool} if "function" in tool else tool for tool in same["tools"]
        ]
    if isinstance(same.get("system"), str):
        same["system"] = [{"type": "text", "text": same["system"]}]
    if isinstance(same.get("stop"), str):
        same["stop"] = [same["stop"]]
    return same


def meant(message: Body) -> Body:
    same = {name: value for name, value in message.items() if value is not None and value != []}
    content = same.pop("content", None)
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    same["content"] = [_block(block) for block in content or []]
    if same.get("reasoning_content") == "":  # which DeepSeek gets in each message with calls
        del same["reasoning_content"]
    if same.get("reasoning") == same.get("reasoning_content"):
        same.pop("reasoning", None)
    if "tool_calls" in same:
        same["tool_calls"] = [_call(call) for call in same["tool_calls"]]
    return same


def merged(messages: list[Body]) -> list[Body]:
    """Neighbours of Anthropic's user, which the service joins, joined."""
    found: list[Body] = []
    for message in messages:
        if found and message["role"] == "user" == found[-1]["role"] and _has_results(found[-1]):
            found[-1]["content"] += message["content"]
        else:
            found.append(message)
    return found


def _has_results(message: Body) -> bool:
    return any(block["type"] == "tool_result" for block in message["content"])


def _block(block: Body) -> Body:
    same = {name: value for name, value in block.items() if value is not None}
    if same.get("type") == "image_url" and isinstance(same["image_url"], str):
        same["image_url"] = {"url": same["image_url"]}
    if same.get("type") == "tool_result":
        content = same.get("content", [])
        same["content"] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        same["is_error"] = same.get("is_error", False)
    return same


def _call(call: Body) -> Body:
    inner = call.get("function")
    if not isinstance(inner, dict):
        return call
    arguments = json.loads(inner["arguments"] or "{}") or {}  # null says the same
    return {**call, "type": "function", "function": {**inner, "arguments": arguments}}


def several(name: str) -> bool:
    """Whether the request asks for several answers, which is refused: they do not fit one message."""
    return recorded(name).get("n") not in (None, 1)


def test_requests_for_several_answers_are_refused() -> None:
    refused = [name for name in NAMES if several(name)]
    assert len(refused) == 9
    for name in refused:
        with pytest.raises(InvalidRequestError, match="n: must be 1"):
            build(name)


EXPRESSED = [name for name in NAMES if not (several(name) or name in EXCEPTIONS)]


@for_each(EXPRESSED or ["none"])
def test_a_recorded_request_is_sent_in_words_of_the_same_meaning(name: str) -> None:
    assert meaning(build(name)) == meaning(recorded(name))


@for_each(EXCEPTIONS)
def test_an_exception_is_one(name: str) -> None:
    try:
        built = build(name)
    except (InvalidRequestError, AssertionError):  # the second where something is left out
        return
    assert meaning(built) != meaning(recorded(name)), "it is expressed: take it off the list"


def test_nearly_all_recorded_requests_are_expressed() -> None:
    assert len(EXPRESSED) / (len(EXPRESSED) + len(EXCEPTIONS)) >= 0.98
