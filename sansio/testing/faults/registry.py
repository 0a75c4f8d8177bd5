"""The faults by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec
from msgspec import Struct, structs

from sansio.http import Headers
from sansio.testing.faults.deeds import (
    AtAccept,
    BadCertificate,
    ChunkLine,
    Cut,
    Deed,
    Drip,
    Filler,
    Flood,
    Gzip,
    GzipBomb,
    HeadLines,
    Instead,
    LargeHead,
    Length,
    NoTLS,
    OldHTTP,
    Place,
    Prefix,
    Refuse,
    Status,
    Suffix,
    Then,
)
from sansio.testing.script import Answer, Broken, Failure, FakeResponse


class Fault(Struct, frozen=True, kw_only=True):
    """One way in which a server goes wrong.

    Args:
        name: in kebab case; followed by `:` and a number if the fault was given one.
        text: what the server does, in one line, with the deed's fields in braces.
        deed: the same as a structure, for the machine.
        number: the field of the deed that the number after the name sets; empty if it takes none.
    """

    name: str
    text: str
    deed: Deed
    number: str = ""

    @property
    def about(self) -> str:
        """What the server does, one line."""
        return self.text.format(**structs.asdict(self.deed))

    def with_number(self, number: int) -> Fault:
        """The same fault with another number, such as a position or status.

        Raises:
            ValueError: the fault takes no number, or the number is below 0.
        """
        if not self.number or number < 0:
            raise ValueError(f"{self.name}: takes no {'number below 0' if self.number else 'number'}")
        deed = structs.replace(self.deed, **{self.number: number})
        return structs.replace(self, name=f"{self.name.partition(':')[0]}:{number}", deed=deed)


def find_fault(name: str) -> Fault:
    """The fault of that name, such as `"reset-before-head"`, or `"reset-after:12"` with its number.

    Raises:
        ValueError: there is no such fault, or the number is invalid.

    Example:
        >>> find_fault("reset-after:12").about
        'resets the connection after 12 bytes of the body'
    """
    base, colon, number = name.partition(":")
    fault = FAULTS.get(base)
    if fault is None:
        near = [known for known in FAULTS if known.startswith(base.partition("-")[0][:4])]
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"{base!r}: no such fault{meant}")
    if not colon:
        return fault
    if not number.isascii() or not number.isdecimal():
        raise ValueError(f"{name!r}: what follows the colon must be a number")
    return fault.with_number(int(number))


_ENDINGS = {
    Then.CLOSE: "closes the connection",
    Then.RESET: "resets the connection",
    Then.STALL: "goes silent",
    Then.HALF_CLOSE: "closes its own direction of the connection",
}
_PLACES = {
    Place.BEFORE_HEAD: ("", 0, "before the response's head"),
    Place.HEAD: ("at", 20, "after {at} bytes of the response's head"),
    Place.BODY: ("at", 100, "after {at} bytes of the body"),
    Place.EVENT: ("at", 3, "after {at} events of a stream, or half of a whole answer"),
    Place.END: ("", 0, "after the whole body, before the end of the response"),
}


def _cuts() -> Iterator[Fault]:
    for then, does in _ENDINGS.items():
        for place, (number, at, where) in _PLACES.items():
            name = f"{then.value}-{place.value}"
            yield Fault(name=name, text=f"{does} {where}", deed=Cut(place, at, then), number=number)


_JSON: Headers = (("content-type", "application/json"),)
_HTML: Headers = (("content-type", "text/html; charset=utf-8"),)
_PAGE = b"<!doctype html>\n<html><head><title>Bad gateway</title></head>\n<body>nginx</body></html>\n"
_ERROR_BODY = msgspec.json.encode(
    {"error": {"message": "The model is overloaded.", "type": "server_error", "code": 503}}
)
_SAID = Answer(text="One two three four.")
_OVERLOADED = Failure(status=503, message="The model is overloaded.")


def _redirect(location: str) -> Instead:
    return Instead((FakeResponse(status=307, headers=(("location", location),)),))


def _at_the_port() -> Iterator[Fault]:
    yield Fault(name="refuse", text="has a port at which nothing listens", deed=Refuse())
    yield Fault(
        name="accept-close",
        text="closes each connection after accepting it",
        deed=AtAccept(Then.CLOSE),
    )
    yield Fault(
        name="accept-reset",
        text="resets each connection after accepting it",
        deed=AtAccept(Then.RESET),
    )
    yield Fault(
        name="accept-stall",
        text="goes silent as soon as a connection is accepted, before TLS",
        deed=AtAccept(Then.STALL),
    )
    yield Fault(
        name="tls-wrong-name",
        text="presents a certificate for another name",
        deed=BadCertificate("wrong-name"),
    )
    yield Fault(
        name="tls-unknown-ca",
        text="presents a certificate of an unknown authority",
        deed=BadCertificate("unknown-ca"),
    )
    yield Fault(
        name="tls-expired", text="presents a certificate that has expired", deed=BadCertificate("expired")
    )
    yield Fault(name="tls-plain", text="speaks plain HTTP at the TLS port", deed=NoTLS())


def _in_the_response() -> Iterator[Fault]:
    def instead(name: str, text: str, *outcomes: Answer | Broken | Failure | FakeResponse | None) -> Fault:
        return Fault(name=name, text=text, deed=Instead(outcomes))

    yield Fault(name="status", text="answers with status {status}", deed=Status(500), number="status")
    yield instead(
        "busy-then-answer",
        "answers 503, then 429 with Retry-After: 2, then correctly, and repeats this",
        Failure(status=503),
        Failure(status=429, headers=(("retry-after", "2"),)),
        None,
    )
    yield instead(
        "retry-after-long",
        "answers 429 with Retry-After: 3600",
        Failure(status=429, headers=(("retry-after", "3600"),)),
    )
    yield instead("no-content", "answers 204 without a body", FakeResponse(status=204))
    yield instead("empty", "answers 200 with an empty JSON body", FakeResponse(headers=_JSON))
    yield Fault(name="redirect", text="redirects to another path", deed=_redirect("/elsewhere"))
    yield Fault(
        name="redirect-elsewhere",
        text="redirects to another origin",
        deed=_redirect("https://elsewhere.invalid/v1/chat/completions"),
    )
    yield instead(
        "html-error",
        "answers 502 with a web page",
        FakeResponse(status=502, headers=_HTML, pieces=(_PAGE,)),
    )
    yield instead("html-200", "answers 200 with a web page", FakeResponse(headers=_HTML, pieces=(_PAGE,)))
    yield instead(
        "error-body-200",
        "answers 200 with a JSON error as its body",
        FakeResponse(headers=_JSON, pieces=(_ERROR_BODY,)),
    )
    yield instead(
        "error-first",
        "answers 200 with an error as its first event or its body",
        Broken(answer=_SAID, after=0, failure=_OVERLOADED),
    )
    yield instead(
        "error-in-stream",
        "answers 200, and sends an error after two words",
        Broken(answer=_SAID, after=2, failure=_OVERLOADED),
    )
    yield Fault(name="gzip", text="compresses the body without being asked", deed=Gzip())
    yield Fault(
        name="gzip-corrupt",
        text="compresses the body, and sends garbage as its second half",
        deed=Gzip(corrupt=True),
    )
    yield Fault(
        name="gzip-bomb-stream",
        text="streams 3 MB of gzip that become 1 GiB",
        deed=GzipBomb(200, "text/event-stream"),
    )
    yield Fault(
        name="gzip-bomb-whole",
        text="answers with 3 MB of gzip that become 1 GiB",
        deed=GzipBomb(200, "application/json"),
    )
    yield Fault(
        name="gzip-bomb-error",
        text="answers {status} with 3 MB of gzip that become 1 GiB",
        deed=GzipBomb(400, "application/json"),
    )
    yield Fault(
        name="headers-too-many", text="sends {count} headers of {size} bytes", deed=LargeHead(2_000, 40)
    )
    yield Fault(name="headers-too-long", text="sends a header of {size} bytes", deed=LargeHead(1, 80_000))


def _on_the_wire() -> Iterator[Fault]:
    yield Fault(
        name="truncate",
        text="ends the response cleanly after {at} events of a stream, or half of a whole answer",
        deed=Cut(Place.EVENT, 3, Then.FINISH),
        number="at",
    )
    yield Fault(name="drip", text="sends each byte separately", deed=Drip())
    yield Fault(name="drip-slowly", text="sends a byte every {seconds} s", deed=Drip(0.02))
    yield Fault(
        name="comments-forever",
        text="sends only comments after {at} events",
        deed=Filler(0),
        number="at",
    )
    yield Fault(
        name="bytes-after-marker",
        text="sends more bytes after the end marker",
        deed=Suffix(b'data: {"nonsense"\n\n\xff\xfe', inside=True),
    )
    yield Fault(
        name="bytes-after-end",
        text="sends more bytes after the end of the response",
        deed=Suffix(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong", inside=False),
    )
    yield Fault(
        name="huge-error",
        text="answers {status} with a body of {size} bytes",
        deed=Flood(500, 1_000_000_000),
    )
    yield Fault(name="http-1.0", text="speaks HTTP/1.0 and ends the body by closing", deed=OldHTTP())
    yield Fault(
        name="http-1.0-cut",
        text="speaks HTTP/1.0 and closes after {at} events of a stream, or half of a whole answer",
        deed=OldHTTP(3),
        number="at",
    )
    yield Fault(
        name="not-http",
        text="speaks another protocol",
        deed=Prefix(b"220 mail.example ESMTP\r\n"),
    )
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    yield Fault(
        name="informational-first",
        text="sends 100 and 103 before the response",
        deed=Prefix(b"HTTP/1.1 100 Continue\r\n\r\n" + hints),
    )
    long_hints = hints[:-2] + b"link: <" + b"b" * 4_000 + b">\r\n\r\n"
    yield Fault(name="informational-forever", text="sends 103 without end", deed=Prefix(b"", long_hints))
    yield Fault(
        name="switching-protocols",
        text="answers 101",
        deed=Prefix(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n"),
    )
    yield Fault(
        name="headers-forever",
        text="sends headers without end",
        deed=Prefix(b"HTTP/1.1 200 OK\r\n", b"x-filler: 0123456789abcdef\r\n" * 40),
    )
    yield from _in_the_framing()


def _in_the_framing() -> Iterator[Fault]:
    def head(name: str, text: str, lines: bytes, *, framed: bool = False) -> Fault:
        return Fault(name=name, text=text, deed=HeadLines(lines, framed=framed))

    def line(name: str, text: str, line: bytes) -> Fault:
        about = f"sends {text} as a chunk's size, after {{at}} chunks"
        return Fault(name=name, text=about, deed=ChunkLine(2, line), number="at")

    yield Fault(
        name="content-length-short",
        text="declares half of the body's true length, and sends all of it",
        deed=Length(50, Then.FINISH),
    )
    yield Fault(
        name="content-length-long",
        text="declares twice the body's length, then closes the connection",
        deed=Length(200, Then.CLOSE),
    )
    yield Fault(
        name="content-length-long-open",
        text="declares twice the body's length, then goes silent",
        deed=Length(200, Then.STALL),
    )
    yield head(
        "content-length-malformed", "declares a length that is not a number", b"content-length: many\r\n"
    )
    yield head("content-length-negative", "declares a length below 0", b"content-length: -1\r\n")
    yield head(
        "content-lengths",
        "declares two different lengths",
        b"content-length: 4000\r\ncontent-length: 5000\r\n",
    )
    yield head("headers-malformed", "sends a header line without a colon", b"no colon here\r\n", framed=True)
    yield head("headers-nul", "sends a header with a NUL in it", b"x-nul: a\x00b\r\n", framed=True)
    yield head("unknown-encoding", "declares the body as br", b"content-encoding: br\r\n", framed=True)
    yield line("chunk-size-malformed", "a word", b"many")
    yield line("chunk-size-negative", "a number below 0", b"-5")
    yield line("chunk-size-huge", "a number of 40 digits", b"f" * 40)
    yield line("chunk-size-small", "1, which is too small,", b"1")
    yield line("chunk-size-missing", "nothing", b"")
    yield Fault(
        name="chunk-line-long",
        text="sends 200,000 bytes of extensions with a chunk's size, after {at} chunks",
        deed=ChunkLine(2, b";" + b"x" * 200_000, sized=True),
        number="at",
    )


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        fault.name: fault
        for group in (_at_the_port(), _cuts(), _in_the_response(), _on_the_wire())
        for fault in group
    }
)
"""Every fault by its name."""
