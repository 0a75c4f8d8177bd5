"""Valid answers: what a provider can send, and the events that a parser must give for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import zip_longest
from typing import assert_never

from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    AudioPart,
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
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.jsontext import JSONObject
from sansio.testing.script import Answer, Delta, ProviderType, default_api, provider_type, spoken
from sansio.testing.strategies.calls import BREAKING_OFF, PIECES, SELDOM, Call, checked, finished
from sansio.testing.strategies.converse_answers import draw_converse
from sansio.testing.strategies.gemini_answers import draw_gemini
from sansio.testing.strategies.native import draw_cohere, draw_ollama
from sansio.testing.strategies.response_answers import draw_response
from sansio.testing.strategies.values import BYTES, COSTS, COUNTS, JSON_TEXTS, NAMES, OBJECTS, TEXTS
from sansio.testing.wires.chat import always_sent
from sansio.testing.wires.invoke import METRICS
from sansio.testing.wires.messages import sign

_UNTOLD: dict[ProviderType, tuple[str, ...]] = {
    "openrouter": (),
    "openai": ("cache_write_tokens",),
    "azure": ("cache_write_tokens",),
    "anthropic": (),
    "ollama": ("cached_tokens", "cache_write_tokens", "reasoning_tokens"),
    "vllm": ("cache_write_tokens", "reasoning_tokens"),
}
"""Counts that a type's wire has no place for."""

_REASONING_FIELDS: dict[ProviderType, str] = {
    "openai": "reasoning_content",
    "azure": "reasoning_content",
    "ollama": "reasoning",
    "vllm": "reasoning",
}

_SEGMENTS: dict[ProviderType, tuple[str, ...]] = {
    "openrouter": ("text", "reasoning", "calls", "refusal", "image"),
    "openai": ("text", "reasoning", "calls", "refusal"),
    "azure": ("text", "reasoning", "calls", "refusal"),
    "anthropic": (
        *("text", "reasoning", "calls") * 2,  # more often than the others
        *("redacted", "server tool", "server result", "unknown"),
    ),
    "ollama": ("text", "reasoning", "calls"),
    "vllm": ("text", "reasoning", "calls", "unknown"),
}
"""The kinds of part that a type's answers have, in any order and number."""

_CITING = ("openrouter", "openai", "azure", "anthropic")
_CUSTOM = ("openai", "azure")
"""Types with tools that take free text."""
_SOUND = ("openai", "azure")
_LOGPROBS = ("openrouter", "openai", "azure", "vllm")

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


def answers(dialect: str) -> st.SearchStrategy[Answer]:
    """Answers that the provider can give, whole or as a stream, for a `FakeProvider`'s script.

    Everything is in `Answer.parts`; `to_message()` has the usual views of them.

    Raises:
        ValueError: there is no fake for the dialect.
    """
    return _answers(*spoken(dialect))


def events(dialect: str) -> st.SearchStrategy[list[StreamEvent]]:
    """The events of a valid answer, in order, its `StreamComplete` last.

    Parts of every kind that the provider has follow each other in any order and number; the calls of one
    turn may be interleaved if the wire allows it. The message has all that a parser can know, including
    the usage that the wire has a place for and the fields that the provider needs back, so that
    `StreamParser(dialect)` gives these very events for `encode_events(dialect, events)`.

    Raises:
        ValueError: there is no fake for the dialect.
    """
    return _events(*spoken(dialect))


def messages(dialect: str) -> st.SearchStrategy[Message]:
    """Whole answers as a client has them, whose tool calls have different ids.

    Raises:
        ValueError: there is no fake for the dialect.
    """
    return events(dialect).map(_message)


@cache
@st.composite
def _answers(draw: st.DrawFn, type: str, api: str) -> Answer:
    message = _message(_draw(draw, type, api, whole=True))
    parts = message.parts
    # A whole answer of these has arguments as objects: their original text is not known.
    if type in ("anthropic", "bedrock"):
        parts = tuple(
            structs.replace(part, raw_arguments=None) if isinstance(part, ToolCall) else part
            for part in parts
        )
    return Answer(
        parts=parts,
        finish_reason=message.finish_reason,
        raw_finish_reason=message.raw_finish_reason,
        usage=message.usage,
        extra=message.extra,
    )


@cache
@st.composite
def _events(draw: st.DrawFn, type: str, api: str) -> list[StreamEvent]:
    return _draw(draw, type, api, whole=False)


def _draw(draw: st.DrawFn, type: str, api: str, *, whole: bool) -> list[StreamEvent]:
    if api == "cohere":
        return draw_cohere(draw, whole=whole)
    if api == "converse":
        return draw_converse(draw, whole=whole)
    if api == "invoke":
        return _invoked(draw, _draw_events(draw, "anthropic", whole=whole))
    if api == "gemini":
        return draw_gemini(draw, type, whole=whole)
    if api == "ollama":
        return draw_ollama(draw, whole=whole)
    known = provider_type(type)
    if api == "responses":
        return draw_response(draw, known, whole=whole)
    return _draw_events(draw, known, whole=whole)


def _invoked(draw: st.DrawFn, answer: list[StreamEvent]) -> list[StreamEvent]:
    """An answer of Claude's as Bedrock's InvokeModel gives it."""
    message = _message(answer)
    counts: JSONObject = {"inputTokenCount": draw(COUNTS), "outputTokenCount": draw(COUNTS)}
    extra = {**message.extra, METRICS: counts} if draw(st.booleans()) else message.extra
    return [*answer[:-1], StreamComplete(structs.replace(message, origin="bedrock/invoke", extra=extra))]


def _message(answer: Sequence[StreamEvent]) -> Message:
    last = answer[-1]
    assert isinstance(last, StreamComplete)
    return last.message


class _Said:
    """An answer being built: its events, and the parts that they make, by index."""

    def __init__(self, draw: st.DrawFn, type: ProviderType, whole: bool) -> None:
        self.draw = draw
        self.type = type
        self.whole = whole
        self.deltas: list[Delta] = []
        self.parts: list[Part | Call] = []
        self.calls: list[Call] = []
        self._places: dict[str, int] = {}  # of the parts that a chat completion has once
        self._details = 0

    def take(self, part: Part) -> None:
        """Add a part that is given whole."""
        self.deltas.append(PartComplete(len(self.parts), part))
        self.parts.append(part)

    def say(self, name: str) -> None:
        """Add one segment."""
        deeds: dict[str, Callable[[], None]] = {
            "text": self._text,
            "reasoning": self._reasoning,
            "refusal": self._refusal,
            "calls": self._turn,
            "image": self._image,
            "redacted": self._redacted,
            "server tool": self._server_tool,
            "server result": self._server_result,
            "unknown": self._unknown,
        }
        deeds[name]()

    def end(self) -> None:
        """Add what a chat completion has last: citations, encrypted reasoning, and audio."""
        place = self._places.get("text")
        if place is not None and self.type in _CITING and self.draw(st.booleans()):
            text = self.parts[place]
            assert isinstance(text, TextPart)
            cited = structs.replace(text, citations=self.draw(_CHAT_CITATIONS))
            self.parts[place] = cited
            self.deltas.append(PartComplete(place, cited))
        if self.type == "openrouter":
            for _ in range(self.draw(st.integers(0, 2))):
                data: JSONObject = {"type": "reasoning.encrypted", "data": self.draw(NAMES)}
                self.take(ReasoningPart("", self._detail_fields(data)))
        if self.type in _SOUND and self.draw(SELDOM):
            self.take(self.draw(_SOUNDS))

    def finished(self, *, cut: bool) -> tuple[Part, ...]:
        """The parts; `cut`: the answer is truncated, so its last call may be incomplete."""
        last = self.calls[-1] if self.calls else None
        return finished(self.parts, last, cut=cut)

    def _once(self, name: str, part: Part) -> int:
        """The index of a part that a chat completion has once: the position where it begins."""
        if name not in self._places:
            self._places[name] = len(self.parts)
            self.parts.append(part)
        return self._places[name]

    def _text(self) -> None:
        pieces = self.draw(PIECES)
        if self.type == "anthropic":
            place = len(self.parts)
            self.parts.append(TextPart("".join(pieces)))
            self.deltas += [ContentDelta(piece, place) for piece in pieces]
            if self.draw(SELDOM):
                cited = TextPart("".join(pieces), self.draw(_CITATIONS))
                self.parts[place] = cited
                self.deltas.append(PartComplete(place, cited))
            return
        place = self._once("text", TextPart(""))
        self.deltas += [ContentDelta(piece, place) for piece in pieces]
        self._lengthen(place, pieces)

    def _lengthen(self, place: int, pieces: Sequence[str]) -> None:
        part = self.parts[place]
        assert isinstance(part, TextPart | ReasoningPart | RefusalPart)
        self.parts[place] = structs.replace(part, text=part.text + "".join(pieces))

    def _reasoning(self) -> None:
        pieces = self.draw(PIECES)
        place = len(self.parts)
        if self.type == "anthropic":
            if self.draw(SELDOM):  # hidden, but signed
                self.take(ReasoningPart("", {"signature": sign("")}))
                return
            text = "".join(pieces)
            self.parts.append(ReasoningPart(text, {"signature": sign(text)}))
        elif self.type == "openrouter":
            kind = self.draw(st.sampled_from(("reasoning.text", "reasoning.summary")))
            extra = self._detail_fields({"type": kind})
            if kind == "reasoning.text" and self.draw(st.booleans()):
                extra["signature"] = self.draw(NAMES)
            self.parts.append(ReasoningPart("".join(pieces), extra))
        else:
            place = self._once("reasoning", ReasoningPart("", {"field": _REASONING_FIELDS[self.type]}))
            self._lengthen(place, pieces)
        self.deltas += [ReasoningDelta(piece, place) for piece in pieces]

    def _detail_fields(self, fields: JSONObject) -> JSONObject:
        """The fields of one of OpenRouter's reasoning details, which are numbered."""
        index = self._details
        self._details += 1
        form = self.draw(st.sampled_from(("unknown", "anthropic-claude-v1", "openai-responses-v1")))
        ids: tuple[JSONObject, ...] = ({}, {"id": None}, {"id": f"rs_{index}"})
        named = self.draw(st.sampled_from(ids))
        return {**fields, "format": form, "index": index, **named}

    def _refusal(self) -> None:
        pieces = self.draw(PIECES)
        place = self._once("refusal", RefusalPart(""))
        self.deltas += [RefusalDelta(piece, place) for piece in pieces]
        self._lengthen(place, pieces)

    def _turn(self) -> None:
        """Tool calls that are made together."""
        turn = [self._call(len(self.calls) + number) for number in range(self.draw(st.integers(1, 2)))]
        first, place = len(self.calls), len(self.parts)
        in_turn = not (self.type in ("anthropic", "ollama") or self.draw(st.booleans()))
        said = [call.deltas(first + at, place + at) for at, call in enumerate(turn)]
        rows: Iterable[Iterable[Delta | None]] = zip_longest(*said) if in_turn else said
        self.deltas += [delta for row in rows for delta in row if delta is not None]
        self.parts += turn
        self.calls += turn

    def _call(self, number: int) -> Call:
        draw = self.draw
        call_id, name = f"{draw(NAMES)}-{number}", draw(NAMES)
        kind = "function"
        arguments: JSONObject | None
        extra = draw(_CALL_EXTRAS) if self.type in ("openrouter", "openai", "anthropic") else {}
        if self.type in _CUSTOM and draw(SELDOM):
            kind, raw = "custom", draw(st.just("") | TEXTS)
            arguments = {"input": raw}
        else:
            raw, arguments = draw(JSON_TEXTS)
            # Ollama parses the arguments itself, and Anthropic's whole answers have objects.
            sure = self.type == "ollama" or (self.type == "anthropic" and self.whole)
            if arguments and not sure and draw(SELDOM):
                raw, arguments = raw.rstrip()[:-1], None
        # Ollama gives a call's arguments whole, in the chunk that begins the call.
        size = len(raw) + 1 if self.type == "ollama" else draw(st.integers(1, 8))
        pieces = tuple(raw[at : at + size] for at in range(0, len(raw), size))
        return Call(call_id, name, kind, raw, pieces, arguments, extra)

    def _image(self) -> None:
        self.take(self.draw(_IMAGES))

    def _redacted(self) -> None:
        self.take(ReasoningPart("", {"type": "redacted_thinking", "data": self.draw(NAMES)}))

    def _server_tool(self) -> None:
        call_id = f"srvtoolu_{self.draw(NAMES)}"
        kind = self.draw(st.sampled_from(("server_tool_use", "mcp_tool_use")))
        extra: JSONObject = {"server_name": self.draw(NAMES)} if kind == "mcp_tool_use" else {}
        self.take(ServerToolPart(kind, call_id, self.draw(NAMES), self.draw(OBJECTS), extra=extra))

    def _server_result(self) -> None:
        self.take(self.draw(_SERVER_RESULTS))

    def _unknown(self) -> None:
        self.take(self.draw(_UNKNOWN_BLOCKS))


_CALL_EXTRAS: st.SearchStrategy[JSONObject] = st.just({}) | st.just(
    {"extra_content": {"google": {"thought_signature": "c2ln"}}}
)

_CITATIONS = st.lists(
    st.one_of(
        st.builds(
            lambda url, title, quote: Citation(
                url,
                title,
                quote,
                extra={"type": "web_search_result_location", "encrypted_index": "RW8="},
            ),
            NAMES.map("https://example.com/{}".format),
            st.none() | TEXTS,
            TEXTS,
        ).map(
            # An unknown title is null, and is kept.
            lambda cited: (
                cited
                if cited.title is not None
                else structs.replace(cited, extra={**cited.extra, "title": None})
            )
        ),
        st.builds(
            lambda title, quote, start: Citation(
                None,
                title,
                quote,
                extra={
                    "type": "char_location",
                    "document_index": 0,
                    "start_char_index": start,
                    "end_char_index": start + len(quote),
                },
            ),
            TEXTS,
            TEXTS,
            st.integers(0, 100),
        ),
    ),
    min_size=1,
    max_size=2,
).map(tuple)
"""Anthropic's citations, whose positions are in the source."""

_CHAT_CITATIONS = st.lists(
    st.builds(
        lambda url, title, quote, start: Citation(
            url, title, quote, start, start + 1, {"type": "url_citation"}
        ),
        NAMES.map("https://example.com/{}".format),
        st.none() | TEXTS,
        st.none() | TEXTS,
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=2,
).map(tuple)

_IMAGES = st.one_of(
    st.builds(
        ImagePart,
        data=BYTES,
        media_type=st.sampled_from(("image/png", "image/jpeg")),
        extra=st.sampled_from(({}, {"index": 0})),
    ),
    st.builds(
        ImagePart,
        url=NAMES.map("https://example.com/{}.png".format),
        extra=st.just({}) | st.just({"image_url": {"detail": "high"}}),
    ),
)

_SOUNDS = st.one_of(
    st.builds(
        AudioPart,
        data=BYTES,
        transcript=st.none() | TEXTS,
        extra=NAMES.map(lambda name: {"id": name, "expires_at": 1_767_229_200}),
    ),
    st.builds(AudioPart, transcript=TEXTS, extra=NAMES.map(lambda name: {"id": name})),
)

_SERVER_RESULTS = st.one_of(
    st.builds(
        lambda call_id, title: ServerToolPart(
            "web_search_tool_result",
            call_id,
            output=[
                {
                    "type": "web_search_result",
                    "url": "https://example.com/",
                    "title": title,
                    "encrypted_content": "RW8=",
                    "page_age": None,
                }
            ],
        ),
        NAMES,
        TEXTS,
    ),
    st.builds(
        lambda call_id: ServerToolPart(
            "code_execution_tool_result",
            call_id,
            output={"type": "code_execution_tool_result_error", "error_code": "unavailable"},
        ),
        NAMES,
    ),
    st.builds(
        lambda call_id, text: ServerToolPart(
            "mcp_tool_result",
            call_id,
            output=[{"type": "text", "text": text}],
            extra={"is_error": False},
        ),
        NAMES,
        TEXTS,
    ),
)

_UNKNOWN_BLOCKS = st.builds(
    lambda kind, fields: UnknownPart(kind, {**fields, "type": kind}),
    st.sampled_from(("container_upload", "a_new_kind")),
    st.dictionaries(NAMES.map("field_{}".format), TEXTS, max_size=2),
)


def _draw_events(draw: st.DrawFn, type: ProviderType, *, whole: bool) -> list[StreamEvent]:
    said = _Said(draw, type, whole)
    for _ in range(draw(st.integers(0, 4))):  # a list of that length would mostly be a short one
        said.say(draw(st.sampled_from(_SEGMENTS[type])))
    said.end()
    raw, finish = _draw_end(draw, said)
    extra = _draw_extra(draw, type, raw)
    if type == "anthropic" and finish is FinishReason.REFUSAL and draw(st.booleans()):
        # The text is beside the stop reason, so it is last and in one piece.
        refusal = RefusalPart(draw(TEXTS))
        said.deltas.append(RefusalDelta(refusal.text, len(said.parts)))
        said.parts.append(refusal)
        extra["stop_details"] = {"type": "refusal", "category": draw(st.none() | NAMES)}
    parts = said.finished(cut=finish in BREAKING_OFF)
    # Anthropic always sends a usage.
    usage = _draw_usage(draw, type) if type == "anthropic" or draw(st.booleans()) else None
    message = Message(
        Role.ASSISTANT,
        parts,
        finish_reason=checked(finish, parts),
        raw_finish_reason=raw,
        usage=usage,
        model=draw(NAMES),
        response_id=draw(NAMES),
        origin=f"{type}/{default_api(type)}",
        extra=extra,
    )
    return [*said.deltas, StreamComplete(message)]


def _draw_end(draw: st.DrawFn, said: _Said) -> tuple[str, FinishReason]:
    """How the answer ends, in the provider's word and in the library's."""
    reasons = _ANTHROPIC_REASONS if said.type == "anthropic" else _CHAT_REASONS
    # A whole answer cannot show that its last call was cut.
    unsure = said.whole and bool(said.calls) and said.calls[-1].is_cut()
    raw = draw(st.sampled_from([raw for raw in reasons if not (unsure and reasons[raw] in BREAKING_OFF)]))
    return raw, reasons[raw]


def _draw_extra(draw: st.DrawFn, type: ProviderType, raw: str) -> JSONObject:
    """The provider's own fields of the answer."""
    extra: JSONObject = {} if type == "anthropic" else dict(always_sent(type))
    match type:
        case "openai":
            extra["service_tier"] = draw(st.sampled_from(("default", "flex", "priority")))
        case "azure":
            if draw(st.booleans()):
                extra["content_filter_results"] = {"hate": {"filtered": True, "severity": "high"}}
        case "openrouter":
            extra["provider"] = draw(NAMES)
            extra["native_finish_reason"] = draw(st.sampled_from((raw, "end_turn", "STOP")))
        case "vllm":
            if draw(st.booleans()):
                extra["stop_reason"] = draw(st.sampled_from((128_009, "END")))
        case "anthropic":
            if raw == "stop_sequence":
                extra["stop_sequence"] = draw(TEXTS)
            if draw(SELDOM):
                extra["container"] = {"id": draw(NAMES), "expires_at": "2026-01-01T00:00:00Z"}
            if draw(SELDOM):
                extra["context_management"] = {"applied_edits": []}
        case "ollama":
            pass
        case _:
            assert_never(type)
    if type in _LOGPROBS and draw(SELDOM):
        tokens = draw(st.lists(TEXTS, min_size=1, max_size=3))
        extra["logprobs"] = {
            "content": [
                {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []} for token in tokens
            ]
        }
    return extra


def _draw_usage(draw: st.DrawFn, type: ProviderType) -> Usage:
    cached, written, reasoning = draw(COUNTS), draw(COUNTS), draw(COUNTS)
    usage = Usage(
        input_tokens=cached + written + draw(COUNTS),
        output_tokens=reasoning + draw(COUNTS),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        cost=draw(COSTS) if type == "openrouter" else None,
        extra=_draw_counts(draw, type, written),
    )
    return structs.replace(usage, **dict.fromkeys(_UNTOLD[type], 0))


def _draw_counts(draw: st.DrawFn, type: ProviderType, written: int) -> JSONObject:
    """Counts without a field in `Usage`."""
    match type:
        case "openai" | "azure":
            return {
                "prompt_tokens_details": {"audio_tokens": draw(COUNTS)},
                "completion_tokens_details": {"audio_tokens": 0, "accepted_prediction_tokens": draw(COUNTS)},
            }
        case "openrouter":
            counts: JSONObject = {"is_byok": draw(st.booleans())}
            if draw(st.booleans()):
                counts["cost_details"] = {"upstream_inference_cost": draw(st.none() | COSTS)}
            if draw(st.booleans()):
                counts["server_tool_use_details"] = {"web_search_requests": draw(COUNTS)}
            return counts
        case "anthropic":
            counts = {}
            if draw(st.booleans()):
                lifetimes: JSONObject = {
                    "ephemeral_5m_input_tokens": 0,
                    "ephemeral_1h_input_tokens": written,
                }
                counts |= {"cache_creation": lifetimes, "service_tier": "standard"}
            if draw(st.booleans()):
                counts["server_tool_use"] = {
                    "web_search_requests": draw(COUNTS),
                    "web_fetch_requests": draw(COUNTS),
                }
            return counts
        case "ollama" | "vllm":
            return {}
        case _:
            assert_never(type)
