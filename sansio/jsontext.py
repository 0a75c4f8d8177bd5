"""JSON: decodes a peer's text with strict types and bounded depth, and checks an application's values.

msgspec decodes. This module adds what it lacks: nesting is measured before it recurses, and the escape of
half a surrogate pair, which it refuses, becomes U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
    """Any JSON value, in Python's types."""
else:  # msgspec resolves annotations when it makes a decoder, and cannot resolve a recursive alias
    JSON = Any

JSONObject: TypeAlias = dict[str, JSON]

T = TypeVar("T")

_DEFAULT_DEPTH = DEFAULT_LIMITS.max_json_depth
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    r"|\\."
)
_MALFORMED = "JSON is malformed: "
"""How msgspec's errors about JSON begin."""
_OBJECT = msgspec.json.Decoder(JSONObject)


def decode(
    text: str,
    decoder: msgspec.json.Decoder[T],
    max_depth: int = _DEFAULT_DEPTH,
    *,
    cut: type[RemoteProtocolError] = RemoteProtocolError,
) -> T:
    """Decode one JSON text.

    Args:
        text: the text.
        decoder: decodes it to its type.
        max_depth: how deep objects and lists may nest.
        cut: the error to raise if the text ends before its JSON does, or is blank.

    Raises:
        LimitExceededError: the text nests deeper than `max_depth`.
        RemoteProtocolError: the text is malformed, or does not have the decoder's type.
    """
    if text.count("{") + text.count("[") > max_depth and _is_deeper(text, max_depth):
        raise LimitExceededError(f"JSON nests deeper than {max_depth} levels", field="max_json_depth")
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError(f"JSON of an unknown shape: {error}") from None
    except RecursionError:
        raise RemoteProtocolError("JSON nests deeper than Python's recursion limit allows") from None
    except ValueError as error:
        repaired = _ESCAPE.sub(_replace_half, text)
        if repaired != text:
            return decode(repaired, decoder, max_depth, cut=cut)
        if _is_cut(text, error):
            what = "breaks off" if text.strip() else "is blank"
            raise cut(f"malformed JSON: the text {what}") from None
        raise RemoteProtocolError(f"malformed JSON: {str(error).removeprefix(_MALFORMED)}") from None


def is_shallow(data: bytes, max_depth: int) -> bool:
    """Whether a JSON text cannot nest too deep: a quick check that errs on the safe side."""
    # Each level takes two bytes.
    return len(data) <= 2 * max_depth or data.count(b"{") + data.count(b"[") <= max_depth


def decode_object(
    text: str, max_depth: int = _DEFAULT_DEPTH, *, cut: type[RemoteProtocolError] = RemoteProtocolError
) -> JSONObject:
    """Decode the text of a JSON object that a peer sent.

    Args:
        text: the text.
        max_depth: how deep objects and lists may nest.
        cut: the error to raise if the text ends before its JSON does, or is blank.

    Raises:
        LimitExceededError: the text nests deeper than `max_depth`.
        RemoteProtocolError: the text is malformed, or is not an object.
    """
    return decode(text, _OBJECT, max_depth, cut=cut)


def as_record(text: str, max_depth: int = _DEFAULT_DEPTH) -> JSONObject:
    """A body or chunk as raw logs receive it: its object, or `{"text": ...}` if it is not an object."""
    try:
        return decode_object(text, max_depth)
    except RemoteProtocolError:
        return {"text": text}


_PLAIN = frozenset((str, int, bool, type(None)))
_TOO_DEEP = "nests too deep, or contains itself"


def json_fault(value: object, max_depth: int = _DEFAULT_DEPTH) -> str | None:
    """The reason why a value of an application cannot be sent as JSON, as words to put after its name.

    msgspec would encode NaN as null, bytes as base64 and a set as a list in any order, copy `msgspec.Raw`
    unchecked, and nest until Python's recursion limit.

    Args:
        value: the value.
        max_depth: how deep objects and lists may nest.

    Returns:
        The reason; `None` if no fault was found.
    """
    if type(value) in _PLAIN:
        return None
    if isinstance(value, Mapping):
        inner: Any = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    elif isinstance(value, (set, frozenset)):  # its order differs in each run, so prompt caches miss
        return f"has a {type(value).__name__}, which JSON does not have; give a list"
    elif isinstance(value, float):
        return None if isfinite(value) else f"has {value!r}, which JSON does not have; give a finite number"
    elif isinstance(value, (bytes, bytearray, memoryview, msgspec.Raw)):
        return _of_no_json(value, "give text, or the decoded value")
    elif isinstance(value, Iterator):
        return "has an iterator, which could be read once only; give a list"
    else:  # such as an enum, a date or a structure, which msgspec can encode
        try:
            msgspec.json.encode(value)
        except UnicodeEncodeError:
            return None  # half a surrogate pair, which is found when the whole body is encoded
        except (TypeError, ValueError, RecursionError):
            return _of_no_json(value, "give a dict, a list, a text or a number")
        return None
    if max_depth == 0:
        return _TOO_DEEP
    for item in inner:
        # The same test as above, repeated since most values pass it and a call costs more than the test.
        if type(item) not in _PLAIN:
            try:
                fault = json_fault(item, max_depth - 1)
            except RecursionError:
                fault = _TOO_DEEP
            if fault is not None:
                return fault
    return None


def _of_no_json(value: object, remedy: str) -> str:
    return f"has a value of the type {type(value).__name__}, which is not JSON; {remedy}"


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
    """Whether the text could be the beginning of longer JSON, judged by msgspec's words for a cut text."""
    words = str(error)
    return words == "Input data was truncated" or words.endswith(
        f"invalid number (byte {len(text.encode('utf-8', 'replace'))})"
    )


def _replace_half(match: re.Match[str]) -> str:
    return "\\ufffd" if match[1] else match[0]
