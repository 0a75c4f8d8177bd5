"""An answer as markdown on a terminal: the same picture however its text arrives."""

from __future__ import annotations

import io
import re
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.transports.cli.command import PATIENCE
from transports.cli.markdown import MarkdownPage, split_final

LINES = """a *b*,,# head,---,===,- item,  - inner,1. one,> said,```py,```,    code,a | b,--|--,<div>,+ x"""
LINE = st.sampled_from(LINES.split(","))
DOCUMENT = st.lists(LINE, max_size=14).map("\n".join)
ANSWER = """# Top

Text with **bold**, `code`, list<int> and [a link](https://example.com).

- one
- two

```python
def f(): ...
```

| a | b |
|---|---|
| 1 | 2 |
"""


def kinds(text: str) -> list[tuple[str, str]]:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    return [(token.type, token.content) for token in parser.parse(text)]


@given(DOCUMENT, st.data())
def test_blocks_that_are_final_stay_as_they_are(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    final, rest = split_final(text[:cut])
    assert final + rest == text[:cut]
    assert kinds(final) + kinds(text[len(final) :]) == kinds(text)


class Terminal(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.was_drawn = Event()

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        self.was_drawn.set()


def drawn(pieces: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that remain on a terminal of 40 columns and 8 lines, without styles."""
    for name, value in {"COLUMNS": "40", "LINES": "8", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    page = MarkdownPage(stream, frames=1_000)
    for piece in pieces:
        stream.was_drawn.clear()
        page.write(piece)
        assert stream.was_drawn.wait(PATIENCE)
    page.end_line()
    assert page.at_line_start
    shown: list[str] = []
    # The frames go up by as many lines as they had, and erase them.
    for line in re.split(r"(\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*)", stream.getvalue()):
        if line.startswith("\r\x1b[2K"):
            del shown[len(shown) - line.count("\x1b[1A") - 1 :]
        else:
            shown += re.sub(r"\x1b\[[\d;]*m", "", line).split("\n")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", "".join(shown))
    return [line.rstrip() for line in shown]


def test_the_picture_does_not_depend_on_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn([ANSWER], monkeypatch)
    assert drawn(re.findall(".{1,9}|\n", ANSWER), monkeypatch) == whole
    text = "\n".join(whole)
    assert "Text with bold, code, list<int> and a\nlink (https://example.com)." in text
    assert "\n\n • one\n • two\n\n def f(): ...\n\n a  b\n" in text
    assert "**" not in text


def test_an_answer_has_no_power_over_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "\x1b]0;title\x07 \x9b31m [bold]b[/bold] \x08\x7f\r &#27;[2J [x](\x1b[2J) :smile:"
    text = "".join(drawn([evil], monkeypatch))
    assert "[bold]b[/bold]" in text
    assert ":smile:" in text
    assert "\\x1b]0;title\\x07" in text
