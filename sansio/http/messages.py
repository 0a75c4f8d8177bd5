"""What goes over the wire in an HTTP exchange: a request, and a response as the inputs of a `Call`."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct, structs

from sansio.errors import LocalProtocolError, RemoteProtocolError, TransportError

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case with their values, in the order of the wire."""

_PORTS = {"http": 80, "https": 443}


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header.

    Args:
        name: in lower case; those in `headers` may have any case, since a transport may keep the server's.
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
    """A whole request. Its repr shows names of headers and sizes, never the values.

    Args:
        host: without brackets, also for IPv6.
        port: always explicit.
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
        """A POST to an absolute URL; the framing headers are added to `headers`.

        Args:
            content_type: the body's media type.

        Raises:
            LocalProtocolError: the URL is not an absolute http or https URL.
        """
        framing = (("content-type", content_type), ("content-length", str(len(body))))
        return cls._to("POST", url, framing, headers, body)

    @classmethod
    def get(cls, url: str, headers: Headers) -> Request:
        """A GET of an absolute URL, which has no body; the host is added to `headers`.

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
        """A GET of what is below this request's address: on the same server, with the same headers.

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
    """A response has begun. Header names are in lower case."""

    status: int
    headers: Headers = ()


class Body(Struct, frozen=True, gc=False):
    """The next bytes of the response's body; where they are cut is arbitrary."""

    data: bytes


class End(Struct, frozen=True):
    """The response is whole, as far as HTTP can tell."""


class Lost(Struct, frozen=True):
    """The exchange broke off: a `TransportError`, or a `RemoteProtocolError` where HTTP was malformed."""

    error: TransportError | RemoteProtocolError


Input: TypeAlias = Head | Body | End | Lost
