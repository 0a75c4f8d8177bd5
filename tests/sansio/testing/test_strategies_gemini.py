"""Random answers of Gemini have every kind of part, and their streams have every form that Google sends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from sansio import (
    AudioPart,
    DocumentPart,
    FinishReason,
    Message,
    Part,
    ReasoningPart,
    ServerToolPart,
    TextPart,
    UnknownPart,
)
from sansio.families.gemini.parts import CALL, SIGNATURE
from sansio.testing.strategies import ValidStream, answers, hostile_streams, messages, streams
from tests.sansio.testing.test_strategies import seen


def kinds(message: Message) -> list[str]:
    """The kinds of the parts: of server tools and unknown parts, Google's names."""
    return [
        part.kind if isinstance(part, ServerToolPart | UnknownPart) else type(part).__name__
        for part in message.parts
    ]


def signed(message: Message, kind: type[Part]) -> bool:
    return any(isinstance(part, kind) and SIGNATURE in part.extra for part in message.parts)


def unnamed(message: Message) -> list[bool]:
    """For each call, whether Google gave it no id."""
    inner = [call.extra.get(CALL) for call in message.tool_calls]
    return [isinstance(fields, dict) and "id" in fields for fields in inner]


FEATURES: dict[str, Callable[[Message], object]] = {
    "a signed text": lambda message: signed(message, TextPart),
    "a signed thought": lambda message: signed(message, ReasoningPart),
    "a signed file": lambda message: any(SIGNATURE in image.extra for image in message.images),
    "a signature without a text": lambda message: any(
        isinstance(part, TextPart) and not part.text and part.extra for part in message.parts
    ),
    "text after a thought": lambda message: kinds(message)[:2] == ["ReasoningPart", "TextPart"],
    "a call without an id": lambda message: True in unnamed(message),
    "a call with an id": lambda message: False in unnamed(message),
    "parallel calls": lambda message: len(message.tool_calls) > 1,
    "a call without arguments": lambda message: any(not call.arguments for call in message.tool_calls),
    "a call that must not be run": lambda message: (
        message.raw_finish_reason == "UNEXPECTED_TOOL_CALL" and message.invalid_tool_calls
    ),
    "a call that may be cut": lambda message: (
        message.finish_reason is FinishReason.LENGTH and message.invalid_tool_calls
    ),
    "code": lambda message: "executableCode" in kinds(message),
    "a result of code": lambda message: "codeExecutionResult" in kinds(message),
    "a call of Google's": lambda message: "toolCall" in kinds(message),
    "a result of Google's": lambda message: "toolResponse" in kinds(message),
    "an image": lambda message: any(image.data for image in message.images),
    "an image by its address": lambda message: any(image.url for image in message.images),
    "sound": lambda message: any(isinstance(part, AudioPart) for part in message.parts),
    "a document": lambda message: any(isinstance(part, DocumentPart) for part in message.parts),
    "a video": lambda message: "inlineData" in kinds(message),
    "a new kind": lambda message: "aNewKind" in kinds(message),
    "a search": lambda message: "groundingMetadata" in kinds(message),
    "addresses": lambda message: "urlContextMetadata" in kinds(message),
    "sources without a text": lambda message: "citationMetadata" in kinds(message),
    "a passage that a source supports": lambda message: any(
        "groundingChunkIndex" in cited.extra for cited in message.citations
    ),
    "a recited passage": lambda message: any(
        "groundingChunkIndex" not in cited.extra for cited in message.citations
    ),
    "an answer that is filtered": lambda message: message.raw_finish_reason == "SAFETY",
    "a prompt that is blocked": lambda message: message.raw_finish_reason == "JAILBREAK",
    "ratings": lambda message: "safetyRatings" in message.extra,
    "logprobs": lambda message: "logprobsResult" in message.extra,
    "counts of tools": lambda message: message.usage and "toolUsePromptTokenCount" in message.usage.extra,
    "no counts": lambda message: message.usage is None,
}


@pytest.mark.parametrize("whole", [False, True])
def test_answers_have_every_part_that_google_sends(whole: bool) -> None:
    strategy = answers("google").map(lambda answer: answer.to_message()) if whole else messages("google")
    assert seen(strategy, FEATURES) == FEATURES.keys()


def reasons(stream: ValidStream) -> list[bool]:
    """For each chunk, whether it has the finish reason."""
    return ["finishReason" in str(chunk) for chunk in stream.chunks]


def test_streams_have_every_form() -> None:
    features: dict[str, Callable[[ValidStream], object]] = {
        "events": lambda stream: stream.data.startswith(b"data: {") and b"}\r\n\r\n" in stream.data,
        "one list": lambda stream: stream.data.startswith(b"[") and json.loads(stream.data) == stream.chunks,
        "a list on many lines": lambda stream: stream.data.startswith(b"[{\n"),
        "events without a space": lambda stream: b"data:{" in stream.data,
        "events on many lines": lambda stream: re.search(rb"data: ?\{[\r\n]", stream.data),
        "arguments in pieces": lambda stream: b"partialArgs" in stream.data,
        "texts in pieces": lambda stream: re.search(rb"stringValue.{0,40}willContinue", stream.data),
        "a quoted name": lambda stream: b"$['" in stream.data or rb"$[\"" in stream.data,
        "an item of a list": lambda stream: re.search(rb"jsonPath[^,]*\[0\]", stream.data),
        "no value": lambda stream: b"nullValue" in stream.data,
        "a number": lambda stream: b"numberValue" in stream.data,
        "true or false": lambda stream: b"boolValue" in stream.data,
        "several parts at once": lambda stream: re.search(rb'\},\{"text"', stream.data),
        "counts behind the finish reason": lambda stream: reasons(stream)[-2:] == [True, False],
        "counts before the finish reason": lambda stream: (
            len(stream.chunks) > 1 and "usageMetadata" in stream.chunks[0]
        ),
    }
    # Some are rare, and which examples are first depends on the modules that are loaded: Hypothesis takes
    # constants from them.
    assert seen(streams("google"), features, examples=10_000) == features.keys()


def test_without_the_switch_no_stream_is_a_list() -> None:
    listed = {"a list": lambda data: data.startswith(b"[")}
    assert not seen(streams("google", lists=False).map(lambda stream: stream.data), listed)


def test_hostile_streams_are_events_and_lists_with_damage_in_their_chunks() -> None:
    found = seen(
        hostile_streams("google"),
        {
            "a list": lambda data: data.startswith(b"[{"),
            "events": lambda data: data.startswith(b"data"),
            "another order": lambda data: 0 < data.find(b"finishReason") < data.rfind(b"candidates"),
            "deep nesting": lambda data: re.search(rb'(\[|\{"a":){100}', data),
        },
    )
    assert len(found) == 4, found
