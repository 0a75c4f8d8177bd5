"""`sansio-llm chat`: one question, or a conversation."""

from __future__ import annotations

import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import anyio
import typer
from msgspec import Struct

from sansio import (
    ConfigError,
    Message,
    ProviderError,
    Role,
    StreamComplete,
    StreamFailed,
    fit_context,
)
from transports.cli.display import Display, JSONDisplay, TextDisplay, summary
from transports.cli.settings import Imports, known_type, open_provider
from transports.cli.terminal import Keyboard, read_stdin, tell
from transports.driving.facade import AsyncProvider

_MOST_RESERVED = 4_096
"""Tokens of the context window reserved for the next answer; at most a quarter of the window is."""

_NO_TOOLS = "There are no tools in this conversation."


def chat(
    prompt: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROMPT]", help="The prompt. '-' or a pipe: standard input. Without it: a conversation."
        ),
    ] = None,
    *,
    type: Annotated[
        str | None, typer.Option(callback=known_type, help="The provider's type, such as openai.")
    ] = None,
    api: Annotated[
        str | None, typer.Option(help="The wire family to speak with it, if not the type's first.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model's id.")] = None,
    base_url: Annotated[str | None, typer.Option(help="The API's address.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="The environment variable that holds the key.", metavar="NAME")
    ] = None,
    system: Annotated[str | None, typer.Option(help="A system message for the conversation.")] = None,
    reasoning: Annotated[
        bool | None, typer.Option("--reasoning/--no-reasoning", help="Ask for extended thinking.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A provider's configuration in JSON; options override it."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the events as JSON lines.")] = False,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Ask for the answer in one piece.")] = False,
    trio: Annotated[bool, typer.Option("--trio", help="Run under trio, not asyncio.")] = False,
    imports: Imports = None,
) -> None:
    """Ask a provider, and show its answer; see `sansio-llm chat --help`.

    Raises:
        ProviderError: the configuration is invalid, or the call failed.
        typer.BadParameter: there is no prompt, or no such file.
        typer.Exit: Ctrl-C at the prompt, or the output was closed.
    """
    given = {
        "type": type,
        "api": api,
        "model": model,
        "base_url": base_url,
        "api_key_env": api_key_env,
        "reasoning": reasoning,
    }
    options = {name: value for name, value in given.items() if value is not None}
    question = _read_prompt(prompt)
    loop = _loop(trio)
    opening = (Message(Role.SYSTEM, system),) if system else ()
    with open_provider(options, config, loop) as provider:
        asker = _Asker(provider, JSONDisplay() if json else TextDisplay(), not no_stream, loop)
        if question is None:
            _converse(asker, list(opening))
        else:
            asker.ask([*opening, Message(Role.USER, question)])


class _Asker(Struct, frozen=True):
    """Asks, and shows the answer. The event loop runs only while an answer is on its way."""

    provider: AsyncProvider
    display: Display
    stream: bool
    loop: str

    @property
    def who(self) -> str:
        """Provider and model."""
        config = self.provider.config
        return f"{config.type} {config.model or config.deployment}"

    def ask(self, messages: list[Message]) -> Message:
        """The answer.

        Raises:
            ProviderError: the call failed; the display has shown it.
        """
        try:
            return anyio.run(partial(self._ask, messages), backend=self.loop)
        except ProviderError as error:
            self.display.show(StreamFailed(error))
            raise

    async def _ask(self, messages: list[Message]) -> Message:
        began = time.monotonic()
        first = None
        if self.stream:
            async with self.provider.stream(messages) as events:
                async for event in events:
                    if first is None and not isinstance(event, StreamComplete):
                        first = time.monotonic() - began
                    self.display.show(event)
            message = events.result()
        else:
            message = await self.provider.complete(messages)
            self.display.show(StreamComplete(message))
        tell(summary(self.who, message, first, time.monotonic() - began))
        return message


def _converse(asker: _Asker, history: list[Message]) -> None:
    """Take turns until Ctrl-D. The error of a failed turn is shown, and the turn is forgotten."""
    window = asker.provider.config.context_window
    tell(f"talking to {asker.who}; Ctrl-D ends the conversation")
    keyboard = Keyboard()
    while (line := keyboard.ask()) is not None:
        if not line.strip():
            continue
        try:
            asked = [*history, Message(Role.USER, line)]
            fitted = fit_context(asked, window, reserve=min(window // 4, _MOST_RESERVED))
            if left_out := len(fitted.left_out):
                tell(f"the context window is full: the oldest {left_out} messages are left out")
            answer = asker.ask(list(fitted.messages))
        except ConfigError:
            raise  # every further turn would fail, too
        except ProviderError as error:
            tell(str(error))
        else:
            # Providers refuse a history with a tool call that has no result.
            results = [Message(Role.TOOL, _NO_TOOLS, tool_call_id=call.id) for call in answer.tool_calls]
            history = [*fitted.messages, answer, *results]


def _read_prompt(prompt: str | None) -> str | None:
    """The prompt, or `None` for a conversation."""
    piped = sys.stdin is None or not sys.stdin.isatty()
    if prompt == "-" or (prompt is None and piped):
        prompt = read_stdin().rstrip("\r\n")
    if prompt is not None and not prompt.strip():
        raise typer.BadParameter(
            "there is no prompt; pass one as an argument or on standard input, or run it on a terminal",
            param_hint="PROMPT",
        )
    return prompt


def _loop(trio: bool) -> str:
    if trio and find_spec("trio") is None:
        raise ConfigError("--trio needs trio; install it with: pip install 'sansio-llm[trio]'")
    return "trio" if trio else "asyncio"
