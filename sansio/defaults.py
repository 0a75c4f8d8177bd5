"""The defaults of a provider type: its address, and how it differs from others of the same wire family."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, structs

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio.config import ProviderConfig


class AuthMethod(StrEnum):
    """How the key is sent."""

    BEARER = "bearer"
    """`Authorization: Bearer <key>`"""
    API_KEY = "api-key"
    """`api-key: <key>`"""
    X_API_KEY = "x-api-key"
    """`x-api-key: <key>`"""
    X_GOOG_API_KEY = "x-goog-api-key"
    """`x-goog-api-key: <key>`"""
    NONE = "none"
    """No auth header; no key is looked for."""

    @property
    def header(self) -> str | None:
        """The name of the header that carries the key, in lower case."""
        if self is AuthMethod.NONE:
            return None
        return "authorization" if self is AuthMethod.BEARER else self.value


class APIDefaults(Struct, frozen=True, kw_only=True):
    """The defaults of one api of a type that differ from those of the type. `None`: no difference.

    Args:
        base_url: the address of this api.
        example_url: an example of its base URL, if the user must give one.
        api_key_env: the environment variable that holds the key for this api.
        auth_method: how this api expects the key.
        check: checks what only this api requires, as in `ProviderDefaults`.
    """

    base_url: str | None = None
    example_url: str | None = None
    api_key_env: str | None = None
    auth_method: AuthMethod | None = None
    check: str | Callable[[ProviderConfig], None] | None = None


class ProviderDefaults(Struct, frozen=True, kw_only=True):
    """The defaults of a provider type, for the fields of `ProviderConfig` that the user leaves out.

    Args:
        base_url: the API's address; `None` if the user must give it. `{region}` in it is replaced by the
            config's region.
        example_url: an example of the base URL, if the user must give one.
        api_key_env: the environment variable that holds the key; `None` if there is no key.
        api_key_env_too: a second variable, which is read if the first is not set and the config names none.
        credentials_env: the variables of AWS's key id, secret and session token, which are read if no
            variable of a key is set and the config names none; `None` if the type takes no AWS credentials.
        region_env: variables that may hold the region, which are read if the config has none.
        auth_method: how the key is sent.
        model: the default model; `None` if the user must name one.
        needs_model: False if something else (Azure's deployment) names the model.
        check: raises `ConfigError` if a config lacks what only this type requires: a function, or its
            address as `"module:name"`, which is loaded when a config of the type is made.
        api: the wire family that is used if the user names none; `None` for the first of `apis`.
        apis: the wire families that the type has. `register_provider` fills in this field.
        by_api: the defaults that differ for an api at another address, by the api's name.
        batches: the `BatchCodec` of the type's batch endpoints, as `"module:name"`; `None` if it has none.
    """

    base_url: str | None = None
    example_url: str | None = None
    api_key_env: str | None = None
    api_key_env_too: str | None = None
    credentials_env: tuple[str, str, str] | None = None
    region_env: tuple[str, ...] = ()
    auth_method: AuthMethod = AuthMethod.BEARER
    model: str | None = None
    needs_model: bool = True
    check: str | Callable[[ProviderConfig], None] | None = None
    api: str | None = None
    apis: tuple[str, ...] = ("chat",)
    by_api: Mapping[str, APIDefaults] = {}
    batches: str | None = None

    def of(self, api: str) -> ProviderDefaults:
        """The defaults for one of the type's apis.

        Args:
            api: one of `apis`.
        """
        if (other := self.by_api.get(api)) is None:
            return self
        given = {name: value for name, value in structs.asdict(other).items() if value is not None}
        return structs.replace(self, **given)


THINK_TAGS = "<think>"
"""The value of `Profile.reasoning_back` if reasoning is sent back inside the text, between tags; and the
`field` of a reasoning part that arrived in this way."""


class Profile(ProviderDefaults, frozen=True, kw_only=True):
    """How a server of OpenAI's chat completions differs from others, beside its address.

    The defaults suit a compatible server about which nothing is known. Each field is one fact about the
    wire; `sansio.profiles` says for which servers it is known.

    Args:
        max_tokens_field: the request's field for the limit on the answer's tokens, for both options
            `max_tokens` and `max_completion_tokens`; `None` to send each option under its own name.
        seed_field: the request's field for `seed`; `None` if there is none.
        reasoning_in: the fields of an answer that may hold its reasoning. If two have text, the first counts.
        think_tags: whether a text that begins with `<think>` is reasoning up to `</think>`. It is sent back
            in the form in which it was received.
        reasoning_back: the field in which reasoning is sent back if it does not name the field in which it
            arrived; `"<think>"` to put it before the text, between tags; `None` if the server accepts none.
        reasoning_back_when: `"there is some"`; or `"a tool was called"`: every message with tool calls then
            has the field, empty if the message has no reasoning.
        reasoning_of_others: whether another provider's reasoning is sent, as plain text.
        reasoning_on: what `reasoning=True` adds to the request.
        reasoning_off: what `reasoning_effort="none"` adds to the request; empty to send that word itself.
        effort_values: the server's word for each `reasoning_effort`. Others are refused. Empty to send any
            word unchanged.
        budget_field: the request's field for `reasoning_budget`; `None` if there is none.
        tool_id: the pattern that the whole id of a tool call must match; `port` replaces other ids.
        tool_choice_forced: whether a tool can be forced: `"always"`, `"without thinking"` or `"never"`.
        tool_choice_required: the server's word for the choice `"required"`.
        tools: whether a request may have tools.
        strict_tools: whether a function may have `strict`, and its parameters `$schema`.
        custom_tools: whether there are custom tools, and the choice `allowed_tools`. If not, a custom tool is
            a function with one text, `input`, and only the allowed tools are offered.
        stream_options: whether a request for a stream asks for its usage in `stream_options`.
        json_schema: whether an answer can be held to a JSON schema. If not, it is asked for as a forced tool.
        empty_content: whether an assistant's message may be empty.
        developer_role: the role of a developer's message.
        images: whether a message may have images.
        image_urls: whether an image may be given by its address.
        files: whether a message may have files. A text document is sent as text.
        usage_reasoning_outside: whether the tokens of the reasoning are counted in addition to those of the
            answer, for responses without `total_tokens`, from which it could be computed.
        error_shapes: the forms of an error in a response with status 200, beside `{"error": ...}`: `"flat"`
            for errors that gateways send without this field, `"base_resp"` for MiniMax's object of that name.
        error_statuses: the HTTP status that each of the server's own error types and codes corresponds to.
        error_detail: a field of an error with more details, which are shown after the error's message.
        returned: fields of an answer and of its tool calls that are sent back with it. Google's servers sign
            `extra_content`, and require it in later requests.
        lists_models: whether the server has a list of its models.
        needs_logprobs: whether `top_logprobs` is refused without `logprobs`.
        without: options of chat completions that the server does not have: they are refused by name.
        options: the type of each further option, and of each option whose values are bounded, as
            `msgspec.convert` checks it.
        body: fields that every request has, unless the call gives other values.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = "max_tokens"
    seed_field: str | None = "seed"
    reasoning_in: tuple[str, ...] = ("reasoning_content", "reasoning")
    think_tags: bool = False
    reasoning_back: str | None = "reasoning_content"
    reasoning_back_when: Literal["there is some", "a tool was called"] = "there is some"
    reasoning_of_others: bool = False
    # Any, here and below: JSON objects, which are copied into the request.
    reasoning_on: Mapping[str, Any] = MappingProxyType({"reasoning_effort": "medium"})
    reasoning_off: Mapping[str, Any] = {}
    effort_values: Mapping[str, str] = {}
    budget_field: str | None = None
    tool_id: str | None = None
    tool_choice_forced: Literal["always", "without thinking", "never"] = "always"
    tool_choice_required: str = "required"
    tools: bool = True
    strict_tools: bool = True
    custom_tools: bool = False
    stream_options: bool = True
    json_schema: bool = True
    empty_content: bool = True
    developer_role: str = "system"
    images: bool = True
    image_urls: bool = True
    files: bool = True
    usage_reasoning_outside: bool = False
    error_shapes: tuple[Literal["flat", "base_resp"], ...] = ("flat",)
    error_statuses: Mapping[str, int] = {}
    error_detail: str | None = None
    returned: tuple[str, ...] = ("extra_content",)
    lists_models: bool = True
    needs_logprobs: bool = True
    without: frozenset[str] = frozenset()
    options: Mapping[str, Any] = {}
    body: Mapping[str, Any] = {}


class MessagesProfile(Struct, frozen=True, kw_only=True):
    """How a host of Anthropic's messages differs from others.

    Args:
        path: the endpoint's path below the base URL.
        claude: whether the models are Claude models, whose names show how they think and whether they take a
            JSON schema. Models of other makers think within a budget of tokens.
        caches: whether `cache` sets breakpoints. Other hosts cache by themselves, or not at all.
        counts: whether the host counts tokens.
        lists: whether the host has a list of its models in Anthropic's form.
        documents: whether a message may have documents. If not, a text document is sent as text.
        addresses: whether a file may be given by its address or id. If not, only by its data.
        reasoning_of_others: whether another provider's reasoning is sent, as plain text.
        without: options that the host does not have: they are refused by name.
    """

    path: str = "/v1/messages"
    claude: bool = False
    caches: bool = False
    counts: bool = False
    lists: bool = False
    documents: bool = True
    addresses: bool = True
    reasoning_of_others: bool = False
    without: frozenset[str] = frozenset()


class ResponsesProfile(Struct, frozen=True, kw_only=True):
    """How a server of OpenAI's Responses differs from others. The defaults are those of OpenAI's own server.

    Args:
        developer_role: the role of a developer's message.
        custom_tools: whether the server knows custom tools, built-in tools and the choice `allowed_tools`. If
            not, a custom tool is a function with one text, `input`, and only the allowed tools are offered.
        keeps: whether the server can store responses. A request then says whether to store its response.
        sealed: whether the server encrypts reasoning, and refuses it without the item that followed it. The
            reasoning of other servers is plain text, and is sent back as plain text.
        reasoning_on: what `reasoning=True` adds to the request, in its field `reasoning`.
        effort_values: the server's word for each `reasoning_effort`. Others are refused. Empty to send any
            word unchanged.
        tool_choice_forced: whether a tool can be forced.
        images: whether a message may have images.
        image_urls: whether an image may be given by its address.
        files: whether a message may have files. A text document is sent as text.
        ranges: the type of each option whose values are bounded, as `msgspec.convert` checks it.
    """

    developer_role: str = "developer"
    custom_tools: bool = True
    keeps: bool = True
    sealed: bool = True
    # Any, here and below: JSON objects and types.
    reasoning_on: Mapping[str, Any] = MappingProxyType({"effort": "medium", "summary": "auto"})
    effort_values: Mapping[str, str] = {}
    tool_choice_forced: bool = True
    images: bool = True
    image_urls: bool = True
    files: bool = True
    ranges: Mapping[str, Any] = {}


class GeminiProfile(Struct, frozen=True, kw_only=True):
    """How a host of Google's Gemini differs from the Gemini API.

    Args:
        vertex: whether it is Vertex, which has no list of models in the API's form, and other requests for
            counts and embeddings.
    """

    vertex: bool = False
