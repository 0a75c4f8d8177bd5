"""The HTTP statuses that Gemini's errors correspond to, and the finish reasons of its answers.

Sources: Google's page on error codes, and `google.rpc.Code` and `error_details.proto`, for the words and the
details; recorded errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sansio.content import FinishReason, InvalidToolCall, Part, ToolCall
from sansio.errors import AuthenticationError
from sansio.families.fields import text_or_none
from sansio.jsontext import JSON, JSONObject
from sansio.times import read_number

STATUS_BY_ERROR: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""The HTTP status that each of Google's words for errors corresponds to."""

KEY_ERRORS: Mapping[str, str] = {"API_KEY_INVALID": AuthenticationError.hint}
"""Google's reasons that are about the key, in errors with the status 400, and what to do."""

_FILTERS = (
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
)
UNUSABLE_CALLS = frozenset(
    ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE")
)
"""The finish reasons of an answer whose calls must not be run, though they look whole."""

FINISH_REASONS: Mapping[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.PAUSE,
    **dict.fromkeys(_FILTERS, FinishReason.CONTENT_FILTER),
    **dict.fromkeys(UNUSABLE_CALLS, FinishReason.ERROR),
    "MALFORMED_RESPONSE": FinishReason.ERROR,
    "NO_IMAGE": FinishReason.ERROR,
    "IMAGE_OTHER": FinishReason.ERROR,
    "OTHER": FinishReason.ERROR,
}
"""Google's finish reasons (`FinishReason` of its SDK). `STOP` is also that of an answer with calls."""


def unusable(part: Part, reason: str) -> Part:
    """A part of an answer that ended with one of `UNUSABLE_CALLS`: a call is invalid."""
    if not isinstance(part, ToolCall):
        return part
    why = f"Google withdrew the call: the answer ended with {reason}"
    return InvalidToolCall(part.id, part.name, part.arguments_text(), why, part.kind, part.extra)


_RETRY_TEXT = re.compile(r"retry in (\d+(?:\.\d+)?)s")
_DELAY = re.compile(r"\d+(?:\.\d+)?s")


def retry_delay(error: JSONObject) -> float | None:
    """The seconds that an error asks to wait, from its details or its text. There is no header."""
    for detail in _details(error):
        delay = text_or_none(detail.get("retryDelay"))
        if delay is not None and _DELAY.fullmatch(delay):
            return read_number(delay[:-1])
    found = _RETRY_TEXT.search(text_or_none(error.get("message")) or "")
    return read_number(found[1]) if found else None


def reason_of(error: JSONObject) -> str | None:
    """The reason that an error's details name, such as `"API_KEY_INVALID"`."""
    reasons = (text_or_none(detail.get("reason")) for detail in _details(error))
    return next((reason for reason in reasons if reason), None)


def _details(error: JSONObject) -> list[JSONObject]:
    details: JSON = error.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
