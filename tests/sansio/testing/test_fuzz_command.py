"""`python -m sansio.testing.fuzz` under a fake atheris, which records its arguments and ends immediately.

The real one, which cannot be installed everywhere, is run by `test_fuzz.py`.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest import mock

import pytest

from sansio.testing.fuzz import TARGETS, seeds


class FakeAtheris:
    """The part of atheris that the command uses."""

    def __init__(self) -> None:
        self.instrumented: list[str] = []
        self.arguments: list[str] = []
        self.corpus: list[bytes] = []
        self.fuzzed: list[bytes] = []
        self._target: Callable[[bytes], None] | None = None

    def instrument_imports(self, include: list[str]) -> AbstractContextManager[None]:
        self.instrumented += include
        assert not any(name.partition(".")[0] in include for name in sys.modules)
        return nullcontext()

    def Setup(self, arguments: list[str], target: Callable[[bytes], None]) -> None:  # noqa: N802, its name
        self.arguments, self._target = arguments, target
        self.corpus = [path.read_bytes() for path in sorted(Path(arguments[-1]).iterdir())]

    def Fuzz(self) -> None:  # noqa: N802, its name
        assert self._target is not None
        for data in self.corpus:
            self._target(data)
            self.fuzzed.append(data)


@pytest.fixture
def fake_atheris() -> Iterator[FakeAtheris]:
    """Install it as atheris; afterwards, restore the modules that the command reloads."""
    fake = FakeAtheris()
    with mock.patch.dict(sys.modules, {"atheris": fake}):
        yield fake


def fuzz(*arguments: str) -> object:
    """The exit status of the command."""
    # Another test may have imported the command, and runpy warns of that.
    sys.modules.pop("sansio.testing.fuzz.__main__", None)
    with mock.patch.object(sys, "argv", ["fuzz", *arguments]), pytest.raises(SystemExit) as ended:
        runpy.run_module("sansio.testing.fuzz", run_name="__main__")
    return ended.value.code


@pytest.mark.parametrize("target", ["sse", "anthropic", "tape"])
def test_a_target_is_fuzzed_from_its_seeds(fake_atheris: FakeAtheris, target: str) -> None:
    given = seeds(target)  # before the command loads the modules anew: types are looked up by a module's name
    assert fuzz(target, "2", "-seed=1") == 0
    assert fake_atheris.instrumented == ["sansio"]
    assert sorted(fake_atheris.fuzzed) == sorted(given)
    assert fake_atheris.arguments[1:-1] == [
        "-max_total_time=2",
        "-max_len=4096",
        f"-artifact_prefix=crash-{target}-",
        "-print_final_stats=1",
        "-seed=1",
    ]
    assert not Path(fake_atheris.arguments[-1]).exists()


def test_it_runs_for_a_minute_where_no_time_is_given(fake_atheris: FakeAtheris) -> None:
    assert fuzz("openai") == 0
    assert "-max_total_time=60" in fake_atheris.arguments


@pytest.mark.parametrize("arguments", [["nonsense"], ["sse", "soon"], ["sse", "-1"]])
def test_wrong_arguments_are_answered_with_the_usage(
    fake_atheris: FakeAtheris, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzz(*arguments) == 2
    told = capsys.readouterr().err
    assert told == f"usage: python -m sansio.testing.fuzz {{{','.join(TARGETS)}}} [SECONDS]\n"
    assert fake_atheris.fuzzed == []


def test_without_a_target_they_are_listed_with_the_extras_that_are_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> object:
        return None if name == "h2" else found(name, package)

    with mock.patch.dict(sys.modules), mock.patch("importlib.util.find_spec", find):
        sys.modules.pop("h2", None)
        assert fuzz() == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()][: len(TARGETS)] == list(TARGETS)
    assert "sse         Framing: the cut does not matter" in out
    assert out.endswith("missing for http2: h2; pip install 'sansio-llm[http2]'\n")


def test_to_import_it_fuzzes_nothing(fake_atheris: FakeAtheris) -> None:
    command = importlib.import_module("sansio.testing.fuzz.__main__")
    assert fake_atheris.instrumented == []
    assert command.main(["sse", "1"]) == 0
    assert fake_atheris.fuzzed


def test_without_atheris_it_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch.dict(sys.modules, {"atheris": None}):
        assert fuzz("sse") == 1
    assert capsys.readouterr().err == "atheris is missing: pip install 'sansio-llm[fuzz]'\n"
