"""Checks a transport: tries every law of `transports.interface` on it, and reports which it breaks.

For the authors of custom transports. It needs no test framework; `sansio-llm check-transport` runs it too.
"""

from sansio.testing import Report, Result, Verdict
from transports.testing.conformance.law import Law, WrongKindError
from transports.testing.conformance.laws import LAWS
from transports.testing.conformance.runner import check_sync_transport, check_transport

__all__ = [
    "LAWS",
    "Law",
    "Report",
    "Result",
    "Verdict",
    "WrongKindError",
    "check_sync_transport",
    "check_transport",
]
