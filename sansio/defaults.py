"""What a provider type is: where it is, and how it differs from others that speak the same wire family."""

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
    NONE = "none"
    """No auth header; no key is looked for."""

    @property
    def header(self) -> str | None:
        """The name of the header that carries the key, in lower case."""
        if self is AuthMethod.NONE:
            return None
        return "authorization" if self is AuthMethod.BEARER else self.value


class APIDefaults(Struct, frozen=True, kw_only=True):
    """Where one api of a type is, if that differs from the type's defaults. `None` is: as there.

    Args:
        base_url: of this api.
        example_url: what its base URL looks like, where it must be given.
        api_key_env: the variable that holds the key for it.
        auth_method: how it wants the key.
        check: what only this api requires, as in `ProviderDefaults`.
    """

    base_url: str | None = None
    example_url: str | None = None
    api_key_env: str | None = None
    auth_method: AuthMethod | None = None
    check: str | Callable[[ProviderConfig], None] | None = None


class ProviderDefaults(Struct, frozen=True, kw_only=True):
    """What a provider type fills in for fields that the user leaves out.

    Args:
        base_url: `None` if it must be given. `{region}` in it is replaced by the config's region.
        example_url: what the base URL looks like, where it must be given.
        api_key_env: the variable that holds the key, or `None` if there is no key.
        api_key_env_too: another variable, which is read if the first is not set and the user named none.
        credentials_env: the variables of AWS's key id, secret and session token, which are read if no
            variable of a key is set and the user named none; `None` if the type takes no AWS credentials.
        region_env: variables that may hold the region, which are read if the user gave none.
        model: `None` if the user must name one.
        needs_model: False if something else (Azure's deployment) names the model.
        check: raises `ConfigError` for what only this type requires: a function, or its address as
            `"module:name"`, which is loaded when a config of the type is made.
        api: the wire family that is used if the user names none; `None` for the first of `apis`.
        apis: the wire families that the type speaks. `register_provider` fills it in.
        by_api: what differs for an api that is at another address.
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
        """The defaults for one of the type's apis."""
        if (other := self.by_api.get(api)) is None:
            return self
        given = {name: value for name, value in structs.asdict(other).items() if value is not None}
        return structs.replace(self, **given)


THINK_TAGS = "<think>"
"""What `Profile.reasoning_back` is where reasoning goes back inside the text, between tags; and what the
`field` of a reasoning part says that arrived so."""


class Profile(ProviderDefaults, frozen=True, kw_only=True):
    """How a server differs from others that speak OpenAI's chat completions, beside where it is.

    The defaults are what a compatible server takes that nothing is known of. Each field is one fact about
    bytes; `sansio.profiles` says for which servers it is known.

    Args:
        max_tokens_field: the request's field for the answer's limit, whether it was given as `max_tokens` or
            `max_completion_tokens`; `None` to send it under the name that it was given.
        seed_field: the request's field for `seed`; `None` if there is none.
        reasoning_in: the fields of an answer that hold its reasoning. Where two say something, the first one
            is the reasoning.
        think_tags: whether a text that begins with `<think>` is reasoning up to `</think>`. It goes back as
            it was received.
        reasoning_back: the field in which reasoning goes back that does not say in which it arrived;
            `"<think>"` to put it before the text, between tags; `None` if the server takes none back.
        reasoning_back_when: `"there is some"`, or `"a tool was called"`: a message with tool calls then has
            the field in any case, empty if there is no reasoning in the message.
        reasoning_of_others: whether another provider's reasoning goes along, as plain text.
        reasoning_on: what `reasoning=True` adds to the request.
        reasoning_off: what `reasoning_effort="none"` adds to the request; empty to send that word itself.
        effort_values: the server's word for each `reasoning_effort`. Others are refused. Empty to send any
            word unchanged.
        budget_field: the request's field for `reasoning_budget`; `None` if there is none.
        tool_id: the pattern that the whole id of a tool call must match, which `port` sees to.
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
        usage_reasoning_outside: whether the tokens of the reasoning are counted beside those of the answer,
            where no `total_tokens` tells.
        error_shapes: the forms of an error in a response with status 200, beside `{"error": ...}`:
            `"flat"` for those that gateways send without it, `"base_resp"` for MiniMax's object of that name.
        error_statuses: the server's own error types and codes, as the HTTP statuses that they amount to.
        error_detail: a field of an error that says more than its message, which is shown behind that.
        returned: fields of an answer and of its tool calls that go back with it. Google's servers sign
            `extra_content`, and need it back.
        lists_models: whether the server has a list of its models.
        needs_logprobs: whether `top_logprobs` is refused without `logprobs`.
        without: options of chat completions that the server has no place for: they are refused by name.
        options: further options, and those whose values are bounded, with what a value must be, as
            `msgspec.convert` checks it.
        body: fields that every request has, unless the call says otherwise.
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
        path: of the endpoint, below the base URL.
        claude: whether the models are Claude's, whose names say how they think and whether they take a JSON
            schema. Models of other makers think within a budget of tokens.
        caches: whether `cache` sets breakpoints. Other hosts cache by themselves, or not at all.
        counts: whether the host counts tokens.
        lists: whether it has a list of its models in Anthropic's form.
        documents: whether a message may have documents. One of text is sent as text elsewhere.
        reasoning_of_others: whether another provider's reasoning goes along, as plain text.
        without: options that the host has no place for: they are refused by name.
    """

    path: str = "/v1/messages"
    claude: bool = False
    caches: bool = False
    counts: bool = False
    lists: bool = False
    documents: bool = True
    reasoning_of_others: bool = False
    without: frozenset[str] = frozenset()


class ResponsesProfile(Struct, frozen=True, kw_only=True):
    """How a server of OpenAI's Responses differs from others. The defaults are what OpenAI's own takes.

    Args:
        developer_role: the role of a developer's message.
        custom_tools: whether the server knows custom tools, built-in tools and the choice `allowed_tools`. If
            not, a custom tool is a function with one text, `input`, and only the allowed tools are offered.
        keeps: whether the server can keep responses, so that a request says whether it should.
        sealed: whether the server encrypts reasoning, and refuses it without the item that it led to. The
            reasoning of other servers is plain, and goes back so.
        reasoning_on: what `reasoning=True` adds to the request, in its field `reasoning`.
        effort_values: the server's word for each `reasoning_effort`. Others are refused. Empty to send any
            word unchanged.
        tool_choice_forced: whether a tool can be forced.
        images: whether a message may have images.
        image_urls: whether an image may be given by its address.
        files: whether a message may have files. A text document is sent as text.
        ranges: options whose values are bounded, with what a value must be, as `msgspec.convert` checks it.
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
