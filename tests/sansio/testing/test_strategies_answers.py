"""Random answers: refusals, counts, ids and the order of calls are those that a provider can give."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import Phase, given, settings

from sansio import FinishReason, Message, StreamComplete, StreamEvent, ToolCallDelta, ToolCallStarted
from sansio.testing import PROVIDER_TYPES
from sansio.testing.strategies import events

# The same examples on every run, so that every run finds the features.
looking = settings(max_examples=200, derandomize=True, database=None, deadline=None, phases=[Phase.generate])


@cache
def examples(type: str) -> list[list[StreamEvent]]:
    found: list[list[StreamEvent]] = []

    @looking
    @given(events(type))
    def look(given_events: list[StreamEvent]) -> None:
        found.append(given_events)

    look()
    return found


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
    seen: set[str] = set()

    for given_events in examples(type):
        last = given_events[-1]
        assert isinstance(last, StreamComplete)
        message = last.message
        seen.update(reported_by(message))
        if message.refusal:  # which counts for more than a stop
            assert message.finish_reason is not FinishReason.STOP
        if "refused" in reported_by(message) and type != "anthropic":
            assert not message.tool_calls

    assert seen == REPORTED[type]


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_calls_have_different_ids_and_are_interleaved_only_if_the_wire_allows_it(type: str) -> None:
    seen: set[str] = set()

    for given_events in examples(type):
        *deltas, last = given_events
        assert isinstance(last, StreamComplete)
        ids = [call.id for call in last.message.tool_calls]
        ids += [call.id for call in last.message.invalid_tool_calls]
        assert len(set(ids)) == len(ids)
        of_calls = [delta for delta in deltas if isinstance(delta, ToolCallStarted | ToolCallDelta)]
        order = [delta.index for delta in of_calls]
        if order != sorted(order):
            seen.add("in turn")
        pieces = [delta.index for delta in of_calls if isinstance(delta, ToolCallDelta)]
        if len(pieces) > len(set(pieces)):
            seen.add("in pieces")

    alone = {"anthropic": {"in pieces"}, "ollama": set[str]()}
    assert seen == alone.get(type, {"in turn", "in pieces"})
