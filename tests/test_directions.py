"""The rooms import one another in one direction: down the table, and never in a circle."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.rooms import PAGE, SANSIO, TRANSPORTS, imports, project_imports, room_of, with_picture
from tests.support import for_each

LOWER: dict[str, set[str]] = {
    "errors": set(),
    "limits": set(),
    "timeouts": set(),
    "times": set(),
    "states": set(),
    "jsontext": {"errors", "limits"},
    "content": {"jsontext"},
    "events": {"errors", "content"},
    "framing": {"errors", "limits"},
    "http": {"errors", "limits"},
    "response": {"http", "times"},
    "retry": {"errors", "limits", "http", "times"},
    "defaults": set(),
    "profiles": {"defaults"},
    "config": {"errors", "limits", "http", "retry", "timeouts", "defaults", "profiles"},
    "answers": {"errors", "limits", "jsontext", "content", "events"},
    "options": {"errors", "jsontext"},
    "credentials": {"errors", "http"},
    "signing": {"credentials", "http", "times"},
    "steps": {"http", "jsontext"},
    "checks": {"errors", "limits", "jsontext", "content"},
    "endpoints": {"errors", "jsontext", "content", "times"},
    "partial": {"errors", "limits", "jsontext"},
    "structured": {"errors", "jsontext", "content"},
    "tools": {"jsontext", "content", "structured"},
    "limiter": {"errors", "content", "response", "retry", "steps"},
}
"""What each of the lower rooms may import of the project, besides itself."""

UPPER = [
    "families", "providers", "conversation", "porting", "context", "parser", "fetch", "lines", "call",
    "provider", "batches", "translate", "bulk",
]  # fmt: skip
"""The rooms above those, in order: each may import all that are before it."""

ROOMS: dict[str, set[str]] = LOWER | {room: {*LOWER, *UPPER[:place]} for place, room in enumerate(UPPER)}


INNER = sorted(name for name in SANSIO if room_of(name) not in ("testing", "front door"))


@for_each(INNER)
def test_a_room_imports_only_rooms_before_it(module: str) -> None:
    assert room_of(module) in ROOMS, f"{module} has no place in the table of rooms"
    for imported in project_imports(SANSIO[module]):
        assert imported.startswith("sansio."), f"{module} imports {imported}"
        allowed = {room_of(module), *ROOMS[room_of(module)]}
        assert room_of(imported) in allowed, f"{module} imports {imported}"


def test_only_one_module_knows_h2() -> None:
    knows = {
        module
        for module in INNER
        if {"h2", "hpack"}
        & {name.partition(".")[0] for name in imports(SANSIO[module].read_text("utf-8"), SANSIO)}
    }
    assert knows == {"sansio.http.http2"}


def test_only_one_module_knows_h11() -> None:
    knows = {module for module in INNER if "h11" in imports(SANSIO[module].read_text("utf-8"), SANSIO)}
    assert knows == {"sansio.http.heads"}


FAMILIES = sorted(
    {name.split(".")[2] for name in SANSIO if re.fullmatch(r"sansio\.families\.\w+\.\w+", name)}
)
SHARED = [
    name for name in SANSIO if re.fullmatch(r"sansio\.families\.\w+", name) and name[16:] not in FAMILIES
]


def parts_of(room: str) -> list[str]:
    return [name for name in INNER if name.startswith(f"sansio.{room}")]


@for_each(FAMILIES)
def test_no_family_imports_another_or_a_provider(family: str) -> None:
    others = [f"sansio.families.{other}" for other in FAMILIES if other != family]
    for module in parts_of(f"families.{family}"):
        for imported in project_imports(SANSIO[module]):
            assert not imported.startswith(("sansio.providers", *others)), f"{module} imports {imported}"


@for_each(SHARED)
def test_what_families_share_knows_none_of_them(module: str) -> None:
    shared = project_imports(SANSIO[module])
    assert not [name for name in shared if name.startswith(tuple(f"sansio.families.{f}" for f in FAMILIES))]


def test_a_reader_knows_no_framer_and_a_framer_no_family() -> None:
    readers = [name for name in parts_of("families") if name.endswith((".reader", ".parts", ".wire"))]
    assert len(readers) == 3 * len(FAMILIES)
    for module in (*readers, *parts_of("answers")):
        assert "framing" not in {room_of(name) for name in project_imports(SANSIO[module])}, module
    for module in parts_of("framing"):
        known = {room_of(name) for name in project_imports(SANSIO[module])}
        assert not known & {"families", "providers", "answers"}, module


def test_nothing_below_the_config_imports_it() -> None:
    below = [room for room in LOWER if room != "config"]
    assert [room for room in below if "config" in LOWER[room]] == []
    assert {"framing", "http", "jsontext", "answers", "options", "retry"} <= set(below)


def test_the_table_itself_has_no_circle_and_no_room_without_a_module() -> None:
    assert set(TopologicalSorter(ROOMS).static_order()) == set(ROOMS)
    assert {room_of(module) for module in INNER} == set(ROOMS)


@for_each(sorted(set(SANSIO) - set(INNER)))
def test_the_front_door_and_the_testing_rooms_import_nothing_outside_sansio(module: str) -> None:
    allowed = {"sansio"} if room_of(module) == "testing" else set()
    for imported in project_imports(SANSIO[module]):
        assert imported in allowed or imported.startswith("sansio."), f"{module} imports {imported}"
        assert room_of(module) == "testing" or room_of(imported) != "testing", f"{module} imports {imported}"


@for_each(sorted(TRANSPORTS))
def test_the_transports_import_no_tests_and_no_private_name_of_the_core(module: str) -> None:
    for imported in project_imports(TRANSPORTS[module]):
        assert imported.partition(".")[0] in ("sansio", "transports"), f"{module} imports {imported}"
    for node in ast.walk(ast.parse(TRANSPORTS[module].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sansio":
            private = [alias.name for alias in node.names if alias.name.startswith("_")]
            assert private == [], f"{module} imports {private} from {node.module}"


def test_no_modules_import_one_another_in_a_circle() -> None:
    known = SANSIO | TRANSPORTS
    graph = {module: project_imports(path) - {module} for module, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import one another in a circle: {' < '.join(error.args[1])}")
    assert len(graph) == len(known)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import sansio.call", ["sansio.call"]),
        ("from sansio import call", ["sansio.call"]),
        ("from sansio import Call", ["sansio"]),
        ("from sansio.call import Call", ["sansio.call"]),
        ("from .call import Call", ["a relative import"]),
        ("def late():\n    import sansio.call", ["sansio.call"]),
        ("if TYPE_CHECKING:\n    import sansio.call", []),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import sansio.call", ["sansio.call"]),
    ],
)
def test_a_planted_import_is_seen(source: str, found: list[str]) -> None:
    assert list(imports(source, SANSIO)) == found


def test_the_map_of_the_rooms_is_drawn_from_the_imports() -> None:
    page = PAGE.read_text("utf-8")

    assert with_picture(page) == page, "run `python -m tests.rooms --write`"
