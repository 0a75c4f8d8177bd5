"""The meaning of each fault's name, as in `goldens/faults.txt`.

Tests of applications name faults, so a change of that file changes what their tests do.
"""

from __future__ import annotations

from pathlib import Path

from sansio.testing.faults import FAULTS, Fault

GOLDEN = Path(__file__).parent / "goldens" / "faults.txt"
WIDTH = 400


def line(fault: Fault) -> str:
    """The fault in one line; of a long deed its beginning, its end and its length."""
    deed = repr(fault.deed)
    if len(deed) > WIDTH:
        deed = f"{deed[: WIDTH - 40]} … {deed[-40:]} ({len(deed)})"
    return f"{fault.name} | {fault.about} | {fault.number or '-'} | {deed}"


def test_each_fault_does_what_its_name_means() -> None:
    lines = GOLDEN.read_text("utf-8").splitlines()
    assert [line(fault) for fault in FAULTS.values()] == lines
