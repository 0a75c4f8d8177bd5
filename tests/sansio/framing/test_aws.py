"""AWS event streams: frames made by hand, by the encoder, by an official client and as recorded."""

from __future__ import annotations

import importlib
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AWSChunkFramer,
    AWSFramer,
    LimitExceededError,
    RemoteProtocolError,
    StreamTruncatedError,
    base64_text,
)
from sansio.testing.eventstream import HeaderValue, encode_frame
from tests.laws.oracle import assert_copies_linear, assert_linear, assert_memory_linear, memory_peak
from tests.sansio.framing.frames import Failure, Frame, assert_ends, frames
from tests.support import CORPUS, chunkings, every_split

RECORDED = CORPUS.with_name("corpus-bedrock")

# The least message, a vector that AWS's own libraries are tested with.
EMPTY = bytes.fromhex("00000010 00000000 05c248eb 7d98c8ff")
# Without headers, with the payload "{}": lengths, their CRC-32, payload, CRC-32.
SMALLEST = bytes.fromhex("00000012 00000000 7f021b8b 7b7d 2f9261fa")
# The header ":event-type" with the string "stop", and the payload "{}".
NAMED = bytes.fromhex("00000025 00000013 e8bd3ec3 0b 3a6576656e742d74797065 07 0004 73746f70 7b7d e7d1d1b4")

NAMES = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES: st.SearchStrategy[HeaderValue] = st.one_of(
    NAMES, st.binary(max_size=8), st.booleans(), st.integers(-(2**63), 2**63 - 1)
)
HEADERS = st.dictionaries(NAMES.filter(lambda name: not name.startswith(":")), VALUES, max_size=4)
KINDS = st.sampled_from(["event", "exception", "error", None])


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bytes, str]:
    """A message, its payload and its name."""
    headers = draw(HEADERS)
    payload = draw(st.binary(max_size=20))
    word = draw(NAMES)
    match draw(KINDS):
        case "exception":
            name = "exception:" + word
            headers = {**headers, ":message-type": "exception", ":exception-type": word, ":event-type": "x"}
        case "error":
            name = "exception:" + word
            headers = {":message-type": "error", ":error-code": word, ":error-message": "why", **headers}
        case kind:
            name = word
            headers = {":event-type": word, **headers, **({":message-type": kind} if kind else {})}
    wanted = payload
    if headers.get(":message-type") == "error" and not payload:
        wanted = b'{"message":"why"}'
    return encode_frame(headers, payload), wanted, name


@given(data=st.data(), made=st.lists(messages(), max_size=6))
def test_what_is_written_is_read_at_any_cut(
    data: st.DataObject, made: list[tuple[bytes, bytes, str]]
) -> None:
    stream = b"".join(message for message, _, _ in made)
    wanted: list[Frame] = []
    at = 0
    for message, payload, name in made:
        wanted.append((payload, name, at))
        at += len(message)
    pieces = data.draw(chunkings(stream))
    assert frames(AWSFramer(), pieces) == wanted
    if wanted:
        assert_ends(AWSFramer, pieces, data.draw(st.integers(0, len(wanted) - 1)))


@given(data=st.data(), made=st.lists(messages(), min_size=1, max_size=3), noise=st.binary(max_size=8))
def test_damage_is_an_error_where_the_message_begins_at_any_cut(
    data: st.DataObject, made: list[tuple[bytes, bytes, str]], noise: bytes
) -> None:
    stream = bytearray(b"".join(message for message, _, _ in made))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at : at + len(noise)] = noise
    limit = data.draw(st.sampled_from([1 << 24, 40]))
    whole = frames(AWSFramer(limit), [bytes(stream)])
    assert frames(AWSFramer(limit), data.draw(chunkings(bytes(stream)))) == whole
    sound = frames(AWSFramer(), [message for message, _, _ in made])
    read = [frame for frame in whole if isinstance(frame[0], bytes)]
    assert whole == sound or read == sound[: len(read)]
    # A CRC-32 finds every burst of at most 32 bits.
    if len(noise) <= 4 and limit > 40 and bytes(stream) != b"".join(message for message, _, _ in made):
        assert len(read) < len(made)


@given(data=st.data(), stream=st.binary(max_size=60))
def test_any_bytes_end_in_frames_or_one_error_at_any_cut(data: st.DataObject, stream: bytes) -> None:
    whole = frames(AWSFramer(), [stream])
    assert frames(AWSFramer(), data.draw(chunkings(stream))) == whole
    assert not stream or whole


def test_messages_made_by_hand() -> None:
    for pieces in every_split(SMALLEST + NAMED + SMALLEST):
        assert frames(AWSFramer(), pieces) == [(b"{}", "", 0), (b"{}", "stop", 18), (b"{}", "", 55)]
    assert frames(AWSFramer(), [EMPTY * 2]) == [(b"", "", 0), (b"", "", 16)]
    assert encode_frame({}) == EMPTY
    assert encode_frame({}, b"{}") == SMALLEST
    assert encode_frame({":event-type": "stop"}, b"{}") == NAMED


def with_headers(headers: bytes, payload: bytes = b"{}") -> bytes:
    """A message with these bytes for headers, and correct checksums."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


EVENT_TYPE = b"\x0b:event-type\x07\x00\x04stop"
VALUES_BY_TYPE = [
    b"\0", b"\1", b"\2x", b"\3xx", b"\4xxxx", b"\5" + b"x" * 8, b"\6\0\3xxx", b"\7\0\3xxx",
    b"\x08" + b"x" * 8, b"\x09" + b"x" * 16,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES_BY_TYPE)
def test_a_header_of_each_type_is_passed_over(value: bytes) -> None:
    headers = b"\1a" + value + EVENT_TYPE + b"\1b" + value
    assert frames(AWSFramer(), [with_headers(headers)]) == [(b"{}", "stop", 0)]
    # Without any part of its end, the last header is malformed.
    for missing in range(1, len(value) + 2):
        cut = with_headers(headers[:-missing])
        assert frames(AWSFramer(), [cut]) == [(RemoteProtocolError, 0, None)]


@pytest.mark.parametrize(
    ("headers", "payload", "name", "wanted"),
    [
        ({":message-type": "event", ":event-type": "x"}, b"{}", "x", b"{}"),
        ({":event-type": "x"}, b"{}", "x", b"{}"),
        ({":event-type": b"x"}, b"{}", "", b"{}"),
        ({":message-type": "exception", ":exception-type": "x"}, b"{}", "exception:x", b"{}"),
        ({":message-type": "exception", ":event-type": "x"}, b"", "exception:", b""),
        ({":message-type": "error", ":error-code": "500"}, b"", "exception:500", b'{"message":""}'),
        (
            {":message-type": "error", ":error-code": "x", ":error-message": 'no "tea" ☕'},
            b"",
            "exception:x",
            '{"message":"no \\"tea\\" ☕"}'.encode(),
        ),
        ({":message-type": "error", ":error-message": "no"}, b"{}", "exception:", b"{}"),
    ],
)
def test_a_name_says_what_kind_of_message_it_is(
    headers: dict[str, HeaderValue], payload: bytes, name: str, wanted: bytes
) -> None:
    message = encode_frame(headers, payload)
    assert frames(AWSFramer(), [message] * 2) == [(wanted, name, 0), (wanted, name, len(message))]


def lengths(total: int, headers: int) -> bytes:
    begin = struct.pack(">II", total, headers)
    return begin + struct.pack(">I", zlib.crc32(begin))


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (b"\x01" + SMALLEST[1:], "the checksum of its lengths is wrong"),
        (SMALLEST[:-1] + b"\0", "its checksum is wrong"),
        (SMALLEST[:12] + b"[]" + SMALLEST[14:], "its checksum is wrong"),
        (lengths(15, 0), "its lengths contradict each other"),
        (lengths(0, 0), "its lengths contradict each other"),
        (lengths(30, 15), "its lengths contradict each other"),
        (lengths(40, 0xFFFFFFFF), "its lengths contradict each other"),
        (with_headers(b"\x05ab"), "its headers are malformed"),
        (with_headers(b"\x01a\x0a"), "its headers are malformed"),
        (with_headers(b"\x01a\x07\xff\xffabc"), "its headers are malformed"),
        (with_headers(b"\x01a\x07\0\1\xff"), "its headers are malformed"),
    ],
)
def test_a_broken_message_is_an_error_after_those_before_it(damaged: bytes, words: str) -> None:
    for pieces in every_split(NAMED + damaged):
        assert frames(AWSFramer(), pieces) == [(b"{}", "stop", 0), (RemoteProtocolError, 37, None)]
    with pytest.raises(RemoteProtocolError, match=words):
        AWSFramer().feed(damaged, lambda *_: False, [])


def test_a_message_too_long_is_an_error_as_soon_as_its_length_is_there() -> None:
    for pieces in every_split(SMALLEST + NAMED[:12]):
        assert frames(AWSFramer(37), pieces)[1:] == [(StreamTruncatedError, 18, None)]
        assert frames(AWSFramer(36), pieces)[1:] == [(LimitExceededError, 18, "max_event_bytes")]
    # Garbage is not reported as something that a higher limit would let through.
    assert frames(AWSFramer(36), [b"\xff" * 12]) == [(RemoteProtocolError, 0, None)]


def test_the_end_inside_a_message_is_an_error_and_never_a_frame() -> None:
    for size in range(1, len(NAMED)):
        assert frames(AWSFramer(), [SMALLEST, NAMED[:size]]) == [
            (b"{}", "", 0),
            (StreamTruncatedError, 18, None),
        ]
    assert frames(AWSFramer(), []) == []


# Chunks of another format.


def chunk(content: bytes, **more: object) -> bytes:
    payload = json.dumps({"bytes": base64_text(content), **more}).encode()
    return encode_frame({":message-type": "event", ":event-type": "chunk"}, payload)


@given(
    data=st.data(),
    contents=st.lists(st.binary(max_size=20) | messages(), max_size=5),
    more=st.sampled_from([{}, {"p": "abcd"}, {"new": {"a": [1]}}]),
)
def test_the_content_of_chunks_is_read_and_all_else_as_in_any_event_stream(
    data: st.DataObject, contents: list[bytes | tuple[bytes, bytes, str]], more: dict[str, object]
) -> None:
    pieces: list[bytes] = []
    wanted: list[Frame] = []
    for content in contents:
        at = len(b"".join(pieces))
        if isinstance(content, bytes):
            pieces.append(chunk(content, **more))
            wanted.append((content, "", at))
        else:
            message, payload, name = content
            pieces.append(message)
            wanted.append((payload, name, at))
    cut = data.draw(chunkings(b"".join(pieces)))
    assert frames(AWSChunkFramer(), cut) == wanted
    if wanted:
        assert_ends(AWSChunkFramer, cut, data.draw(st.integers(0, len(wanted) - 1)))


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"{}", b"[]", b"not JSON", b'{"bytes":null}', b'{"bytes":1}', b'{"bytes":"e30"}'),
        *(b'{"bytes":"\xff"}', b'{"p":' + b"[" * 5_000),
    ],
)
def test_a_chunk_without_content_is_an_error_after_those_before_it(payload: bytes) -> None:
    good = chunk(b"{}")
    broken = encode_frame({":event-type": "chunk"}, payload)
    for pieces in ([good + broken + good], [good, broken, good]):
        assert frames(AWSChunkFramer(), pieces) == [(b"{}", "", 0), (RemoteProtocolError, len(good), None)]
    with pytest.raises(RemoteProtocolError, match="bytes"):
        AWSChunkFramer().feed(broken, lambda *_: False, [])


def test_the_end_inside_a_chunk_is_an_error_and_its_size_is_limited() -> None:
    good = chunk(b"{}")
    assert frames(AWSChunkFramer(), [good[:-1]]) == [(StreamTruncatedError, 0, None)]
    assert frames(AWSChunkFramer(len(good) - 1), [good]) == [(LimitExceededError, 0, "max_event_bytes")]


FLOODS: dict[str, Callable[[int], list[bytes]]] = {
    "one read": lambda total: [NAMED * (total // len(NAMED))],
    "one message a read": lambda total: [NAMED] * (total // len(NAMED)),
    "byte by byte": lambda total: [b"%c" % byte for byte in NAMED * (total // len(NAMED))],
    "one message in pieces": lambda total: [lengths(total * 2, 0), *[b"x" * 64] * (total // 64)],
    "many headers": lambda total: [with_headers(b"\1a\0" * (total // 3))],
}


@pytest.mark.parametrize("flood", FLOODS)
def test_linear_in_time_and_memory(flood: str) -> None:
    def run(total: int) -> None:
        framer = AWSFramer()
        for piece in FLOODS[flood](total):
            framer.feed(piece, lambda *_: False, [])

    assert_linear(run, 20_000)
    assert_memory_linear(run, 20_000)
    assert_copies_linear(run, 20_000)


def test_memory_ends_at_the_limit() -> None:
    pieces = [lengths(50_001, 0), *[b"x" * 64] * 4_000]
    assert memory_peak(lambda: frames(AWSFramer(50_000), pieces)) < 20_000
    pieces[0] = lengths(50_000, 0)
    assert memory_peak(lambda: frames(AWSFramer(50_000), pieces)) < 250_000


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, b"\0"),
        (False, b"\1"),
        (-2, b"\5" + b"\xff" * 7 + b"\xfe"),
        (b"ab", b"\6\0\2ab"),
        ("é", b"\7\0\2\xc3\xa9"),
    ],
)
def test_the_encoder_writes_a_header_of_each_kind(value: HeaderValue, written: bytes) -> None:
    assert encode_frame({"é": value})[12:-4] == b"\2\xc3\xa9" + written


@pytest.mark.skipif(not RECORDED.exists(), reason=f"the recorded event streams, {RECORDED}, are absent")
def test_each_recorded_stream_has_the_frames_that_it_should() -> None:
    damaged = {
        "message_crc": RemoteProtocolError,
        "prelude_crc": RemoteProtocolError,
        "cut": StreamTruncatedError,
    }
    streams = sorted(RECORDED.glob("*.eventstream"))
    assert streams
    for path in streams:
        golden: dict[str, Any] = json.loads(path.with_suffix(".json").read_bytes())
        stream = path.read_bytes()
        found = frames(AWSFramer(), [stream])
        assert frames(AWSFramer(), [stream[at : at + 100] for at in range(0, len(stream), 100)]) == found
        read: list[Frame | Failure] = [frame for frame in found if isinstance(frame[0], bytes)]
        broken = golden.get("frame_error")
        assert [frame[0] for frame in found[len(read) :]] == ([damaged[broken]] if broken else []), path
        if "frames" in golden:
            assert len(read) == golden["frames"], path


@pytest.mark.judges
@given(data=st.data(), made=st.lists(messages(), max_size=4), flipped=st.booleans())
def test_an_official_client_reads_the_same(
    data: st.DataObject, made: list[tuple[bytes, bytes, str]], flipped: bool
) -> None:
    try:
        eventstream = importlib.import_module("botocore.eventstream")
    except ImportError:
        pytest.skip("botocore is not installed: pip install 'sansio-llm[judges]'")
    stream = bytearray(b"".join(message for message, _, _ in made))
    if flipped and stream:
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(bytes(stream))
    payloads: list[bytes] = []
    try:
        payloads += (event.payload for event in buffer)
        whole = True
    except eventstream.ParserError:
        whole = False
    found = frames(AWSFramer(), [bytes(stream)])
    read = [frame for frame in found if isinstance(frame[0], bytes)]
    # An `error` without a payload is given with its text as one.
    assert [frame[0] if payload else b"" for frame, payload in zip(read, payloads, strict=False)] == payloads
    assert whole or len(read) < len(made)
