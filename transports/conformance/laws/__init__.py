"""All laws, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from transports.conformance.law import Law
from transports.conformance.laws.answers import ANSWERS
from transports.conformance.laws.failures import FAILURES
from transports.conformance.laws.keeping import KEEPING
from transports.conformance.laws.release import RELEASE
from transports.conformance.laws.tasks import TASKS
from transports.conformance.laws.tls import TLS

LAWS: Mapping[str, Law] = MappingProxyType(
    {law.name: law for laws in (ANSWERS, FAILURES, TLS, RELEASE, KEEPING, TASKS) for law in laws}
)
"""Every law by its name."""

__all__ = ["LAWS"]
