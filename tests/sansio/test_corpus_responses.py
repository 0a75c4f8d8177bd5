"""Recorded responses of many providers, whole, byte by byte and cut at random, against their goldens."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    APIStatusError,
    Dialect,
    Message,
    PartComplete,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.responses.parts import items_of
from sansio.providers import dialect_named
from tests.sansio.test_corpus import pieces_of
from tests.sansio.wires import check_agreement, comparable, failure
from tests.support import RESPONSES_CORPUS as CORPUS
from tests.support import for_each

Golden = dict[str, Any]  # Any: the corpus's own JSON

_NAMES = sorted(
    path.name.removesuffix(".json")
    for path in CORPUS.glob("*.json")
    if not path.name.endswith((".req.json", ".resp.json"))
)
_SLOW_BYTES = 4_000
"""Longer streams are cut at random places only."""

_BUILT_IN = "a call of a built-in tool that the application runs is a tool call to us, and not to the golden"
_CUSTOM = "a custom tool's call is a tool call to us, and not to the golden"
_CUT = "a call whose arguments are not whole is none of the answer's calls to us; the golden counts it"
DIFFERENCES: dict[str, tuple[set[str], str]] = {
    "rspr-openai-vercel-openai_apply_patch_tool_1-cb3d": ({"tool_calls"}, _BUILT_IN),
    "rsps-openai-vercel-openai_apply_patch_tool_1-bd3b": ({"tool_calls"}, _BUILT_IN),
    "rspr-openai-vercel-openai_shell_tool_1-4393": ({"tool_calls"}, _BUILT_IN),
    "rsps-openai-vercel-openai_shell_tool_1-9220-part0": ({"tool_calls"}, _BUILT_IN),
    "rspr-openai-vercel-openai_custom_tool_1-82c8": ({"tool_calls"}, _CUSTOM),
    "rsps-openai-genai-custom_grammar_tool-af40": ({"tool_calls"}, _CUSTOM),
    "rsps-openai-llm-responses_tool_use_streaming-883a-0-error-in-args": ({"tool_calls"}, _CUT),
    "rsps-openai-rig-streaming_grammar_incomplete_mid_tool_call-e1a3-0": ({"tool_calls"}, _CUT),
    "rsps-openai-traceloop-router_analytics_complete_workflow-966a-5-cut-in-args": ({"tool_calls"}, _CUT),
}
"""Where we differ from a golden on purpose: in which fields, and why."""

pytestmark = pytest.mark.skipif(not _NAMES, reason=f"there is no corpus at {CORPUS}")


def names(kind: str) -> list[str]:
    """The cases of a kind; one that is never run where there is no corpus."""
    letter = {"stream": "s", "response": "r", "error": "e"}[kind]
    return [name for name in _NAMES if name[3] == letter] or ["none"]


@cache
def golden(name: str) -> Golden:
    loaded = json.loads((CORPUS / f"{name}.json").read_bytes())
    assert isinstance(loaded, dict)
    return loaded


def body_of(name: str) -> Golden:
    loaded = json.loads((CORPUS / f"{name}.resp.json").read_bytes())
    assert isinstance(loaded, dict)
    return loaded


def dialect_of(name: str) -> Dialect:
    """The dialect of the provider that was recorded: its own, or of OpenAI's compatible servers."""
    provider = golden(name)["provider"]
    known = "responses" in PROVIDER_DEFAULTS[provider].apis if provider in PROVIDER_DEFAULTS else False
    return dialect_named(f"{provider if known else 'openai'}/responses")


def parse(name: str, pieces: list[bytes]) -> list[StreamEvent]:
    parser = StreamParser(dialect_of(name))
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


def told(message: Message) -> Golden:
    """Our result, in the golden's form."""
    usage = message.usage
    return {
        "text": message.text,
        "reasoning": message.reasoning,
        "refusal": message.refusal,
        "finish": message.raw_finish_reason,
        "model": message.model,
        "response_id": message.response_id,
        "tool_calls": [(call.id, call.name, call.arguments) for call in message.tool_calls],
        "usage": usage
        and {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read": usage.cached_tokens,
            "cache_creation": usage.cache_write_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        },
    }


def expected(name: str, *, whole: bool) -> Golden:
    """What the golden says of the answer; one that broke off has no finish reason."""
    said = golden(name)
    finish = said["finish"] or {}
    return {
        **{field: said[field] for field in ("text", "reasoning", "refusal", "model", "response_id")},
        "finish": (finish["incomplete_reason"] or finish["status"]) if whole else None,
        "tool_calls": [(call["id"], call["name"], call["arguments"]) for call in said["tool_calls"]],
        "usage": said["usage"]
        and {"cache_read": 0, "cache_creation": 0, "reasoning_tokens": 0} | said["usage"],
    }


def check(name: str, message: Message, *, whole: bool) -> None:
    """Assert that we and the golden agree, except for the differences on purpose."""
    ours, theirs = told(message), expected(name, whole=whole)
    on_purpose, _ = DIFFERENCES.get(name, (set(), ""))
    assert {field for field in ours if ours[field] != theirs[field]} == on_purpose, (ours, theirs)
    items = items_of(message.parts)
    if whole:
        assert [item["type"] for item in items] == golden(name)["item_types"]
    assert [item["phase"] for item in items if "phase" in item] == golden(name).get("phases", [])


@for_each(names("stream"))
def test_a_recorded_stream_says_what_its_golden_says_however_it_is_cut(name: str) -> None:
    data = (CORPUS / f"{name}.sse").read_bytes()
    events = parse(name, [data])
    check_agreement(events)
    last, said = events[-1], golden(name)
    if isinstance(last, StreamComplete):
        assert said["error"] is None
        assert said["end"] in ("response.completed", "response.incomplete")
        check(name, last.message, whole=True)
        for event in events:
            if isinstance(event, PartComplete):
                assert event.part == last.message.parts[event.index]
    else:
        error = failure(events)
        assert error.partial is not None
        check(name, error.partial, whole=False)
        if said["error"]:
            assert isinstance(error, APIStatusError)
            assert (error.provider_message, error.code) == (said["error"]["message"], said["error"]["code"])
            assert error.status in (429, 500)
        else:
            assert said["end"] is None
            assert type(error) is StreamTruncatedError
    wanted = comparable(events)
    for pieces in pieces_of(data, random.Random(name), _SLOW_BYTES):
        assert comparable(parse(name, pieces)) == wanted


@for_each(names("stream"))
def test_a_recorded_stream_cut_before_its_end_is_no_success(name: str) -> None:
    data = (CORPUS / f"{name}.sse").read_bytes()
    found = data.rfind(b'"response.completed"'), data.rfind(b'"response.incomplete"')
    end = max(found) if max(found) >= 0 else len(data)
    cuts = random.Random(name)
    for at in {end, *(cuts.randrange(end + 1) for _ in range(4))}:
        cut = parse(name, [data[:at]])
        check_agreement(cut)
        assert isinstance(failure(cut), (StreamTruncatedError, APIStatusError))


@for_each(names("response"))
def test_a_recorded_response_says_what_its_golden_says(name: str) -> None:
    dialect, body = dialect_of(name), body_of(name)
    assert dialect.error_in(body) is None
    assert golden(name)["error"] is None
    message = dialect.parse_response(body)
    check(name, message, whole=True)
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    assert items_of(stored.parts) == items_of(message.parts)


@for_each(names("error"))
def test_a_recorded_error_says_what_its_golden_says(name: str) -> None:
    said = golden(name)
    error = dialect_of(name).parse_error(said["status"], (), (CORPUS / f"{name}.resp.json").read_text())
    assert (error.status, error.code) == (said["status"], said["error"]["code"])
    assert error.provider_message == said["error"]["message"]


def test_every_difference_on_purpose_is_of_a_case_that_is_there() -> None:
    assert {name for name in DIFFERENCES if not Path(CORPUS, f"{name}.json").exists()} == set()
