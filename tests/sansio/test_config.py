"""The configuration: what is filled in, what is refused with which message, and what is never shown."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio.config import PROVIDER_DEFAULTS, ProviderConfig, check_headers, check_url, is_loopback
from sansio.defaults import AuthMethod
from sansio.errors import ConfigError
from sansio.http.syntax import is_header_value
from sansio.limits import Limits
from sansio.timeouts import Timeouts
from tests.support import for_all

TYPES = ["openrouter", "openai", "azure", "anthropic", "ollama", "vllm"]

USERS_EXAMPLES: list[dict[str, str]] = [
    {
        "type": "openrouter",
        "api_key_env": "OPENROUTER_API_KEY",
        "model": "anthropic/claude-sonnet-4",
    },
    {
        "type": "openai",
        "api_key_env": "OPENAI_API_KEY",
        "model": "gpt-4o",
        "base_url": "https://api.openai.com/v1",
    },
    {
        "type": "azure",
        "base_url": "https://my-resource.openai.azure.com",
        "api_key_env": "AZURE_OPENAI_KEY",
        "deployment": "gpt-4",
        "api_version": "2024-02-01",
    },
    {
        "type": "anthropic",
        "api_key_env": "ANTHROPIC_API_KEY",
        "model": "claude-sonnet-4-20250514",
        "base_url": "https://api.anthropic.com",
    },
    {"type": "ollama", "base_url": "http://localhost:11434/v1", "model": "llama3.2"},
    {"type": "vllm", "base_url": "http://localhost:8000/v1", "model": "meta-llama/Llama-3.2-8B-Instruct"},
]

NUMBERS = [
    field.name
    for field in dataclasses.fields(ProviderConfig)
    if field.type in ("int", "float", "float | None")
]
CLOCKS = [
    "connect_timeout",
    "write_timeout",
    "read_timeout",
    "event_timeout",
    "first_event_timeout",
    "total_timeout",
]


DEFAULTS: dict[str, object] = {
    "type": "openrouter",
    "api": "chat",
    "api_key_env": "OPENROUTER_API_KEY",
    "model": "x-ai/grok-code-fast-1",
    "base_url": "https://openrouter.ai/api/v1",
    "context_window": 131_072,
    "reasoning": False,
    "auth_method": AuthMethod.BEARER,
    "extra_headers": {},
    "api_version": None,
    "deployment": None,
    "region": None,
    "allow_http": False,
    "connect_timeout": 10.0,
    "write_timeout": 60.0,
    "read_timeout": 600.0,
    "event_timeout": 300.0,
    "first_event_timeout": 300.0,
    "total_timeout": None,
    "max_attempts": 3,
    "max_retry_after": 60.0,
    "limits": Limits(),
}


def refusal(**given: Any) -> ConfigError:
    """The refusal of a configuration, from keywords and from JSON alike."""
    with pytest.raises(ConfigError) as caught:
        ProviderConfig(**given)
    error = caught.value
    assert error.field is not None
    assert str(error).startswith(f"{error.field}: ")
    with pytest.raises(ConfigError, match=re.escape(str(error))):
        ProviderConfig.from_dict({"provider": given})
    return error


@pytest.mark.parametrize("example", USERS_EXAMPLES, ids=TYPES)
def test_the_users_examples_load_in_every_form(example: dict[str, str]) -> None:
    config = ProviderConfig(**example)  # type: ignore[arg-type]  # the values are text, as in the user's files
    for name, value in example.items():
        assert getattr(config, name) == value
    assert config.auth_method is PROVIDER_DEFAULTS[example["type"]].auth_method
    wrapped = {"provider": example}
    assert ProviderConfig.from_dict(example) == ProviderConfig.from_dict(wrapped) == config
    assert ProviderConfig.from_json(json.dumps(example)) == config
    assert ProviderConfig.from_json(json.dumps(wrapped).encode()) == config


@pytest.mark.parametrize(
    ("type", "base_url", "api_key_env", "auth"),
    [
        ("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "bearer"),
        ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "bearer"),
        ("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", "x-api-key"),
        ("ollama", "http://localhost:11434/v1", None, "none"),
        ("vllm", "http://localhost:8000/v1", None, "none"),
    ],
)
def test_a_type_and_a_model_are_whole(type: str, base_url: str, api_key_env: str | None, auth: str) -> None:
    config = ProviderConfig(type=type, model="m")
    assert (config.base_url, config.api_key_env, config.auth_method) == (base_url, api_key_env, auth)


def test_azure_has_its_own_key_variable_and_header() -> None:
    azure = ProviderConfig.from_dict({**AZURE, "deployment": "gpt-4", "api_version": "2024-10-21"})
    assert (azure.api_key_env, azure.auth_method) == ("AZURE_OPENAI_KEY", AuthMethod.API_KEY)


def test_nothing_at_all_is_openrouter() -> None:
    config = ProviderConfig()
    assert (config.type, config.model) == ("openrouter", "x-ai/grok-code-fast-1")
    assert config == ProviderConfig.from_dict({}) == ProviderConfig.from_json("{}")
    assert {field.name: getattr(config, field.name) for field in dataclasses.fields(config)} == DEFAULTS


@pytest.mark.parametrize(
    ("method", "header"),
    [("bearer", "authorization"), ("api-key", "api-key"), ("x-api-key", "x-api-key"), ("none", None)],
)
def test_each_auth_method_has_its_header(method: str, header: str | None) -> None:
    assert AuthMethod(method).header == header
    config = ProviderConfig.from_dict({"auth_method": method})
    assert config.auth_method is AuthMethod(method)


def test_a_key_variable_for_a_server_that_needs_no_key_is_sent() -> None:
    assert ProviderConfig(type="vllm", model="m", api_key_env="K").auth_method is AuthMethod.BEARER
    quiet = ProviderConfig(type="vllm", model="m", api_key_env="K", auth_method=AuthMethod.NONE)
    assert quiet.auth_method is AuthMethod.NONE


def test_an_unknown_field_is_named_with_what_is_allowed() -> None:
    error = refusal(api_key="sk-secret")
    assert error.field == "api_key"
    assert "api_key_env" in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("name", ["cls", "self", "", "Type", "_args"])
def test_any_unknown_name_is_a_config_error(name: str) -> None:
    with pytest.raises(ConfigError, match="no such field"):
        ProviderConfig.from_dict({name: 1})


def test_an_unknown_type_is_named_with_what_is_allowed() -> None:
    error = refusal(type="openia")
    assert error.field == "type"
    assert "'openia'" in str(error)
    for type in TYPES:
        assert type in str(error)


def test_an_unknown_auth_method_is_named_with_what_is_allowed() -> None:
    error = refusal(auth_method="basic")
    assert error.field == "auth_method"
    for method in AuthMethod:
        assert method.value in str(error)


def test_the_auth_methods_are_listed_only_if_one_is_wrong() -> None:
    assert "use one of bearer" not in str(refusal(max_attempts="x"))


@pytest.mark.parametrize("type", ["openai", "anthropic", "ollama", "vllm"])
def test_an_api_that_the_type_does_not_speak_is_named_with_those_that_it_does(type: str) -> None:
    error = refusal(type=type, model="m", api="nope")
    assert error.field == "api"
    assert PROVIDER_DEFAULTS[type].apis[0] in str(error)


@pytest.mark.parametrize("type", ["openai", "anthropic", "ollama", "vllm"])
def test_a_missing_model_is_an_error_if_the_type_has_no_default(type: str) -> None:
    assert refusal(type=type).field == "model"
    assert refusal(type=type, model=None).field == "model"
    for blank in ("", " \t"):
        assert refusal(type=type, model=blank).field == "model"


AZURE = {"type": "azure", "base_url": "https://r.openai.azure.com"}


def test_azure_needs_an_address_a_deployment_and_a_version_on_its_classic_surface() -> None:
    error = refusal(type="azure", deployment="d", api_version="v")
    assert (error.field, "https://" in str(error)) == ("base_url", True)
    error = refusal(**AZURE, api_version="2024-10-21")
    assert (error.field, "/openai/v1" in str(error)) == ("deployment", True)
    error = refusal(**AZURE, deployment="gpt-4")
    assert (error.field, "2024-10-21" in str(error)) == ("api_version", True)
    config = ProviderConfig.from_dict({**AZURE, "deployment": "gpt-4", "api_version": "2024-10-21"})
    assert config.model is None


@pytest.mark.parametrize("name", ["model", "deployment"])
def test_azures_v1_surface_needs_only_a_name(name: str) -> None:
    base_url = "https://r.openai.azure.com/openai/v1/"
    assert refusal(type="azure", base_url=base_url).field == "model"
    config = ProviderConfig.from_dict({"type": "azure", "base_url": base_url, name: "gpt-4"})
    assert getattr(config, name) == "gpt-4"


@for_all(
    (
        ("base_url", "word"),
        [
            ("api.openai.com/v1", "https://"),
            ("localhost:8000", "https://"),
            ("ftp://host/v1", "https://"),
            ("https://", "host"),
            ("https:///v1", "host"),
            ("https://:443/v1", "host"),
            ("", "https://"),
            ("https://host:port/v1", "port"),
            ("https://host:99999/v1", "port"),
            ("https://host:0/v1", "port"),
            ("https://[::1/v1", "host"),
            ("https://ho st/v1", "space"),
            ("https://host/v1\r\nX: y", "control"),
            ("https://host\n/v1", "control"),
            ("https://höst/v1", "ASCII"),
            ("https://host/v1?key=sk-secret", "query"),
            ("https://host/v1?", "query"),
            ("https://host/v1#part", "fragment"),
            ("https://host/v1#", "fragment"),
            ("https://user:sk-secret@host/v1", "password"),
            ("user:sk-secret@host/v1", "password"),
            ("https://@host/v1", "password"),
            ("https://host/..", "'..'"),
            ("https://host/a/../v1", "'..'"),
            ("https://host/./v1", "'.'"),
            ("https://host/%2e%2E/v1", "'..'"),
            ("https://host/v1/%2E", "'..'"),
            ("https://host/.%2e", "'..'"),
        ],
    )
)
def test_an_address_that_cannot_be_called_is_refused_without_its_secrets(base_url: str, word: str) -> None:
    error = refusal(base_url=base_url)
    assert error.field == "base_url"
    assert word in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://host/..x/.y/z..",
        "https://host/.../v1",
        "https://host/a.%2E/..%2f",
        "https://host",
        "HTTPS://Host:8443/a/b",
        "https://[::1]:8000/v1",
        "http://127.0.0.1",
    ],
)
def test_slashes_at_the_end_of_an_address_do_not_count(base_url: str) -> None:
    assert ProviderConfig(base_url=base_url).base_url == base_url
    assert ProviderConfig(base_url=base_url + "//").base_url == base_url


LOCAL = ["localhost", "LocalHost", "127.0.0.1", "127.255.0.9", "[::1]"]
REMOTE = ["192.168.0.1", "example.com", "localhost.example.com", "127.0.0.1.example.com", "127.0.0.256",
          "128.0.0.1", "[::2]", "notlocalhost", "0.0.0.0", "localhost.", "127.0.0", "127.0.0.1.1",
          "127.0.0.x", "127.0.0.", "api.localhost"]  # fmt: skip


@pytest.mark.parametrize("host", LOCAL)
def test_plain_http_may_carry_a_key_to_this_machine(host: str) -> None:
    assert ProviderConfig(base_url=f"http://{host}:8000/v1").auth_method is AuthMethod.BEARER


@pytest.mark.parametrize("host", REMOTE)
def test_plain_http_may_not_carry_a_key_to_another_unless_allowed(host: str) -> None:
    base_url = f"http://{host}:8000/v1"
    error = refusal(base_url=base_url)
    assert (error.field, "allow_http" in str(error)) == ("base_url", True)
    assert refusal(type="vllm", model="m", base_url=base_url, api_key_env="K").field == "base_url"
    assert ProviderConfig(base_url=base_url, allow_http=True)
    assert ProviderConfig(type="vllm", model="m", base_url=base_url).auth_method is AuthMethod.NONE
    assert not is_loopback(host)


BREAKING = ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "a\x7f", "€", " a", "a ", "\ta", "\ud800"]


@pytest.mark.parametrize("value", BREAKING)
def test_a_header_value_that_could_break_the_framing_is_refused_and_not_shown(value: str) -> None:
    error = refusal(extra_headers={"X-Secret": value + "sk-secret" + value})
    assert (error.field, "X-Secret" in str(error)) == ("extra_headers", True)
    assert "sk-secret" not in str(error)
    assert not is_header_value(value)


def test_a_header_name_has_the_characters_of_a_token_and_no_others() -> None:
    """RFC 9110, section 5.6.2."""
    for char in map(chr, range(0x101)):
        if char in string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~":
            assert ProviderConfig(extra_headers={f"X{char}": "1"}).extra_headers
        else:
            assert refusal(extra_headers={f"X{char}": "1"}).field == "extra_headers"


@pytest.mark.parametrize("value", ["x-key: sk-secret", ["sk-secret"], {"x-key": ["sk-secret"]}])
def test_headers_of_a_wrong_type_are_not_shown(value: object) -> None:
    error = refusal(extra_headers=value)
    assert error.field == "extra_headers"
    assert "sk-secret" not in str(error)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é", "(a)", "a\0"])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    assert refusal(extra_headers={name: "x"}).field == "extra_headers"


FRAMING = ["Host", "content-length", "Content-Type", "Transfer-Encoding", "Connection", "accept-encoding"]
OF_A_CONNECTION = ["Keep-Alive", "proxy-connection", "TE", "Trailer", "Upgrade", "Expect"]


@pytest.mark.parametrize("name", [*FRAMING, *OF_A_CONNECTION])
def test_a_header_of_the_librarys_own_is_refused(name: str) -> None:
    error = refusal(extra_headers={name: "x"})
    assert (error.field, repr(name) in str(error)) == ("extra_headers", True)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", ["Authorization", "api-key", "X-API-Key"])
def test_a_header_that_carries_a_key_is_refused_for_every_type_and_not_shown(kind: str, name: str) -> None:
    given = {"type": kind, "model": "m", "base_url": "https://r.example.com"}
    error = refusal(**given, extra_headers={name: "sk-secret"})
    assert (error.field, repr(name) in str(error)) == ("extra_headers", True)
    assert "auth_method" in str(error)
    assert "sk-secret" not in str(error)


def test_headers_beside_the_key_are_the_users() -> None:
    headers = {"Proxy-Authorization": "Basic x", "HTTP-Referer": "https://x", "X-Title": "é", "Cookie": "a=b"}
    assert ProviderConfig(extra_headers=headers).extra_headers == headers


@for_all(
    ("name", NUMBERS), ("value", [0, -1, -0.5, float("nan"), float("inf"), float("-inf"), True, "3", []])
)
def test_no_limit_is_zero_negative_or_no_number(name: str, value: object) -> None:
    assert refusal(**{name: value}).field == name


@pytest.mark.parametrize("name", CLOCKS)
def test_each_clock_is_switched_off_with_none_alone(name: str) -> None:
    assert getattr(ProviderConfig.from_dict({name: None}), name) is None
    assert getattr(ProviderConfig.from_dict({name: 5}), name) == 5.0
    assert "None switches the clock off" in str(refusal(**{name: 0}))


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - set(CLOCKS)))
def test_limits_cannot_be_switched_off(name: str) -> None:
    assert refusal(**{name: None}).field == name


@pytest.mark.parametrize("name", ["model", "api_key_env", "deployment", "api_version"])
def test_names_are_printable_text(name: str) -> None:
    values: list[object] = ["", "a\nb", "a\0", "\ud800", "\u2028", 5, []]
    for value in values:
        assert refusal(**{name: value}).field == name


@pytest.mark.parametrize(
    ("name", "value"),
    [("reasoning", 1), ("allow_http", "no"), ("base_url", None), ("type", None), ("type", [])],
)
def test_a_value_of_the_wrong_type_is_named(name: str, value: object) -> None:
    assert refusal(**{name: value}).field == name


NO_OBJECTS = [
    "",
    "nonsense",
    "{",
    "[]",
    "null",
    '"openai"',
    '{"provider": 5}',
    '{"provider": null}',
    "\ud800",
]


@pytest.mark.parametrize("text", [*NO_OBJECTS, b"\xff", pytest.param("[" * 100_000, id="deep")])
def test_what_is_no_json_object_is_a_config_error(text: str | bytes) -> None:
    with pytest.raises(ConfigError, match="JSON"):
        ProviderConfig.from_json(text)


FIELDS = [field.name for field in dataclasses.fields(ProviderConfig)]
VALUES = st.one_of(
    st.none() | st.booleans() | st.integers() | st.floats(),
    st.text(st.characters(), max_size=9) | st.sampled_from(TYPES),
    st.lists(st.none()) | st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_any_values_make_a_config_or_an_error_that_names_a_field(given: dict[str, Any]) -> None:
    try:
        config = ProviderConfig(**given)
    except ConfigError as error:
        named = error.field
    else:
        named = "type"
        assert ProviderConfig(**dataclasses.asdict(config)) == config
    assert named is not None
    assert named.partition(".")[0] in FIELDS


def test_a_config_is_frozen_and_can_be_copied_replaced_and_pickled() -> None:
    config = ProviderConfig(type="anthropic", model="m", extra_headers={"X": "y"})
    with pytest.raises(TypeError):
        ProviderConfig("openai")  # type: ignore[call-arg]  # that is refused
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.model = "other"  # type: ignore[misc]  # that is the point
    assert copy.copy(config) == copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == config
    assert dataclasses.replace(config, reasoning=True).reasoning
    with pytest.raises(ConfigError):
        dataclasses.replace(config, context_window=0)


def test_the_users_headers_are_copied() -> None:
    headers = {"X": "y"}
    config = ProviderConfig(extra_headers=headers)
    headers["X"] = "a\r\nb"
    assert config.extra_headers == {"X": "y"}


CALLED = "type='openrouter', model='x-ai/grok-code-fast-1', base_url='https://openrouter.ai/api/v1'"


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        (ProviderConfig(), ""),
        (ProviderConfig(extra_headers={"X-A": "secret", "X-B": "secret"}), ", extra_headers=<X-A, X-B>"),
        (ProviderConfig(read_timeout=5, max_attempts=5), ", read_timeout=5.0, max_attempts=5"),
        (ProviderConfig(limits=Limits(max_tool_calls=5)), ", limits=Limits(max_tool_calls=5)"),
        (ProviderConfig(limits=Limits(max_tool_calls=1_024)), ""),
    ],
)
def test_the_repr_shows_what_was_set_and_of_the_headers_their_names_alone(
    config: ProviderConfig, shown: str
) -> None:
    assert repr(config) == f"ProviderConfig({CALLED}{shown})"


def test_a_replaced_field_leaves_the_others_as_they_were() -> None:
    config = ProviderConfig(type="azure", base_url="https://r.openai.azure.com/openai/v1/", deployment="d")
    slower = config.replace(read_timeout=3)
    assert (slower.read_timeout, slower.base_url) == (3.0, "https://r.openai.azure.com/openai/v1")
    assert slower.replace(read_timeout=600) == config
    assert slower.key_variables == config.key_variables


def test_another_type_brings_its_own_defaults_for_what_was_left_out() -> None:
    config = ProviderConfig(type="openai", model="m", max_attempts=1).replace(type="anthropic")
    assert config.base_url == PROVIDER_DEFAULTS["anthropic"].base_url
    assert config.auth_method is AuthMethod.X_API_KEY
    assert (config.model, config.max_attempts) == ("m", 1)


def test_a_replaced_value_is_checked() -> None:
    with pytest.raises(ConfigError) as caught:
        ProviderConfig().replace(read_timeout=-1)
    assert caught.value.field == "read_timeout"
    with pytest.raises(ConfigError, match="allowed are"):
        ProviderConfig().replace(reed_timeout=1)


def test_a_config_that_was_copied_knows_what_was_left_out() -> None:
    config = ProviderConfig(type="azure", base_url="https://r.openai.azure.com/openai/v1", deployment="d")
    for same in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert same == config
        assert same.key_variables == ("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY")


@pytest.mark.parametrize("name", ["AZURE_OPENAI_KEY", "MINE"])
def test_a_variable_that_was_named_is_the_only_one(name: str) -> None:
    base_url = "https://r.openai.azure.com/openai/v1"
    config = ProviderConfig(type="azure", base_url=base_url, deployment="d", api_key_env=name)
    assert config.key_variables == (name,)
    assert config.replace(max_attempts=1).key_variables == (name,)
    assert ProviderConfig(type="ollama", model="m").key_variables == ()


@pytest.mark.parametrize(
    ("field", "remedy"),
    [
        ("api_key", "create_provider"),
        ("timeout", "event_timeout, first_event_timeout and total_timeout"),
    ],
)
def test_a_field_that_people_try_says_what_to_write(field: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=remedy) as caught:
        ProviderConfig(**{field: "sk-secret"})  # type: ignore[arg-type]  # what is refused
    assert caught.value.field == field
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(("text", "named"), [("vllm", '"vllm"'), ("sk-secret", '"openai"')])
def test_a_text_in_place_of_a_config_says_what_to_write(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=f"type={named}") as caught:
        ProviderConfig.from_dict(text)  # type: ignore[arg-type]  # what is refused
    assert "sk-secret" not in str(caught.value)


def test_an_unknown_field_is_refused_with_the_nearest_name_first() -> None:
    unknown: Any = {"modle": "m"}
    with pytest.raises(ConfigError, match=r"^modle: .*did you mean 'model'\? allowed are "):
        ProviderConfig(**unknown)
    with pytest.raises(ConfigError, match="did you mean 'read_timeout'"):
        ProviderConfig(type="ollama", model="m").replace(read_timout=3)
    with pytest.raises(ConfigError, match="did you mean 'max_answer_bytes'"):
        ProviderConfig.from_dict({"type": "ollama", "model": "m", "limits": {"max_anser_bytes": 1}})
    far: Any = {"zzz": 1}
    with pytest.raises(ConfigError) as caught:
        ProviderConfig(**far)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("version", ["2099", "x y", "2023-6-1", "2023-13-01", "2023-06-32", "2023-06-01 "])
def test_an_api_version_of_anthropic_is_a_date(version: str) -> None:
    with pytest.raises(ConfigError, match="YYYY-MM-DD") as caught:
        ProviderConfig(type="anthropic", model="m", api_version=version)
    assert caught.value.field == "api_version"
    assert ProviderConfig(type="anthropic", model="m", api_version="2023-06-01").api_version == "2023-06-01"


NAMES_OF_CLOCKS = ("connect", "write", "read", "event", "first_event", "total")


@for_all(("clock", NAMES_OF_CLOCKS), ("given", [9.0, None]))
def test_each_clock_is_the_configs_unless_the_call_gives_it(clock: str, given: float | None) -> None:
    seconds: dict[str, Any] = {name: float(at) for at, name in enumerate(NAMES_OF_CLOCKS, 1)}
    configured = ProviderConfig(
        type="ollama", model="m", **{f"{name}_timeout": value for name, value in seconds.items()}
    )
    assert configured.timeouts() == Timeouts(**seconds)
    called: dict[str, Any] = {f"{clock}_timeout": given}
    assert configured.timeouts(**called) == Timeouts(**{**seconds, clock: given})


def test_the_clock_of_the_first_event_is_that_of_all_unless_it_is_given() -> None:
    configured = ProviderConfig(type="ollama", model="m", event_timeout=4.0)
    assert configured.timeouts().first_event == 4.0
    assert configured.timeouts(event_timeout=5.0).first_event == 5.0
    assert configured.timeouts(first_event_timeout=6.0).event == 4.0


def test_a_region_is_part_of_the_types_address() -> None:
    """Amazon Bedrock's endpoints: `bedrock-runtime.<region>.amazonaws.com`."""
    for region in ("us-east-1", "eu-west-1", "us-gov-west-1", "a", "0z9", "il-central-1", "ap-southeast-23"):
        made = ProviderConfig(type="bedrock", model="m", region=region)
        assert made.base_url == f"https://bedrock-runtime.{region}.amazonaws.com"
        assert made.region_variables == ()
        assert (
            ProviderConfig(type="bedrock", model="m", region=region, base_url="https://h").base_url
            == "https://h"
        )
    unknown = ProviderConfig(type="bedrock", model="m")
    assert "{region}" in unknown.base_url
    assert unknown.region_variables == ("AWS_REGION", "AWS_DEFAULT_REGION")


@pytest.mark.parametrize(
    "region", ["", "-", "EU", "eu_west", "eu.west", "-eu", "eu-", "eu--west", "eu/x", "eu-west-1 ", "é"]
)
def test_an_invalid_region_is_refused_by_its_name(region: str) -> None:
    with pytest.raises(ConfigError, match="us-east-1") as caught:
        ProviderConfig(type="bedrock", model="m", region=region)
    assert caught.value.field == "region"
    assert repr(region) in str(caught.value)


def test_the_variables_of_a_key_and_of_credentials_are_read_unless_one_is_named() -> None:
    made = ProviderConfig(type="bedrock", model="m", region="us-east-1")
    assert made.credential_variables == ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    assert made.replace(api_key_env="K").credential_variables is None
    assert ProviderConfig(type="openai", model="m").credential_variables is None


REFUSED: list[tuple[str, object, str]] = [
    ("max_attempts", "x", "'x' is not valid: "),
    ("reasoning", 1, "1 is not valid: "),
    ("model", 5, "5 is not valid: "),
    ("auth_method", "basic", "use one of bearer, api-key, x-api-key, "),
    ("limits", 5, "neither a mapping nor a Limits"),
    ("limits", "max_tool_calls", "neither a mapping nor a Limits"),
    ("connect_timeout", -1, "greater than 0 and finite; None switches the clock off"),
    ("max_retry_after", 0, "greater than 0 and finite"),
    ("model", " ", "must not be blank; leave it out"),
    ("model", "a\nb", "cannot be printed"),
    ("api_key_env", "", "must not be blank; leave it out"),
    ("api_key_env", "A\x00", "cannot be printed"),
    ("deployment", "\t", "must not be blank; leave it out"),
    ("deployment", "a\x7f", "cannot be printed"),
    ("api_version", " ", "must not be blank; leave it out"),
    ("api_version", "1\n", "cannot be printed"),
    ("region", "\t", "not a region's name"),
    ("type", "x", "use one of openrouter, openai, "),
    ("api", "x", "use one of "),
    ("api", 5, "has no api 5"),
    ("extra_headers", {"X": 5}, "Expected `str`, got `int`"),
    ("extra_headers", {5: "x"}, "Expected `str`, got `int`"),
]


@for_all((("name", "value", "words"), REFUSED))
def test_a_refused_value_is_shown_with_what_is_allowed(name: str, value: object, words: str) -> None:
    given: dict[str, Any] = {"type": "bedrock", "model": "m", name: value}
    with pytest.raises(ConfigError) as caught:
        ProviderConfig(**given)
    assert caught.value.field == name
    assert caught.value.message.startswith(f"{name}: ")
    assert words in caught.value.message


def test_a_limit_is_refused_by_its_path() -> None:
    for limits, path in (
        ({"max_tool_calls": 0}, "limits.max_tool_calls"),
        ({"max_tool_calls": "x"}, "limits.max_tool_calls"),
        (Limits(max_json_depth=-1), "limits.max_json_depth"),
        ({"max_tool_cals": 1}, "limits.max_tool_cals"),
    ):
        with pytest.raises(ConfigError) as caught:
            ProviderConfig(limits=limits)  # type: ignore[arg-type]  # a mapping is taken too
        assert caught.value.field == path
        assert caught.value.message.startswith(f"{path}: ")
    made = ProviderConfig.from_dict({"limits": {"max_tool_calls": 5}})
    assert made.limits == Limits(max_tool_calls=5)
    assert ProviderConfig(limits=Limits()).limits == Limits()


def test_headers_of_a_wrong_type_are_refused_where_they_were_not_converted() -> None:
    wrong: list[tuple[Any, str]] = [
        ({"X": 5}, "extra_headers: the value of 'X' must be a str, not int"),
        ({5: "x"}, "extra_headers: 5 is not a header name"),
        ({"X": None}, "extra_headers: the value of 'X' must be a str, not NoneType"),
    ]
    for headers, words in wrong:
        with pytest.raises(ConfigError) as caught:
            check_headers(headers)
        assert caught.value.message.startswith(words)
        assert caught.value.field == "extra_headers"
    check_headers({"X": "", "Y": "é"})


def test_a_refusal_names_the_field_the_value_and_the_owner() -> None:
    assert str(refusal(max_attempts="x")) == "max_attempts: 'x' is not valid: Expected `int`, got `str`"
    assert str(refusal(max_attempts=0)) == "max_attempts: 0 must be greater than 0 and finite"
    assert str(refusal(extra_headers=5)) == "extra_headers: Expected `object`, got `int`"
    assert str(refusal(zzz=1)).startswith("zzz: no such field in ProviderConfig; allowed are type, api, ")
    assert str(refusal(limits={"zzz": 1})).startswith("limits.zzz: no such field in limits; allowed are max_")


@pytest.mark.parametrize(
    "host", ["localhost", "::1", "127.0.0.1", "127.1.2.3", "127.255.255.255", "127.0.0.0"]
)
def test_this_machine_is_known_by_its_name_and_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "localhost.", "127.0.0", "127.0.0.0.1", "127.0.0.256", "126.0.0.1", "128.0.0.1", "127.0.0.a",
     "127.0.0.-1", "127.0.0.²", "::2", "a.127.0.0.1", "127", "0127.0.0.1"],
)  # fmt: skip
def test_any_other_host_is_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


ADDRESSES: list[tuple[str, bool, bool, str | None]] = [
    ("https://h/v1", True, False, None),
    ("http://h/v1", False, False, None),
    ("http://localhost:1/v1", True, False, None),
    ("https://h/v1?a=b", True, True, None),
    ("http://h/v1", True, False, "would send the key in plain text; use https, or allow_http=True"),
    ("https://h/v1?a=b", True, False, "must not have a query or a fragment"),
    ("https://h/v1?", False, False, "must not have a query or a fragment"),
    ("https://h/v1#a", True, True, "must not have a query or a fragment"),
    ("https://u:p@h/v1", True, False, "must not hold a user name or password"),
    ("u@h", True, False, "must not hold a user name or password"),
    ("https://h:x/v1", True, False, "invalid URL; check the host and the port"),
    ("https://[h/v1", True, False, "invalid URL; check the host and the port"),
    ("h/v1", True, False, "'h/v1' must begin with https:// or http:// and a host"),
    ("https:///v1", True, False, "'https:///v1' must begin with https:// or http:// and a host"),
    ("wss://h/v1", True, False, "must begin with https:// or http:// and a host"),
    ("https://h/v 1", True, False, "has a space, a control character or a letter beyond ASCII"),
    ("https://h/é", True, False, "has a space, a control character or a letter beyond ASCII"),
    ("https://h/a/../b", True, False, "has '.' or '..' as a part of its path"),
    ("https://h/%2e", True, False, "has '.' or '..' as a part of its path"),
    ("https://h:0/v1", True, False, "has the port 0"),
]


@for_all((("url", "keyed", "query", "words"), ADDRESSES))
def test_an_address_is_refused_with_the_reason(url: str, keyed: bool, query: bool, words: str | None) -> None:
    if words is None:
        check_url(url, keyed, query=query)
        return
    with pytest.raises(ConfigError) as caught:
        check_url(url, keyed, query=query)
    assert caught.value.field == "base_url"
    assert caught.value.message.startswith("base_url: ")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("given", "kind"), [([], "list"), (5, "int"), (None, "NoneType"), ({"provider": [1]}, "list")]
)
def test_another_value_than_a_mapping_is_refused_with_its_type(given: Any, kind: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ProviderConfig.from_dict(given)
    assert caught.value.message.endswith(f", not {kind}")
    assert "JSON object or a mapping" in caught.value.message


@pytest.mark.parametrize(
    ("type", "api", "base_url"),
    [
        ("ollama", "chat", "http://localhost:11434/v1"),
        ("ollama", "ollama", "http://localhost:11434"),
        ("deepseek", "messages", "https://api.deepseek.com/anthropic"),
        ("moonshot", "messages", "https://api.moonshot.ai/anthropic"),
        ("bedrock", "invoke", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("bedrock", "messages", "https://bedrock-mantle.eu-west-1.api.aws/anthropic"),
        ("bedrock", "chat", "https://bedrock-mantle.eu-west-1.api.aws/openai/v1"),
    ],
)
def test_the_address_is_that_of_the_type_and_the_api(type: str, api: str, base_url: str) -> None:
    region = "eu-west-1" if type == "bedrock" else None
    made = ProviderConfig(type=type, api=api, model="m", region=region)
    assert (made.api, made.base_url) == (api, base_url)


@pytest.mark.parametrize(("type", "host"), [("azure", "openai.azure.com"), ("compatible", "llm.example.com")])
def test_a_type_without_an_address_says_what_one_looks_like(type: str, host: str) -> None:
    error = refusal(type=type, model="m")
    assert error.field == "base_url"
    assert "give the server's address, such as https://" in str(error)
    assert host in str(error)
