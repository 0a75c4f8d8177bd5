"""The command line on a terminal: conversations, and text that must not command the terminal."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from sansio import ToolCall
from sansio.testing import Answer, Broken, Ending, Failure, FakeProvider
from tests.transports.cli.command import KEY, Terminal, interrupt
from transports.testing.loopback import LoopbackThread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

QUICK = 2.0
CTRL_D = "\x04"


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider("openrouter", key=KEY)


def chat(server: LoopbackThread, *arguments: str) -> Terminal:
    """`chat` on a terminal, against a server of this process."""
    where = ("--base-url", server.base_url("openrouter"))
    return Terminal("chat", *where, *arguments, env={"OPENROUTER_API_KEY": KEY})


def asked(fake: FakeProvider, number: int = -1) -> list[object]:
    """The messages of a request, each as its role and content."""
    messages = json.loads(fake.requests[number].body)["messages"]
    return [(message["role"], message["content"]) for message in messages]


@pytest.mark.parametrize("loop", [(), ("--trio",)])
def test_a_conversation_has_a_history(
    server: LoopbackThread, fake: FakeProvider, loop: tuple[str, ...]
) -> None:
    fake.script += [Answer(text="Hello Ada."), Answer(text="Ada.")]
    with chat(server, "--system", "Be brief.", *loop) as terminal:
        terminal.type("I am Ädä.\n")
        terminal.until("Hello Ada.\n")
        terminal.type("\n")
        terminal.type("Who am I?\n")
        terminal.until("Ada.\n")
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    assert asked(fake) == [
        ("system", "Be brief."),
        ("user", "I am Ädä."),
        ("assistant", "Hello Ada."),
        ("user", "Who am I?"),
    ]
    assert len(fake.requests) == 2
    assert "Traceback" not in terminal.seen


def test_a_conversation_on_a_fresh_machine() -> None:
    with Terminal("chat") as terminal:
        terminal.type("2 + 3\n")
        terminal.until("That is 5.\n")
        terminal.type("3 + 4\n")
        terminal.until("That is 7.\n")
        terminal.type(CTRL_D)
        assert terminal.end() == 0


def test_a_conversation_is_kept_within_the_context_window(
    server: LoopbackThread, fake: FakeProvider, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"context_window": 200}')
    with chat(server, "--config", str(config), "--system", "Be brief.") as terminal:
        terminal.type("first " + "x" * 200 + "\n")
        terminal.type("second " + "y" * 200 + "\n")
        terminal.until("the context window is full: the oldest 2 messages are left out")
        terminal.type("z" * 1_000 + "\n")
        terminal.until("the newest turn alone exceed")
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    assert asked(fake) == [("system", "Be brief."), ("user", "second " + "y" * 200)]


def test_a_failed_turn_is_reported_and_forgotten(server: LoopbackThread, fake: FakeProvider) -> None:
    fake.script += [Failure(status=400, message="I do not like it."), Answer(text="Fine.")]
    with chat(server) as terminal:
        terminal.type("first\n")
        terminal.until("I do not like it.")
        terminal.type("second\n")
        terminal.until("Fine.\n")
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    assert asked(fake) == [("user", "second")]


def test_a_tool_call_in_a_conversation_is_answered(server: LoopbackThread, fake: FakeProvider) -> None:
    fake.script += [Answer(tool_calls=(ToolCall("call_1", "look", {}),)), Answer(text="Then not.")]
    with chat(server) as terminal:
        terminal.type("first\n")
        terminal.until("[the model calls look]")
        terminal.type("second\n")
        terminal.until("Then not.\n")
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    assert asked(fake)[2:] == [("tool", "There are no tools in this conversation."), ("user", "second")]


def test_a_missing_key_ends_a_conversation_before_it_begins() -> None:
    with Terminal("chat", "--type", "openrouter") as terminal:
        assert terminal.end() == 1
    (line,) = terminal.seen.splitlines()
    assert "OPENROUTER_API_KEY" in line


@pytest.mark.parametrize("loop", [(), ("--trio",)])
def test_ctrl_c_at_the_prompt(loop: tuple[str, ...]) -> None:
    with Terminal("chat", *loop) as terminal:
        terminal.until("> ")
        assert interrupt(terminal.process) < QUICK
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize("loop", [(), ("--trio",)])
def test_ctrl_c_inside_an_answer_of_a_conversation(
    server: LoopbackThread, fake: FakeProvider, loop: tuple[str, ...]
) -> None:
    fake.script.append(Broken(answer=Answer(text="one two three"), after=2, ending=Ending.HOLD))
    with chat(server, *loop) as terminal:
        terminal.type("count\n")
        terminal.until("one two ")
        assert interrupt(terminal.process) < QUICK
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


def test_reasoning_is_dim_and_on_separate_lines(server: LoopbackThread, fake: FakeProvider) -> None:
    call = ToolCall("call_1", "look", {})
    fake.script.append(Answer(reasoning="Well then.", text="Yes.", tool_calls=(call,)))
    with chat(server, "hi") as terminal:
        assert terminal.end() == 0
    assert (
        "\x1b[2mWell \x1b[0m\x1b[2mthen.\x1b[0m\nYes.\n\x1b[2m[the model calls look]\x1b[0m\n"
        in terminal.seen
    )


@pytest.mark.parametrize("stream", [(), ("--no-stream",), ("--json",)])
def test_the_model_has_no_power_over_the_terminal(
    server: LoopbackThread, fake: FakeProvider, stream: tuple[str, ...]
) -> None:
    evil = "\x1b]0;title\x07 \x9b31m [bold]b[/bold] \x08\x7f\r"
    call = ToolCall("call_1", evil, {})
    fake.script.append(Answer(reasoning=evil, text=evil, tool_calls=(call,)))
    with chat(server, "hi", *stream) as terminal:
        assert terminal.end() == 0
    shown = re.sub(r"\x1b\[[02]m", "", terminal.seen)  # dim on and off, which are ours
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert "[bold]b[/bold]" in shown
    if "--json" not in stream:
        assert "\\x1b]0;title\\x07 \\x9b31m" in shown


def test_a_conversation_in_json_keeps_the_prompt_out_of_it(
    server: LoopbackThread, fake: FakeProvider, tmp_path: Path
) -> None:
    fake.script.append(Answer(text="Yes."))
    file = tmp_path / "out"
    with open(file, "wb") as out:
        terminal = chat(server, "--json")
        terminal.streams["stdout"] = out
        with terminal:
            terminal.type("hi\n")
            terminal.until("in all")
            terminal.type(CTRL_D)
            assert terminal.end() == 0, terminal.seen
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["content_delta", "stream_complete"]
