"""A key that goes to the workers."""

from __future__ import annotations

from transports.driving.keys import Secret


class PassedKey:
    """A key for workers that do not have it in their environment.

    No text of it shows the key: neither its repr nor what Ray writes of a stage's arguments. Ray keeps the
    arguments in its object store, where whoever may use the cluster can read them.

    Args:
        key: the key.

    Raises:
        ConfigError: it is not a text, or is blank.
    """

    __slots__ = ("_secret",)

    def __init__(self, key: str) -> None:
        self._secret = Secret(key)

    def __call__(self) -> str:
        return self._secret.reveal()

    def __reduce__(self) -> tuple[type[PassedKey], tuple[str]]:
        return PassedKey, (self._secret.reveal(),)

    def __repr__(self) -> str:
        return "PassedKey('***')"
