"""An unfinished item of a response: its parts, read from its deltas and from its finished form."""

from __future__ import annotations

from typing import TypeAlias

from sansio.answers import Answer, AssembledCall, OpenPart, Pieces
from sansio.content import ReasoningPart, TextPart, UnknownPart
from sansio.errors import RemoteProtocolError
from sansio.events import StreamEvent
from sansio.families.responses.parts import (
    CONTENT,
    FIELD,
    ITEM,
    SEALED,
    SUMMARY,
    Block,
    TextualPart,
    blocks_of,
    call_in,
    item_fields,
    part_of,
)
from sansio.jsontext import JSONObject

Key: TypeAlias = tuple[str, int, type[TextualPart]]
"""The list of the item that holds a part, the part's position there, and its kind."""


class OpenItem:
    """An unfinished item.

    It takes its positions among the answer's parts when it begins, if it is already known to have parts. The
    order matters when the answer is sent back: the provider requires reasoning directly before what it led
    to, and some servers finish items in another order.

    Args:
        answer: the answer that the item is part of.
        at: its `output_index`.
        number: how many items began before it.
        start: the item as it begins.
        events: receives the events of its beginning.
    """

    __slots__ = (
        "_answer",
        "_first",
        "_input",
        "_input_field",
        "_number",
        "_own",
        "_place",
        "_sealed",
        "at",
        "call",
        "done",
        "fixed",
        "kind",
        "parts",
        "start",
    )

    def __init__(
        self, answer: Answer, at: int, number: int, start: JSONObject, events: list[StreamEvent]
    ) -> None:
        self.at = at
        self.start = start
        """The item, from the newest event that has it."""
        self.kind = str(start.get("type"))
        self.parts: dict[Key, OpenPart] = {}
        """The texts of a message or of reasoning."""
        self.call: AssembledCall | None = None
        self.done = False
        self.fixed = False
        """Whether given events are final: the stream was cut, and its rest must agree with them."""
        self._answer = answer
        self._number = number
        self._own = item_fields(start)
        self._first: OpenPart | None = None  # of reasoning: it has its place before its text is known
        self._place = -1  # of an item that arrives whole
        self._input = Pieces()
        self._input_field = ""
        self._sealed = False
        self._begin(events)

    def _begin(self, events: list[StreamEvent]) -> None:
        answer = self._answer
        call = call_in(self.start)
        if call is not None:
            self.call = answer.calls.find(self._number, call.id, call.name)
            self.call.kind, self.call.extra = call.kind, call.extra
            answer.calls.add(self.call, "", events)
        elif self.kind == "reasoning":
            self._first = answer.open(ReasoningPart)
            self._first.extra = {ITEM: self._own}
            answer.place(self._first)
        elif self.kind != "message":
            self._place = answer.hold(part_of(self.start))

    def part(self, key: Key) -> OpenPart:
        """A text of the item; a new one if there is none at this position."""
        part = self.parts.get(key)
        if part is None:
            field, _, kind = key
            part, self._first = self._first or self._answer.open(kind), None
            part.extra = {ITEM: self._own}
            if kind is ReasoningPart and field == CONTENT:
                part.extra[FIELD] = CONTENT
            self.parts[key] = part
        return part

    def add_input(self, field: str, text: str) -> None:
        """Add to the input of a provider's tool, which is kept if the stream breaks off."""
        self._input_field = field
        self._input.append(text)

    def fold(self) -> None:
        """See `Pieces.fold`."""
        self._input.fold()

    def end(self, item: JSONObject, events: list[StreamEvent]) -> None:
        """Take the finished item: what its deltas did not give, and the fields that are sent back.

        Raises:
            RemoteProtocolError: the item has another shape.
        """
        self.start = item
        self._input_field = ""
        if self.call is not None:
            self._end_call(self.call, events)
        elif self._place < 0:
            self._settle(blocks_of(item), events)
        self.finish(events)

    def _end_call(self, call: AssembledCall, events: list[StreamEvent]) -> None:
        found = call_in(self.start)
        if found is None:
            return  # it began as the application's, and ended as the provider's
        calls = self._answer.calls
        if not call.started:
            call = self.call = calls.find(self._number, found.id, found.name)
        elif self.fixed and (call.given_id or found.id, call.name) != (found.id, found.name):
            raise _contradiction()
        call.kind, call.extra = found.kind, found.extra
        calls.add(call, self._left(call.parts, found.arguments), events)

    def _left(self, said: Pieces, whole: str) -> str:
        """The rest of a whole text that was not given yet; nothing if the text that was given differs.

        Raises:
            RemoteProtocolError: a different text was given before the stream was cut.
        """
        known = said.whole()
        if whole.startswith(known):
            return whole[len(known) :]
        if self.fixed:
            raise _contradiction()
        return ""

    def _settle(self, blocks: list[Block], events: list[StreamEvent]) -> None:
        """Complete the parts of a message or of reasoning from the finished item."""
        answer = self._answer
        self._own = item_fields(self.start)
        begun = dict(self.parts)
        counts = {field: sum(block.field == field for block in blocks) for field in (SUMMARY, CONTENT)}
        for block in blocks:
            final = block.part
            if isinstance(final, UnknownPart):
                answer.take(final, events)
                continue
            key = block.field, block.number, type(final)
            if key not in begun:
                # Some servers count from 1: then a number is past the end of the list.
                count = counts[block.field]
                past = [n for field, n, kind in begun if n >= count and (field, kind) == key[::2]]
                key = block.field, min(past, default=block.number), type(final)
            part = begun.pop(key) if key in begun else self.part(key)
            answer.place(part)
            answer.add(part, self._left(part.text, final.text), events)
            logprobs = part.extra.get("logprobs")
            part.extra = {
                **({} if logprobs is None else {"logprobs": logprobs}),
                **final.extra,
                ITEM: self._own,
            }
            if isinstance(final, TextPart) and final.citations:
                part.citations = list(final.citations)
        for part in begun.values():  # the finished item does not have them, but their texts were given
            part.extra[ITEM] = self._own
        if not blocks and not begun:
            self._place = answer.hold(part_of(self.start))

    def finish(self, events: list[StreamEvent]) -> None:
        """End the item, even if it was left open."""
        self.done = True
        if self._input_field:
            self.start = {**self.start, self._input_field: self._input.whole()}
        self._sealed = self.kind == "reasoning" or any(field in self.start for field in SEALED)
        if not self._sealed:
            self._give(events)

    def _give(self, events: list[StreamEvent]) -> None:
        """Give the events of what no delta gave."""
        if self._place >= 0:
            self._answer.fill(self._place, part_of(self.start), events)
        for part in (self._first, *self.parts.values()):
            if part is not None:
                self._answer.close(part, events)

    def reseal(self, last: JSONObject) -> None:
        """Take the encrypted fields from the response's last event: they replace the item's own.

        Raises:
            RemoteProtocolError: the last event contradicts what was given before the stream was cut.
        """
        if self.fixed:
            self._compare(last)
        sealed = {field: last[field] for field in SEALED if last.get(field) is not None}
        if self._place >= 0:
            self.start = {**self.start, **sealed}
        elif self._sealed:
            self._own |= sealed

    def _compare(self, last: JSONObject) -> None:
        """See `reseal`."""
        found = call_in(last)
        if found is not None and self.call is not None:
            self._left(self.call.parts, found.arguments)
        for block in blocks_of(last):
            if not isinstance(block.part, UnknownPart):
                part = self.parts.get((block.field, block.number, type(block.part)))
                if part is not None:
                    self._left(part.text, block.part.text)

    def give_sealed(self, events: list[StreamEvent]) -> None:
        """Give what waited for the response's last event, which may have encrypted it anew."""
        if self._sealed:
            self._sealed = False
            self._give(events)


def _contradiction() -> RemoteProtocolError:
    return RemoteProtocolError("the rest of the response contradicts its beginning, which was handed out")
