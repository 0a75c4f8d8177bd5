"""What an answer is grounded on: uses of Google's tools that are not among its parts, and citations.

Sources: `GroundingMetadata`, `CitationMetadata` and `UrlContextMetadata` of Google's SDK, and its page
"Grounding with Google Search"; recorded answers. Positions are in bytes of UTF-8, from the beginning
of the answer's text.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from sansio.content import Citation, ServerToolPart
from sansio.families.fields import rest, text_or_none
from sansio.jsontext import JSON, JSONObject

GROUNDING, CITATIONS, URLS = "groundingMetadata", "citationMetadata", "urlContextMetadata"
FIELDS = (GROUNDING, CITATIONS, URLS)
"""Fields of a candidate that are read here."""
_LISTS = ("citationSources", "citations")
"""The two names of the list of sources: the first is the Gemini API's, the second Vertex's."""
_TYPED = (("uri", str), ("title", str), ("startIndex", int), ("endIndex", int))
"""Fields of such a source that a citation has fields for."""


class Grounds(Struct):
    """What the chunks of one answer say about its grounds.

    Args:
        fields: each of `FIELDS`; later values of the fields in it replace earlier ones.
        sources: all sources that the answer recites, by their JSON: a chunk may repeat those of others.
    """

    fields: dict[str, JSONObject] = {}
    sources: dict[bytes, JSONObject] = {}

    def take(self, candidate: JSONObject) -> None:
        """Take the grounds in a chunk's candidate."""
        for name in FIELDS:
            found = candidate.get(name)
            if not isinstance(found, dict):
                continue
            known = self.fields.setdefault(name, {})
            for field, value in found.items():
                if name == CITATIONS and field in _LISTS and isinstance(value, list):
                    new = [source for source in value if isinstance(source, dict)]
                    self.sources |= {msgspec.json.encode(source): source for source in new}
                else:
                    known[field] = value

    def citations(self) -> Iterator[Citation]:
        """The citations of the answer's text, in the order in which they are given."""
        for source in self.sources.values():
            typed = [name for name, kind in _TYPED if isinstance(source.get(name), kind)]
            yield _citation(source, rest(source, *typed), source)
        chunks = self._chunks()
        for support in self._supports():
            for cited, extra in _cited(support, chunks):
                segment = support.get("segment")
                yield _citation(cited, extra, segment if isinstance(segment, dict) else {})

    def parts(self, *, cited: bool) -> Iterator[ServerToolPart]:
        """Google's own tools, each with its input and its output.

        Args:
            cited: whether the citations are with a text. If not, they stay where they were.
        """
        grounding = self.fields.get(GROUNDING)
        if grounding:
            given = rest(grounding, "webSearchQueries", "groundingChunks")
            if cited and self._supports():
                del given["groundingSupports"]
            yield ServerToolPart(
                GROUNDING,
                input=grounding.get("webSearchQueries"),
                output=grounding.get("groundingChunks"),
                extra=given,
            )
        if urls := self.fields.get(URLS):
            yield ServerToolPart(URLS, output=urls.get("urlMetadata"), extra=rest(urls, "urlMetadata"))
        other = self.fields.get(CITATIONS) or {}
        sources: JSON = [] if cited else [*self.sources.values()]
        if other or sources:
            yield ServerToolPart(CITATIONS, output=sources or None, extra=other)

    def _chunks(self) -> list[JSON]:
        return _listed(self.fields.get(GROUNDING, {}).get("groundingChunks"))

    def _supports(self) -> list[JSONObject]:
        """The passages that cite; none if they are not objects, or if there is nothing to cite."""
        found = _listed(self.fields.get(GROUNDING, {}).get("groundingSupports"))
        supports = [support for support in found if isinstance(support, dict)]
        return supports if self._chunks() and len(supports) == len(found) else []


def _cited(support: JSONObject, chunks: list[JSON]) -> Iterator[tuple[JSONObject, JSONObject]]:
    """The sources of one passage; one without an address if it names none that is known.

    Yields:
        The source, and the citation's other fields.
    """
    numbers = _listed(support.get("groundingChunkIndices"))
    scores = _listed(support.get("confidenceScores"))
    beside = rest(support, "segment", "groundingChunkIndices", "confidenceScores")
    segment = support.get("segment")
    if isinstance(segment, dict) and (words := rest(segment, "startIndex", "endIndex")):
        beside["segment"] = words
    for place, number in enumerate(numbers):
        extra: JSONObject = {**beside, "groundingChunkIndex": number}
        if place < len(scores):
            extra["confidenceScore"] = scores[place]
        yield _source(chunks[number]) if type(number) is int and 0 <= number < len(chunks) else {}, extra
    if not numbers:
        yield {}, {**beside, **({"confidenceScores": list[JSON](scores)} if scores else {})}


def _source(chunk: JSON) -> JSONObject:
    """What a chunk is: a page of the web, a place on a map, or a passage of a file."""
    kinds = chunk.values() if isinstance(chunk, dict) else ()
    return next((kind for kind in kinds if isinstance(kind, dict)), {})


def _citation(source: JSONObject, extra: JSONObject, place: JSONObject) -> Citation:
    start, end = place.get("startIndex"), place.get("endIndex")
    return Citation(
        text_or_none(source.get("uri")),
        text_or_none(source.get("title")),
        text_or_none(source.get("text")),
        start if type(start) is int else 0,
        end if type(end) is int else None,
        extra,
    )


def _listed(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
