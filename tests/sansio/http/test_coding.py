"""Content decoding: whole, cut anywhere, corrupt, and hostile."""

from __future__ import annotations

import gzip
import itertools
import random
import zlib
from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.errors import RemoteProtocolError
from sansio.http.coding import ContentDecoder
from tests.support import chunkings, every_split, with_chunkings

PIECE = 65_536

Decoded: TypeAlias = tuple[bytes, bool, bool]
"""The output, whether the body was corrupt, and whether it reached its end."""


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate ": raw_deflate,
}


def decode(coding: str, pieces: list[bytes]) -> Decoded:
    decoder = ContentDecoder(coding)
    out = bytearray()
    try:
        for piece in pieces:
            for part in decoder.decode(piece):
                assert 0 < len(part) <= PIECE
                out += part
    except RemoteProtocolError:
        return bytes(out), True, decoder.whole
    return bytes(out), False, decoder.whole


COMPRESSIBLE = st.lists(
    st.one_of(st.binary(max_size=20), st.integers(1, 70_000).map(lambda n: b"a" * n)), max_size=4
).map(b"".join)


@given(data=COMPRESSIBLE, coding=st.sampled_from(sorted(PACKERS)), draw=st.data())
def test_what_was_packed_comes_out_at_any_cut(data: bytes, coding: str, draw: st.DataObject) -> None:
    pieces = draw.draw(chunkings(PACKERS[coding](data)))
    assert decode(coding, pieces) == (data, False, True)


@given(case=with_chunkings(st.binary(max_size=60)), coding=st.sampled_from(sorted(PACKERS)))
def test_arbitrary_bytes_decode_alike_at_any_cut(case: tuple[bytes, list[bytes]], coding: str) -> None:
    data, pieces = case
    assert decode(coding, pieces) == decode(coding, [data])


@given(data=COMPRESSIBLE, coding=st.sampled_from(sorted(PACKERS)), draw=st.data())
def test_a_damaged_body_decodes_alike_at_any_cut(data: bytes, coding: str, draw: st.DataObject) -> None:
    packed = bytearray(PACKERS[coding](data))
    packed[draw.draw(st.integers(0, len(packed) - 1))] ^= draw.draw(st.integers(1, 255))
    packed += draw.draw(st.binary(max_size=4))
    pieces = draw.draw(chunkings(bytes(packed)))
    assert decode(coding, pieces) == decode(coding, [bytes(packed)])


@given(data=st.binary(min_size=1, max_size=2_000), keep=st.floats(0, 1))
def test_a_corrupt_body_gives_all_that_precedes_the_fault(data: bytes, keep: float) -> None:
    whole = int(len(data) * keep)
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    sound = packer.compress(data[:whole]) + packer.flush(zlib.Z_SYNC_FLUSH)
    fault = b"\x07"  # the last block, of the type that deflate reserves
    for pieces in ([sound + fault], [sound, fault], [sound[:-1], sound[-1:] + fault]):
        assert decode("gzip", pieces) == (data[:whole], True, False)


def test_what_one_byte_of_input_unpacks_to_before_a_fault_is_kept() -> None:
    """Runs of 258 bytes take few bits each, so the last valid byte gives many bytes at once."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    sound = packer.compress(b"a" * 50_000) + packer.flush(zlib.Z_SYNC_FLUSH)
    for pieces in every_split(sound + b"\x07"):
        assert decode("deflate", pieces) == (b"a" * 50_000, True, False)


def test_a_wrong_checksum_is_reported_after_the_data() -> None:
    packed = bytearray(gzip.compress(b"data: x\n\n"))
    packed[-8] ^= 1
    for pieces in every_split(bytes(packed)):
        assert decode("gzip", pieces) == (b"data: x\n\n", True, False)


@pytest.mark.parametrize("coding", sorted(PACKERS))
def test_every_two_way_cut_and_byte_by_byte(coding: str) -> None:
    for pieces in every_split(PACKERS[coding](b"data: hello\n\n" * 3)):
        assert decode(coding, pieces) == (b"data: hello\n\n" * 3, False, True)


@given(members=st.lists(st.binary(max_size=20), min_size=1, max_size=4), draw=st.data())
def test_the_members_of_a_gzip_body_are_joined(members: list[bytes], draw: st.DataObject) -> None:
    pieces = draw.draw(chunkings(b"".join(map(gzip.compress, members))))
    assert decode("gzip", pieces) == (b"".join(members), False, True)


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_bytes_after_the_end_of_a_body_of_several_pieces_do_not_hang(size: int) -> None:
    packed = gzip.compress(bytes(size))
    assert decode("gzip", [packed + packed]) == (bytes(2 * size), False, True)
    assert decode("gzip", [packed + b"junk"]) == (bytes(size), True, False)


@pytest.mark.parametrize("coding", sorted(PACKERS))
def test_a_truncated_body_gives_what_arrived_and_is_not_whole(coding: str) -> None:
    packed = PACKERS[coding](b"hello " * 10)
    for end in range(len(packed)):
        out, corrupt, whole = decode(coding, [packed[:end]])
        assert (b"hello " * 10).startswith(out)
        assert (corrupt, whole) == (False, False)


def test_gzip_means_gzip_and_no_other_wrapping() -> None:
    for packed in (zlib.compress(b"data: x"), raw_deflate(b"data: x")):
        assert decode("gzip", [packed]) == (b"", True, False)
    assert decode("deflate", [gzip.compress(b"data: x")]) == (b"", True, False)


@pytest.mark.parametrize(
    ("first", "size", "looks_like"),
    [(0x08, 5, "the method of a wrapping, not its check"), (0x00, 31, "its check, not its method")],
)
def test_bare_deflate_that_looks_half_like_its_wrapping_is_bare(
    first: int, size: int, looks_like: str
) -> None:
    stored = bytes([first]) + size.to_bytes(2, "little") + (0xFFFF ^ size).to_bytes(2, "little")
    wire = stored + b"a" * size + b"\x03\x00"
    for pieces in every_split(wire):
        assert decode("deflate", pieces) == (b"a" * size, False, True), looks_like


def test_what_was_flushed_comes_out_at_once() -> None:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    decoder = ContentDecoder("gzip")
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        packed = packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(decoder.decode(packed)) == event
    assert not decoder.whole


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_sizes_around_a_piece(size: int) -> None:
    data = bytes(size)
    parts = list(ContentDecoder("gzip").decode(gzip.compress(data)))
    assert b"".join(parts) == data
    assert max(map(len, parts)) <= PIECE


@pytest.mark.parametrize("size", [PIECE + 1, PIECE + 258, PIECE + 300, 2 * PIECE + 5])
def test_nothing_is_held_back_that_the_bytes_so_far_unpack_to(size: int) -> None:
    packed = raw_deflate(bytes(size))
    for end in range(len(packed) + 1):
        at_once = decode("deflate", [packed[:end]])
        assert at_once == decode("deflate", [packed[at : at + 1] for at in range(end)])
    assert at_once == (bytes(size), False, True)


def test_a_bomb_is_unpacked_no_further_than_its_consumer_asks() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 70_000
    decoder = ContentDecoder("gzip")
    taken = list(itertools.islice(decoder.decode(bomb), 3))
    assert [len(part) for part in taken] == [PIECE] * 3
    assert not decoder.whole


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_identity_passes_bytes_through(coding: str) -> None:
    assert decode(coding, [b"a", b"", b"b"]) == (b"ab", False, True)
    assert list(ContentDecoder(coding).decode(b"")) == []


@pytest.mark.parametrize("padding", [1, 2, 3, 512, 70_000])
@pytest.mark.parametrize("members", [1, 2])
def test_zeros_behind_a_gzip_body_are_padding(padding: int, members: int) -> None:
    """As gzip itself reads them: archives are padded to whole blocks."""
    packed = (gzip.compress(b"data: x\n\n") + bytes(padding)) * members
    wanted = (b"data: x\n\n" * members, False, True)
    assert decode("gzip", [packed]) == wanted
    if padding < 1_000:
        assert all(decode("gzip", pieces) == wanted for pieces in every_split(packed))
    assert decode("gzip", [packed + b"junk"]) == (wanted[0], True, False)
    assert decode("gzip", [bytes(padding + 1)]) == (b"", True, False)


@pytest.mark.parametrize("coding", ["gzip, identity", "identity,gzip", ", gzip ,"])
def test_identity_beside_a_coding_changes_nothing(coding: str) -> None:
    assert decode(coding, [gzip.compress(b"data: x")]) == (b"data: x", False, True)
    assert decode("identity, identity", [b"a"]) == (b"a", False, True)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "compress", "gzip, gzip"])
def test_an_unknown_coding_is_refused_by_name(coding: str) -> None:
    with pytest.raises(RemoteProtocolError, match=coding):
        ContentDecoder(coding)


@pytest.mark.parametrize("coding", sorted(PACKERS))
def test_what_is_repeated_from_as_far_back_as_the_coding_allows_is_found(coding: str) -> None:
    block = random.Random(1).randbytes(32_000)
    packed = PACKERS[coding](block * 2)
    assert len(packed) < 40_000
    assert decode(coding, [packed]) == (block * 2, False, True)
