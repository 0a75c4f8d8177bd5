"""The README is true: its examples run, its commands are one line, and its links and extras are there."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.snippets import ROOT, blocks, run_down, section

PAGE = ROOT / "README.md"
README = PAGE.read_text("utf-8")


def test_python_examples_run_down_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    outputs: dict[str, str] = {}
    for heading in run_down(PAGE):
        outputs[heading] = outputs.get(heading, "") + capsys.readouterr().out

    assert "Usage(input_tokens=" in outputs["In your program"]
    assert outputs["In your program"].endswith("That is 42. [stop]\n")
    assert outputs["In your fuzzer"].count("\n") == 2
    assert "ContentDelta(text='From a file', part=0)" in outputs["Over your transport"]


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


def test_every_extra_is_named_and_every_one_named_is_there() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    named = section("More", README).partition("Extras:")[2].partition("licence")[0]

    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(extras)


def test_its_links_are_absolute_since_a_package_index_shows_it() -> None:
    assert re.findall(r"\]\((?!https://)|^\[[^\]]+\]: (?!https://)", README, re.MULTILINE) == []
