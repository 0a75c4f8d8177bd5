"""A conversation on a real terminal: markdown, pastes, and Ctrl-C, which stops an answer and nothing else."""

from __future__ import annotations

import os
import re
import signal
import sys

import pytest

from sansio.testing import Answer, Broken, Ending, FakeProvider
from tests.transports.cli.command import KEY, PATIENCE, Terminal, body
from transports.testing.loopback import LoopbackThread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

CTRL_C = "\x03"
CTRL_D = "\x04"
PASTE = "\x1b[200~one\ntwo\x1b[201~"


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider("openrouter", key=KEY)


def chat(server: LoopbackThread, *arguments: str) -> Terminal:
    """`chat` on a terminal, against a server of this process."""
    where = ("--base-url", server.base_url("openrouter"))
    return Terminal("chat", *where, *arguments, env={"OPENROUTER_API_KEY": KEY})


@pytest.mark.parametrize("loop", [(), ("--trio",)])
def test_ctrl_c_stops_an_answer_and_not_the_conversation(
    server: LoopbackThread, fake: FakeProvider, loop: tuple[str, ...]
) -> None:
    held = Broken(answer=Answer(text="# One **two** three"), after=2, ending=Ending.HOLD)
    fake.script += [held, Answer(reasoning="Hm, two.", text="- Well, *then*.\n- `no`\n")]
    with chat(server, *loop) as terminal:
        terminal.type("count\r")
        terminal.until("One")
        os.kill(terminal.process.pid, signal.SIGINT)
        server.wait_closed(1, PATIENCE)
        terminal.until("stopped; the part that arrived stays in the conversation")
        terminal.type(PASTE)
        terminal.until("two")
        terminal.press("\r")
        terminal.until("\x1b[3mthen\x1b[0m")
        terminal.type("not sent")
        terminal.until("not sent")
        terminal.press(CTRL_C)
        terminal.type(CTRL_C)
        terminal.until("Ctrl-C again, or Ctrl-D, ends the conversation")
        terminal.type(CTRL_D if loop else CTRL_C)
        assert terminal.end() == (0 if loop else 130)
    assert "Traceback" not in terminal.seen
    assert "\x1b[2mHm, " in terminal.seen
    assert re.search(r" • Well, then\. +\n • no +\n", re.sub(r"\x1b\[[\d;]*m", "", terminal.seen))
    user, cut, pasted = body(fake)["messages"]
    assert (user["content"], pasted["content"]) == ("count", "one\ntwo")
    assert (cut["role"], cut["content"]) == ("assistant", "# One ")
    assert len(fake.requests) == 2
