"""Takes the secrets out of a request, and out of what its server echoes."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from msgspec import Struct

from sansio.http import Headers, Request

HIDDEN = "[hidden]"
"""Replaces a value that a tape must not hold."""

_SHOWN = frozenset(
    (
        "accept",
        "accept-encoding",
        "anthropic-beta",
        "anthropic-version",
        "content-length",
        "content-type",
        "host",
        "http-referer",
        "openai-beta",
        "user-agent",
        "x-title",
    )
)
"""Headers of a request whose values are recorded. A list of those that hold keys would miss the header of the
next provider."""

_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|password|credential|sign")
_SECRET_PARAMETER = re.compile(
    r"([?&][^=&]*(?:auth|key|token|secret|sig|password|credential)[^=&]*=)([^&]+)", re.IGNORECASE
)
_COOKIES = ("set-cookie", "set-cookie2")

_SHORTEST = 8  # characters; a shorter text may occur in an answer by chance
_SHORTEST_CUT = 4  # bytes of a secret at the end of a body; fewer end an ordinary word too often


class SentRequest(Struct, frozen=True):
    """A request as a tape has it.

    Args:
        url: absolute; values of parameters that may be secret are hidden.
        headers: in the order of the wire, values that may be secret hidden.
    """

    method: str
    url: str
    headers: Headers
    body: bytes


class Redaction:
    """Finds what must not be on a tape: the keys of one request, wherever they occur.

    A key in a text is replaced by as many asterisks, so that no length and no offset changes.

    Args:
        request: the signed request.
        shown: further headers of requests whose values are recorded, in lower case. One whose name says that
            it holds a key stays hidden.

    Attributes:
        request: the request without its secrets.
    """

    def __init__(self, request: Request, shown: frozenset[str] = frozenset()) -> None:
        secrets: set[str] = set()
        for name, value in request.headers:
            if _SECRET_HEADER.search(name):
                # All of it, and what follows the scheme, such as Bearer.
                secrets |= {value, value.partition(" ")[2]}
        secrets |= {unquote(match[2]) for match in _SECRET_PARAMETER.finditer(request.target)}
        forms = {
            # As it is, in a URL, and in JSON of servers that escape slashes.
            form.encode("latin-1", "replace")
            for secret in secrets
            if len(secret) >= _SHORTEST
            for form in (secret, quote(secret, safe=""), secret.replace("/", "\\/"))
        }
        # A form with another one inside, such as Bearer and the key, is masked with that one.
        inner = {form for form in forms if not any(other != form and other in form for other in forms)}
        self._secrets = sorted(inner)
        self._letters = frozenset(b"".join(self._secrets))
        allowed = _SHOWN | {name for name in shown if not _SECRET_HEADER.search(name)}
        headers = tuple(
            [(name, self.mask_text(value) if name in allowed else HIDDEN) for name, value in request.headers]
        )
        url = self.mask_text(_SECRET_PARAMETER.sub(rf"\1{HIDDEN}", request.url))
        self.request = SentRequest(request.method, url, headers, self.mask(request.body))

    def mask(self, data: bytes) -> bytes:
        """The data with each key replaced by asterisks."""
        for secret in self._secrets:
            data = data.replace(secret, b"*" * len(secret))
        return data

    def passes(self, data: bytes) -> bool:
        """Whether a quick check shows that the data has no key, nor ends with the beginning of one."""
        for secret in self._secrets:
            if secret in data:
                return False
        # Nearly every piece of a stream ends with a line's end, and no key has one.
        return not data or data[-1] not in self._letters

    def mask_text(self, text: str) -> str:
        """The text with each key replaced by asterisks."""
        for secret in self._secrets:
            text = text.replace(secret.decode("latin-1"), "*" * len(secret))
        return text

    def mask_headers(self, headers: Headers) -> Headers:
        """Headers of a response: cookies hidden, and keys replaced."""
        return tuple(
            [(name, HIDDEN if name.lower() in _COOKIES else self.mask_text(value)) for name, value in headers]
        )

    def begun(self, data: bytes) -> int:
        """How many bytes at the end of the data may be the beginning of a key."""
        longest = max(map(len, self._secrets), default=0)
        for size in range(min(len(data), longest - 1), 0, -1):
            end = data[-size:]
            if any(len(secret) > size and secret.startswith(end) for secret in self._secrets):
                return size
        return 0

    def mask_end(self, data: bytes) -> bytes:
        """A body's last data, with keys replaced, and also an end that may be the beginning of one."""
        size = self.begun(data)
        return data if size < _SHORTEST_CUT else data[:-size] + b"*" * size
