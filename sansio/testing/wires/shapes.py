"""Fields of OpenAI's requests, checked by structures: unknown ones, wrong types, and values out of range."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from sansio.jsontext import JSON
from sansio.testing.failures import refuse

_PLACE = re.compile(r"at `\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


def check_shape(value: JSON, shape: Any, at: str = "") -> None:
    """Refuse a value that is not of a shape, in the words of OpenAI's errors.

    Args:
        value: an object of the request, or the whole of it.
        shape: a type for `msgspec.convert`.
        at: where the value is in the request; empty for the whole.

    Raises:
        Refused: it names the field.
    """
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        words = str(error)
        place = _PLACE.search(words)
        unknown = _UNKNOWN.search(words)
        inner = [place[1] if place else "", unknown[1] if unknown else ""]
        param = ".".join(name for name in (at, *inner) if name)
        code = "unknown_parameter" if unknown else "invalid_value"
        raise refuse(f"{words}.", param=param, code=code) from None
