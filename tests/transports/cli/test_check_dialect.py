"""`sansio-llm check-dialect`: the check of a dialect from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.transports.cli.command import only_line
from transports.cli.app import run

MINE = """
from sansio import ChatDialect

class Chat(ChatDialect):
    TYPE = "mine"

number = 3
"""
STREAM = (
    b'data: {"id":"1","choices":[{"delta":{"content":"Hi."}}]}\n\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
GOLDEN = (
    b'{"role":"assistant","content":"Hi.","finish_reason":"stop",'
    b'"raw_finish_reason":"stop","response_id":"1"}'
)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the working folder, beside a folder of samples."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    name = f"mine_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MINE)
    samples = tmp_path / "samples"
    samples.mkdir()
    (samples / "hello.sse").write_bytes(STREAM)
    (samples / "hello.golden.json").write_bytes(GOLDEN)
    (samples / "busy.error.json").write_bytes(b'{"error":{"message":"Busy.","code":429}}')
    (samples / "notes.txt").write_text("no sample")
    (samples / "fields.json").write_text('{"ignored": {".id": "it is a number"}}')
    return name


def test_a_sound_dialect_passes_and_is_0(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    arguments = ("--law", "reads", "--law", "golden", "--law", "cuts", "--seed", "5", "--tries", "2")
    assert run(("check-dialect", f"{mine}:Chat", "samples", *arguments)) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Chat (mine/chat), seed 5: 3 passed\n\npassed          reads ")
    assert err == ""


def test_a_broken_law_is_1_and_shown_with_its_bytes(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    (Path("samples") / "hello.golden.json").write_bytes(GOLDEN.replace(b"Hi.", b"Ho."))
    assert run(("check-dialect", f"{mine}:Chat", "samples", "--law", "golden")) == 1
    out = capsys.readouterr().out
    assert "FAILED          golden  " in out
    assert "-> shown by hello.sse: b'data: " in out


def test_a_law_is_declared_with_its_reason(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    (Path("samples") / "hello.request.json").write_text('{"no": "such block"}')
    arguments = ("--law", "goes-back", "--without", "goes-back=the server forgets")
    assert run(("check-dialect", f"{mine}:Chat", "samples", *arguments)) == 0
    assert "-> the server forgets\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "MODULE:CLASS"),
        (("MINE:Chat",), "FOLDER"),
        (("MINE", "samples"), "write it as MODULE:CLASS, such as my_module:MyDialect"),
        (("MINE:Nothing", "samples"), "has no 'Nothing'"),
        (("MINE:number", "samples"), "cannot be called; name a class or function"),
        (("builtins:dict", "samples"), "is not a Dialect class"),
        (("MINE:Chat", "nowhere"), "'nowhere' is not a folder"),
        (("MINE:Chat", "."), "samples: there are none"),
        (("MINE:Chat", "samples", "--law", "nope"), "no such law"),
        (("MINE:Chat", "samples", "--without", "cuts"), "'cuts' cannot be declared: give the reason"),
        (("MINE:Chat", "samples", "--tries", "0"), "--tries"),
    ],
)
def test_invalid_arguments_are_one_line_and_2(
    capsys: pytest.CaptureFixture[str], mine: str, arguments: tuple[str, ...], named: str
) -> None:
    given = tuple(each.replace("MINE", mine) for each in arguments)
    assert run(("check-dialect", *given)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert named in only_line(err)


@pytest.mark.parametrize("name", ["fields.json", "hello.golden.json"])
def test_a_file_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], mine: str, name: str
) -> None:
    (Path("samples") / name).write_text('{"nope": 1}')
    assert run(("check-dialect", f"{mine}:Chat", "samples")) == 2
    assert f"{name}: " in only_line(capsys.readouterr().err)
