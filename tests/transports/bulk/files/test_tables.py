"""CSV and Parquet: rows that go in, and answers that come out as columns."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import ConfigError, Message, RemoteProtocolError, Role, Usage
from transports.bulk.files.answers import answer, check_columns, write_table
from transports.bulk.files.rows import BadRow, read_rows, source_of

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "good": {"type": "boolean"},
        "tags": {"type": "array"},
        "any": {},
    },
}
SAID: dict[str, Any] = {"name": 'a, "b"\n', "count": 3, "share": 2, "good": True, "tags": ["x"], "any": None}
TEXTS = st.text(st.characters(exclude_characters="\x00\r", codec="utf-8"))


def journal(folder: Path, *values: object) -> Path:
    path = folder / "answers.journal.jsonl"
    usage = Usage(input_tokens=1, output_tokens=2, cost=0.5)
    lines = []
    for number, value in enumerate(values):
        message = Message(Role.ASSISTANT, msgspec.json.encode(value).decode(), model="m", usage=usage)
        lines.append(msgspec.json.encode(answer(str(number), message, with_value=True)) + b"\n")
    path.write_bytes(b"".join(lines))
    return path


def rows(path: Path) -> list[tuple[int, Any]]:
    return list(read_rows(path))


@given(st.lists(st.fixed_dictionaries({"a": TEXTS, "b": TEXTS})))
def test_the_rows_of_a_csv_are_read_back(given: list[dict[str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["a", "b"])
    writer.writeheader()
    writer.writerows(given)
    path = Path(__file__).with_name("none.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda *_, **__: io.StringIO(text.getvalue(), newline=""))
        assert rows(path) == list(enumerate(given, 1))


def test_a_csv_with_a_mark_at_its_begin_and_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(b'\xef\xbb\xbfcustom_id,prompt\r\na,Hello\r\n\r\nb\r\nc,"two\r\nlines"\r\nd,\xff\r\n')
    found = rows(path)
    assert found[0] == (1, {"custom_id": "a", "prompt": "Hello"})
    assert [type(row) for _, row in found] == [dict, BadRow, dict, BadRow]
    assert found[2][1]["prompt"] == "two\r\nlines"
    assert "1 cells" in found[1][1].error
    assert "UTF-8" in found[3][1].error


def test_a_malformed_line_of_json_is_a_bad_row_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n[1]\n{"a": \xff}\n' + b"[" * 5_000 + b"\n" + b'{"b": 2}')
    found = rows(path)
    assert [number for number, _ in found] == [1, 3, 4, 5, 6]
    assert [isinstance(row, BadRow) for _, row in found] == [False, True, True, True, False]
    assert source_of(path).rows == 6


def test_the_properties_of_a_schema_are_columns_of_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_table(journal(tmp_path, SAID, {"name": "b"}), path, SCHEMA)
    with path.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["name"], first["count"], first["good"], first["tags"]) == ('a, "b"\n', "3", "true", '["x"]')
    assert (second["custom_id"], second["count"], second["cost"], second["model"]) == ("1", "", "0.5", "m")
    assert [row["custom_id"] for _, row in rows(path)] == ["0", "1"]


def test_the_properties_of_a_schema_are_typed_columns_of_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    odd = {"name": 5, "count": 2.5, "share": "much", "good": "yes", "tags": {"a": 1}, "any": 1}
    write_table(journal(tmp_path, SAID, odd), path, SCHEMA)
    (_, first), (_, second) = rows(path)
    assert {name: first[name] for name in SAID} == {**SAID, "tags": '["x"]'}
    assert {name: second[name] for name in SAID} == {
        "name": "5",
        "count": None,
        "share": None,
        "good": None,
        "tags": '{"a":1}',
        "any": "1",
    }
    assert source_of(path).rows == 2


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    path.write_bytes(b"not parquet")
    with pytest.raises(ConfigError, match="not a Parquet file"):
        rows(path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError, match=r"sansio-llm\[parquet\]"):
        rows(tmp_path / "a.parquet")


def test_a_table_that_cannot_be_written_leaves_no_part_of_it(tmp_path: Path) -> None:
    path = journal(tmp_path, SAID)
    path.write_bytes(path.read_bytes() + b"{}\n")
    with pytest.raises(msgspec.ValidationError):
        write_table(path, tmp_path / "a.csv", SCHEMA)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_property_may_not_have_the_name_of_another_column() -> None:
    with pytest.raises(ConfigError, match="text"):
        check_columns({"properties": {"text": {}}})


def test_an_answer_that_is_no_json_has_no_value() -> None:
    with pytest.raises(RemoteProtocolError, match="schema"):
        answer("a", Message(Role.ASSISTANT, "Sure!"), with_value=True)
