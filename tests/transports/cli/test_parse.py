"""`sansio-llm parse`: a captured stream into events."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest

from sansio import (
    ContentDelta,
    StreamComplete,
    ToolCall,
)
from sansio.testing import PROVIDER_TYPES, Answer, encode_stream, encode_whole
from tests.transports.cli.command import (
    TOLD,
    only_line,
    run,
    started,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


@pytest.mark.parametrize("type", PROVIDER_TYPES)
def test_parse_gives_the_events_of_a_captured_stream(tmp_path: Path, type: str) -> None:
    answer = Answer(text="Grüße, Welt", tool_calls=(ToolCall("call_1", "get_weather", {"city": "Paris"}),))
    file = tmp_path / "stream"
    file.write_bytes(b"".join(encode_stream(type, answer)))
    done = run("parse", "--type", type, str(file))
    events = [msgspec.json.decode(line, type=TOLD) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert "".join(event.text for event in events if isinstance(event, ContentDelta)) == answer.text
    assert isinstance(events[-1], StreamComplete)
    assert events[-1].message.tool_calls[0].name == "get_weather"


@pytest.mark.parametrize("type", ["openai", "anthropic", "openai/responses"])
def test_parse_recognises_a_whole_answer(tmp_path: Path, type: str) -> None:
    answer = Answer(text="Grüße", tool_calls=(ToolCall("call_1", "get_weather", {"city": "Paris"}),))
    name, _, api = type.partition("/")
    body = b"\xef\xbb\xbf\n " + encode_whole(type, answer)
    done = run("parse", "--type", name, *(("--api", api) if api else ()), "-", stdin=body)
    assert (done.returncode, done.stderr) == (0, "")
    event = msgspec.json.decode(done.stdout, type=TOLD)
    assert isinstance(event, StreamComplete)
    assert (event.message.text, len(event.message.tool_calls)) == ("Grüße", 1)


@pytest.mark.parametrize(
    ("body", "named"),
    [(b'{"error": {"message": "Slow down.", "code": 429}}', "Slow down."), (b'{"choices": [', "JSON")],
)
def test_a_whole_answer_that_is_an_error_or_was_cut_is_one_line_and_1(body: bytes, named: str) -> None:
    done = run("parse", "--type", "openai", "-", stdin=body)
    assert done.returncode == 1
    assert json.loads(done.stdout)["event"] == "stream_failed"
    assert named in only_line(done.stderr)


def test_parse_reads_the_wire_family_that_is_named() -> None:
    stream = b"".join(encode_stream("anthropic", Answer(text="Hi")))
    done = run("parse", "--type", "vllm", "--api", "messages", "-", stdin=stream)
    *_, last = (msgspec.json.decode(line, type=TOLD) for line in done.stdout.splitlines())
    assert isinstance(last, StreamComplete)
    assert (last.message.text, last.message.origin) == ("Hi", "vllm/messages")


def test_parse_reports_the_byte_of_a_malformed_event() -> None:
    good = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    done = run("parse", "--type", "openai", "-", stdin=good + b"data: {oops}\n\n")
    assert done.returncode == 1
    assert f"at byte {len(good)}" in only_line(done.stderr)
    delta, failed = map(json.loads, done.stdout.splitlines())
    assert delta == {"event": "content_delta", "text": "Hi"}
    assert failed["error"]["offset"] == len(good)


def test_parse_reports_the_byte_of_a_truncated_event() -> None:
    good = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    done = run("parse", "--type", "openai", "-", stdin=good)
    assert done.returncode == 1
    assert f"at byte {len(good)}" in only_line(done.stderr)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has a file that no one can read")
def test_a_file_that_fails_while_it_is_read_is_one_line_and_1() -> None:
    done = run("parse", "--type", "openai", "/proc/self/mem")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Input/output error" in only_line(done.stderr)


def test_parse_shows_events_as_their_bytes_come() -> None:
    with started("parse", "--type", "openai", "-") as process:
        process.stdin.write(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n')
        process.stdin.flush()
        assert process.stdout.readline() == b'{"event":"content_delta","text":"Hi"}\n'
        assert process.poll() is None
