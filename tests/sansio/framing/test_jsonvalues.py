"""Objects of JSON behind one another, and in a list."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import LimitExceededError, RemoteProtocolError, StreamEvent
from sansio.framing.jsonvalues import JSONValuesFramer
from tests.support import chunkings

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
