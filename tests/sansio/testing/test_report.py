"""The table of a report."""

from __future__ import annotations

import pytest

from sansio.testing import Report, Result, Verdict

PASSED = Result("a-law", "all is well", Verdict.PASSED)
FAILED = Result("law", "it ends", Verdict.FAILED, "it does not", "a sample", b"\0", "end it")
UNTRIED = Result("other", "it begins", Verdict.NOT_TRIED, "because of law")


def test_the_table_has_a_line_for_each_law_and_says_what_is_wrong_and_what_to_do() -> None:
    report = Report("Thing", (PASSED, FAILED))
    assert not report.ok
    assert (report.failures, report["law"]) == ((FAILED,), FAILED)
    margin = " " * 23 + "-> "
    assert str(report).splitlines() == [
        "Thing: 1 passed, 1 failed",
        "",
        "passed          a-law  all is well",
        "FAILED          law    it ends",
        f"{margin}it does not",
        f"{margin}shown by a sample: b'\\x00'",
        f"{margin}end it",
    ]


def test_laws_that_were_not_tried_are_counted_and_named_if_they_are_few() -> None:
    assert str(Report("Thing", (FAILED, UNTRIED))).endswith("\n\n1 not tried (other), because of law")
    assert str(Report("Thing", (FAILED, *[UNTRIED] * 50))).endswith("\n\n50 not tried, because of law")


def test_a_report_without_laws_says_so_and_has_none() -> None:
    report = Report("Thing", ())
    assert report.ok
    assert str(report) == "Thing: no laws"
    with pytest.raises(KeyError, match="law"):
        report["law"]
