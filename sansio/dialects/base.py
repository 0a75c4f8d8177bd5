"""What a wire dialect is: a request body out, an answer in, and its errors, for one provider."""

from __future__ import annotations

import binascii
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from sansio import jsontext
from sansio.config import ProviderConfig
from sansio.errors import APIStatusError, status_error_kind
from sansio.events import StreamEvent
from sansio.http import Headers, header
from sansio.messages import (
    JSON,
    DocumentPart,
    FinishReason,
    ImagePart,
    JSONObject,
    Message,
    Tool,
)
from sansio.response import find_request_id
from sansio.retry import parse_retry_after
from sansio.sse import ServerSentEvent

_EXCERPT = 500
"""Characters of an error body that is no JSON which an error message quotes."""


class DialectStream(ABC):
    """The state of one streamed answer: events of the wire in, `StreamEvent`s out.

    `progress` counts the records that mean something; pings and empty ones do not.
    """

    progress: int = 0

    plain_prefix: ClassVar[bytes] = b""
    """How the provider begins nearly all of its events; blank where `receive_plain` is not to be tried."""

    @abstractmethod
    def receive(self, event: ServerSentEvent, events: list[StreamEvent]) -> bool:
        """Take one server-sent event and append what it gives to `events`.

        Returns:
            True at the dialect's own end marker: `message()` is then the whole answer.

        Raises:
            ProviderError: the event is malformed, or is an error. What it gave before stays in `events`.
        """

    def receive_plain(self, payload: bytes, events: list[StreamEvent]) -> bool:
        """Take an event of the usual form in one step. It only saves time: `receive` must mean the same.

        Args:
            payload: what stands between `plain_prefix` and the blank line: a single line.
            events: gets what it gives.

        Returns:
            False where it is not so plain, and nothing was done: `receive` will get it.

        Raises:
            ProviderError: as `receive`.
        """
        return False

    def fold(self) -> None:
        """Called now and then in a long answer: join what is kept of it in small pieces."""
        return

    @abstractmethod
    def receive_eof(self, events: list[StreamEvent]) -> bool:
        """Take the end of the stream; True where a finish reason came before, so that the answer is whole."""

    @abstractmethod
    def message(self) -> Message:
        """The whole answer."""

    @abstractmethod
    def partial(self) -> Message:
        """The answer so far, when the stream broke off: none of its tool calls counts as whole."""


class Dialect(ABC):
    """One wire dialect, bound to its config. Holds no state between calls.

    A new provider subclasses it, or `OpenAICompatDialect`, and is registered with `register_provider`.

    Args:
        config: the provider; what only this dialect requires of it has been checked.
    """

    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {}
    """The provider's error types and codes, as the status that they would have come with."""

    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = {}
    """The provider's finish reasons in the library's words."""

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config

    @abstractmethod
    def build_endpoint(self, stream: bool = False) -> str:
        """The absolute URL to post to."""

    def build_headers(self) -> dict[str, str]:
        """Headers beside those that frame the request and sign it."""
        return dict(self.config.extra_headers)

    @abstractmethod
    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        """The request's JSON body.

        Args:
            messages: a conversation that has been checked (`check_messages`).
            tools: in OpenAI's function format.
            stream: ask for server-sent events.
            **options: the provider's own request fields; one that is `None` removes a default.

        Raises:
            InvalidRequestError: this provider cannot be asked that.
        """

    @abstractmethod
    def parse_response(self, data: JSONObject) -> Message:
        """The answer in a whole response that is no error (`error_in`).

        Raises:
            RemoteProtocolError: the response is malformed.
        """

    @abstractmethod
    def open_stream(self) -> DialectStream:
        """A parser for one streamed answer."""

    def parse_error(self, status: int, headers: Headers, body: str) -> APIStatusError:
        """The error that a response with an error status means.

        Args:
            body: as far as it was read.
        """
        data = jsontext.as_record(body, self.config.limits.max_json_depth)
        error = self.error_in(data, status) or _plain_error(status, body)
        advice = header(headers, "x-should-retry")
        return error.with_context(
            request_id=self.request_id(headers) or error.request_id,
            retry_after=parse_retry_after(headers),
            should_retry={"true": True, "false": False}.get(advice or ""),
        )

    def error_in(self, data: JSONObject, status: int = 200) -> APIStatusError | None:
        """The error that a JSON object is, or `None` where it is none.

        Knows `{"error": {...}}`, `{"error": "text"}` and the flat `{"object": "error", ...}` of vLLM and
        Mistral. Inside a 200, the error's own type and code say which status it amounts to.
        """
        error = data.get("error")
        if isinstance(error, str):
            error = {"message": error}
        if not isinstance(error, dict):
            flat = data.get("object") == "error" or ("choices" not in data and "message" in data)
            if not flat or not isinstance(data.get("message"), str):
                return None
            error = data
        return self.build_error(error, status, data)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """An error from the provider's own error object and the body that holds it."""
        code = error.get("code")
        name = _text(error.get("type")) or (code if isinstance(code, str) else None)
        where = f"HTTP {status}"
        if status < 300:
            status = self._implied_status(error) or status
            where = (
                f"an error inside the answer, as HTTP {status}"
                if status >= 300
                else "an error inside the answer"
            )
        message = self.error_message(error) or "the provider gave no message"
        return status_error_kind(status)(
            f"{where}, {name}: {message}" if name else f"{where}: {message}",
            status=status,
            error_type=name,
            provider_message=message,
            request_id=_text(data.get("request_id")),
        )

    def error_message(self, error: JSONObject) -> str | None:
        """The provider's own words in its error object."""
        return _text(error.get("message"))

    def _implied_status(self, error: JSONObject) -> int | None:
        for key in ("status_code", "code", "type"):
            value = error.get(key)
            if isinstance(value, str):
                value = int(value) if value.isascii() and value.isdecimal() and len(value) == 3 else value
            if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
                return value
            if isinstance(value, str) and value in self.STATUS_BY_ERROR:
                return self.STATUS_BY_ERROR[value]
        return None

    def finish_reason(self, said: str | None) -> FinishReason | None:
        """The finish reason in the library's words; `None` where nothing was said."""
        return self.FINISH_REASONS.get(said, FinishReason.OTHER) if said else None

    def request_id(self, headers: Headers) -> str | None:
        """The provider's name for the request, to quote to its support."""
        return find_request_id(headers)


def base64_text(part: ImagePart | DocumentPart) -> str:
    """The part's data in base64."""
    return binascii.b2a_base64(part.data or b"", newline=False).decode("ascii")


def _text(value: JSON) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) else None


def _plain_error(status: int, body: str) -> APIStatusError:
    excerpt = " ".join(body[: 4 * _EXCERPT].split())[:_EXCERPT]
    said = f": {excerpt}" if excerpt else " with an empty body"
    return status_error_kind(status)(f"HTTP {status}{said}", status=status, provider_message=excerpt or None)
