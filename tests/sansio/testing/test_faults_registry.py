"""What each fault's name stands for, as `goldens/faults.txt` has it.

Other people's tests name faults: a change there is one of what a name means to them.
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


def test_each_fault_is_what_its_name_stands_for() -> None:
    lines = GOLDEN.read_text("utf-8").splitlines()
    assert [line(fault) for fault in FAULTS.values()] == lines
