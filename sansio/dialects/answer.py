"""One answer put together: what every dialect's stream adds to, and the message that comes of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import msgspec

from sansio.dialects.base import Dialect, DialectStream
from sansio.dialects.pieces import Pieces
from sansio.dialects.toolcalls import ToolCallAssembler
from sansio.errors import RemoteProtocolError
from sansio.events import ContentDelta, ReasoningDelta, StreamEvent
from sansio.limits import Limits
from sansio.messages import FinishReason, JSONObject, Message, ProviderState, Role, Usage

T = TypeVar("T")

_BROKEN_OFF = (
    FinishReason.LENGTH,
    FinishReason.CONTENT_FILTER,
    FinishReason.REFUSAL,
    FinishReason.ERROR,
)


class AnswerBuilder:
    """Gathers deltas.

    Args:
        limits: for the tool calls.
    """

    __slots__ = (
        "calls",
        "model",
        "raw_finish_reason",
        "reasoning",
        "refusal",
        "response_id",
        "text",
        "usage",
    )

    def __init__(self, limits: Limits) -> None:
        self.text = Pieces()
        self.reasoning = Pieces()
        self.refusal: list[str] = []
        self.calls = ToolCallAssembler(limits)
        self.usage: Usage | None = None
        self.raw_finish_reason: str | None = None
        self.model: str | None = None
        self.response_id: str | None = None

    def add_text(self, text: str, events: list[StreamEvent]) -> None:
        """Add a piece of the answer's text, which is not empty."""
        self.text.append(text)
        events.append(ContentDelta(text))

    def add_reasoning(self, text: str, events: list[StreamEvent]) -> None:
        """Add a piece of reasoning, which is not empty."""
        self.reasoning.append(text)
        events.append(ReasoningDelta(text))

    def fold(self) -> None:
        """Join what has come so far, so that not each piece of a long answer is kept as an object."""
        self.text.fold()
        self.reasoning.fold()
        self.calls.fold()

    def message(self, said: FinishReason | None, state: ProviderState | None) -> Message:
        """The whole answer.

        Args:
            said: the finish reason that the provider gave. What was received counts for more: servers say
                `stop` with tool calls, and `tool_calls` for calls that were cut.
        """
        calls, invalid = self.calls.results(whole=True, cut=said in _BROKEN_OFF)
        refusal = "".join(self.refusal) or None
        finish = said or FinishReason.OTHER
        if finish is FinishReason.STOP and calls:
            finish = FinishReason.TOOL_CALLS
        elif finish is FinishReason.STOP and refusal:
            finish = FinishReason.REFUSAL
        elif finish is FinishReason.TOOL_CALLS and not calls:
            finish = FinishReason.OTHER
        return Message(
            Role.ASSISTANT,
            self.text.whole(),
            calls,
            invalid_tool_calls=invalid,
            reasoning=self.reasoning.whole(),
            refusal=refusal,
            finish_reason=finish,
            raw_finish_reason=self.raw_finish_reason,
            usage=self.usage,
            model=self.model,
            response_id=self.response_id,
            provider_state=state,
        )

    def partial(self) -> Message:
        """The answer so far."""
        _, invalid = self.calls.results(whole=False)
        return Message(
            Role.ASSISTANT,
            self.text.whole(),
            invalid_tool_calls=invalid,
            reasoning=self.reasoning.whole(),
            refusal="".join(self.refusal) or None,
            raw_finish_reason=self.raw_finish_reason,
            usage=self.usage,
            model=self.model,
            response_id=self.response_id,
        )


class AnswerStream(DialectStream):
    """A stream whose answer an `AnswerBuilder` puts together: all but what reads the events.

    Args:
        dialect: for its limits, and its words for finish reasons and errors.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._max_depth = dialect.config.limits.max_json_depth
        self._answer = AnswerBuilder(dialect.config.limits)

    def fold(self) -> None:
        self._answer.fold()

    def receive_eof(self, events: list[StreamEvent]) -> bool:
        if not self._answer.raw_finish_reason:
            return False
        self._answer.calls.flush(events)
        return True

    def message(self) -> Message:
        said = self._dialect.finish_reason(self._answer.raw_finish_reason)
        blocks = self._blocks_to_send_back()
        state = ProviderState(self._dialect.config.type, blocks) if blocks else None
        return self._answer.message(said, state)

    def partial(self) -> Message:
        return self._answer.partial()

    @abstractmethod
    def _blocks_to_send_back(self) -> list[JSONObject]:
        """What the provider wants back verbatim on the next turn."""


def convert(data: JSONObject, type: type[T]) -> T:
    """A whole response as a structure of its dialect.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    try:
        return msgspec.convert(data, type)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError(f"JSON of an unknown shape: {error}") from None
