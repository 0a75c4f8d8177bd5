"""How an answer is shown: as text for a person, or as JSON lines for a program."""

from __future__ import annotations

import os
import sys
from typing import Protocol, assert_never

import msgspec

from sansio import (
    AudioPart,
    ContentDelta,
    DocumentPart,
    FinishReason,
    ImagePart,
    Message,
    Part,
    PartComplete,
    ProviderError,
    ReasoningDelta,
    RefusalDelta,
    ServerToolPart,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    ToolCallDelta,
    ToolCallStarted,
)
from sansio.errors import ErrorContext
from transports.cli.terminal import Channel

# Valid in JSON, but a terminal may execute them, and some programs read them as line ends.
_ESCAPES = {char: f"\\u{char:04x}" for char in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
_SHOWN = 200
"""How many characters of a tool's result are shown to a person."""


class Display(Protocol):
    """Shows the events of an answer."""

    def show(self, event: StreamEvent) -> None:
        """Show one event. An answer that was not streamed has only its `StreamComplete`."""
        ...

    def show_result(self, result: Message) -> None:
        """Show the result of a tool."""
        ...


class Page(Protocol):
    """Where an answer's text is written: a `Channel`, or a `MarkdownPage`."""

    @property
    def is_terminal(self) -> bool:
        """Whether the text appears on a terminal, between the lines of standard error."""
        ...

    def write(self, text: str) -> None:
        """Write more of the text."""
        ...

    def end_line(self) -> None:
        """Begin a new line, unless the last text ended one."""
        ...


def answer_page(*, plain: bool) -> Page:
    """Standard output for an answer's text: as markdown on a terminal that can draw it, unless `plain`."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    if plain or not is_terminal or os.environ.get("TERM") in ("dumb", "unknown"):
        return Channel(sys.stdout)
    from transports.cli.markdown import MarkdownPage  # lazily: only a terminal needs it, and rich takes 50 ms

    return MarkdownPage(sys.stdout)


class JSONDisplay:
    """Writes each event as one line of JSON to standard output."""

    def __init__(self) -> None:
        self._out = Channel(sys.stdout, utf8=True)

    def show(self, event: StreamEvent) -> None:
        """See `Display.show`."""
        self._out.write(json_line(event))

    def show_result(self, result: Message) -> None:
        """See `Display.show_result`."""
        self._out.write(_line({"event": "tool_result", "message": result}))


class TextDisplay:
    """Writes the answer's text to standard output, and reasoning and tool calls to standard error.

    A terminal shows both, so each begins a new line there.

    Args:
        page: where the answer's text is written. Default: standard output.
    """

    def __init__(self, page: Page | None = None) -> None:
        self._out = page or Channel(sys.stdout)
        self._err = Channel(sys.stderr)
        self._streamed = False

    def show(self, event: StreamEvent) -> None:
        """See `Display.show`."""
        match event:
            case ContentDelta(text=text):
                self._err.end_line()
                self._out.write(text)
            case ReasoningDelta(text=text):
                self._set_apart()
                self._err.write(text, dim=True)
            case ToolCallStarted(name=name):
                self._set_apart()
                self._err.end_line()
                self._err.write(f"[the model calls {name}]\n", dim=True)
            case RefusalDelta() | ToolCallDelta():
                pass  # a refusal is shown when it is complete
            case PartComplete(part=part):
                self._show_part(part)
            case StreamComplete(message=message):
                self._complete(message)
            case StreamFailed():
                self._end()
            case _:
                assert_never(event)
        self._streamed = not isinstance(event, (StreamComplete, StreamFailed))

    def show_result(self, result: Message) -> None:
        """See `Display.show_result`. The text is cut to one line."""
        text = " ".join(result.text.split())
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        self._err.write(f"[the tool {'failed' if result.is_error else 'returned'}: {text}]\n", dim=True)

    def _show_part(self, part: Part) -> None:
        """Name the tool that the provider ran, or the content that it made: text output cannot show these."""
        match part:
            case ServerToolPart(kind=kind, name=name):
                what = f"the provider runs {name}" if name else f"the provider has {kind}"
            case ImagePart() | AudioPart() | DocumentPart():
                what = f"{part.media_type}, {len(part.data or b'')} bytes"
            case _:
                return
        self._set_apart()
        self._err.end_line()
        self._err.write(f"[{what}]\n", dim=True)

    def _complete(self, message: Message) -> None:
        if not self._streamed:
            self.show(ReasoningDelta(message.reasoning))
            self.show(ContentDelta(message.text))
            for index, call in enumerate(message.all_tool_calls):
                self.show(ToolCallStarted(index, call.id, call.name))
        self._end()
        if message.refusal:
            self._err.write(f"[the model refuses: {message.refusal}]\n")
        for invalid in message.invalid_tool_calls:
            self._err.write(f"[the call of {invalid.name} cannot be run: {invalid.reason}]\n")

    def _set_apart(self) -> None:
        """End the answer's line on a terminal. Nothing is added to an answer in a file or a pipe."""
        if self._out.is_terminal:
            self._out.end_line()

    def _end(self) -> None:
        self._err.end_line()
        self._out.end_line()


def json_line(event: StreamEvent) -> str:
    """An event as one line of JSON: its fields, and its name as `event`."""
    told: object = event
    if isinstance(event, StreamFailed):
        told = {"event": "stream_failed", "error": _told(event.error)}
    return _line(told)


def _line(told: object) -> str:
    return msgspec.json.encode(told).decode().translate(_ESCAPES) + "\n"


def summary(who: str, message: Message, first: float | None, total: float) -> str:
    """The tokens and times of an answer, in one line.

    Args:
        who: the provider and the model.
        first: seconds to the first token; `None` if nothing was streamed.
        total: seconds to the end of the answer.
    """
    parts = []
    if message.finish_reason not in (FinishReason.STOP, None):
        parts.append(f"ended by {message.finish_reason}")
    usage = message.usage
    if usage is None:
        parts.append("no usage reported")
    else:
        cached = f" ({usage.cached_tokens} cached)" if usage.cached_tokens else ""
        reasoning = f" ({usage.reasoning_tokens} reasoning)" if usage.reasoning_tokens else ""
        parts.append(f"{usage.input_tokens} tokens in{cached}, {usage.output_tokens} out{reasoning}")
    if first is not None:
        parts.append(f"first token after {first:.2f} s")
    parts.append(f"{total:.2f} s in all")
    return f"{who}: {', '.join(parts)}"


def _told(error: ProviderError) -> dict[str, object]:
    known = {name: getattr(error, name) for name in ErrorContext.__annotations__ if name != "hint"}
    told = {"kind": type(error).__name__, "message": error.message, "advice": error.advice() or None, **known}
    return {name: value for name, value in told.items() if value is not None}
