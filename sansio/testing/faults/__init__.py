"""Faulty servers: faults applied to the answers of a `FakeProvider`, pure.

`FAULTS` has them by name. `FaultyProvider` answers with one of them, in memory or on connections. Each step
on a connection is an `Action` for a socket to perform. `transports.testing.loopback` performs them.
"""

from sansio.testing.faults.actions import Action, Close, Deliver, HalfClose, Pause, Reset, Stall
from sansio.testing.faults.connection import FaultyConnection, FaultyProvider
from sansio.testing.faults.deeds import BadCertificate, Deed, Flaw, GzipBomb, NoTLS, PortDeed, Refuse
from sansio.testing.faults.registry import FAULTS, Fault, find_fault

__all__ = [
    "FAULTS",
    "Action",
    "BadCertificate",
    "Close",
    "Deed",
    "Deliver",
    "Fault",
    "FaultyConnection",
    "FaultyProvider",
    "Flaw",
    "GzipBomb",
    "HalfClose",
    "NoTLS",
    "Pause",
    "PortDeed",
    "Refuse",
    "Reset",
    "Stall",
    "find_fault",
]
