"""A dialect that writes down all that a check lets it read and write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

import sansio
from sansio import JSONObject, Limits, Message, Read, StreamEvent
from sansio.http import Headers
from tests.sansio.testing.dialects.lines import LINES, LineDialect, LineReader
from tests.sansio.testing.showing import counted

_PLAIN = Limits()


class Heard(Struct):
    """What one reader was given.

    Args:
        how: the limits, and the content type if it is another one.
        pieces: of the stream; `None` if it was given frames.
        frames: its frames.
    """

    how: str
    pieces: list[bytes] | None = None
    frames: list[bytes] = []

    def __str__(self) -> str:
        name, given = ("frames", self.frames) if self.pieces is None else ("pieces", self.pieces)
        return f"{name}{self.how}: {counted(given)}"


class _Framer(sansio.NDJSONFramer):
    pieces: list[bytes]

    def feed(self, data: bytes, read: Read, events: list[StreamEvent]) -> bool:
        self.pieces.append(data)
        return super().feed(data, read, events)


class _Reader(LineReader):
    heard: Heard

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        self.heard.frames.append(data)
        return super().receive(data, events, name)

    def receive_whole(self, data: JSONObject) -> None:
        HearingDialect.LOG.append(f"body: {msgspec.json.encode(data).decode():.200}")
        HearingDialect.LOG.remove(self.heard)
        super().receive_whole(data)


class HearingDialect(LineDialect):
    """The wire of lines. `LOG` has an item for each stream, body, body of an error and request."""

    LOG: ClassVar[list[object]] = []

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._opened: Heard | None = None

    def framer(self, content_type: str) -> sansio.Framer:
        heard = self._opened or self._heard()
        self._opened = None
        heard.pieces = []
        heard.how += "" if content_type == LINES else f" as {content_type}"
        framer = _Framer(self.limits.max_event_bytes)
        framer.pieces = heard.pieces
        return framer

    def open_stream(self) -> LineReader:
        reader = _Reader(self)
        self._opened = reader.heard = self._heard()
        return reader

    def parse_error(self, status: int, headers: Headers, body: str) -> sansio.APIStatusError:
        self.LOG.append(f"error {status}: {body}")
        return super().parse_error(status, headers, body)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[sansio.Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body = super().build_request_body(messages, tools, stream, **options)
        self.LOG.append(f"request: {json.dumps(body)}")
        return body

    def _heard(self) -> Heard:
        limits = {name: getattr(self.limits, name) for name in Limits.__struct_fields__}
        heard = Heard(
            "".join(f" {name}={each}" for name, each in limits.items() if each != getattr(_PLAIN, name))
        )
        self.LOG.append(heard)
        return heard
