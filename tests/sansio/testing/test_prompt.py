"""What the embedded model sees of a request cannot be changed, and is counted in words and signs."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from sansio.testing.prompt import (
    OfferedTool,
    Prompt,
    ToolResult,
    as_object,
    as_objects,
    as_text,
    count_tokens,
    text_of,
)
from sansio.testing.routes import Route
from tests.sansio.testing.prompting import prompt

VALUES: list[Any] = [prompt(), OfferedTool("f", {}), ToolResult("f", "done"), Route("openai")]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_was_read_of_a_request_stays_as_it_is(value: Any) -> None:
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_a_prompt_is_made_by_names() -> None:
    positional: Any = Prompt
    with pytest.raises(TypeError):
        positional(*structs.astuple(prompt()))


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), (" \n", 0), ("a", 1), ("ab c_1", 2), ("a-b", 3), ("?!", 2), ("a . b", 3)]
)
def test_a_word_is_one_token_and_so_is_each_sign(text: str, count: int) -> None:
    assert count_tokens(text) == count


PARTS: Any = [{"type": "text", "text": "one"}, {"type": "image", "text": "no"}, "x", {"text": "no"}]


def test_the_text_of_a_content_is_that_of_its_text_parts() -> None:
    assert text_of("plain") == "plain"
    assert text_of([*PARTS, {"type": "text", "text": "two"}]) == "one two"
    assert text_of([{"type": "text", "text": 5}]) == ""
    nothing: list[Any] = [None, 5, {}, {"type": "text", "text": "a"}]
    assert [text_of(each) for each in nothing] == [""] * 4


def test_what_is_of_another_kind_is_empty() -> None:
    others: list[Any] = [None, 5, "a", [1], {"a": 1}, [{"a": 1}, 2, {"b": 2}]]
    assert [as_object(each) for each in others] == [{}, {}, {}, {}, {"a": 1}, {}]
    assert [as_objects(each) for each in others] == [[], [], [], [], [], [{"a": 1}, {"b": 2}]]
    assert [as_text(each) for each in others] == ["", "", "a", "", "", ""]
