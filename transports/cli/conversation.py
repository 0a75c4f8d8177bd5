"""A conversation: questions, answers, and commands that begin with a slash."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sansio import ConfigError, Message, Part, ProviderError, Role, fit_context
from transports.cli.asking import Asker
from transports.cli.inputs import question
from transports.cli.interrupts import raised_interrupts
from transports.cli.keyboard import Keyboard
from transports.cli.saved import Saved, keep, read_saved, write_saved
from transports.cli.terminal import Channel, counted, tell

_MOST_RESERVED = 4_096
"""How many tokens of the context window are reserved for the next answer, but at most a quarter of it."""
_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)
"""Does not match a path such as `/etc/hosts`."""
_HELP = """\
/model [NAME]    ask another model from now on; alone, show the current one
/system [TEXT]   set the system message; alone, show it; '/system -' removes it
/save FILE       write the conversation to a file
/load FILE       continue the conversation in a file
/retry           ask the last question again, in place of its answer
/usage           show the tokens of all answers so far, and their cost if known
/help            show this help
Alt-Enter begins a new line. A pasted text of several lines is one question.
Ctrl-C stops an answer, Ctrl-D ends the conversation.
"""


def with_system(messages: Sequence[Message], text: str | None) -> list[Message]:
    """The conversation with another system message, or without one."""
    rest = [message for message in messages if message.role is not Role.SYSTEM]
    return [Message(Role.SYSTEM, text), *rest] if text else rest


class Conversation:
    """A history and the asker that continues it. It is stored in a file after each answer, for `--continue`.

    Args:
        asker: asks the provider and shows the answers.
        messages: the history so far.
        provider: the fields of `ProviderConfig` to store with the history.
        is_kept: whether to store the conversation.
    """

    def __init__(
        self, asker: Asker, messages: Sequence[Message], provider: dict[str, object], *, is_kept: bool
    ) -> None:
        self._asker = asker
        self._messages = list(messages)
        self._provider = provider
        self._is_kept = is_kept
        self._unanswered: Message | None = None  # the last question, if it failed
        self._commands: dict[str, Callable[[str], None]] = {
            "model": self._set_model,
            "system": self._set_system,
            "save": self._save,
            "load": self._load,
            "retry": self._retry,
            "usage": self._tell_usage,
            "help": self._help,
        }

    def say(self, asked: Message, before: Sequence[Message] | None = None) -> None:
        """Ask a question. The answer is added to the history; a failed call does not change the history.

        Args:
            asked: the user's message.
            before: the messages before it. Default: the whole history.

        Raises:
            ProviderError: the call failed.
        """
        messages = [*(self._messages if before is None else before), asked]
        self._unanswered = asked
        window = self._asker.provider.config.context_window
        fitted = fit_context(messages, window, reserve=min(window // 4, _MOST_RESERVED))
        if left_out := len(fitted.left_out):
            tell(f"the context window is full: {counted(left_out, 'old message')} left out")
        turn = self._asker.ask(fitted.messages)
        if not turn.messages:
            tell("stopped before the answer began; /retry asks again")
            return
        if turn.stopped:
            tell("stopped; the part that arrived stays in the conversation, and /retry asks again")
        self._messages = [*messages, *turn.messages]
        self._unanswered = None
        if self._is_kept:
            try:
                keep(self._saved())
            except OSError as error:
                tell(f"the conversation was not stored for --continue: {error}; --no-keep turns storing off")

    def run(self, attached: Sequence[Part]) -> None:
        """Read and answer questions until Ctrl-D.

        Ctrl-C stops an answer. The error of a failed turn is shown.

        Args:
            attached: parts to send with the first question.
        """
        tell(f"talking to {self._asker.who}; /help shows the commands, Ctrl-D ends the conversation")
        with raised_interrupts():
            keyboard = Keyboard()
            while (text := keyboard.ask()) is not None:
                if not text.strip():
                    continue
                try:
                    if (command := _COMMAND.fullmatch(text.rstrip())) is not None:
                        self._obey(command[1], (command[2] or "").strip())
                    else:
                        self.say(question(text, attached))
                        attached = ()
                except ConfigError:
                    raise  # every later turn would fail too
                except ProviderError as error:
                    tell(str(error))

    def _obey(self, name: str, rest: str) -> None:
        command = self._commands.get(name)
        if command is None:
            tell(
                f"there is no command /{name}; /help lists them. To ask this as a question, put a space "
                "before it"
            )
            return
        command(rest)

    def _saved(self) -> Saved:
        provider = self._provider
        if provider and "model" in self._asker.options:
            provider = {**provider, "model": self._asker.model}
        return Saved(self._messages, provider)

    def _set_model(self, name: str) -> None:
        if name:
            self._asker.options["model"] = name
        tell(f"talking to {self._asker.who}")

    def _set_system(self, text: str) -> None:
        if text:
            self._messages = with_system(self._messages, None if text == "-" else text)
        now = [message.text for message in self._messages if message.role is Role.SYSTEM]
        tell(f"the system message is: {now[0]}" if now else "there is no system message")

    def _save(self, name: str) -> None:
        if not name:
            tell("/save needs a file: write /save FILE")
            return
        try:
            write_saved(Path(name).expanduser(), self._saved())
        except OSError as error:
            tell(f"{name} cannot be written: {error.strerror}")
        else:
            tell(f"{counted(len(self._messages), 'message')} written to {name}")

    def _load(self, name: str) -> None:
        if not name:
            tell("/load needs a file: write /load FILE")
            return
        try:
            self._messages = read_saved(Path(name).expanduser()).messages
        except OSError as error:
            tell(f"{name} cannot be read: {error.strerror}")
        except ValueError as error:
            tell(str(error))
        else:
            self._unanswered = None
            tell(f"{counted(len(self._messages), 'message')} loaded")

    def _retry(self, _: str) -> None:
        if self._unanswered is not None:
            self.say(self._unanswered)
            return
        asked = [at for at, message in enumerate(self._messages) if message.role is Role.USER]
        if not asked:
            tell("there is no question yet")
            return
        self.say(self._messages[asked[-1]], self._messages[: asked[-1]])

    def _tell_usage(self, _: str) -> None:
        usages = [usage for usage in self._asker.usages if usage is not None]
        costs = [usage.cost for usage in usages if usage.cost is not None]
        told = (
            f"answers: {len(self._asker.usages)}, {sum(usage.input_tokens for usage in usages)} tokens in "
            f"({sum(usage.cached_tokens for usage in usages)} cached), "
            f"{sum(usage.output_tokens for usage in usages)} out"
        )
        tell(told + (f", {sum(costs):.4f} US dollars" if costs else ""))

    def _help(self, _: str) -> None:
        Channel(sys.stderr).write(_HELP)
