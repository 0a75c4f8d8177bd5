"""`sansio-llm check-transport`: the kit from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.transports.cli.command import only_line, run
from transports.cli.app import run as run_here

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")

MINE = '''
from transports import AnyioTransport, SocketTransport

class Hasty(AnyioTransport):
    """Ignores `fresh`."""

    async def open(self, request, timeout, *, write_timeout=None, fresh=False):
        return await super().open(request, timeout)

def careful():
    return SocketTransport(max_idle=2)

number = 3
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    name = f"mine_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MINE)
    return name


def laws(*names: str) -> tuple[str, ...]:
    return tuple(part for name in names for part in ("--law", name))


def test_a_sound_transport_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here(("check-transport", "transports:AnyioTransport", *laws("fresh", "redirects"))) == 0
    out, err = capsys.readouterr()
    assert out.startswith("AnyioTransport under asyncio: 2 passed\n\npassed          redirects  ")
    assert out.endswith("\n")
    assert err == ""


def test_the_loop_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("check-transport", "transports:AnyioTransport", "--backend", "trio", *laws("fresh"))
    assert run_here(arguments) == 0
    assert capsys.readouterr().out.startswith("AnyioTransport under trio: 1 passed\n")


def test_a_broken_law_is_1(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    assert run_here(("check-transport", f"{mine}:Hasty", *laws("fresh"))) == 1
    out, err = capsys.readouterr()
    assert "-> open(fresh=True) reused a connection\n" in out
    assert err == ""


def test_a_law_that_is_declared_is_shown_with_the_reason(
    capsys: pytest.CaptureFixture[str], mine: str
) -> None:
    arguments = ("check-transport", f"{mine}:Hasty", *laws("fresh"), "--without", "fresh=it picks = its own")
    assert run_here(arguments) == 0
    assert "-> it picks = its own\n" in capsys.readouterr().out


def test_a_blocking_transport_made_by_a_function(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    assert run_here(("check-transport", f"{mine}:careful", "--sync", *laws("fresh", "second-loop"))) == 0
    out = capsys.readouterr().out
    assert out.startswith("careful, blocking: 1 passed, 1 not applicable\n")


def test_a_transport_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("check-transport", "transports:MemoryTransport", "--in-memory", *laws("no-body", "fresh"))
    assert run_here(arguments) == 0
    assert capsys.readouterr().out.startswith("MemoryTransport under asyncio: 1 passed, 1 not applicable\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "MODULE:FACTORY"),
        (("transports",), "write it as MODULE:FACTORY"),
        ((":AnyioTransport",), "write it as MODULE:FACTORY"),
        (("no_such_module:X",), "'no_such_module' cannot be imported: No module named"),
        (("transports:Nothing",), "the module transports has no 'Nothing'"),
        (("transports:__all__",), "'transports:__all__' cannot be called"),
        (("transports:AnyioTransport", "--law", "nope"), "unknown law 'nope'; use some of open-returns"),
        (("transports:AnyioTransport", "--backend", "curio"), "unknown event loop 'curio'"),
        (("transports:SocketTransport", "--sync", "--backend", "trio"), "has no event loop"),
        (
            ("transports:SocketTransport",),
            "'transports:SocketTransport' makes blocking transports; add --sync",
        ),
        (("transports:AnyioTransport", "--sync"), "makes async transports; leave out --sync"),
        (
            ("transports:AnyioTransport", "--without", "fresh"),
            "'fresh' cannot be declared: give the reason",
        ),
    ],
)
def test_invalid_arguments_are_one_line_and_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], named: str
) -> None:
    assert run_here(("check-transport", *arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert named in only_line(err)


@pytest.mark.parametrize("source", ["def (", "1 / 0"])
def test_a_module_that_fails_is_one_line_and_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    name = f"failing_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(source)
    assert run_here(("check-transport", f"{name}:X")) == 2
    assert f"{name!r} cannot be imported: " in only_line(capsys.readouterr().err)


def test_a_terminal_shows_which_law_is_being_tried(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run_here(("check-transport", "transports:AnyioTransport", *laws("no-body", "redirects"))) == 0
    out, err = capsys.readouterr()
    assert out.startswith("AnyioTransport under asyncio: 2 passed\n")
    assert err == "\r\x1b[K1 of 2: no-body\r\x1b[K2 of 2: redirects\r\x1b[K"


def test_the_command_itself() -> None:
    done = run("check-transport", "transports:AnyioTransport")
    assert (done.returncode, done.stderr) == (0, "")
    assert " passed\n" in done.stdout
