"""Mutation testing: what is changed, and that tests decide what is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutation.mirrors import ROOT, mirror_of
from tests.mutation.mutants import mutants
from tests.mutation.runner import Runner, Verdict

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
    """A docstring, which is not a fact."""
    return number * 2


class _Box(Base, frozen=True, kw_only=True, array_like=True):
    @property
    def full(self) -> bool:
        return LIMIT > 3 and not NAMES
'''


def changes(source: str) -> list[str]:
    return [f"{mutant.before} -> {mutant.after}" for mutant in mutants(source)]


def test_each_literal_entry_default_and_body_is_changed_and_nothing_else() -> None:
    assert changes(MODULE) == [
        "10 -> 11",
        "10 -> 9",
        "(429, 500) -> (500,)",
        "(429, 500) -> (429,)",
        "429 -> 430",
        "429 -> 428",
        "500 -> 501",
        "500 -> 499",
        "'red' -> 'red§'",
        "'red' -> 'ed'",
        "{'r': Colour.RED, 'x': None} -> {'x': None}",
        "{'r': Colour.RED, 'x': None} -> {'r': Colour.RED}",
        "'r' -> 'r§'",
        "'x' -> 'x§'",
        "None -> 0",
        "2 -> 3",
        "2 -> 1",
        "False -> True",
        "number * 2 -> None",
        "number * 2 -> number / 2",
        "2 -> 3",
        "2 -> 1",
        "True -> False",
        "LIMIT > 3 and (not NAMES) -> None",
        "LIMIT > 3 and (not NAMES) -> LIMIT > 3 or not NAMES",
        "LIMIT > 3 and (not NAMES) -> not NAMES",
        "LIMIT > 3 and (not NAMES) -> LIMIT > 3",
        "LIMIT > 3 -> LIMIT >= 3",
        "3 -> 4",
        "3 -> 2",
        "not NAMES -> NAMES",
    ]


def body(*lines: str) -> list[str]:
    """The changes inside a function of these lines, without those of constants."""
    source = "def f():\n" + "".join(f"    {line}\n" for line in lines)
    for mutant in mutants(source):
        compile(mutant.applied(source), "f.py", "exec")
    return [change for change in changes(source) if not change.startswith(("'", "0", "1"))]


def test_each_argument_inside_a_function_is_left_out_or_none() -> None:
    assert body("send(a, b.c, key=d)") == [
        f"send(a, b.c, key=d) -> send({rest})"
        for rest in (
            "a, b.c",
            "None, b.c, key=d",
            "a, None, key=d",
            "a, b.c, key=None",
            "b.c, key=d",
            "a, key=d",
        )
    ]


def test_what_only_raises_with_another_argument_keeps_its_arguments() -> None:
    assert body("isinstance(a, Part | Tool)") == ["Part | Tool -> Part", "Part | Tool -> Tool"]


def test_each_case_of_a_match_is_left_out_but_that_which_no_run_reaches() -> None:
    lines = ("match a:", "    case 'x':", "        b()", "    case Part():", "        c()")
    never = ("    case _:", "        assert_never(a)")
    assert body(*lines, *never) == ["case 'x' -> ", "case Part() -> "]


def test_operators_methods_and_branches_are_turned_round() -> None:
    assert body("a += b - c") == ["a += b - c -> a = b - c", "a += b - c -> a -= b - c", "b - c -> b + c"]
    assert body("a = b if c else d")[1:] == ["b if c else d -> b", "b if c else d -> d"]
    assert body("a.lstrip()") == ["a.lstrip() -> a.rstrip()"]
    assert body("while a < b < c:", "    continue") == [
        "a < b < c -> a <= b < c",
        "a < b < c -> a < b <= c",
        "continue -> break",
    ]
    assert body("while a:", "    break") == ["break -> return"]


def test_an_f_string_is_changed_in_its_words_and_in_what_is_put_in() -> None:
    assert body("a(f'{b + c}/chat')")[1:] == [
        "f'{b + c}/chat' -> f'{b - c}/chat'",
        "f'{b + c}/chat' -> f'{b + c}/chat§'",
        "f'{b + c}/chat' -> f'{b + c}chat'",
    ]
    assert body("a(f'in all there are {b + c}')")[1:] == [
        "f'in all there are {b + c}' -> ''",
        "f'in all there are {b + c}' -> f'in all there are {b - c}'",
    ]
    assert not any("§" in change for change in body("""a(f"the names are {', '.join(b)}")"""))


def test_a_change_keeps_its_meaning_among_what_binds_more() -> None:
    (source,) = (
        mutant.applied("A = not (b or c) and d")
        for mutant in mutants("A = not (b or c) and d")
        if mutant.before == "not (b or c)"
    )
    assert source == "A = (b or c) and d"


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
    assert mutant.applied('FIRST = "ü"; SECOND = True\n') == 'FIRST = "ü"; SECOND = False\n'
    assert mutant.line == 1


def test_prose_is_only_removed_and_not_reworded() -> None:
    assert changes('ADVICE = "Wait a while, then ask."') == ["'Wait a while, then ask.' -> ''"]


def test_every_change_of_a_real_module_is_python_and_another_module() -> None:
    source = (ROOT / "sansio/retry.py").read_text(encoding="utf-8")
    found = mutants(source)
    changed = {mutant.applied(source) for mutant in found}
    for each in changed:
        compile(each, "retry.py", "exec")
    assert len(changed | {source}) == len(found) + 1


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Runs the tests of a folder with one module."""
    tree = tmp_path_factory.mktemp("tree")
    (tree / "sample.py").write_text("LIMIT = 10\n")
    for name, code in {
        "sharp": "import sample\ndef test_limit():\n    assert sample.LIMIT == 10\n",
        "pointless": "import sample\ndef test_limit():\n    assert sample.LIMIT\n",
        "empty": "",
        "wrong": "def test_limit():\n    assert False\n",
        "endless": "def test_limit():\n    while True: pass\n",
    }.items():
        (tree / f"test_{name}.py").write_text(code)
    with Runner(tree) as made:
        yield made


def test_a_suite_without_assertions_notices_nothing(runner: Runner) -> None:
    module = runner.tree / "sample.py"
    changed = mutants(module.read_text())[0].applied(module.read_text())
    assert runner.verdict(Path("sample.py"), changed, ["test_sharp.py"]) is Verdict.NOTICED
    assert runner.verdict(Path("sample.py"), changed, ["test_pointless.py"]) is Verdict.PASSED
    assert module.read_text() == "LIMIT = 10\n"


def test_missing_tests_judge_nothing(runner: Runner) -> None:
    with pytest.raises(ValueError, match=r"no tests in test_empty\.py"):
        runner.run(["test_empty.py"])


def test_nor_do_tests_that_fail_without_a_change(runner: Runner) -> None:
    with pytest.raises(ValueError, match="fail without any change"):
        runner.verdict(Path("sample.py"), "LIMIT = 11\n", ["test_wrong.py"])


def test_tests_that_take_too_long_are_ended(runner: Runner) -> None:
    assert runner.run(["test_endless.py"], seconds=1) is Verdict.HUNG


def test_a_module_is_mirrored_by_the_files_named_after_it_or_after_its_package() -> None:
    assert mirror_of(ROOT, "sansio.retry") == (
        "tests/sansio/test_retry.py",
        "tests/sansio/test_public_defaults.py",
    )
    assert "tests/sansio/test_call_outcomes.py" in mirror_of(ROOT, "sansio.call")
    assert "tests/sansio/testing/test_fuzz.py" in mirror_of(ROOT, "sansio.testing.fuzz.seeds")
