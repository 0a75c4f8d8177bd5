"""Four laws that any parser of streams should keep, tested on one that breaks them all."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.naive_parser import NaiveParser
from sansio.testing.strategies import ValidStream, chunkings, hostile_streams, streams

# One bug at a time: fixing one takes less time than reading about four.
one_bug = settings(report_multiple_bugs=False, deadline=None)


def parse(pieces: list[bytes]) -> tuple[str, list[object]]:
    parser = NaiveParser()
    for piece in pieces:
        parser.feed(piece)
    return parser.close()


def outcome(pieces: list[bytes]) -> object:
    """What a consumer gets: an answer, or a kind of error."""
    try:
        return parse(pieces)
    except Exception as error:
        return type(error)


@one_bug
@given(stream=streams("openai"))
def test_round_trip(stream: ValidStream) -> None:
    """The parser returns what the provider said."""
    said = stream.message
    assert parse([stream.data]) == (said.text, [(call.name, call.arguments) for call in said.tool_calls])


@one_bug
@given(stream=streams("openai"), data=st.data())
def test_cut_freedom(stream: ValidStream, data: st.DataObject) -> None:
    """The result does not depend on how the network cuts the bytes."""
    assert outcome(data.draw(chunkings(stream.data))) == outcome([stream.data])


@one_bug
@given(stream=streams("openai"), data=st.data())
def test_no_lie(stream: ValidStream, data: st.DataObject) -> None:
    """A truncated stream is not an answer."""
    length = data.draw(st.integers(0, stream.whole_from - 1))
    with pytest.raises(ValueError, match="broke off"):
        parse([stream.data[:length]])


@one_bug
@given(stream=hostile_streams("openai"))
def test_one_end(stream: bytes) -> None:
    """Any input ends in an answer, or in the one error that callers expect."""
    with suppress(ValueError):
        parse([stream])
