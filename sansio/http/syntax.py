"""The grammar of HTTP that requests, responses and the config share: RFC 9110, sections 5.5 and 5.6.2."""

from __future__ import annotations

import re

TOKEN_CHARS = r"-!#$%&'*+.^_`|~0-9A-Za-z"
"""The characters of a method or a header's name, as the inside of a character class: section 5.6.2."""

VALUE_CHARS = r"\t\x20-\x7e\x80-\xff"
"""The characters of a header's value, as the inside of a character class: section 5.5. The bytes from 0x80 on
have no meaning there; here they are Latin-1."""

_ENDS = r"\x21-\x7e\x80-\xff"  # what a value begins and ends with

HEAD = re.compile(
    rf"[{TOKEN_CHARS}]++ [\x21-\x7e]++ HTTP/1\.1\r\n"
    rf"(?:[{TOKEN_CHARS}]++: (?:[{_ENDS}](?:[{VALUE_CHARS}]*[{_ENDS}])?)?\r\n)*+\r\n"
)
"""The head of a request as it is sent: each of its values is received unchanged."""

_TOKEN = re.compile(rf"[{TOKEN_CHARS}]+")
_VALUE = re.compile(rf"[{VALUE_CHARS}]*")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def is_token(text: str) -> bool:
    """Whether `text` can be a method or the name of a header."""
    return _TOKEN.fullmatch(text) is not None


def is_header_value(text: str) -> bool:
    """Whether `text`, sent as a header's value, is received unchanged.

    It must be Latin-1 without control characters except the tab, and without white space at its ends, which
    a receiver strips.
    """
    return _VALUE.fullmatch(text) is not None and text == text.strip(" \t")


def is_visible(text: str) -> bool:
    """Whether `text` has visible ASCII characters and no others, as a URL and a request's target must."""
    return _VISIBLE.fullmatch(text) is not None
