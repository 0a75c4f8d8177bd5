"""Nothing of a recorded answer of Bedrock is lost: see `test_nothing_lost`."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from sansio import (
    AWSChunkFramer,
    AWSFramer,
    Message,
    ProviderError,
    RemoteProtocolError,
    StreamComplete,
    StreamEvent,
    StreamParser,
    base64_text,
)
from sansio.providers import dialect_named
from sansio.testing.eventstream import encode_frame
from tests.laws.test_nothing_lost import JSON, change_at, is_twofold, paths_in
from tests.sansio.test_corpus_bedrock import golden
from tests.sansio.test_corpus_invoke import NAMES, is_read
from tests.sansio.wires import comparable
from tests.support import BEDROCK_CORPUS

CLAUDE = "bedrock/invoke"

IGNORED: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (".role", ".output.message.role"),
    "it is padding that hides lengths": (".p",),
    "it numbers blocks, whose order says the same": (".contentBlockIndex",),
    "it is an error's, which has its type and message, not all of its details": (".originalStatusCode",),
    "nothing is said of an event that nobody knows": (".a",),
}
"""Paths of Converse that may change without a trace, by the reason."""

IGNORED_OF_CLAUDE: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (".role", ".type", ".message.role", ".message.type"),
    "it numbers blocks, whose order says the same": (".index",),
    "it is replaced by a later value of the same field": (
        ".message.usage.output_tokens",
        ".message.stop_reason",
        ".message.stop_sequence",
    ),
    "it is blank until the deltas of the block fill it": (".content_block.input",),
}
"""The same of Claude's answers by InvokeModel."""

PATHS = [*BEDROCK_CORPUS.glob("bcs*.eventstream"), *BEDROCK_CORPUS.glob("bcr*.resp.json")]
PATHS_OF_CLAUDE = [
    path
    for name in NAMES
    if is_read(name) and golden(name)["model_family"] == "anthropic"
    for path in (BEDROCK_CORPUS / f"{name}.eventstream", BEDROCK_CORPUS / f"{name}.resp.json")
    if path.exists() and not name.startswith("bie")
]


class Frame(NamedTuple):
    """One event of a stream, or a whole response."""

    name: str
    value: JSON

    def sent(self, kind: str) -> bytes:
        payload = json.dumps(self.value).encode()
        if kind == CLAUDE and not self.name:
            return chunk_of(payload)
        if self.name.startswith("exception:"):
            error = self.name.removeprefix("exception:")
            return encode_frame({":message-type": "exception", ":exception-type": error}, payload)
        return encode_frame({":message-type": "event", ":event-type": self.name}, payload)


def chunk_of(content: bytes) -> bytes:
    payload = json.dumps({"bytes": base64_text(content), "p": "abc"}).encode()
    return encode_frame({":message-type": "event", ":event-type": "chunk"}, payload)


def frames_of(kind: str, path: Path) -> list[Frame]:
    """The frames of a recording that can be read."""
    if path.suffix == ".json":
        return [Frame("", json.loads(path.read_bytes()))]
    found: list[Frame] = []

    def read(data: bytes, events: list[StreamEvent], name: str) -> bool:
        with suppress(ValueError):  # so was the JSON of some
            found.append(Frame(name, json.loads(data)))
        return False

    with suppress(RemoteProtocolError):  # some were damaged on purpose: what is before the damage is read
        framer = AWSChunkFramer() if kind == CLAUDE else AWSFramer()
        framer.feed(path.read_bytes(), read, [])
    return found


def given(kind: str, frames: list[Frame], whole: bool) -> tuple[object, Message | None]:
    """All that reading gives, and the answer if there is one."""
    if not whole:
        parser = StreamParser(dialect_named(kind))
        events = parser.receive_data(b"".join(one.sent(kind) for one in frames)) + parser.receive_eof()
        last = events[-1]
        return comparable(events), last.message if isinstance(last, StreamComplete) else None
    try:
        message = dialect_named(kind).parse_response(frames[0].value)
    except ProviderError as error:
        return str(error), None
    return message, message


@pytest.mark.skipif(not PATHS, reason=f"there is no corpus at {BEDROCK_CORPUS}")
@pytest.mark.parametrize(
    ("kind", "paths", "ignored"),
    [("bedrock", PATHS, IGNORED), (CLAUDE, PATHS_OF_CLAUDE, IGNORED_OF_CLAUDE)],
)
def test_each_field_of_the_recorded_answers_changes_one_thing(
    kind: str, paths: list[Path], ignored: dict[str, tuple[str, ...]]
) -> None:
    """Each is changed in the shortest case that has it, and by the laws' own runs in every case."""
    ignored_paths = {path for listed in ignored.values() for path in listed}
    every = settings.get_current_profile_name() == "laws"
    seen: set[tuple[bool, str]] = set()
    found: list[tuple[str, str, str]] = []
    for path in sorted(paths, key=lambda path: (path.stat().st_size, path.name)):
        frames, whole = frames_of(kind, path), path.suffix == ".json"
        there = {(whole, at) for one in frames for at in paths_in(one.value)}
        new = there if every else there - seen
        seen |= there
        before, _ = given(kind, frames, whole)
        for _, at in sorted(new):
            if at in ignored_paths:
                continue
            changed = [one._replace(value=change_at(one.value, at)) for one in frames]
            after, message = given(kind, changed, whole)
            if after == before:
                found.append((path.name, at, "says nothing"))
            if is_twofold(message):
                found.append((path.name, at, "says something twice"))
    assert found == []
    assert {at for _, at in seen} >= ignored_paths
