"""What holds in every test of the core."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from sansio import ConfigError, ProviderError
from sansio.testing import Failure
from sansio.testing.failures import Refused


@pytest.fixture(autouse=True, scope="session")
def every_error_says_what_and_where() -> Iterator[None]:
    """No error that the library makes is without words, and its `index` and `field` are those that it names.

    In all tests, since each of them meets other errors.
    """
    made, refused = ProviderError.__init__, Refused.__init__

    def error(self: ProviderError, *args: object, **fields: object) -> None:
        made(self, *args, **fields)  # type: ignore[arg-type]  # it has the fields of its own signature
        by = sys._getframe(1).f_globals["__name__"]
        if by.startswith("sansio.") and by != "sansio.errors":  # which copies those of tests, too
            check(self)

    def refusal(self: Refused, failure: Failure) -> None:
        refused(self, failure)
        assert failure.message.strip(" .:;"), "a refusal without words"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProviderError, "__init__", error)
        patch.setattr(Refused, "__init__", refusal)
        yield


def check(error: ProviderError) -> None:
    """See above."""
    assert isinstance(error.args[0], str)
    assert error.message.strip(" .:;"), f"a {type(error).__name__} without words"
    if named := re.match(r"(?:message |messages\.|input\[)(\d+)", error.message):
        assert error.index == int(named[1]), f"{error.message}: its index is {error.index}"
    if isinstance(error, ConfigError) and re.match(r"[a-z_.]+: ", error.message):
        assert error.message.startswith(f"{error.field}: "), f"{error.message}: {error.field}"
