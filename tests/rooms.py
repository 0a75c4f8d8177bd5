"""The rooms as the imports show them. `python -m tests.rooms --write` draws the map in `CONTRIBUTING.md`.

An arrow goes from a room to a room that it imports. An import is not drawn if other arrows already lead
there, so that the picture can be read.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN = "<!-- map of the rooms: python -m tests.rooms --write -->"
END = "<!-- end of the map -->"
_FRONT = {"sansio": "public", "transports": "transports"}
"""The packages themselves, which give the public names."""


def modules(package: str) -> dict[str, Path]:
    """Each module of a package by its dotted name; a package by its own."""
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


SANSIO = modules("sansio")
TRANSPORTS = modules("transports")


def imports(source: str, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules that a source imports when it runs, wherever in it; not those for annotations alone."""
    stack: list[ast.AST] = [ast.parse(source)]
    while stack:
        node = stack.pop()
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                stack += node.orelse
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                for alias in names:
                    name = f"{module}.{alias.name}"
                    yield name if name in known else module
            case ast.ImportFrom():
                yield "a relative import"
            case _:
                stack += ast.iter_child_nodes(node)


def project_imports(path: Path) -> set[str]:
    known = SANSIO | TRANSPORTS
    tops = ("sansio", "transports", "tests", "a relative import")
    return {name for name in imports(path.read_text("utf-8"), known) if name.partition(".")[0] in tops}


HOOK = "sansio.hypothesis_hook"
"""Leads to the testing rooms, and is outside of them so that what loads it need not load them all."""


def room_of(module: str) -> str:
    """`sansio.providers.openai` is in the room `providers`; `sansio` itself is the front door."""
    if module == HOOK:
        return "testing"
    return module.split(".")[1] if "." in module else "front door"


def arrows() -> dict[str, set[str]]:
    """For each room the rooms that it imports, except those to which other arrows already lead.

    A room that imports a public name of `sansio` itself, as most outer rooms do, has an arrow to `public`.
    """
    direct: defaultdict[str, set[str]] = defaultdict(set)
    for module, path in (SANSIO | TRANSPORTS).items():
        room = _shown(module)
        if room != "transports" and not module.endswith(".__main__"):  # these import what they show
            found = _offered() if room == "public" else project_imports(path)
            direct[room] |= {_shown(name) for name in found} - {room, "transports"}
    reached: dict[str, set[str]] = {}
    for room in TopologicalSorter(dict(direct)).static_order():
        reached[room] = direct[room].union(*(reached[to] for to in direct[room]))
    return {
        room: {to for to in found if not any(to in reached[other] for other in found)}
        for room, found in direct.items()
    }


def _offered() -> set[str]:
    """The modules whose names `sansio` gives. It loads each when asked, so its imports are for types."""
    tree = ast.parse(SANSIO["sansio"].read_text("utf-8"))
    return {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module in SANSIO
    }


def _shown(module: str) -> str:
    """The name of a module's room in the picture: that of `transports` has its name in front."""
    if module in _FRONT:
        return _FRONT[module]
    return room_of(module) if module.startswith("sansio.") else f"transports_{room_of(module)}"


def picture() -> str:
    """The map, as a Mermaid flowchart."""
    found = arrows()
    lines = ["```mermaid", "flowchart TD"]
    for title, inside in (("transports", True), ("sansio", False)):
        lines.append(f"    subgraph {title}")
        lines += [
            f"        {room}[{room.removeprefix('transports_')}]"
            for room in sorted(found)
            if room.startswith("transports_") is inside
        ]
        lines.append("    end")
    lines += [f"    {room} --> {to}" for room in sorted(found) for to in sorted(found[room])]
    return "\n".join([*lines, "```"])


def with_picture(page: str) -> str:
    """The page's text with its map replaced."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE.name} lacks the line {BEGIN!r} or {END!r}")
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(with_picture(PAGE.read_text("utf-8")), "utf-8")
    else:
        print(picture())
