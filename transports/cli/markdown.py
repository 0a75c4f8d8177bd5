"""Shows an answer's text as markdown on a terminal, while it arrives.

A block of markdown is final once the next one has begun. Then it is printed, and scrolls away like other
output. Only the last block is redrawn. If it is taller than the terminal, only its end is drawn.
"""

from __future__ import annotations

from threading import Event, Lock, Thread
from typing import TextIO

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from transports.cli.terminal import harmless

_FRAMES = 12.0
"""How often per second the last block is redrawn, and final blocks are looked for."""

_CODE_THEME = "ansi_dark"
"""The terminal's own colours and background."""

# HTML is off, since rich would leave it out, and answers contain text such as `list<int>`.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


def split_final(text: str) -> tuple[str, str]:
    """Divide an answer's text into the blocks that are final, and the rest.

    The meaning of a line may depend on its end and on the line below it, but not on text after the next block
    has begun. Link definitions are the exception: a link to one in another block is shown as written.

    Args:
        text: the text that has arrived, from the start of a block.

    Returns:
        The final blocks, empty or ending with a line end; and the text from the start of the last block.
    """
    whole_lines = text[: text.rfind("\n") + 1]
    starts = [token.map[0] for token in _PARSER.parse(whole_lines) if token.map and token.level == 0]
    last = starts[-1] if starts else 0
    lines = whole_lines.split("\n")
    final = "".join(f"{line}\n" for line in lines[:last])
    return final, text[len(final) :]


class MarkdownPage:
    """Writes an answer to a terminal like a `Channel`, but as markdown.

    Args:
        stream: a terminal.
        frames: how often per second the last block is redrawn.

    Attributes:
        is_terminal: always true.
        at_line_start: whether nothing is being drawn, so that other text may be written.
    """

    is_terminal = True

    def __init__(self, stream: TextIO, *, frames: float = _FRAMES) -> None:
        self._pause = 1 / frames
        self._console = _Console(file=stream, highlight=False, markup=False, emoji=False)
        self._answer: _Drawn | None = None

    @property
    def at_line_start(self) -> bool:
        return self._answer is None

    def write(self, text: str) -> None:
        """Add text to the answer. It is drawn with the next frame."""
        if not text:
            return
        if self._answer is None:
            self._answer = _Drawn(self._console, self._pause)
        self._answer.add(harmless(text))

    def end_line(self) -> None:
        """Print the rest of the text."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.end()


class _Drawn:
    """An answer that a thread draws, so that an interrupt never leaves half a frame.

    Rich's own thread is not used, since it may draw a frame while half of a block has been printed.
    """

    def __init__(self, console: Console, pause: float) -> None:
        self._console = console
        self._pause = pause  # seconds between two frames
        self._text = ""  # the last block
        self._lock = Lock()  # held while the text changes
        self._below = False  # whether there is a block above it
        self._is_over = Event()
        self._live = Live(
            self, console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        self._thread = Thread(target=self._draw, name="sansio-llm-markdown", daemon=True)
        self._thread.start()

    def add(self, text: str) -> None:
        with self._lock:
            self._text += text

    def end(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._frame()
        self._live.stop()

    def _draw(self) -> None:
        drawn = ""
        while not self._is_over.wait(self._pause):
            if (text := self._text) != drawn:
                drawn = text
                self._frame()

    def _frame(self) -> None:
        """Print the blocks that are final, and redraw the last one."""
        final, _ = split_final(self._text)
        if final.strip():
            shown = _Blocks(final, self._below)
            with self._lock:
                self._text = self._text[len(final) :]
            self._below = True
            self._console.print(shown)
        else:
            self._live.refresh()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The last block, or as much of its end as fits."""
        lines = console.render_lines(_Blocks(self._text, self._below), options, pad=False)
        if not self._is_over.is_set():
            lines = lines[-max(1, console.height - 1) :]
        for line in lines:
            yield from line
            yield Segment.line()


class _Blocks:
    """Blocks of markdown with one blank line between them, whether they are printed together or not.

    Args:
        text: complete blocks.
        below: whether there is a block above them.
    """

    def __init__(self, text: str, below: bool) -> None:
        self._blocks = _by_block(_PARSER.parse(text))
        self._below = below

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        below = self._below
        for block in self._blocks:
            # Links as text, so that a person sees where they lead.
            markdown = Markdown("", hyperlinks=False, code_theme=_CODE_THEME)
            markdown.parsed = block
            lines = console.render_lines(markdown, options.update(height=None), pad=False)
            while lines and _is_blank(lines[0]):
                del lines[0]
            while lines and _is_blank(lines[-1]):
                del lines[-1]
            if lines and below:
                yield Segment.line()
            below = below or bool(lines)
            for line in lines:
                yield from line
                yield Segment.line()


def _by_block(tokens: list[Token]) -> list[list[Token]]:
    """The tokens of each block."""
    blocks: list[list[Token]] = []
    inside = False
    for token in tokens:
        if not inside:
            blocks.append([])
        blocks[-1].append(token)
        inside = token.level > 0 or token.nesting > 0
    return blocks


def _is_blank(line: list[Segment]) -> bool:
    return not "".join(segment.text for segment in line).strip()


class _Console(Console):
    """Never hides the cursor, since after an interrupt that ends the process it could not be shown again."""

    def show_cursor(self, show: bool = True) -> bool:
        return False
