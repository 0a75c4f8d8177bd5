"""What a check tells: its verdicts, its table, and what it does not try."""

from __future__ import annotations

import threading
from collections.abc import Coroutine
from functools import partial

import pytest

from tests.transports.testing.conformance.broken_inputs import SwallowsEnd, UpperCase
from tests.transports.testing.conformance.broken_waits import WaitsForHead
from tests.transports.testing.conformance.wrapping import Wrapper
from transports import AnyioTransport, SocketTransport, Transport
from transports.testing.conformance import (
    LAWS,
    Report,
    Result,
    Verdict,
    WrongKindError,
    check_sync_transport,
    check_transport,
)

LAW = "inputs-in-order"


def test_the_table_has_a_line_for_each_law_and_says_what_is_wrong() -> None:
    report = check_transport(partial(Wrapper, UpperCase), laws=["redirects", "header-names"])
    first, blank, failed, why, passed = str(report).splitlines()
    assert (first, blank) == ("Wrapper under asyncio: 1 passed, 1 failed", "")
    assert failed == f"FAILED          header-names  {LAWS['header-names'].text}"
    assert why.startswith("                              -> the Head has the header 'Content-Type'")
    assert passed == "passed          redirects     redirects are not followed"
    assert not report.ok
    assert [result.law for result in report.failures] == ["header-names"]
    assert report["redirects"] == Result("redirects", "redirects are not followed", Verdict.PASSED)
    with pytest.raises(KeyError):
        report["fresh"]


def test_if_inputs_are_out_of_order_no_other_law_is_tried() -> None:
    report = check_transport(partial(Wrapper, SwallowsEnd))
    assert [result.law for result in report.failures] == [LAW]
    assert {result.verdict for result in report.results[2:]} == {Verdict.NOT_TRIED}
    assert str(report).endswith(f"\n\n{len(LAWS) - 2} not tried, because of {LAW}; fix it first")


WAITING = ["open-returns", "redirects", "read-timeout", "abort-wakes"]


def test_laws_that_need_a_broken_one_are_not_tried_and_say_so() -> None:
    report = check_transport(WaitsForHead, laws=WAITING, patience=0.5)
    assert [result.law for result in report.failures] == ["open-returns"]
    assert report["redirects"].verdict is Verdict.PASSED
    last = "2 not tried (read-timeout, abort-wakes), because of open-returns; fix it first"
    assert str(report).endswith(f"\n\n{last}")


def test_laws_that_need_a_declared_one_are_not_tried_either() -> None:
    report = check_transport(WaitsForHead, laws=WAITING, without={"open-returns": "the library waits"})
    assert report.ok
    assert report["abort-wakes"].verdict is Verdict.NOT_TRIED
    assert report["abort-wakes"].message == "because of open-returns, which is declared"


def test_a_law_that_does_not_apply_says_why() -> None:
    report = check_sync_transport(SocketTransport, laws=["second-loop"])
    assert report.ok
    assert "not applicable  second-loop" in str(report)
    assert report["second-loop"].message == "the transport is blocking"


def test_a_law_that_the_caller_declares_is_not_tried_and_shown_with_the_reason() -> None:
    kept = check_transport(AnyioTransport, laws=["fresh", "reuse"], without={"fresh": "the pool decides"})
    assert kept.ok
    assert kept["fresh"] == Result("fresh", LAWS["fresh"].text, Verdict.DECLARED, "the pool decides")
    assert str(kept).startswith("AnyioTransport under asyncio: 1 passed, 1 declared\n")
    lines = str(kept).splitlines()
    index = next(number for number, line in enumerate(lines) if line.startswith("declared        fresh"))
    assert lines[index + 1].endswith("-> the pool decides")
    blocking = check_sync_transport(SocketTransport, laws=["fresh"], without={"fresh": "it cannot"})
    assert blocking["fresh"].verdict is Verdict.DECLARED


def test_an_unknown_law_is_refused() -> None:
    with pytest.raises(ValueError, match="'nope': no such law; use some of open-returns, "):
        check_transport(AnyioTransport, laws=["nope"])


def test_an_unknown_event_loop_is_refused() -> None:
    with pytest.raises(ValueError, match="'curio': no such event loop here; use one of asyncio, trio"):
        check_transport(AnyioTransport, backend="curio")


def test_a_factory_that_raises_is_reported() -> None:
    def factory() -> Transport:
        raise ValueError("no address")

    assert check_transport(factory)[LAW].message == "the factory raised ValueError (no address)"


def test_a_transport_of_the_other_kind_is_refused_before_any_law() -> None:
    with pytest.raises(WrongKindError, match="SocketTransport is blocking: check it with check_sync"):
        check_transport(SocketTransport)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(WrongKindError, match="AnyioTransport is async: check it with check_transport"):
        check_sync_transport(AnyioTransport)  # type: ignore[arg-type]


def test_a_method_of_the_other_kind_is_reported() -> None:
    class Plain(Wrapper):
        def open(self, *_: object, **__: object) -> str:  # type: ignore[override]  # that is the point
            return "an exchange"

    message = check_transport(Plain, laws=[LAW])[LAW].message  # type: ignore[arg-type]
    assert message == "open() is not async: it returned 'an exchange'"

    class Later(SocketTransport):
        def open(self, *_: object, **__: object) -> Coroutine[None, None, str]:  # type: ignore[override]
            async def open() -> str:
                return "an exchange"

            return open()

    message = check_sync_transport(Later, laws=[LAW])[LAW].message  # type: ignore[arg-type]
    assert message == "open() is async; check_transport is for such transports"


def test_a_transport_that_lacks_a_part_is_reported() -> None:
    class Half:
        async def open(
            self, request: object, timeout: float | None, *, write_timeout: float | None = None
        ) -> None: ...

    message = check_transport(Half, laws=[LAW])[LAW].message  # type: ignore[arg-type]  # that is the point
    assert message.startswith("open() raised a raw TypeError")
    assert "unexpected keyword argument" in message


def test_a_transport_that_ends_its_thread_has_not_passed() -> None:
    class Exits(Wrapper):
        async def aclose(self) -> None:
            raise SystemExit

    assert not check_transport(Exits, laws=["transport-closes"]).ok


def test_the_subject_is_named() -> None:
    report = check_transport(partial(AnyioTransport, max_idle=1), backend="trio", laws=[])
    assert report == Report("AnyioTransport under trio", ())
    assert str(report) == "AnyioTransport under trio: no laws"


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    check_transport(AnyioTransport, laws=[LAW, "fresh"])
    assert threading.active_count() == before
