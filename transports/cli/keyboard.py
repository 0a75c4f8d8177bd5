"""Reads what a person types in a conversation."""

from __future__ import annotations

import sys

import typer

from transports.cli.interrupts import INTERRUPTED
from transports.cli.terminal import tell


class Keyboard:
    """Reads one text at a time, with line editing. A pasted text of several lines is one text.

    While it reads, interrupts must raise `KeyboardInterrupt`, so that the terminal is restored.
    """

    def __init__(self) -> None:
        # Imported lazily: these take 200 ms, and only a conversation needs them.
        from prompt_toolkit import PromptSession
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
        from prompt_toolkit.output import create_output

        keys = KeyBindings()

        @keys.add("escape", "enter")
        def _new_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        # Standard output may be a file that receives the answers.
        shown_on = sys.stdout if sys.stdout.isatty() else sys.stderr
        self._session: PromptSession[str] = PromptSession(
            key_bindings=keys, output=create_output(shown_on), prompt_continuation="  "
        )
        self._warned = False

    def ask(self) -> str | None:
        """The next text; `None` at Ctrl-D.

        Ctrl-C deletes what is typed. On an empty line, the first Ctrl-C only warns, since it may have been
        meant for an answer that has just ended; the second ends the command.

        Raises:
            typer.Exit: Ctrl-C was pressed for the second time on an empty line.
        """
        while True:
            try:
                text = self._session.prompt("> ")
            except EOFError:
                return None
            except KeyboardInterrupt:
                if self._session.default_buffer.text:
                    continue
                if self._warned:
                    raise typer.Exit(INTERRUPTED) from None
                self._warned = True
                tell("Ctrl-C again, or Ctrl-D, ends the conversation")
            else:
                self._warned = False
                return text
