"""A compressed body whose fault lies inside a byte."""

from __future__ import annotations

import zlib

from sansio.errors import RemoteProtocolError
from sansio.http.coding import ContentDecoder
from tests.support import every_split


def decoded(pieces: list[bytes]) -> bytes:
    """The output of a corrupt body."""
    decoder = ContentDecoder("deflate")
    out = bytearray()
    try:
        for piece in pieces:
            for part in decoder.decode(piece):
                out += part
    except RemoteProtocolError:
        return bytes(out)
    raise AssertionError("the body is not corrupt")


def test_a_fault_inside_a_byte_loses_only_the_last_output_of_that_byte() -> None:
    """Each of 25 letters takes one bit, the block's end another; three bits are left in the last byte.

    zlib reads past the requested output until it needs more room, so it meets the fault in the call that
    gives the last letter.
    """
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS, strategy=zlib.Z_HUFFMAN_ONLY)
    packed = bytearray(packer.compress(b"a" * 25) + packer.flush())
    assert packed[-1] == 0b0001_0000  # the block's end, after four of the letters
    packed[0] &= 0b1111_1110  # not the last block, so that another one begins
    packed[-1] |= 0b1110_0000  # of the type that deflate reserves
    assert {decoded(pieces) for pieces in every_split(bytes(packed))} == {b"a" * 24}


def test_a_body_whose_last_byte_gives_more_than_one_piece_takes_comes_out_whole() -> None:
    """A run of 258 bytes may take less than a bit of the bare format, which has no checksum behind it."""
    for size in range(65_536 - 2, 65_536 + 40):
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = packer.compress(bytes(size)) + packer.flush()
        decoder = ContentDecoder("deflate")
        assert sum(map(len, decoder.decode(packed))) == size
        assert decoder.whole
