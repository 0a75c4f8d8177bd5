"""How the command ends when it is not let finish: Ctrl-C, a closed pipe, a full disk."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import DEVNULL

import pytest

from sansio.testing import Answer, Broken, Ending, FakeProvider, encode_stream
from tests.transports.cli.command import (
    KEY,
    PATIENCE,
    interrupt,
    only_line,
    started,
)
from transports.testing.loopback import LoopbackThread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


@pytest.mark.parametrize(("loop", "stream"), [((), ()), (("--trio",), ("--no-stream",))])
def test_ctrl_c_inside_an_answer_ends_at_once(
    server: LoopbackThread, fake: FakeProvider, loop: tuple[str, ...], stream: tuple[str, ...]
) -> None:
    fake.script.append(Broken(answer=Answer(text="one two three"), after=2, ending=Ending.HOLD))
    where = ("--type", "openai", "--model", "gpt-4o", "--base-url", server.base_url("openai"))
    env = {"OPENAI_API_KEY": KEY}
    with started("chat", "hi", *where, *loop, *stream, env=env, stdin=DEVNULL) as process:
        if stream:
            server.wait_accepted(1, PATIENCE)
        else:
            assert process.stdout.read(8) == b"one two "
        interrupt(process)
        assert process.returncode == 130
        assert process.stderr.read() == b""


def test_ctrl_c_while_standard_input_is_read() -> None:
    with started("chat", "What is this?") as process:
        process.stdin.write(b": " + b"x" * 1_000_000)  # more than a pipe holds, so that it is read by then
        process.stdin.flush()
        interrupt(process)
        assert process.returncode == 130
        assert process.stderr.read() == b""


def test_a_closed_pipe_ends_a_chat_quietly() -> None:
    with started("chat", "hi", stdin=DEVNULL) as process:
        assert process.stdout.read(1) == b"H"
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        only_line(process.stderr.read().decode())  # the notice of the fake provider


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_one_line_and_1(tmp_path: Path) -> None:
    file = tmp_path / "stream"
    file.write_bytes(b"".join(encode_stream("openai", Answer(text="word"))))
    with (
        open("/dev/full", "wb") as full,
        started("parse", "--type", "openai", str(file), stdout=full) as process,
    ):
        assert process.wait(PATIENCE) == 1
        assert "No space left" in only_line(process.stderr.read().decode())
