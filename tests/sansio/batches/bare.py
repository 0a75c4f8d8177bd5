"""A dialect that has no more than it must."""

from __future__ import annotations

from collections.abc import Sequence

from sansio import AnswerReader, Dialect, Message
from sansio.content import Tool


class Bare(Dialect):
    """It names OpenAI's family, and has none of its addresses."""

    TYPE = "bare"
    API = "chat"

    def build_endpoint(self, stream: bool = False) -> str:
        raise NotImplementedError

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        raise NotImplementedError

    def open_stream(self) -> AnswerReader:
        raise NotImplementedError
