"""JSON judged by a type, and JSON made from it: for the parameter types of the official SDKs."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from hypothesis import strategies as st

from sansio.testing.strategies.values import JSON_VALUES, NAMES

Type: TypeAlias = Any  # a type that another library made: a class, a union, a TypedDict

_INDEX = re.compile(r"\[\d+\]")
_MAPPINGS = (dict, Mapping)


def faults(value: object, type: Type, at: str = "") -> list[str]:
    """What is wrong with JSON, by its places; empty if it is of the type.

    Args:
        at: the place of the value. Places in lists have no number, so that equal faults are equal.
    """
    type = _bare(type)
    origin = _origin(type)
    if type is Any or type is object or isinstance(type, TypeVar):
        return []
    if origin is Literal:
        return [] if value in get_args(type) else [f"{at}: {value!r} is none of {get_args(type)}"]
    if origin in (Union, types.UnionType):
        return _union_faults(value, get_args(type), at)
    if hasattr(type, "__required_keys__"):
        return _record_faults(value, type, at)
    if type in (list, dict, Mapping) or origin is not None:
        return _container_faults(value, type, at)
    if type is float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif type is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:  # of the classes left, JSON has texts and bools; files and paths are no JSON
        fits = type in (str, bool, types.NoneType) and isinstance(value, type)
    return [] if fits else [f"{at}: {value!r:.60} is no {getattr(type, '__name__', type)}"]


def _union_faults(value: object, members: Iterable[Type], at: str) -> list[str]:
    """None if a member fits; else the faults by the member that is meant, as far as one can tell."""
    found = [(each, member) for member in members for each in [faults(value, member, at)]]
    if any(not each for each, _ in found):
        return []
    return min(found, key=lambda pair: (_distance(value, pair[1]), len(pair[0])))[0]


def _distance(value: object, member: Type) -> int:
    """How far a member of a union is from a value: 0 if the value's `type` or `role` is the member's own."""
    member = _bare(member)
    if isinstance(value, list):
        return 0 if _origin(member) not in (None, *_MAPPINGS) else 1
    if not isinstance(value, Mapping):
        return 0
    if not hasattr(member, "__required_keys__"):
        return 2
    words = {name: hint for name, (hint, _) in _fields(member).items() if _origin(hint) is Literal}
    return 0 if any(value.get(name) in get_args(words.get(name)) for name in ("type", "role")) else 1


def _record_faults(value: object, type: Type, at: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{at}: {value!r:.60} is no object"]
    fields = _fields(type)
    found = [
        f"{at}.{name}: is missing" for name, (_, needed) in fields.items() if needed and name not in value
    ]
    for name, inner in value.items():
        place = f"{at}.{name}"
        found += faults(inner, fields[name][0], place) if name in fields else [f"{place}: is unknown"]
    return found


def _container_faults(value: object, type: Type, at: str) -> list[str]:
    args = get_args(type)
    if (_origin(type) or type) in _MAPPINGS:
        if not isinstance(value, Mapping):
            return [f"{at}: {value!r:.60} is no object"]
        inner = args[1] if args else Any
        return [fault for name, each in value.items() for fault in faults(each, inner, f"{at}.{name}")]
    if not isinstance(value, list):
        return [f"{at}: {value!r:.60} is no list"]
    return [fault for each in value for fault in faults(each, args[0] if args else Any, f"{at}[]")]


def values(type: Type) -> st.SearchStrategy[Any]:
    """JSON of a type, with none of its optional fields, or some."""
    type = _bare(type)
    origin = _origin(type)
    if origin is Literal:
        return st.sampled_from(get_args(type))
    if origin in (Union, types.UnionType):
        return st.one_of([values(member) for member in get_args(type) if _has_json(member)])
    if hasattr(type, "__required_keys__"):
        return st.deferred(lambda: _records(type))
    if (origin or type) in _MAPPINGS:
        args = get_args(type)
        return st.dictionaries(NAMES, values(args[1]) if args else JSON_VALUES, max_size=2)
    if origin is not None or type is list:
        args = get_args(type)
        return st.lists(values(args[0]) if args else JSON_VALUES, min_size=1, max_size=2)
    known: dict[Type, st.SearchStrategy[Any]] = {
        str: NAMES,
        int: st.integers(0, 1),
        float: st.sampled_from((0, 0.5, 1, 1.0)),
        bool: st.booleans(),
        types.NoneType: st.none(),
    }
    return known.get(type, JSON_VALUES)


@cache
def _records(type: Type) -> st.SearchStrategy[dict[str, Any]]:
    fields = _fields(type)
    needed = {name: values(inner) for name, (inner, required) in fields.items() if required}
    more = {name: values(inner) for name, (inner, required) in fields.items() if not required}
    chosen = st.lists(st.sampled_from(sorted(more)), max_size=2, unique=True) if more else st.just([])
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({**needed, **{name: more[name] for name in names}})
    )


def fields_of(type: Type) -> list[tuple[str, Type]]:
    """The names and types of a TypedDict's fields."""
    return [(name, hint) for name, (hint, _) in _fields(type).items()]


def _has_json(type: Type) -> bool:
    """Whether JSON can be of the type; a file or a path cannot."""
    type = _bare(type)
    return _origin(type) is not None or hasattr(type, "__required_keys__") or type in _PLAIN


_PLAIN = (str, int, float, bool, types.NoneType, dict, list, object, Any)


@cache
def _fields(type: Type) -> dict[str, tuple[Type, bool]]:
    """The fields of a TypedDict: the type of each, and whether it must be there."""
    found = {}
    for name, hint in get_type_hints(type, include_extras=True).items():
        required = name in type.__required_keys__
        while _origin(hint) in (Required, NotRequired, Annotated):
            required = {Required: True, NotRequired: False}.get(_origin(hint), required)
            hint = get_args(hint)[0]
        found[name] = hint, required
    return found


def _bare(type: Type) -> Type:
    while _origin(type) in (Annotated, Required, NotRequired):
        type = get_args(type)[0]
    return type


def _origin(type: Type) -> Any:
    """`typing.get_origin`, whose overloads say more than is known of a type here."""
    return get_origin(type)
