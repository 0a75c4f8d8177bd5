"""Laws about requests and responses, while nothing fails."""

from __future__ import annotations

import zlib

import anyio

from sansio import Body, End, Head, ProviderError
from sansio.http import header
from sansio.testing.faults import FAULTS, Fault
from sansio.testing.faults.deeds import Drip, HeadLines
from sansio.testing.judging.law import BrokenLawError, demand
from transports.testing.conformance.bench import EVENTS, Bench
from transports.testing.conformance.calls import CheckedExchange
from transports.testing.conformance.law import law, told

SLOWLY = Fault(name="slowly", text="sends a byte every {seconds} s", deed=Drip(0.0005))
_LARGE = 2_000_000  # bytes; more than any socket's buffers take


OPENS = "open-returns"
"""The law without which no law about an exchange whose server is silent can be judged."""


@law("open() returns once the request is sent, and does not wait for the response")
async def open_returns(bench: Bench) -> None:
    bench.fault("stall-before-head")
    exchanges: list[CheckedExchange] = []
    errors: list[ProviderError] = []

    async def begin() -> None:
        try:
            exchanges.append(await bench.open(timeout=3 * bench.patience))
        except ProviderError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(begin)
        returned = await bench.happens(lambda: bool(exchanges or errors))
        tasks.cancel_scope.cancel()
    for exchange in exchanges:
        exchange.abort()
    what = "the server received the request and was silent"
    if errors:
        raise BrokenLawError(f"{what}, and open() raised {told(errors[0])}")
    demand(
        returned,
        f"{what}, and after {bench.patience:g} s open() had not returned: it waits for the response, with "
        "the timeout for a connect. Return earlier, or let the first receive() send the request and wait",
    )


@law("a response is a Head, then Bodies, then End", basic=True)
async def inputs_in_order(bench: Bench) -> None:
    for stream in (False, True):
        sent = bench.answer(*EVENTS, stream=stream)
        taken = await bench.exchange()
        inputs = taken.inputs
        kinds = [type(given) for given in inputs]
        well = kinds == [Head, *[Body] * (len(inputs) - 2), End]
        why = "" if taken.error is None else f": {taken.error.message}"
        demand(well, f"a response without faults was {taken.order}; it must be Head, Bodies, End{why}")
        demand(taken.head.status == 200, f"the status was sent as 200, and received as {taken.head.status!r}")
        demand(taken.body == sent, f"the body was sent as {sent!r}, and received as {taken.body!r}")


@law("header names are in lower case, and each header is separate and in order")
async def header_names(bench: Bench) -> None:
    bench.answer(b"ok", headers=(("X-Request-ID", "abc"), ("X-Twice", "first"), ("X-Twice", "second")))
    taken = await bench.fetch()
    for name, _ in taken.head.headers:
        demand(name == name.lower(), f"the Head has the header {name!r}; names must be in lower case")
    twice = [value for name, value in taken.head.headers if name == "x-twice"]
    due = ["first", "second"]
    demand(twice == due, f"a header was sent twice, as 'first' and 'second'; it was received as {twice}")
    given = header(taken.head.headers, "x-request-id")
    demand(given == "abc", f"a header's value was sent as 'abc', and received as {given!r}")


@law("header values are Latin-1 text", wire=True)
async def header_values(bench: Bench) -> None:
    lines = HeadLines(b"x-name: caf\xe9\r\n", framed=True)
    bench.fault(Fault(name="latin-1", text="sends a header in Latin-1", deed=lines))
    bench.answer(b"ok")
    given = header((await bench.fetch()).head.headers, "x-name")
    demand(given == "caf\xe9", f"a header's value was sent as b'caf\\xe9', and received as {given!r}")


@law("a request is sent unchanged, and no part of it twice")
async def request_as_given(bench: Bench) -> None:
    request = bench.request("Grüße", query="?api-version=a%2Fb%20c")
    await bench.fetch(request)
    arrived = bench.fake.requests[0]
    demand(arrived.method == request.method, f"the method {request.method} arrived as {arrived.method}")
    demand(arrived.target == request.target, f"the target {request.target} arrived as {arrived.target}")
    demand(arrived.body == request.body, "the request's body arrived changed")
    for name, value in request.headers:
        values = [value for key, value in arrived.headers if key.lower() == name]
        demand(len(values) == 1, f"the header {name} was given once, and arrived {len(values)} times")
        demand(values == [value], f"the header {name} arrived with another value")
    count = len(bench.fake.requests)
    demand(count == 1, f"one request was sent, and arrived {count} times")


@law("a large body is transferred completely, in either direction")
async def large_bodies(bench: Bench) -> None:
    sent = bench.answer(bytes(_LARGE), stream=False)
    request = bench.request("x" * _LARGE)
    taken = await bench.fetch(request)
    demand(taken.body == sent, f"of a body of {_LARGE} bytes only {len(taken.body)} were received")
    whole = bench.fake.requests[0].body == request.body
    demand(whole, f"of a request's body of {_LARGE} bytes not all arrived")


@law("bytes are passed on when they arrive, not when the response has ended")
async def no_buffering(bench: Bench) -> None:
    bench.fault("stall-at-event:1")
    bench.answer(*EVENTS)
    exchange = await bench.open()
    taken = await bench.take(exchange, Body)
    exchange.abort()
    demand(
        taken.body == EVENTS[0],
        f"the server sent the first event and then waited; receive() returned {taken.order}: the transport "
        "holds bytes back until more arrive",
    )


@law("a response may arrive slowly, byte by byte, in its head and in its body")
async def byte_by_byte(bench: Bench) -> None:
    bench.fault("drip" if bench.in_memory else SLOWLY)
    sent = bench.answer(*EVENTS[:2])
    taken = await bench.fetch()
    demand(taken.body == sent, f"the body was sent as {sent!r}, and received as {taken.body!r}")


@law("informational responses are skipped", wire=True)
async def informational(bench: Bench) -> None:
    bench.fault("informational-first")
    sent = bench.answer(b"ok")
    taken = await bench.fetch()
    demand(
        (taken.head.status, taken.body) == (200, sent),
        f"after 100 and 103 a 200 was sent; received was {taken.head.status} with {taken.body!r}",
    )


@law("a body without a length ends where the connection does", wire=True)
async def body_until_close(bench: Bench) -> None:
    bench.fault("http-1.0")
    sent = bench.answer(*EVENTS)
    taken = await bench.fetch()
    demand(taken.body == sent, f"the body was sent as {sent!r}, and received as {taken.body!r}")
    await bench.serves("a connection that had ended with its body was used again")


@law("a response without a body is a Head, then End")
async def no_body(bench: Bench) -> None:
    bench.answer(status=204)
    taken = await bench.fetch()
    demand(taken.head.status == 204, f"the status was sent as 204, and received as {taken.head.status}")
    demand(taken.body == b"", f"a response without a body was received with {taken.body!r}")


@law("an error status is returned like any other, with its body, and nothing is retried")
async def error_status(bench: Bench) -> None:
    for status in (404, 429, 503):
        sent = bench.answer(b'{"error": {}}', status=status, stream=False)
        taken = await bench.exchange()
        if taken.error is not None:
            raise BrokenLawError(
                f"the status {status} was raised as {told(taken.error)}; return it in a Head"
            )
        demand(
            (taken.head.status, taken.body) == (status, sent),
            f"the status {status} with {sent!r} was received as {taken.head.status} with {taken.body!r}",
        )
    count = len(bench.fake.requests)
    demand(count == 3, f"3 requests were made, and {count} arrived: retries are the driver's business")


@law("redirects are not followed")
async def redirects(bench: Bench) -> None:
    bench.answer(status=307, headers=(("location", "/elsewhere"),), stream=False)
    taken = await bench.fetch()
    demand(
        taken.head.status == 307 and len(bench.fake.requests) == 1,
        "the server sent a redirect, and the transport followed it: the key would go to another server",
    )


@law("a compressed body is returned as it was sent, or decoded and without its content-encoding header")
async def content_encoding(bench: Bench) -> None:
    bench.fault(FAULTS["gzip"])
    plain = bench.answer(*EVENTS)
    taken = await bench.fetch()
    body = taken.body
    if header(taken.head.headers, "content-encoding") is None:
        demand(body == plain, f"the header content-encoding was removed, but the body is {body[:40]!r}")
        return
    demand(
        body[:2] == b"\x1f\x8b" and zlib.decompress(body, 16 + zlib.MAX_WBITS) == plain,
        "the body was decoded, but the header content-encoding still says that it is gzip: remove it",
    )


ANSWERS = (
    open_returns,
    inputs_in_order,
    header_names,
    header_values,
    request_as_given,
    large_bodies,
    no_buffering,
    byte_by_byte,
    informational,
    body_until_close,
    no_body,
    error_status,
    redirects,
    content_encoding,
)
