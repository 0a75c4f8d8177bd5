"""Valid answers: what a provider can say, and the events that a parser makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import zip_longest
from typing import assert_never

from hypothesis import strategies as st
from msgspec import Struct, structs

from sansio import (
    ContentDelta,
    FinishReason,
    Message,
    ProviderState,
    ReasoningDelta,
    Role,
    StreamComplete,
    StreamEvent,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from sansio.jsontext import JSONObject
from sansio.testing.script import Answer, Delta, ProviderType, provider_type
from sansio.testing.strategies.values import COUNTS, JSON_TEXTS, NAMES, TEXTS
from sansio.testing.wires.messages import sign

_UNTOLD: dict[ProviderType, tuple[str, ...]] = {
    "openrouter": (),
    "openai": ("cache_write_tokens",),
    "azure": ("cache_write_tokens",),
    "anthropic": ("reasoning_tokens",),
    "ollama": ("cached_tokens", "cache_write_tokens", "reasoning_tokens"),
    "vllm": ("cache_write_tokens", "reasoning_tokens"),
}
"""Counts that a type's wire has no place for."""

_REFUSING: tuple[ProviderType, ...] = ("openrouter", "openai", "azure")
"""Types whose wire has a field for a refusal."""

_CHAT_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_calls": FinishReason.TOOL_CALLS,
    "a new reason": FinishReason.OTHER,
}
_ANTHROPIC_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSE,
    "refusal": FinishReason.REFUSAL,
    "a new reason": FinishReason.OTHER,
}
_BREAKING_OFF = (FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.REFUSAL)


class _Call(Struct, frozen=True):
    """A tool call and the pieces in which its arguments come."""

    call: ToolCall
    pieces: tuple[str, ...]

    def deltas(self, index: int) -> list[Delta]:
        started = ToolCallStarted(index, self.call.id, self.call.name)
        return [started, *(ToolCallDelta(index, piece) for piece in self.pieces)]


def answers(dialect: str) -> st.SearchStrategy[Answer]:
    """Answers that the provider can give, whole or as a stream, for a `FakeProvider`'s script.

    Raises:
        ValueError: no fake speaks for the dialect.
    """
    return _answers(provider_type(dialect))


def events(dialect: str) -> st.SearchStrategy[list[StreamEvent]]:
    """The events of a valid answer, in order, its `StreamComplete` last.

    Text, reasoning and tool calls follow each other in any order and number; the calls of one turn may come
    interleaved where the wire allows it. The message says all that a parser can know, down to the usage
    that the wire has a place for and the state that the provider wants back, so that
    `StreamParser(dialect)` gives these very events for `encode_events(dialect, events)`.

    Raises:
        ValueError: no fake speaks for the dialect.
    """
    return _events(provider_type(dialect))


@cache
@st.composite
def _answers(draw: st.DrawFn, type: ProviderType) -> Answer:
    message = _message(draw(_events(type)))
    # Anthropic's whole responses hold arguments as objects: how they were written is not told.
    calls = tuple(
        ToolCall(call.id, call.name, call.arguments) if type == "anthropic" else call
        for call in message.tool_calls
    )
    return Answer(
        text=message.text,
        reasoning=message.reasoning,
        tool_calls=calls,
        refusal=message.refusal,
        finish_reason=message.finish_reason,
        raw_finish_reason=message.raw_finish_reason,
        usage=message.usage,
    )


@cache
@st.composite
def _events(draw: st.DrawFn, type: ProviderType) -> list[StreamEvent]:
    deltas: list[Delta] = []
    calls: list[_Call] = []
    for segment in draw(st.lists(st.sampled_from(("text", "reasoning", "calls")), max_size=4)):
        match segment:
            case "text":
                deltas += map(ContentDelta, draw(_PIECES))
            case "reasoning":
                deltas += map(ReasoningDelta, draw(_PIECES))
            case _:
                turn = _draw_turn(draw, type, len(calls))
                deltas += _in_turn(draw, type, turn, len(calls))
                calls += turn
    return [*deltas, StreamComplete(_draw_message(draw, type, deltas, [made.call for made in calls]))]


_PIECES = st.lists(TEXTS, min_size=1, max_size=3)


def _draw_turn(draw: st.DrawFn, type: ProviderType, first: int) -> list[_Call]:
    """Tool calls that are made together, the first of them number `first` of the answer."""
    turn = []
    for position in range(draw(st.integers(1, 2))):
        raw, arguments = draw(JSON_TEXTS)
        # Ollama gives a call's arguments whole, in the chunk that begins the call.
        size = len(raw) + 1 if type == "ollama" else draw(st.integers(1, 8))
        pieces = tuple(raw[at : at + size] for at in range(0, len(raw), size))
        call = ToolCall(f"{draw(NAMES)}.{first + position}", draw(NAMES), arguments, raw)
        turn.append(_Call(call, pieces))
    return turn


def _in_turn(draw: st.DrawFn, type: ProviderType, turn: Sequence[_Call], first: int) -> Iterable[Delta]:
    said = [made.deltas(index) for index, made in enumerate(turn, first)]
    if type in ("anthropic", "ollama") or draw(st.booleans()):
        return [delta for deltas in said for delta in deltas]
    return [delta for row in zip_longest(*said) for delta in row if delta is not None]


def _draw_message(
    draw: st.DrawFn, type: ProviderType, deltas: Sequence[Delta], calls: Sequence[ToolCall]
) -> Message:
    refusal = draw(st.none() | TEXTS) if type in _REFUSING else None
    raw, finish = _draw_end(draw, type, calls)
    if finish is FinishReason.STOP and refusal and not calls:
        finish = FinishReason.REFUSAL
    # Anthropic tells a usage always.
    usage = _draw_usage(draw, type) if type == "anthropic" or draw(st.booleans()) else None
    return Message(
        Role.ASSISTANT,
        "".join(delta.text for delta in deltas if isinstance(delta, ContentDelta)),
        tuple(calls),
        reasoning="".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta)),
        refusal=refusal,
        finish_reason=finish,
        raw_finish_reason=raw,
        usage=usage,
        model=draw(NAMES),
        response_id=draw(NAMES),
        provider_state=_state(type, deltas),
    )


def _draw_end(draw: st.DrawFn, type: ProviderType, calls: Sequence[ToolCall]) -> tuple[str, FinishReason]:
    """How the answer ends, in the provider's word and in the library's."""
    reasons = _ANTHROPIC_REASONS if type == "anthropic" else _CHAT_REASONS
    # Where an answer is broken off, a last call without arguments may be cut: it is no whole one.
    cut_call = bool(calls) and not calls[-1].arguments
    raw = draw(st.sampled_from([raw for raw in reasons if not (cut_call and reasons[raw] in _BREAKING_OFF)]))
    finish = reasons[raw]
    if finish is FinishReason.STOP and calls:
        return raw, FinishReason.TOOL_CALLS
    if finish is FinishReason.TOOL_CALLS and not calls:
        return raw, FinishReason.OTHER
    return raw, finish


def _draw_usage(draw: st.DrawFn, type: ProviderType) -> Usage:
    cached, written, reasoning = draw(COUNTS), draw(COUNTS), draw(COUNTS)
    usage = Usage(
        input_tokens=cached + written + draw(COUNTS),
        output_tokens=reasoning + draw(COUNTS),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
    )
    return structs.replace(usage, **dict.fromkeys(_UNTOLD[type], 0))


def _state(type: ProviderType, deltas: Sequence[Delta]) -> ProviderState | None:
    """What the provider wants back: OpenRouter its reasoning, Anthropic its blocks where it thought."""
    reasoning = [delta.text for delta in deltas if isinstance(delta, ReasoningDelta)]
    if type == "openrouter" and reasoning:
        detail: JSONObject = {"type": "reasoning.text", "text": "".join(reasoning)}
        return ProviderState(type, [detail | {"format": "unknown", "index": 0}])
    if type != "anthropic":
        return None
    blocks = _blocks(deltas)
    kinds = [str(block["type"]) for block in blocks]
    # Text and then tool calls are said by the message itself.
    return None if kinds == sorted(kinds) and "thinking" not in kinds else ProviderState(type, blocks)


def _blocks(deltas: Sequence[Delta]) -> list[JSONObject]:
    """Anthropic's content blocks: adjacent deltas of a kind are one."""
    blocks: list[JSONObject] = []
    for delta in deltas:
        kind = blocks[-1]["type"] if blocks else None
        match delta:
            case ContentDelta(text=text):
                if kind != "text":
                    blocks.append({"type": "text", "text": ""})
                blocks[-1]["text"] = f"{blocks[-1]['text']}{text}"
            case ReasoningDelta(text=text):
                if kind != "thinking":
                    blocks.append({"type": "thinking", "thinking": ""})
                thinking = f"{blocks[-1]['thinking']}{text}"
                blocks[-1] |= {"thinking": thinking, "signature": sign(thinking)}
            case ToolCallStarted(id=call_id, name=name):
                blocks.append({"type": "tool_use", "id": call_id, "name": name, "input": {}})
            case ToolCallDelta():
                pass
            case _:
                assert_never(delta)
    return blocks


def _message(answer: Sequence[StreamEvent]) -> Message:
    last = answer[-1]
    assert isinstance(last, StreamComplete)
    return last.message
