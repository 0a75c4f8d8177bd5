"""Mutation testing: makes faults in the code, to see whether the tests notice them.

Each change of a module (see `tests/mutation/mutants.py`) is made separately, in a copy of the tree in a
temporary folder, and the tests that mirror the module run. If they pass, the other tests of `sansio` and the
laws run. A change that no test notices has survived, and is printed.

    python -m tests.mutation [--sample N] [--seed S] [--tests all|quick|mirror] [MODULE ...]

A module is named as `sansio.retry`. Default: all of `sansio` except two kinds of data for tests. One kind is
random: strategies, fuzz targets, and damaged or strange bytes, records and responses. The other is written by
hand: the streams of the corpus with their meaning, against which the machines are tested. Changing an id, a
number or a text there gives other valid data, not a fault.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.mirrors import ROOT, mirror_of
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.runner import Runner, Verdict

_COPIED = ("sansio", "transports", "tests", "docs", "examples", "README.md", "pyproject.toml")
_RECORDED = ROOT.parent / "shared"
"""The recorded cases, which tests read beside the tree, where they are there."""
_RANDOM = ("strategies", "fuzz", "dialects.damage", "strange", "nearly_http")
_CORPUS = ("chat", "messages", "responses", "framing", "records", "encoded", "reframed")
_BY_HAND = tuple(f"corpus.{of}" for of in _CORPUS)
_LEFT_OUT = tuple(f"sansio.testing.{of}." for of in (*_RANDOM, *_BY_HAND))

_TESTING = ("tests/sansio/testing", "--ignore-glob=*test_strategies*", "--ignore-glob=*test_fuzz*")
_QUICK = ("tests/sansio", "-m", "quick", "-k", "not linear and not times")
_SLOW = ("tests/sansio", "-m", "not quick", "-k", "not linear", "--ignore=tests/sansio/testing")
_LAWS = ("tests/laws",)
"""The tests beside a module's own. Those of time, of the strategies and of the fuzz targets are left out:
they take long and notice little."""

_Chosen = tuple[str, Path, Mutant]


def _modules() -> dict[str, Path]:
    """The modules of `sansio` by name, with their files relative to the root."""
    found = {}
    for path in sorted(ROOT.glob("sansio/**/*.py")):
        relative = path.relative_to(ROOT)
        parts = relative.with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = relative
    return found


def _try(runner: Runner, chosen: _Chosen, tests: Sequence[str]) -> Verdict:
    _, path, mutant = chosen
    changed = mutant.applied((runner.tree / path).read_text(encoding="utf-8"))
    return runner.verdict(path, changed, tests)


def _by_mirrors(runner: Runner, chosen: Sequence[_Chosen]) -> list[_Chosen]:
    """Try mutants, ordered by module, with the tests that mirror it; returns those that survived.

    Where these fail without any change, all survive them.
    """
    survived: list[_Chosen] = []
    for name in dict.fromkeys(name for name, _, _ in chosen):
        tests = mirror_of(runner.tree, name)
        here = [each for each in chosen if each[0] == name]
        left: list[_Chosen] = []
        try:
            runner.check(tests)
        except ValueError as error:
            print(f"{name}: {error}", flush=True)
            survived += here
            continue
        hung = 0
        for each in here:
            verdict = _try(runner, each, tests)
            hung += verdict is Verdict.HUNG
            if verdict is Verdict.PASSED:
                print(f"  survived  {name} {each[2]}", flush=True)
                left.append(each)
        print(f"{name}: {len(here) - len(left)} of {len(here)} killed, {hung} by time", flush=True)
        survived += left
    return survived


def _wider(tree: Path, module: str, which: str) -> tuple[tuple[str, ...], ...]:
    """The tests to run when a module's own tests pass: quick ones, and its own with more examples."""
    own = (*mirror_of(tree, module), "--hypothesis-profile=mutation-thorough")
    near = (_TESTING, own, _QUICK) if module.startswith("sansio.testing.") else (_QUICK, own)
    return {"mirror": (), "quick": near, "all": (*near, _LAWS, _SLOW)}[which]


def _noticed(runner: Runner, chosen: _Chosen, tests: Sequence[str]) -> bool:
    """Whether tests notice a mutant; those that fail without it do not."""
    try:
        return _try(runner, chosen, tests) is not Verdict.PASSED
    except ValueError as error:
        print(f"  {error}", flush=True)
        return False


def _by_others(runner: Runner, survived: Sequence[_Chosen], which: str) -> list[_Chosen]:
    """Try survivors with the other tests; returns those left."""
    left: list[_Chosen] = []
    for each in survived:
        name, _, mutant = each
        wider = _wider(runner.tree, name, which)
        by = next((tests for tests in wider if _noticed(runner, each, tests)), None)
        said = "survived" if by is None else f"killed by {' '.join(by[:3])}"
        print(f"  {said}  {name} {mutant}", flush=True)
        if by is None:
            left.append(each)
    return left


def main() -> None:
    """The command: see the module's docstring."""
    parser = argparse.ArgumentParser(
        description="Make faults one at a time; print those that no test notices."
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as sansio.retry; default: all")
    parser.add_argument("--sample", type=int, metavar="N", help="try only this many changes, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones are drawn")
    parser.add_argument(
        "--tests",
        choices=("all", "quick", "mirror"),
        default="all",
        help="try survivors of a module's own tests with all others, those of the first tier, or none",
    )
    given = parser.parse_args()
    known = _modules()
    if unknown := set(given.modules) - set(known):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    names = given.modules or [name for name in known if not f"{name}.".startswith(_LEFT_OUT)]
    chosen = [
        (name, known[name], mutant)
        for name in names
        for mutant in mutants((ROOT / known[name]).read_text(encoding="utf-8"))
    ]
    if given.sample is not None and given.sample < len(chosen):
        drawn = sorted(random.Random(given.seed).sample(range(len(chosen)), given.sample))
        print(f"{given.sample} of {len(chosen)} changes, drawn with seed {given.seed}", flush=True)
        chosen = [chosen[number] for number in drawn]
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        if _RECORDED.is_dir():
            Path(folder, _RECORDED.name).symlink_to(_RECORDED)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, tree / name)
        with Runner(tree) as runner:
            left = _by_mirrors(runner, chosen)
            print(
                f"{len(chosen) - len(left)} of {len(chosen)} killed by their module's own tests", flush=True
            )
            if given.tests != "mirror":
                left = _by_others(runner, left, given.tests)
    killed = len(chosen) - len(left)
    print(f"{killed} of {len(chosen)} killed: {killed / max(len(chosen), 1):.1%}")


if __name__ == "__main__":
    main()
