"""Anthropic's blocks as parts, and parts as blocks: each function undoes the other."""

from __future__ import annotations

import pytest

from sansio import AudioPart, Part, RefusalPart, TextPart
from sansio.families.messages.parts import block_of, part_of
from tests.sansio.wires import Record

BLOCKS: list[Record] = [
    {"type": "text", "text": "Hi"},
    {
        "type": "text",
        "text": "Hi",
        "citations": [{"type": "char_location", "document_title": "t"}],
        "x": None,
    },
    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
    {"type": "mcp_tool_use", "id": "m", "name": "f", "server_name": "y", "input": {}},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]},
    {"type": "something_new", "a": None},
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_comes_back_from_its_part(block: Record) -> None:
    assert block_of(part_of(block)) == block


@pytest.mark.parametrize("part", [TextPart(" \n"), RefusalPart("No."), AudioPart(transcript="Hi")])
def test_what_a_request_must_not_hold_is_no_block(part: Part) -> None:
    assert block_of(part) is None
