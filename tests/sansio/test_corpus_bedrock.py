"""Recorded answers of Amazon Bedrock, whole, byte by byte and cut at random, against their goldens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

import msgspec
import pytest

from sansio import (
    APIStatusError,
    ConverseDialect,
    Dialect,
    Message,
    PartComplete,
    RemoteProtocolError,
    StreamComplete,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.converse.parts import block_of
from sansio.providers import dialect_named
from tests.sansio.wires import check_agreement, comparable, failure
from tests.support import BEDROCK_CORPUS as CORPUS
from tests.support import for_each

Golden = dict[str, Any]  # Any: the corpus's own JSON

_NAMES = sorted(
    path.name.removesuffix(".json")
    for path in CORPUS.glob("b*.json")
    if not path.name.endswith((".req.json", ".resp.json"))
)
_SLOW_BYTES = 1_500
"""Longer streams are cut at random places only."""

pytestmark = pytest.mark.skipif(not _NAMES, reason=f"there is no corpus at {CORPUS}")


def names(kind: str) -> list[str]:
    """The cases of Converse of a kind; one that is never run where there is no corpus."""
    return [name for name in _NAMES if name.startswith(f"bc{kind}")] or ["none"]


@cache
def golden(name: str) -> Golden:
    loaded = json.loads((CORPUS / f"{name}.json").read_bytes())
    assert isinstance(loaded, dict)
    return loaded


@cache
def reading() -> Dialect:
    return dialect_named("bedrock")


def parse(pieces: list[bytes]) -> list[StreamEvent]:
    parser = StreamParser(reading())
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


def told(message: Message) -> Golden:
    """Our result, in the golden's form."""
    usage = message.usage
    return {
        "text": message.text,
        "reasoning": message.reasoning,
        "stop_reason": message.raw_finish_reason,
        "tool_calls": [(call.id, call.name, call.arguments) for call in message.tool_calls],
        "usage": usage
        and {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read": usage.cached_tokens,
            "cache_creation": usage.cache_write_tokens,
        },
    }


def expected(name: str, *, whole: bool) -> Golden:
    """What the golden says of the answer; one that broke off has no calls."""
    said = golden(name)
    calls = [call for call in said["tool_calls"] if call["arguments_valid"]] if whole else []
    usage = said["usage"]
    return {
        "text": said["text"],
        "reasoning": said["reasoning"],
        "stop_reason": said["stop_reason"],
        "tool_calls": [(call["id"], call["name"], call["arguments"]) for call in calls],
        "usage": usage
        and {
            field: usage.get(field) or 0
            for field in ("input_tokens", "output_tokens", "cache_read", "cache_creation")
        },
    }


def check(name: str, message: Message, *, whole: bool, on_purpose: Collection[str] = ()) -> None:
    """Compare an answer with its golden.

    Args:
        whole: it did not break off.
        on_purpose: the fields that differ.
    """
    ours, theirs = told(message), expected(name, whole=whole)
    assert {field for field in ours if ours[field] != theirs[field]} == {*on_purpose}, (ours, theirs)


@for_each(names("s"))
def test_a_recorded_stream_says_what_its_golden_says_however_it_is_cut(name: str) -> None:
    check_stream(name, parse)


def check_stream(
    name: str, parse: Callable[[list[bytes]], list[StreamEvent]], on_purpose: Collection[str] = ()
) -> None:
    """Read a recorded stream whole, byte by byte if it is short, and cut at random.

    Args:
        name: the case.
        parse: gives the events of pieces.
        on_purpose: as for `check`.
    """
    data = (CORPUS / f"{name}.eventstream").read_bytes()
    events = parse([data])
    check_agreement(events)
    last, said = events[-1], golden(name)
    if isinstance(last, StreamComplete):
        assert said["end"] in ("message_stop", "stop")
        check(name, last.message, whole=True, on_purpose=on_purpose)
        for event in events:
            if isinstance(event, PartComplete):
                assert event.part == last.message.parts[event.index]
        stored = msgspec.json.decode(msgspec.json.encode(last.message), type=Message)
        assert stored == last.message
    else:
        error = failure(events)
        assert error.partial is not None
        check(name, error.partial, whole=False)
        if said["error"]:
            assert isinstance(error, APIStatusError)
            assert str(error.provider_message).startswith(said["error"]["message"])
            assert error.error_type == said["error"]["type"]
            assert error.status is not None
            assert error.status >= 400
        elif said.get("frame_error") in ("message_crc", "prelude_crc"):
            assert type(error) is RemoteProtocolError
            assert error.offset is not None
        else:
            assert said["end"] is None
            assert type(error) is StreamTruncatedError
    wanted = comparable(events)
    for pieces in pieces_of(data, random.Random(name), _SLOW_BYTES):
        assert comparable(parse(pieces)) == wanted


def pieces_of(data: bytes, cuts: random.Random, slow: int) -> list[list[bytes]]:
    """The bytes cut at random places, and one by one if they are few."""
    ends = sorted(cuts.randrange(len(data) + 1) for _ in range(12))
    pieces = [[data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]]
    if len(data) <= slow:
        pieces.append([data[at : at + 1] for at in range(len(data))])
    return pieces


@for_each(names("s"))
def test_a_recorded_stream_cut_before_its_end_is_no_success(name: str) -> None:
    data = (CORPUS / f"{name}.eventstream").read_bytes()
    stop = data.rfind(b"messageStop")
    end = stop if stop >= 0 else len(data)
    for at in {end, random.Random(name).randrange(end + 1)}:
        cut = parse([data[:at]])
        check_agreement(cut)
        assert isinstance(failure(cut), (StreamTruncatedError, APIStatusError, RemoteProtocolError))


@for_each(names("r"))
def test_a_recorded_answer_says_what_its_golden_says(name: str) -> None:
    body = json.loads((CORPUS / f"{name}.resp.json").read_bytes())
    dialect = reading()
    assert dialect.error_in(body) is None
    message = dialect.parse_response(body)
    check(name, message, whole=True)
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    assert [block_of(part) for part in stored.parts] == [same(block) for block in content_of(body)]


def content_of(body: Golden) -> list[Golden]:
    content: list[Golden] = body["output"]["message"]["content"]
    return content


def same(block: Golden) -> Golden | None:
    """A block in one of the forms that mean the same; blank text is not sent."""
    return None if isinstance(block.get("text"), str) and not block["text"].strip() else block


@for_each(names("e"))
def test_a_recorded_error_says_what_its_golden_says(name: str) -> None:
    said = golden(name)
    headers = tuple((key, value) for key, value in (said.get("headers") or {}).items())
    text = (CORPUS / f"{name}.resp.json").read_text("utf-8")
    error = ConverseDialect().parse_error(said["status"], headers, text)
    assert (error.status, error.error_type) == (said["status"], said["error"]["type"])
    assert error.provider_message == said["error"]["message"]
