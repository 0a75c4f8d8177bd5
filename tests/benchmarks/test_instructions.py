"""Instructions are counted under valgrind, where it is installed."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

from benchmarks.instructions import METRIC, count, main
from benchmarks.measure import Scale
from benchmarks.rows import row
from benchmarks.server import running


def test_a_row_whose_runs_repeat_their_work_cannot_be_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["decode"])
    assert "decode; use some of end_to_end, calls" in capsys.readouterr().err


@pytest.mark.judges
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_a_call_is_counted_without_what_comes_before_it() -> None:
    with running() as options:
        less, more = (
            replace(case, options=case.options | options)
            for case in (row("calls").cases(Scale(1, work))[0] for work in (0.01, 0.03))
        )
        name = "sansio, AnyioTransport"
        found = count(less, more, [name]).samples[name][METRIC][0]
    # Of twenty calls. The imports alone are more than a thousand million.
    assert 1 < found < 200
