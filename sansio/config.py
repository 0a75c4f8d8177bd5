"""What a provider is: its type, address, key variable and clocks, each with its default.

The defaults of `limits` and of the retries are in `sansio.limits` and `sansio.retry`, since the machines that
use them do not know a config.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Any, ClassVar, Self

import msgspec
from msgspec import structs

from sansio.defaults import AuthMethod, ProviderDefaults
from sansio.errors import ConfigError
from sansio.http.syntax import is_header_value, is_token, is_visible
from sansio.limits import DEFAULT_LIMITS, Limits
from sansio.profiles import BUILT_IN
from sansio.retry import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_RETRY_AFTER
from sansio.timeouts import Timeouts

_DOTS = re.compile(r"/(?:\.|%2[eE]){1,2}(?:/|$)")
"""A dot segment (RFC 3986, section 3.3), also percent-encoded."""


_REGION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""A region's name. It becomes part of the host, so no other characters are allowed."""

PROVIDER_DEFAULTS: dict[str, ProviderDefaults] = dict(BUILT_IN)
"""The defaults of each provider type, by its name; `register_provider` adds to it.

OpenRouter's default model is retired: xAI retired `grok-code-fast-1` on 15 May 2026, and answers requests
for that name with grok-4.3 at the price of grok-4.3 (xAI, "Grok Model Retirement on May 15, 2026"). The
default stays because existing configs without a model rely on it; name another model in new ones. The other
types have no default model.
"""

ERROR_BODY_SECONDS = 5.0
"""The most seconds for which a driver reads the body of an error status: the status decides the outcome."""

_BY_TYPE: Any = msgspec.UNSET  # Any, so that a field left out may be declared with the type it will have

# The library itself frames the request and keeps the connection: a value set by hand could contradict it.
_FRAMING_HEADERS = frozenset(
    (
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "accept-encoding",
        # RFC 9110, sections 7.6.1 and 10.1: these describe one connection, or make the server wait for more.
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
    )
)
_KEY_HEADERS = frozenset(method.header for method in AuthMethod if method.header is not None)
"""Refused for every type: a second key beside the right one is mostly a mistake, and the values of extra
headers are neither checked as keys nor masked in errors."""


@dataclass(frozen=True, kw_only=True)
class ProviderConfig:
    """Everything about a provider but its key. Frozen; checked when it is made.

    Args:
        type: a provider type: one of `PROVIDER_DEFAULTS`, which includes registered types.
        api: the wire family to use, such as `"chat"` or `"messages"`. Default: the type's.
        api_key_env: the environment variable that holds the key. Default: the type's; see `key_variables`.
        model: model id. Default: the type's; on azure, the deployment names the model. Only openrouter has a
            default model, `x-ai/grok-code-fast-1`, and that is retired: see `PROVIDER_DEFAULTS`.
        base_url: the API's address. Default: the type's; azure has none.
        context_window: the number of tokens to which `fit_context` shortens a conversation (default:
            131,072).
        reasoning: ask for extended thinking (default: False).
        auth_method: how the key is sent. Default: the type's.
        extra_headers: headers sent with each request; their values never appear in a repr.
        api_version: Azure's version, such as `"2024-10-21"`, not used on its v1 surface; or, with the apis
            `messages` and `invoke`, Anthropic's version, which is `"2023-06-01"` by default and may be
            `"2026-10-21"`.
        deployment: Azure's deployment name.
        region: where AWS runs the provider, such as `"eu-west-1"`; it takes the place of `{region}` in the
            type's base URL, and is signed. `create_provider` reads it from `region_variables`, if left out.
        allow_http: allow the key to be sent over plain http to a host that is not this machine.
        connect_timeout: seconds to connect, TLS included (default: 10); `None` waits indefinitely, here and
            below.
        write_timeout: seconds in which the provider must accept some more bytes while the request is sent
            (default: 60). The whole upload of a large request over a slow line may take longer.
        read_timeout: seconds to receive the complete response head, then each further byte (default: 600).
        event_timeout: seconds in which a stream sends bytes but its answer does not advance; comments and
            pings do not count (default: 300).
        first_event_timeout: the same until the first event, for models that think for a long time. Default:
            the value of `event_timeout`.
        total_timeout: seconds for the whole call, including its retries and the consumer's own time. Default:
            `None`.
        max_attempts: how often a request is sent at most (default: 3).
        max_retry_after: seconds (default: 60); if the provider asks for a longer wait, the call fails
            immediately.
        limits: how much data is accepted from the peer. A mapping gives the limits that differ from the
            defaults, such as `{"max_answer_bytes": 1_000_000}`.

    Raises:
        ConfigError: a field is unknown or missing, or its value cannot work. The error's `field` names it,
            such as `limits.max_answer_bytes`.

    Example:
        `ProviderConfig(type="anthropic", model="claude-sonnet-5-5")` is complete. Models retire:
        `claude-sonnet-4-20250514` is not on Anthropic's list of November 2026.
    """

    type: str = "openrouter"
    api: str = _BY_TYPE
    api_key_env: str | None = _BY_TYPE
    model: str | None = _BY_TYPE
    base_url: str = _BY_TYPE
    context_window: int = 131_072
    reasoning: bool = False
    auth_method: AuthMethod = _BY_TYPE
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    api_version: str | None = None
    deployment: str | None = None
    region: str | None = None
    allow_http: bool = False
    connect_timeout: float | None = 10.0
    write_timeout: float | None = 60.0
    read_timeout: float | None = 600.0
    event_timeout: float | None = 300.0
    first_event_timeout: float | None = _BY_TYPE
    total_timeout: float | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    max_retry_after: float = DEFAULT_MAX_RETRY_AFTER
    limits: Limits = DEFAULT_LIMITS

    _given: ClassVar[frozenset[str]] = frozenset()

    def __new__(cls, /, *_args: object, **given: object) -> Self:
        _refuse_misplaced(given)
        _refuse_unknown(given, (f.name for f in fields(cls)))
        config = super().__new__(cls)
        # The fields that the user gave: all others follow the type, also after `replace(type=...)`.
        _set(config, "_given", frozenset(name for name in given if given[name] is not _BY_TYPE))
        return config

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """Make a config from a mapping, such as a parsed settings file.

        Args:
            data: the fields by name, or `{"provider": {...}}` with the fields inside.

        Raises:
            ConfigError: as for the constructor.

        Example:
            >>> ProviderConfig.from_dict({"provider": {"type": "openai", "model": "gpt-5.4"}}).model
            'gpt-5.4'
        """
        inner = data.get("provider", data) if isinstance(data, Mapping) else data
        if isinstance(inner, str):  # the text is shown only if it is a type: it may be a key
            named = inner if inner in PROVIDER_DEFAULTS else "openai"
            raise ConfigError(
                "the config must be a JSON object or a mapping of fields, not a str; write "
                f'ProviderConfig(type="{named}", model="..."), or ProviderConfig.from_json(text)'
            )
        if not isinstance(inner, Mapping):
            raise ConfigError(
                f"the config must be a JSON object or a mapping of fields, not {type(inner).__name__}"
            )
        return cls(**{str(name): value for name, value in inner.items()})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Make a config from JSON text.

        Args:
            text: a JSON object of one of the forms that `from_dict` takes.

        Raises:
            ConfigError: the text is not JSON; or as for the constructor.
        """
        try:
            data = msgspec.json.decode(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"the configuration is not valid JSON: {error}") from None
        return cls.from_dict(data)

    def replace(self, **changes: Any) -> Self:
        """The same config with other values for some fields.

        Args:
            **changes: fields by name. Fields that were left out when this config was made still follow the
                type, so that another `type` brings its own address and key variable. Any: the fields have
                many types, and are checked.

        Raises:
            ConfigError: as for the constructor.

        Example:
            >>> ProviderConfig(type="openai", model="gpt-5.4").replace(read_timeout=3).read_timeout
            3.0
        """
        return type(self)(**{name: getattr(self, name) for name in self._given} | changes)

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables that may hold the key; the first one that is set counts.

        There are two if the config leaves out `api_key_env` and the type has two usual names; else one or
        none.
        """
        defaults = PROVIDER_DEFAULTS.get(self.type)
        too = defaults.api_key_env_too if defaults and "api_key_env" not in self._given else None
        return tuple(name for name in (self.api_key_env, too) if name is not None)

    @property
    def credential_variables(self) -> tuple[str, str, str] | None:
        """The environment variables of AWS's key id, secret and session token, which are read if no
        variable of `key_variables` is set. `None` if the config names a key variable, or the type has
        none."""
        defaults = PROVIDER_DEFAULTS.get(self.type)
        return None if defaults is None or "api_key_env" in self._given else defaults.credentials_env

    @property
    def region_variables(self) -> tuple[str, ...]:
        """The environment variables that may hold the region; none if the config has it, or needs none."""
        defaults = PROVIDER_DEFAULTS.get(self.type)
        return () if defaults is None or self.region is not None else defaults.region_env

    def timeouts(self, **given: float | None) -> Timeouts:
        """The clocks of a call: those of the config, replaced by those that the call gives.

        Args:
            **given: seconds by the name of the config's field; `None` switches a clock off.
        """
        event = given.get("event_timeout", self.event_timeout)
        follows = "first_event_timeout" not in self._given
        return Timeouts(
            connect=given.get("connect_timeout", self.connect_timeout),
            write=given.get("write_timeout", self.write_timeout),
            read=given.get("read_timeout", self.read_timeout),
            event=event,
            first_event=given.get("first_event_timeout", event if follows else self.first_event_timeout),
            total=given.get("total_timeout", self.total_timeout),
        )

    def __post_init__(self) -> None:
        defaults = PROVIDER_DEFAULTS.get(self.type) if isinstance(self.type, str) else None
        if defaults is None:
            allowed = ", ".join(PROVIDER_DEFAULTS)
            raise ConfigError(f"type: {self.type!r} is unknown; use one of {allowed}", field="type")
        _set(self, "api", check_api(self.type, defaults, None if self.api is _BY_TYPE else self.api))
        defaults = defaults.of(self.api)
        self._fill(defaults)
        _set(self, "limits", _convert_limits(self.limits))
        for f in fields(self):
            _set(self, f.name, _convert(f.name, _TYPES[str(f.type)], getattr(self, f.name)))
        _set(self, "base_url", self.base_url.rstrip("/"))
        self._check_numbers()
        self._check_model(defaults)
        check_headers(self.extra_headers)
        check_url(self.base_url, self.auth_method is not AuthMethod.NONE and not self.allow_http)
        if defaults.check is not None:
            _loaded(defaults.check)(self)

    def _fill(self, defaults: ProviderDefaults) -> None:
        """Fill in the fields that the user left out from the type's defaults."""
        if self.auth_method is _BY_TYPE:
            # If the user names a key variable for a server that needs no key, a key is to be sent.
            keyless = defaults.auth_method is AuthMethod.NONE
            sends = keyless and self.api_key_env is not _BY_TYPE and self.api_key_env is not None
            _set(self, "auth_method", AuthMethod.BEARER if sends else defaults.auth_method)
        if self.first_event_timeout is _BY_TYPE:
            _set(self, "first_event_timeout", self.event_timeout)
        if self.api_key_env is _BY_TYPE:
            _set(self, "api_key_env", defaults.api_key_env)
        if self.model is _BY_TYPE:
            _set(self, "model", defaults.model)
        if self.base_url is _BY_TYPE:
            if defaults.base_url is None:
                such = f", such as {defaults.example_url}" if defaults.example_url else ""
                raise ConfigError(
                    f"base_url: {self.type}/{self.api} has no default; give the server's address{such}",
                    field="base_url",
                )
            _set(self, "base_url", self._in_region(defaults.base_url))

    def _in_region(self, base_url: str) -> str:
        """A type's base URL with the region; `{region}` stays in it if the region is not known yet."""
        if not isinstance(self.region, str):
            return base_url
        if not _REGION.fullmatch(self.region):
            raise ConfigError(
                f"region: {self.region!r} is not a region's name; write one such as 'us-east-1'",
                field="region",
            )
        return base_url.replace("{region}", self.region)

    def _check_numbers(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                _check_number(f.name, value)

    def _check_model(self, defaults: ProviderDefaults) -> None:
        if self.model is None and defaults.needs_model:
            raise ConfigError(f"model: {self.type} has no default; name the model to use", field="model")
        for name in ("model", "api_key_env", "deployment", "api_version", "region"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise ConfigError(f"{name}: must not be blank; leave it out to take the default", field=name)
            if value is not None and not value.isprintable():
                raise ConfigError(f"{name}: {value!r} has a character that cannot be printed", field=name)

    def __repr__(self) -> str:
        shown = []
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("type", "model", "base_url") or (f.default is not _BY_TYPE and value != f.default):
                shown.append(f"{f.name}={value!r}" if f.name != "extra_headers" else _header_names(value))
        return f"ProviderConfig({', '.join(text for text in shown if text)})"


def check_api(name: str, defaults: ProviderDefaults, api: object) -> str:
    """The wire family of a config: the one that it names, or the type's default.

    Raises:
        ConfigError: the type does not have this wire family.
    """
    chosen = api or defaults.api or defaults.apis[0]
    if not isinstance(chosen, str) or chosen not in defaults.apis:
        known = ", ".join(defaults.apis)
        raise ConfigError(f"api: {name} has no api {chosen!r}; use one of {known}", field="api")
    return chosen


def _loaded(check: str | Callable[[ProviderConfig], None]) -> Callable[[ProviderConfig], None]:
    if not isinstance(check, str):
        return check
    module, _, name = check.partition(":")
    found: Callable[[ProviderConfig], None] = getattr(import_module(module), name)
    return found


def _set(config: ProviderConfig, name: str, value: object) -> None:
    object.__setattr__(config, name, value)


def _header_names(headers: Mapping[str, str]) -> str:
    return f"extra_headers=<{', '.join(headers)}>" if headers else ""


_MISPLACED = {
    "api_key": "a config holds no key; name its variable in api_key_env, or pass api_key to create_provider",
    "timeout": "there are six clocks: connect_timeout, write_timeout, read_timeout, event_timeout, "
    "first_event_timeout and total_timeout",
}
"""Names that users often try, and what to write instead."""


def _refuse_misplaced(given: Iterable[str]) -> None:
    for name in given:
        if name in _MISPLACED:
            raise ConfigError(f"{name}: no such field in ProviderConfig; {_MISPLACED[name]}", field=name)


def _refuse_unknown(given: Iterable[str], known: Iterable[str], within: str = "") -> None:
    """Refuse a name that is not known.

    Args:
        within: the field that holds the names; empty for the config itself.
    """
    allowed = list(known)
    for name in given:
        if name not in allowed:
            from difflib import get_close_matches  # late: only an error needs it

            near = get_close_matches(str(name), allowed, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            path = f"{within}.{name}" if within else name
            raise ConfigError(
                f"{path}: no such field in {within or 'ProviderConfig'}; {hint}"
                f"allowed are {', '.join(allowed)}",
                field=path,
            )


_TYPES: dict[str, Any] = {  # Any: msgspec.convert takes types and unions alike
    "str": str,
    "str | None": str | None,
    "int": int,
    "float": float,
    "float | None": float | None,
    "bool": bool,
    "AuthMethod": AuthMethod,
    "Mapping[str, str]": dict[str, str],
    "Limits": Limits,
}


def _convert(name: str, kind: Any, value: object) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        allowed = f"; use one of {', '.join(AuthMethod)}" if kind is AuthMethod else ""
        shown = "" if name == "extra_headers" else f"{value!r} is not valid: "
        raise ConfigError(f"{name}: {shown}{error}{allowed}", field=name) from None


def _check_number(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        off = "; None switches the clock off" if name.endswith("_timeout") else ""
        raise ConfigError(f"{name}: {value!r} must be greater than 0 and finite{off}", field=name)


def _convert_limits(given: object) -> Limits:
    """Limits from a mapping or from `Limits`; each value is checked, since `Limits` itself checks nothing."""
    if given is DEFAULT_LIMITS:
        return DEFAULT_LIMITS
    values = structs.asdict(given) if isinstance(given, Limits) else given
    if not isinstance(values, Mapping):
        raise ConfigError(f"limits: {given!r} is neither a mapping nor a Limits", field="limits")
    _refuse_unknown(values, Limits.__struct_fields__, "limits")
    limits: dict[str, Any] = {}  # Any: `_convert` returns the type that it was asked for
    for name, value in values.items():
        path = f"limits.{name}"
        limits[name] = _convert(path, int, value)
        _check_number(path, limits[name])
    return Limits(**limits)


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse header names and values that could break the request's framing, or that carry a key.

    Raises:
        ConfigError: a header is not allowed. The message names the header, never its value.
    """
    for name, value in headers.items():
        if not isinstance(name, str) or not is_token(name):
            raise ConfigError(
                f"extra_headers: {name!r} is not a header name (letters, digits and - only)",
                field="extra_headers",
            )
        if not isinstance(value, str):
            raise ConfigError(
                f"extra_headers: the value of {name!r} must be a str, not {type(value).__name__}",
                field="extra_headers",
            )
        if not is_header_value(value):
            raise ConfigError(
                f"extra_headers: the value of {name!r} has a line break or a control character, a space at "
                "the beginning or end, or a character that is not Latin-1; remove it",
                field="extra_headers",
            )
        if name.lower() in _FRAMING_HEADERS:
            raise ConfigError(
                f"extra_headers: {name!r} is set by the library itself; remove it", field="extra_headers"
            )
        if name.lower() in _KEY_HEADERS:
            raise ConfigError(
                f"extra_headers: {name!r} carries a key; remove it, choose the header with auth_method "
                f"({', '.join(AuthMethod)}), and pass the key by api_key_env or api_key",
                field="extra_headers",
            )


def check_url(url: str, keyed: bool, *, query: bool = False) -> None:
    """Refuse an address that cannot be called, or to which a key must not be sent.

    Args:
        url: the address.
        keyed: a key is sent and `allow_http` is off, so plain http is allowed to this machine only.
        query: whether the address may have a query.

    Raises:
        ConfigError: the address is not allowed; the message says what is.
    """
    from urllib.parse import urlsplit  # late: it would be the heaviest part of `import sansio`

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("base_url: invalid URL; check the host and the port", field="base_url") from None
    if "@" in (parts.netloc or url):
        raise ConfigError(
            "base_url: must not hold a user name or password; put keys into the environment", field="base_url"
        )
    if ("?" in url and not query) or "#" in url:  # the URL is not shown: some users put keys there
        raise ConfigError("base_url: must not have a query or a fragment", field="base_url")
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(
            f"base_url: {url!r} must begin with https:// or http:// and a host", field="base_url"
        )
    if not is_visible(url):
        raise ConfigError(
            f"base_url: {url!r} has a space, a control character or a letter beyond ASCII", field="base_url"
        )
    if _DOTS.search(parts.path):
        raise ConfigError(
            f"base_url: {url!r} has '.' or '..' as a part of its path, which servers and proxies interpret "
            "in different ways; write the path without it",
            field="base_url",
        )
    if port == 0:
        raise ConfigError(f"base_url: {url!r} has the port 0, which no server can have", field="base_url")
    if keyed and parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(
            f"base_url: {url!r} would send the key in plain text; use https, or allow_http=True "
            "if you control the network in between",
            field="base_url",
        )


def is_loopback(host: str) -> bool:
    """Whether a URL's host names this machine, without asking a resolver.

    A name below `localhost` does not count: RFC 6761 (section 6.3) reserves them for this machine, but many
    resolvers ask the network's name server for them.
    """
    if host in ("localhost", "::1"):
        return True
    octets = host.split(".")
    return len(octets) == 4 and octets[0] == "127" and all(o.isdecimal() and int(o) < 256 for o in octets)
