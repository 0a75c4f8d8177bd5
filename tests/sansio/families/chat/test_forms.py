"""Chunks that have the form of the one before them, and chunks that only look as if they had."""

from __future__ import annotations

import pytest

from tests.sansio.wires import DONE, Record, chunk, comparable, parse, sse, tool_chunk

BEGIN = tool_chunk("{}", id="c", name="f")


def with_content(text: str) -> Record:
    return {"meta": {"content": "a"}, **chunk({"content": text})}


STREAMS: dict[str, list[Record]] = {
    "the field's name is in another object first": [with_content(text) for text in "abc"],
    "reasoning has two fields, of which one changes": [
        chunk({"reasoning_content": text, "reasoning": "a"}) for text in "aabc"
    ],
    "blanks behind a call that was named again": [
        BEGIN, tool_chunk("", name="f"), tool_chunk(" "), tool_chunk(" "), tool_chunk("{}"), tool_chunk(" "),
    ],
    "the index changes": [
        BEGIN, tool_chunk("", index=1, id="d", name="g"), *(tool_chunk("1", index=at % 2) for at in range(6)),
    ],
    "a text that looks like what follows it": [
        chunk({"content": text}, p="x") for text in ("a", '"}', '"p": "', ']}, "p": "y"}', "\\", 'b", "c": "')
    ],
    **{
        f"the name is in another object first, and the text is {text}": [
            {"meta": {"content": inner}, **chunk({"content": text})} for inner in "abc"
        ]
        for text in ("a", "x", "\N{SNOWMAN}")
    },
    **{
        f"padding of another object, and the padding is {padding}": [
            {**chunk({"content": text}), "meta": {"p": inner}, "padding": padding}
            for text, inner in zip("aabb", "abcd", strict=True)
        ]
        for padding in ("a", "x", "\N{SNOWMAN}")
    },
    "longer than any form": [chunk({"content": "a" * 5_000})] * 3,
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_chunks_of_one_form_mean_what_they_mean_alone(name: str) -> None:
    chunks = STREAMS[name]
    apart = [{"created": turn, **record} for turn, record in enumerate(chunks)]
    end = sse(chunk({}, "stop")) + DONE
    assert comparable(parse("openai", [sse(*chunks) + end])) == comparable(
        parse("openai", [sse(*apart) + end])
    )


MALFORMED = [
    b'{"choices":[{"index":0,"delta":{"content":"a"}}],"p":"x"]',
    b'{"choices":[{"index":0,"delta":{"content":"a"}}],"p":"x""}',
    b'{"choices":[{"index":0,"delta":{"content":"a"x"}}],"p":"x"}',
    b'{"choices":[{"index":0,"delta":{"content":"a"}],"p":"x"}',
    b'"choices":[{"index":0,"delta":{"content":"a"}}],"p":"x"}',
]


@pytest.mark.parametrize("odd", MALFORMED)
def test_a_malformed_chunk_is_an_error_after_chunks_of_its_form(odd: bytes) -> None:
    usual = b'{"choices":[{"index":0,"delta":{"content":"a"}}],"p":"x"}'
    given = [b"data: %b\n\n" % data for data in (usual, usual, odd)]
    *deltas, last = comparable(parse("openai", given))
    assert len(deltas) == 2
    assert last == comparable(parse("openai", [b"".join(given)]))[-1]
