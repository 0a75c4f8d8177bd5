"""Nothing of an answer is lost: changing any field of any recorded answer changes our result.

A field is changed at its path in all frames of a case at once, list indexes aside. The events and the
message must then differ from before, or reading must fail. What is ignored on purpose is on one list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec
import pytest
from hypothesis import settings

from sansio import Dialect, Message, Provider, ProviderError, StreamComplete, StreamParser
from sansio.families.responses.wire import REQUEST_FIELDS
from sansio.providers import dialect_named
from tests.sansio.families.responses.frames import reading
from tests.sansio.test_corpus import golden, kind_of, names, needs_corpus
from tests.sansio.wires import comparable, config
from tests.support import CORPUS, GEMINI_CORPUS, MORE_CORPUS, RESPONSES_CORPUS, for_each

pytestmark = needs_corpus

JSON: TypeAlias = Any  # of every kind, and changed into other kinds

MARK = "\N{SNOWMAN}"
"""A text that is in no recording, added to a text to change it."""

IGNORED: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (
        ".role",
        ".type",
        ".object",
        ".message.role",
        ".message.type",
        ".choices[].delta.role",
        ".choices[].message.role",
        ".choices[].delta.tool_calls[].type",
        ".choices[].message.tool_calls[].type",
    ),
    "it is the time of the answer, which the caller knows": (".created",),
    "it is padding that hides lengths": (".obfuscation", ".p", ".choices[].message.padding"),
    "it numbers blocks or calls, whose order says the same": (
        ".index",
        ".choices[].delta.tool_calls[].index",
        ".choices[].message.tool_calls[].index",
    ),
    "it is replaced by a later value of the same field": (
        ".message.usage.input_tokens",
        ".message.usage.output_tokens",
        ".message.usage.cache_creation_input_tokens",
        ".message.usage.cache_read_input_tokens",
        ".message.stop_reason",
        ".message.stop_sequence",
        ".choices[].delta.executed_tools[].search_results.results",
    ),
    "it is the answer so far, beside each of its deltas": (".choices[].message.content",),
    "it is blank until the deltas of the block fill it": (".content_block.input", ".content_block.citations"),
    "it is part of a ping": (".cost",),
    "an error has its type and message, not all of its details": (
        ".error.code",
        ".error.details",
        ".error.failed_generation",
    ),
}
"""Paths that may change without a trace, by the reason."""

IGNORED_PATHS = {path for paths in IGNORED.values() for path in paths}

IGNORED_OF_RESPONSES: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (".response.object", ".object"),
    "it is the time of the answer, which the caller knows": (
        ".created_at",
        ".completed_at",
        ".response.created_at",
        ".response.completed_at",
    ),
    "it is padding that hides lengths": (".obfuscation",),
    "it numbers events, items or texts, whose order says the same": (
        ".sequence_number",
        ".output_index",
        ".content_index",
        ".summary_index",
        ".annotation_index",
        ".command_index",
        ".partial_image_index",
        ".item_id",
    ),
    "the finished item has it, and it is given from there": (
        ".part.*",
        ".annotation.*",
        ".logprobs*",
        ".arguments",
        ".refusal",
        ".code",
        ".command",
        ".diff",
        ".output[].outcome.*",
        ".output[].stdout",
        ".output[].stderr",
        ".delta",
        ".delta.stdout",
        ".partial_image_b64",
        ".output_format",
        ".quality",
        ".size",
    ),
    "it is blank until the item is finished": (
        ".item.action.commands",
        ".item.content",
        ".item.output",
        ".item.outputs",
        ".item.queries",
        ".item.results",
        ".item.summary",
        ".item.tools",
    ),
    "the last event seals it anew": (".item.encrypted_content", ".item.fingerprint"),
    "finished items count for more than the list of them at the end": (".response.output*",),
    "it repeats the answer's text": (".output_text", ".response.output_text"),
    "the reason of an incomplete response says more": (".status", ".response.status"),
    "it is replaced by a later value of the same field": (".response.usage", ".response.content_filters"),
    "null says nothing, and nothing but an object does": (
        ".usage",
        ".output",
        ".incomplete_details",
        ".response.incomplete_details",
        ".response.error",
    ),
    "it is an error after the one that is given": (".response.error.code", ".response.error.message"),
    "an error has its type and message, not all of its details": (".error.code", ".param", ".error.param"),
}
"""The same of responses; `*` is for any ending. What repeats the request is in `REQUEST_FIELDS`."""


IGNORED_OF_MORE: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (
        ".message.role",
        ".delta.message.role",
        ".message.tool_calls[].type",
        ".delta.message.tool_calls.type",
    ),
    "it is the time of the answer, which the caller knows": (".created_at",),
    "it numbers blocks, calls or citations, whose order says the same": (
        ".index",
        ".message.tool_calls[].function.index",
    ),
    "it is blank until the events behind it fill it": (
        ".delta.message.citations",
        ".delta.message.content",
        ".delta.message.tool_calls",
    ),
}
"""The same of Ollama's own API and of Cohere's."""

IGNORED_OF_GEMINI: dict[str, tuple[str, ...]] = {
    "it is the same for every answer": (".candidates[].content.role",),
    "it is the time of the answer, which the caller knows": (".createTime",),
    "without a candidate in it, it says nothing": (".candidates",),
    "it says that other pieces of the call follow, which they show": (
        ".candidates[].content.parts[].functionCall.willContinue",
        ".candidates[].content.parts[].functionCall.partialArgs[].willContinue",
    ),
}
"""The same of Gemini."""


def is_ignored(path: str) -> bool:
    """Whether a field of a response may change without a trace."""
    field = re.split(r"[.\[]", path.removeprefix(".response").removeprefix("."))[0]
    patterns = [pattern for patterns in IGNORED_OF_RESPONSES.values() for pattern in patterns]
    return field in REQUEST_FIELDS | {"reasoning"} or any(matches(path, pattern) for pattern in patterns)


def matches(path: str, pattern: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def changed(value: JSON) -> JSON:
    """Another value in place of one that has no fields."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + MARK
        case None:
            return MARK
        case []:
            return [MARK]
        case _:
            return {MARK: MARK}


def paths_in(value: JSON, path: str = "") -> Iterator[str]:
    """The paths of all values without fields, list indexes left out."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from paths_in(inner, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from paths_in(inner, f"{path}[]")
    else:
        yield path


def change_at(value: JSON, path: str, at: str = "") -> JSON:
    """A copy with each value at the path changed."""
    if not path.startswith(at):
        return value
    if isinstance(value, dict) and value:
        return {name: change_at(inner, path, f"{at}.{name}") for name, inner in value.items()}
    if isinstance(value, list) and value:
        return [change_at(inner, path, f"{at}[]") for inner in value]
    return changed(value) if at == path else value


class Frame(NamedTuple):
    """One event of a stream, or a whole response.

    Attributes:
        name: the event's name, or nothing.
        value: its JSON, or its bytes where they are no JSON.
        paths: the paths of its fields.
        data: it as it is sent.
    """

    name: bytes
    value: JSON
    paths: frozenset[str]
    data: bytes

    def changed(self, path: str) -> Frame:
        if path not in self.paths:
            return self
        value = change_at(self.value, path)
        return self._replace(value=value, data=sent(self.name, value))


def frame(name: bytes, value: JSON) -> Frame:
    paths = frozenset() if isinstance(value, bytes) else frozenset(paths_in(value))
    return Frame(name, value, paths, sent(name, value))


def sent(name: bytes, value: JSON) -> bytes:
    payload = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return (b"event: %b\n" % name if name else b"") + b"data: %b\n\n" % payload


def frames_of(data: bytes) -> Iterator[Frame]:
    """The events of a stream that have data."""
    for event in re.split(rb"(?:\r\n|\n|\r){2,}", data):
        lines = event.splitlines()
        payload = b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))
        name = next((line[6:].strip() for line in lines if line.startswith(b"event:")), b"")
        if payload:
            try:
                yield frame(name, json.loads(payload))
            except ValueError:
                yield frame(name, payload)


def lines_of(data: bytes) -> Iterator[Frame]:
    """The lines of a stream of JSON, which may be sent as server-sent events as well."""
    for line in data.splitlines():
        try:
            yield frame(b"", json.loads(line))
        except ValueError:
            yield frame(b"", line)


class Case:
    """A recorded answer, and what reading gives when one of its fields is changed.

    Args:
        dialect: what reads it.
        path: the recording.
    """

    def __init__(self, dialect: Dialect, path: Path) -> None:
        self.dialect = dialect
        self.is_stream = path.suffix in (".sse", ".ndjson")
        data = path.read_bytes()
        if path.suffix == ".ndjson":
            self.frames = list(lines_of(data))
        else:
            self.frames = list(frames_of(data)) if self.is_stream else [frame(b"", json.loads(data))]
        self.paths = frozenset().union(*(one.paths for one in self.frames))

    def read(self, path: str | None = None) -> tuple[object, Message | None]:
        """All that is given, and the answer if there is one, with the field at the path changed."""
        frames = self.frames if path is None else [one.changed(path) for one in self.frames]
        if self.is_stream:
            parser = StreamParser(self.dialect, content_type="text/event-stream")
            events = parser.receive_data(b"".join(one.data for one in frames)) + parser.receive_eof()
            last = events[-1]
            return comparable(events), last.message if isinstance(last, StreamComplete) else None
        try:
            if (error := self.dialect.error_in(frames[0].value)) is not None:
                return str(error), None
            message = self.dialect.parse_response(frames[0].value)
        except ProviderError as error:
            return str(error), None
        return message, message


MORE = sorted(
    [
        *MORE_CORPUS.glob("*.resp.json"),
        *MORE_CORPUS.glob("cos*.sse"),
        *MORE_CORPUS.glob("ols*.ndjson"),
    ],
    key=lambda path: (path.stat().st_size, path.name),
)
"""The recorded answers of Ollama's own API and of Cohere's, the shortest ones first."""

GEMINI = sorted(
    [*GEMINI_CORPUS.glob("gmr*.resp.json"), *GEMINI_CORPUS.glob("gms*.sse")],
    key=lambda path: (path.stat().st_size, path.name),
)
"""The recorded answers of Gemini, the shortest ones first."""


def case_of(name: str) -> Case:
    """A recording of chat completions or of messages."""
    end = "sse" if golden(name)["kind"] == "stream" else "resp.json"
    return Case(Provider(config(kind_of(name))).dialect, CORPUS / f"{name}.{end}")


RESPONSES = sorted(
    [*RESPONSES_CORPUS.glob("rsps*.sse"), *RESPONSES_CORPUS.glob("rspr*.resp.json")],
    key=lambda path: (path.stat().st_size, path.name),
)
"""The recorded responses, the shortest ones first."""


def leaves(value: JSON, inside_extra: bool = False) -> Iterator[tuple[bool, str]]:
    """The texts of a message, each with whether it is in an `extra`."""
    if isinstance(value, dict):
        # An unknown part has its whole wire object, and its kind beside it.
        inner = {"extra": value["extra"]} if value.get("type") == "unknown" and not inside_extra else value
        for name, part in inner.items():
            yield from leaves(part, inside_extra or name == "extra")
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, inside_extra)
    elif isinstance(value, str):
        yield inside_extra, value


def is_twofold(message: Message | None) -> bool:
    """Whether a changed text is in an `extra` and in a typed field both."""
    if message is None or msgspec.json.encode(message).count(MARK.encode()) < 2:
        return False
    found = {extra for extra, text in leaves(msgspec.to_builtins(message)) if text.endswith(MARK)}
    return len(found) > 1


def losses(case: Case, paths: Iterable[str]) -> tuple[list[str], list[str]]:
    """The paths that say nothing, and those that say something twice."""
    before, _ = case.read()
    unread: list[str] = []
    twofold: list[str] = []
    for path in sorted(paths):
        given, message = case.read(path)
        if given == before:
            unread.append(path)
        if is_twofold(message):
            twofold.append(path)
    return unread, twofold


@for_each([*names("stream"), *names("response")])
def test_each_field_of_a_recorded_answer_changes_one_thing(name: str) -> None:
    """It changes something that we give, unless it is ignored, and is not in two places of the message."""
    case = case_of(name)
    unread, twofold = losses(case, case.paths)
    assert [path for path in unread if path not in IGNORED_PATHS] == []
    assert twofold == []


@pytest.mark.skipif(not RESPONSES, reason=f"there is no corpus at {RESPONSES_CORPUS}")
def test_each_field_of_the_recorded_responses_changes_one_thing() -> None:
    """Responses repeat their request, and so have many fields: each is changed in the shortest case that has
    it. The laws' own runs change every field of every case."""
    every = settings.get_current_profile_name() == "laws"
    seen: set[str] = set()
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in RESPONSES:
        case = Case(reading(), path)
        # What is ignored is in no part either: it cannot be in two places.
        new = [at for at in (case.paths if every else case.paths - seen) if not is_ignored(at)]
        seen |= case.paths
        if new and (lost := losses(case, new)) != ([], []):
            found[path.name] = lost
    assert found == {}
    patterns = [pattern for patterns in IGNORED_OF_RESPONSES.values() for pattern in patterns]
    assert [one for one in patterns if not any(matches(path, one) for path in seen)] == []


@pytest.mark.skipif(not MORE, reason=f"there is no corpus at {MORE_CORPUS}")
def test_each_field_of_ollamas_and_coheres_answers_changes_one_thing() -> None:
    """In the shortest case that has it; the laws' own runs change every field of every case."""
    every = settings.get_current_profile_name() == "laws"
    ignored = {path for paths in IGNORED_OF_MORE.values() for path in paths}
    seen: dict[str, set[str]] = {"co": set(), "ol": set()}
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in MORE:
        kind = path.name[:2]
        case = Case(dialect_named("ollama/ollama" if kind == "ol" else "cohere"), path)
        new = [at for at in (case.paths if every else case.paths - seen[kind]) if at not in ignored]
        seen[kind] |= case.paths
        if new and (lost := losses(case, new)) != ([], []):
            found[path.name] = lost
    assert found == {}
    assert seen["co"] | seen["ol"] >= ignored


@pytest.mark.skipif(not GEMINI, reason=f"there is no corpus at {GEMINI_CORPUS}")
def test_each_field_of_geminis_answers_changes_one_thing() -> None:
    """In the shortest case that has it; the laws' own runs change every field of every case."""
    every = settings.get_current_profile_name() == "laws"
    ignored = {path for paths in IGNORED_OF_GEMINI.values() for path in paths}
    seen: set[str] = set()
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in GEMINI:
        case = Case(dialect_named("google"), path)
        new = [at for at in (case.paths if every else case.paths - seen) if at not in ignored]
        seen |= case.paths
        if new and (lost := losses(case, new)) != ([], []):
            found[path.name] = lost
    assert found == {}
    assert seen >= ignored


def test_every_ignored_path_is_in_a_recording() -> None:
    known = {path for name in [*names("stream"), *names("response")] for path in case_of(name).paths}
    assert known >= IGNORED_PATHS
