"""The code blocks of the project's pages, and how they are run: down the page, in one namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str, text: str) -> list[tuple[int, str]]:
    """The code blocks of a language, each with the line at which it begins."""
    return [
        (text.count("\n", 0, match.start(2)) + 1, match[2])
        for match in _BLOCK.finditer(text)
        if match[1] == language
    ]


def section(heading: str, text: str) -> str:
    """The text below a heading, up to the next one."""
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, f"no heading {heading!r}"
    return rest.partition("\n## ")[0]


def run_down(page: Path) -> Iterator[str]:
    """Run a page's Python blocks, each after those above it; gives the heading above each."""
    text = page.read_text("utf-8")
    namespace: dict[str, object] = {"__name__": page.stem}
    for line, source in blocks("python", text):
        above = "\n".join(text.split("\n")[: line - 1])
        # Blank lines in front, so that a traceback names the page's own line. Not with this file's future
        # imports, which a reader's program need not have.
        exec(compile("\n" * (line - 1) + source, page.name, "exec", dont_inherit=True), namespace)
        yield above.rpartition("\n## ")[2].partition("\n")[0]
