"""The command that mutates tables and constants: what it changes, and that tests decide what is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.constants import ROOT, mirror_of, mutants
from tests.mutation.runner import Runner

MODULE = '''"""A sample."""

from enum import Enum
from typing import TypeAlias

__all__ = ["STATUSES"]

Pair: TypeAlias = tuple[int, int]
LIMIT: int = 10
STATUSES = frozenset((429, 500))


class Colour(Enum):
    """What it looks like."""

    RED = "red"


NAMES = {"r": Colour.RED, "x": None}


def double(number: int = 2, *, loud: bool = False) -> int:
    """Plain, so that only its defaults count."""
    return number * 2


class Box:
    @property
    def full(self) -> bool:
        """Decorated, so that its body counts."""
        return LIMIT > 3 and not NAMES
'''


def changes(source: str) -> list[str]:
    return [f"{mutant.before} -> {mutant.after}" for mutant in mutants(source)]


def test_each_literal_entry_default_and_decorated_body_is_changed_and_nothing_else() -> None:
    assert changes(MODULE) == [
        "10 -> 11",
        "10 -> 9",
        "(429, 500) -> (500,)",
        "(429, 500) -> (429,)",
        "429 -> 430",
        "429 -> 428",
        "500 -> 501",
        "500 -> 499",
        "\"red\" -> 'red§'",
        "\"red\" -> 'ed'",
        '{"r": Colour.RED, "x": None} -> {\'x\': None}',
        '{"r": Colour.RED, "x": None} -> {\'r\': Colour.RED}',
        "\"r\" -> 'r§'",
        "\"x\" -> 'x§'",
        "None -> 0",
        "2 -> 3",
        "2 -> 1",
        "False -> True",
        "LIMIT > 3 and not NAMES -> LIMIT > 3 or not NAMES",
        "LIMIT > 3 and not NAMES -> not NAMES",
        "LIMIT > 3 and not NAMES -> LIMIT > 3",
        "LIMIT > 3 -> LIMIT >= 3",
        "3 -> 4",
        "3 -> 2",
        "not NAMES -> NAMES",
    ]


def test_a_function_that_runs_when_the_module_is_loaded_is_changed_inside() -> None:
    source = (
        "def make(n):\n    return limit(n) + 1\ndef limit(n):\n    return n > 2\n"
        "def other(n):\n    return make(3)\nSIZE = make(n)\n"
    )
    assert changes(source) == ["1 -> 2", "1 -> 0", "n > 2 -> n >= 2", "2 -> 3", "2 -> 1"]


def test_a_table_of_names_has_its_values_exchanged() -> None:
    assert changes("KINDS = {1: Red, 2: Red, 3: Blue}")[3:6] == [
        "{1: Red, 2: Red, 3: Blue} -> {1: Blue, 2: Red, 3: Blue}",
        "{1: Red, 2: Red, 3: Blue} -> {1: Red, 2: Blue, 3: Blue}",
        "{1: Red, 2: Red, 3: Blue} -> {1: Red, 2: Red, 3: Red}",
    ]


def test_a_regular_expression_loses_each_of_its_characters_in_turn() -> None:
    patterns = [mutant.after for mutant in mutants(r'WORD = re.compile(r"a\d+(b)")')]
    assert patterns[:3] == [r"re.compile('\\d+(b)')", "re.compile('a+(b)')", r"re.compile('a\\d(b)')"]


def test_the_place_of_a_change_is_right_behind_letters_of_several_bytes() -> None:
    (mutant, *_) = mutants('FIRST = "ü"; SECOND = True\n')[-1:]
    assert mutant.source == 'FIRST = "ü"; SECOND = False\n'
    assert mutant.line == 1


def test_prose_is_only_removed_and_not_reworded() -> None:
    assert changes('ADVICE = "Wait a while, then ask."') == ["\"Wait a while, then ask.\" -> ''"]


def test_every_change_of_a_real_module_is_python_and_another_module() -> None:
    source = (ROOT / "sansio/retry.py").read_text(encoding="utf-8")
    found = mutants(source)
    for mutant in found:
        compile(mutant.source, "retry.py", "exec")
    assert len({mutant.source for mutant in found} | {source}) == len(found) + 1


def test_a_suite_without_assertions_kills_nothing(tmp_path: Path) -> None:
    module = tmp_path / "sample.py"
    module.write_text("LIMIT = 10\n")
    (tmp_path / "test_sharp.py").write_text(
        "import sample\n\ndef test_limit():\n    assert sample.LIMIT == 10\n"
    )
    (tmp_path / "test_pointless.py").write_text(
        "import sample\n\ndef test_limit():\n    assert sample.LIMIT\n"
    )
    (mutant, _) = mutants(module.read_text())
    with Runner(tmp_path) as runner:
        assert runner.passes(["test_sharp.py", "test_pointless.py"])
        assert runner.notices(Path("sample.py"), mutant.source, ["test_sharp.py"])
        assert not runner.notices(Path("sample.py"), mutant.source, ["test_pointless.py"])
    assert module.read_text() == "LIMIT = 10\n"


def test_missing_tests_kill_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_empty.py").write_text("")
    with Runner(tmp_path) as runner, pytest.raises(ValueError, match=r"no tests in test_empty\.py"):
        runner.passes(["test_empty.py"])


def test_a_module_is_mirrored_by_the_files_named_after_it_or_after_its_package() -> None:
    assert mirror_of(ROOT, "sansio.retry") == ("tests/sansio/test_retry.py",)
    assert "tests/sansio/test_call_outcomes.py" in mirror_of(ROOT, "sansio.call")
    assert "tests/sansio/testing/test_fuzz.py" in mirror_of(ROOT, "sansio.testing.fuzz.seeds")
