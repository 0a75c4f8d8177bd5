"""Texts that people read, compared word for word."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import pytest

from sansio import ProviderError

Deed: TypeAlias = Callable[[], object]


def is_said(text: str, said: str) -> bool:
    """Whether `said` is `text`, where `<why>` stands for whatever a library below says."""
    return re.fullmatch(re.escape(text).replace("<why>", ".+"), said) is not None


def refusal(text: str, deed: Deed) -> ProviderError:
    """The error that a deed raises, which says just that text."""
    with pytest.raises(ProviderError) as caught:
        deed()
    assert is_said(text, caught.value.message), caught.value.message
    assert str(caught.value) == caught.value.message
    return caught.value
