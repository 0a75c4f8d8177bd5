"""`sansio-llm check-parser`: the check of a parser from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.transports.cli.command import only_line
from transports.cli.app import run

NAIVE = "examples.naive_parser:NaiveParser"
FOREIGN = """
import base64, json, sys

for line in sys.stdin:
    data = b"".join(map(base64.b64decode, json.loads(line)["chunks"])).decode()
    match sys.argv[1]:
        case "events":
            found = [["message", record[6:], ""] for record in data.split("\\n\\n") if record]
            print(json.dumps({"events": found}), flush=True)
        case "answer":
            print(json.dumps({"text": "Hello there.", "calls": [["f", {}]]}), flush=True)
        case "error":
            print(json.dumps({"error": "not today"}), flush=True)
        case "nonsense":
            print("hello", flush=True)
        case _:
            sys.exit(3)
"""


def test_a_law_that_is_kept_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--dialect", "openai", "--law", "reads", "--error", "builtins:ValueError", "--tries", "1")
    assert run(("check-parser", NAIVE, *arguments)) == 0
    assert capsys.readouterr().out.startswith("NaiveParser (openai), seed 0: 1 passed\n")


def test_a_broken_law_is_1_and_shown_with_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("check-parser", NAIVE, "--dialect", "openai", "--law", "foreign", "--seed", "3")) == 1
    out = capsys.readouterr().out
    assert "FAILED          foreign  " in out
    assert "an empty stream: it gives ('', [])" in out


@pytest.mark.parametrize(
    ("way", "dialect", "status", "said"),
    [
        ("events", "sse", 0, "-> the work of a parser in another process"),
        ("answer", "openai", 0, "passed          reads"),
        ("error", "openai", 1, "it raised ForeignError (not today)"),
        ("nonsense", "openai", 1, "the command wrote b'hello\\n'"),
        ("crash", "openai", 1, "the command ended with status 3"),
    ],
)
def test_a_parser_in_another_language_answers_in_json_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, way: str, dialect: str, status: int, said: str
) -> None:
    script = tmp_path / "parser.py"
    script.write_text(FOREIGN)
    arguments = ("--command", f"{sys.executable} -S -E {script} {way}", "--dialect", dialect)
    assert run(("check-parser", *arguments, "--law", "reads", "--law", "linear")) == status
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((NAIVE,), "--dialect"),
        (("--dialect", "openai"), "MODULE:FACTORY or --command"),
        ((NAIVE, "--dialect", "openai", "--command", "x"), "MODULE:FACTORY or --command"),
        ((NAIVE, "--dialect", "nope"), "nope"),
        (("examples.naive_parser:Nothing", "--dialect", "openai"), "has no 'Nothing'"),
        ((NAIVE, "--dialect", "openai", "--law", "nope"), "'nope': no such law"),
        ((NAIVE, "--dialect", "openai", "--error", "builtins:dict"), "is not an exception class"),
    ],
)
def test_invalid_arguments_are_one_line_and_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], named: str
) -> None:
    assert run(("check-parser", *arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert named in only_line(err)
