"""The metadata of a response beside the answer: the request id, the rate limits, the processing time."""

from __future__ import annotations

import math
import re

from msgspec import Struct, structs

from sansio.http import Head, Headers, header
from sansio.times import read_duration, read_http_date, read_number, read_rfc_3339

REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-generation-id",
    "x-amzn-requestid",
)
"""Headers in which providers name a request; the first that is present counts. `apim-request-id` is Azure's,
`x-generation-id` OpenRouter's, `x-amzn-requestid` AWS's."""

_KEPT = frozenset((
    *REQUEST_ID_HEADERS, "openai-processing-ms", "x-envoy-upstream-service-time", "openai-version",
    "openai-organization", "cf-ray", "anthropic-organization-id", "azureml-model-session", "x-ms-region",
))  # fmt: skip
_KEPT_PREFIXES = (
    "x-ratelimit-", "anthropic-ratelimit-", "retry-after", "x-ratelimitbysize-", "x-tokenlimit-",
)  # fmt: skip

# OpenAI, Azure and Groq write x-ratelimit-remaining-tokens, Cerebras x-ratelimit-remaining-tokens-minute,
# Mistral x-ratelimit-remaining-req-minute and, of tokens, x-ratelimitbysize-remaining-minute; OpenRouter
# x-ratelimit-remaining, which counts requests, Together also x-tokenlimit-remaining, and Anthropic
# anthropic-ratelimit-input-tokens-remaining.
_LIMIT = re.compile(
    r"x-(?P<what>ratelimit|ratelimitbysize|tokenlimit)-(?P<field>limit|remaining|reset)"
    r"(?:-(?P<kind>[a-z0-9-]+))?"
    r"|anthropic-ratelimit-(?P<kind_>[a-z0-9-]+)-(?P<field_>limit|remaining|reset)"
)
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0, "month": 2_592_000.0}
"""Seconds, by the last word of a limit's kind. A month is taken as 30 days."""
_COUNT = re.compile(r"[ \t]*[0-9]{1,18}[ \t]*")

_EPOCH_SECONDS = 1e9
"""A plain number of seconds from here on (31 years) is a moment since 1970, which some servers send."""
_EPOCH_MILLISECONDS = 1e11
"""From here on, it is a moment in milliseconds, as OpenRouter sends it."""


class RateLimit(Struct, frozen=True):
    """One of a provider's rate limits, as of one response.

    Args:
        limit: how much is allowed in one window. Here and below, `None` if the response does not report the
            value in a form that can be read.
        remaining: how much of the limit is left.
        reset: seconds from the response until the whole limit is available again.
        window: the length of the window in seconds, if the header's name has it, such as
            `x-ratelimit-limit-tokens-minute`. Other headers do not say whether they count minutes or days.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    window: float | None = None


class ResponseInfo(Struct, frozen=True, kw_only=True):
    """The metadata of a response beside the answer.

    Args:
        status: the HTTP status.
        request_id: the provider's name for the request, to quote to its support.
        headers: the headers worth logging: request ids, rate limits, `retry-after`, times, organization and
            region. Names in lower case, in the order of the wire; never a cookie.
        rate_limits: the limits by their kind: `"requests"`, `"tokens"`, `"input_tokens"`, `"output_tokens"`,
            or the provider's own word, with underscores, such as `"tokens_minute"`.
        processing_ms: milliseconds for which the provider worked on the answer or its beginning, as it
            reports them.
        attempts: how many requests had been sent when this response began, including those for the rest of a
            stream.
        resumes: how many of the attempts asked for the rest of a stream that was cut.
        first_event_after: seconds from the call's start to its first event. Only a driver has a clock: it
            fills this in.
    """

    status: int
    request_id: str | None = None
    headers: Headers = ()
    rate_limits: dict[str, RateLimit] = {}
    processing_ms: float | None = None
    attempts: int = 1
    resumes: int = 0
    first_event_after: float | None = None

    def replacing(self, secret: str, mask: str = "[key]") -> ResponseInfo:
        """A copy in which every occurrence of a secret is masked, since a server may have echoed it.

        Args:
            secret: the text to mask.
            mask: the text in its place.
        """
        if not secret:
            return self
        return structs.replace(
            self,
            request_id=self.request_id and self.request_id.replace(secret, mask),
            headers=tuple(
                (name.replace(secret, mask), value.replace(secret, mask)) for name, value in self.headers
            ),
            rate_limits={kind.replace(secret, mask): limit for kind, limit in self.rate_limits.items()},
        )


def read_response(
    head: Head, *, request_id: str | None = None, attempts: int = 1, resumes: int = 0
) -> ResponseInfo:
    """Read the metadata in a head. Unreadable headers are ignored: nothing that a peer sends raises.

    Args:
        head: the head of a final response.
        request_id: see `find_request_id`.
        attempts: how many times a request was sent.
        resumes: how many of them asked for the rest of a stream.
    """
    kept: list[tuple[str, str]] = []
    for given, value in head.headers:
        name = given.lower()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES):
            kept.append((name, value))
    headers = tuple(kept)
    processing = read_number(header(headers, "openai-processing-ms"))
    if processing is None:
        processing = read_number(header(headers, "x-envoy-upstream-service-time"))
    return ResponseInfo(
        status=head.status,
        request_id=request_id,
        headers=headers,
        rate_limits=_rate_limits(headers, read_http_date(header(head.headers, "date"))),
        processing_ms=_finite(processing),
        attempts=attempts,
        resumes=resumes,
    )


def find_request_id(headers: Headers) -> str | None:
    """The provider's name for the request, from the first of `REQUEST_ID_HEADERS` that is not empty."""
    found = {key.lower(): value for key, value in reversed(headers) if value}
    return next((found[name] for name in REQUEST_ID_HEADERS if name in found), None)


def _rate_limits(headers: Headers, now: int | None) -> dict[str, RateLimit]:
    """The rate limits by kind, in the order of the wire. Of a header that is repeated, the first counts."""
    found: dict[str, dict[str, str]] = {}
    for name, value in headers:
        match = _LIMIT.fullmatch(name)
        if match is not None:
            kind = _kind(match["what"], match["kind"] or match["kind_"] or "")
            found.setdefault(kind, {}).setdefault(match["field"] or match["field_"], value)
    return {
        kind: RateLimit(
            _count(said.get("limit")),
            _count(said.get("remaining")),
            _reset(said.get("reset"), now),
            _WINDOWS.get(kind.rpartition("_")[2]),
        )
        for kind, said in found.items()
    }


def _kind(what: str | None, words: str) -> str:
    """What a limit counts, from the words of its header."""
    if what == "ratelimitbysize":  # its words name only a window
        words = f"tokens-{words}" if words else "tokens"
    elif what == "tokenlimit":
        words = words or "tokens"
    elif words == "req" or words.startswith("req-"):
        words = f"requests{words[3:]}"
    return (words or "requests").replace("-", "_")


def _count(text: str | None) -> int | None:
    return int(text) if text and _COUNT.fullmatch(text) else None


def _reset(text: str | None, now: int | None) -> float | None:
    """Seconds from `now`, the response's own date, since there is no clock here."""
    seconds = read_duration(text)
    if seconds is None:
        moment = read_rfc_3339(text)
    elif seconds < _EPOCH_SECONDS:
        return seconds
    else:
        moment = seconds if seconds < _EPOCH_MILLISECONDS else seconds / 1_000
    return None if moment is None or now is None else _finite(max(0.0, moment - now))


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
