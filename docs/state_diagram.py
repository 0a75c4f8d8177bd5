"""Draws the diagram of a call's states, in `retries.md`, from the table in `sansio/states.py`.

`python docs/state_diagram.py` prints it; with `--write` it replaces the one on the page.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sansio.states import TRANSITIONS, CallState, Trigger

PAGE = Path(__file__).with_name("retries.md")
BEGIN = "<!-- state diagram: python docs/state_diagram.py --write -->"
END = "<!-- end of state diagram -->"


def diagram() -> str:
    """The table as a Mermaid state diagram. `fail` has one arrow from each state, drawn after the others."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {CallState.READY.name}"]
    for state, moves in TRANSITIONS.items():
        for trigger, target in moves.items():
            if trigger is not Trigger.FAIL:
                lines.append(f"    {state.name} --> {target.name}: {trigger.value}")
    failing = [state.name for state, moves in TRANSITIONS.items() if Trigger.FAIL in moves]
    lines += [f"    {name} --> {CallState.FAILED.name}: {Trigger.FAIL.value}" for name in failing]
    lines += [f"    {state.name} --> [*]" for state, moves in TRANSITIONS.items() if not moves]
    return "\n".join([*lines, "```"])


def with_diagram(page: str) -> str:
    """The page's text with its diagram replaced."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"retries.md lacks the line {BEGIN!r} or {END!r}")
    return f"{before}{BEGIN}\n{diagram()}\n{END}{after}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(with_diagram(PAGE.read_text("utf-8")), "utf-8")
    else:
        print(diagram())
