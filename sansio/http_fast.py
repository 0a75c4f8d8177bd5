"""The same exchange with httptools (llhttp) in place of h11. Needs the extra `fast`.

It refuses what h11 lets pass: a length beside chunks, or one that is told twice.
"""

from __future__ import annotations

import re

import httptools

from sansio.errors import RemoteProtocolError
from sansio.http import HTTPExchange
from sansio.http_heads import ResponseHead, header

_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] [0-9]{3}(?: [\t\x20-\x7e\x80-\xff]*)?")  # RFC 9112, section 4
_BARE_LF = re.compile(rb"(?<!\r)\n")
_FOLD = re.compile(rb"\r\n[ \t]+")


class FastHTTPExchange(HTTPExchange):
    """`HTTPExchange` on httptools. Arguments, results and errors are the same, but for an error's words."""

    def _read_head(self, data: bytes) -> ResponseHead | None:
        reader = _HeadReader()
        parser = httptools.HttpResponseParser(reader)
        try:
            reader.read(parser, _unfolded(data))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            switched = parser.get_status_code() == 101
            words = "the server switched protocols" if switched else error
            raise RemoteProtocolError(f"malformed HTTP: {words}") from None
        status = parser.get_status_code()
        if status < 200:
            return None
        headers = tuple(reader.headers)
        coding = header(headers, "transfer-encoding")
        if coding is not None and coding.strip().lower() != "chunked":
            raise RemoteProtocolError("malformed HTTP: only the transfer coding 'chunked' is known")
        return ResponseHead(status, headers, reader.keeps)


class _HeadReader:
    """Gathers what httptools reads of a head."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.keeps = False
        self._parser: httptools.HttpResponseParser | None = None

    def read(self, parser: httptools.HttpResponseParser, head: bytes) -> None:
        self._parser = parser
        try:
            parser.feed_data(head)
        finally:
            self._parser = None  # which holds this reader

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        # Asked later, the parser might speak of the message after this one.
        parser = self._parser
        assert parser is not None
        self.keeps = parser.should_keep_alive() and parser.get_http_version() == "1.1"


def _unfolded(head: bytes) -> bytes:
    """The head in the form that llhttp insists on; RFC 9112, 2.2 and 5.2, lets clients take others too.

    Raises:
        RemoteProtocolError: its status line is malformed, of which llhttp lets more pass.
    """
    if head.count(b"\n") != head.count(b"\r\n"):
        head = _BARE_LF.sub(b"\r\n", head)
    first, end, rest = head.partition(b"\r\n")  # behind the status line there is nothing to go on with
    if not _STATUS_LINE.fullmatch(first):
        raise RemoteProtocolError("malformed HTTP: a status line that is none")
    return first + end + _FOLD.sub(b" ", rest)
