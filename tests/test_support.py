"""The helper that runs a test for many cases."""

from __future__ import annotations

import pytest

from tests.support import for_each


def test_every_case_runs_and_those_that_fail_are_named() -> None:
    seen: list[int] = []

    def is_even(number: int) -> None:
        seen.append(number)
        assert number % 2 == 0

    run = for_each(range(5))(is_even)
    with pytest.raises(ExceptionGroup) as caught:
        run([0, 1, 2, 3, 4])
    assert seen == [0, 1, 2, 3, 4]
    assert [error.__notes__ for error in caught.value.exceptions] == [["case: 1"], ["case: 3"]]
