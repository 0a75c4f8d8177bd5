"""Answers of Google's Gemini: valid ones, whole and as streams, and damaged streams."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from sansio.jsontext import JSONObject
from sansio.testing.records import read_records
from sansio.testing.strategies.hostile import damaged
from sansio.testing.strategies.values import COUNTS, NAMES, OBJECTS, TEXTS


class GeminiStream(Struct, frozen=True):
    """An answer, whole and as chunks that give it.

    Args:
        answer: the whole answer.
        chunks: the same in pieces.
    """

    answer: JSONObject
    chunks: list[JSONObject]

    @property
    def frames(self) -> tuple[bytes, ...]:
        """The chunks as server-sent events, one each."""
        return tuple(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in self.chunks)

    @property
    def data(self) -> bytes:
        """The stream."""
        return b"".join(self.frames)

    @property
    def listed(self) -> bytes:
        """The chunks as one list, as they arrive without `alt=sse`."""
        return (
            b"[" + b"\n,\r\n".join(json.dumps(chunk, indent=1).encode() for chunk in self.chunks) + b"\n]\n"
        )


# Any: JSON of many forms, which no type of a strategy says.
_SIGNED: st.SearchStrategy[dict[str, Any]] = st.sampled_from(({}, {}, {"thoughtSignature": "c2ln"}))
_IDS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(({}, {"id": "x1"}))
_TEXTS = st.builds(
    lambda text, thought: {"text": text, **thought},
    TEXTS,
    st.sampled_from(({}, {"thought": True})),
)
_CALLS = st.builds(lambda name, arguments: {"functionCall": {"name": name, **arguments}}, NAMES, st.one_of(
    st.just(dict[str, Any]()), OBJECTS.map(lambda given: {"args": given})
))  # fmt: skip
_TOOLS = st.one_of(
    st.builds(lambda code, own: {"executableCode": {"language": "PYTHON", "code": code, **own}}, TEXTS, _IDS),
    st.builds(
        lambda text, own: {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": text, **own}},
        TEXTS,
        _IDS,
    ),
    st.builds(
        lambda given: {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "t", "args": given}},
        OBJECTS,
    ),
    st.just({"toolResponse": {"toolType": "FILE_SEARCH", "id": "t"}}),
    st.just({"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}),
    st.just({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}),
    OBJECTS.map(lambda given: {"aNewKind": given}),
)
_SUPPORTS = st.lists(
    st.builds(
        lambda start, size, at: {
            "segment": {"startIndex": start, "endIndex": start + size, "text": "x"},
            "groundingChunkIndices": [at],
        },
        COUNTS,
        COUNTS,
        st.integers(0, 2),
    ),
    max_size=2,
)
_GROUNDS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just(dict[str, Any]()),
    st.just(dict[str, Any]()),
    _SUPPORTS.map(
        lambda supports: {
            "groundingMetadata": {
                "webSearchQueries": ["q"],
                "groundingChunks": [
                    {"web": {"uri": "https://a.example", "title": "A"}},
                    {"maps": {"uri": "m"}},
                ],
                "groundingSupports": supports,
            }
        }
    ),
    st.just({"citationMetadata": {"citationSources": [{"uri": "u", "endIndex": 3}]}}),
)
_REASONS = st.sampled_from(("STOP", "STOP", "MAX_TOKENS", "SAFETY", "UNEXPECTED_TOOL_CALL", "A_NEW_REASON"))


@st.composite
def gemini_parts(draw: st.DrawFn) -> list[JSONObject]:
    """The parts of a valid answer: of every kind in any order, with and without signatures."""
    found: list[JSONObject] = []
    for number in range(draw(st.integers(0, 4))):
        part = draw(st.sampled_from((_TEXTS, _TEXTS, _CALLS, _TOOLS)).flatmap(lambda strategy: strategy))
        if "functionCall" in part and draw(st.booleans()):
            part["functionCall"]["id"] = f"call_{number}"
        found.append({**part, **draw(_SIGNED)})
    return found


@st.composite
def gemini_streams(draw: st.DrawFn) -> GeminiStream:
    """Valid answers, each with its chunks as Google sends them."""
    parts = draw(gemini_parts())
    around: JSONObject = {"modelVersion": draw(NAMES), "responseId": draw(NAMES)}
    end: JSONObject = {"finishReason": draw(_REASONS), "index": 0, **draw(_GROUNDS)}
    read, said, thought = draw(COUNTS), draw(COUNTS), draw(COUNTS)
    usage: JSONObject = {
        "promptTokenCount": read,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
        "totalTokenCount": read + said + thought,
    }
    size = draw(st.integers(1, 5))
    chunks: list[JSONObject] = [
        {"candidates": [{"content": {"parts": [piece], "role": "model"}, "index": 0}], **around}
        for part in parts
        for piece in _pieces(part, size)
    ]
    if draw(st.booleans()) and chunks:
        chunks[0]["usageMetadata"] = {"promptTokenCount": read + 1}
    blank: JSONObject = {"parts": [], "role": "model"}
    chunks.append({"candidates": [{"content": blank, **end}], **around, "usageMetadata": usage})
    whole: JSONObject = {"parts": [*parts], "role": "model"}
    return GeminiStream({"candidates": [{"content": whole, **end}], **around, "usageMetadata": usage}, chunks)


def _pieces(part: JSONObject, size: int) -> list[JSONObject]:
    """A plain text in pieces; any other part is sent whole."""
    text = part.get("text")
    if not isinstance(text, str) or "thoughtSignature" in part or not text:
        return [part]
    return [{**part, "text": text[at : at + size]} for at in range(0, len(text), size)]


@st.composite
def hostile_gemini_streams(draw: st.DrawFn) -> bytes:
    """Damaged streams of Gemini, as `hostile_streams`; some are lists, cut anywhere."""
    stream = draw(gemini_streams())
    if draw(st.integers(0, 3)) == 0:
        return stream.listed[: draw(st.integers(0, len(stream.listed)))]
    return draw(damaged("openai", read_records(stream.frames)))
