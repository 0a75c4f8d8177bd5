"""Helpers of several rooms: ways to cut bytes, many cases in one test, and the examples as modules."""

from __future__ import annotations

import importlib.util
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, TypeVar  # Any: the arguments of tests of every kind

import pytest
from hypothesis import strategies as st

Case = TypeVar("Case")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
"""Recorded traffic, which is not part of the project. Tests that read it are skipped where it is absent."""
RESPONSES_CORPUS = CORPUS.with_name("corpus-responses")
"""The same of the Responses API."""
BEDROCK_CORPUS = CORPUS.with_name("corpus-bedrock")
"""The same of Amazon Bedrock."""
GEMINI_CORPUS = CORPUS.with_name("corpus-gemini")
"""The same of Google's `generateContent`."""
MORE_CORPUS = CORPUS.with_name("corpus-more")
"""The same of Ollama's own API and of Cohere's."""


def frame_locals(error: BaseException) -> str:
    """What a traceback with locals shows of the library's own frames."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(str(frame.locals) for frame in report.stack if "/tests/" not in frame.filename)


def load_example(name: str) -> Any:  # Any: a module that the type checker does not read
    """A program of `examples`, by its path there without the ending."""
    spec = importlib.util.spec_from_file_location(f"examples_{Path(name).name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def every_split(data: bytes) -> Iterator[list[bytes]]:
    """`data` whole, then cut in two at each place, then byte by byte."""
    yield [data]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]
    yield [data[at : at + 1] for at in range(len(data))]


def chunkings(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """`data` in pieces of any sizes, empty ones among them."""

    def cut(places: list[int]) -> list[bytes]:
        ends = [*sorted(places), len(data)]
        return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    return st.lists(st.integers(0, len(data)), max_size=32).map(cut)


def with_chunkings(source: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, list[bytes]]]:
    """Bytes from `source`, and the same bytes in pieces."""
    return source.flatmap(lambda data: st.tuples(st.just(data), chunkings(data)))


def run_each(cases: Iterable[Case], test: Callable[[Case], None]) -> None:
    """Run a test with each case, and raise all failures together, each with its case."""
    listed = list(cases)
    failures: list[Exception] = []
    for case in listed:
        try:
            test(case)
        except Exception as error:
            error.add_note(f"case: {case!r}")
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(listed)} cases fail", failures)


def _named(case: object) -> str:
    """A case as text, without addresses of functions: processes that share tests must have the same names."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(case))


def for_each(
    cases: Iterable[Case], *, at_once: int = 40
) -> Callable[[Callable[[Case], None]], Callable[..., None]]:
    """Parametrize a test with cases, many of them in one run: pytest itself takes 4 ms for each run.

    Every case runs. The failures of a run are raised together, each with its case.

    Args:
        cases: what the test takes as its only argument.
        at_once: how many cases one run has.
    """
    listed = list(cases)
    batches = [listed[at : at + at_once] for at in range(0, len(listed), at_once)]

    def decorate(test: Callable[[Case], None]) -> Callable[..., None]:
        def run(batch: list[Case]) -> None:
            run_each(batch, test)

        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        return pytest.mark.parametrize("batch", batches, ids=lambda batch: _named(batch[0]))(run)

    return decorate


def for_all(
    *axes: tuple[str | tuple[str, ...], Iterable[Any]],
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Run a test with every combination of some arguments, all in one run; see `for_each`.

    Args:
        axes: the name of an argument with its values, or the names of several with tuples of theirs.
    """
    named = [[_arguments(names, values) for values in every] for names, every in axes]
    cases = [{name: value for some in chosen for name, value in some.items()} for chosen in product(*named)]

    def decorate(test: Callable[..., None]) -> Callable[[], None]:
        def run() -> None:
            run_each(cases, lambda case: test(**case))

        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        return run

    return decorate


def _arguments(names: str | tuple[str, ...], values: Any) -> dict[str, Any]:
    return {names: values} if isinstance(names, str) else dict(zip(names, values, strict=True))
