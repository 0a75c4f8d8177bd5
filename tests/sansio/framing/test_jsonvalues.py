"""Objects of JSON behind one another, and in a list."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import LimitExceededError, RemoteProtocolError, StreamEvent, StreamTruncatedError
from sansio.framing.jsonvalues import JSONValuesFramer
from tests.sansio.framing.frames import assert_ends, frames
from tests.support import chunkings, every_split

OBJECTS = st.lists(
    st.builds(lambda said, more: {said: [more, {"a": said}]}, *[st.text('"\\{}[]a', max_size=4)] * 2),
    max_size=3,
)
FORMS = st.sampled_from(["[{}]", "[{}\n]\n", "{}", "  {}"])


def read(pieces: list[bytes], limit: int = 1_000) -> tuple[list[bytes], list[int]]:
    """The frames, and where each begins."""
    framer = JSONValuesFramer(limit)
    found: list[bytes] = []
    places: list[int] = []

    def take(data: bytes, events: list[StreamEvent], name: str) -> bool:
        found.append(data)
        places.append(framer.offset)
        return False

    for each in pieces:
        assert not framer.feed(each, take, [])
    assert not framer.feed_eof(take, [])
    assert not framer.feed(b"{}", take, [])
    assert not framer.feed_eof(take, [])
    return found, places


@given(objects=OBJECTS, form=FORMS, data=st.data())
def test_objects_are_frames_however_they_are_cut(
    objects: list[object], form: str, data: st.DataObject
) -> None:
    written = [json.dumps(each) for each in objects]
    whole = form.format("\n,\r\n".join(written)).encode()
    found, places = read([whole])
    assert [json.loads(each) for each in found] == objects
    assert all(whole[at:].startswith(each) for at, each in zip(places, found, strict=True))
    assert read(data.draw(chunkings(whole))) == (found, places)


def test_an_object_that_was_cut_is_read_at_the_end() -> None:
    assert read([b'[{"a": "}', b"{"])[0] == [b'{"a": "}{']


@pytest.mark.parametrize("data", [b"[1]", b'{} "x"', b"x"])
def test_something_else_than_an_object_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="JSON object"):
        read([data])


def test_a_long_object_is_refused_with_its_place() -> None:
    with pytest.raises(LimitExceededError) as caught:
        read([b'[{}, {"a": "', b"x" * 20], limit=20)
    assert (caught.value.field, caught.value.offset) == ("max_event_bytes", 5)


def test_nothing_is_read_after_the_answer() -> None:
    framer = JSONValuesFramer(offset=7)
    assert framer.offset == 7
    assert framer.feed(b"[{}, {}]", lambda data, events, name: True, [])
    assert not framer.feed(b"{}", lambda data, events, name: True, [])


STREAMS: list[tuple[bytes, list[tuple[bytes, int]]]] = [
    (b"{}", [(b"{}", 0)]),
    (b'[{"a":1}\n,\r\n{"b":[2]}\n]\n', [(b'{"a":1}', 1), (b'{"b":[2]}', 12)]),
    (b'{"a":{"b":{}}}{"c":"}"}', [(b'{"a":{"b":{}}}', 0), (b'{"c":"}"}', 14)]),
    (b'[{"a":"\\"}{"},{"b":"\\\\"},{"c":"\\\\\\"]"}]', [
        (b'{"a":"\\"}{"}', 1), (b'{"b":"\\\\"}', 14), (b'{"c":"\\\\\\"]"}', 25)]),
    (b" \t\r\n[\n,{} , {}\t]", [(b"{}", 7), (b"{}", 12)]),
    (b"[[{}],[{}]]", [(b"{}", 2), (b"{}", 7)]),
    (b'[{"a":"[[["}]', [(b'{"a":"[[["}', 1)]),
    (b'[{"a":[[1]]},{"b":"["}]', [(b'{"a":[[1]]}', 1), (b'{"b":"["}', 13)]),
    (b"[]", []),
    (b"", []),
    (b"\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("stream", "wanted"), STREAMS)
def test_objects_and_their_places_do_not_depend_on_the_cut(
    stream: bytes, wanted: list[tuple[bytes, int]]
) -> None:
    for pieces in every_split(stream):
        assert frames(JSONValuesFramer(), pieces) == [(data, "", at) for data, at in wanted]
        for place in range(len(wanted)):
            assert_ends(JSONValuesFramer, pieces, place)


@pytest.mark.parametrize(
    ("stream", "offset"),
    [
        (b"[", None),
        (b"[{},", None),
        (b"[[{}]", None),
        (b"[{}\n", None),
        (b'[{"a":"]]"},', None),
        (b'[{"a":[[1]]}', None),
    ],
)
def test_a_list_without_its_end_was_cut(stream: bytes, offset: int | None) -> None:
    for pieces in every_split(stream):
        framer = JSONValuesFramer()
        for piece in pieces:
            framer.feed(piece, lambda *_: False, [])
        with pytest.raises(StreamTruncatedError, match="inside a list"):
            framer.feed_eof(lambda *_: False, [])


def test_a_reader_may_end_the_answer_with_an_object_that_was_cut() -> None:
    for said in (False, True):
        framer = JSONValuesFramer()
        framer.feed(b'[{"a": ', lambda *_: False, [])
        assert framer.feed_eof(lambda *_, said=said: said, []) is said
        assert not framer.feed_eof(lambda *_: True, [])


def test_an_object_of_just_the_limit_passes_and_one_byte_more_fails() -> None:
    stream = b'[{"a":1},{"b":22}]'
    for pieces in every_split(stream):
        assert frames(JSONValuesFramer(8), pieces) == [(b'{"a":1}', "", 1), (b'{"b":22}', "", 9)]
        assert frames(JSONValuesFramer(7), pieces) == [
            (b'{"a":1}', "", 1),
            (LimitExceededError, 9, "max_event_bytes"),
        ]


@pytest.mark.parametrize("other", [b"1", b'"x"', b"}", b":", b"null", b"\x0b", b"\xef\xbb\xbf{}", b"\xa0"])
def test_anything_else_between_objects_is_refused(other: bytes) -> None:
    for before in (b"", b"[", b"{},", b"[{}]\n"):
        framer = JSONValuesFramer()
        with pytest.raises(RemoteProtocolError, match="something else than a JSON object"):
            framer.feed(before + other, lambda *_: False, [])
        assert framer.offset == len(before)
        assert not framer.feed(b"{}", lambda *_: True, [])
