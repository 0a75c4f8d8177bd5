"""`sansio-llm corpus`: the files that it writes."""

from __future__ import annotations

from pathlib import Path

from sansio.testing.corpus import corpus_files
from tests.transports.cli.command import only_line, run


def test_the_files_are_written_to_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "corpus"
    done = run("corpus", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == corpus_files()
    counts = [line.rpartition(": ")[2] for line in done.stdout.splitlines()]
    assert len(counts) == 5
    assert all(count.endswith(" cases") for count in counts)


def test_a_file_in_place_of_the_folder_is_one_line_and_2(tmp_path: Path) -> None:
    file = tmp_path / "corpus"
    file.touch()
    done = run("corpus", str(file))
    assert done.returncode == 2
    assert repr(str(file)) in only_line(done.stderr)
