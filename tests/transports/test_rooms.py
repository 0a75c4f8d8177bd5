"""The rooms of `transports`: which may import which, and which may import the core's testing room."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

import transports
from tests.rooms import TRANSPORTS, project_imports
from tests.support import for_each

ROOMS: dict[str, set[str]] = {
    "interface": set(),
    "loops": set(),
    "failures": {"interface"},
    "tools": set(),
    "sockets": {"interface", "loops", "failures"},
    "foreign": {"interface", "loops", "failures"},
    "httpcore": {"interface", "loops", "failures", "foreign", "sockets"},
    "adapters": {"interface", "loops", "failures", "foreign", "sockets", "httpcore"},
    "makers": {"interface", "sockets", "httpcore", "adapters"},
    "observing": set(),
    "driving": {"interface", "loops", "observing", "makers"},
    "testing": {"interface", "sockets", "driving"},
    "bulk": {"loops", "driving"},
    "cli": {"driving", "testing", "tools", "bulk"},
}
"""What each room may import of `transports`, besides itself."""

FAKES = tuple(
    f"transports.cli.{name}" for name in ("fake", "serve", "check", "check_dialect", "check_parser", "corpus")
)
"""The commands that serve the fake provider, check code with it, or write what it says. The others must work
without it."""

FRONT = ("transports", "transports.__main__")

MODULES = sorted(set(TRANSPORTS) - set(FRONT))


def room_of(module: str) -> str:
    return module.split(".")[1]


def may_use_testing(module: str) -> bool:
    return room_of(module) == "testing" or module in FAKES


@for_each(MODULES)
def test_a_room_imports_only_rooms_before_it(module: str) -> None:
    room = room_of(module)
    assert room in ROOMS, f"{module} has no place in the table of rooms"
    for imported in project_imports(TRANSPORTS[module]):
        if imported.startswith("transports"):
            assert imported not in FRONT, f"{module} imports the front door"
            assert room_of(imported) in {room} | ROOMS[room], f"{module} imports {imported}"


@for_each(MODULES)
def test_production_code_imports_no_testing_room(module: str) -> None:
    if may_use_testing(module):
        return
    for imported in project_imports(TRANSPORTS[module]):
        # A command may import another one where it runs it; the table of FAKES judges that one.
        assert not imported.startswith(("sansio.testing", "transports.testing")), (
            f"{module} imports {imported}"
        )


def test_the_table_has_no_circle_and_no_room_without_a_module() -> None:
    assert set(TopologicalSorter(ROOMS).static_order()) == set(ROOMS)
    assert {room_of(module) for module in MODULES} == set(ROOMS)
    assert set(FAKES) <= set(MODULES)


@for_each(transports.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(transports, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = transports.Nothing
