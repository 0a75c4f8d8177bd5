"""The exchange reads a response that is nearly right as h11 does, with three known classes of difference."""

from __future__ import annotations

import pytest

from sansio.testing.by_h11 import Understood, by_h11
from tests.laws.mutated import by_exchange, differences, known_difference, main, mutated

COUNT = 2_000
"""For the tests of every day; `python -m tests.laws.mutated 100000` compares more."""

CHUNKS = b"5\r\nhello\r\n0\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
KNOWN = {
    b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok": "a major version that is not 1",
    b"HTTP/1.1 103 \r\n\r\nHTTP/0.9 200 \r\n\r\nok": "a major version that is not 1",
    CHUNKED + b"Content-Length: 5\r\n\r\n" + CHUNKS + b"\r\n": "framed twice",
    CHUNKED + b"\r\n" + CHUNKS + b"Transfer-Encoding: gzip\r\n\r\n": "framing in trailers",
    CHUNKED + b"\r\n" + CHUNKS + b"Content-Length: x\r\n\r\n": "framing in trailers",
}


def test_a_mutated_response_is_what_h11_takes_it_for() -> None:
    unknown = [(number, *mutated(number)) for number, kind, _, _ in differences(range(COUNT)) if kind is None]
    assert unknown == []


@pytest.mark.parametrize(("wire", "kind"), KNOWN.items())
def test_each_known_difference_is_one(wire: bytes, kind: str) -> None:
    theirs, ours = by_h11(wire), by_exchange([wire])
    assert theirs != ours
    assert known_difference(wire, theirs, ours) == kind


def test_a_difference_of_another_kind_is_not_known() -> None:
    ok = Understood(200, (), b"ok", "whole", reusable=True)
    for other in (ok._replace(status=0), ok._replace(body=b"o"), ok._replace(reusable=False)):
        assert known_difference(b"HTTP/1.1 200 OK\r\n\r\n", ok, other) is None


def test_a_number_means_one_response_and_few_are_alike() -> None:
    assert mutated(7) == mutated(7)
    wires = [mutated(number)[0] for number in range(COUNT)]
    assert len(set(wires)) > COUNT * 0.7
    read = [by_h11(wire).end for wire in wires[:500]]
    assert 50 < read.count("whole") < 450


def test_the_command_counts_the_differences_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(10, 2_920) == 0
    assert "10 responses, first 2920: {'a major version that is not 1': 1}" in capsys.readouterr().out
