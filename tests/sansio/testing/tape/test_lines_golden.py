"""The lines of a tape, as in `goldens/tape.jsonl`: what is written, and what it is read as.

Tapes are kept beside tests for years, so a change of that file breaks the tests of applications.
"""

from __future__ import annotations

from pathlib import Path

from sansio import APIConnectionError, APITimeoutError, Body, End, Head, Lost, RemoteProtocolError, Request
from sansio.http import Input
from sansio.testing.tape import ExchangeLog, encode_session, read_tape
from tests.sansio.testing.tape.samples import STREAM, asked

GOLDEN = Path(__file__).parents[1] / "goldens" / "tape.jsonl"
GET = Request.get("http://localhost:8000/v1/models", (("accept", "application/json"),))


def late() -> Lost:
    error = APITimeoutError("too late", field="read_timeout", should_retry=False)
    error.reused = True
    return Lost(error.with_context(hint="Wait."))


ENDED: list[tuple[Request, list[Input]]] = [
    (asked(), [STREAM, Body("é\n".encode()), Body(b"\xff"), End()]),
    (asked(b'{"a":\n1}'), [late()]),
    (asked(b"\xff"), [Head(204, ()), Lost(RemoteProtocolError("odd"))]),
]


def written() -> bytes:
    lines = encode_session()
    for number, (request, inputs) in enumerate(ENDED, 1):
        log = ExchangeLog(number, request)
        lines += log.begin() + b"".join([log.take(value, 0.25 * at) for at, value in enumerate(inputs, 1)])
    log = ExchangeLog(4, GET)
    lines += log.begin() + log.release(1.0006, aborted=True)
    log = ExchangeLog(5, asked())
    return lines + log.begin() + log.take(STREAM, 0.5) + log.release(1.0)


def test_each_line_is_as_written_down() -> None:
    assert written().splitlines() == GOLDEN.read_bytes().splitlines()


def test_each_line_is_read_as_what_it_was() -> None:
    tape = read_tape(GOLDEN.read_bytes())
    assert tape.torn == 0
    assert [exchange.complete for exchange in tape.exchanges] == [True, True, True, False, False]
    asked_for = [(each.request.method, each.request.url, each.request.body) for each in tape.exchanges]
    requests = [*(request for request, _ in ENDED), GET, asked()]
    assert asked_for == [(each.method, each.url, each.body) for each in requests]
    first, second, third, fourth, fifth = ([each.value for each in got.inputs] for got in tape.exchanges)
    assert first == ENDED[0][1]
    assert [each.at for each in tape.exchanges[0].inputs] == [0.25, 0.5, 0.75, 1.0]
    (lost,), error = second, late().error
    assert isinstance(lost, Lost)
    assert (type(lost.error), str(lost.error)) == (APITimeoutError, str(error))
    assert isinstance(lost.error, APITimeoutError)
    assert (lost.error.field, lost.error.reused) == ("read_timeout", True)
    assert (lost.error.should_retry, lost.error.hint) == (False, "Wait.")
    assert isinstance(third[1], Lost)
    assert (type(third[1].error), third[1].error.message) == (RemoteProtocolError, "odd")
    assert fifth[0] == STREAM
    for left, at in ((fourth[-1], 1.001), (fifth[-1], 1.0)):
        assert isinstance(left, Lost)
        assert isinstance(left.error, APIConnectionError)
        assert "the caller stopped reading here" in str(left.error)
        assert left.error.should_retry is False
        assert "Record it again" in str(left.error.hint)
        assert at in {each.at for exchange in tape.exchanges[3:] for each in exchange.inputs}


def test_a_recorder_that_stopped_leaves_what_it_has() -> None:
    for lines, at, count in ((2, 0.0, 1), (3, 0.25, 2), (5, 0.75, 4)):
        (exchange,) = read_tape(b"".join(GOLDEN.read_bytes().splitlines(keepends=True)[:lines])).exchanges
        assert not exchange.complete
        assert (len(exchange.inputs), exchange.inputs[-1].at) == (count, at)
        last = exchange.inputs[-1].value
        assert isinstance(last, Lost)
        assert "the recorder stopped here" in str(last.error)
