"""A tool whose call is the answer's text: for answers of a given form from models without JSON schemas."""

from __future__ import annotations

from typing import Any

from sansio.answers.toolcalls import AssembledCall, ToolCallAssembler
from sansio.content import Part, TextPart
from sansio.events import ContentDelta, StreamEvent
from sansio.limits import Limits


class OutputCalls(ToolCallAssembler):
    """Tool calls; the calls of one tool become text. A separate class, so that other answers stay fast.

    A call that is text is not counted among the calls: its `AssembledCall.index` is that of its part.

    Args:
        limits: as for `ToolCallAssembler`.
        parts: the answer's parts.
        tool: the name of the tool.
    """

    def __init__(self, limits: Limits, parts: list[Any], tool: str) -> None:
        super().__init__(limits, parts)
        self._tool = tool

    def add(self, call: AssembledCall, arguments: str, events: list[StreamEvent]) -> None:
        if call.name != self._tool or not call.started:
            super().add(call, arguments, events)
        elif arguments:
            call.parts.append(arguments)
            events.append(ContentDelta(arguments, call.index))

    def add_more(self, index: int | None, arguments: str, events: list[StreamEvent]) -> bool:
        call = self._by_index.get(index) if index is not None else None
        if call is not None and call.name == self._tool:
            return False
        return super().add_more(index, arguments, events)

    def _show(self, call: AssembledCall, events: list[StreamEvent]) -> None:
        if call.name != self._tool:
            super()._show(call, events)
        elif text := call.parts.whole():  # a text part is numbered only when it has its first piece
            call.started = self.gave_text = True
            call.index = len(self._parts)
            self._parts.append(call)
            events.append(ContentDelta(text, call.index))

    def waiting(self) -> list[AssembledCall]:
        return [call for call in super().waiting() if call.name != self._tool]

    def finish(self, call: AssembledCall, *, whole: bool, cut: bool = False) -> Part:
        if call.name == self._tool:
            return TextPart(call.parts.whole())
        return super().finish(call, whole=whole, cut=cut)
