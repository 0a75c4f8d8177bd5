"""What `chat` sends beside the prompt: options, files and tools."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from sansio import ToolCall
from sansio.testing import Answer, FakeProvider
from tests.transports.cli.command import ask, body, only_line
from transports.testing.loopback import LoopbackThread

MINE = """
import signal
import anyio

def look(place: str) -> str:
    '''Look at a place.'''
    if place == "nowhere":
        raise LookupError("There is no such place.")
    return f"It is dark in {place}."

async def wait() -> None:
    signal.raise_signal(signal.SIGINT)
    await anyio.sleep(60)

def untyped(*places): ...

number = 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    name = f"tools_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MINE)
    return name


def test_options_have_the_types_of_the_provider(server: LoopbackThread, fake: FakeProvider) -> None:
    given = {
        "temperature": "0.2",
        "stop": "7",
        "seed": "7",
        "user": "true",
        "store": "true",
        "metadata": '{"a": "b"}',
        "extra_body": '{"own": [1]}',
    }
    options = [word for name, value in given.items() for word in ("-o", f"{name}={value}")]
    done = ask(server, "hi", *options)
    assert done.returncode == 0, done.stderr
    asked = body(fake)
    assert {name: asked[name] for name in given if name != "extra_body"} == {
        "temperature": 0.2,
        "stop": "7",
        "seed": 7,
        "user": "true",
        "store": True,
        "metadata": {"a": "b"},
    }
    assert asked["own"] == [1]


@pytest.mark.parametrize(
    ("option", "status", "named"),
    [
        ("seed=1.5", 1, "seed: 1.5 cannot be sent: Expected `int"),
        ("temperature=hot", 1, "temperature: 'hot' cannot be sent"),
        ("temprature=1", 1, "did you mean 'temperature'"),
        ("top_k=1", 1, "top_k: openai/chat has no such option"),
        ("temperature", 2, "NAME=VALUE"),
        ("=1", 2, "NAME=VALUE"),
    ],
)
def test_an_option_that_cannot_be_sent_is_one_line(
    server: LoopbackThread, fake: FakeProvider, option: str, status: int, named: str
) -> None:
    done = ask(server, "hi", "-o", option)
    assert (done.returncode, done.stdout) == (status, "")
    assert named in only_line(done.stderr)
    assert fake.requests == []


def test_files_go_before_the_text(server: LoopbackThread, fake: FakeProvider, tmp_path: Path) -> None:
    given = {
        "a.png": b"\x89PNG",
        "b.pdf": b"%PDF",
        "c.wav": b"RIFF",
        "d.py": "ü = 1".encode(),
        "e.svg": b"<svg/>",
    }
    for name, data in given.items():
        (tmp_path / name).write_bytes(data)
    files = [word for name in given for word in ("-a", str(tmp_path / name))]
    done = ask(server, "What is this?", *files)
    assert done.returncode == 0, done.stderr
    *parts, last = body(fake)["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "file", "input_audio", "text", "text"]
    assert parts[0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert parts[1]["file"]["filename"] == "b.pdf"
    assert parts[3]["text"] == "d.py:\n\nü = 1"
    assert last["text"] == "What is this?"


def test_a_file_belongs_to_the_first_question_of_a_conversation(
    server: LoopbackThread, fake: FakeProvider, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("A.")
    assert ask(server, "-a", str(tmp_path / "a.txt"), typed="one\x1b\rline\rtwo\r\x04").returncode == 0
    first, _, second = body(fake)["messages"]
    assert [part["text"] for part in first["content"]] == ["a.txt:\n\nA.", "one\nline"]
    assert second["content"] == "two"


@pytest.mark.parametrize(("name", "named"), [("none.png", "No such file"), ("a.bin", "not UTF-8 text")])
def test_a_file_that_cannot_be_sent_is_one_line_and_2(
    server: LoopbackThread, tmp_path: Path, name: str, named: str
) -> None:
    (tmp_path / "a.bin").write_bytes(b"\xff\x00")
    done = ask(server, "hi", "-a", str(tmp_path / name))
    assert done.returncode == 2
    assert named in only_line(done.stderr)


def test_tools_are_run_until_the_model_answers(server: LoopbackThread, fake: FakeProvider, mine: str) -> None:
    calls = (ToolCall("1", "look", {"place": "Paris"}), ToolCall("2", "look", {"place": "nowhere"}))
    fake.script += [Answer(tool_calls=calls), Answer(text="Dark.")]
    done = ask(server, "hi", "--tools", f"{mine}:look")
    assert (done.returncode, done.stdout) == (0, "Dark.\n")
    assert "[the model calls look]" in done.stderr
    assert "[the tool returned: It is dark in Paris.]" in done.stderr
    assert "[the tool failed: Error: LookupError: There is no such place.]" in done.stderr
    _, _, *results = body(fake)["messages"]
    assert [result["tool_call_id"] for result in results] == ["1", "2"]
    assert body(fake)["tools"][0]["function"]["description"] == "Look at a place."


def test_the_results_of_tools_are_lines_of_json(
    server: LoopbackThread, fake: FakeProvider, mine: str
) -> None:
    fake.script += [Answer(tool_calls=(ToolCall("1", "look", {"place": "Paris"}),)), Answer(text="Dark.")]
    done = ask(server, "hi", "--tools", f"{mine}:look", "--json", "--no-stream")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["stream_complete", "tool_result", "stream_complete"]
    assert lines[1]["message"]["content"] == "It is dark in Paris."


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("loop", [(), ("--trio",)])
def test_a_call_whose_tool_ctrl_c_stops_has_a_result(
    server: LoopbackThread, fake: FakeProvider, mine: str, loop: tuple[str, ...]
) -> None:
    fake.script += [Answer(tool_calls=(ToolCall("1", "wait", {}),)), Answer(text="Go on.")]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process may begin with it ignored
    try:
        done = ask(server, "--tools", f"{mine}:wait", *loop, typed="hi\rand\r\x04")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.returncode, done.stdout) == (0, "Go on.\n")
    _, _, result, last = body(fake)["messages"]
    assert (result["role"], result["tool_call_id"], last["content"]) == ("tool", "1", "and")
    assert "stopped" in result["content"]


def test_a_model_that_calls_tools_without_end_is_stopped(
    server: LoopbackThread, fake: FakeProvider, mine: str
) -> None:
    fake.script += [Answer(tool_calls=(ToolCall("1", "look", {"place": "Paris"}),))] * 30
    done = ask(server, "hi", "--tools", f"{mine}:look")
    assert "called tools 25 times in a row" in done.stderr
    assert len(fake.requests) == 25


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("look", "MODULE:FUNCTION"),
        ("MINE:none", "has no 'none'"),
        ("MINE:number", "cannot be called"),
        ("MINE:untyped", "cannot be a tool"),
    ],
)
def test_what_is_no_tool_is_one_line_and_2(server: LoopbackThread, mine: str, name: str, named: str) -> None:
    done = ask(server, "hi", "--tools", name.replace("MINE", mine))
    assert done.returncode == 2
    assert named in only_line(done.stderr)
