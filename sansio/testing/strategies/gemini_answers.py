"""Valid answers of Google's Gemini, and the events that a parser must give for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from hypothesis import strategies as st
from msgspec import structs

from sansio import (
    AudioPart,
    Citation,
    ContentDelta,
    DocumentPart,
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
from sansio.answers import ToolCallAssembler
from sansio.families.gemini.faults import FINISH_REASONS, UNUSABLE_CALLS, unusable
from sansio.families.gemini.parts import CALL, SIGNATURE
from sansio.jsontext import JSON, JSONObject
from sansio.testing.script import Delta
from sansio.testing.strategies.calls import BREAKING_OFF, PIECES, SELDOM, Call, checked, finished
from sansio.testing.strategies.values import BYTES, COUNTS, NAMES, OBJECTS, TEXTS
from sansio.testing.wires.gemini import sign

_REASONS = ("STOP", "STOP", "MAX_TOKENS", "SAFETY", "CONTINUATION", "OTHER", "A_NEW_REASON")
_UNUSABLE = ("UNEXPECTED_TOOL_CALL", "MALFORMED_FUNCTION_CALL")
_BLOCKED = ("OTHER", "JAILBREAK")
"""Reasons why a prompt is blocked that are not the reasons why an answer is filtered."""
_FAKE_RESPONSE = "fake-response"
"""The id of a whole answer by default: an `Answer` has none, and ids of calls are made from it."""

_SIGNED: JSONObject = {SIGNATURE: "c2ln"}
_IDS = st.none() | NAMES
_URLS = NAMES.map("https://example.com/{}".format)

_PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(
        ServerToolPart,
        st.just("executableCode"),
        _IDS,
        input=TEXTS,
        extra=st.just({"executableCode": {"language": "PYTHON"}}),
    ),
    st.builds(
        ServerToolPart, st.just("codeExecutionResult"), _IDS, output=TEXTS, status=st.just("OUTCOME_OK")
    ),
    st.builds(ServerToolPart, st.just("toolCall"), _IDS, st.just("GOOGLE_SEARCH_WEB"), OBJECTS),
    st.builds(
        ServerToolPart, st.just("toolResponse"), _IDS, st.just("FILE_SEARCH"), output=st.none() | OBJECTS
    ),
    st.builds(ImagePart, data=BYTES, media_type=st.sampled_from(("image/png", "image/webp"))),
    st.builds(ImagePart, url=_URLS, extra=st.just({}) | st.just({"fileData": {"displayName": "n"}})),
    st.builds(AudioPart, data=BYTES, media_type=st.just("audio/pcm")),
    st.builds(DocumentPart, data=BYTES, media_type=st.just("text/csv")),
    st.just(UnknownPart("inlineData", {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}})),
    st.builds(lambda fields: UnknownPart("aNewKind", {"aNewKind": fields}), OBJECTS),
)
"""Parts that are given whole."""

_CHUNKS: tuple[tuple[JSONObject, Citation], ...] = (
    ({"web": {"uri": "https://a.example", "title": "A"}}, Citation("https://a.example", "A")),
    ({"maps": {"uri": "m"}}, Citation("m")),
    ({"retrievedContext": {"title": "T", "text": "words"}}, Citation(title="T", quote="words")),
)
"""Sources that an answer is grounded on, each as the chunk that has it and as the citation of it."""
_SEGMENT: JSONObject = {"segment": {"startIndex": 0, "endIndex": 1}, "groundingChunkIndices": [0]}
_SAFETY: JSONObject = {"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "blocked": True}]}


class _Parts:
    """An answer being built, part by part: its events, and the parts that they make."""

    def __init__(self, draw: st.DrawFn, response_id: str) -> None:
        self._draw = draw
        self._open: type[Part] | None = None  # what a text without a signature is joined to
        self._ids = ToolCallAssembler()
        self._ids.id_seed = response_id
        self.deltas: list[Delta] = []
        self.parts: list[Part | Call] = []
        self.calls: list[Call] = []

    def add(self) -> None:
        """Add one part of any kind, or more of a text."""
        deeds: Mapping[str, Callable[[], None]] = {
            "text": lambda: self._say(TextPart("")),
            "reasoning": lambda: self._say(ReasoningPart("")),
            "call": self._call,
            "other": self._other,
        }
        self._draw(st.sampled_from((*deeds.values(), deeds["text"])))()

    def _take(self, part: Part) -> None:
        self.deltas.append(PartComplete(len(self.parts), part))
        self.parts.append(part)

    def _say(self, part: TextPart | ReasoningPart) -> None:
        """A text or a thought. If it is signed, it is in one piece, and may be empty."""
        if self._draw(SELDOM):
            self._open = None
            part = structs.replace(part, text=self._draw(st.just("") | TEXTS), extra=_SIGNED)
            if not part.text:
                self._take(part)
                return
            self.deltas.append(_delta(part, part.text, len(self.parts)))
            self.parts.append(part)
            return
        if self._open is not type(part):
            self._open = type(part)
            self.parts.append(part)
        pieces, known = self._draw(PIECES), self.parts[-1]
        assert isinstance(known, TextPart | ReasoningPart)
        self.parts[-1] = structs.replace(known, text=known.text + "".join(pieces))
        self.deltas += [_delta(part, piece, len(self.parts) - 1) for piece in pieces]

    def _call(self) -> None:
        """A call, whose arguments are an object. Many have no id; the first of a turn is signed."""
        draw, number = self._draw, len(self.calls)
        self._open = None
        name, arguments = draw(NAMES), draw(OBJECTS)
        given = f"{draw(NAMES)}-{number}" if draw(st.booleans()) else ""
        raw = msgspec.json.encode(arguments).decode()
        known = self._ids.find(number, given, name)
        self._ids.add(known, raw, [])
        inner: JSONObject = {} if given else {"id": None}
        if draw(SELDOM):
            inner["note"] = draw(TEXTS)
        extra: JSONObject = {CALL: inner} if inner else {}
        if draw(SELDOM):
            extra |= _SIGNED
        elif not number:
            extra[SIGNATURE] = sign(name, arguments)
        call = Call(known.id, name, "function", raw, (raw,), arguments, extra)
        self.deltas += call.deltas(number, len(self.parts))
        self.parts.append(call)
        self.calls.append(call)

    def _other(self) -> None:
        self._open = None
        part = self._draw(_PARTS)
        signed = self._draw(SELDOM)
        self._take(structs.replace(part, extra={**part.extra, **_SIGNED}) if signed else part)

    def ground(self) -> None:
        """Add what the answer is grounded on, which is beside its parts on the wire."""
        draw = self._draw
        texts = [at for at, part in enumerate(self.parts) if isinstance(part, TextPart) and part.text]
        grounded, recites = draw(SELDOM), draw(SELDOM)
        cited: dict[int, list[Citation]] = {}
        for place in texts:
            cited[place] = self._recited(place) if recites else []
        for place in texts:
            cited[place] += self._supported(place) if grounded else []
        for place, citations in cited.items():
            text = self.parts[place]
            assert isinstance(text, TextPart)
            if citations:
                text = self.parts[place] = structs.replace(text, citations=tuple(citations))
                self.deltas.append(PartComplete(place, text))
        if grounded:
            beside: JSONObject = {"retrievalMetadata": {}} if draw(st.booleans()) else {}
            if not texts:
                beside["groundingSupports"] = [_SEGMENT]
            sources: list[JSON] = [chunk for chunk, _ in _CHUNKS]
            self._take(ServerToolPart("groundingMetadata", input=["q"], output=sources, extra=beside))
        if draw(SELDOM):
            self._take(ServerToolPart("urlContextMetadata", output=[{"retrievedUrl": draw(_URLS)}]))
        if recites and not texts:
            self._take(ServerToolPart("citationMetadata", output=[{"uri": "u", "endIndex": 3}]))

    def _places(self, place: int) -> tuple[int, int | None]:
        """A passage of the text: where it begins decides to which text a citation belongs."""
        text = self.parts[place]
        assert isinstance(text, TextPart)
        start = self._draw(st.integers(0, len(text.text.encode()) - 1))
        return start, self._draw(st.none() | st.integers(start, start + 9))

    def _recited(self, place: int) -> list[Citation]:
        """What the text recites; the same passage is not given twice."""
        draw = self._draw
        found: dict[tuple[int, int | None], Citation] = {}
        for _ in range(draw(st.integers(0, 2))):
            start, end = self._places(place)
            extra: JSONObject = {"license": draw(TEXTS)} if draw(st.booleans()) else {}
            cited = Citation(draw(_URLS), draw(st.none() | TEXTS), None, start, end, extra)
            found[start, end] = cited
        return list(found.values())

    def _supported(self, place: int) -> list[Citation]:
        """Passages that a source supports."""
        draw, found = self._draw, list[Citation]()
        for _ in range(draw(st.integers(0, 2))):
            start, end = self._places(place)
            number = draw(st.integers(0, len(_CHUNKS) - 1))
            extra: JSONObject = {"groundingChunkIndex": number}
            if draw(st.booleans()):
                extra |= {"segment": {"text": draw(TEXTS)}, "confidenceScore": 0.5}
            found.append(structs.replace(_CHUNKS[number][1], start=start, end=end, extra=extra))
        return found


def _delta(part: TextPart | ReasoningPart, text: str, place: int) -> Delta:
    return ContentDelta(text, place) if isinstance(part, TextPart) else ReasoningDelta(text, place)


def draw_gemini(draw: st.DrawFn, type: str, *, whole: bool) -> list[StreamEvent]:
    """The events of a valid answer, its `StreamComplete` last.

    Args:
        type: the provider type.
        whole: the answer must mean the same where it is not streamed.
    """
    response_id = _FAKE_RESPONSE if whole else draw(NAMES)
    said = _Parts(draw, response_id)
    for _ in range(draw(st.integers(0, 4))):  # a list of that length would mostly be a short one
        said.add()
    extra: JSONObject = {}
    if not said.parts and draw(st.booleans()):
        raw, finish = draw(st.sampled_from(_BLOCKED)), FinishReason.CONTENT_FILTER
    else:
        said.ground()
        raw = draw(st.sampled_from((*_REASONS, *(_UNUSABLE if said.calls else ()))))
        finish = FINISH_REASONS.get(raw, FinishReason.OTHER)
        extra |= _draw_extra(draw)
    if draw(SELDOM):
        extra["promptFeedback"] = _SAFETY
    last = said.calls[-1] if said.calls else None
    withdrawn = raw in UNUSABLE_CALLS
    parts = finished(said.parts, last, cut=finish in BREAKING_OFF and not withdrawn)
    if withdrawn:
        parts = tuple(unusable(part, raw) for part in parts)
    message = Message(
        Role.ASSISTANT,
        parts,
        finish_reason=checked(finish, parts),
        raw_finish_reason=raw,
        usage=None if draw(SELDOM) else _draw_usage(draw),
        model=draw(NAMES),
        response_id=response_id,
        origin=f"{type}/gemini",
        extra=extra,
    )
    return [*said.deltas, StreamComplete(message)]


def _draw_extra(draw: st.DrawFn) -> JSONObject:
    """Google's own fields of the answer."""
    extra: JSONObject = {}
    if draw(SELDOM):
        extra |= {"finishMessage": draw(TEXTS), **_SAFETY}
    if draw(SELDOM):
        extra |= {"avgLogprobs": -0.5, "logprobsResult": {"chosenCandidates": [{"token": draw(TEXTS)}]}}
    if draw(SELDOM):
        extra["modelStatus"] = {"modelStage": "STABLE"}
    return extra


def _draw_usage(draw: st.DrawFn) -> Usage:
    tools, thought = draw(COUNTS), draw(COUNTS)
    extra: JSONObject = {}
    if draw(SELDOM):
        extra["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": draw(COUNTS)}]
    if counted := draw(SELDOM):
        extra["toolUsePromptTokenCount"] = tools
    return Usage(
        input_tokens=draw(COUNTS) + (tools if counted else 0),
        output_tokens=thought + draw(COUNTS),
        cached_tokens=draw(COUNTS),
        reasoning_tokens=thought,
        extra=extra,
    )
