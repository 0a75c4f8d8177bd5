"""Valid answers of Ollama's own API and of Cohere's chat, and the events that a parser gives for them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    Citation,
    ContentDelta,
    FinishReason,
    ImagePart,
    Message,
    Part,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    Role,
    StreamComplete,
    StreamEvent,
    TextPart,
    UnknownPart,
    Usage,
)
from sansio.jsontext import JSONObject
from sansio.testing.script import Delta
from sansio.testing.strategies.calls import BREAKING_OFF, PIECES, SELDOM, Call, checked, finished
from sansio.testing.strategies.values import BYTES, COUNTS, JSON_TEXTS, NAMES, OBJECTS, TEXTS

_PLAN: JSONObject = {"field": "tool_plan"}
_OLLAMA_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH, "load": FinishReason.OTHER}
_COHERE_REASONS = {
    "COMPLETE": FinishReason.STOP,
    "STOP_SEQUENCE": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "TOOL_CALL": FinishReason.TOOL_CALLS,
    "A_NEW_REASON": FinishReason.OTHER,
}


class _Said:
    """An answer being built: its events, and the parts that they make, by index."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.deltas: list[Delta] = []
        self.parts: list[Part | Call] = []
        self.calls: list[Call] = []
        self._places: dict[type[Part], int] = {}

    def take(self, part: Part) -> None:
        """Add a part that is given whole."""
        self.deltas.append(PartComplete(len(self.parts), part))
        self.parts.append(part)

    def write(self, part: TextPart | ReasoningPart, *, once: bool = False) -> None:
        """Add a text; or extend the text before it, if the wire has one field for all texts of the kind."""
        pieces = self.draw(PIECES)
        kind = type(part)
        place = self._places[kind] if once and kind in self._places else len(self.parts)
        if place == len(self.parts):
            self.parts.append(part)
            self._places[kind] = place
        known = self.parts[place]
        assert isinstance(known, TextPart | ReasoningPart)
        self.parts[place] = structs.replace(known, text=known.text + "".join(pieces))
        delta = ContentDelta if isinstance(part, TextPart) else ReasoningDelta
        self.deltas += [delta(piece, place) for piece in pieces]

    def call(self, call: Call) -> None:
        self.deltas += call.deltas(len(self.calls), len(self.parts))
        self.parts.append(call)
        self.calls.append(call)

    def end(self, reasons: dict[str, FinishReason], *, whole: bool) -> tuple[str, FinishReason]:
        """How the answer ends. A whole answer cannot show that its last call was cut."""
        unsure = whole and bool(self.calls) and self.calls[-1].is_cut()
        raw = self.draw(
            st.sampled_from([raw for raw in reasons if not (unsure and reasons[raw] in BREAKING_OFF)])
        )
        return raw, reasons[raw]

    def finished(self, finish: FinishReason) -> tuple[Part, ...]:
        return finished(self.parts, self.calls[-1] if self.calls else None, cut=finish in BREAKING_OFF)


def draw_ollama(draw: st.DrawFn, *, whole: bool) -> list[StreamEvent]:
    """The events of an answer of Ollama's own API.

    Args:
        whole: whether the answer is one object, whose fields have a fixed order.
    """
    said = _Said(draw)
    deeds: list[Callable[[], None]] = [
        lambda: said.write(ReasoningPart(), once=True),
        lambda: said.write(TextPart(""), once=True),
        lambda: said.take(ImagePart(data=draw(BYTES))),
        lambda: said.call(_ollama_call(draw, len(said.calls))),
    ]
    for place in _order(draw, len(deeds), whole):
        deeds[place]()
    raw, finish = said.end(_OLLAMA_REASONS, whole=whole)
    parts = said.finished(finish)
    extra: JSONObject = {}
    if draw(SELDOM):
        extra["remote_model"] = draw(NAMES)
    if draw(SELDOM):
        extra["logprobs"] = {"content": [{"token": draw(TEXTS), "logprob": -0.5, "bytes": None}]}
    usage = Usage(
        input_tokens=draw(COUNTS), output_tokens=draw(COUNTS), extra={"total_duration": draw(COUNTS)}
    )
    message = Message(
        Role.ASSISTANT,
        parts,
        finish_reason=checked(finish, parts),
        raw_finish_reason=raw,
        usage=draw(st.none() | st.just(usage)),
        model=draw(NAMES),
        origin="ollama/ollama",
        extra=extra,
    )
    return [*said.deltas, StreamComplete(message)]


def draw_cohere(draw: st.DrawFn, *, whole: bool) -> list[StreamEvent]:
    """The events of an answer of Cohere's chat; the arguments are those of `draw_ollama`."""
    said = _Said(draw)
    planned: list[ReasoningPart] = []

    def plan() -> None:
        if not planned:  # an answer has one
            planned.append(ReasoningPart("", _PLAN))
            said.write(planned[0])

    deeds: list[Callable[[], None]] = [
        plan,
        lambda: said.write(ReasoningPart()),
        lambda: said.write(TextPart("")),
        lambda: said.take(draw(_BLOCKS)),
        lambda: said.call(_cohere_call(draw, len(said.calls))),
    ]
    for place in _order(draw, len(deeds), whole):
        deeds[place]()
    for place, part in enumerate(said.parts):
        if isinstance(part, TextPart) and draw(st.booleans()):
            cited = said.parts[place] = structs.replace(part, citations=draw(_CITATIONS))
            said.deltas.append(PartComplete(place, cited))
    raw, finish = said.end(_COHERE_REASONS, whole=whole)
    parts = said.finished(finish)
    extra: JSONObject = {}
    if draw(SELDOM):
        extra["logprobs"] = [{"text": draw(TEXTS), "token_ids": [1], "logprobs": [-0.5]}]
    message = Message(
        Role.ASSISTANT,
        parts,
        finish_reason=checked(finish, parts),
        raw_finish_reason=raw,
        usage=_cohere_usage(draw) if draw(st.booleans()) else None,
        response_id=draw(NAMES),
        origin="cohere/cohere",
        extra=extra,
    )
    return [*said.deltas, StreamComplete(message)]


def _order(draw: st.DrawFn, kinds: int, whole: bool) -> list[int]:
    """Which kinds of part follow each other."""
    order = [draw(st.integers(0, kinds - 1)) for _ in range(draw(st.integers(0, 4)))]
    return sorted(order) if whole else order


def _ollama_call(draw: st.DrawFn, number: int) -> Call:
    """A call whose arguments are an object and arrive whole."""
    arguments = draw(OBJECTS)
    raw = msgspec.json.encode(arguments).decode()
    extra: JSONObject = {"function": {"description": draw(TEXTS)}} if draw(SELDOM) else {}
    return Call(f"{draw(NAMES)}-{number}", draw(NAMES), "function", raw, (raw,), arguments, extra)


def _cohere_call(draw: st.DrawFn, number: int) -> Call:
    arguments: JSONObject | None
    raw, arguments = draw(JSON_TEXTS)
    cut = draw(SELDOM)
    if arguments and cut:
        raw, arguments = raw.rstrip()[:-1], None
    size = draw(st.integers(1, 8))
    pieces = tuple(raw[at : at + size] for at in range(0, len(raw), size))
    extra: JSONObject = {"note": draw(TEXTS)} if draw(SELDOM) else {}
    return Call(f"{draw(NAMES)}-{number}", draw(NAMES), "function", raw, pieces, arguments, extra)


def _cohere_usage(draw: st.DrawFn) -> Usage:
    reasoning = draw(COUNTS)
    extra: JSONObject = {"billed_units": {"input_tokens": draw(COUNTS)}}
    if draw(st.booleans()):
        extra["tokens"] = {"image_tokens": draw(COUNTS)}
    return Usage(
        input_tokens=draw(COUNTS),
        output_tokens=reasoning + draw(COUNTS),
        cached_tokens=draw(COUNTS),
        reasoning_tokens=reasoning,
        extra=extra,
    )


_KINDS = st.sampled_from(("image", "a_new_kind"))
_BLOCKS = st.builds(
    lambda kind, text: UnknownPart(kind, {"type": kind, "url": text}),
    st.sampled_from(("image", "a_new_kind")),
    TEXTS,
)
_CITATIONS = st.lists(
    st.builds(
        lambda start, text, name: Citation(
            start=start,
            end=start + len(text),
            extra={"text": text, "sources": [{"type": "document", "id": name}], "type": "TEXT_CONTENT"},
        ),
        st.integers(0, 100),
        TEXTS,
        NAMES,
    ),
    min_size=1,
    max_size=2,
).map(tuple)
