"""Faults of a response: other answers, compression, and everything that can be expressed in memory."""

from __future__ import annotations

import pytest

from sansio import RemoteProtocolError, Request
from sansio.http import header
from sansio.http.coding import ContentDecoder
from sansio.limits import DEFAULT_LIMITS
from sansio.testing import PROVIDER_TYPES, Answer, Ending, FakeProvider, FakeResponse
from sansio.testing.faults import FAULTS, FaultyProvider, find_fault
from tests.sansio.testing.asking import body_for, request_for

SAID = Answer(text="One two three four.")
WHOLE = request_for("openai")
STREAM = request_for("openai", body_for("openai", stream=True))


@pytest.mark.parametrize("request_", [STREAM, WHOLE])
def test_gzip_is_the_same_answer(request_: Request) -> None:
    response = FaultyProvider(FakeProvider("openai", [SAID]), FAULTS["gzip"]).respond(request_)
    assert header(response.headers, "content-encoding") == "gzip"
    plain_response = FakeProvider("openai", [SAID]).respond(request_)
    decoder = ContentDecoder("gzip")
    pieces = [b"".join(decoder.decode(piece)) for piece in response.pieces]
    assert [piece for piece in pieces if piece] == list(plain_response.pieces)
    assert decoder.whole


@pytest.mark.parametrize("name", ["gzip-bomb-stream", "gzip-bomb-whole", "gzip-bomb-error"])
def test_a_bomb_is_small_and_becomes_a_gibibyte(name: str) -> None:
    response = FaultyProvider(FakeProvider("openai"), FAULTS[name]).respond(STREAM)
    (member,) = set(response.pieces)
    size = sum(map(len, ContentDecoder("gzip").decode(member)))
    assert size * len(response.pieces) == 2**30
    assert len(response.body) < 3_000_000


def test_outcomes_come_in_turn_and_a_refused_request_uses_none_up() -> None:
    faulty = FaultyProvider(FakeProvider("openai", [SAID] * 4), FAULTS["busy-then-answer"])
    refused = request_for("openai", headers=())
    statuses = [faulty.respond(request).status for request in (WHOLE, refused, WHOLE, WHOLE, WHOLE)]
    assert statuses == [503, 401, 429, 200, 503]
    assert len(faulty.provider.script) == 3
    faulty.fault = FAULTS["busy-then-answer"]
    assert faulty.respond(WHOLE).status == 503
    faulty.fault = None
    assert faulty.respond(WHOLE).status == 200


@pytest.mark.parametrize("kind", PROVIDER_TYPES)
def test_a_status_comes_in_the_provider_s_own_shape(kind: str) -> None:
    faulty = FaultyProvider(FakeProvider(kind), find_fault("status:503"))
    response = faulty.respond(request_for(kind))
    assert response.status == 503
    assert b"asks for a failure" in response.body


def test_faults_of_sockets_and_framing_are_refused_in_memory() -> None:
    impossible = {"refuse", "accept-close", "tls-plain", "http-1.0", "content-length-short", "drip-slowly"}
    for name in impossible:
        faulty = FaultyProvider(FakeProvider("openai", [SAID]), FAULTS[name])
        with pytest.raises(ValueError, match="in memory there is n"):
            faulty.respond(STREAM)


# In memory.


def in_memory(name: str, request: Request = STREAM) -> FakeResponse:
    return FaultyProvider(FakeProvider("openai", [SAID]), find_fault(name)).respond(request)


@pytest.mark.parametrize(
    ("ending", "wanted"),
    [
        ("close", Ending.DROP),
        ("reset", Ending.DROP),
        ("half-close", Ending.DROP),
        ("stall", Ending.HOLD),
    ],
)
def test_cuts_leave_as_much_in_memory(ending: str, wanted: Ending) -> None:
    events = FakeProvider("openai", [SAID]).respond(STREAM).pieces
    before = in_memory(f"{ending}-before-head")
    assert (before.silent, before.ending) == (True, wanted)
    assert in_memory(f"{ending}-in-head") == before
    places = {"after:9": b"".join(events)[:9], "at-event:2": b"".join(events[:2]), "at-end": b"".join(events)}
    for place, left in places.items():
        cut = in_memory(f"{ending}-{place}")
        assert (cut.silent, cut.ending, cut.body) == (False, wanted, left)


def test_a_clean_truncation_and_a_drip_are_the_same_in_memory() -> None:
    events = FakeProvider("openai", [SAID]).respond(STREAM).pieces
    assert (in_memory("truncate:3").pieces, in_memory("truncate:3").ending) == (events[:3], Ending.FINISH)
    drip = in_memory("drip").pieces
    assert ({len(piece) for piece in drip}, b"".join(drip)) == ({1}, b"".join(events))


def test_corrupt_gzip_is_right_up_to_its_middle() -> None:
    response = in_memory("gzip-corrupt")
    decoder = ContentDecoder("gzip")
    good = response.pieces[:-1]
    assert b'"One "' in b"".join(piece for data in good for piece in decoder.decode(data))
    with pytest.raises(RemoteProtocolError, match="corrupt"):
        list(decoder.decode(response.pieces[-1]))


@pytest.mark.parametrize(("name", "count", "size"), [("too-many", 2_000, 40), ("too-long", 1, 80_000)])
def test_large_heads_are_larger_than_any_client_takes(name: str, count: int, size: int) -> None:
    filler = [value for key, value in in_memory(f"headers-{name}").headers if key.startswith("x-filler-")]
    assert filler == ["x" * size] * count
    assert count * size > DEFAULT_LIMITS.max_header_bytes


def test_a_compressed_half_is_garbage_in_every_byte() -> None:
    whole = FaultyProvider(FakeProvider("openai", [SAID]), FAULTS["gzip"]).respond(STREAM)
    broken = FaultyProvider(FakeProvider("openai", [SAID]), FAULTS["gzip-corrupt"]).respond(STREAM)
    half = len(whole.pieces) // 2
    assert broken.pieces[:half] == whole.pieces[:half]
    rest = b"".join(whole.pieces[half:])
    assert len(broken.pieces[half:]) == 1
    assert all(garbage != byte for garbage, byte in zip(broken.pieces[half], rest, strict=True))
    assert broken.headers == whole.headers
    assert whole.headers[-1] == ("content-encoding", "gzip")


@pytest.mark.parametrize(
    ("name", "status", "content_type"),
    [
        ("gzip-bomb-stream", 200, "text/event-stream"),
        ("gzip-bomb-whole", 200, "application/json"),
        ("gzip-bomb-error", 400, "application/json"),
    ],
)
def test_a_bomb_says_what_it_would_be(name: str, status: int, content_type: str) -> None:
    response = FaultyProvider(FakeProvider("openai"), FAULTS[name]).respond(STREAM)
    assert response.status == status
    assert response.headers == (("content-type", content_type), ("content-encoding", "gzip"))


@pytest.mark.parametrize(
    ("name", "count", "size"), [("headers-too-many", 2_000, 40), ("headers-too-long", 1, 80_000)]
)
def test_a_large_head_is_the_usual_one_with_filler_behind_it(name: str, count: int, size: int) -> None:
    usual = FakeProvider("openai", [SAID]).respond(STREAM)
    response = FaultyProvider(FakeProvider("openai", [SAID]), FAULTS[name]).respond(STREAM)
    filler = tuple((f"x-filler-{n}", "x" * size) for n in range(count))
    assert response.headers == usual.headers + filler
    assert (response.status, response.pieces) == (usual.status, usual.pieces)


def test_a_huge_error_is_plain_text() -> None:
    response = FaultyProvider(FakeProvider("openai"), FAULTS["huge-error"]).respond(STREAM)
    assert (response.status, response.headers) == (500, (("content-type", "text/plain"),))
