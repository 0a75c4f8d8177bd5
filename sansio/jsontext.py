"""JSON text from a peer: decoded strictly typed, bounded in depth, and without a way to crash.

msgspec is the decoder. Around it stands what it leaves open: nesting is measured before it recurses,
and the escape of half a surrogate pair, which it refuses, becomes U+FFFD.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.limits import DEFAULT_LIMITS
from sansio.messages import JSONObject

T = TypeVar("T")

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    r"|\\."
)
_OBJECT = msgspec.json.Decoder(JSONObject)


def decode(
    text: str,
    decoder: msgspec.json.Decoder[T],
    max_depth: int = DEFAULT_LIMITS.max_json_depth,
    *,
    cut: type[RemoteProtocolError] = RemoteProtocolError,
) -> T:
    """Decode one JSON text.

    Args:
        cut: what is raised where the text ends before its JSON does, or is blank.

    Raises:
        LimitExceededError: it nests deeper than `max_depth`.
        RemoteProtocolError: it is malformed, or not of the decoder's type.
    """
    if text.count("{") + text.count("[") > max_depth and _is_deeper(text, max_depth):
        raise LimitExceededError(f"JSON nests deeper than {max_depth} levels", field="max_json_depth")
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError(f"JSON of an unknown shape: {error}") from None
    except RecursionError:
        raise RemoteProtocolError("JSON nests deeper than Python's recursion limit allows") from None
    except (msgspec.DecodeError, UnicodeError, ValueError) as error:
        mended = _ESCAPE.sub(_mend, text)
        if mended != text:
            return decode(mended, decoder, max_depth, cut=cut)
        if _is_cut(text, error):
            what = "breaks off" if text.strip() else "is blank"
            raise cut(f"malformed JSON: the text {what}") from None
        raise RemoteProtocolError(f"malformed JSON: {error}") from None


def is_shallow(data: bytes, max_depth: int) -> bool:
    """Whether a JSON text cannot nest too deep: a quick look that errs on the safe side."""
    # Each level takes two bytes.
    return len(data) <= 2 * max_depth or data.count(b"{") + data.count(b"[") <= max_depth


def decode_object(
    text: str,
    max_depth: int = DEFAULT_LIMITS.max_json_depth,
    *,
    cut: type[RemoteProtocolError] = RemoteProtocolError,
) -> JSONObject:
    """Decode a JSON object; the arguments are those of `decode`.

    Raises:
        RemoteProtocolError: as `decode`, or it is no object.
    """
    return decode(text, _OBJECT, max_depth, cut=cut)


def as_record(text: str, max_depth: int = DEFAULT_LIMITS.max_json_depth) -> JSONObject:
    """What a log is told of a body or chunk: its object, or `{"text": ...}` where it is none."""
    try:
        return decode_object(text, max_depth)
    except RemoteProtocolError:
        return {"text": text}


def _is_deeper(text: str, max_depth: int) -> bool:
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in ("{", "["):
            depth += 1
            if depth > max_depth:
                return True
        elif token in ("}", "]"):
            depth -= 1
    return False


def _is_cut(text: str, error: Exception) -> bool:
    """Whether what stands there could be the beginning of a longer text, by msgspec's words for its end."""
    words = str(error)
    return words == "Input data was truncated" or words.endswith(
        f"invalid number (byte {len(text.encode('utf-8', 'replace'))})"
    )


def _mend(match: re.Match[str]) -> str:
    return "\\ufffd" if match[1] else match[0]
