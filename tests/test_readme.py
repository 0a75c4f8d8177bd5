"""The README keeps its promises: its examples run, its commands are one line, its diagram is the table's."""

from __future__ import annotations

import re
import runpy

import pytest

from tests.snippets import ROOT, blocks, run_down, section

PAGE = ROOT / "README.md"
README = PAGE.read_text("utf-8")


def test_python_examples_run_down_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    outputs: dict[str, str] = {}
    for heading in run_down(PAGE):
        outputs[heading] = outputs.get(heading, "") + capsys.readouterr().out

    assert "Usage(input_tokens=" in outputs["A first call"]
    assert "[stop]" in outputs["A first call"]
    assert "2" in outputs["A second loop"]
    assert "4" in outputs["A second loop"]
    assert "ContentDelta(text='This ', part=0)" in outputs["Events"]
    assert "only 'This answer ' arrived" in outputs["Events"]
    assert "Buy milk." in outputs["Tools"]
    assert "429 7200.0 1" in outputs["Retries"]
    assert "asked to wait 7200 s" in outputs["Retries"]
    assert "REQ https://api.anthropic.com/v1/messages claude-sonnet-4-20250514" in outputs["Raw logging"]
    assert "RES 200" in outputs["Raw logging"]
    assert "https://api.example.com/custom/chat" in outputs["A provider of your own"]
    assert "ContentDelta(text='From a file', part=0)" in outputs["A transport of your own"]
    assert outputs["The machines alone"].count("\n") == 2


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_command_is_one_line_that_sets_itself_up(heading: str) -> None:
    [(_, command)] = blocks("sh", section(heading, README))

    assert command.count("\n") == 1
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install")


def test_the_two_commands_come_first_and_on_the_first_screen() -> None:
    headings = re.findall(r"^## (.*)$", README, re.MULTILINE)

    assert headings[:2] == ["Run it", "Test it"]
    assert README[: README.index("## Test it")].count("\n") < 24


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "bash .ci/check\n" in (ROOT / ".ci" / "run").read_text("utf-8")
    script = (ROOT / ".ci" / "check").read_text("utf-8")

    assert "README.md" in script
    assert "/^## Test it$/" in script


def test_the_checks_leave_the_environment_of_a_contributor_alone() -> None:
    script = (ROOT / ".ci" / "check").read_text("utf-8")

    assert "command=${command//.venv/.ci-venv}" in script
    assert not re.search(r"(?<!\.ci-)(?<!//)\.venv/", script)


def test_state_diagram_is_drawn_from_the_table() -> None:
    drawing = runpy.run_path(str(ROOT / "docs" / "state_diagram.py"))

    assert drawing["with_diagram"](README) == README
