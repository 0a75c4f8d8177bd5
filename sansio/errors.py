"""Every error that the library raises, and which HTTP status leads to which error.

All are `ProviderError`. An error says what happened, where (provider, model, status, request id, byte
offset), and what a person can do next. It never holds a key: the core never sees one, and the
facade masks keys that a server echoes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

if TYPE_CHECKING:
    from sansio.content import Message
    from sansio.jsontext import JSONObject
    from sansio.response import ResponseInfo


_CONTROLS = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""The control characters C0 and C1, except tabs and line ends."""
_SHORTEST_CUT = 4


class ErrorContext(TypedDict, total=False):
    """The details that an error may have beside its message. Every key is an attribute of the error."""

    provider: str | None
    """Provider type, such as `"anthropic"`."""
    model: str | None
    status: int | None
    """HTTP status of the response. For an error inside a response with status 200: the status that it
    corresponds to, if that is known."""
    error_type: str | None
    """The provider's own name for the error, such as `"rate_limit_error"`."""
    code: str | None
    """The provider's own code, such as `"context_length_exceeded"`; a number is given as text."""
    param: str | None
    """The field of the request that the provider names, such as `"messages[0].content"`."""
    content_filter: JSONObject | None
    """Azure: what the content filter found in a prompt that it blocked; see `Message.content_filter`."""
    provider_message: str | None
    """The provider's own words, as sent, control characters included."""
    request_id: str | None
    attempts: int | None
    """How many requests were sent, including those for the rest of a stream that was cut."""
    resumes: int
    """How many of the attempts asked for the rest of a stream that was cut."""
    retry_after: float | None
    """Seconds that the provider asked to wait."""
    should_retry: bool | None
    """The provider's own advice (`x-should-retry`), if it gave any. Also False if another attempt would
    fail in the same way after any wait."""
    partial: Message | None
    """The answer so far, if the call failed after its first event."""
    offset: int | None
    """Byte offset in the body at which the faulty event or line begins."""
    index: int | None
    """Which message of the request is at fault, counted from 0."""
    field: str | None
    """The name of the config's field, or of the limit, that the error is about."""
    response: ResponseInfo | None
    """The response's metadata: rate limits, times, headers. Every `APIStatusError` of a call has it,
    and every other error of an attempt that received a response's head."""
    hint: str
    """What a person can do next, if the general advice of the error's class would mislead."""


class ProviderError(Exception):
    """The root of all errors of this library.

    Args:
        message: what happened, in one sentence. `str()` adds the context. Control characters are escaped,
            since a peer may have sent them to deceive a person who reads the message on a terminal.
        **context: see `ErrorContext`; a detail that is not given is `None`.
    """

    hint: str = ""
    """What a person can do next; part of `str()`."""

    provider: str | None = None
    model: str | None = None
    status: int | None = None
    error_type: str | None = None
    code: str | None = None
    param: str | None = None
    content_filter: JSONObject | None = None
    provider_message: str | None = None
    request_id: str | None = None
    attempts: int | None = None
    resumes: int = 0
    retry_after: float | None = None
    should_retry: bool | None = None
    partial: Message | None = None
    offset: int | None = None
    index: int | None = None
    field: str | None = None
    response: ResponseInfo | None = None

    def __init__(self, message: str, **context: Unpack[ErrorContext]) -> None:
        super().__init__(_printable(message))
        self.__dict__.update(context)

    @property
    def message(self) -> str:
        """What happened, without the context."""
        return str(self.args[0])

    def advice(self) -> str:
        """What a person can do next, or the empty string."""
        return self.hint

    def with_context(self, **context: Unpack[ErrorContext]) -> Self:
        """A copy of the error with more details; the original is not changed.

        Args:
            **context: see `ErrorContext`.
        """
        return self._copy(self.message, context)

    def replacing(self, secret: str, mask: str = "[key]") -> Self:
        """The same error with a secret masked in its texts, its response and its causes.

        Args:
            secret: the text to mask, also where a limit cut it at the end of a text.
            mask: the text in its place.

        Returns:
            A copy, or this error if it does not hold the secret.
        """
        if not secret:
            return self
        texts = {
            name: mask_cut(value, secret, mask)
            for name, value in self.__dict__.items()
            if isinstance(value, str)
        }
        message = mask_cut(self.message, secret, mask)
        response = self.response.replacing(secret, mask) if self.response is not None else None
        cause = self.__cause__
        if isinstance(cause, ProviderError):
            cause = cause.replacing(secret, mask)
        same = all(text == self.__dict__[name] for name, text in texts.items())
        if same and message == self.message and response == self.response and cause is self.__cause__:
            return self
        copy = self._copy(message, {**texts, "response": response})
        copy.__cause__ = cause
        return copy

    def _copy(self, message: str, context: ErrorContext | dict[str, object]) -> Self:
        kind = type(self)
        copy = kind.__new__(kind, message)
        copy.args = (message,)
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(context)
        copy.__cause__ = self.__cause__
        return copy

    def __str__(self) -> str:
        where = " ".join(word for word in (self.provider, self.model) if word)
        details = []
        if self.request_id:
            details.append(f"request id {_printable(self.request_id)}")
        if self.offset is not None:
            details.append(f"at byte {self.offset}")
        if self.attempts and self.attempts > 1:
            rest = f", {self.resumes} of them for the rest of the stream" if self.resumes else ""
            details.append(f"{self.attempts} attempts{rest}")
        if self.retry_after is not None:
            details.append(f"asked to wait {self.retry_after:g} s")
        text = f"{where}: {self.message}" if where else self.message
        if details:
            text += f" ({', '.join(details)})"
        advice = self.advice()
        stop = "" if text.endswith((".", "?", "!")) else "."
        return f"{text}{stop} {advice}" if advice else text


def mask_cut(text: str, secret: str, mask: str = "[key]") -> str:
    """A text with a secret masked, also where the text was cut inside the secret.

    A limit such as `max_error_bytes` may have cut an error's text. So if the text ends with the beginning of
    the secret, that is masked too, if it has at least four characters: many ordinary texts end with fewer.
    """
    text = text.replace(secret, mask)
    for size in range(min(len(secret) - 1, len(text)), _SHORTEST_CUT - 1, -1):
        if text.endswith(secret[:size]):
            return text[:-size] + mask
    return text


def _printable(text: str) -> str:
    return _CONTROLS.sub(lambda match: repr(match[0])[1:-1], text)


class ConfigError(ProviderError):
    """The configuration cannot work; nothing was sent. `field` names what to change."""


class InvalidRequestError(ProviderError):
    """The request is not valid for this provider; nothing was sent. `index` names the message."""


class OutputFormatError(ProviderError):
    """The answer is complete, but does not have the form that `response_format` asked for.

    `partial` is the answer, and `field` the path of the value that does not fit, such as `$.lines[0].price`.
    """


class UnansweredError(ProviderError):
    """The batch is over, and one or more of its requests have no answer.

    `code` says why: `"expired"`, `"cancelled"`, `"failed"`, or `"missing"` if the provider gives no reason.
    """

    hint = "Submit it again in another batch."


class FallbackError(ProviderError):
    """Every provider of a fallback list failed before its first event.

    Args:
        message: as for `ProviderError`.
        failures: the error of each provider, in the order in which they were asked.
        **context: as for `ProviderError`.
    """

    def __init__(
        self, message: str, *, failures: tuple[ProviderError, ...] = (), **context: Unpack[ErrorContext]
    ) -> None:
        super().__init__(message, **context)
        self.failures = failures

    @classmethod
    def of(cls, failures: tuple[ProviderError, ...]) -> Self:
        """The error whose message lists all failures.

        Args:
            failures: the error of each provider, in the order in which they were asked.
        """
        reasons = "; ".join(f"({number}) {error}" for number, error in enumerate(failures, 1))
        return cls(f"{len(failures)} providers were asked and failed: {reasons}", failures=failures)


class LocalProtocolError(ProviderError):
    """The driver called a machine out of order. The machine is unchanged."""


class RemoteProtocolError(ProviderError):
    """The peer sent bytes that are not valid HTTP, server-sent events or JSON of the dialect."""

    hint = "Check that base_url names this kind of provider and that no proxy rewrites its answers."


class StreamTruncatedError(RemoteProtocolError):
    """The answer ended before its end marker or finish reason; what arrived is in `partial`."""

    hint = "The answer is incomplete: send the request again, or continue from the part that arrived."


class LimitExceededError(RemoteProtocolError):
    """The peer sent more than a limit of the config allows; `field` names the limit."""

    hint = ""

    def advice(self) -> str:
        if self.hint or not self.field:
            return self.hint
        return f"If such answers are expected, raise limits.{self.field} in the config."


_STATUS_ADVICE = {
    400: "Fix what the provider's message names: a message, a tool or an option.",
    401: "Check that the API key is right, belongs to this provider and has not expired.",
    402: "Add credit or a payment method to the provider's account.",
    403: "The key is valid but not allowed to do this: check its permissions, the model and the region.",
    404: "Check the model or deployment name, base_url and, on Azure, api_version.",
    407: "A proxy on the way requires a user and a password: give them in the proxy's URL.",
    408: "The provider gave up waiting: send the request again.",
    413: "The request is too large: send fewer or smaller messages (see fit_context).",
    422: "Fix what the provider's message names: a field has a value that the provider does not accept.",
    429: "Slow down, or ask the provider for a higher limit; the quota may also be used up.",
    500: "The fault is the provider's: try again later, and quote the request id if it persists.",
    502: "The provider's gateway could not reach its backend: try again in a while.",
    503: "The provider is not available right now: try again later or use another model.",
    504: "The provider's backend did not answer in time: try again, or ask for a shorter answer.",
    529: "The provider is overloaded: try again later or use another model.",
}


SPENT_CODES = frozenset(
    ("insufficient_quota", "contract_spend_limit_reached", "enforced_spend_limit_reached")
)
"""Codes of a 429 if a quota or spend limit is used up. Waiting does not help (OpenAI, "Error codes")."""


class APIStatusError(ProviderError):
    """The provider answered with an error, as a status or inside a response."""

    hint = "Read the provider's message; its documentation explains the error type."

    def advice(self) -> str:
        if "hint" in self.__dict__:  # given for this error, not for its class
            return self.hint
        if self.status is not None and 300 <= self.status < 400:
            return "Redirects are never followed: put the final address in base_url."
        if self.status == 429 and not SPENT_CODES.isdisjoint((self.code, self.error_type)):
            return (
                "The quota or spend limit is used up, and waiting does not help: add credit or raise the "
                "limit in the billing settings of the provider's console."
            )
        status = self.status or 0
        # The class may say more than the status, such as an `AuthenticationError` with the status 403.
        fits = isinstance(self, status_error_kind(status))
        return _STATUS_ADVICE.get(status, self.hint) if fits else self.hint

    def about_the_key(self, hint: str) -> AuthenticationError:
        """The same error as an `AuthenticationError`, for one whose type says more than its status.

        Args:
            hint: what a person can do about the key.
        """
        error = AuthenticationError(self.message)
        error.__dict__.update(self.__dict__, hint=hint)
        return error


class BadRequestError(APIStatusError):
    """400, 413 and 422: the provider considers the request invalid."""

    hint = _STATUS_ADVICE[400]


class AuthenticationError(APIStatusError):
    """401: no key, or a key that the provider does not know. Some providers send another status for that."""

    hint = _STATUS_ADVICE[401]


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""

    hint = _STATUS_ADVICE[403]


class NotFoundError(APIStatusError):
    """404: no such model, deployment or path."""

    hint = _STATUS_ADVICE[404]


class RateLimitError(APIStatusError):
    """429: too many requests or tokens in a short time, or the quota is used up."""

    hint = _STATUS_ADVICE[429]


class InternalServerError(APIStatusError):
    """5xx: the provider failed."""

    hint = _STATUS_ADVICE[500]


class TransportError(ProviderError):
    """The connection failed.

    Args:
        message: as for `ProviderError`.
        reused: the connection had served an earlier exchange, so the peer may just have closed it.
        **context: as for `ProviderError`.
    """

    hint = "Check the network, base_url and any proxy in between."

    def __init__(self, message: str, *, reused: bool = False, **context: Unpack[ErrorContext]) -> None:
        super().__init__(message, **context)
        self.reused = reused


class APIConnectionError(TransportError):
    """The connection could not be made or was lost, or `abort()` dropped it."""


class APITimeoutError(TransportError):
    """One of the clocks ran out; `field` names it."""

    hint = ""

    def advice(self) -> str:
        return f"If such waits are expected, raise {self.field} in the config." if self.field else ""


_KIND_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
}


def status_error_kind(status: int) -> type[APIStatusError]:
    """The error class for an HTTP status."""
    if 500 <= status < 600:
        return InternalServerError
    return _KIND_BY_STATUS.get(status, APIStatusError)
