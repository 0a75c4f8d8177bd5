"""The answer under way: parts in the order in which they begin, and the message that they make."""

from __future__ import annotations

from typing import TypeAlias

from sansio.answers.output import OutputCalls
from sansio.answers.pieces import Pieces
from sansio.answers.toolcalls import AssembledCall, ToolCallAssembler
from sansio.content import (
    Citation,
    FinishReason,
    Message,
    Part,
    ReadParts,
    ReasoningPart,
    RefusalPart,
    Role,
    TextPart,
    ToolCall,
    Usage,
)
from sansio.events import ContentDelta, PartComplete, ReasoningDelta, RefusalDelta, StreamEvent
from sansio.jsontext import JSONObject
from sansio.limits import DEFAULT_LIMITS, Limits

TextualPart: TypeAlias = TextPart | ReasoningPart | RefusalPart

_DELTAS: dict[type[TextualPart], type[ContentDelta | ReasoningDelta | RefusalDelta]] = {
    TextPart: ContentDelta,
    ReasoningPart: ReasoningDelta,
    RefusalPart: RefusalDelta,
}

BROKEN_OFF = frozenset(
    (FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.REFUSAL, FinishReason.ERROR)
)
"""The finish reasons after which the last tool call may be cut."""


class OpenPart:
    """A part whose text arrives in pieces. Made by `Answer.open`.

    `extra` and `citations` may be added to until the part is closed.
    """

    __slots__ = ("append", "citations", "delta", "extra", "index", "kind", "text")

    def __init__(self, kind: type[TextualPart]) -> None:
        self.kind = kind
        self.delta = _DELTAS[kind]
        self.index = -1
        """Its place in the message's parts; -1 before its first event."""
        self.text = Pieces()
        self.append = self.text.append
        """Adds a piece and gives no event: for readers that make the event themselves to save a call."""
        self.extra: JSONObject = {}
        self.citations: list[Citation] = []

    def finish(self) -> Part:
        """The part as it is now."""
        if self.kind is TextPart:
            return TextPart(self.text.whole(), tuple(self.citations), self.extra)
        return self.kind(self.text.whole(), extra=self.extra)


class Answer:
    """Gathers an answer's parts. Order, numbering, finish reason and invalid calls are then right.

    A part is numbered at its first event, so a block that turns out to be empty takes no number.

    Args:
        limits: how much the answer may cost.
        output_tool: the tool whose call is text, if there is one; see `Dialect.output_tool`.

    Example:
        >>> answer, events = Answer(), []
        >>> text = answer.open(TextPart)
        >>> answer.add(text, "Hello", events)
        >>> answer.close(text, events)
        >>> answer.message(FinishReason.STOP, "my_provider/mine").text
        'Hello'
        >>> events
        [ContentDelta(text='Hello', part=0)]
    """

    __slots__ = ("_parts", "_saying", "calls", "extra", "model", "raw_finish_reason", "response_id", "usage")

    def __init__(self, limits: Limits = DEFAULT_LIMITS, output_tool: str = "") -> None:
        self._parts: list[OpenPart | AssembledCall | Part] = []
        self.calls = (
            OutputCalls(limits, self._parts, output_tool)
            if output_tool
            else ToolCallAssembler(limits, self._parts)
        )
        """The tool calls, which take their places among the parts as they start."""
        self._saying: OpenPart | None = None
        self.usage: Usage | None = None
        self.raw_finish_reason: str | None = None
        self.model: str | None = None
        self.response_id: str | None = None
        self.extra: JSONObject = {}
        """The message's own provider fields."""

    def open(self, kind: type[TextualPart]) -> OpenPart:
        """Begin a part whose text arrives in pieces."""
        return OpenPart(kind)

    def place(self, part: OpenPart) -> int:
        """Number a part, if it has no number yet; its first event must follow."""
        if part.index < 0:
            part.index = len(self._parts)
            self._parts.append(part)
        return part.index

    def add(self, part: OpenPart, text: str, events: list[StreamEvent]) -> None:
        """Add a piece of a part's text; an empty one gives nothing."""
        if text:
            part.append(text)
            events.append(part.delta(text, self.place(part)))

    def close(self, part: OpenPart, events: list[StreamEvent]) -> None:
        """End a part: it is given whole, unless its deltas have said all but `extra`.

        A part without text, citations and `extra` has never been there.
        """
        said = bool(part.text or part.text.folded)
        if part.citations or (not said and part.extra):
            events.append(PartComplete(self.place(part), part.finish()))

    def say(self, kind: type[TextualPart], text: str, events: list[StreamEvent]) -> OpenPart:
        """Add a piece of text on a wire that does not name the part it belongs to.

        It goes on with the part before it, if that is of the same kind and neither `take` nor `end` was
        called between them. Otherwise it begins a part.

        Returns:
            The part, whose `extra` and `citations` may be added to until it ends.
        """
        part = self._saying
        if part is None or part.kind is not kind:
            self.end(events)
            part = self._saying = self.open(kind)
        self.add(part, text, events)
        return part

    def end(self, events: list[StreamEvent]) -> None:
        """Close the part that `say` is adding to, if there is one."""
        part, self._saying = self._saying, None
        if part is not None:
            self.close(part, events)

    def take(self, whole: Part, events: list[StreamEvent]) -> None:
        """Add a part that arrived whole, of any kind.

        Text is given as one delta. A tool call is judged like one that arrived in pieces, and gets an id if
        it has none.
        """
        self.end(events)
        match whole:
            case TextPart() | ReasoningPart() | RefusalPart():
                part = self.open(type(whole))
                part.extra = whole.extra
                if isinstance(whole, TextPart):
                    part.citations += whole.citations
                self.add(part, whole.text, events)
                self.close(part, events)
            case ToolCall():
                self.calls.take(whole, events)
            case _:
                self.fill(self.hold(whole), whole, events)

    def hold(self, whole: Part) -> int:
        """Number a part that arrives whole before it is complete, so that parts after it come after it.

        Args:
            whole: the part as far as it is known. `fill` must follow.

        Returns:
            Its place.
        """
        self._parts.append(whole)
        return len(self._parts) - 1

    def fill(self, place: int, whole: Part, events: list[StreamEvent]) -> None:
        """Complete a part that `hold` numbered."""
        self._parts[place] = whole
        events.append(PartComplete(place, whole))

    def fold(self) -> None:
        """Join what has arrived so far, so that a long answer keeps no object for each of its pieces."""
        for part in self._parts:
            if isinstance(part, OpenPart):
                part.text.fold()
        self.calls.fold()

    def message(self, said: FinishReason | None, origin: str | None) -> Message:
        """The whole answer.

        Args:
            said: the finish reason that the provider gave. What was received counts for more: servers say
                `stop` with tool calls, and `tool_calls` for calls that were cut (PAINS 2).
            origin: provider type and api, such as `"anthropic/messages"`.
        """
        parts = self._finished(whole=True, cut=said in BROKEN_OFF)
        finish = said or FinishReason.OTHER
        kinds = {type(part) for part in parts}
        if finish is FinishReason.STOP and ToolCall in kinds:
            finish = FinishReason.TOOL_CALLS
        elif finish is FinishReason.STOP and RefusalPart in kinds:
            finish = FinishReason.REFUSAL
        elif finish is FinishReason.TOOL_CALLS and ToolCall not in kinds:
            finish = FinishReason.STOP if self.calls.gave_text else FinishReason.OTHER
        return self._message(parts, finish, origin)

    def partial(self, origin: str | None) -> Message:
        """The answer so far, of a stream that broke off: each of its tool calls is invalid."""
        return self._message(self._finished(whole=False, cut=False), None, origin)

    def _message(self, parts: tuple[Part, ...], finish: FinishReason | None, origin: str | None) -> Message:
        return Message(
            Role.ASSISTANT,
            ReadParts(parts),
            finish_reason=finish,
            raw_finish_reason=self.raw_finish_reason,
            usage=self.usage,
            model=self.model,
            response_id=self.response_id,
            origin=origin,
            extra=self.extra,
        )

    def _finished(self, *, whole: bool, cut: bool) -> tuple[Part, ...]:
        calls = self.calls
        parts: list[Part] = []
        for part in (*self._parts, *calls.waiting()):
            if isinstance(part, AssembledCall):
                parts.append(calls.finish(part, whole=whole, cut=cut))
            elif isinstance(part, OpenPart):
                parts.append(part.finish())
            else:
                parts.append(part)
        return tuple(parts)
