"""Recorded traffic of many providers, whole, byte by byte and cut at random, against its goldens."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sansio import (
    APIStatusError,
    Message,
    Provider,
    ProviderError,
    Role,
    StreamComplete,
    StreamEvent,
    StreamTruncatedError,
)
from sansio.families.messages.parts import block_of
from sansio.profiles import BUILT_IN
from sansio.providers import dialect_named
from tests.sansio.wires import ASK, body_of, check_agreement, comparable, config, failure, parse
from tests.support import CORPUS, for_each

Golden = dict[str, Any]  # Any: the corpus's own JSON

_NO_GOLDENS = {"sse_framing.json"}
_NAMES = sorted(
    path.name.removesuffix(".json")
    for path in CORPUS.glob("*.json")
    if not path.name.endswith((".req.json", ".resp.json")) and path.name not in _NO_GOLDENS
)
_SLOW_BYTES = 24_000
"""Longer streams are cut at random places only."""

_BROKEN_CALL = "the stream broke off inside the call, so none of its tool calls counts as whole"
_DETAILS = "reasoning that comes only in reasoning_details is reasoning to us, and not to OpenAI's SDK"
_NULL = "null arguments are {} to us, as DESIGN.md says; the golden counts no such call"
_BESIDE = "xAI counts reasoning beside the completion; output is the whole answer to us"
_CLIPPED = "reasoning is at most the output; the server's own count is in usage.extra"
_GENERATED = "what the model generated in place of a call is reported beside the message"
DIFFERENCES: dict[str, tuple[set[str], str]] = {
    "ants-anthropic-chatlas-anthropic_image_tool-b582-0-error-in-tool-input": ({"tool_calls"}, _BROKEN_CALL),
    "ants-anthropic-rubyllm-function_calling_anthropic_claude_haiku_4_5_can_use_tools_withou-9028-2"
    "-cut-in-tool-input": ({"tool_calls"}, _BROKEN_CALL),
    "oais-openai-traceloop-open_ai_function_calls_tools_streaming_parallel-3a6e-1-cut-in-tool-args": (
        {"tool_calls"},
        _BROKEN_CALL,
    ),
    "oais-deepseek-rig-truncation_matrix_streaming_budget_16_empty_arguments_are_droppe-1bdc-0": (
        {"tool_calls"},
        "the answer was cut for length before the last call's arguments, so it is invalid",
    ),
    "oais-groq-rig-agent_tool_sessions_parallel_tool_calls_single_turn_streaming-04ae-0": (
        {"tool_calls"},
        _NULL,
    ),
    "oair-groq-rig-agent_tool_sessions_parallel_tool_calls_single_turn_nonstreaming-7ae2-0": (
        {"tool_calls"},
        _NULL,
    ),
    "oais-xai-vercel-xai_text-b0f4": ({"usage"}, _BESIDE),
    "oais-xai-vercel-xai_tool_call-f8d3": ({"usage"}, _BESIDE),
    "oair-xai-prism-structured_basic_response_1-281e": ({"usage"}, _BESIDE),
    "oair-xai-vercel-xai_text-6209": ({"usage"}, _BESIDE),
    "oais-doubleword-rig-prompt_caching_streaming_probe-12d4-0": ({"usage"}, _CLIPPED),
    "oais-doubleword-rig-response_identity_edge_streaming_identity_contract_vs_reality-9c45-0": (
        {"usage"},
        _CLIPPED,
    ),
    "oais-mistral-prism-stream_reasoning_model_1_1-ffeb": (
        {"usage"},
        "num_cached_tokens is a cached count to us, and not to the golden",
    ),
    "oais-openrouter-pydai-openrouter_stream_error-4093-0": (
        {"usage"},
        "the usage beside an error is what the failed answer cost; the golden reads none of that chunk",
    ),
    "oair-openai-ddtrace-completion_custom_tool_call-8b8b-0": (
        {"tool_calls"},
        "a custom tool's free text is not JSON: its arguments are {'input': text}",
    ),
    "oair-openai-traceloop-open_ai_function_calls-cfea-0": (
        {"tool_calls"},
        "the older function_call is a tool call to us, and none to the golden",
    ),
    "oair-cloudflare-chatlas-cloudflare_data_extraction-fdab-2": (
        {"text"},
        "content that is an object is text to us, and not to the golden",
    ),
    "oair-openrouter-rubyllm-web_search_with_openrouter_openai_gpt_5_2_searches_transparently-c2fa-0": (
        {"reasoning"},
        _DETAILS,
    ),
    "oair-snowflake-pydai-snowflake_thinking-fd85-0": ({"reasoning"}, _DETAILS),
    "oais-snowflake-pydai-snowflake_thinking_streaming-bc4c-0": ({"reasoning"}, _DETAILS),
    "oaie-openrouter-pydai-openrouter_errors_raised-012c-0": (
        {"message"},
        "the upstream's own error, in metadata.raw, is reported beside OpenRouter's",
    ),
    "oaie-groq-pydai-tool_use_failed_error_with_text-2851-0": ({"message"}, _GENERATED),
    "oais-groq-pydai-tool_use_failed_error_streaming-467e-0": ({"message"}, _GENERATED),
}
"""Where we differ from a golden on purpose: in which fields, and why."""

needs_corpus = pytest.mark.skipif(not _NAMES, reason=f"there is no corpus at {CORPUS}")
pytestmark = needs_corpus


def names(kind: str) -> list[str]:
    """The cases of a kind; one that is never run where there is no corpus."""
    letter = {"stream": "s", "response": "r", "error": "e"}[kind]
    return [name for name in _NAMES if name[3] == letter] or ["none"]


@cache
def golden(name: str) -> Golden:
    loaded = json.loads((CORPUS / f"{name}.json").read_text())
    assert isinstance(loaded, dict)
    return loaded


def kind_of(name: str) -> str:
    """The provider type that reads this case's dialect."""
    if golden(name)["dialect"].startswith("anthropic"):
        return "anthropic"
    provider = str(golden(name)["provider"])
    provider = {"google-openai-compat": "gemini-openai"}.get(provider, provider)
    return provider if provider in BUILT_IN else "openai"


def told(name: str, message: Message) -> Golden:
    """Our result, in the golden's form."""
    usage = message.usage
    return {
        "text": message.text,
        "reasoning": message.reasoning,
        "refusal": message.refusal or "",
        "finish": message.raw_finish_reason,
        "tool_calls": [(call.id, call.name, call.arguments) for call in message.tool_calls],
        "usage": usage
        and {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.cached_tokens,
            "written": usage.cache_write_tokens,
            "reasoning": usage.reasoning_tokens,
        },
    }


def expected(name: str) -> Golden:
    """What the golden says of the answer."""
    said = golden(name)
    calls = [call for call in said["tool_calls"] or [] if call.get("arguments_valid", True)]
    usage = said["usage"]
    if usage:
        cached, written = usage.get("cache_read", 0), usage.get("cache_creation", 0)
        beside = cached + written if kind_of(name) == "anthropic" else 0
        usage = {
            "input": usage.get("input_tokens", 0) + beside,
            "output": usage.get("output_tokens", 0),
            "cached": cached,
            "written": written,
            "reasoning": usage.get("reasoning_tokens", 0),
        }
    return {
        "text": said["text"] or "",
        "reasoning": said["reasoning"] or "",
        "refusal": said["refusal"] or "",
        "finish": said.get("finish_reason") or said.get("stop_reason") or None,
        "tool_calls": [
            (call["id"], call["name"], call["arguments"]) for call in calls if call["arguments"] is not None
        ],
        "usage": usage,
    }


def check(name: str, message: Message) -> None:
    """Assert that we and the golden agree, except for the differences on purpose."""
    ours, theirs = told(name, message), expected(name)
    if kind_of(name) == "anthropic":
        theirs["refusal"] = ours["refusal"]  # an explanation to us, which the goldens do not have
    on_purpose, _ = DIFFERENCES.get(name, (set(), ""))
    differing = {field for field in ours if ours[field] != theirs[field]}
    assert differing == on_purpose - {"message"}, (ours, theirs)


def pieces_of(data: bytes, cuts: random.Random, slow: int = _SLOW_BYTES) -> Iterator[list[bytes]]:
    """Byte by byte where that is quick, and cut in random places.

    Args:
        slow: bytes; longer streams are cut at random places only.
    """
    if len(data) <= slow:
        yield [data[at : at + 1] for at in range(len(data))]
    places = sorted(cuts.randrange(len(data) + 1) for _ in range(40))
    yield [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def stream_of(name: str) -> tuple[bytes, list[StreamEvent]]:
    data = (CORPUS / f"{name}.sse").read_bytes()
    return data, parse(kind_of(name), [data])


@for_each(names("stream"))
def test_a_recorded_stream_says_what_its_golden_says(name: str) -> None:
    _, events = stream_of(name)
    check_agreement(events)
    said = golden(name)
    last = events[-1]
    error = None if isinstance(last, StreamComplete) else failure(events)
    message = last.message if isinstance(last, StreamComplete) else failure(events).partial
    assert message is not None
    check(name, message)
    ended = said.get("done_marker") or said.get("message_stop") or expected(name)["finish"]
    assert (error is None) is (bool(ended) and not said["error"])
    if said["error"]:
        assert isinstance(error, APIStatusError)
        on_purpose, _ = DIFFERENCES.get(name, (set(), ""))
        assert (error.provider_message != said["error"]["message"]) is ("message" in on_purpose)
    elif error is not None:
        assert type(error) is StreamTruncatedError


@for_each(names("stream"))
def test_a_recorded_stream_says_the_same_however_it_is_cut(name: str) -> None:
    data, events = stream_of(name)
    whole = comparable(events)
    for pieces in pieces_of(data, random.Random(name)):
        assert comparable(parse(kind_of(name), pieces)) == whole


_FINISH = re.compile(rb'"(?:finish|stop)_reason" ?: ?"(?!")')


@for_each(names("stream"))
def test_pain_01_a_recorded_stream_cut_before_its_finish_reason_is_no_success(name: str) -> None:
    data, events = stream_of(name)
    found = _FINISH.search(data)
    end = found.start() if found else data.find(b"[DONE]") if b"[DONE]" in data else len(data)
    if isinstance(events[-1], StreamComplete):
        assert found or b"[DONE]" in data or b"message_stop" in data
    cuts = random.Random(name)
    for at in {end, *(cuts.randrange(end + 1) for _ in range(8))}:
        cut = parse(kind_of(name), [data[:at]])
        check_agreement(cut)
        assert isinstance(failure(cut), (StreamTruncatedError, APIStatusError))


@for_each(names("response"))
def test_a_recorded_response_says_what_its_golden_says(name: str) -> None:
    data = json.loads((CORPUS / f"{name}.resp.json").read_bytes())
    dialect = dialect_named(kind_of(name))
    error = dialect.error_in(data)
    assert (error is not None) is bool(golden(name)["error"])
    if error is None:
        check(name, dialect.parse_response(data))


@for_each([*names("stream"), *names("response")])
def test_a_recorded_answer_can_be_stored_and_sent_back_with_its_tool_results(name: str) -> None:
    if golden(name)["kind"] == "stream":
        last = stream_of(name)[1][-1]
        if not isinstance(last, StreamComplete):
            assert golden(name)["error"] or not expected(name)["finish"]
            return
        message = last.message
    else:
        message = dialect_named(kind_of(name)).parse_response(
            json.loads((CORPUS / f"{name}.resp.json").read_bytes())
        )
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    ids = [call.id for call in message.tool_calls] + [call.id for call in message.invalid_tool_calls]
    results = [Message(Role.TOOL, "ok", tool_call_id=call_id) for call_id in ids]
    provider = Provider(config(kind_of(name)))
    sent = body_of(provider, [*ASK, stored, *results, *ASK])["messages"]
    assert sent == body_of(provider, [*ASK, message, *results, *ASK])["messages"]
    assert isinstance(sent, list)
    nothing = kind_of(name) == "anthropic" and not any(map(block_of, message.parts))
    assert sent[1]["role"] == ("user" if nothing else "assistant")


@for_each(names("error"))
def test_a_recorded_error_says_what_its_golden_says(name: str) -> None:
    said = golden(name)
    body = (CORPUS / f"{name}.resp.json").read_text()
    error: ProviderError = dialect_named(kind_of(name)).parse_error(said["status"], (), body)
    assert error.status == said["status"]
    on_purpose, _ = DIFFERENCES.get(name, (set(), ""))
    assert (error.provider_message != said["error"]["message"]) is ("message" in on_purpose)
    assert said["error"]["message"] in str(error)


def test_every_difference_on_purpose_is_of_a_case_that_is_there() -> None:
    assert {name for name in DIFFERENCES if not Path(CORPUS, f"{name}.json").exists()} == set()
