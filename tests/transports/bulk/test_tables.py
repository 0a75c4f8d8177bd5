"""Tables of Arrow: rows to ask, their answers, and those that are not answered yet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    CallResult,
    ConfigError,
    FinishReason,
    InvalidRequestError,
    LeftOut,
    Message,
    RateLimitError,
    Role,
    Usage,
)
from transports.bulk.tables import TableForm, without_keys

arrow: Any = pytest.importorskip("pyarrow")

SCHEMA = {"type": "object", "properties": {"size": {"type": "integer"}, "tags": {"type": "array"}}}


def message(text: str) -> Message:
    usage = Usage(input_tokens=3, output_tokens=2, cost=0.5)
    return Message(Role.ASSISTANT, text, model="m", usage=usage, finish_reason=FinishReason.STOP)


def test_the_answers_have_the_key_the_kept_columns_and_a_reason_where_a_row_failed() -> None:
    form = TableForm("id", keep=("town",), schema=SCHEMA)
    table = arrow.table({"id": [7, 8, 9], "town": ["Bonn", None, "Rome"], "more": [1, 2, 3]})
    answers = form.answers(
        table,
        [
            CallResult(index=0, input=0, answer=message('{"size": 5, "tags": ["a"]}')),
            CallResult(index=1, input=1, error=RateLimitError("HTTP 429", status=429)),
            CallResult(
                index=2, input=2, answer=message("Sure!"), left_out=(LeftOut("seed", "none", option="seed"),)
            ),
        ],
    )
    assert answers.column_names == [
        *("id", "town", "text", "size", "tags", "finish_reason", "model"),
        *("input_tokens", "output_tokens", "cost", "left_out", "error"),
    ]
    good, refused, odd = answers.to_pylist()
    assert good == {
        "id": 7,
        "town": "Bonn",
        "text": '{"size": 5, "tags": ["a"]}',
        "size": 5,
        "tags": '["a"]',
        "finish_reason": "stop",
        "model": "m",
        "input_tokens": 3,
        "output_tokens": 2,
        "cost": 0.5,
        "left_out": None,
        "error": None,
    }
    assert (refused["id"], refused["text"], refused["error"]) == (8, None, "RateLimitError: HTTP 429")
    assert (odd["text"], odd["size"], odd["cost"]) == ("Sure!", None, 0.5)
    assert odd["left_out"] == '[{"what":"seed","why":"none","option":"seed"}]'
    assert "schema" in odd["error"]
    assert (
        answers.schema
        == form.answers(table.slice(1, 1), [CallResult(index=0, input=0, error=RateLimitError("x"))]).schema
    )


@given(st.lists(st.sampled_from(("user", None)), min_size=1, max_size=5))
def test_what_a_row_did_not_write_within_a_column_is_left_out(names: list[str | None]) -> None:
    messages = [[{"role": "user", "content": "x"} | ({"name": name} if name else {})] for name in names]
    table = arrow.table({"id": range(len(names)), "messages": messages, "prompt": [None] * len(names)})
    rows = TableForm("id").rows(table)
    assert [row["messages"] for row in rows] == messages
    assert all(row["prompt"] is None for row in rows)


def test_a_key_that_is_null_is_an_error_of_its_row() -> None:
    with pytest.raises(InvalidRequestError, match="id: is null"):
        TableForm("id").check({"id": None})


def test_a_batch_without_rows_needs_no_columns() -> None:
    empty = arrow.table({})
    form = TableForm("id")
    assert form.rows(empty) == []
    assert form.answers(empty, []) is empty
    assert without_keys(empty, "id", arrow.array(["a"])) is empty


@pytest.mark.parametrize(
    ("keep", "names"), [(("text",), "text"), (("error",), "error"), (("id",), "id"), (("size",), "size")]
)
def test_a_column_that_is_kept_has_a_name_that_no_other_has(keep: tuple[str, ...], names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        TableForm("id", keep=keep, schema=SCHEMA)


def test_a_batch_that_cannot_be_read_says_what_to_write() -> None:
    form = TableForm("id", keep=("town",))
    with pytest.raises(ConfigError, match="batch_format='pyarrow'"):
        form.rows({"id": [1]})
    with pytest.raises(ConfigError, match="no column town; they have id"):
        form.rows(arrow.table({"id": [1]}))


KEYS = st.integers(0, 20)


@given(st.lists(KEYS), st.lists(KEYS))
def test_the_rows_without_known_keys_are_those_that_are_not_answered(
    keys: list[int], known: list[int]
) -> None:
    table = arrow.table({"id": arrow.array(keys, arrow.int32()), "at": range(len(keys))})
    left = without_keys(table, "id", arrow.array(known, arrow.int64()))
    assert left.to_pylist() == [{"id": key, "at": at} for at, key in enumerate(keys) if key not in known]


def test_keys_of_another_type_are_refused() -> None:
    table = arrow.table({"id": ["a"]})
    with pytest.raises(ConfigError, match="id is string in the input and list"):
        without_keys(table, "id", arrow.array([[1]]))
    with pytest.raises(ConfigError, match="no column key; they have id"):
        without_keys(table, "key", arrow.array(["a"]))
