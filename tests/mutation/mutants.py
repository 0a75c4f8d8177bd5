"""Every change of a module that mutation testing tries, one at a time.

Of each expression, at any place: another number, word or flag; an entry less of a tuple, list, set or table;
a named value of a table exchanged for another's; a keyword argument less; a part less of a condition and of
a union of types; a character less of a regular expression; comparisons, operators and string methods turned
round. Inside functions also: each argument left out or None; what is assigned or returned replaced by None;
a case less of a `match`; loops that end early.

A change that no test can notice is not a mutant: see `_parts`.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
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
_OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Div(),
    ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Div(),
    ast.Mod: ast.Div(),
    ast.Pow: ast.Mult(),
    ast.LShift: ast.RShift(),
    ast.RShift: ast.LShift(),
    ast.BitAnd: ast.BitOr(),
    ast.BitOr: ast.BitAnd(),
    ast.BitXor: ast.BitAnd(),
}
_METHOD_PAIRS = (
    ("lower", "upper"),
    ("lstrip", "rstrip"),
    ("find", "rfind"),
    ("index", "rindex"),
    ("removeprefix", "removesuffix"),
    ("partition", "rpartition"),
    ("ljust", "rjust"),
    ("split", "rsplit"),
    ("startswith", "endswith"),
)
_METHODS = {one: other for pair in _METHOD_PAIRS for one, other in (pair, pair[::-1])}
_PROSE = 2
"""A text with more spaces than this is prose: its presence matters, not its wording."""
_SHOWN = 90
"""How many characters of a change are shown."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module.

    Args:
        line: where it begins, counted from 1.
        before: the expression or statement that is changed, as Python writes it.
        after: the replacement.
        span: where the text that is replaced begins and ends, in bytes.
        text: what replaces it.
    """

    line: int
    before: str
    after: str
    span: tuple[int, int]
    text: str

    def applied(self, source: str) -> str:
        """The module's source, changed."""
        return _applied(source.encode(), self.span, self.text).decode()

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        same = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
        begin = 0 if max(len(before), len(after)) <= _SHOWN else max(same - 20, 0)
        before, after = (text[begin : begin + _SHOWN] for text in (before, after))
        return f"line {self.line}: {before}  ->  {after}"


def mutants(source: str) -> list[Mutant]:
    """Every change of a module; none of them twice."""
    whole = source.encode()
    starts = [0]
    for text in whole.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    found: dict[bytes, Mutant] = {}
    for old, new in _changes(ast.parse(source), inside=False):
        assert old.end_lineno is not None
        assert old.end_col_offset is not None
        span = starts[old.lineno - 1] + old.col_offset, starts[old.end_lineno - 1] + old.end_col_offset
        try:
            after = ast.unparse(new)
        except ValueError:  # Python before 3.12 cannot write each f-string
            continue
        instead = after.replace("\n", "\n" + " " * old.col_offset)
        if isinstance(new, _COMPOUND):
            instead = f"({instead})"
        changed = _applied(whole, span, instead)
        if changed != whole:
            line, before = old.lineno, ast.unparse(old)
            if isinstance(old, ast.Match) and isinstance(new, ast.Match):
                (gone,) = (case.pattern for case in old.cases if case not in new.cases)
                line, before, after = gone.lineno, f"case {ast.unparse(gone)}", ""
            found.setdefault(changed, Mutant(line, before, after, span, instead))
    return list(found.values())


def _applied(source: bytes, span: tuple[int, int], text: str) -> bytes:
    return source[: span[0]] + text.encode() + source[span[1] :]


_Change = tuple[ast.expr | ast.stmt, ast.expr | ast.stmt]
_COMPOUND = (ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Lambda)
"""Expressions that bind more weakly than their surroundings may, so that they need parentheses."""


def _changes(node: ast.AST, *, inside: bool) -> Iterator[_Change]:
    """Changes of a node and of all that it consists of, each as what is changed and what replaces it.

    Args:
        node: the node.
        inside: whether it is inside a function.
    """
    if isinstance(node, ast.expr | ast.stmt):
        yield from ((node, new) for new in _instead(node, inside=inside))
    if inside:
        match node:
            case (
                ast.Assign(value=value)
                | ast.AnnAssign(value=ast.expr() as value)
                | ast.Return(value=ast.expr() as value)
            ):
                # A constant has changes that are harder to notice.
                if not isinstance(value, ast.Constant):
                    yield value, ast.Constant(None)
            case _:
                pass
    for child in _parts(node):
        within = inside or (isinstance(node, ast.FunctionDef) and isinstance(child, ast.stmt))
        yield from _changes(child, inside=within)


def _parts(node: ast.AST) -> Sequence[ast.AST]:
    """The parts of a node, without those whose changes no test can notice."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return ()  # a docstring
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=other):
            return other  # the rest is for the type checker alone
        case (
            ast.AnnAssign(annotation=ast.Name(id="TypeAlias") | ast.Constant(value=None))
            | ast.Assign(targets=[ast.Name(id="__all__")])
            | ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar")))
        ):
            return ()  # a type; a field with one value, which nothing reads; a list that a test repeats
        case ast.AnnAssign(value=value):
            return () if value is None else (value,)
        case ast.FunctionDef(args=args, body=body):
            return *args.defaults, *(default for default in args.kw_defaults if default is not None), *body
        case ast.ClassDef(name=name, keywords=keywords, decorator_list=decorators, body=body):
            # Nothing outside a module can try to change, or to make, what only the module has.
            own = ("frozen", "kw_only") if name.startswith("_") else ()
            return *(each for each in keywords if each.arg not in own), *decorators, *body
        case ast.keyword(arg="gc"):
            return ()  # what the garbage collector follows cannot be seen from outside
        case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
            return (value,)  # the type that it names is for the type checker alone
        case ast.match_case(body=[ast.Expr(value=ast.Call(func=ast.Name(id="assert_never")))]):
            return ()  # the type checker proves that no run can reach it
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot()]):
            return (left,)  # Python warns of `is` with a number, which would fail any test
        case ast.Subscript(value=of) if _is_type(of):
            return ()
        case ast.JoinedStr():
            return ()  # positions inside an f-string are not those of the file: see `_instead`
        case _:
            return list(ast.iter_child_nodes(node))


def _instead(node: ast.expr | ast.stmt, *, inside: bool) -> Iterator[ast.expr | ast.stmt]:
    """The replacements of an expression or of a statement."""
    match node:
        case ast.Constant(value=value):
            yield from map(ast.Constant, _other_values(value))
        case ast.JoinedStr():
            yield from _other_texts(node)
        case ast.Tuple(elts=elements, ctx=ast.Load()):
            yield from (ast.Tuple(rest, ast.Load()) for rest in _without_one(elements))
        case ast.List(elts=elements, ctx=ast.Load()):
            yield from (ast.List(rest, ast.Load()) for rest in _without_one(elements))
        case ast.Set(elts=elements):
            yield from (ast.Set(rest) for rest in _without_one(elements))
        case ast.Dict(keys=keys, values=values):
            entries = list(zip(keys, values, strict=True))
            for some in (*_without_one(entries), *_with_one_swapped(entries)):
                yield ast.Dict([key for key, _ in some], [value for _, value in some])
        case ast.Call():
            yield from _other_calls(node, inside=inside)
        case ast.Lambda(args=args, body=body) if not isinstance(body, ast.Constant):
            yield ast.Lambda(args, ast.Constant(None))
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            yield from (rest[0] if len(rest) == 1 else ast.BoolOp(op, rest) for rest in _without_one(values))
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            yield operand
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield ast.UnaryOp(ast.UAdd(), operand)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right) if _is_type(left) or _is_type(right):
            yield from (left, right)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)], right)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for at, compared in enumerate(ops):
                others = [*ops[:at], _COMPARISONS[type(compared)], *ops[at + 1 :]]
                yield ast.Compare(left, others, comparators)
        case ast.IfExp(body=body, orelse=other):
            yield from (body, other)
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.Assign([target], value, lineno=node.lineno)
            if type(op) in _OPERATORS:
                yield ast.AugAssign(target, _OPERATORS[type(op)], value)
        case ast.Break() if inside:
            yield ast.Return()
        case ast.Continue():
            yield ast.Break()
        case ast.Match(subject=subject, cases=cases) if len(cases) > 1:
            for case, rest in zip(cases, _without_one(cases), strict=True):
                if _parts(case):
                    yield ast.Match(subject, rest)
        case _:
            pass


def _other_calls(call: ast.Call, *, inside: bool) -> Iterator[ast.expr]:
    func, args, keywords = call.func, call.args, call.keywords
    match func:
        case ast.Name(id="cast" | "assert_never" | "TypeVar"):
            return  # see `_parts`
        case ast.Name(id="isinstance" | "len"):
            return  # with fewer arguments, or None, they only raise
        case ast.Attribute(value=ast.Name(id="re")) if args and isinstance(args[0], ast.Constant):
            pattern = args[0].value
            for shorter in _shorter_patterns(pattern) if isinstance(pattern, str) else ():
                yield ast.Call(func, [ast.Constant(shorter), *args[1:]], keywords)
        case ast.Attribute(value=value, attr=name) if name in _METHODS:
            # Without a limit, both ways split at the same places.
            if name not in ("split", "rsplit") or len(args) + len(keywords) == 2:
                yield ast.Call(ast.Attribute(value, _METHODS[name], ast.Load()), args, keywords)
        case _:
            pass
    yield from (ast.Call(func, args, rest) for rest in _without_one(keywords))
    if not inside:
        return
    for at, arg in enumerate(args):
        if not isinstance(arg, ast.Starred | ast.Constant):
            yield ast.Call(func, [*args[:at], ast.Constant(None), *args[at + 1 :]], keywords)
    for at, keyword in enumerate(keywords):
        if keyword.arg is not None and not isinstance(keyword.value, ast.Constant):
            none = ast.keyword(keyword.arg, ast.Constant(None))
            yield ast.Call(func, args, [*keywords[:at], none, *keywords[at + 1 :]])
    if len(args) + len(keywords) > 1:
        yield from (ast.Call(func, rest, keywords) for rest in _without_one(args))


def _other_values(value: object) -> list[str | bytes | bool | int | float]:
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, value - 1]
        case str() if value.count(" ") > _PROSE:
            return [""]
        case str():
            return [value + "§", value[1:]] if value[1:] else [value + "§"]
        case bytes():
            return [value + b"\xa7", value[1:]] if value[1:] else [value + b"\xa7"]
        case None:
            return [0]
        case _:
            return []


def _other_texts(text: ast.JoinedStr) -> Iterator[ast.expr]:
    """The changes of an f-string: of its own texts, or of all if it is prose, and of what is put in."""
    own = [part.value for part in text.values if isinstance(part, ast.Constant)]
    prose = "".join(map(str, own)).count(" ") > _PROSE
    if prose:
        yield ast.Constant("")
    for at, part in enumerate(text.values):
        if not (prose and isinstance(part, ast.Constant)):
            for old, new in _changes(part, inside=True):
                if not (prose and _is_punctuation(old)):
                    changed = _replaced(part, old, new)
                    assert isinstance(changed, ast.expr)
                    yield ast.JoinedStr([*text.values[:at], changed, *text.values[at + 1 :]])


def _is_punctuation(node: ast.AST) -> bool:
    """Whether an expression is what separates words of prose, as in `", ".join(names)`."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and not re.search(r"\w", node.value)


def _replaced(node: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """A copy of a node in which one of those below, or itself, is replaced."""
    if node is old:
        return new

    def of(value: object) -> object:
        match value:
            case ast.AST():
                return _replaced(value, old, new)
            case list():
                return [of(each) for each in value]
            case _:
                return value

    return type(node)(**{name: of(value) for name, value in ast.iter_fields(node)})


def _shorter_patterns(pattern: str) -> Iterator[str]:
    """The regular expressions that result from leaving out one character or one escape."""
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    for rest in _without_one(tokens):
        shorter = "".join(rest)
        try:
            with warnings.catch_warnings(
                action="ignore", category=FutureWarning
            ):  # of doubtful character sets
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


def _is_type(node: ast.expr) -> bool:
    """Whether an expression names a type, by the way it is written."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return isinstance(vars(builtins).get(name), type) or (name[0].isupper() and not name.isupper())
        case ast.Subscript(value=value):
            return _is_type(value)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _is_type(left) or _is_type(right)
        case _:
            return False
