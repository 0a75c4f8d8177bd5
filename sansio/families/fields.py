"""Functions for the fields of a wire object: check them, add up counts, and keep the others as `extra`."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from sansio.content import Usage
from sansio.errors import RemoteProtocolError
from sansio.jsontext import JSON, JSONObject

_T = TypeVar("_T")


def convert(data: JSONObject, type: type[_T]) -> _T:
    """Convert a JSON object of the peer to a structure of a family.

    Args:
        data: the object.
        type: the structure, as `msgspec.convert` takes it.

    Raises:
        RemoteProtocolError: the object has another shape.
    """
    try:
        return msgspec.convert(data, type)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError(f"JSON of an unknown shape: {error}") from None


def rest(data: Mapping[str, JSON], *typed: str, nulls: tuple[str, ...] = ()) -> JSONObject:
    """The fields of a wire object that a part has no typed field for. They go into its `extra`.

    Args:
        data: the wire object.
        *typed: the names of fields that typed fields hold. They are left out, unless they are null.
        nulls: the names of fields that are left out if they are null. Other nulls are kept, since some wire
            fields are required and may be null.

    Example:
        >>> rest({"text": "Hi", "index": 3}, "text")
        {'index': 3}
    """
    return {
        name: value
        for name, value in data.items()
        if (name not in typed or value is None) and not (value is None and name in nulls)
    }


def with_extra(typed: JSONObject, extra: JSONObject) -> JSONObject:
    """A wire object with a part's or a call's `extra`: objects that are in both are merged field by field."""
    merged = dict(typed)
    for name, value in extra.items():
        known = merged.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            value = with_extra(known, value)
        merged[name] = value
    return merged


def clash(typed: Mapping[str, object], extra: Mapping[str, object]) -> str | None:
    """The path of the first field of `extra` that would replace a typed field; `None` if there is none.

    Example:
        >>> clash({"type": "function", "function": {"name": "f"}}, {"function": {"name": "g"}})
        'function.name'
    """
    for name, value in extra.items():
        if name not in typed:
            continue
        known = typed[name]
        if not isinstance(known, Mapping) or not isinstance(value, Mapping):
            return name
        if (inner := clash(known, value)) is not None:
            return f"{name}.{inner}"
    return None


def usage_of(wire: Mapping[str, JSON], **fields: tuple[str, ...]) -> Usage:
    """Make a `Usage` from a provider's counts. Each of its fields is the sum of one or more counts.

    Args:
        wire: the provider's counts, by name.
        **fields: for a field of `Usage`, such as `input_tokens`, the names of the counts to add up.

    Returns:
        The usage. All other fields of the wire are in `extra`.

    Example:
        >>> counts = {"in": 3, "cached": 4, "total": 7}
        >>> usage = usage_of(counts, input_tokens=("in", "cached"), cached_tokens=("cached",))
        >>> (usage.input_tokens, usage.cached_tokens, usage.extra)
        (7, 4, {'total': 7})
    """
    sums = dict.fromkeys(fields, 0)
    extra = dict(wire)
    for field, names in fields.items():
        for name in names:
            value = wire.get(name)
            if type(value) is int and value >= 0:
                sums[field] += value
                extra.pop(name, None)
    return Usage(**sums, extra=extra)


def base64_text(data: bytes | None) -> str:
    """Encode bytes as base64 text.

    Args:
        data: the bytes; `None` gives an empty text.
    """
    return binascii.b2a_base64(data or b"", newline=False).decode("ascii")


def base64_bytes(text: str) -> bytes | None:
    """Decode base64 text; `None` if it is not base64.

    When the part is sent back, `base64_text` must give the same text. So a text whose padding differs from
    that of `base64_text` gives `None`, too.

    Args:
        text: the text, as received.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    return data if data and base64_text(data) == text else None


def text_or_none(value: object) -> str | None:
    """The value if it is a `str`; else `None`.

    Args:
        value: any JSON value.
    """
    return value if isinstance(value, str) else None


def without_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an object that are not null.

    Args:
        data: the object. Any: JSON values of every kind.
    """
    return {name: value for name, value in data.items() if value is not None}
