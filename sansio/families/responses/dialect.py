"""Responses: the dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sansio.content import FinishReason
from sansio.families.responses.faults import STATUS_BY_ERROR
from sansio.families.responses.reader import ResponsesReader
from sansio.families.responses.request import ResponsesRequests


class ResponsesDialect(ResponsesRequests):
    """OpenAI's responses. Compatible servers are subclasses with their differences."""

    API = "responses"
    FLAT_ERRORS = True
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = STATUS_BY_ERROR
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {
        "completed": FinishReason.STOP,
        "complete": FinishReason.STOP,
        "max_output_tokens": FinishReason.LENGTH,
        "max_messages": FinishReason.LENGTH,
        "content_filter": FinishReason.CONTENT_FILTER,
        "cancelled": FinishReason.ERROR,
    }
    """Finish reasons by an incomplete response's reason, or by the status of any other response."""

    def open_stream(self) -> ResponsesReader:
        return ResponsesReader(self)
