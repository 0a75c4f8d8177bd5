"""The fields of faults and actions: names and defaults, and that they are immutable."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec import structs

from sansio.testing import FakeProvider
from sansio.testing.faults import (
    FAULTS,
    Action,
    Deed,
    Deliver,
    Fault,
    FaultyConnection,
    FaultyProvider,
    Pause,
    Refuse,
)
from sansio.testing.faults.deeds import (
    ChunkLine,
    Drip,
    Filler,
    Gzip,
    HeadLines,
    OldHTTP,
    Place,
    Prefix,
    Status,
    Then,
)
from tests.support import for_all

KINDS: tuple[Any, ...] = (*get_args(Action), *get_args(Deed))


@for_all(("kind", KINDS))
def test_deeds_and_actions_are_immutable_and_hashable(kind: Any) -> None:
    values = [500] * len(kind.__struct_fields__)
    value = kind(*values)
    assert len({value, kind(*values)}) == 1
    with pytest.raises(AttributeError):
        value.changed = True
    for name in kind.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_what_is_left_out_of_a_deed_is_its_mildest_form() -> None:
    assert Gzip() == Gzip(corrupt=False)
    assert Drip() == Drip(seconds=0.0)
    assert Filler(3) == Filler(at=3, seconds=0.01)
    assert OldHTTP() == OldHTTP(at=None)
    assert Prefix(b"x") == Prefix(data=b"x", again=b"", seconds=0.001)
    assert HeadLines(b"x") == HeadLines(lines=b"x", framed=True)
    assert ChunkLine(1, b"x") == ChunkLine(at=1, line=b"x", sized=False)
    assert structs.asdict(Pause(0.5)) == {"seconds": 0.5}
    assert structs.asdict(Deliver(b"x")) == {"data": b"x"}


def test_a_fault_has_keyword_fields_no_number_by_default_and_is_immutable() -> None:
    fault = Fault(name="mine", text="does this", deed=Refuse())
    assert fault.number == ""
    positional: Any = Fault
    with pytest.raises(TypeError):
        positional("mine", "does this", Refuse())
    for name in fault.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(fault, name, None)


def test_cuts_are_named_by_place_and_by_what_follows() -> None:
    assert {then.name: then.value for then in Then} == {
        "FINISH": "finish",
        "CLOSE": "close",
        "RESET": "reset",
        "STALL": "stall",
        "HALF_CLOSE": "half-close",
    }
    assert {place.name: place.value for place in Place} == {
        "BEFORE_HEAD": "before-head",
        "HEAD": "in-head",
        "BODY": "after",
        "EVENT": "at-event",
        "END": "at-end",
    }


@pytest.mark.parametrize(("status", "allowed"), [(399, False), (400, True), (599, True), (600, False)])
def test_the_status_of_an_error_is_4xx_or_5xx(status: int, allowed: bool) -> None:
    if allowed:
        assert Status(status).status == status
    else:
        with pytest.raises(ValueError, match="use one from 400 to 599"):
            Status(status)


def test_a_faulty_provider_without_a_fault_does_nothing_wrong() -> None:
    faulty = FaultyProvider(FakeProvider())
    assert faulty.fault is None
    assert faulty.deed is None


def test_a_connection_is_plain_http_by_default() -> None:
    provider = FakeProvider("openai")
    faulty = FaultyProvider(provider)
    for connection in (FaultyConnection(faulty), faulty.connect(), faulty.connect(scheme="https")):
        list(connection.receive_data(b"GET / HTTP/1.1\r\nhost: fake.test\r\n\r\n"))
    schemes = [(request.scheme, request.port) for request in provider.requests]
    assert schemes == [("http", 80), ("http", 80), ("https", 443)]


def test_the_faults_cannot_be_changed() -> None:
    faults: Any = FAULTS
    with pytest.raises(TypeError):
        faults["mine"] = None
