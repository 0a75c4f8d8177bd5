"""Each request that the library builds is valid by the official SDKs' own parameter types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sansio import InvalidRequestError, Provider
from sansio.testing import PROVIDER_TYPES
from sansio.testing.strategies import Asked, requests
from tests.judges.sdks import parameters
from tests.judges.typed import faults, fields_of, values
from tests.sansio.wires import ASK, WEATHER, Record, config

pytestmark = pytest.mark.judges

RESPONSES = ("openai/responses", "openrouter/responses", "vllm/responses")
"""Those whose tables of options differ. Azure's is OpenAI's, and Ollama's is a part of it."""
TYPES = (*PROVIDER_TYPES, *RESPONSES)

_REASONING = (".messages[].reasoning", ".messages[].reasoning_content")
BEYOND: Mapping[str, tuple[str, ...]] = {
    "openrouter": (
        *_REASONING,
        ".messages[].reasoning_details",
        ".messages[].images",
        ".messages[].tool_calls[].extra_content",
        ".tools[].cache_control",
        *(f".{name}" for name in ("cache_control", "debug", "deferred_tools", "image_config", "min_p")),
        *(f".{name}" for name in ("models", "plugins", "provider", "reasoning", "repetition_penalty")),
        *(f".{name}" for name in ("route", "session_id", "stop_server_tools_when", "top_a", "top_k")),
        *(f".{name}" for name in ("trace", "transforms", "usage")),
    ),
    "openai": (),
    "azure": (),
    "anthropic": (
        # Sampling is known under the oldest version of the API only, which is not the SDK's.
        *(".temperature", ".top_p", ".top_k"),
        # A signature of Google's, from a gateway that speaks Anthropic's wire.
        ".messages[].content[].extra_content",
    ),
    "ollama": (*_REASONING, ".reasoning"),
    "openai/responses": (),
    "openrouter/responses": (
        *(f".{name}" for name in ("frequency_penalty", "image_config", "modalities", "models", "plugins")),
        *(f".{name}" for name in ("presence_penalty", "provider", "session_id", "top_k", "trace")),
        *(".reasoning.enabled", ".reasoning.max_tokens"),
    ),
    "vllm/responses": (
        *(f".{name}" for name in ("cache_salt", "ignore_eos", "include_stop_str_in_output", "logit_bias")),
        *(f".{name}" for name in ("mm_processor_kwargs", "priority", "repetition_penalty", "request_id")),
        *(f".{name}" for name in ("seed", "skip_special_tokens", "stop", "structured_outputs", "top_k")),
    ),
    "vllm": (
        *_REASONING,
        *(f".{name}" for name in ("add_generation_prompt", "add_special_tokens", "allowed_token_ids")),
        *(f".{name}" for name in ("bad_words", "cache_salt", "chat_template", "chat_template_kwargs")),
        *(f".{name}" for name in ("continue_final_message", "documents", "echo", "ignore_eos")),
        *(f".{name}" for name in ("include_reasoning", "include_stop_str_in_output", "kv_transfer_params")),
        *(f".{name}" for name in ("length_penalty", "logprob_token_ids", "media_io_kwargs", "min_p")),
        *(f".{name}" for name in ("min_tokens", "mm_processor_kwargs", "priority", "prompt_logprobs")),
        *(f".{name}" for name in ("repetition_penalty", "request_id", "return_token_ids", "session_id")),
        *(f".{name}" for name in ("skip_special_tokens", "spaces_between_special_tokens")),
        *(f".{name}" for name in ("stop_token_ids", "structured_outputs", "thinking_token_budget")),
        *(f".{name}" for name in ("top_k", "truncate_prompt_tokens", "truncation_side", "use_beam_search")),
    ),
}
"""Fields of the wire that only the compatible server knows, not the SDK."""

_JUDGED = ("text", "refusal", "thinking", "redacted_thinking", "tool_use", "tool_result", "image")
"""Blocks of an answer that are judged. The others go back as the provider sent them, and the strategies
invent kinds, names and fields for them that no SDK can know."""

BUDGETED, ADAPTIVE = "claude-sonnet-4-5", "claude-sonnet-5-5"
"""A model whose thinking has a budget, and one that thinks adaptively."""
EFFORTS = st.sampled_from(("none", "low", "medium", "high", "xhigh", "max"))
FORMATS = st.sampled_from(
    (
        {"type": "text"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}},
    )
)
CHOICES = st.sampled_from(
    ("auto", "none", "required", {"type": "function", "function": {"name": "get_weather"}})
)
PORTABLE: Mapping[str, st.SearchStrategy[Any]] = {
    "cache": st.booleans(),
    "logprobs": st.booleans() | st.integers(0, 5),
    "max_tokens": st.integers(16, 9_000),
    "parallel_tool_calls": st.booleans(),
    "reasoning_effort": EFFORTS,
    "response_format": FORMATS,
    "stop": st.sampled_from(("END", ["END", "STOP"])),
    "temperature": st.sampled_from((0, 0.5, 1)),
    "tool_choice": CHOICES,
    "top_p": st.sampled_from((0.95, 1)),
    "user": st.just("someone"),
    "metadata": st.just({"user_id": "someone"}),
}
"""The portable options, in the values that all providers with a place for them take."""
TIMES = st.sampled_from(("5m", "1h"))
_ALLOWED = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "get_weather"}}]}
_OPENAIS = st.just({"type": "allowed_tools", "allowed_tools": _ALLOWED})
_OWN_CHOICES: Mapping[str, st.SearchStrategy[Any]] = {
    "openai": _OPENAIS,
    "openai/responses": _OPENAIS,
    "azure": _OPENAIS,
    "anthropic": st.sampled_from(
        ({"type": "any"}, {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True})
    ),
}
ONLY: Mapping[str, st.SearchStrategy[Any]] = {
    "n": st.just(1),
    "reasoning_budget": st.integers(1_024, 4_000),
    "max_tokens": st.integers(16, 9_000),
    "max_completion_tokens": st.integers(16, 9_000),
    "top_p": st.sampled_from((0.95, 1)),
    "repetition_penalty": st.sampled_from((0.5, 1, 1.5)),
    "max_output_tokens": st.integers(16, 9_000),
    "verbosity": st.sampled_from(("low", "medium", "high")),
    "background_options": st.just({"completion_window": "soonest"}),
}
"""Options of which the library takes less than their types say."""


def provider_of(type: str, model: str = BUDGETED, **fields: Any) -> Provider:
    return Provider(config(type, model=model, **fields))


def sent(provider: Provider, asked: Asked, stream: bool, options: Mapping[str, Any] = {}) -> Record:
    """A request's body, as its JSON says it."""
    body = provider.prepare(asked.messages, asked.tools, stream=stream, options=options).body
    found: Record = msgspec.json.decode(msgspec.json.encode(body))
    return found


def judge(type: str, body: Record, *, stream: bool) -> None:
    """Check a body against the SDK's types. It is of one of them, but for the server's own fields."""
    found = [
        [fault for fault in faults(_judged(body), parameter) if not _is_beyond(type, fault)]
        for parameter in parameters(type, stream=stream)
    ]
    assert not all(found), min(found, key=len)


def _is_beyond(type: str, fault: str) -> bool:
    return fault.partition(": ")[2] == "is unknown" and fault.partition(": ")[0] in BEYOND[type]


def _judged(body: Record) -> Record:
    if "input" in body:
        # OpenAI takes its own items back without their ids, too, as recorded requests show.
        known = {"id": "msg_1", "status": "completed"}
        items = [{**known, **item} if item.get("type") == "message" else item for item in body["input"]]
        return {**body, "input": items}
    messages = []
    for message in body["messages"]:
        content = message["content"]
        if message["role"] == "assistant" and isinstance(content, list):
            content = [block for block in content if block["type"] in _JUDGED]
        messages.append({**message, "content": content})
    return {**body, "messages": messages}


@given(asked=requests(), stream=st.booleans(), reasoning=st.booleans())
def test_conversations_and_tools(asked: Asked, stream: bool, reasoning: bool) -> None:
    # In one test, since to draw a conversation takes longer than to judge it.
    for type in (*PROVIDER_TYPES, "openai/responses"):
        provider = provider_of(type, ADAPTIVE, reasoning=reasoning)
        judge(type, sent(provider, asked, stream), stream=stream)


def _options() -> Iterator[tuple[str, str]]:
    """Every option of every provider type."""
    for type in TYPES:
        for name in sorted(provider_of(type).dialect.OPTIONS):
            yield type, name


def _values(type: str, name: str) -> st.SearchStrategy[Any]:
    """What an option may be: what the SDK takes, and what is portable; of a server's own, all of its type."""
    if name in ONLY:
        return ONLY[name]
    if name == "store" and type == "openrouter/responses":
        return st.just(False)
    if name == "tool_choice":  # it names a tool of the request
        return CHOICES | _OWN_CHOICES.get(type, CHOICES)
    fields = [dict(fields_of(parameter)) for parameter in parameters(type, stream=False)]
    found = [values(known[name]) for known in fields if name in known]
    if name in PORTABLE:
        found.append(PORTABLE[name])
    if name == "cache" and type in ("anthropic", "openrouter"):
        found.append(TIMES)
    return st.one_of(found or [values(provider_of(type).dialect.OPTIONS[name].type)])


@pytest.mark.parametrize(("type", "name"), [*_options()])
@settings(max_examples=10)
@given(data=st.data(), stream=st.booleans())
def test_each_option_takes_what_the_sdk_takes(
    type: str, name: str, data: st.DataObject, stream: bool
) -> None:
    options = {name: data.draw(_values(type, name))}
    if name == "top_logprobs":  # which is refused alone
        options["logprobs"] = True
    judge(type, sent(provider_of(type), Asked(ASK, [WEATHER]), stream, options), stream=stream)


@pytest.mark.parametrize("type", TYPES)
@given(asked=requests(), stream=st.booleans(), model=st.sampled_from((BUDGETED, ADAPTIVE)), data=st.data())
def test_options_together(type: str, asked: Asked, stream: bool, model: str, data: st.DataObject) -> None:
    table = sorted(provider_of(type).dialect.OPTIONS)
    names = data.draw(st.lists(st.sampled_from(table), min_size=2, max_size=5, unique=True))
    options = {name: data.draw(_values(type, name), label=name) for name in names}
    try:
        body = sent(provider_of(type, model), asked, stream, options)
    except InvalidRequestError:  # some go not together
        assume(False)
    judge(type, body, stream=stream)
