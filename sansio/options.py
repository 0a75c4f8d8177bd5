"""The options of a call: portable names, their types, and the place that each has on each wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from sansio.errors import InvalidRequestError

# Any: an option may be of any type that msgspec knows, and its value is JSON of any kind.
Body: TypeAlias = dict[str, Any]
_Number: TypeAlias = int | float

PORTABLE: Mapping[str, Any] = {
    "temperature": _Number,
    "top_p": _Number,
    "top_k": int,
    "max_tokens": int,
    "stop": str | list[str],
    "seed": int,
    "frequency_penalty": _Number,
    "presence_penalty": _Number,
    "logprobs": bool | int,
    "tool_choice": str | dict[str, Any],
    "parallel_tool_calls": bool,
    "response_format": dict[str, Any],
    "reasoning_effort": str,
    "reasoning_budget": int,
    "user": str,
    "metadata": dict[str, Any],
    "service_tier": str,
}
"""Names that mean the same for every provider. One that has no place for it refuses it."""

EVERYWHERE = ("model", "extra_headers", "extra_body", "unsupported")
"""Options that every call may have, whatever the provider."""


class Option(Struct, frozen=True):
    """One option of one dialect.

    Args:
        type: what the value must be, as `msgspec.convert` checks it. A value is sent as it was given.
        to: the wire's field, with dots leading inwards (`"generationConfig.topP"`); or a function that
            writes the value into the body.
    """

    type: Any
    to: str | Callable[[Body, Any], None]

    def write(self, body: Body, value: object) -> None:
        """Write a value into a request's body; `None` removes what is there."""
        if not isinstance(self.to, str):
            self.to(body, value)
            return
        *path, last = self.to.split(".")
        for name in path:
            body = body.setdefault(name, {})
        if value is None:
            body.pop(last, None)
        else:
            body[last] = value


def portable(**to: str | Callable[[Body, Any], None]) -> dict[str, Option]:
    """Options under portable names, whose types are known.

    Example:
        >>> portable(max_tokens="max_output_tokens")["max_tokens"].to
        'max_output_tokens'
    """
    return {name: Option(PORTABLE[name], where) for name, where in to.items()}


def listed(to: str) -> Callable[[Body, Any], None]:
    """Where an option goes whose wire takes a list only: a single text is sent as a list of one.

    Args:
        to: the wire's field, as in `Option`.

    Example:
        >>> body = {}
        >>> portable(stop=listed("stop_sequences"))["stop"].write(body, "END")
        >>> body
        {'stop_sequences': ['END']}
    """
    option = Option(Any, to)
    return lambda body, value: option.write(body, [value] if isinstance(value, str) else value)


def own(*names: str, type: Any = Any) -> dict[str, Option]:
    """Options that a provider knows under the same name, of one type."""
    return {name: Option(type, name) for name in names}


def check_options(
    options: Mapping[str, object], table: Mapping[str, Option], origin: str, unsupported: str = "refuse"
) -> tuple[dict[str, object], list[str]]:
    """Check options against a dialect's table.

    Args:
        options: as given to the call, without those of `EVERYWHERE`.
        table: the dialect's `OPTIONS`.
        origin: provider type and api, for messages.
        unsupported: `"refuse"`, or `"drop"` to leave out portable options that have no place here.

    Returns:
        The options to write, and the names of those that were left out.

    Raises:
        InvalidRequestError: it names the option and what to do.
    """
    if unsupported not in ("refuse", "drop"):
        raise InvalidRequestError(f"unsupported: must be 'refuse' or 'drop', not {unsupported!r}")
    kept: dict[str, object] = {}
    left_out: list[str] = []
    for name, value in options.items():
        option = table.get(name)
        if option is not None:
            if value is not None:
                _check_value(name, value, option.type)
            kept[name] = value
        elif name not in PORTABLE:
            raise _unknown(name, table, origin)
        elif unsupported == "drop":
            left_out.append(name)
        else:
            raise InvalidRequestError(
                f"{name}: {origin} has no such option; leave it out, or pass unsupported='drop' to have such "
                "options left out and reported"
            )
    return kept, left_out


def write_options(
    body: Body, options: Mapping[str, object], table: Mapping[str, Option], origin: str
) -> None:
    """Check options, and write them into a request's body. `None` removes a default.

    Raises:
        InvalidRequestError: as `check_options`.
    """
    kept, _ = check_options(options, table, origin)
    for name, value in kept.items():
        table[name].write(body, value)


def merge_extra(body: Body, extra: Mapping[str, object]) -> None:
    """Merge `extra_body` into a request's body, unchecked: objects field by field; `None` removes a field."""
    for name, value in extra.items():
        known = body.get(name)
        if value is None:
            body.pop(name, None)
        elif isinstance(known, dict) and isinstance(value, Mapping):
            body[name] = dict(known)
            merge_extra(body[name], value)
        else:
            body[name] = value


def _check_value(name: str, value: object, type: Any) -> None:
    for number in _floats_in(value):
        if not isfinite(number):  # it would be encoded as null
            raise InvalidRequestError(f"{name}: {number!r} cannot be sent; give a finite number")
    try:
        msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"{name}: {error}") from None


def _floats_in(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _floats_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _floats_in(inner)


def _unknown(name: str, table: Mapping[str, Option], origin: str) -> InvalidRequestError:
    near = get_close_matches(name, (*table, *EVERYWHERE), 1)
    hint = (
        f"did you mean {near[0]!r}?" if near else f"give fields of the wire in extra_body={{{name!r}: ...}}"
    )
    return InvalidRequestError(f"{name}: {origin} has no such option; {hint}")
