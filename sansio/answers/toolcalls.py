"""Assembles tool calls from their deltas, which may lack an index, an id or a name."""

from __future__ import annotations

import re
import zlib
from typing import Any

from sansio import jsontext
from sansio.answers.pieces import Pieces
from sansio.content import (
    InvalidToolCall,
    Part,
    ToolCall,
)
from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.events import StreamEvent, ToolCallDelta, ToolCallStarted
from sansio.jsontext import JSONObject
from sansio.limits import DEFAULT_LIMITS, Limits

_BLANK = frozenset(("", "null"))
"""The texts that servers send for a call without arguments, with or without blanks around them."""

_STRUCTURE = re.compile(r'[{}\[\]"\\]')
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def is_blank(arguments: str) -> bool:
    """Whether the arguments' text means that there are no arguments."""
    return arguments.strip() in _BLANK


def wrap_invalid(call: InvalidToolCall) -> JSONObject:
    """Put the text of an invalid call's arguments into a JSON object, for servers that accept only objects.

    Source: Anthropic, "Fine-grained tool streaming", which advises the form `{"INVALID_JSON": text}`.

    Args:
        call: the call.
    """
    return {"INVALID_JSON": call.raw_arguments}


class _Closing:
    """Tells, piece by piece and in linear time, whether a JSON object has been closed."""

    __slots__ = ("_depth", "_escaped", "_quoted", "closed")

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False  # a backslash ended the last piece: it escapes the next one's first character
        self.closed = False

    def feed(self, text: str) -> None:
        """Take the next piece, which is not empty."""
        skip = 0 if self._escaped else -1
        for match in _STRUCTURE.finditer(text):
            if match.start() == skip:
                continue
            char = match[0]
            if self._quoted:
                if char == "\\":
                    skip = match.start() + 1
                elif char == '"':
                    self._quoted = False
            elif char == '"':
                self._quoted = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                self.closed = self.closed or self._depth <= 0
        self._escaped = skip == len(text)


class AssembledCall:
    """An unfinished tool call. `ToolCallAssembler` makes it and numbers it."""

    __slots__ = (
        "_closing",
        "_measured",
        "_measured_folds",
        "append",
        "extra",
        "given_id",
        "id",
        "index",
        "kind",
        "name",
        "named_again",
        "number",
        "parts",
        "started",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        """The call's number among those that have begun, from 0."""
        self.index = -1
        """The call's number among those that have started, from 0; -1 before. A call without a name never
        starts."""
        self.given_id = ""
        self.id = ""
        self.name = ""
        self.parts = Pieces()
        self.append = self.parts.append
        """Adds a piece to a call that has started, without an event: as `OpenPart.append`."""
        self.kind = "function"
        self.extra: JSONObject = {}
        self.started = False
        self.named_again = False
        """Whether the name was repeated after the arguments were complete."""
        self._closing = _Closing()
        self._measured = 0
        self._measured_folds = 0

    def is_closed(self) -> bool:
        """Whether the arguments so far are a closed JSON object. Each piece is read only once."""
        for part in (*self.parts.folded[self._measured_folds :], *self.parts[self._measured :]):
            self._closing.feed(part)
        self._measured_folds = len(self.parts.folded)
        self._measured = len(self.parts)
        return self._closing.closed

    def fold(self) -> None:
        """See `Pieces.fold`."""
        if self._measured:  # a piece is measured whole or not at all
            self.is_closed()
            self._measured_folds += 1
            self._measured = 0
        self.parts.fold()


class ToolCallAssembler:
    """The tool calls of one answer.

    Two calls are distinguished by index, id and closed arguments together, since servers repeat index 0,
    leave out the index, or send blank ids after the first delta (PAINS 11).

    Args:
        limits: how many calls an answer may have, and how deep their arguments may nest.
        parts: the answer's parts, among which a call takes its place when it starts.
    """

    gave_text = False
    """Whether a call was the answer's text; see `OutputCalls`."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, parts: list[Any] | None = None) -> None:
        self._limits = limits
        self._parts = (
            [] if parts is None else parts
        )  # Any: parts of all kinds, of which only the number counts
        self._calls: list[AssembledCall] = []
        self._started = 0
        self._reached = 0  # the calls before this one have started, or have no name yet
        self._by_index: dict[int, AssembledCall] = {}
        self._by_id: dict[str, AssembledCall] = {}
        self.id_seed = ""
        """Part of the ids that are made up here, so that they differ from answer to answer."""

    def find(self, index: int | None, call_id: str, name: str, arguments: str = "") -> AssembledCall:
        """The call to which a delta belongs; a new call if the delta begins one.

        Args:
            index: as sent; `None` if the delta has none.
            call_id: as sent; empty if the delta has none.
            name: as sent; empty if the delta has none.
            arguments: the text that the delta adds. `find` does not add it: use `add`.

        Raises:
            LimitExceededError: there are too many calls.
        """
        call = self._known(index, call_id, name)
        if call is None or self._begins_another(call, call_id, name, arguments):
            if call is not None and call.named_again:
                name = name or call.name
            call = self._begin()
        if index is not None:
            self._by_index[index] = call
        if call_id and not call.given_id:
            self._give_id(call, call_id)
        if not call.name:
            call.name = name
        return call

    def take(self, whole: ToolCall, events: list[StreamEvent]) -> None:
        """Add a call that arrived whole. It is always a new call, even if its id and name are known.

        Raises:
            LimitExceededError: there are too many calls.
        """
        call = self._begin()
        if whole.id:
            self._give_id(call, whole.id)
        call.name, call.kind, call.extra = whole.name, whole.kind, whole.extra
        self.add(call, whole.arguments_text(), events)

    def _give_id(self, call: AssembledCall, call_id: str) -> None:
        call.given_id = call_id
        if not call.started:
            # Results could not be matched to two calls with one id.
            call.id = call_id if call_id not in self._by_id else self._made_up_id(call)
        self._by_id.setdefault(call_id, call)

    def _known(self, index: int | None, call_id: str, name: str) -> AssembledCall | None:
        last = self._calls[-1] if self._calls else None
        call = self._by_index.get(index) if index is not None else last
        if call is not None and call.given_id == call_id:
            return call
        # Within a call, the index may repeat or change; together with a name, it begins a new call.
        by_id = self._by_id.get(call_id) if index is None or not name else None
        return by_id or call

    @staticmethod
    def _begins_another(call: AssembledCall, call_id: str, name: str, arguments: str) -> bool:
        if name and call.name and name != call.name:
            return True
        if call_id and call.given_id:
            return call_id != call.given_id and bool(name or call.is_closed())
        # Some servers repeat the name in each delta: only arguments after it show that a new call begins.
        if name and call.name and call.is_closed():
            call.named_again = True
        return call.named_again and bool(arguments.strip())

    def _begin(self) -> AssembledCall:
        if len(self._calls) >= self._limits.max_tool_calls:
            raise LimitExceededError(
                f"the answer has more than {self._limits.max_tool_calls} tool calls", field="max_tool_calls"
            )
        call = AssembledCall(len(self._calls))
        self._calls.append(call)
        return call

    def add(self, call: AssembledCall, arguments: str, events: list[StreamEvent]) -> None:
        """Add a piece of a call's arguments. The call starts as soon as its name and id are known."""
        if call.started:
            if arguments:
                call.parts.append(arguments)
                events.append(ToolCallDelta(call.index, arguments))
            return
        if arguments:
            call.parts.append(arguments)
        if call.name and (call.id or call.parts.whole()):
            self._start(call, events)

    def add_more(self, index: int | None, arguments: str, events: list[StreamEvent]) -> bool:
        """Add a delta without id and name to a call that has started. Nearly all deltas are like this.

        Returns:
            False if that is not possible and nothing was done: use `find` and `add` then.
        """
        call = self._by_index.get(index) if index is not None else None
        if call is None or call.named_again or not call.started:
            return False
        if arguments:
            call.parts.append(arguments)
            events.append(ToolCallDelta(call.index, arguments))
        return True

    def fold(self) -> None:
        """See `Pieces.fold`."""
        for call in self._calls:
            call.fold()

    def flush(self, events: list[StreamEvent]) -> None:
        """Start the calls that wait for an id: the answer is over, and none will arrive."""
        for call in self._calls:
            self._start(call, events)
            call.id = call.id or self._made_up_id(call)

    def _start(self, last: AssembledCall, events: list[StreamEvent]) -> None:
        """Start a call that has a name, after the calls that began before it."""
        earlier = self._calls[self._reached : last.number]
        self._reached = max(self._reached, last.number)
        for call in (*earlier, last):
            if call.name and not call.started:
                self._show(call, events)

    def _show(self, call: AssembledCall, events: list[StreamEvent]) -> None:
        """Give a call its numbers and its first events."""
        call.started = True
        call.index = self._started
        self._started += 1
        call.id = call.id or self._made_up_id(call)
        events.append(ToolCallStarted(call.index, call.id, call.name, len(self._parts), call.kind))
        self._parts.append(call)
        if arguments := call.parts.whole():
            events.append(ToolCallDelta(call.index, arguments))

    def _made_up_id(self, call: AssembledCall) -> str:
        """An id of nine letters and digits, all that Mistral takes; the same answer gives the same ids."""
        number = zlib.crc32(self.id_seed.encode("utf-8", "replace"))
        digits = [_DIGITS[call.number // 36 % 36], _DIGITS[call.number % 36]]
        for _ in range(7):
            number, digit = divmod(number, 36)
            digits.append(_DIGITS[digit])
        return "".join(reversed(digits))

    def waiting(self) -> list[AssembledCall]:
        """The calls that never got a name. They are in no event, and last in the message."""
        return [call for call in self._calls if not call.started]

    def finish(self, call: AssembledCall, *, whole: bool, cut: bool = False) -> Part:
        """The part of the message for a call.

        Args:
            call: the call.
            whole: whether the answer is complete; if not, no call counts as complete.
            cut: whether the answer was cut at a limit. Its last call may then be incomplete though it looks
                complete.
        """
        raw = call.parts.whole()
        result = self._judge(call, raw, whole, cut and call is self._calls[-1])
        if isinstance(result, str):
            call_id = call.id or self._made_up_id(call)
            return InvalidToolCall(call_id, call.name, raw, result, call.kind, call.extra)
        kept = None if call.kind == "custom" else raw
        return ToolCall(call.id, call.name, result, kept, call.kind, call.extra)

    def _judge(self, call: AssembledCall, raw: str, whole: bool, cut: bool) -> JSONObject | str:
        """The arguments; or, as text, the reason why the call is invalid."""
        if not whole:
            return "the answer broke off before the call was complete"
        if not call.name:
            return "the call has no name"
        if call.kind == "custom":
            if cut:  # free text cannot show that it is incomplete
                return "the answer was broken off, and the call's text may be incomplete"
            return {"input": raw}
        try:
            arguments = {} if is_blank(raw) else jsontext.decode_object(raw, self._limits.max_json_depth)
        except RemoteProtocolError as error:
            return f"the arguments are not a JSON object: {error.message}"
        # If a call is cut after its name, vLLM sends "{}" as its arguments and ends it in order.
        if cut and not arguments:
            return "the answer was broken off before the call's arguments"
        return arguments
