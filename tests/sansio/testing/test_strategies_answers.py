"""Random answers: refusals, counts, ids and the order of calls are those that a provider can give."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings

from sansio import (
    FinishReason,
    Message,
    PartComplete,
    ReasoningPart,
    StreamComplete,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.testing import PROVIDER_TYPES
from sansio.testing.strategies import events

looking = settings(
    max_examples=2_000, derandomize=True, database=None, deadline=None, phases=[Phase.generate]
)


class _AllSeenError(Exception):
    """Ends a search."""


def seen_in(type: str, features: Callable[[list[StreamEvent]], set[str]], wanted: set[str]) -> set[str]:
    """The features of the first hundred answers, and of as many more as it takes to see what is wanted."""
    seen: set[str] = set()
    looked = 0

    @looking
    @given(events(type))
    def look(given_events: list[StreamEvent]) -> None:
        nonlocal looked
        looked += 1
        seen.update(features(given_events))
        if looked >= 100 and seen >= wanted:
            raise _AllSeenError

    with contextlib.suppress(_AllSeenError):
        look()
    return seen


REPORTED = {
    "openrouter": {"refusal", "refused", "cached", "written", "reasoning"},
    "openai": {"refusal", "refused", "cached", "reasoning"},
    "azure": {"refusal", "refused", "cached", "reasoning"},
    "anthropic": {"refusal", "refused", "cached", "written", "reasoning"},
    "ollama": set[str](),
    "vllm": {"cached"},
}
"""The fields that each type's wire has."""


def reported_by(message: Message) -> set[str]:
    usage = message.usage
    refused = bool(message.refusal) and message.finish_reason is FinishReason.REFUSAL
    shown = {
        "refusal": bool(message.refusal),
        "refused": refused,
        "cached": usage is not None and usage.cached_tokens > 0,
        "written": usage is not None and usage.cache_write_tokens > 0,
        "reasoning": usage is not None and usage.reasoning_tokens > 0,
    }
    return {name for name, shows in shown.items() if shows}


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_refusals_and_counts_are_those_that_the_provider_sends(type: str) -> None:
    def features(given_events: list[StreamEvent]) -> set[str]:
        last = given_events[-1]
        assert isinstance(last, StreamComplete)
        message = last.message
        if message.refusal:  # which counts for more than a stop
            assert message.finish_reason is not FinishReason.STOP
        if "refused" in reported_by(message) and type != "anthropic":
            assert not message.tool_calls
        return reported_by(message)

    assert seen_in(type, features, REPORTED[type]) == REPORTED[type]


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_calls_have_different_ids_and_are_interleaved_only_if_the_wire_allows_it(type: str) -> None:
    def features(given_events: list[StreamEvent]) -> set[str]:
        *deltas, last = given_events
        assert isinstance(last, StreamComplete)
        ids = [call.id for call in last.message.all_tool_calls]
        assert len(set(ids)) == len(ids)
        of_calls = [delta for delta in deltas if isinstance(delta, ToolCallStarted | ToolCallDelta)]
        order = [delta.index for delta in of_calls]
        pieces = [delta.index for delta in of_calls if isinstance(delta, ToolCallDelta)]
        found = {"in turn"} if order != sorted(order) else set()
        return found | ({"in pieces"} if len(pieces) > len(set(pieces)) else set())

    alone = {"anthropic": {"in pieces"}, "ollama": set[str]()}
    wanted = alone.get(type, {"in turn", "in pieces"})
    assert seen_in(type, features, wanted) == wanted


def test_a_response_may_hide_its_reasoning() -> None:
    def features(given_events: list[StreamEvent]) -> set[str]:
        return {
            type(event).__name__
            for event in given_events
            if isinstance(event, PartComplete) and event.part == ReasoningPart("", event.part.extra)
        }

    assert seen_in("openai/responses", features, {"PartComplete"}) == {"PartComplete"}
