"""The values of `sansio.testing` cannot be changed once they are made."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from msgspec import Struct

import sansio.testing

CHANGING = {"sansio.testing.dialects.bench.Known", "sansio.testing.wires.messages_fields.CacheControl"}
"""What is computed little by little, and a part of requests that is only read."""


def structs() -> Iterator[type[Struct]]:
    for module in pkgutil.walk_packages(sansio.testing.__path__, "sansio.testing."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, Struct) and kind.__module__ == module.name:
                yield kind


def test_each_public_value_is_frozen() -> None:
    public = [kind for kind in structs() if not kind.__name__.startswith("_")]
    assert len(public) > 40
    changing = {f"{kind.__module__}.{kind.__name__}" for kind in public if not kind.__struct_config__.frozen}
    assert changing == CHANGING
