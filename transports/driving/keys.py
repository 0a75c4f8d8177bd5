"""The source of the API key, and the wrapper that keeps it out of reprs, logs and tracebacks."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from inspect import iscoroutine
from typing import NoReturn, TypeAlias, TypeVar

from sansio import AuthMethod, ConfigError, Credentials, ProviderConfig, ProviderError, ResponseInfo
from sansio.credentials import Key
from sansio.errors import mask_cut
from sansio.jsontext import JSON, JSONObject

ApiKey: TypeAlias = Key | Callable[[], Key | Awaitable[Key]]
"""A key, or a callable that returns one. It is called once per attempt, for tokens that are refreshed."""

ErrorT = TypeVar("ErrorT", bound=ProviderError)

_SHORTEST_MASKED = 8  # characters; a shorter text may occur in an answer by chance
_MASK = "[key]"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class Secret:
    """Holds an API key; only `reveal()` returns it. It cannot be pickled or copied.

    Args:
        value: the key.

    Raises:
        ConfigError: it is neither text nor `Credentials`, or is blank.
    """

    __slots__ = ("_masked", "_value")

    def __init__(self, value: object) -> None:
        if isinstance(value, Credentials):
            self._value: Key = value
            self._masked = tuple([text for text in self._texts() if len(text) >= _SHORTEST_MASKED])
            return
        if not isinstance(value, str):
            raise ConfigError(
                f"api_key: must be a str, or return a str, not {type(value).__name__}", field="api_key"
            )
        if not value.strip():
            raise ConfigError("api_key: the key is blank; leave it out to read the variable", field="api_key")
        self._value = value
        self._masked = (value,) if len(value) >= _SHORTEST_MASKED else ()

    def reveal(self) -> Key:
        """The key. Pass it on directly: a name bound to it would show in a traceback's locals."""
        return self._value

    def clean(self, error: ErrorT) -> ErrorT:
        """A copy of the error with the key masked wherever a server echoed it; `partial` is unchanged."""
        for text in self._masked:
            error = error.replacing(text, _MASK)
        return error

    def clean_response(self, response: ResponseInfo) -> ResponseInfo:
        """The metadata of a response with the key masked, however short it is: headers are no prose."""
        for text in self._texts():
            response = response.replacing(text, _MASK)
        return response

    def _texts(self) -> tuple[str, ...]:
        """What is secret; the id of AWS credentials is in each request in the clear, and servers name it."""
        value = self._value
        if isinstance(value, str):
            return (value,)
        return tuple([text for text in (value.secret_access_key, value.session_token) if text is not None])

    def clean_text(self, text: str, *, cut: bool = False) -> str:
        """The text with the key masked.

        Args:
            cut: the text may have been cut inside the key (`sansio.errors.mask_cut`).
        """
        for value in self._masked:
            text = mask_cut(text, value, _MASK) if cut else text.replace(value, _MASK)
        return text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret holds an API key and cannot be pickled or copied")


def clean_json(value: JSONObject, secret: Secret | None, *, cut: bool = False) -> JSONObject:
    """A copy of a JSON object with the key masked in every string and name in it.

    Args:
        cut: see `Secret.clean_text`.
    """
    cleaned: JSONObject = {}
    # A list of the remaining values, since they may nest deeper than Python recurses.
    left: list[tuple[JSON, JSON]] = [(value, cleaned)]

    def clean(item: JSON) -> JSON:
        if isinstance(item, str):
            return item if secret is None else secret.clean_text(item, cut=cut)
        if not isinstance(item, (dict, list)):
            return item
        empty: JSON = {} if isinstance(item, dict) else []
        left.append((item, empty))
        return empty

    while left:
        given, copy = left.pop()
        if isinstance(given, dict) and isinstance(copy, dict):
            copy.update((str(clean(name)), clean(item)) for name, item in given.items())
        elif isinstance(given, list) and isinstance(copy, list):
            copy.extend(map(clean, given))
    return cleaned


class KeySource:
    """Returns the key of each attempt.

    Args:
        config: says whether a key is sent, and which environment variable holds it.
        api_key: a key, or a callable that returns one; `None` reads the variable for each attempt.
        environment: where the variable is read.
    """

    def __init__(
        self, config: ProviderConfig, api_key: ApiKey | None, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._config = config
        self._given: Secret | Callable[[], Key | Awaitable[Key]] | None = None
        if not (api_key is None or isinstance(api_key, str | Credentials) or callable(api_key)):
            raise ConfigError(
                f"api_key: must be a str or a callable that returns one, not {type(api_key).__name__}",
                field="api_key",
            )
        if config.auth_method is not AuthMethod.NONE:
            self._given = Secret(api_key) if isinstance(api_key, str | Credentials) else api_key
        self._environment = environment

    def ask(self) -> Secret | Awaitable[object] | None:
        """The key, an awaitable of it, or `None` if no key is sent.

        Raises:
            ConfigError: there is no key. The message names the environment variable to set.
        """
        if self._config.auth_method is AuthMethod.NONE:
            return None
        if self._given is None:
            return self._from_environment()
        if isinstance(self._given, Secret):
            return self._given
        return _wrap(self._given())

    def ask_now(self) -> Secret | None:
        """The key, for callers without an event loop.

        Raises:
            ConfigError: there is no key, or the callable is async.
        """
        given = self.ask()
        if given is None or isinstance(given, Secret):
            return given
        if iscoroutine(given):
            given.close()
        raise ConfigError(
            "api_key: an async callable needs the async provider; pass create_sync_provider a plain callable",
            field="api_key",
        )

    def _from_environment(self) -> Secret:
        names = self._config.key_variables
        parts = self._config.credential_variables
        if not (names or parts):
            raise ConfigError(
                "api_key_env: no environment variable is named; name one, or pass api_key",
                field="api_key_env",
            )
        for name in names:
            if value := self._environment.get(name, "").strip():
                return Secret(value)
        if parts:
            access, secret, token = (self._environment.get(name, "").strip() for name in parts)
            if access and secret:
                return Secret(Credentials(access, secret, token or None))
            if access or secret:
                missing = parts[0] if secret else parts[1]
                del access, secret, token  # a traceback that shows locals must not show them
                raise ConfigError(
                    f"api_key_env: the environment variable {missing} is not set or blank; it goes with "
                    f"{parts[1] if missing == parts[0] else parts[0]}",
                    field="api_key_env",
                )
            wrong = f"neither {' nor '.join(names)} nor {parts[0]} and {parts[1]} is set in the environment"
            right = "set the one or the others, or pass api_key, which may be Credentials"
        elif all(map(_VARIABLE.fullmatch, names)):
            wrong = f"the environment variable {' or '.join(names)} is not set or blank"
            right = f"set it to your {self._config.type} key, or pass api_key"
        else:  # the name is not shown: it may be the key itself, written there by mistake
            wrong = "there is no such environment variable"
            right = "pass the name of one, not the key itself"
        raise ConfigError(f"api_key_env: {wrong}; {right}", field="api_key_env")


def with_region(config: ProviderConfig, environment: Mapping[str, str] = os.environ) -> ProviderConfig:
    """The config with the region that the environment names, where it needs one and names none.

    Raises:
        ConfigError: the environment names none either, and nothing else says where the provider is. It names
            the variable to set.
    """
    names = config.region_variables
    for name in names:
        if value := environment.get(name, "").strip():
            return config.replace(region=value)
    if names and "{region}" in config.base_url:
        raise ConfigError(
            f"region: {config.type} needs one; set the environment variable {names[0]}, or give region, such "
            "as 'us-east-1'",
            field="region",
        )
    return config


def _wrap(given: Key | Awaitable[Key]) -> Secret | Awaitable[object]:
    return given if isinstance(given, Awaitable) else Secret(given)
