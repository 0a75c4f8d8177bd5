"""Nothing of a recorded answer of Bedrock is lost: see `test_nothing_lost`."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from sansio import (
    AWSFramer,
    ConverseDialect,
    Message,
    ProviderError,
    RemoteProtocolError,
    StreamComplete,
    StreamEvent,
    StreamParser,
)
from sansio.providers import dialect_named
from sansio.testing.eventstream import encode_frame
from tests.laws.test_nothing_lost import JSON, change_at, is_twofold, paths_in
from tests.sansio.wires import comparable
from tests.support import BEDROCK_CORPUS

IGNORED: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (".role", ".output.message.role"),
    "it is padding that hides lengths": (".p",),
    "it numbers blocks, whose order says the same": (".contentBlockIndex",),
    "it is an error's, which has its type and message, not all of its details": (".originalStatusCode",),
    "nothing is said of an event that nobody knows": (".a",),
}
"""Paths that may change without a trace, by the reason."""
IGNORED_PATHS = {path for paths in IGNORED.values() for path in paths}

PATHS = sorted(
    [*BEDROCK_CORPUS.glob("bcs*.eventstream"), *BEDROCK_CORPUS.glob("bcr*.resp.json")],
    key=lambda path: (path.stat().st_size, path.name),
)
"""The recorded answers, the shortest ones first."""


class Frame(NamedTuple):
    """One event of a stream, or a whole response."""

    name: str
    value: JSON

    def sent(self) -> bytes:
        payload = json.dumps(self.value).encode()
        if self.name.startswith("exception:"):
            kind = self.name.removeprefix("exception:")
            return encode_frame({":message-type": "exception", ":exception-type": kind}, payload)
        return encode_frame({":message-type": "event", ":event-type": self.name}, payload)


def frames_of(path: Path) -> list[Frame]:
    """The frames of a recording that can be read."""
    if path.suffix == ".json":
        return [Frame("", json.loads(path.read_bytes()))]
    found: list[Frame] = []

    def read(data: bytes, events: list[StreamEvent], name: str) -> bool:
        with suppress(ValueError):  # so was the JSON of some
            found.append(Frame(name, json.loads(data)))
        return False

    with suppress(RemoteProtocolError):  # some were damaged on purpose: what is before the damage is read
        AWSFramer().feed(path.read_bytes(), read, [])
    return found


def given(frames: list[Frame], whole: bool) -> tuple[object, Message | None]:
    """All that reading gives, and the answer if there is one."""
    if not whole:
        parser = StreamParser(dialect_named("bedrock"))
        events = parser.receive_data(b"".join(one.sent() for one in frames)) + parser.receive_eof()
        last = events[-1]
        return comparable(events), last.message if isinstance(last, StreamComplete) else None
    try:
        message = ConverseDialect().parse_response(frames[0].value)
    except ProviderError as error:
        return str(error), None
    return message, message


@pytest.mark.skipif(not PATHS, reason=f"there is no corpus at {BEDROCK_CORPUS}")
def test_each_field_of_the_recorded_answers_changes_one_thing() -> None:
    """Each is changed in the shortest case that has it, and by the laws' own runs in every case."""
    every = settings.get_current_profile_name() == "laws"
    seen: set[tuple[bool, str]] = set()
    found: list[tuple[str, str, str]] = []
    for path in PATHS:
        frames, whole = frames_of(path), path.suffix == ".json"
        paths = {(whole, at) for one in frames for at in paths_in(one.value)}
        new = paths if every else paths - seen
        seen |= paths
        before, _ = given(frames, whole)
        for _, at in sorted(new):
            if at in IGNORED_PATHS:
                continue
            changed = [one._replace(value=change_at(one.value, at)) for one in frames]
            after, message = given(changed, whole)
            if after == before:
                found.append((path.name, at, "says nothing"))
            if is_twofold(message):
                found.append((path.name, at, "says something twice"))
    assert found == []
    assert {at for _, at in seen} >= IGNORED_PATHS
