"""Four laws that any parser of streams should keep, tried on one that keeps none of them."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.naive_parser import NaiveParser
from sansio.testing.strategies import ValidStream, chunkings, hostile_streams, streams

# One bug at a time: to mend one is quicker than to read of four.
one_bug = settings(report_multiple_bugs=False, deadline=None)


def parse(pieces: list[bytes]) -> tuple[str, list[object]]:
    parser = NaiveParser()
    for piece in pieces:
        parser.feed(piece)
    return parser.close()


def outcome(pieces: list[bytes]) -> object:
    """What a consumer meets, an answer or a kind of error."""
    try:
        return parse(pieces)
    except Exception as error:
        return type(error)


@one_bug
@given(stream=streams("openai"))
def test_round_trip(stream: ValidStream) -> None:
    """What the provider said is what comes out."""
    said = stream.message
    assert parse([stream.data]) == (said.text, [call.arguments for call in said.tool_calls])


@one_bug
@given(stream=streams("openai"), data=st.data())
def test_cut_freedom(stream: ValidStream, data: st.DataObject) -> None:
    """However the network cut the bytes, the same comes out."""
    assert outcome(data.draw(chunkings(stream.data))) == outcome([stream.data])


@one_bug
@given(stream=streams("openai"), data=st.data())
def test_no_lie(stream: ValidStream, data: st.DataObject) -> None:
    """A stream that broke off is no answer."""
    length = data.draw(st.integers(0, stream.whole_from - 1))
    with pytest.raises(ValueError, match="broke off"):
        parse([stream.data[:length]])


@one_bug
@given(stream=hostile_streams("openai"))
def test_one_end(stream: bytes) -> None:
    """Whatever comes, there is an answer or the one error that callers know to expect."""
    with suppress(ValueError):
        parse([stream])
