"""What a request is signed with, if that is more than one text."""

from __future__ import annotations

from typing import NoReturn, TypeAlias, final

from sansio.errors import ConfigError
from sansio.http.syntax import is_header_value


@final
class Credentials:
    """AWS credentials. Frozen; the secret parts are in no repr, and cannot be pickled, copied or encoded.

    Args:
        access_key_id: names the key; it is sent with each request.
        secret_access_key: signs requests, and is never sent.
        session_token: the token of temporary credentials, sent with each request; `None` for permanent ones.

    Raises:
        ConfigError: a part is blank, or a header cannot hold it. It is named, and never shown.

    Example:
        >>> Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        Credentials(access_key_id='AKIDEXAMPLE')
    """

    __slots__ = ("_access_key_id", "_secret_access_key", "_session_token")

    _access_key_id: str
    _secret_access_key: str
    _session_token: str | None

    def __init__(self, access_key_id: str, secret_access_key: str, session_token: str | None = None) -> None:
        given = {"access_key_id": access_key_id, "secret_access_key": secret_access_key}
        if session_token is not None:
            given["session_token"] = session_token
        del (
            access_key_id,
            secret_access_key,
            session_token,
        )  # a traceback that shows locals must not show them
        unusable = [
            name for name, value in given.items()
            if not isinstance(value, str) or not value.strip() or not is_header_value(value)
        ]  # fmt: skip
        if unusable:
            del given
            raise ConfigError(
                f"api_key: the {unusable[0]} of the credentials must be text that is not blank and has "
                "neither line breaks nor spaces at its ends",
                field="api_key",
            )
        object.__setattr__(self, "_access_key_id", given["access_key_id"])
        object.__setattr__(self, "_secret_access_key", given["secret_access_key"])
        object.__setattr__(self, "_session_token", given.get("session_token"))

    @property
    def access_key_id(self) -> str:
        """The name of the key."""
        return self._access_key_id

    @property
    def secret_access_key(self) -> str:
        """What requests are signed with. Pass it on directly: tracebacks show the values of variables."""
        return self._secret_access_key

    @property
    def session_token(self) -> str | None:
        """The token of temporary credentials. Pass it on directly, as the secret."""
        return self._session_token

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[str, str, str | None]:
        return self._access_key_id, self._secret_access_key, self._session_token

    def __repr__(self) -> str:
        # A traceback that shows locals may call this before `__init__` has finished.
        return f"Credentials(access_key_id={getattr(self, '_access_key_id', None)!r})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name}: Credentials are frozen; make others")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name}: Credentials are frozen; make others")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Credentials hold secrets and cannot be pickled or copied")


Key: TypeAlias = str | Credentials
"""What a request is signed with: the API key, or AWS credentials."""
