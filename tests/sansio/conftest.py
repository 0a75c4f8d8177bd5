"""What holds in every test of the core."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import wraps
from typing import Any

import pytest

from sansio import ConfigError, Prepared, Provider, ProviderError
from sansio.testing import Failure
from sansio.testing.failures import Refused


@pytest.fixture(autouse=True, scope="module")
def every_error_says_what_and_where() -> Iterator[None]:
    """No error that the library makes is without words, and its `index` and `field` are those that it names.

    Nor is anything left out of a request without a reason.

    In each file of the core's tests, since each of them meets other errors, and in no others.
    """
    made, refused, prepared = ProviderError.__init__, Refused.__init__, Provider.prepare

    def error(self: ProviderError, *args: object, **fields: object) -> None:
        made(self, *args, **fields)  # type: ignore[arg-type]  # it has the fields of its own signature
        by = sys._getframe(1).f_globals["__name__"]
        if by.startswith("sansio.") and by != "sansio.errors":  # which copies those of tests, too
            check(self)

    def refusal(self: Refused, failure: Failure) -> None:
        refused(self, failure)
        assert failure.message.strip(" .:;"), "a refusal without words"

    @wraps(prepared)
    def prepare(*args: Any, **options: Any) -> Prepared:
        found = prepared(*args, **options)
        for left in found.left_out:
            assert left.why.strip(" .:;"), f"{left.what} is left out without a reason"
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProviderError, "__init__", error)
        patch.setattr(Refused, "__init__", refusal)
        patch.setattr(Provider, "prepare", prepare)
        yield


def check(error: ProviderError) -> None:
    """See above."""
    assert isinstance(error.args[0], str)
    assert error.message.strip(" .:;"), f"a {type(error).__name__} without words"
    if named := re.match(r"(?:message |messages\.|input\[)(\d+)", error.message):
        assert error.index == int(named[1]), f"{error.message}: its index is {error.index}"
    if isinstance(error, ConfigError) and re.match(r"[a-z_.]+: ", error.message):
        assert error.message.startswith(f"{error.field}: "), f"{error.message}: {error.field}"
