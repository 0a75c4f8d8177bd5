"""Every contender of every row does its work: it runs briefly, and its answer is what was sent."""

from __future__ import annotations

import gc
import itertools
import math
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from itertools import accumulate
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from benchmarks import growth, measure, memory, server
from benchmarks.clients import Target
from benchmarks.measure import Case, Contender, Run, Scale, SkippedError, WrongAnswerError
from benchmarks.rows import NAMES, row
from sansio import ProviderError
from tests.support import run_each
from transports import map_calls

SMALL = Scale(rounds=1, work=0.001)
TLS_CASES = (
    "a call on a new connection",
    "a handshake without a socket",
    "OpenAI text, bursts, 1 stream",
    "whole calls, anthropic, 1 at once",
)
MILLION_CASES = ("10000 rows, 64 at once", "a resume of 10000 answers")
STREAMS = 3
"""How many streams the tests read at once, instead of the measured numbers."""


Options: TypeAlias = dict[str, str | int]
Servers: TypeAlias = dict[str | None, Options]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """What a case must know of the server that its row needs, by what the row says."""
    with server.running() as plain, server.running("https") as secure, server.running("h2") as http2:
        yield {None: {}, "http": plain, "https": secure, "h2": http2}


def small(name: str) -> list[Case]:
    """The row's cases, with little to do in each."""
    if name == "memory":
        return [memory.case(dialect, STREAMS, rounds=1) for dialect in ("openai", "anthropic")]
    cases = row(name).cases(SMALL)
    if name == "end_to_end":
        some = [case for case in cases if case.options["streams"] == 50]
        return [replace(case, options={**case.options, "streams": STREAMS}) for case in some]
    if name == "http2":
        return [
            replace(case, options={**case.options, "streams": STREAMS})
            for case in cases
            if case.name == "Anthropic text, paced, 50 streams"  # the server's other answers warm it up
        ]
    if name == "tls":  # one of each kind, since 50 handshakes take seconds
        return [case for case in cases if case.name in TLS_CASES]
    if name == "calls":
        return [replace(case, contenders=tuple(map(_less_idle, case.contenders))) for case in cases]
    if name == "million":
        return [case for case in cases if case.name in MILLION_CASES]
    return cases


def _less_idle(contender: Contender) -> Contender:
    if "idle" not in contender.options:
        return contender
    return replace(contender, options={**contender.options, "idle": STREAMS})


def installed(contender: Contender) -> bool:
    # Above all the package: what is below a missing one is not looked for, but raises.
    names = accumulate(contender.peer.split("."), "{}.{}".format)
    return not contender.peer or all(find_spec(name) is not None for name in names)


CASES = [case for name in NAMES for case in small(name)]


def prepared(case: Case, contender: Contender, servers: Servers) -> Run:
    found = row(case.row)
    return found.prepare(replace(case, options=case.options | servers[found.served]), contender)


@pytest.fixture(autouse=True)
def _work_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured does not matter here: short work need not be repeated, and the collector, which runs
    before each, need not look through the libraries that are loaded by now."""
    monkeypatch.setattr(measure, "LEAST_SECONDS", 0.0)
    gc.freeze()


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row}: {case.name}")


def check_work(case: Case, contenders: Iterable[Contender], servers: Servers) -> None:
    def check(contender: Contender) -> None:
        metrics = prepared(case, contender, servers)()
        assert set(metrics) == set(case.units)
        for value in metrics.values():
            assert math.isfinite(value)
            assert value >= 0

    run_each(contenders, check)


@each_case
def test_each_contender_does_its_work(case: Case, servers: Servers) -> None:
    check_work(case, (contender for contender in case.contenders if not contender.peer), servers)


@pytest.mark.judges
@each_case
def test_each_peer_that_is_installed_does_its_work(case: Case, servers: Servers) -> None:
    peers = (contender for contender in case.contenders if contender.peer and installed(contender))
    check_work(case, peers, servers)


def test_a_peer_that_is_not_installed_is_skipped_with_a_reason(servers: Servers) -> None:
    for case in CASES:
        for contender in itertools.filterfalse(installed, case.contenders):
            with pytest.raises(SkippedError, match=r"^\w+ is not installed$"):
                prepared(case, contender, servers)()


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_of_a_row_and_their_contenders_have_different_names(name: str) -> None:
    cases = row(name).cases(Scale(9, 1))
    assert len({case.name for case in cases}) == len(cases) > 0
    for case in cases:
        assert case.row == name
        assert len({contender.name for contender in case.contenders}) == len(case.contenders) > 1
        assert not case.contenders[0].peer, "the reference is always there"


class _Liar:
    """A client that does not do the work."""

    async def stream(self, model: str, parts: list[str]) -> None:
        parts.append("nothing of the kind")

    async def complete(self, model: str) -> str:
        return "nothing of the kind"


@asynccontextmanager
async def lying_client(target: Target) -> AsyncIterator[_Liar]:
    yield _Liar()


@pytest.mark.parametrize("name", ["end_to_end", "calls", "tls", "first_event", "memory"])
def test_a_client_that_does_not_do_the_work_is_found_out(
    name: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"benchmarks.{name}.factory", lambda contender: lying_client)
    case = small(name)[0]
    with pytest.raises(WrongAnswerError):
        unwrap(prepared(case, case.contenders[0], servers))


def unwrap(run: Run) -> None:
    """Run, and raise a task's exception without its group."""
    try:
        run()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


def test_a_map_with_a_row_that_fails_is_found_out(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    case = small("bulk")[0]
    (ours,) = (contender for contender in case.contenders if contender.options["way"] == "map")
    run = prepared(case, ours, servers)
    monkeypatch.setattr("benchmarks.bulk.map_calls", partial(map_calls, request=lambda prompt: 1 / 0))
    with pytest.raises(ProviderError, match="ZeroDivisionError"):
        run()


@pytest.mark.parametrize("name", ["decode", "path", "growth"])
def test_a_decoder_that_leaves_something_out_is_found_out(
    name: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful:
        def feed(self, data: bytes) -> list[str]:
            return []

    monkeypatch.setattr("benchmarks.decode.yardstick", lambda dialect: Forgetful())
    monkeypatch.setattr("benchmarks.path.yardstick", lambda dialect: Forgetful())
    case = small(name)[0]
    with pytest.raises(WrongAnswerError):
        prepared(case, Contender("yardstick"), servers)()


def test_a_contender_that_would_take_too_long_is_skipped_with_a_reason() -> None:
    case = replace(small("growth")[0], options={"wire": "OpenAI text", "events": 10**9, "patience": 1})
    with pytest.raises(SkippedError, match=r"^1000000000 events would take it about \d+ s$"):
        growth.ROW.prepare(case, Contender("yardstick"))
