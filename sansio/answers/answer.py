"""The unfinished answer: its parts in the order in which they begin, and the message made of them."""

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
    """A part whose text arrives in pieces. Made by `Answer.open`, which explains `kind`.

    A reader may add to `extra` and `citations` until the part is closed.
    """

    __slots__ = ("append", "citations", "delta", "extra", "index", "kind", "text")

    def __init__(self, kind: type[TextualPart]) -> None:
        self.kind = kind
        self.delta = _DELTAS[kind]
        self.index = -1
        """Its place in the message's parts; -1 before its first event."""
        self.text = Pieces()
        self.append = self.text.append
        """Adds a piece without an event: for readers that make the event themselves to save a call."""
        self.extra: JSONObject = {}
        self.citations: list[Citation] = []

    def finish(self) -> Part:
        """The part as it is now."""
        if self.kind is TextPart:
            return TextPart(self.text.whole(), tuple(self.citations), self.extra)
        return self.kind(self.text.whole(), extra=self.extra)


class Answer:
    """Assembles an answer from its parts, for the reader of a wire family.

    It takes care of the parts' order and numbers, the finish reason and invalid calls. A part is numbered at
    its first event, so a block that turns out to be empty takes no number.

    Args:
        limits: how large the answer may be.
        output_tool: the name of the tool whose call is text, if there is one; see `Dialect.output_tool`.

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
        """Begin a part whose text arrives in pieces.

        Args:
            kind: `TextPart`, `ReasoningPart` or `RefusalPart`.
        """
        return OpenPart(kind)

    def place(self, part: OpenPart) -> int:
        """Give a part its number if it has none yet; its first event must follow.

        Returns:
            The part's index in the message.
        """
        if part.index < 0:
            part.index = len(self._parts)
            self._parts.append(part)
        return part.index

    def add(self, part: OpenPart, text: str, events: list[StreamEvent]) -> None:
        """Add a piece of a part's text.

        Args:
            part: made by `open` or `say`.
            text: the piece; an empty one gives no event.
            events: receives the piece's event.
        """
        if text:
            part.append(text)
            events.append(part.delta(text, self.place(part)))

    def close(self, part: OpenPart, events: list[StreamEvent]) -> None:
        """End a part. A `PartComplete` follows if the deltas did not give all of it but `extra`.

        A part without text, citations and `extra` is dropped.

        Args:
            part: made by `open`.
            events: receives the event.
        """
        said = bool(part.text or part.text.folded)
        if part.citations or (not said and part.extra):
            events.append(PartComplete(self.place(part), part.finish()))

    def say(self, kind: type[TextualPart], text: str, events: list[StreamEvent]) -> OpenPart:
        """Add a piece of text, for a wire format that does not name the part to which the text belongs.

        The piece continues the last part if that is of the same kind and neither `take` nor `end` was called
        since. Otherwise it begins a new part.

        Args:
            kind: as for `open`.
            text: the piece.
            events: receives the piece's event.

        Returns:
            The part. A reader may add to its `extra` and `citations` until it ends.
        """
        part = self._saying
        if part is None or part.kind is not kind:
            self.end(events)
            part = self._saying = self.open(kind)
        self.add(part, text, events)
        return part

    def end(self, events: list[StreamEvent]) -> None:
        """Close the part to which `say` is adding, if there is one; see `close` for `events`."""
        part, self._saying = self._saying, None
        if part is not None:
            self.close(part, events)

    def take(self, whole: Part, events: list[StreamEvent]) -> None:
        """Add a part that arrived whole, of any kind.

        Text becomes one delta. A tool call is checked like one that arrived in pieces, and gets an id if it
        has none.

        Args:
            whole: the part.
            events: receives the part's events.
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
        """Reserve the number of a part that will be given whole, so that later parts get higher numbers.

        Args:
            whole: the part as far as it is known. `fill` must follow.

        Returns:
            The part's index, for `fill`.
        """
        self._parts.append(whole)
        return len(self._parts) - 1

    def fill(self, place: int, whole: Part, events: list[StreamEvent]) -> None:
        """Complete a part whose number `hold` reserved.

        Args:
            place: the index that `hold` returned.
            whole: the complete part.
            events: receives the part's event.
        """
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
            said: the finish reason that the provider gave. The received parts take precedence over it:
                some servers say `stop` with tool calls, or `tool_calls` for calls that were cut (PAINS 2).
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
        """The answer so far, for a stream that broke off. All of its tool calls are invalid.

        Args:
            origin: as for `message`.
        """
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
