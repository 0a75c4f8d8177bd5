"""Valid answers of Amazon Bedrock's Converse, and the events that a parser must give for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

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
    ServerToolPart,
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
from sansio.testing.wires.converse import sign

_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "guardrail_intervened": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
    "a new reason": FinishReason.OTHER,
}
_CALL_EXTRAS: st.SearchStrategy[JSONObject] = st.just({}) | st.just({"type": "tool_use"})

_CITATIONS = st.lists(
    st.builds(
        Citation,
        NAMES.map("https://example.com/{}".format),
        st.none() | TEXTS,
        st.none() | TEXTS,
        extra=st.sampled_from([
            {"location": {"web": {}}}, {"location": {"web": {"domain": "example.com"}}, "source": "s"},
        ]),
    )
    | st.builds(
        lambda title, quote, start: Citation(
            None,
            title,
            quote,
            extra={"location": {"documentChar": {"documentIndex": 0, "start": start, "end": start + 1}}},
        ),
        TEXTS,
        TEXTS,
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=2,
).map(tuple)  # fmt: skip
"""Citations, whose positions are in the source."""

_SERVER_PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(ServerToolPart, st.just("server_tool_use"), NAMES, NAMES, OBJECTS),
    st.builds(
        lambda kind, call_id, text: ServerToolPart(
            kind, call_id, output=[{"text": text}, {"json": {"exitCode": 0}}], status="success"
        ),
        st.sampled_from(("toolResult", "nova_grounding_result")),
        NAMES,
        TEXTS,
    ),
)
_IMAGES = st.builds(ImagePart, data=BYTES, media_type=st.sampled_from(("image/png", "image/webp")))
_UNKNOWN = st.builds(
    lambda kind, fields: UnknownPart(kind, {kind: fields}),
    st.sampled_from(("guardContent", "aNewKind")),
    st.dictionaries(NAMES.map("field_{}".format), TEXTS, max_size=2),
)


class _Blocks:
    """An answer being built, block by block: its events, and the parts that they make."""

    def __init__(self, draw: st.DrawFn, whole: bool) -> None:
        self._draw = draw
        self._whole = whole
        self.deltas: list[Delta] = []
        self.parts: list[Part | Call] = []
        self.calls: list[Call] = []

    def add(self) -> None:
        """Add one block of any kind."""
        deeds: Mapping[str, Callable[[], None]] = {
            "text": self._text,
            "reasoning": self._reasoning,
            "call": self._call,
            "other": self._other,
        }
        deeds[self._draw(st.sampled_from(tuple(deeds)))]()

    def _take(self, part: Part) -> None:
        self.deltas.append(PartComplete(len(self.parts), part))
        self.parts.append(part)

    def _text(self) -> None:
        pieces = self._draw(PIECES)
        place, part = len(self.parts), TextPart("".join(pieces))
        self.deltas += [ContentDelta(piece, place) for piece in pieces]
        if self._draw(SELDOM):
            part = TextPart(part.text, self._draw(_CITATIONS))
            self.deltas.append(PartComplete(place, part))
        self.parts.append(part)

    def _reasoning(self) -> None:
        if self._draw(SELDOM):
            self._take(ReasoningPart("", {"redactedContent": "c2VjcmV0"}))
            return
        pieces = self._draw(PIECES)
        text = "".join(pieces)
        self.deltas += [ReasoningDelta(piece, len(self.parts)) for piece in pieces]
        self.parts.append(ReasoningPart(text, {"signature": sign(text)}))

    def _call(self) -> None:
        draw = self._draw
        raw, arguments = draw(JSON_TEXTS)
        found: JSONObject | None = arguments
        if arguments and not self._whole and draw(SELDOM):
            raw, found = raw.rstrip()[:-1], None
        size = draw(st.integers(1, 8))
        pieces = tuple(raw[at : at + size] for at in range(0, len(raw), size))
        call_id = f"{draw(NAMES)}-{len(self.calls)}"
        call = Call(call_id, draw(NAMES), "function", raw, pieces, found, draw(_CALL_EXTRAS))
        self.deltas += call.deltas(len(self.calls), len(self.parts))
        self.parts.append(call)
        self.calls.append(call)

    def _other(self) -> None:
        self._take(self._draw(_SERVER_PARTS | _IMAGES | _UNKNOWN))


def draw_converse(draw: st.DrawFn, *, whole: bool) -> list[StreamEvent]:
    """The events of a valid answer, its `StreamComplete` last.

    Args:
        whole: the answer must mean the same where it is not streamed.
    """
    said = _Blocks(draw, whole)
    for _ in range(draw(st.integers(0, 4))):  # a list of that length would mostly be a short one
        said.add()
    last = said.calls[-1] if said.calls else None
    # A whole answer cannot show that its last call was cut.
    unsure = whole and last is not None and last.is_cut()
    raw = draw(
        st.sampled_from([raw for raw, reason in _REASONS.items() if not (unsure and reason in BREAKING_OFF)])
    )
    finish = _REASONS[raw]
    parts = finished(said.parts, last, cut=finish in BREAKING_OFF)
    extra: JSONObject = {"metrics": {"latencyMs": draw(st.integers(0, 9_999))}}
    if draw(SELDOM):
        extra["additionalModelResponseFields"] = {"stop_sequence": draw(TEXTS)}
    if draw(SELDOM):
        extra["trace"] = {"guardrail": {"actionReason": draw(TEXTS)}}
    message = Message(
        Role.ASSISTANT,
        parts,
        finish_reason=checked(finish, parts),
        raw_finish_reason=raw,
        usage=_draw_usage(draw),
        origin="bedrock/converse",
        extra=extra,
    )
    return [*said.deltas, StreamComplete(message)]


def _draw_usage(draw: st.DrawFn) -> Usage:
    cached, written = draw(COUNTS), draw(COUNTS)
    counts: JSONObject = {}
    if draw(SELDOM):
        counts["cacheDetails"] = [{"ttl": "5m", "inputTokens": written}]
    return Usage(
        input_tokens=cached + written + draw(COUNTS),
        output_tokens=draw(COUNTS),
        cached_tokens=cached,
        cache_write_tokens=written,
        extra=counts,
    )
