"""Tool calls of answers as they are sent, and the endings of answers that have them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from msgspec import Struct

from sansio import FinishReason, InvalidToolCall, Part, RefusalPart, ToolCall, ToolCallDelta, ToolCallStarted
from sansio.answers import ToolCallAssembler
from sansio.jsontext import JSONObject
from sansio.testing.script import Delta
from sansio.testing.strategies.values import TEXTS

BREAKING_OFF = (FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.REFUSAL, FinishReason.ERROR)
"""The finish reasons after which the last call may be incomplete."""

PIECES = st.lists(TEXTS, min_size=1, max_size=3)
"""A text in the pieces of a stream."""

SELDOM = st.integers(0, 2).map(lambda number: number == 0)


class Call(Struct, frozen=True):
    """A tool call as it is sent: the pieces of its arguments, and their value.

    Args:
        arguments: `None` if the text is not a JSON object.
    """

    id: str
    name: str
    kind: str
    raw: str
    pieces: tuple[str, ...]
    arguments: JSONObject | None
    extra: JSONObject

    def deltas(self, index: int, place: int) -> list[Delta]:
        """The events of the call."""
        started = ToolCallStarted(index, self.id, self.name, place, self.kind)
        return [started, *(ToolCallDelta(index, piece) for piece in self.pieces)]

    def is_cut(self) -> bool:
        """Whether the call may be incomplete, as the last call of a truncated answer."""
        return self.kind == "custom" or not self.arguments

    def finish(self, *, cut: bool) -> ToolCall | InvalidToolCall:
        """The call in the message."""
        if self.arguments is not None and not (cut and self.is_cut()):
            raw = None if self.kind == "custom" else self.raw
            return ToolCall(self.id, self.name, self.arguments, raw, self.kind, self.extra)
        assembler = ToolCallAssembler()  # only for the text of its reason
        call = assembler.find(0, self.id, self.name)
        call.kind = self.kind
        call.extra = self.extra
        assembler.add(call, self.raw, [])
        found = assembler.finish(call, whole=True, cut=cut)
        assert isinstance(found, InvalidToolCall)
        return found


def finished(parts: Sequence[Part | Call], last: Call | None, *, cut: bool) -> tuple[Part, ...]:
    """The parts of the message; `cut`: the answer is truncated, so its last call may be incomplete."""
    return tuple(part.finish(cut=cut and part is last) if isinstance(part, Call) else part for part in parts)


def checked(finish: FinishReason, parts: Sequence[Part]) -> FinishReason:
    """The finish reason, corrected by the received parts, which take precedence."""
    called = any(isinstance(part, ToolCall) for part in parts)
    refused = any(isinstance(part, RefusalPart) for part in parts)
    if finish is FinishReason.STOP and (called or refused):
        return FinishReason.TOOL_CALLS if called else FinishReason.REFUSAL
    if finish is FinishReason.TOOL_CALLS and not called:
        return FinishReason.OTHER
    return finish
