"""Laws about https."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sansio import APIConnectionError, ProviderError
from sansio.testing.faults import FAULTS
from sansio.testing.judging.law import NotApplicableError, demand
from transports.testing.certificates import can_certify, certified, make_authority
from transports.testing.conformance.bench import Bench, blame
from transports.testing.conformance.law import law
from transports.testing.conformance.laws.failures import speaks_tls
from transports.testing.loopback import LoopbackThread, loopback_thread


@contextmanager
def _untrusted() -> Iterator[LoopbackThread]:
    """A server with an untrusted certificate.

    Raises:
        NotApplicableError: nothing is installed that could make one.
    """
    if not can_certify():
        raise NotApplicableError("it needs the package trustme, which makes certificates")
    with loopback_thread(ssl_context=certified(make_authority())) as server:
        yield server


@law(
    "an https request is never sent in plain text",
    wire=True,
    serve=partial(loopback_thread, fault=FAULTS["tls-plain"]),
)
async def no_plain_text(bench: Bench) -> None:
    taken = await bench.exchange(bench.request(scheme="https"))
    demand(
        not bench.fake.requests,
        "the transport sent an https request without TLS: anyone on the network can read the key",
    )
    blame("the server speaks no TLS at its https port", taken, ProviderError)


@law("an untrusted certificate is refused", wire=True, serve=_untrusted)
async def untrusted_certificate(bench: Bench) -> None:
    taken = await bench.exchange(bench.request(scheme="https"))
    demand(
        not bench.fake.requests,
        "the transport sent its request to a server with an untrusted certificate: it does not verify",
    )
    speaks_tls(bench, taken)
    blame("the server presented an untrusted certificate", taken, APIConnectionError)


TLS = (no_plain_text, untrusted_certificate)
