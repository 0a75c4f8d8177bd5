"""Converse's blocks as parts, and parts as blocks: each function undoes the other."""

from __future__ import annotations

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.converse.parts import block_of, call_extra, citation_of, citation_to_send, part_of
from tests.sansio.families.converse.frames import Record
from tests.support import for_each

WEB: Record = {"location": {"web": {"url": "https://e", "domain": "e"}}, "title": "T", "source": None}
CHAR: Record = {
    "location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}},
    "sourceContent": [{"text": "quoted"}],
}
PNG = "iVBORw0KGgo="
BLOCKS: list[tuple[Record, Part]] = [
    ({"text": "Hi"}, TextPart("Hi")),
    ({"type": "text", "text": "Hi"}, TextPart("Hi", extra={"type": "text"})),
    (
        {"citationsContent": {"content": [{"text": "Hi"}], "citations": [WEB]}},
        TextPart(
            "Hi",
            (Citation("https://e", "T", extra={"location": {"web": {"domain": "e"}}, "source": None}),),
        ),
    ),
    (
        {"citationsContent": {"citations": [CHAR], "new": 1}, "x": 2},
        TextPart(
            "",
            (Citation(None, None, "quoted", extra={"location": CHAR["location"]}),),
            {"citationsContent": {"new": 1}, "beside": {"x": 2}},
        ),
    ),
    (
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
        ReasoningPart("Hm.", {"signature": "s"}),
    ),
    ({"reasoningContent": {"redactedContent": "eA=="}}, ReasoningPart("", {"redactedContent": "eA=="})),
    (
        {"reasoningContent": {"reasoningText": {"text": "Hm."}}, "type": "r"},
        ReasoningPart("Hm.", {"beside": {"type": "r"}}),
    ),
    (
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {"q": 1}, "type": "server_tool_use"}},
        ServerToolPart("server_tool_use", "t", "f", {"q": 1}),
    ),
    (
        {"toolResult": {"toolUseId": "t", "content": [{"text": "x"}], "status": "success", "type": "r"}},
        ServerToolPart("r", "t", output=[{"text": "x"}], status="success"),
    ),
    (
        {"toolResult": {"toolUseId": 1, "content": [], "type": None}},
        ServerToolPart("toolResult", output=[], extra={"toolUseId": 1, "type": None}),
    ),
    (
        {"image": {"format": "png", "source": {"bytes": PNG}, "error": None}},
        ImagePart(data=b"\x89PNG\r\n\x1a\n", extra={"error": None}),
    ),
    (
        {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1"}}}},
        ImagePart(
            url="s3://b/k",
            media_type="image/webp",
            extra={"source": {"s3Location": {"bucketOwner": "1"}}},
        ),
    ),
    (
        {"image": {"format": "png", "source": {"bytes": PNG}}, "x": 2},
        ImagePart(data=b"\x89PNG\r\n\x1a\n", extra={"beside": {"x": 2}}),
    ),
    (
        {"citationsContent": {"content": [{"text": "Hi"}], "citations": [
            {"location": {"web": {"url": "https://e"}, "new": 1}, "title": 5, "sourceContent": [{"text": 5}]},
            {"location": {"web": {"url": 5}}, "sourceContent": [{"text": "a"}, {"text": "b"}]},
            {"location": {"web": "https://e"}, "sourceContent": [{"text": "a", "new": 1}]},
            {"location": "https://e", "sourceContent": []},
            {"location": {"new": {"url": "https://e"}}, "title": None},
        ]}},
        TextPart("Hi", (
            Citation("https://e", extra={
                "location": {"web": {}, "new": 1}, "title": 5, "sourceContent": [{"text": 5}],
            }),
            Citation(extra={
                "location": {"web": {"url": 5}}, "sourceContent": [{"text": "a"}, {"text": "b"}],
            }),
            Citation(extra={"location": {"web": "https://e"}, "sourceContent": [{"text": "a", "new": 1}]}),
            Citation(extra={"location": "https://e", "sourceContent": []}),
            Citation(extra={"location": {"new": {"url": "https://e"}}, "title": None}),
        )),
    ),
    (
        {"image": {"format": "gif", "source": {"s3Location": {"uri": "s3://b/k"}}}},
        ImagePart(url="s3://b/k", media_type="image/gif"),
    ),
]  # fmt: skip
ODD: list[Record] = [
    {"text": 1},
    {"aNewKind": {"a": None}},
    {"aNewKind": "text"},
    {},
    {"citationsContent": {"citations": "none"}},
    {"citationsContent": {"citations": {}}},
    {"citationsContent": {"content": [{"text": "a"}]}},
    {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}},
    {"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "tool_use"}},
    {"citationsContent": {"citations": [1]}},
    {"citationsContent": {"citations": [], "content": "text"}},
    {"citationsContent": {"citations": [], "content": [{"text": "a", "b": 1}]}},
    {"reasoningContent": {"reasoningText": {"text": "a", "redactedContent": "b"}}},
    {"reasoningContent": {"reasoningText": {"text": "a"}, "redactedContent": "b", "text": "c"}},
    {"reasoningContent": {}},
    {"reasoningContent": {"reasoningText": {"signature": "s"}}},
    {"reasoningContent": {"reasoningText": {"text": 1}}},
    {"reasoningContent": {"reasoningText": "a"}},
    {"reasoningContent": {"text": "a", "redactedContent": "b"}},
    {"citationsContent": {"content": [{"text": 1}], "citations": []}},
    {"citationsContent": {"content": ["a"], "citations": []}},
    {"image": {"format": "png", "source": "a"}},
    {"image": {"format": "png", "source": {"bytes": PNG, "s3Location": {"uri": "s3://b/k"}}}},
    {"toolUse": {"toolUseId": "t", "name": "f", "input": 1, "type": "server_tool_use"}},
    {"toolResult": {"toolUseId": "t"}},
    {"image": {"format": "tiff", "source": {"bytes": PNG}}},
    {"image": {"format": "png", "source": {"bytes": "not base64"}}},
    {"image": {"format": "png", "source": {}}},
    {"image": {"format": "png", "source": {"s3Location": {"uri": ""}}}},
    {"image": {"format": "png", "source": {"s3Location": {"uri": 5}}}},
    {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k"}, "new": 1}}},
    {"image": {"source": {"bytes": PNG}}},
    {"image": {"format": "png", "source": {"s3Location": "s3://b/k"}}},
]


@for_each(BLOCKS)
def test_a_block_is_its_part_and_the_part_its_block(case: tuple[Record, Part]) -> None:
    block, part = case
    assert part_of(block) == part
    assert block_of(part) == block


@for_each(ODD)
def test_a_block_of_another_form_is_kept_as_it_is(block: Record) -> None:
    part = part_of(block)
    assert isinstance(part, UnknownPart)
    assert block_of(part) == part.extra == block


def test_a_block_of_no_kind_is_kept() -> None:
    assert part_of({}) == UnknownPart("", {})
    assert part_of({"first": 1, "second": {}}) == UnknownPart("second", {"first": 1, "second": {}})
    assert part_of({"first": 1, "second": 2}) == UnknownPart("first", {"first": 1, "second": 2})


def test_a_cited_text_in_pieces_is_one_text() -> None:
    cited: Record = {"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": []}}
    assert part_of(cited) == TextPart("ab")


def test_a_call_keeps_what_its_block_has_beside_it() -> None:
    block: Record = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "tool_use"}, "x": 1}
    extra = call_extra(block)
    assert extra == {"type": "tool_use", "beside": {"x": 1}}
    assert block_of(ToolCall("t", "f", {}, extra=extra)) == block
    bare: Record = {"toolUse": {"toolUseId": None, "name": None, "input": None, "type": None}}
    assert call_extra(bare) == {}
    new: Record = {"toolUse": {"toolUseId": "t", "new": None, "newer": 1}}
    assert call_extra(new) == {"new": None, "newer": 1}


def test_a_page_of_another_provider_s_answer_is_one_of_the_web() -> None:
    sent = citation_to_send(Citation("https://e", "T", "words"))
    assert sent == {
        "title": "T",
        "sourceContent": [{"text": "words"}],
        "location": {"web": {"url": "https://e"}},
    }
    again = citation_of(sent)
    assert (again.url, again.title, again.quote) == ("https://e", "T", "words")


NO_BLOCKS: list[Part] = [
    TextPart(" \n"),
    RefusalPart("No."),
    ImagePart(data=b"BM", media_type="image/bmp"),
    ImagePart(url="https://e/i.png"),
    ImagePart(file_id="f"),
    DocumentPart(data=b"x", media_type="application/zip"),
]


@for_each(NO_BLOCKS)
def test_what_has_no_place_is_no_block(part: Part) -> None:
    assert block_of(part) is None


def test_files_are_named_by_their_format() -> None:
    document = DocumentPart(data=b"a,b", media_type="text/csv", name="t", extra={"citations": {}})
    assert block_of(document) == {
        "document": {"format": "csv", "name": "t", "source": {"bytes": "YSxi"}, "citations": {}}
    }
    bare = DocumentPart(data=b"a,b", media_type="text/csv")
    assert block_of(bare) == {"document": {"format": "csv", "source": {"bytes": "YSxi"}}}
    assert block_of(AudioPart(url="s3://b/k", media_type="audio/mpeg")) == {
        "audio": {"format": "mp3", "source": {"s3Location": {"uri": "s3://b/k"}}}
    }


def test_what_the_citations_of_a_text_had_beside_them_goes_with_them() -> None:
    beside: Record = {"citationsContent": {"new": 1}, "beside": {"x": 2}}
    assert block_of(TextPart("Hi", extra=beside)) == {"text": "Hi"}
    sent = block_of(TextPart("Hi", (Citation(title="T"),), beside))
    assert sent == {
        "citationsContent": {"citations": [{"title": "T"}], "content": [{"text": "Hi"}], "new": 1},
        "x": 2,
    }
