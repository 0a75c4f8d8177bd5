"""Asks a provider and shows the answer, runs the tools that it calls, and stops at an interrupt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import anyio
from msgspec import Struct, structs

from sansio import (
    FinishReason,
    FunctionTool,
    Message,
    ProviderError,
    Role,
    StreamComplete,
    StreamFailed,
    Usage,
)
from transports.cli.display import Display, summary
from transports.cli.terminal import tell
from transports.driving.driver import EventStream
from transports.driving.facade import AsyncProvider
from transports.tools import run_tools

_MOST_ROUNDS = 25
"""How many times in a row the model may call tools."""
CUT = "stopped by the user"
"""The `raw_finish_reason` of an answer that an interrupt stopped."""
_NO_TOOLS = "There are no tools in this conversation."
_NOT_RUN = "The user stopped the answer before this call had a result."


class Turn(Struct):
    """The messages that followed a question.

    Args:
        messages: the model's answers and the results of tools.
        stopped: whether an interrupt stopped the turn. The last answer is then incomplete; if no answer had
            begun, there is none.
    """

    messages: list[Message] = []
    stopped: bool = False


class Asker:
    """Asks the provider and shows the answer. The event loop runs only while an answer is being received.

    Args:
        provider: the provider to ask.
        display: shows the events.
        stream: whether answers are streamed.
        loop: the event loop's name, `"asyncio"` or `"trio"`.
        options: the options of every call.
        tools: the functions that the model may call. They run without a question to the user.

    Attributes:
        options: the options of every call; they may be changed between two questions.
        usages: the usage of each answer so far.
    """

    def __init__(
        self,
        provider: AsyncProvider,
        display: Display,
        *,
        stream: bool,
        loop: str,
        options: dict[str, object],
        tools: Sequence[FunctionTool],
    ) -> None:
        self.provider = provider
        self.options = options
        self.usages: list[Usage | None] = []
        self._display = display
        self._is_streamed = stream
        self._loop = loop
        self._tools = list(tools)
        self._stream: EventStream | None = None  # the answer that is being received

    @property
    def model(self) -> str:
        """The model that is asked. For Azure, the deployment."""
        config = self.provider.config
        return str(self.options.get("model") or config.model or config.deployment)

    @property
    def who(self) -> str:
        """The provider and the model, for messages to the user."""
        return f"{self.provider.config.type} {self.model}"

    def ask(self, messages: Sequence[Message]) -> Turn:
        """Ask until the model calls no more tools. `KeyboardInterrupt` stops this and closes the connection.

        Raises:
            ProviderError: the call failed; the display has shown it.
        """
        turn = Turn()
        try:
            self._run(messages, turn)
        except ProviderError as error:
            self._display.show(StreamFailed(error))
            raise
        if turn.stopped:
            self._stop(turn)
        return turn

    def _run(self, messages: Sequence[Message], turn: Turn) -> None:
        try:
            anyio.run(partial(self._ask, messages, turn), backend=self._loop)
        except* KeyboardInterrupt:  # trio may raise it in a group
            turn.stopped = True

    async def _ask(self, messages: Sequence[Message], turn: Turn) -> None:
        for _ in range(_MOST_ROUNDS):
            answer = await self._answer([*messages, *turn.messages])
            self._stream = None
            turn.messages.append(answer)
            if not self._tools:
                turn.messages += _results(answer, _NO_TOOLS)
                return
            results = await run_tools(answer, self._tools)
            if not results:
                return
            turn.messages += results
            for result in results:
                self._display.show_result(result)
        tell(f"the model has called tools {_MOST_ROUNDS} times in a row, so it is not asked again")

    async def _answer(self, messages: list[Message]) -> Message:
        began = time.monotonic()
        first = None
        if self._is_streamed:
            self._stream = self.provider.stream(messages, self._tools or None, options=self.options)
            async with self._stream as events:
                async for event in events:
                    if first is None and not isinstance(event, StreamComplete):
                        first = time.monotonic() - began
                    self._display.show(event)
            message = events.result()
        else:
            message = await self.provider.complete(messages, self._tools or None, options=self.options)
            self._display.show(StreamComplete(message))
        self.usages.append(message.usage)
        tell(summary(self.who, message, first, time.monotonic() - began), dim=True)
        return message

    def _stop(self, turn: Turn) -> None:
        """Keep what arrived of the answer, marked as stopped, and answer the calls that were not run."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()  # if it was interrupted before its first read, nothing else has ended it
            try:
                turn.messages.append(stream.result())
            except ProviderError as error:
                self._display.show(StreamFailed(error))
                if error.partial is not None and error.partial.parts:
                    turn.messages.append(_cut(error.partial))
        if turn.messages:
            turn.messages += _results(turn.messages[-1], _NOT_RUN)


def _cut(partial: Message) -> Message:
    return structs.replace(partial, finish_reason=FinishReason.OTHER, raw_finish_reason=CUT)


def _results(answer: Message, text: str) -> list[Message]:
    """A result with this text for each call of a message.

    Providers refuse a history with a call that has no result.
    """
    return [
        Message(Role.TOOL, text, tool_call_id=call.id, is_error=True)
        for call in answer.tool_calls
        if call.name
    ]
