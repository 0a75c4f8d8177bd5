"""`docs/custom-transport.md` keeps its promises: its examples run, and give what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.snippets import ROOT, blocks, run_down, section
from transports.cli.app import run as run_here
from transports.testing.conformance import LAWS

PAGE = ROOT / "docs" / "custom-transport.md"
TEXT = PAGE.read_text("utf-8")
TRANSPORT = blocks("python", TEXT)[0][1]


def test_the_examples_give_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    given = [capsys.readouterr().out for _ in run_down(PAGE)]
    assert [out for out in given if out] == [shown for _, shown in blocks("text", TEXT)]


def test_the_transport_is_as_short_as_the_heading_says() -> None:
    lines = [
        line
        for line in TRANSPORT.splitlines()
        if line.strip() and not line.startswith(("#", "import", "from"))
    ]
    assert "\n## About thirty lines\n" in TEXT
    assert len(lines) <= 36


def test_the_command_proves_the_transport_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "stream_transport.py").write_text(TRANSPORT)
    _, commands = blocks("sh", TEXT)[0]
    first, *others = commands.splitlines()
    assert run_here((*first.split()[1:], "--law", "reset")) == 0
    assert capsys.readouterr().out.startswith("StreamTransport under asyncio: 1 passed\n")
    for command in others:
        arguments = command.split()[1:]
        picked = () if "--law" in arguments else ("--law", "reset")
        assert run_here((*arguments, *picked)) == 0


def test_every_law_is_on_the_page_in_its_words() -> None:
    rows = [line for line in section("The laws", TEXT).splitlines() if line.startswith("| `")]
    assert rows == [f"| `{law.name}` | {law.text} |" for law in LAWS.values()]


def test_the_function_for_a_test_suite_is_a_test() -> None:
    namespace: dict[str, object] = {}
    for _, source in blocks("python", TEXT):
        if "def test_my_transport" in source:
            exec(
                TRANSPORT + "\nfrom transports.testing.conformance import check_transport\n" + source,
                namespace,
            )
    test = namespace["test_my_transport"]
    assert callable(test)
    test()
