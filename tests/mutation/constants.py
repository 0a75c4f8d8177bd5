"""Mutation testing of what mutmut passes over: tables, constants, limits, defaults and decorated functions.

mutmut changes the bodies of plain functions. This command changes the rest of a module: the
literals of module and class level, each entry of a table, the values of enums, the defaults of fields and of
arguments, what a class is made with (`frozen=True`), regular expressions, and the bodies of functions that
have a decorator, properties among them, or that run when the module is loaded. For each change, one at a
time, it runs the tests that mirror the module and says whether they noticed. It works on a copy in a
temporary folder, never on the working tree.

    python -m tests.mutation.constants [--sample N] [--seed S] [--again] [MODULE ...]

A module is named as `sansio.retry`. Default: all of `sansio` except its strategies, fuzz targets and damaged
bytes, which are what is tried at random, not facts. The survivors are printed, with a count for each module.
With `--again`, those are tried once more, with all quick tests of `sansio`: some facts are tested where
several modules meet.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.mutation.runner import Runner

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
_COPIED = ("sansio", "transports", "tests", "pyproject.toml")
_RECORDED = ROOT.parent / "shared"
"""The recorded cases, which tests read beside the tree, where they are there."""
_LEFT_OUT = ("sansio.testing.strategies.", "sansio.testing.fuzz.", "sansio.testing.dialects.damage.")

_ALL_TESTS = ("tests/sansio", "-m", "quick")
_ALL_OF_TESTING = ("tests/sansio/testing", "--ignore-glob=*test_strategies*", "--ignore-glob=*test_fuzz*")
"""Those of the testing rooms, which the first tier leaves out."""
_ALL_TIMEOUT = 900  # seconds

_HTTP_TESTS = tuple(f"tests/sansio/http/test_{of}.py" for of in ("exchange", "exchange_bounds", "by_h11"))
_TESTS: dict[str, tuple[str, ...]] = {
    "sansio.http": ("tests/sansio/http/test_messages.py",),
    "sansio.http.exchange": (*_HTTP_TESTS, "tests/sansio/http/test_messages.py"),
    "sansio.http.heads": _HTTP_TESTS,
    "sansio.http.body": _HTTP_TESTS,
    "sansio.answers.pieces": ("tests/sansio/answers/test_folding.py",),
    "sansio": ("tests/sansio/test_public_names.py",),
    "sansio.providers": ("tests/sansio/providers/test_registry.py",),
    "sansio.testing": ("tests/sansio/testing/test_wire.py",),
    "sansio.testing.wires.messages": (
        "tests/sansio/testing/wires/test_messages.py",
        "tests/sansio/testing/test_wire_goldens.py",
    ),
    "sansio.testing.wires.chat": (
        "tests/sansio/testing/wires/test_chat.py",
        "tests/sansio/testing/test_wire_goldens.py",
    ),
    "sansio.testing.wires.messages_fields": (
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/testing/wires/test_messages_requests.py",
        "tests/sansio/families/messages/test_options_known.py",
    ),
    "sansio.testing.wires.responses_fields": (
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/testing/wires/test_responses_requests.py",
    ),
    "sansio.testing.beside": (
        "tests/sansio/testing/test_beside.py",
        "tests/sansio/testing/wires/test_requests_by_types.py",
    ),
    "sansio.testing.wires.chat_fields": (
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/families/chat/test_options_known.py",
        "tests/sansio/testing/wires/test_chat_requests_refusals.py",
        "tests/sansio/testing/wires/test_chat_requests_names.py",
        "tests/sansio/testing/wires/test_chat_requests.py",
    ),
    "sansio.families.messages.thinking": (
        "tests/sansio/families/messages/test_options.py",
        "tests/sansio/test_structured.py",
    ),
    "sansio.profiles": (
        "tests/sansio/test_profiles_rows.py",
        "tests/sansio/test_profiles.py",
        "tests/sansio/test_messages_hosts.py",
    ),
    "sansio.defaults": (
        "tests/sansio/test_defaults.py",
        "tests/sansio/test_profiles.py",
        "tests/sansio/test_messages_hosts.py",
    ),
    "sansio.providers.hosts": tuple(
        f"tests/sansio/providers/test_{of}.py"
        for of in ("hosts", "openai", "azure", "openrouter", "responses")
    ),
    "sansio.providers.responses": (
        "tests/sansio/providers/test_responses.py",
        "tests/sansio/families/responses/test_options.py",
    ),
    "sansio.providers.openrouter": (
        "tests/sansio/providers/test_openrouter.py",
        "tests/sansio/families/chat/test_options.py",
    ),
    "sansio.providers.vllm": (
        "tests/sansio/providers/test_vllm.py",
        "tests/sansio/families/chat/test_options.py",
    ),
    **dict.fromkeys(
        (
            f"sansio.families.{of}"
            for of in ("serving", "chat.serving", "messages.serving", "responses.serving")
        ),
        ("tests/sansio/test_translate.py", "tests/sansio/test_translate_requests.py"),
    ),
    **dict.fromkeys(
        (
            "sansio.families.responses.records",
            "sansio.testing.wires.responses_items",
            "sansio.testing.wires.responses_records",
        ),
        tuple(
            f"tests/sansio/testing/wires/test_responses{of}.py"
            for of in ("_items", "", "_requests", "_shelf")
        ),
    ),
    "sansio.testing.wires.responses_requests": (
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/testing/wires/test_responses_requests.py",
        "tests/sansio/testing/wires/test_responses_shelf.py",
    ),
    "sansio.families.responses.inputs": (
        "tests/sansio/test_translate.py",
        "tests/sansio/test_translate_requests.py",
    ),
    "sansio.testing.routes": (
        "tests/sansio/testing/test_routes.py",
        "tests/sansio/testing/test_beside.py",
        "tests/sansio/testing/test_fake.py",
    ),
    "sansio.testing.prompt": (
        "tests/sansio/testing/test_prompt.py",
        "tests/sansio/testing/test_fake.py",
        "tests/sansio/testing/test_small_model.py",
        "tests/sansio/testing/wires/test_chat_requests.py",
        "tests/sansio/testing/wires/test_messages_requests.py",
    ),
}
"""The tests of the modules that no test file is named after, or that share one."""

_OPPOSITES: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}
_PASSED_OVER = ("__new__", "__getattribute__", "__setattr__")
_NOT_PASSED_OVER = (["classmethod"], ["staticmethod"])


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module.

    Args:
        line: where it begins, counted from 1.
        before: the expression that was changed.
        after: the replacement.
        source: the whole module, changed.
    """

    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"line {self.line}: {_short(self.before)}  ->  {_short(self.after)}"


def mutants(source: str) -> list[Mutant]:
    """Every change of a module that this command tries; none of them twice."""
    lines = source.encode().splitlines(keepends=True)
    found: dict[str, Mutant] = {}
    tree = ast.parse(source)
    for old, new in (*_statements(tree.body), *_loading(tree)):
        assert old.end_lineno is not None
        assert old.end_col_offset is not None
        begin = sum(map(len, lines[: old.lineno - 1])) + old.col_offset
        end = sum(map(len, lines[: old.end_lineno - 1])) + old.end_col_offset
        whole, after = b"".join(lines), ast.unparse(new)
        changed = (whole[:begin] + after.encode() + whole[end:]).decode()
        found.setdefault(changed, Mutant(old.lineno, whole[begin:end].decode(), after, changed))
    return list(found.values())


_Changes = Iterator[tuple[ast.expr, ast.expr]]


def _statements(statements: Sequence[ast.stmt]) -> _Changes:
    """Changes of a module's or a class's statements, each as what is changed and what replaces it."""
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name, args=args, body=body, decorator_list=decorators):
                for default in (*args.defaults, *args.kw_defaults):
                    if default is not None:
                        yield from _expression(default)
                names = [ast.unparse(decorator) for decorator in decorators]
                if name in _PASSED_OVER or (names and names not in _NOT_PASSED_OVER):
                    for inner in body:
                        yield from _body(inner)
            case ast.ClassDef(name=name, keywords=keywords, decorator_list=decorators, body=body):
                for keyword in keywords:
                    # Nothing outside a module can try to change what only the module has.
                    if not (keyword.arg == "frozen" and name.startswith("_")):
                        yield from _keyword(keyword)
                for decorator in decorators:
                    yield from _expression(decorator)
                yield from _statements(body)
            case (
                ast.AnnAssign(annotation=ast.Name(id="TypeAlias") | ast.Constant(value=None))
                | ast.Assign(targets=[ast.Name(id="__all__")])
            ):
                pass  # a type; a field with one value, which nothing reads; a list that a test repeats
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                yield from _expression(value)
            case _:
                pass


def _loading(module: ast.Module) -> _Changes:
    """Changes inside the functions that run when the module is loaded, for which mutmut comes too late."""
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    used: list[str] = []
    nodes: list[ast.AST] = [
        node for node in module.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    while nodes:
        for inner in ast.walk(nodes.pop()):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name):
                name = inner.func.id
                if name in functions and name not in used:
                    used.append(name)
                    nodes.append(functions[name])
    for name in used:
        yield from _body(functions[name])


def _body(node: ast.AST) -> _Changes:
    """Changes of every expression of a statement inside a function, except its annotations and docstring."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.FunctionDef(body=children):
            below: list[ast.AST] = [*children]
        case ast.AnnAssign(value=value):
            below = [] if value is None else [value]
        case _:
            below = list(ast.iter_child_nodes(node))
    for child in below:
        if isinstance(child, ast.expr):
            yield from _expression(child)
        else:
            yield from _body(child)


def _expression(node: ast.expr) -> _Changes:
    """Changes of an expression and of all that it consists of."""
    yield from ((node, new) for new in _instead(node))
    match node:
        case ast.JoinedStr():
            return  # the positions inside an f-string are not those of the file
        case ast.Subscript(slice=index) if not isinstance(index, (ast.Constant, ast.Slice)):
            return  # a type
        case ast.Call(func=ast.Name(id="TypeVar")):
            return
        case _:
            for child in ast.iter_child_nodes(node):
                match child:
                    case ast.expr():
                        yield from _expression(child)
                    case ast.keyword():
                        yield from _keyword(child)
                    case ast.comprehension(iter=source, ifs=conditions):
                        for part in (source, *conditions):
                            yield from _expression(part)
                    case _:
                        pass


def _keyword(keyword: ast.keyword) -> _Changes:
    if keyword.arg != "gc":  # what the garbage collector follows cannot be seen from outside
        yield from _expression(keyword.value)


def _instead(node: ast.expr) -> Iterator[ast.expr]:
    """The replacements of an expression."""
    match node:
        case ast.Constant(value=value):
            yield from map(ast.Constant, _other_values(value))
        case ast.Tuple(elts=elements, ctx=ast.Load()):
            yield from (ast.Tuple(rest, ast.Load()) for rest in _without_one(elements))
        case ast.List(elts=elements, ctx=ast.Load()):
            yield from (ast.List(rest, ast.Load()) for rest in _without_one(elements))
        case ast.Dict(keys=keys, values=values):
            entries = list(zip(keys, values, strict=True))
            for some in (*_without_one(entries), *_with_one_swapped(entries)):
                yield ast.Dict([key for key, _ in some], [value for _, value in some])
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re")) as func, args=[first, *rest]):
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                for pattern in _shorter_patterns(first.value):
                    yield ast.Call(func, [ast.Constant(pattern), *rest], node.keywords)
        case ast.Call(func=func, args=args, keywords=keywords):
            yield from (ast.Call(func, args, rest) for rest in _without_one(keywords))
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            yield from (rest[0] if len(rest) == 1 else ast.BoolOp(op, rest) for rest in _without_one(values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Compare(left=left, ops=[op], comparators=comparators):
            yield ast.Compare(left, [_OPPOSITES[type(op)]], comparators)
        case _:
            pass


def _other_values(value: object) -> list[str | bytes | bool | int | float]:
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, value - 1]
        case str() if value.count(" ") > 2:
            return [""]  # prose: that there is a text matters, not its wording
        case str():
            return [value + "§", value[1:]] if value[1:] else [value + "§"]
        case bytes():
            return [value + b"\xa7", value[1:]] if value[1:] else [value + b"\xa7"]
        case None:
            return [0]
        case _:
            return []


def _shorter_patterns(pattern: str) -> Iterator[str]:
    """The regular expressions that come of leaving one character or one escape out."""
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    for rest in _without_one(tokens):
        shorter = "".join(rest)
        try:
            re.compile(shorter)
        except re.error:
            continue
        yield shorter


def _without_one(items: Sequence[T]) -> Iterator[list[T]]:
    for at in range(len(items)):
        yield [*items[:at], *items[at + 1 :]]


_Entries = list[tuple[ast.expr | None, ast.expr]]


def _with_one_swapped(entries: _Entries) -> Iterator[_Entries]:
    """The tables in which one named value is that of another entry."""
    for at, (key, value) in enumerate(entries):
        others = [
            other
            for _, other in entries[at + 1 :] + entries[:at]
            if isinstance(other, (ast.Name, ast.Attribute)) and ast.unparse(other) != ast.unparse(value)
        ]
        if others and isinstance(value, (ast.Name, ast.Attribute)):
            yield [*entries[:at], (key, others[0]), *entries[at + 1 :]]


def mirror_of(root: Path, module: str) -> tuple[str, ...]:
    """The tests that mirror a module, or else the package it is in, relative to the root.

    The most specific tests are first: they are quick and kill the most.
    """
    if module in _TESTS:
        return _TESTS[module]
    package, _, name = module.rpartition(".")
    folder = root.joinpath("tests", *package.split("."))
    named = sorted([*folder.glob(f"test_{name}_*.py"), *folder.glob(f"{name}/")])
    named += folder.glob(f"test_{name}.py")
    if package.startswith("sansio.families."):  # what a family's modules share is tested through them
        named += sorted(set(folder.glob("test_*.py")) - set(named))
        named.append(root / "tests/sansio/test_parser_quick.py")
    return tuple(str(path.relative_to(root)) for path in named) or mirror_of(root, package)


def _modules() -> dict[str, Path]:
    """The modules of `sansio` by name, with their files relative to the root."""
    found = {}
    for path in sorted(ROOT.glob("sansio/**/*.py")):
        relative = path.relative_to(ROOT)
        parts = relative.with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = relative
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else f"{text[:50]} … {text[-17:]}"


_Chosen = tuple[str, Path, Mutant]


def _try_all(runner: Runner, chosen: Sequence[_Chosen]) -> list[_Chosen]:
    """Try mutants, ordered by module; returns those that survived."""
    survived: list[_Chosen] = []
    for name in dict.fromkeys(name for name, _, _ in chosen):
        tests = mirror_of(runner.tree, name)
        if not runner.passes(tests):
            raise SystemExit(f"{name}: its tests fail without any mutation: {' '.join(tests)}")
        here = [each for each in chosen if each[0] == name]
        left = [each for each in here if not runner.notices(each[1], each[2].source, tests)]
        for _, _, mutant in left:
            print(f"  survived  {name} {mutant}")
        print(f"{name}: {len(here) - len(left)} of {len(here)} killed", flush=True)
        survived += left
    return survived


def _try_again(runner: Runner, survived: Sequence[_Chosen]) -> list[_Chosen]:
    """Try survivors with all quick tests, or all of the testing rooms; returns those left."""
    for tests in (_ALL_TESTS, _ALL_OF_TESTING) if survived else ():
        if not runner.passes(tests):
            raise SystemExit(f"the tests fail without any mutation: {' '.join(tests)}")
    left: list[_Chosen] = []
    for name, path, mutant in survived:
        tests = _ALL_OF_TESTING if name.startswith("sansio.testing.") else _ALL_TESTS
        noticed = runner.notices(path, mutant.source, tests)
        print(f"  {'killed' if noticed else 'survived'} again  {name} {mutant}", flush=True)
        if not noticed:
            left.append((name, path, mutant))
    return left


def main() -> None:
    """The command: see the module's docstring."""
    parser = argparse.ArgumentParser(description="Mutate tables, constants and limits; print what survives.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as sansio.retry; default: all")
    parser.add_argument("--sample", type=int, metavar="N", help="try only this many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones are drawn")
    parser.add_argument("--again", action="store_true", help="try survivors with all quick tests, too")
    given = parser.parse_args()
    known = _modules()
    if unknown := set(given.modules) - set(known):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    names = given.modules or [name for name in known if not f"{name}.".startswith(_LEFT_OUT)]
    chosen = [
        (name, known[name], mutant)
        for name in names
        for mutant in mutants((ROOT / known[name]).read_text(encoding="utf-8"))
    ]
    if given.sample is not None and given.sample < len(chosen):
        drawn = sorted(random.Random(given.seed).sample(range(len(chosen)), given.sample))
        print(f"{given.sample} of {len(chosen)} mutants, drawn with seed {given.seed}")
        chosen = [chosen[number] for number in drawn]
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        if _RECORDED.is_dir():
            Path(folder, _RECORDED.name).symlink_to(_RECORDED)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, tree / name)
        with Runner(tree) as runner:
            left = _try_all(runner, chosen)
        if given.again:
            print(f"{len(left)} of {len(chosen)} survived their module's own tests", flush=True)
            with Runner(tree, _ALL_TIMEOUT) as runner:
                left = _try_again(runner, left)
    killed = len(chosen) - len(left)
    print(f"{killed} of {len(chosen)} killed: {killed / max(len(chosen), 1):.1%}")


if __name__ == "__main__":
    main()
