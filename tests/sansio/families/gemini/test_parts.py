"""Gemini's parts as ours, and back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    Part,
    ReasoningPart,
    ServerToolPart,
    TextPart,
    UnknownPart,
)
from sansio.families.gemini.parts import part_of, wire_of
from tests.sansio.families.gemini.chunks import JSON, SIGNED
from tests.support import for_all
from tests.wire_types import camel, google_fields, needs_types

DATA = (
    "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall "
    "toolResponse"
)
"""The fields of which a part has exactly one (the Gemini API's reference, `Part`)."""
FILE: JSON = {"mimeType": "image/png", "fileUri": "https://e.example/a"}
OF_TOOLS: list[JSON] = [
    {"executableCode": {"id": "x1", "language": "PYTHON", "code": "1+1"}},
    {"codeExecutionResult": {"id": "x1", "outcome": "OUTCOME_OK", "output": "2"}},
    {"toolCall": {"id": "x1", "toolType": "FILE_SEARCH", "args": {"a": 1}}},
    {"toolResponse": {"id": "x1", "toolType": "FILE_SEARCH", "response": {"a": 1}}},
]


@needs_types
def test_what_any_part_may_have_beside_its_data_is_kept_beside_it() -> None:
    beside = {camel(field) for field in google_fields("Part")} - {*DATA.split()}
    assert len(beside) > 5
    for name in beside - {"thought"}:
        for data in (*OF_TOOLS, {"fileData": FILE}, {"text": "a"}, {"text": "a", "thought": True}):
            wire = {name: {"a": 1}, **data}  # it may be the first field
            part = part_of(wire)
            assert not isinstance(part, UnknownPart), wire
            assert part.extra[name] == {"a": 1}
            assert wire_of(part) == wire


@for_all(("wire", OF_TOOLS))
def test_a_tool_of_googles_is_read_field_by_field(wire: JSON) -> None:
    part = part_of(wire)
    assert isinstance(part, ServerToolPart)
    (kind,) = wire
    said = {part.id, part.name, part.status}
    assert part.kind == kind
    assert part.id == "x1"
    for name, value in wire[kind].items():
        if name in ("code", "args"):
            assert part.input == value
        elif name in ("output", "response"):
            assert part.output == value
        elif name != "language":
            assert value in said, name
    assert wire_of(part) == wire


@for_all(("wire", OF_TOOLS), ("value", [7, None, [], {"b": None}, "", "c"]))
def test_a_tool_of_googles_goes_back_whatever_its_fields_hold(wire: JSON, value: object) -> None:
    (kind,) = wire
    for name in wire[kind]:
        other: JSON = {kind: {**wire[kind], name: value}}
        part = part_of(other)
        assert wire_of(part) == other
        if isinstance(part, ServerToolPart):
            assert {type(part.id), type(part.name), type(part.status)} <= {str, type(None)}
        less: JSON = {kind: {field: inner for field, inner in wire[kind].items() if field != name}}
        assert wire_of(part_of(less)) == less


def test_a_tool_of_another_provider_has_no_form_here() -> None:
    assert wire_of(ServerToolPart("web_search_call", id="a")) is None


@for_all(
    (
        ("media_type", "kind"),
        [
            ("image/heic", ImagePart),
            ("audio/mp3", AudioPart),
            ("application/pdf", DocumentPart),
            ("text/csv", DocumentPart),
            ("video/mp4", UnknownPart),
            ("application/zip", UnknownPart),
            ("my-image/png", UnknownPart),
        ],
    )
)
def test_a_file_is_what_its_media_type_says(media_type: str, kind: type[Part]) -> None:
    data = base64.b64encode(b"abc").decode()
    inline: JSON = {"inlineData": {"mimeType": media_type, "data": data, "displayName": "a"}}
    stored: JSON = {
        "fileData": {"mimeType": media_type, "fileUri": "https://e.example/a", "displayName": "a"}
    }
    for wire in (inline, stored):
        part = part_of(wire)
        assert type(part) is kind
        assert wire_of(part) == wire
        if isinstance(part, (ImagePart, AudioPart, DocumentPart)):
            assert part.media_type == media_type
            (kind_of_wire,) = wire
            assert part.extra == {kind_of_wire: {"displayName": "a"}}
            assert (part.data, part.url) in ((b"abc", None), (None, "https://e.example/a"))


@for_all(
    (
        "wire",
        [
            {"inlineData": {"data": "YWJj"}},
            {"inlineData": {"mimeType": 7, "data": "YWJj"}},
            {"inlineData": {"mimeType": "image/png"}},
            {"inlineData": {"mimeType": "image/png", "fileUri": "https://e.example/a"}},
            {"fileData": {"mimeType": "image/png", "data": "YWJj"}},
            {"fileData": "https://e.example/a"},
            {"thoughtSignature": "c2ln"},
            {},
        ],
    )
)
def test_a_part_of_another_form_is_kept_as_it_is(wire: JSON) -> None:
    part = part_of(wire)
    assert isinstance(part, UnknownPart)
    assert part.kind == next(iter(wire), "")
    assert wire_of(part) == wire


def test_a_text_or_a_thought_without_words_is_kept_for_its_signature() -> None:
    assert wire_of(TextPart("", extra=SIGNED)) == {"text": "", **SIGNED}
    assert wire_of(ReasoningPart("", SIGNED)) == {"text": "", "thought": True, **SIGNED}
    assert wire_of(TextPart("a")) == {"text": "a"}
    assert wire_of(ReasoningPart("a")) == {"text": "a", "thought": True}
    assert wire_of(TextPart("")) is None
    assert wire_of(ReasoningPart("")) is None


def test_an_unknown_part_is_named_by_its_data() -> None:
    assert part_of({"thoughtSignature": "c2ln", "somethingNew": 1}) == UnknownPart(
        "somethingNew", {"thoughtSignature": "c2ln", "somethingNew": 1}
    )


READ: dict[Any, str] = {  # Any: classes with the same arguments
    ImagePart: "image/: png jpeg webp heic heif gif",
    AudioPart: "audio/: wav mp3 flac ogg aac",
    DocumentPart: "text/: html csv",
}
"""Formats of files that Gemini reads, under their own names (its pages on images, sound and documents)."""
SHORT = {"jpg": "image/jpeg", "pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown"}
"""Endings that name no format."""


def sent_type(part: Part) -> object:
    wire = wire_of(part)
    assert wire is not None
    file: Any = wire["fileData"]
    return file["mimeType"]


@for_all(("kind", READ))
def test_the_ending_of_an_address_says_its_media_type(kind: Any) -> None:
    family, _, formats = READ[kind].partition(": ")
    for each in formats.split():
        for other in READ:  # whatever part it was given as
            assert sent_type(other(url=f"https://e.example/a.b.{each}")) == f"{family}{each}"
    for ending, media_type in SHORT.items():
        assert sent_type(kind(url=f"https://e.example/a.{ending.upper()}?b=c.png")) == media_type


@pytest.mark.parametrize("kind", [ImagePart, AudioPart, DocumentPart])
def test_a_media_type_that_was_given_is_sent_whatever_the_ending(kind: Any) -> None:
    assert sent_type(kind(url="https://e.example/a.gif", media_type="x/y")) == "x/y"
    assert sent_type(kind(url="https://e.example/a.new")) == kind(url="x").media_type
