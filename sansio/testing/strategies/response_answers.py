"""Valid answers of the Responses family: items of every kind, and the events that a parser gives for them."""

from __future__ import annotations

from collections.abc import Callable

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
    RefusalDelta,
    RefusalPart,
    Role,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    TextPart,
    UnknownPart,
    Usage,
)
from sansio.jsontext import JSONObject
from sansio.testing.script import Delta, ProviderType
from sansio.testing.strategies.calls import BREAKING_OFF, PIECES, SELDOM, Call, checked, finished
from sansio.testing.strategies.values import BYTES, COSTS, COUNTS, JSON_TEXTS, NAMES, OBJECTS, TEXTS
from sansio.testing.wires.responses_items import seal

_REASONS = {
    "completed": FinishReason.STOP,
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "a new reason": FinishReason.OTHER,
}
_CUSTOM = ("openai", "azure")
"""Types with tools that take free text."""
_HOSTED = ("openai", "azure", "openrouter")
"""Types that run tools themselves."""


class _Items:
    """An answer being built: its events, and the parts that they make, by index."""

    def __init__(self, draw: st.DrawFn, type: ProviderType) -> None:
        self.draw = draw
        self.type = type
        self.deltas: list[Delta] = []
        self.sealed: list[Delta] = []
        """Parts that are known only when the whole response is: it may encrypt them anew."""
        self.parts: list[Part | Call] = []
        self.calls: list[Call] = []
        self._items = 0

    def add(self) -> None:
        """Add one item."""
        deeds: list[Callable[[], None]] = [self._message, self._reasoning, self._call]
        if self.type in _HOSTED:
            deeds = [*deeds * 2, self._server_tool, self._image, self._unknown]
        self.draw(st.sampled_from(deeds))()
        self._items += 1

    def _message(self) -> None:
        own = self._own("msg")
        if self.draw(SELDOM):
            own["phase"] = self.draw(st.sampled_from(("commentary", "final_answer")))
        cited: list[Delta] = []
        for _ in range(self.draw(st.integers(1, 2))):
            place, pieces = len(self.parts), self.draw(PIECES)
            text = "".join(pieces)
            if self.draw(SELDOM):
                self.parts.append(RefusalPart(text, {"item": own}))
                self.deltas += [RefusalDelta(piece, place) for piece in pieces]
                continue
            extra: JSONObject = {"item": own}
            if self.draw(SELDOM):
                extra["logprobs"] = [
                    {"token": token, "logprob": -0.5, "bytes": [97], "top_logprobs": []}
                    for token in self.draw(st.lists(TEXTS, min_size=1, max_size=3))
                ]
            part = TextPart(text, self.draw(_CITATIONS) if self.draw(SELDOM) else (), extra)
            self.parts.append(part)
            self.deltas += [ContentDelta(piece, place) for piece in pieces]
            if part.citations:
                cited.append(PartComplete(place, part))
        self.deltas += cited

    def _reasoning(self) -> None:
        own: JSONObject = {"id": f"rs_{self._items}"}
        if self.draw(st.booleans()):
            own["encrypted_content"] = seal(f"rs_{self._items}")
        fields = ["content"] if self.type == "vllm" else self.draw(_LISTS)
        for field in fields:
            place, pieces = len(self.parts), self.draw(PIECES)
            extra: JSONObject = {"item": own} if field == "summary" else {"item": own, "field": field}
            self.parts.append(ReasoningPart("".join(pieces), extra))
            self.deltas += [ReasoningDelta(piece, place) for piece in pieces]
        if not fields:
            hidden = ReasoningPart("", {"item": own})
            self.sealed.append(PartComplete(len(self.parts), hidden))
            self.parts.append(hidden)

    def _call(self) -> None:
        draw = self.draw
        arguments: JSONObject | None
        if self.type in _CUSTOM and draw(SELDOM):
            kind, raw = "custom", draw(st.just("") | TEXTS)
            arguments = {"input": raw}
        else:
            kind = "function"
            raw, arguments = draw(JSON_TEXTS)
            cut = draw(SELDOM)
            if arguments and cut:
                raw, arguments = raw.rstrip()[:-1], None
        size = draw(st.integers(1, 8))
        pieces = tuple(raw[at : at + size] for at in range(0, len(raw), size))
        number = len(self.calls)
        call = Call(f"call_{number}", draw(NAMES), kind, raw, pieces, arguments, self._own("fc"))
        self.deltas += call.deltas(number, len(self.parts))
        self.parts.append(call)
        self.calls.append(call)

    def _own(self, prefix: str) -> JSONObject:
        return {"id": f"{prefix}_{self._items}", "status": "completed"}

    def _server_tool(self) -> None:
        item_id = f"st_{self._items}"
        kind = self.draw(st.sampled_from(("web_search_call", "code_interpreter_call", "mcp_call")))
        match kind:
            case "web_search_call":
                action: JSONObject = {"type": "search", "query": self.draw(TEXTS)}
                part = ServerToolPart(kind, item_id, input=action, status="completed")
            case "code_interpreter_call":
                extra: JSONObject = {"container_id": "cntr_1"}
                logs: JSONObject = {"type": "logs", "logs": self.draw(TEXTS)}
                part = ServerToolPart(kind, item_id, None, self.draw(TEXTS), [logs], "completed", extra)
            case _:
                arguments, output = self.draw(JSON_TEXTS)[0], self.draw(TEXTS)
                extra = {"server_label": "s", "error": None}
                name = self.draw(NAMES)
                part = ServerToolPart(kind, item_id, name, arguments, output, "completed", extra)
        self._take(part)

    def _image(self) -> None:
        form = self.draw(st.sampled_from(("png", "jpeg")))
        own: JSONObject = {"type": "image_generation_call", "output_format": form, **self._own("ig")}
        self._take(ImagePart(data=self.draw(BYTES), media_type=f"image/{form}", extra=own))

    def _unknown(self) -> None:
        if self.draw(st.booleans()):
            own: JSONObject = {"type": "compaction", "id": f"cmp_{self._items}"}
            hidden = UnknownPart("compaction", {**own, "encrypted_content": "RW8="})
            self.sealed.append(PartComplete(len(self.parts), hidden))
            self.parts.append(hidden)
        else:
            self._take(UnknownPart("a_new_item", {**self.draw(OBJECTS), "type": "a_new_item"}))

    def _take(self, part: Part) -> None:
        self.deltas.append(PartComplete(len(self.parts), part))
        self.parts.append(part)


_LISTS = st.sampled_from(((), ("summary",), ("summary", "summary"), ("summary", "content")))

_CITATIONS = st.lists(
    st.one_of(
        st.builds(
            lambda url, title, start: Citation(url, title, None, start, start + 1, {"type": "url_citation"}),
            NAMES.map("https://example.com/{}".format),
            TEXTS,
            st.integers(0, 100),
        ),
        st.builds(
            lambda name: Citation(
                None, name, extra={"type": "file_citation", "file_id": "file_1", "index": 3}
            ),
            NAMES,
        ),
    ),
    min_size=1,
    max_size=2,
).map(tuple)


def draw_response(draw: st.DrawFn, type: ProviderType, *, whole: bool) -> list[StreamEvent]:
    """The events of a valid answer, its `StreamComplete` last.

    Args:
        whole: the answer must mean the same where it is not streamed.
    """
    said = _Items(draw, type)
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
    extra: JSONObject = {}
    if type in ("openai", "azure"):
        extra["service_tier"] = draw(st.sampled_from(("default", "flex", "priority")))
    if draw(SELDOM):
        extra["conversation"] = {"id": draw(NAMES)}
    message = Message(
        Role.ASSISTANT,
        parts,
        finish_reason=checked(finish, parts),
        raw_finish_reason=raw,
        usage=_draw_usage(draw, type) if draw(st.booleans()) else None,
        model=draw(NAMES),
        response_id=draw(NAMES),
        origin=f"{type}/responses",
        extra=extra,
    )
    return [*said.deltas, *said.sealed, StreamComplete(message)]


def _draw_usage(draw: st.DrawFn, type: ProviderType) -> Usage:
    knows = type != "ollama"
    cached, reasoning = (draw(COUNTS), draw(COUNTS)) if knows else (0, 0)
    written = draw(COUNTS) if knows and type != "vllm" else 0
    counts: JSONObject = {}
    if draw(SELDOM):
        counts["input_tokens_details"] = {"text_tokens": draw(COUNTS)}
    return Usage(
        input_tokens=cached + written + draw(COUNTS),
        output_tokens=reasoning + draw(COUNTS),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        cost=draw(COSTS) if type == "openrouter" and draw(st.booleans()) else None,
        extra=counts,
    )
