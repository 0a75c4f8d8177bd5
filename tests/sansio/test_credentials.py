"""AWS credentials: frozen, and their secret parts are nowhere to be seen."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import msgspec
import pytest

from sansio import ConfigError, Credentials
from tests.support import frame_locals

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session-token-of-an-hour"
KEYS = Credentials("AKIDEXAMPLE", SECRET, TOKEN)


def test_the_parts_are_there_and_in_no_representation() -> None:
    assert (KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token) == ("AKIDEXAMPLE", SECRET, TOKEN)
    for shown in (repr(KEYS), str(KEYS), f"{[KEYS]}"):
        assert "AKIDEXAMPLE" in shown
        assert SECRET not in shown
        assert TOKEN not in shown
    assert Credentials("a", "b").session_token is None


def test_they_are_frozen_and_compare_by_their_parts() -> None:
    given: Any = KEYS
    with pytest.raises(AttributeError, match="frozen"):
        given.access_key_id = "x"
    with pytest.raises(AttributeError, match="frozen"):
        del given.session_token
    assert Credentials("AKIDEXAMPLE", SECRET, TOKEN) == KEYS
    assert len({Credentials("AKIDEXAMPLE", SECRET, TOKEN), KEYS, Credentials("a", "b")}) == 2
    assert given != "AKIDEXAMPLE"
    for part in range(3):
        parts = ["AKIDEXAMPLE", SECRET, TOKEN]
        parts[part] = "other"
        assert Credentials(*parts) != KEYS
    assert repr(KEYS) == "Credentials(access_key_id='AKIDEXAMPLE')"
    assert repr(object.__new__(Credentials)) == "Credentials(access_key_id=None)"


class Same:
    """Equal to anything, if it is asked."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # it is equal to different things


def test_what_is_equal_to_them_is_for_the_other_to_say() -> None:
    same: object = Same()
    assert same == KEYS
    assert same == KEYS


def test_they_cannot_be_copied_pickled_or_encoded() -> None:
    for leave in (copy.copy, copy.deepcopy, pickle.dumps, msgspec.json.encode):
        with pytest.raises(TypeError) as caught:
            leave(KEYS)
        assert leave is msgspec.json.encode or "secrets" in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("", SECRET, None), "access_key_id"),
        (("AKID", " ", None), "secret_access_key"),
        (("AKID", SECRET, "a\nb-token"), "session_token"),
        (("AKID", 5, None), "secret_access_key"),
        (("", "", ""), "access_key_id of"),
    ],
)
def test_a_part_that_cannot_be_used_is_named_and_not_shown(parts: tuple[Any, ...], name: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        Credentials(*parts)
    assert caught.value.field == "api_key"
    shown = "".join(traceback.format_exception_only(caught.value)) + frame_locals(caught.value)
    assert SECRET not in shown
    assert "a\\nb-token" not in shown
