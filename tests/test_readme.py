"""The README is true: its examples run, its commands are one line, its diagram and tables are the code's."""

from __future__ import annotations

import re
import runpy
import tomllib
from typing import get_args

import pytest

from sansio import PROVIDER_DEFAULTS, FinishReason, StreamEvent, StreamFailed
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
    assert "Invoice(number=0, lines=[], note=None) Usage(" in outputs["Answers of a given form"]
    assert "fake-model active 200000 None" in outputs["Token counts, models, embeddings"]
    assert "2 vectors, Usage(input_tokens=" in outputs["Token counts, models, embeddings"]
    assert "99 That is 693.\n" in outputs["Many calls"]
    assert "429 7200.0 1" in outputs["Retries"]
    assert "asked to wait 7200 s" in outputs["Retries"]
    assert "REQ https://api.anthropic.com/v1/messages claude-sonnet-5-5" in outputs["Raw logging"]
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


def rows(heading: str) -> list[list[str]]:
    """The cells of all tables below a heading."""
    lines = [line for line in section(heading, README).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_providers_is_what_a_config_takes() -> None:
    shown = {row[0].split()[0].strip("`"): row[1:] for row in rows("Providers") if len(row) == 5}
    del shown["type"]

    assert list(shown) == [name for name in PROVIDER_DEFAULTS if name in shown]
    for name, (url, variable, auth, api) in shown.items():
        defaults = PROVIDER_DEFAULTS[name]
        assert url == (f"`{defaults.base_url}`" if defaults.base_url else "must be given")
        assert variable == (f"`{defaults.api_key_env}`" if defaults.api_key_env else "none")
        assert auth == f"`{defaults.auth_method}`"
        assert api == ", ".join(f"`{api}`" for api in defaults.apis)


def test_the_table_of_events_has_every_event_and_its_fields() -> None:
    shown = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows("Events")}
    del shown["event"]

    kinds = [kind for kind in get_args(StreamEvent) if kind is not StreamFailed]
    assert shown == {kind.__name__: list(kind.__struct_fields__) for kind in kinds}


def test_every_finish_reason_is_named() -> None:
    text = section("Answers", README)

    assert [reason.name for reason in FinishReason if f"`{reason.name}`" not in text] == []


def test_every_extra_is_named_and_every_one_named_is_there() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    named = section("The command line", README).partition("Extras:")[2]

    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(extras)
