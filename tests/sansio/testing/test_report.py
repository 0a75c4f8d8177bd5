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


def test_laws_that_were_not_tried_are_named_up_to_twelve_and_grouped_by_the_cause() -> None:
    names = [f"law-{number}" for number in range(13)]
    untried = [Result(name, "it is", Verdict.NOT_TRIED, "because of law") for name in names]
    shown = str(Report("Thing", (*untried[:12], UNTRIED)))
    assert shown.endswith("13 not tried, because of law")
    other = Result("last", "it is", Verdict.NOT_TRIED, "because of other")
    lines = str(Report("Thing", (PASSED, *untried[:12], other))).splitlines()
    assert lines == [
        "Thing: 1 passed, 13 not tried",
        "",
        "passed          a-law   all is well",
        "",
        f"12 not tried ({', '.join(names[:12])}), because of law",
        "",
        "1 not tried (last), because of other",
    ]


def test_bytes_are_shown_up_to_400_characters() -> None:
    def shown(size: int) -> str:
        report = Report("Thing", (Result("law", "it is", Verdict.FAILED, "no", "s", b"x" * size),))
        return str(report).splitlines()[-1].partition("shown by s: ")[2]

    assert shown(397) == f"b'{'x' * 397}'"
    assert shown(398) == f"b'{'x' * 398}... (398 bytes)"


def test_each_verdict_has_its_word_and_only_a_failure_is_loud() -> None:
    words = ["passed", "FAILED", "not applicable", "declared"]
    tried = [verdict for verdict in Verdict if verdict is not Verdict.NOT_TRIED]
    lines = str(Report("Thing", tuple(Result("law", "it is", verdict) for verdict in tried))).splitlines()
    assert lines[0] == "Thing: 1 passed, 1 failed, 1 not applicable, 1 declared"
    assert lines[2:] == [f"{word:<14}  law  it is" for word in words]
    assert Verdict.NOT_TRIED.value == "not tried"
