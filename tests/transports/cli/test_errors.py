"""What goes wrong on the command line is one line, and an exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sansio.testing import Answer, Broken, Failure, FakeProvider
from tests.transports.cli.command import (
    KEY,
    ask,
    environment,
    only_line,
    run,
)
from transports.testing.loopback import LoopbackThread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("paint",), "'paint'"),
        (("chat", "hi", "--colour"), "--colour"),
        (("chat", "hi", "--type", "nope"), "use one of openrouter, openai"),
        (("chat", "hi", "--config", "/nowhere/config.json"), "No such file"),
        (("chat", " "), "PROMPT: there is no prompt"),
        (("serve", "--port", "70000"), "--port"),
        (("serve", "--type", "nope"), "use one of openrouter, openai"),
        (("parse", "-"), "--type"),
        (("parse", "--type", "nope", "-"), "use one of openrouter, openai"),
        (("parse", "--type", "openai", "/nowhere/stream"), "No such file"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_one_line_and_2(arguments: tuple[str, ...], named: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in only_line(done.stderr)
    assert "--help'" in done.stderr


def test_no_prompt_and_no_terminal_is_one_line_and_2() -> None:
    done = run("chat")
    assert (done.returncode, done.stdout) == (2, "")
    assert "PROMPT: there is no prompt" in only_line(done.stderr)


@pytest.mark.parametrize(
    ("arguments", "config", "named"),
    [
        (("--type", "openai"), None, "model: openai has no default"),
        (("--type", "anthropic", "--model", "m"), None, "ANTHROPIC_API_KEY"),
        (("--api-key-env", "MY_KEY"), None, "MY_KEY"),
        (("--base-url", "http://example.com/v1"), None, "allow_http"),
        ((), '{"provider": {"colour": 1}}', "colour: no such field"),
        ((), '{"provider": {"type": "nope"}}', "'nope' is unknown"),
        ((), '{"provider": []}', "config.json"),
        ((), "{", "config.json"),
        ((), "\x80", "config.json"),
    ],
)
def test_a_configuration_that_cannot_work_is_one_line_and_1(
    tmp_path: Path,
    arguments: tuple[str, ...],
    config: str | None,
    named: str,
) -> None:
    if config is not None:
        file = tmp_path / "config.json"
        file.write_text(config, "latin-1")
        arguments = ("--config", str(file), *arguments)
    done = run("chat", "hi", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert named in only_line(done.stderr)


def test_a_missing_key_is_one_line_that_names_its_variable() -> None:
    done = run("chat", "hi", "--type", "anthropic", "--model", "m", env={"ANTHROPIC_API_KEY": " "})
    assert (done.returncode, done.stdout) == (1, "")
    assert "ANTHROPIC_API_KEY" in only_line(done.stderr)


def test_a_key_in_place_of_its_variables_name_is_not_shown() -> None:
    done = run("chat", "hi", "--api-key-env", KEY)
    assert done.returncode == 1
    assert "not the key itself" in only_line(done.stderr)
    assert KEY not in done.stderr


@pytest.mark.parametrize("output", [(), ("--json",)])
def test_an_error_is_one_line_and_1_and_shows_no_key(
    server: LoopbackThread, fake: FakeProvider, output: tuple[str, ...]
) -> None:
    fake.script.append(Failure(status=403, message=f"no\n\x1b[2J way with {KEY}"))
    done = ask(server, "hi", *output)
    assert done.returncode == 1
    line = only_line(done.stderr)
    assert "HTTP 403" in line
    assert "no \\x1b[2J way with [key]" in line
    assert KEY not in done.stdout + done.stderr
    if output:
        told = json.loads(done.stdout)
        assert told["error"]["kind"] == "PermissionDeniedError"
        assert told["error"]["status"] == 403


def test_a_cut_answer_is_shown_and_then_the_error(server: LoopbackThread, fake: FakeProvider) -> None:
    fake.script.append(Broken(answer=Answer(text="one two three"), after=2))
    done = ask(server, "hi")
    assert (done.returncode, done.stdout) == (1, "one two \n")
    assert "ended without its end marker" in only_line(done.stderr)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ("typer", "rich", "prompt_toolkit")
    code = f"import sys; sys.modules.update(dict.fromkeys({gone})); from transports.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    line = only_line(done.stderr)
    assert all(name in line for name in (*gone, "pip install 'sansio-llm[cli]'"))

    monkeypatch.setitem(sys.modules, "trio", None)
    done = run("chat", "hi", "--trio")
    assert done.returncode == 1
    assert "pip install 'sansio-llm[trio]'" in only_line(done.stderr)
