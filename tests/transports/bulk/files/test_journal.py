"""A journal of answers: what is in it survives any crash, and it belongs to one process and one batch."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import ConfigError
from transports.bulk.files.journal import Journal

ABOUT = {"input": {"name": "prompts.jsonl"}, "model": "m"}


def line(custom_id: str) -> bytes:
    return msgspec.json.encode({"custom_id": custom_id, "text": "an answer"})


@given(st.lists(st.text(min_size=1), unique=True, min_size=1), st.integers(0, 200))
def test_a_file_cut_anywhere_has_the_whole_answers_before_the_cut(ids: list[str], cut: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "answers.jsonl")
        with Journal(path, ABOUT, resume=False) as journal:
            for each in ids:
                journal.append(line(each))
        data = path.read_bytes()
        at = max(1, len(data) - cut)
        path.write_bytes(data[:at])
        whole = [
            each for number, each in enumerate(ids) if at >= len(b"\n".join(map(line, ids[: number + 1])))
        ]
        with Journal(path, ABOUT, resume=True) as journal:
            assert journal.done == set(whole)
            for each in ids[len(whole) :]:
                journal.append(line(each))
        assert path.read_bytes() == data


def test_answers_are_not_added_to_unless_the_run_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Journal(path, ABOUT, resume=False) as journal:
        journal.append(line("a"))
    with pytest.raises(ConfigError, match="--resume"):
        Journal(path, ABOUT, resume=False)


def test_two_runs_on_one_output_refuse_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Journal(path, ABOUT, resume=False), pytest.raises(ConfigError, match="another process"):
        Journal(path, ABOUT, resume=True)
    Journal(path, ABOUT, resume=True).close()


def test_the_answers_to_something_else_are_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Journal(path, ABOUT, resume=False) as journal:
        journal.append(line("a"))
    with pytest.raises(ConfigError, match=r'model: "m", now "other"') as raised:
        Journal(path, {**ABOUT, "model": "other"}, resume=True)
    assert "input" not in raised.value.message
    assert raised.value.field == "output"


def remove(about: Path) -> None:
    about.unlink()


def spoil(about: Path) -> None:
    about.write_text("{}")


def from_the_future(about: Path) -> None:
    about.write_text('{"version": 2, "batch": {}}')


@pytest.mark.parametrize("change", [remove, spoil, from_the_future])
def test_without_a_record_of_its_batch_a_file_is_refused(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "a.jsonl"
    with Journal(path, ABOUT, resume=False) as journal:
        journal.append(line("a"))
    change(tmp_path / "a.jsonl.batch.json")
    with pytest.raises(ConfigError, match=r"a\.jsonl\.batch\.json"):
        Journal(path, ABOUT, resume=True)


def test_a_file_that_has_no_answers_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Journal(path, ABOUT, resume=False) as journal:
        journal.append(line("a"))
        journal.append(b'{"name": "a note"}')
    with pytest.raises(ConfigError, match="line 2 has no custom_id"):
        Journal(path, ABOUT, resume=True)


def test_a_full_disk_leaves_what_was_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    write = os.write

    def nearly_full(file: int, data: bytes) -> int:
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: len(data) - 5])

    with Journal(path, ABOUT, resume=False) as journal:
        journal.append(line("a"))
        monkeypatch.setattr(os, "write", nearly_full)
        with pytest.raises(OSError, match="No space left"):
            journal.append(line("b"))
        monkeypatch.undo()
        assert path.read_bytes() == line("a") + b"\n"
        journal.append(line("c"))
    with Journal(path, ABOUT, resume=True) as journal:
        assert journal.done == {"a", "c"}
