"""The README keeps its promises: its examples run, its commands are one line, its diagram is the table's."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str, text: str = README) -> list[tuple[int, str]]:
    """The code blocks of a language, each with the line at which it begins."""
    return [
        (text.count("\n", 0, match.start(2)) + 1, match[2])
        for match in _BLOCK.finditer(text)
        if match[1] == language
    ]


def section(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    _, found, rest = README.partition(f"\n## {heading}\n")
    assert found, f"no heading {heading!r}"
    return rest.partition("\n## ")[0]


def test_python_examples_run_down_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "readme"}
    outputs: dict[str, str] = {}
    for line, source in blocks("python"):
        heading = README[: README.index(source)].rpartition("\n## ")[2].partition("\n")[0]
        # Blank lines in front, so that a traceback names the README's own line.
        exec(compile("\n" * (line - 1) + source, "README.md", "exec"), namespace)
        outputs[heading] = outputs.get(heading, "") + capsys.readouterr().out

    assert "Usage(input_tokens=" in outputs["A first call"]
    assert "[stop]" in outputs["A first call"]
    assert "2" in outputs["A second loop"]
    assert "4" in outputs["A second loop"]
    assert "ContentDelta(text='This ')" in outputs["Events"]
    assert "only 'This answer ' came" in outputs["Events"]
    assert "Buy milk." in outputs["Tools"]
    assert "429 7200.0 1" in outputs["Retries"]
    assert "asked to wait 7200 s" in outputs["Retries"]
    assert "REQ https://api.anthropic.com/v1/messages claude-sonnet-4-20250514" in outputs["Raw logging"]
    assert "RES 200" in outputs["Raw logging"]
    assert "https://api.example.com/custom/chat" in outputs["A provider of your own"]
    assert "ContentDelta(text='From a file')" in outputs["A transport of your own"]
    assert outputs["The machines alone"].count("\n") == 2


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_command_is_one_line_that_sets_itself_up(heading: str) -> None:
    [(_, command)] = blocks("sh", section(heading))

    assert command.count("\n") == 1
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install")


def test_the_two_commands_come_first_and_on_the_first_screen() -> None:
    headings = re.findall(r"^## (.*)$", README, re.MULTILINE)

    assert headings[:2] == ["Run it", "Test it"]
    assert README[: README.index("## Test it")].count("\n") < 24


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")

    assert "README.md" in script
    assert "/^## Test it$/" in script


def test_state_diagram_is_drawn_from_the_table() -> None:
    drawing = runpy.run_path(str(ROOT / "docs" / "state_diagram.py"))

    assert drawing["with_diagram"](README) == README
