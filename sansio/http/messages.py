"""The values of an HTTP exchange: a request, and a response as the inputs of a `Call`."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct, structs

from sansio.errors import LocalProtocolError, RemoteProtocolError, TransportError

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case with their values, in the order of the wire."""

_PORTS = {"http": 80, "https": 443}


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header; `None` if there is no such header.

    Args:
        headers: names and values. The names may have any case, since a transport may keep the server's.
        name: the header's name in lower case.
    """
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def header_list(headers: Headers, name: str) -> str:
    """The values of all headers of one name, as one list; empty if there are none (RFC 9110, section 5.3).

    Args:
        name: as for `header`.
    """
    return ", ".join(value for key, value in headers if key.lower() == name)


class Request(Struct, frozen=True):
    """A whole HTTP request. Its repr shows the headers' names and the body's size, but no values.

    Args:
        method: such as `"POST"`.
        scheme: `"http"` or `"https"`.
        host: the server's name or address, without brackets, also for IPv6.
        port: the port, also if it is the scheme's default.
        target: path and query.
        headers: names in lower case; `host` among them, and `content-length` if there is a body.
    """

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: Headers
    body: bytes

    @classmethod
    def post(cls, url: str, headers: Headers, body: bytes, content_type: str = "application/json") -> Request:
        """Make a POST request.

        Args:
            url: an absolute http or https URL.
            headers: names in lower case. `host`, `content-type` and `content-length` are added.
            body: the encoded body.
            content_type: the body's media type.

        Raises:
            LocalProtocolError: the URL is not an absolute http or https URL.
        """
        framing = (("content-type", content_type), ("content-length", str(len(body))))
        return cls._to("POST", url, framing, headers, body)

    @classmethod
    def get(cls, url: str, headers: Headers) -> Request:
        """Make a GET request, which has no body.

        Args:
            url: an absolute http or https URL.
            headers: names in lower case. `host` is added.

        Raises:
            LocalProtocolError: the URL is not an absolute http or https URL.
        """
        return cls._to("GET", url, (), headers, b"")

    @classmethod
    def _to(cls, method: str, url: str, framing: Headers, headers: Headers, body: bytes) -> Request:
        from urllib.parse import urlsplit  # late: it would be the heaviest part of `import sansio`

        try:
            parts = urlsplit(url)
            scheme, host = parts.scheme, parts.hostname or ""
            port = parts.port or _PORTS[scheme]
        except (KeyError, ValueError):
            host = ""
        if not host:
            raise LocalProtocolError(f"{url!r} is not an absolute http or https URL")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        name = f"[{host}]" if ":" in host else host
        all_headers: Headers = (
            ("host", name if port == _PORTS[scheme] else f"{name}:{port}"),
            *framing,
            ("accept-encoding", "identity"),
            *headers,
        )
        return cls(method, scheme, host, port, target, all_headers, body)

    def with_body(self, body: bytes) -> Request:
        """The same request with another body."""
        length = str(len(body))
        headers = tuple(
            [(name, length if name == "content-length" else value) for name, value in self.headers]
        )
        return structs.replace(self, headers=headers, body=body)

    def below(self, name: str, query: str) -> Request:
        """Make a GET request for an address below that of this request: same server, same headers.

        Args:
            name: one more segment of the path, in ASCII; it is percent-encoded.
            query: percent-encoded; it is added to the address's own query.
        """
        from urllib.parse import quote  # late: see `_to`

        path, _, own = self.target.partition("?")
        target = f"{path}/{quote(name, safe='')}?{own}{'&' if own else ''}{query}"
        headers = tuple(
            [(key, value) for key, value in self.headers if key not in ("content-type", "content-length")]
        )
        return structs.replace(self, method="GET", target=target, headers=headers, body=b"")

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: requests with the same origin can share a connection."""
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """The absolute URL."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{name}{port}{self.target}"

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.headers)
        return f"<Request {self.method} {self.url} headers=({names}) body={len(self.body)} bytes>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for rich, whose tracebacks would otherwise show every field."""
        return [("url", self.url), ("headers", [name for name, _ in self.headers]), ("size", len(self.body))]


class Head(Struct, frozen=True):
    """The head of a response.

    Args:
        status: the HTTP status.
        headers: names in lower case and values, in the order of the wire.
    """

    status: int
    headers: Headers = ()


class Body(Struct, frozen=True, gc=False):
    """The next bytes of a response's body. They may be cut anywhere.

    Args:
        data: the bytes, without the framing of HTTP.
    """

    data: bytes


class End(Struct, frozen=True):
    """The response has ended in order, as far as HTTP shows it."""


class Lost(Struct, frozen=True):
    """The exchange broke off before its end.

    Args:
        error: a `TransportError`, or a `RemoteProtocolError` if the peer's HTTP was malformed.
    """

    error: TransportError | RemoteProtocolError


Input: TypeAlias = Head | Body | End | Lost
