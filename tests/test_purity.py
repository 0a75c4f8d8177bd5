"""`sansio` does no I/O and has no ambient input: its imports and calls are read, not trusted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.support import for_each

SANSIO = Path(__file__).resolve().parents[1] / "sansio"

PURE = frozenset([
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "collections.abc", "contextlib",
    "copy", "dataclasses", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "html",
    "inspect", "itertools", "json", "math", "operator", "re", "string", "struct", "textwrap", "types",
    "typing", "unicodedata", "urllib.parse", "zlib",
])  # fmt: skip
"""The modules of the standard library that have neither I/O nor ambient input. A missing one has not been
reviewed. Sockets, files, clocks, environment, randomness, logging, threads and event loops must not be
added."""

LAZY = frozenset(("__init__.py", "batches/codec.py", "config.py", "providers/registry.py", "translate.py"))
"""Modules that load others of the project, or of an application, when they are first used."""

MACHINES = frozenset(("msgspec", "h11", "h2", "hpack", "sansio"))
STRATEGIES = frozenset(("hypothesis",))

HOOKS = frozenset(("hypothesis_hook.py",))
"""Modules outside of `testing` that may use Hypothesis, which loads them itself."""

COUNTERS = frozenset(("testing/judging/work.py",))
"""Modules that count the work of a run with the interpreter's profiling hook, which sees nothing else."""

IMPURE = frozenset([
    "open", "print", "input", "breakpoint", "exec", "eval", "compile", "exit", "quit", "help", "__import__",
    "__builtins__", "__loader__", "__spec__",
])  # fmt: skip
"""Builtins that reach outside, or that could hide what does."""


def breaches(
    source: str, *, testing: bool = False, lazy: bool = False, counts: bool = False
) -> Iterator[str]:
    """What a pure core must not have in its source, with its line.

    Args:
        testing: the module is below `sansio/testing`, where Hypothesis may be used.
        lazy: the module loads others when they are first used.
        counts: the module counts work, which takes `sys.setprofile`.
    """
    allowed = MACHINES | STRATEGIES if testing else MACHINES
    if lazy:
        allowed |= {"importlib"}
    if counts:
        allowed |= {"sys"}
    tree = ast.parse(source)
    parameters = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=module, level=0, names=names):
                # `from urllib import request` is an import of urllib.request.
                modules = [module or ""]
                if module not in PURE:
                    modules = [f"{module}.{alias.name}" for alias in names]
            case ast.Name(id=name, ctx=ast.Load()) if name in IMPURE and name not in parameters:
                yield f"line {node.lineno}: uses {name}"
                continue
            case _:
                continue
        for name in modules:
            if name not in PURE and name.partition(".")[0] not in allowed:
                yield f"line {node.lineno}: imports {name}"


PROGRAMS = frozenset(("testing/fuzz/__main__.py",))
"""Programs, which people run and no module imports: they have arguments, files and an output."""

MODULES = sorted(path for path in SANSIO.rglob("*.py") if str(path.relative_to(SANSIO)) not in PROGRAMS)


@for_each(MODULES)
def test_a_module_of_the_core_is_pure(path: Path) -> None:
    name = str(path.relative_to(SANSIO))
    testing = path.is_relative_to(SANSIO / "testing") or name in HOOKS
    source = path.read_text("utf-8")
    assert list(breaches(source, testing=testing, lazy=name in LAZY, counts=name in COUNTERS)) == []


@pytest.mark.parametrize("name", sorted(COUNTERS))
def test_a_counter_uses_the_profiling_hook_alone(name: str) -> None:
    tree = ast.parse((SANSIO / name).read_text("utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys"
    }
    assert used == {"getprofile", "setprofile"}


@pytest.mark.parametrize("name", sorted(LAZY))
def test_a_lazy_module_loads_modules_by_import_module_alone(name: str) -> None:
    tree = ast.parse((SANSIO / name).read_text("utf-8"))
    taken = [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "importlib"
    ]
    assert [alias.name for node in taken for alias in node.names] == ["import_module"]


@for_each(MODULES)
def test_no_module_imports_a_program(path: Path) -> None:
    assert "__main__" not in path.read_text("utf-8")


def test_the_modules_were_found() -> None:
    names = {str(path.relative_to(SANSIO)) for path in MODULES}
    assert {
        "call.py",
        "http/exchange.py",
        "framing/sse.py",
        "families/chat/reader.py",
        "testing/fake.py",
    } <= names


FORBIDDEN = [
    "socket", "ssl", "select", "selectors", "subprocess", "os", "os.path", "sys", "io", "pathlib",
    "tempfile", "shutil", "glob", "time", "datetime", "sched", "random", "secrets", "uuid", "logging",
    "warnings", "threading", "multiprocessing", "concurrent.futures", "queue", "contextvars", "signal",
    "asyncio", "trio", "anyio", "httpcore", "httpx", "requests", "urllib.request", "http.client",
    "transports", "tests", "platform", "locale", "getpass", "zoneinfo", "importlib", "ctypes", "gc",
    "hypothesis",
]  # fmt: skip

FORMS = [
    "import {name}",
    "import re, {name} as other",
    "from {name} import anything",
    "def late():\n    import {name}",
]


@for_each(product(FORBIDDEN, FORMS))
def test_a_planted_import_is_caught(case: tuple[str, str]) -> None:
    name, form = case
    planted = "import re\n\n" + form.format(name=name)
    assert [breach for breach in breaches(planted) if name in breach]


@for_each(product(sorted(IMPURE), ("{name}('x')", "def late():\n    return {name}", "alias = {name}")))
def test_a_planted_call_is_caught(case: tuple[str, str]) -> None:
    name, form = case
    assert list(breaches(form.format(name=name))) == [f"line {form.count(chr(10)) + 1}: uses {name}"]


def test_a_submodule_does_not_slip_in_with_its_package() -> None:
    assert list(breaches("from urllib import request")) == ["line 1: imports urllib.request"]
    assert list(breaches("from urllib import parse")) == []
    assert list(breaches("import urllib")) == ["line 1: imports urllib"]


def test_a_parameter_or_a_field_may_be_named_like_a_builtin() -> None:
    assert list(breaches("def receive(input):\n    return input")) == []
    assert list(breaches("class Block:\n    input: str\n")) == []


def test_hypothesis_is_for_the_testing_rooms_alone() -> None:
    planted = "from hypothesis import strategies"
    assert list(breaches(planted))
    assert list(breaches(planted, testing=True)) == []
