"""Finds and changes the fields of JSON by their paths.

A path such as `.choices[].delta.content` has no indexes: a field is changed in all items of a list at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sansio.jsontext import JSON

MARK = "\N{SNOWMAN}"
"""Added to a text to change it. Models rarely write it."""


def paths_in(value: JSON, path: str = "") -> Iterator[str]:
    """The paths of all values that have no fields."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from paths_in(inner, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from paths_in(inner, f"{path}[]")
    else:
        yield path


def change_at(value: JSON, path: str, change: Callable[[JSON], JSON], at: str = "") -> JSON:
    """A copy in which each value at the path is changed.

    Args:
        change: returns the new value for an old one.
        at: the path of `value` itself.
    """
    if at == path:
        return change(value)
    if not path.startswith(at):
        return value
    if isinstance(value, dict):
        return {name: change_at(inner, path, change, f"{at}.{name}") for name, inner in value.items()}
    if isinstance(value, list):
        return [change_at(inner, path, change, f"{at}[]") for inner in value]
    return value


def all_paths_in(value: JSON, path: str = "") -> Iterator[str]:
    """The paths of all values, also of those that have fields."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from all_paths_in(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from all_paths_in(inner, f"{path}[]")


def holds(value: JSON, wanted: JSON) -> bool:
    """Whether a value occurs at any place."""
    if value == wanted:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(holds(item, wanted) for item in inner)


def another(value: JSON) -> JSON:
    """Another value, of the same type if possible. A value with fields is returned unchanged."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + MARK
        case None:
            return MARK
        case _ if value:
            return value
        case _:
            return [MARK] if isinstance(value, list) else {MARK: MARK}
