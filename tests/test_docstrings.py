"""The examples in the core's docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import sansio
from tests.support import for_each

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = ["sansio", *(found.name for found in pkgutil.walk_packages(sansio.__path__, "sansio."))]


@for_each(MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=FLAGS).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) >= 4
