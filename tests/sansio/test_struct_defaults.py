"""Structures: their defaults are of the fields' types, and those that others see cannot be changed."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, Struct, structs

import sansio
from tests.support import run_each


def structures() -> Iterator[type[Struct]]:
    """Each structure of the library, public or not, by the module that has it."""
    for found in pkgutil.walk_packages(sansio.__path__, "sansio."):
        if found.name.endswith(".__main__"):
            continue  # a command, which `python -m` refuses to run where it was imported
        module = import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Struct) and value.__module__ == found.name:
                yield value


def is_of(value: object, hint: Any) -> bool:
    """Whether a value is of a type, as far as its kind and the words that are allowed say it."""
    origin = get_origin(hint)
    if origin is Annotated:
        return is_of(value, get_args(hint)[0])
    if origin in (Union, UnionType):
        return any(is_of(value, each) for each in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if hint is None:
        return value is None
    kind = origin or (object if hint is Any else hint)
    return not isinstance(kind, type) or isinstance(value, (int, float) if kind is float else kind)


def test_each_default_is_of_its_type() -> None:
    def check(kind: type[Struct]) -> None:
        for field in structs.fields(kind):
            if field.default is not NODEFAULT:
                assert is_of(field.default, field.type), (field.name, field.default)

    # The types of these are known to the type checker alone.
    apart = {"APIDefaults", "ProviderDefaults", "Profile"}
    run_each((each for each in structures() if each.__name__ not in apart), check)


SHAPES = "wire"
"""The modules of the shapes of events, which are made for each event: to freeze them takes time."""
CHANGING = {"Known", "CacheControl", "Grounds"}


def test_no_structure_that_others_see_can_be_changed() -> None:
    for kind in structures():
        of_an_event = kind.__module__.endswith(f".{SHAPES}")
        if not (kind.__name__.startswith("_") or kind.__name__ in CHANGING or of_an_event):
            assert kind.__struct_config__.frozen, kind
