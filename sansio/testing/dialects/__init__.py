"""Checks a dialect: tries every law of the library on it, and reports which it breaks."""

from sansio.testing.dialects.check import check_dialect
from sansio.testing.dialects.laws import LAWS
from sansio.testing.judging.law import Law
from sansio.testing.judging.sample import Sample
from sansio.testing.report import Report, Result, Verdict

__all__ = ["LAWS", "Law", "Report", "Result", "Sample", "Verdict", "check_dialect"]
