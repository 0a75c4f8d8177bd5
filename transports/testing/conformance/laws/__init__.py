"""All laws, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from transports.testing.conformance.law import Law
from transports.testing.conformance.laws.answers import ANSWERS
from transports.testing.conformance.laws.failures import FAILURES
from transports.testing.conformance.laws.hostile import HOSTILE
from transports.testing.conformance.laws.keeping import KEEPING
from transports.testing.conformance.laws.release import RELEASE
from transports.testing.conformance.laws.tasks import TASKS
from transports.testing.conformance.laws.tls import TLS

LAWS: Mapping[str, Law] = MappingProxyType(
    {law.name: law for laws in (ANSWERS, FAILURES, TLS, RELEASE, KEEPING, TASKS, HOSTILE) for law in laws}
)
"""Every law by its name."""

__all__ = ["LAWS"]
