"""A key that is passed to the workers."""

from __future__ import annotations

from sansio import Credentials, Key
from transports.driving.keys import Secret


class PassedKey:
    """A key for workers that do not have it in their environment.

    No text of it shows the key: neither its repr nor what Ray writes of a stage's arguments. Ray keeps the
    arguments in its object store, where all users of the cluster can read them.

    Args:
        key: the key.

    Raises:
        ConfigError: it is neither text nor AWS credentials, or is blank.
    """

    __slots__ = ("_secret",)

    def __init__(self, key: Key) -> None:
        self._secret = Secret(key)

    def __call__(self) -> Key:
        return self._secret.reveal()

    def __reduce__(self) -> tuple[object, tuple[str | None, ...]]:
        key = self._secret.reveal()
        if isinstance(key, str):
            return PassedKey, (key,)
        return _signing, (key.access_key_id, key.secret_access_key, key.session_token)

    def __repr__(self) -> str:
        return "PassedKey('***')"


def _signing(access_key_id: str, secret_access_key: str, session_token: str | None) -> PassedKey:
    """A key from the parts of AWS credentials, since the credentials themselves cannot be pickled."""
    return PassedKey(Credentials(access_key_id, secret_access_key, session_token))
