"""A conversation: its history, its commands, and the file that `--continue` goes on with."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from sansio import ToolCall, Usage
from sansio.testing import Answer, Failure, FakeProvider
from tests.transports.cli.command import KEY, ask, body, only_line, run
from transports.cli.saved import last_conversation, read_saved
from transports.testing.loopback import LoopbackThread

CTRL_D = "\x04"


def talk(server: LoopbackThread, *texts: str, options: tuple[str, ...] = ()) -> CompletedProcess[str]:
    """A conversation in which each text is pasted and sent, which is cheaper than to type it."""
    keys = "".join(f"\x1b[200~{text}\x1b[201~\r" for text in texts)
    done = ask(server, *options, typed=keys + CTRL_D)
    assert done.returncode == 0, done.stderr
    return done


def asked(fake: FakeProvider, number: int = -1) -> list[tuple[str, str]]:
    """The messages of a request, each as its role and content."""
    return [(message["role"], message["content"]) for message in body(fake, number)["messages"]]


@pytest.mark.parametrize("loop", [(), ("--trio",)])
def test_it_has_a_history(server: LoopbackThread, fake: FakeProvider, loop: tuple[str, ...]) -> None:
    fake.script += [Answer(text="Hello Ada."), Answer(text="Ada.")]
    done = talk(server, "I am Ädä.", "", "Who am I?", options=("--system", "Be brief.", *loop))
    assert done.stdout == "Hello Ada.\nAda.\n"
    assert asked(fake) == [
        ("system", "Be brief."),
        ("user", "I am Ädä."),
        ("assistant", "Hello Ada."),
        ("user", "Who am I?"),
    ]
    assert len(fake.requests) == 2


def test_the_model_and_the_system_message_can_be_changed(server: LoopbackThread, fake: FakeProvider) -> None:
    done = talk(server, "a", "/model o3", "/system Be\nbrief.", "b", "/model", "/system -", "c")
    assert [body(fake, number)["model"] for number in range(3)] == ["gpt-4o", "o3", "o3"]
    assert [asked(fake, number)[0] for number in (1, 2)] == [("system", "Be\nbrief."), ("user", "a")]
    assert done.stderr.count("talking to openai o3") == 2
    assert "there is no system message" in done.stderr


def test_a_question_is_asked_again(server: LoopbackThread, fake: FakeProvider) -> None:
    fake.script += [
        Answer(text="One."),
        Answer(text="Two."),
        Failure(status=400, message="No."),
        Answer(text="Yes."),
    ]
    done = talk(server, "/retry", "first", "/retry", "second", "/retry")
    assert "there is no question yet" in done.stderr
    assert done.stdout == "One.\nTwo.\nYes.\n"
    assert asked(fake, 1) == [("user", "first")]
    assert asked(fake, 2) == asked(fake, 3) == [("user", "first"), ("assistant", "Two."), ("user", "second")]


def test_a_failed_turn_is_reported_and_forgotten(server: LoopbackThread, fake: FakeProvider) -> None:
    fake.script += [Failure(status=400, message="I do not like it."), Answer(text="Fine.")]
    done = talk(server, "first", "second")
    assert "I do not like it." in done.stderr
    assert asked(fake) == [("user", "second")]


def test_a_tool_call_without_tools_is_answered(server: LoopbackThread, fake: FakeProvider) -> None:
    fake.script += [Answer(tool_calls=(ToolCall("call_1", "look", {}),)), Answer(text="Then not.")]
    done = talk(server, "first", "second")
    assert "[the model calls look]" in done.stderr
    assert asked(fake)[2:] == [("tool", "There are no tools in this conversation."), ("user", "second")]


def test_it_is_sent_within_the_context_window(
    server: LoopbackThread, fake: FakeProvider, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"context_window": 200}')
    texts = ("first " + "x" * 200, "second " + "y" * 200, "z" * 1_000)
    done = talk(server, *texts, options=("--config", str(config), "--system", "Be brief."))
    assert "the context window is full: 2 old messages left out" in done.stderr
    assert "the newest turn alone exceed" in done.stderr
    assert asked(fake) == [("system", "Be brief."), ("user", texts[1])]


def test_it_is_saved_and_loaded(server: LoopbackThread, fake: FakeProvider, tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    talk(server, "first", f"/save {file}", options=("--model", "o3"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = talk(server, "other", f"/load {file}", "second")
    assert "2 messages loaded" in done.stderr
    assert [text for role, text in asked(fake) if role == "user"] == ["first", "second"]
    asked_so = run("chat", "third", "--config", str(file), env={"OPENAI_API_KEY": KEY})
    assert asked_so.returncode == 0, asked_so.stderr
    assert body(fake)["model"] == "o3"

    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"messages": [1]}')
    done = talk(server, "/save", "/load", f"/load {wrong}", "/load /no/where", "/save /no/where", "/nope")
    for said in (
        "/save FILE",
        "/load FILE",
        "is not a saved conversation",
        "be read: No such",
        "be written: No such",
    ):
        assert said in done.stderr
    assert "there is no command /nope" in done.stderr


def test_the_usage_of_all_answers_is_added(server: LoopbackThread, fake: FakeProvider) -> None:
    usage = Usage(input_tokens=12, output_tokens=30, cached_tokens=3)
    fake.script += [Answer(text="a", usage=usage), Answer(text="b", usage=usage)]
    done = talk(server, "first", "/retry", "/usage", "/help")
    assert "answers: 2, 24 tokens in (6 cached), 60 out" in done.stderr
    assert all(name in done.stderr for name in ("/model", "/retry", "/load", "Ctrl-D"))


def test_the_last_conversation_goes_on_with_its_provider(
    server: LoopbackThread, fake: FakeProvider, state: Path
) -> None:
    fake.script += [Answer(text="One."), Answer(text="Two.")]
    assert ask(server, "first", "--system", "Be brief.").returncode == 0
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    assert KEY not in state.read_text()
    assert os.listdir(state.parent) == ["last.json"]
    done = run("chat", "--continue", "second", env={"OPENAI_API_KEY": KEY})
    assert (done.returncode, done.stdout) == (0, "Two.\n")
    assert asked(fake)[1:] == [("user", "first"), ("assistant", "One."), ("user", "second")]
    done = run("chat", "-c", "-m", "o3", "-s", "Rhyme.", "third", env={"OPENAI_API_KEY": KEY})
    assert body(fake)["model"] == "o3"
    assert asked(fake)[0][1] == "Rhyme."
    assert len(asked(fake)) == 6
    run("chat", "4 + 5", "--no-keep")
    assert len(read_saved(state).messages) == 7


def test_without_a_conversation_there_is_nothing_to_continue(state: Path) -> None:
    done = run("chat", "--continue", "hi")
    assert done.returncode == 2
    assert str(state) in only_line(done.stderr)
    state.parent.mkdir(parents=True)
    state.write_text("{")
    assert "is not a saved conversation" in only_line(run("chat", "--continue", "hi").stderr)


def test_an_answer_is_given_even_where_nothing_can_be_kept(
    server: LoopbackThread, fake: FakeProvider, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file, and no folder")
    done = ask(server, "2 + 3")
    assert (done.returncode, done.stdout) == (0, "That is 5.\n")
    assert "not stored for --continue" in done.stderr


def test_the_state_is_in_the_folder_for_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "not/absolute"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert last_conversation() == tmp_path / ".local" / "state" / "sansio-llm" / "last.json"


def test_a_conversation_in_json_keeps_the_prompt_out_of_it(
    server: LoopbackThread, fake: FakeProvider
) -> None:
    fake.script.append(Answer(text="Yes."))
    done = talk(server, "hi", options=("--json",))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["content_delta", "stream_complete"]


def test_a_missing_key_ends_a_conversation_before_it_begins() -> None:
    done = run("chat", "--type", "openrouter", typed=CTRL_D)
    assert done.returncode == 1
    assert "OPENROUTER_API_KEY" in only_line(done.stderr)
