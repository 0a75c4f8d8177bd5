"""Streams of binary frames, as Amazon Bedrock sends them: valid ones, and damaged ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from sansio import AWSChunkFramer, AWSFramer, RemoteProtocolError, StreamEvent
from sansio.testing.eventstream import HeaderValue, encode_frame
from sansio.testing.strategies.answers import events
from sansio.testing.strategies.values import NAMES
from sansio.testing.wire import encode_events

FRAMED = ("converse", "invoke")
"""The wire families whose streams are binary frames."""
_EXCEPTION = "exception:"


class Frame(Struct, frozen=True):
    """One frame: its name, as `AWSFramer` gives it, and its payload."""

    name: str
    payload: bytes

    def write(self, more: dict[str, HeaderValue] | None = None) -> bytes:
        """The frame's bytes.

        Args:
            more: further headers, which say nothing.
        """
        kind: dict[str, HeaderValue] = {":message-type": "event", ":event-type": self.name}
        if self.name.startswith(_EXCEPTION):
            kind = {":message-type": "exception", ":exception-type": self.name.removeprefix(_EXCEPTION)}
        return encode_frame({**(more or {}), **kind}, self.payload)

    @classmethod
    def holding(cls, content: bytes) -> Frame:
        """A chunk of other bytes, as InvokeModel sends them."""
        return cls("chunk", msgspec.json.encode({"bytes": content}))  # which msgspec writes in base64

    def content(self) -> bytes | None:
        """The bytes in a chunk; `None` if it is not a chunk, or none that can be read."""
        if self.name != "chunk":
            return None
        found: list[bytes] = []

        def read(payload: bytes, events: list[StreamEvent], name: str) -> bool:
            found.append(payload)
            return True

        with suppress(RemoteProtocolError):
            AWSChunkFramer().feed(self.write(), read, [])
        return found[0] if found else None


def frames_of(dialect: str, answer: Sequence[StreamEvent]) -> list[Frame]:
    """The frames of an answer.

    Args:
        dialect: `"bedrock"` or `"bedrock/invoke"`.
        answer: its events.
    """
    found: list[Frame] = []

    def read(payload: bytes, events: list[StreamEvent], name: str) -> bool:
        found.append(Frame(name, payload))
        return False

    AWSFramer().feed(b"".join(encode_events(dialect, answer)), read, [])
    return found


_VALUES: st.SearchStrategy[HeaderValue] = st.one_of(
    NAMES, st.binary(max_size=8), st.booleans(), st.integers(-(2**63), 2**63 - 1)
)
HEADERS: st.SearchStrategy[dict[str, HeaderValue]] = st.just({}) | st.dictionaries(NAMES, _VALUES, max_size=2)
"""Headers that say nothing, of all types."""

HARMLESS = (
    Frame("somethingNew", b'{"a":1}'),
    Frame("contentBlockDelta", b'{"contentBlockIndex":99,"delta":{}}'),
    Frame("contentBlockStart", b'{"contentBlockIndex":98,"start":{}}'),
    Frame("contentBlockStop", b'{"contentBlockIndex":97,"p":"abc"}'),
)
"""Frames that change no answer."""
STRANGE = (
    *HARMLESS,
    Frame("exception:throttlingException", b'{"message":"Too many requests."}'),
    Frame("exception:modelStreamErrorException", b'{"message":"x","originalStatusCode":500}'),
    Frame("exception:", b""),
    Frame("messageStop", b"{}"),
    Frame("messageStop", b'{"stopReason":"end_turn"}'),
    Frame("metadata", b'{"usage":{"inputTokens":-1}}'),
    Frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"twice","toolUse":{"input":"{"}}}'),
    Frame("contentBlockDelta", b'{"contentBlockIndex":7,"delta":{"toolUse":{"input":"stray"}}}'),
    Frame("contentBlockDelta", b'{"delta":{"reasoningContent":{"redactedContent":"c2Vj"}}}'),
    Frame("contentBlockDelta", b'{"delta":{"image":{"source":{"bytes":"iVBO"}}}}'),
    Frame("contentBlockStart", b'{"start":{"image":{"format":"png"}}}'),
    Frame("contentBlockStart", b'{"start":{"toolUse":{"toolUseId":"","name":""}}}'),
    Frame("contentBlockDelta", b"not JSON"),
    Frame("", b'{"error":{"message":"Overloaded"}}'),
    Frame("chunk", b'{"bytes":"e30="}'),
    Frame("chunk", b'{"bytes":"e30"}'),
    Frame.holding(b'{"type":"ping"}'),
    Frame.holding(b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}'),
    Frame.holding(b'{"type":"message_stop"}'),
)
"""Frames that Bedrock sends seldom or never."""


@st.composite
def framed(draw: st.DrawFn, frames: Sequence[Frame]) -> list[bytes]:
    """The bytes of each frame, with headers that say nothing."""
    return [frame.write(draw(HEADERS)) for frame in frames]


DamageOf: TypeAlias = Callable[[bytes], st.SearchStrategy[bytes]]
"""Draws bytes in place of those that it is given."""
_Damage: TypeAlias = Callable[[st.DrawFn, list[Frame]], None]


def _place(draw: st.DrawFn, frames: list[Frame]) -> int:
    return draw(st.integers(0, max(0, len(frames) - 1)))


def _drop(draw: st.DrawFn, frames: list[Frame]) -> None:
    start = _place(draw, frames)
    del frames[start : start + draw(st.integers(1, 3))]


def _double(draw: st.DrawFn, frames: list[Frame]) -> None:
    start = _place(draw, frames)
    frames[start:start] = frames[start : start + draw(st.integers(1, 3))]


def _move(draw: st.DrawFn, frames: list[Frame]) -> None:
    start = _place(draw, frames)
    moved = frames[start : start + 1]
    del frames[start : start + 1]
    end = draw(st.integers(0, len(frames)))
    frames[end:end] = moved


def _put_in(draw: st.DrawFn, frames: list[Frame]) -> None:
    frames.insert(draw(st.integers(0, len(frames))), draw(st.sampled_from(STRANGE)))


def _splice(draw: st.DrawFn, frames: list[Frame]) -> None:
    other = draw(st.sampled_from(("bedrock", "bedrock/invoke")))
    others = frames_of(other, draw(events(other)))
    start = draw(st.integers(0, len(others) - 1))
    at = draw(st.integers(0, len(frames)))
    frames[at:at] = others[start : start + 3]


_DAMAGES: tuple[_Damage, ...] = (_put_in, _splice, _double, _drop, _move)


@st.composite
def hostile_frames(draw: st.DrawFn, dialect: str, of_json: DamageOf, of_bytes: DamageOf) -> bytes:
    """A damaged stream: its frames, the JSON in them, and at times the bytes.

    Args:
        dialect: as for `frames_of`.
        of_json: draws a JSON text in place of another.
        of_bytes: draws bytes in place of others.
    """
    frames = frames_of(dialect, draw(events(dialect)))
    for _ in range(draw(st.integers(1, 4))):
        if frames and draw(st.integers(0, 2)) == 0:
            at = _place(draw, frames)
            content = frames[at].content() if draw(st.integers(0, 3)) else None
            if content is None:
                frames[at] = Frame(frames[at].name, draw(of_json(frames[at].payload)))
            else:
                frames[at] = Frame.holding(draw(of_json(content)))
        else:
            draw(st.sampled_from(_DAMAGES))(draw, frames)
    stream = b"".join(draw(framed(frames)))
    return draw(of_bytes(stream)) if draw(st.integers(0, 3)) == 0 else stream
