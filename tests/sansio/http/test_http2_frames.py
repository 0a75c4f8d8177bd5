"""Bytes are cut into frames, and headers joined from them, whatever the cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sansio.http.http2_frames import MAX_FRAME_SIZE, FrameReader, HeaderBlock, frame_header, unpadded
from sansio.testing.strategies import chunkings
from tests.sansio.http.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PRIORITIZED,
    frame,
    settings,
)

_FRAMES = st.lists(
    st.builds(frame, st.integers(0, 20), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=40))
)
_LONG = frame_header(MAX_FRAME_SIZE + 1, DATA, 0, 1)


def read(pieces: list[bytes]) -> tuple[list[bytes], str]:
    """The frames, up to the first fault, and what it is."""
    reader = FrameReader()
    frames: list[bytes] = []
    for piece in pieces:
        more, fault = reader.read(piece)
        frames += more
        if fault is not None:
            return frames, fault.message
    return frames, ""


@given(frames=_FRAMES, rest=st.sampled_from((b"", b"\0\0\5", _LONG)), draw=st.data())
def test_the_frames_do_not_depend_on_the_cut(frames: list[bytes], rest: bytes, draw: st.DataObject) -> None:
    frames = [settings(), *frames]
    found, fault = read(draw.draw(chunkings(b"".join(frames) + rest)))
    assert found == frames
    assert ("longer than the size" in fault) == (rest == _LONG)


def test_a_long_frame_is_refused_before_it_has_arrived_and_the_longest_is_not() -> None:
    longest = frame(DATA, 0, 1, bytes(MAX_FRAME_SIZE))
    assert read([settings() + longest]) == ([settings(), longest], "")
    assert read([settings(), _LONG[:-1]]) == ([settings()], "")
    assert "longer than the size" in read([settings(), _LONG])[1]


def test_the_settings_are_first_and_no_longer_than_any_frame() -> None:
    reader = FrameReader()
    assert (reader.read(settings()[:8]), reader.greeted) == (([], None), False)
    assert (reader.read(settings()[8:]), reader.greeted) == (([settings()], None), True)
    assert "does not speak HTTP/2" in read([frame(DATA, 0, 1)])[1]
    assert "longer than the size" in read([frame_header(MAX_FRAME_SIZE + 1, 4, 0, 0)])[1]


@given(fields=st.binary(max_size=60), padding=st.integers(0, 9), draw=st.data())
def test_headers_are_joined_from_their_frames(fields: bytes, padding: int, draw: st.DataObject) -> None:
    first, *rest = draw.draw(chunkings(fields)) or [b""]
    payload = bytes((padding,)) + bytes(5) + first + bytes(padding)
    flags = [PADDED | PRIORITIZED | END_STREAM, *[0] * len(rest)]
    flags[-1] |= END_HEADERS
    frames = [frame(HEADERS, flags[0], 3, payload)]
    frames += [frame(CONTINUATION, *more) for more in zip(flags[1:], [3] * len(rest), rest, strict=True)]
    block = HeaderBlock()
    for number, taken in enumerate(frames):
        assert block.goes_on(CONTINUATION, 3) == (number > 0)
        assert not block.goes_on(CONTINUATION, 5)
        assert not block.goes_on(HEADERS, 3)
        assert block.add(3, taken)
    assert not block.goes_on(CONTINUATION, 3)
    assert (block.take(), block.size, block.ends) == (fields, len(b"".join(frames)), END_STREAM)
    assert block.add(5, frame(HEADERS, END_HEADERS, 5, fields))
    assert (block.take(), block.size, block.ends) == (fields, 9 + len(fields), 0)


def test_padding_that_does_not_fit_is_malformed() -> None:
    assert unpadded(frame(DATA, PADDED, 1, b"\x02ab\0\0")) == b"ab"
    assert unpadded(frame(DATA, PADDED, 1, b"\x02\0\0")) == b""
    for payload in (b"\x03\0\0", b""):
        assert unpadded(frame(DATA, PADDED, 1, payload)) is None
    assert not HeaderBlock().add(1, frame(HEADERS, PRIORITIZED, 1, bytes(4)))


def test_a_header_block_begins_empty_and_belongs_to_no_exchange() -> None:
    new = HeaderBlock()
    assert (new.number, new.size, new.ends, new.take()) == (0, 0, 0, b"")
    assert not new.goes_on(CONTINUATION, 0)
    assert not new.goes_on(CONTINUATION, 1)


def test_sizes_and_numbers_are_those_of_the_protocol() -> None:
    """RFC 9113, sections 4.1 and 4.2."""
    assert MAX_FRAME_SIZE == 2**14
    assert frame_header(2**24 - 1, DATA, 1, 2**31 - 1) == b"\xff\xff\xff\x00\x01\x7f\xff\xff\xff"
