"""Laws about failures and the errors to raise for them. The driver retries according to the error."""

from __future__ import annotations

import time
from functools import partial

from msgspec import structs

from sansio import APIConnectionError, APITimeoutError, End, RemoteProtocolError
from sansio.testing.faults import FAULTS
from sansio.testing.judging.law import NotApplicableError, demand
from transports.testing.conformance.bench import EVENTS, KEY, SOON, Bench, Taken, blame
from transports.testing.conformance.law import law, told
from transports.testing.conformance.laws.answers import OPENS
from transports.testing.loopback import loopback_thread


@law("a port without a listener is a loss", wire=True, serve=partial(loopback_thread, fault=FAULTS["refuse"]))
async def refused(bench: Bench) -> None:
    await bench.fails("nothing listens at the port", APIConnectionError)


@law("a host that cannot be found is a loss", wire=True)
async def unknown_host(bench: Bench) -> None:
    request = structs.replace(bench.request(), host=f"{'x' * 70}.invalid")  # longer than any name may be
    taken = await bench.exchange(request)
    blame("there is no such host", taken, APIConnectionError)


@law("an end of the connection before the head is a loss")
async def lost_before_head(bench: Bench) -> None:
    for fault in ("close-before-head", "close-in-head", "accept-close"):
        if bench.in_memory and fault == "accept-close":
            continue
        what = bench.fault(fault)
        bench.answer(*EVENTS)
        bench.fake.requests.clear()
        await bench.fails(what, APIConnectionError)
        count = len(bench.fake.requests)
        demand(count <= 1, f"the lost request was sent {count} times: retries are the driver's business")


@law("an end of the connection inside the body is a loss, not an End; received bytes come first")
async def lost_in_body(bench: Bench) -> None:
    for fault in ("close-at-event:2", "close-at-end", "content-length-long"):
        if bench.in_memory and fault.startswith("content"):
            continue
        what = bench.fault(fault)
        sent = bench.answer(*EVENTS)
        if fault == "close-at-event:2":
            sent = b"".join(EVENTS[:2])
        taken = await bench.fails(what, APIConnectionError)
        lost = (
            f"{what}: it had sent {sent!r}, and {taken.body!r} was returned; return all bytes before a loss"
        )
        demand(taken.body == sent, lost)


@law("no failure raises StopIteration or StopAsyncIteration, which would end a consumer's loop silently")
async def no_silent_end(bench: Bench) -> None:
    for fault in ("close-before-head", "close-in-head", "close-at-event:2", "close-at-end"):
        bench.fault(fault)
        bench.answer(*EVENTS)
        await bench.exchange()


@law("a reset of the connection is a loss", wire=True)
async def reset(bench: Bench) -> None:
    for fault in ("reset-before-head", "reset-in-head", "reset-at-event:2", "accept-reset"):
        what = bench.fault(fault)
        bench.answer(*EVENTS)
        await bench.fails(what, APIConnectionError)


@law("malformed HTTP is a RemoteProtocolError, not a loss", wire=True)
async def malformed(bench: Bench) -> None:
    for fault in (
        "not-http",
        "headers-malformed",
        "content-length-malformed",
        "chunk-size-malformed",
        "chunk-size-negative",
        "switching-protocols",
    ):
        what = bench.fault(fault)
        bench.answer(*EVENTS)
        await bench.fails(what, RemoteProtocolError)
        await bench.released(f"{what}, and abort() was called")
    await bench.serves("a connection that had carried malformed HTTP was used again")


@law("receive() keeps its timeout, and raises APITimeoutError", needs=(OPENS,))
async def read_timeout(bench: Bench) -> None:
    for fault in ("stall-before-head", "stall-in-head", "stall-at-event:2"):
        what = bench.fault(fault)
        bench.answer(*EVENTS)
        exchange = await bench.open()
        begun = time.monotonic()
        taken = await bench.take(exchange, timeout=SOON)
        waited = time.monotonic() - begun
        exchange.abort()
        blame(what, taken, APITimeoutError)
        demand(waited > SOON / 2, f"receive() gave up after {waited:.3f} s, but its timeout was {SOON} s")
        await bench.released("receive() had timed out, and abort() was called")
    await bench.serves("a connection whose exchange had timed out was used again")


@law("a timeout of None waits indefinitely")
async def no_timeout(bench: Bench) -> None:
    sent = bench.answer(*EVENTS)
    exchange = await bench.transport.open(bench.request(), None)
    inputs = [await exchange.receive(None)]
    while not isinstance(inputs[-1], End):
        inputs.append(await exchange.receive(None))
    await exchange.aclose()
    body = Taken(tuple(inputs)).body
    demand(body == sent, f"the body was sent as {sent!r}, and received as {body!r}")


@law("open() keeps its timeout, and raises APITimeoutError", wire=True)
async def connect_timeout(bench: Bench) -> None:
    bench.fault("accept-stall")
    taken = await bench.exchange(bench.request(scheme="https"), opening=SOON)
    speaks_tls(bench, taken)
    blame("the server accepted the connection, and did not answer TLS", taken, APITimeoutError)
    await bench.released("open() had timed out")


@law("header injection is refused before anything is sent", wire=True)
async def header_injection(bench: Bench) -> None:
    request = bench.request()
    injected = (*request.headers, ("x-name", f"{KEY}\r\nx-injected: yes"))
    taken = await bench.exchange(structs.replace(request, headers=injected))
    arrived = [name for request in bench.fake.requests for name, _ in request.headers]
    demand("x-injected" not in arrived, "a line break in a header's value made a second header")
    if taken.error is None:
        raise NotApplicableError("the transport sends such a header in a harmless form")
    _shows_no_key("a header with a line break", taken)


@law("no error shows the key")
async def key_in_errors(bench: Bench) -> None:
    for fault in ("close-before-head", "stall-before-head", "close-at-event:2", "not-http", "accept-reset"):
        if bench.in_memory and fault in ("not-http", "accept-reset"):
            continue
        bench.fault(fault)
        bench.answer(*EVENTS)
        _shows_no_key(fault, await bench.exchange(reading=SOON))


def _shows_no_key(what: str, taken: Taken) -> None:
    link: BaseException | None = taken.error
    while link is not None:
        demand(
            KEY not in f"{link} {link!r} {link.args!r}",
            f"the error for {what} shows the key, in {type(link).__name__}; leave headers out of messages",
        )
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def speaks_tls(bench: Bench, taken: Taken) -> None:
    """Check that a transport has connected, or tried to, for an https request.

    Raises:
        NotApplicableError: it has not.
    """
    if not bench.net.accepted and not isinstance(taken.error, APITimeoutError):
        why = f": {told(taken.error)}" if taken.error is not None else ""
        raise NotApplicableError(f"the transport makes no connection for an https request{why}")


FAILURES = (
    refused,
    unknown_host,
    lost_before_head,
    lost_in_body,
    no_silent_end,
    reset,
    malformed,
    read_timeout,
    no_timeout,
    connect_timeout,
    header_injection,
    key_in_errors,
)
