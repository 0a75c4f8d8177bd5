"""`docs/faults.md` is up to date with the table."""

from __future__ import annotations

import runpy
from pathlib import Path

from tests.faults.http2_table import HTTP2_ROWS
from tests.faults.table import ROWS

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_made_of_the_table() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "fault_table.py"))
    page = (ROOT / "docs" / "faults.md").read_text("utf-8")
    assert page == script["main"](), "write it again: python docs/fault_table.py --write"
    assert all(f"| `{row.fault}` |" in page for row in (*ROWS, *HTTP2_ROWS))
