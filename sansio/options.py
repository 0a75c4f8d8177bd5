"""The options of a call: portable names, their types, and the field of each wire format that they set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, TypedDict, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from sansio.errors import InvalidRequestError
from sansio.jsontext import json_fault

# Any: an option may be of any type that msgspec knows, and its value is JSON of any kind.
Body: TypeAlias = dict[str, Any]
_Object: TypeAlias = Mapping[str, Any]


class ListOptions(TypedDict, total=False):
    """Options of every request. `Provider.list_models` has no others.

    The timeouts are in seconds; `None` switches a clock off. See `ProviderConfig` for their meaning.
    """

    timeout: float | None
    connect_timeout: float | None
    write_timeout: float | None
    read_timeout: float | None
    event_timeout: float | None
    first_event_timeout: float | None
    max_attempts: int | None
    extra_headers: Mapping[str, str] | None


class EmbedOptions(ListOptions, total=False):
    """Options of `Provider.embed`, which explains them."""

    model: str | None
    dimensions: int | None
    extra_body: Mapping[str, Any] | None


class CallOptions(ListOptions, total=False):
    """Options that every call may have, for every provider; `Provider.call` explains them."""

    model: str | None
    extra_body: Mapping[str, Any] | None
    unsupported: Literal["refuse", "drop"]
    options: Mapping[str, Any] | None


class FormOption(TypedDict, total=False):
    """The form of the answer: a type, as for `sansio.response_format`, or the mapping that it returns."""

    response_format: type[Any] | _Object | None


class _Portable(TypedDict, total=False):
    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | int | None
    top_logprobs: int | None
    n: int | None
    tool_choice: str | _Object | None
    parallel_tool_calls: bool | None
    verbosity: str | None
    user: str | None
    metadata: _Object | None
    service_tier: str | None
    reasoning_effort: str | None
    reasoning_budget: int | None
    cache: bool | Literal["5m", "1h"] | None
    modalities: Sequence[str] | None
    audio: _Object | None
    prediction: _Object | None
    web_search_options: _Object | None
    prompt_cache_key: str | None
    safety_identifier: str | None
    store: bool | None


class PortableOptions(_Portable, FormOption, total=False):
    """Options that mean the same for every provider. A provider without such an option refuses it."""


class OpenAIOptions(TypedDict, total=False):
    """OpenAI's own further options of chat completions."""

    max_completion_tokens: int | None
    stream_options: _Object | None
    prompt_cache_retention: str | None
    prompt_cache_options: _Object | None
    moderation: _Object | None
    functions: Sequence[_Object] | None
    function_call: str | _Object | None


class ResponsesOptions(TypedDict, total=False):
    """Options that only Responses has; `reasoning` and `context_management` are in other groups."""

    instructions: str | None
    include: Sequence[str] | None
    text: _Object | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    truncation: str | None
    previous_response_id: str | None
    conversation: str | _Object | None
    background: bool | None
    background_options: _Object | None
    prompt: _Object | None
    image: _Object | None
    access_programs: _Object | None


class OpenRouterOptions(TypedDict, total=False):
    """OpenRouter's own options."""

    models: Sequence[str] | None
    provider: _Object | None
    plugins: Sequence[_Object] | None
    route: str | None
    transforms: Sequence[str] | None
    reasoning: _Object | None
    usage: _Object | None
    image_config: _Object | None
    min_p: float | None
    top_a: float | None
    repetition_penalty: float | None
    session_id: str | None
    trace: _Object | None
    debug: _Object | None
    deferred_tools: _Object | None
    stop_server_tools_when: Sequence[_Object] | None


class VLLMOptions(TypedDict, total=False):
    """vLLM's own options; OpenRouter also has `min_p`, `repetition_penalty` and `session_id`."""

    min_tokens: int | None
    length_penalty: float | None
    use_beam_search: bool | None
    stop_token_ids: Sequence[int] | None
    include_stop_str_in_output: bool | None
    ignore_eos: bool | None
    bad_words: Sequence[str] | None
    allowed_token_ids: Sequence[int] | None
    logprob_token_ids: Sequence[int] | None
    prompt_logprobs: int | None
    truncate_prompt_tokens: int | None
    truncation_side: str | None
    skip_special_tokens: bool | None
    spaces_between_special_tokens: bool | None
    add_special_tokens: bool | None
    add_generation_prompt: bool | None
    continue_final_message: bool | None
    echo: bool | None
    chat_template: str | None
    chat_template_kwargs: _Object | None
    media_io_kwargs: _Object | None
    mm_processor_kwargs: _Object | None
    documents: Sequence[str | _Object] | None
    structured_outputs: _Object | None
    include_reasoning: bool | None
    thinking_token_budget: int | None
    return_token_ids: bool | None
    priority: int | None
    request_id: str | None
    cache_salt: str | None
    kv_transfer_params: _Object | None


class AnthropicOptions(TypedDict, total=False):
    """Anthropic's own options. Those of a beta need its name in `extra_headers`: see docs/anthropic.md."""

    thinking: _Object | None
    output_config: _Object | None
    stop_sequences: Sequence[str] | None
    cache_control: _Object | None
    container: str | _Object | None
    mcp_servers: Sequence[_Object] | None
    context_management: _Object | Sequence[_Object] | None
    fallbacks: str | Sequence[_Object] | None
    fallback_credit_token: str | _Object | None
    compaction: _Object | None
    thread: _Object | None
    diagnostics: _Object | None
    billing_policy: _Object | None
    speed: str | None
    inference_geo: str | None
    user_profile_id: str | None
    workspace_id: str | None


class OllamaOptions(TypedDict, total=False):
    """The options of Ollama's own API; other servers also have `min_p` and `repeat_penalty`."""

    num_ctx: int | None
    num_predict: int | None
    num_keep: int | None
    num_batch: int | None
    num_gpu: int | None
    main_gpu: int | None
    num_thread: int | None
    repeat_last_n: int | None
    typical_p: float | None
    use_mmap: bool | None
    think: bool | str | None
    format: str | _Object | None
    keep_alive: str | float | None
    truncate: bool | None
    shift: bool | None


class CohereOptions(TypedDict, total=False):
    """Cohere's own options; vLLM also has `documents` and `priority`, and Anthropic `thinking`."""

    citation_options: _Object | None
    safety_mode: str | None
    strict_tools: bool | None


class GoogleOptions(TypedDict, total=False):
    """Gemini's own options on `google` and `vertex`; OpenRouter also has `image_config`.

    The portable option `modalities` is Google's `responseModalities`; `reasoning_effort` and
    `reasoning_budget` are the level and the budget of `thinking_config`.
    """

    safety_settings: Sequence[_Object] | None
    cached_content: str | None
    labels: Mapping[str, str] | None
    media_resolution: str | None
    speech_config: _Object | None
    thinking_config: _Object | None
    response_schema: _Object | None
    tool_config: _Object | None
    generation_config: _Object | None
    continuation_token: str | None
    model_armor_config: _Object | None


class BedrockOptions(TypedDict, total=False):
    """Options of Bedrock's Converse alone, under the names of its wire."""

    additionalModelRequestFields: _Object | None
    additionalModelResponseFieldPaths: Sequence[str] | None
    guardrailConfig: _Object | None
    inferenceConfig: _Object | None
    outputConfig: _Object | None
    performanceConfig: _Object | None
    projectIdentifier: str | None
    promptVariables: _Object | None


class ServerOptions(TypedDict, total=False):
    """Other servers' own options: see the table in docs/providers.md."""

    reasoning_format: str | None
    reasoning_split: bool | None
    separate_reasoning: bool | None
    enable_thinking: bool | None
    disable_reasoning: bool | None
    clear_thinking: bool | None
    thinking_budget: int | None
    prompt_mode: str | None
    random_seed: int | None
    repeat_penalty: float | None
    safe_prompt: bool | None
    safety_model: str | None
    tool_stream: bool | None
    grammar: str | None
    regex: str | None
    ebnf: str | None
    cache_prompt: bool | None
    ttl: int | None
    enable_search: bool | None
    search_mode: str | None
    search_domain_filter: Sequence[str] | None
    search_recency_filter: str | None
    return_images: bool | None
    return_related_questions: bool | None


class PlainOptions(
    CallOptions,
    _Portable,
    OpenAIOptions,
    ResponsesOptions,
    OpenRouterOptions,
    VLLMOptions,
    AnthropicOptions,
    OllamaOptions,
    CohereOptions,
    GoogleOptions,
    BedrockOptions,
    ServerOptions,
    total=False,
):
    """The options of a call whose answer is a plain `Message`: all options except `response_format`."""


class Options(PlainOptions, FormOption, total=False):
    """Every option of a call, as typed keywords.

    Annotate a function that passes options on with `**options: Unpack[Options]`. The options of a registered
    provider are not included: give them as `options={"name": value}`.
    """


# A type is replaced by its schema before options are checked, so only a mapping is left; and msgspec cannot
# check a value that may be a type or a mapping.
PORTABLE: Mapping[str, Any] = {**get_type_hints(PortableOptions), "response_format": _Object | None}
"""The types of the portable options, as a dialect receives them."""

EVERYWHERE = tuple(CallOptions.__annotations__)
"""The names of the options that every call may have."""

_SHOWN = 80
"""How many characters of a refused value an error quotes."""

_KNOWN = frozenset(Options.__annotations__).difference(EVERYWHERE)


class UnsupportedOptionError(InvalidRequestError):
    """The wire family or the model does not have this option, though its value is well formed.

    With `unsupported="drop"`, the call is made without the option, which is reported.

    Args:
        option: the option's name.
        why: why it cannot be sent, and what to do.
    """

    def __init__(self, option: str, why: str) -> None:
        super().__init__(f"{option}: {why}")
        self.option = option
        self.why = why


class Option(Struct, frozen=True):
    """One option of one dialect.

    Args:
        type: the type of the value, as `msgspec.convert` checks it. The value is sent as it was given.
        to: the field of the request's body, with dots between the names of nested objects
            (`"generationConfig.topP"`); or a function that writes the value into the body. The function must
            write it even if another option has set the field: only then can `write_options` find the
            contradiction.
        same: another field with the same meaning in this wire format, written as in `to`.
    """

    type: Any
    to: str | Callable[[Body, Any], None]
    same: str = ""

    def write(self, body: Body, value: object) -> None:
        """Write a value into a request's body.

        Args:
            body: the body; it is changed.
            value: the value. `None` removes the field.

        Raises:
            InvalidRequestError: the field is inside a value that is not an object.
        """
        if not isinstance(self.to, str):
            self.to(body, value)
            return
        *path, last = self.to.split(".")
        holder = object_at(body, *path)
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value


def object_at(body: Body, *path: str) -> Body:
    """The object at a path in a request's body, to write into it. An object that is missing is made.

    Args:
        body: the body; the objects on the path are replaced by copies, since they may be the caller's.
        path: the names of the nested objects.

    Raises:
        InvalidRequestError: a value on the path is not an object. The message names its field.

    Example:
        >>> body = {"generation": {"top": 1}}
        >>> object_at(body, "generation", "thinking")["budget"] = 5
        >>> body
        {'generation': {'top': 1, 'thinking': {'budget': 5}}}
    """
    for depth, name in enumerate(path, 1):
        known = body.get(name)
        if not isinstance(known, Mapping | None):
            raise InvalidRequestError(
                f"{'.'.join(path[:depth])}: must be an object, not {known!r:.80}, since another option sets "
                "a field of it; give an object, or leave one of the two out"
            )
        body[name] = dict(known or {})
        body = body[name]
    return body


def portable(**to: str | Callable[[Body, Any], None]) -> dict[str, Option]:
    """Make options with portable names. Their types are those of `PortableOptions`.

    Args:
        **to: the field for each portable name, as `Option.to`.

    Returns:
        The options by name, for a dialect's `OPTIONS`.

    Example:
        >>> portable(max_tokens="max_output_tokens")["max_tokens"].to
        'max_output_tokens'
    """
    return {name: Option(PORTABLE[name], where) for name, where in to.items()}


def listed(to: str) -> Callable[[Body, Any], None]:
    """An `Option.to` for a field that must be a list: a single text is sent as a list of one.

    Args:
        to: the field's name, as in `Option`.

    Returns:
        A function that writes the value.

    Example:
        >>> body = {}
        >>> portable(stop=listed("stop_sequences"))["stop"].write(body, "END")
        >>> body
        {'stop_sequences': ['END']}
    """
    option = Option(Any, to)
    return lambda body, value: option.write(body, [value] if isinstance(value, str) else value)


def merged(to: str, *inner: str) -> Callable[[Body, Any], None]:
    """An `Option.to` for an object that is merged with the object in the body, if there is one.

    The option's fields replace fields of the same name; the other fields stay. The value `None` removes the
    whole object.

    Args:
        to: the field, as in `Option`.
        inner: fields of the object that are merged in the same way, since other options write into them.

    Returns:
        A function that writes the value.

    Example:
        >>> body = {"thinking": {"enabled": True, "show": False}}
        >>> Option(dict, merged("thinking")).write(body, {"show": True})
        >>> body
        {'thinking': {'enabled': True, 'show': True}}
    """

    return _Merged(to, inner)


class _Merged(Struct, frozen=True):
    to: str
    inner: tuple[str, ...]

    def __call__(self, body: Body, value: _Object | None) -> None:
        path = self.to.split(".")
        if value is None:
            object_at(body, *path[:-1]).pop(path[-1], None)
            return
        known = object_at(body, *path)
        objects = (name for name in self.inner if isinstance(known.get(name), Mapping))
        both = {
            name: {**known[name], **value[name]} for name in objects if isinstance(value.get(name), Mapping)
        }
        known |= {**value, **both}


def own(*names: str, type: Any = Any) -> dict[str, Option]:
    """Make options of one type whose names are also the names of the fields.

    Args:
        *names: the names.
        type: as `Option.type`. Default: any value. Any: msgspec accepts many kinds of types.

    Returns:
        The options by name, for a dialect's `OPTIONS`.

    Example:
        >>> own("min_p", type=float)["min_p"].to
        'min_p'
    """
    return {name: Option(type, name) for name in names}


def narrowed(table: Mapping[str, Option], **types: Any) -> dict[str, Option]:
    """A table in which some options have narrower types, such as the ranges in a provider's schema.

    Args:
        table: as `Dialect.OPTIONS`.
        **types: the new type for each option's name. Any: as `Option.type`.

    Returns:
        A copy of the table with the new types.

    Example:
        >>> from typing import Annotated
        >>> table = narrowed(portable(seed="seed"), seed=Annotated[int, msgspec.Meta(ge=0)])
        >>> check_options({"seed": -1}, table, "mine/chat")
        Traceback (most recent call last):
        sansio.errors.InvalidRequestError: seed: -1 cannot be sent: Expected `int` >= 0
    """
    return {
        **table,
        **{name: msgspec.structs.replace(table[name], type=kind) for name, kind in types.items()},
    }


def check_options(
    options: Mapping[str, object], table: Mapping[str, Option], origin: str, unsupported: str = "refuse"
) -> tuple[dict[str, object], list[str]]:
    """Check options against a dialect's table.

    Args:
        options: as given to the call, without those of `EVERYWHERE`.
        table: the dialect's `OPTIONS`.
        origin: provider type and api, for error messages.
        unsupported: `"refuse"`, or `"drop"` to leave out options that only other providers have.

    Returns:
        The options to write, and the names of those that were left out.

    Raises:
        InvalidRequestError: an option is unknown or its value is wrong. The message names the option and the
            remedy.
    """
    if unsupported not in ("refuse", "drop"):
        raise InvalidRequestError(f"unsupported: must be 'refuse' or 'drop', not {unsupported!r}")
    kept: dict[str, object] = {}
    left_out: list[str] = []
    for name, value in options.items():
        if name == "n" and value is not None and (value != 1 or type(value) is not int):
            raise InvalidRequestError(
                f"n: must be 1, not {value!r}: a call gives one answer; make one call for each answer"
            )
        option = table.get(name)
        if option is not None:
            if value is not None:
                _check_value(name, value, option.type)
            kept[name] = value
        elif name not in _KNOWN:
            raise _unknown(name, table, origin)
        elif value is None or name == "n":
            continue  # there is nothing to leave out: `None` sets no field, and every call gives one answer
        elif unsupported == "drop":
            left_out.append(name)
        else:
            raise InvalidRequestError(
                f"{name}: {origin} has no such option; leave it out, or pass unsupported='drop' to have such "
                "options left out and reported"
            )
    return kept, left_out


def write_options(
    body: Body, options: Mapping[str, object], table: Mapping[str, Option], origin: str
) -> None:
    """Check options, and write them into a request's body. `None` removes a default.

    Args:
        body: the request's body; it is changed.
        options: the values by the options' names.
        table: the dialect's `OPTIONS`.
        origin: provider type and api, for error messages.

    Raises:
        InvalidRequestError: as for `check_options`; or two options set one field to different values.
    """
    kept, _ = check_options(options, table, origin)
    order = sorted(kept, key=lambda name: _turn_of(table[name], kept[name]))
    given = [name for name in order if kept[name] is not None]
    for name in order[: len(order) - len(given)]:
        table[name].write(body, None)
    if len(given) < 2:  # most calls: there is nothing to compare
        for name in given:
            table[name].write(body, kept[name])
        return
    same = {str(option.to): option.same for option in table.values() if option.same}
    writers: dict[str, str] = {}
    before = _fields(body, same)
    for name in given:
        table[name].write(body, kept[name])
        after = _fields(body, same)
        for path in {**before, **after}:
            was, values = before.get(path), after.get(path, [None])
            if was == values:
                continue
            if was and path in writers and any(value != was[0] for value in values):
                other = writers[path]
                raise contradiction(name, kept[name], other, kept[other], path)
            writers[path] = name
        before = after


def contradiction(name: str, value: object, other: str, others: object, path: str) -> InvalidRequestError:
    """The error for two options that set one field of the request to different values.

    Args:
        name: the name of the first option.
        value: its value.
        other: the name of the other option.
        others: the other option's value.
        path: the field.
    """
    return InvalidRequestError(
        f"{name}: {value!r:.80} contradicts {other}={others!r:.80}, since both set the field {path}; "
        "give one of them"
    )


_DEPTH = 3
"""The depth in the body to which the fields of two options are compared. It is the depth of the deepest field
that one option sets, such as `generationConfig.thinkingConfig.thinkingBudget`. Objects below it are compared
as a whole."""


def _fields(
    body: Mapping[str, object], same: Mapping[str, str], path: str = "", depth: int = 1
) -> dict[str, list[object]]:
    """The values in a body by their path. Fields with the same meaning share a path; empty objects have none.

    Args:
        same: for the path of a field, the path of another field that means the same.
    """
    found: dict[str, list[object]] = {}
    for name, value in body.items():
        where = f"{path}{name}"
        if isinstance(value, Mapping) and depth < _DEPTH:
            for inner, values in _fields(value, same, f"{where}.", depth + 1).items():
                found.setdefault(inner, []).extend(values)
        else:
            found.setdefault(same.get(where, where), []).append(value)
    return found


def _turn_of(option: Option, value: object) -> int:
    """The turn in which an option is written: removals first, since another option may write the same field.
    Whole fields are next, since functions and nested fields add to them."""
    if value is None:
        return 0
    to = option.to.to if isinstance(option.to, _Merged) else option.to
    return 1 if isinstance(to, str) and "." not in to else 2


def merge_extra(body: Body, extra: Mapping[str, object]) -> None:
    """Merge `extra_body` into a request's body: objects field by field; `None` removes a field.

    Args:
        body: the request's body; it is changed.
        extra: the fields to merge.

    Raises:
        InvalidRequestError: `extra` holds a value that is not JSON, such as NaN or bytes. Nothing else is
            checked.
    """
    if extra:
        _check_json("extra_body", extra)
        _merge(body, extra)


def _merge(body: Body, extra: Mapping[str, object]) -> None:
    for name, value in extra.items():
        known = body.get(name)
        if value is None:
            body.pop(name, None)
        elif isinstance(known, dict) and isinstance(value, Mapping):
            body[name] = dict(known)
            _merge(body[name], value)
        else:
            body[name] = value


def _check_value(name: str, value: object, type: Any) -> None:
    _check_json(name, value)
    try:
        msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        shown = repr(value)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}…"
        words = _words_of(type) if "enum" in str(error) else []
        hint = f"; use one of {', '.join(words)}" if words else ""
        raise InvalidRequestError(f"{name}: {shown} cannot be sent: {error}{hint}") from None


def _words_of(type: Any) -> list[str]:
    """The words that a type accepts, for a suggestion in an error."""
    if get_origin(type) is Literal:
        return [repr(word) for word in get_args(type)]
    return [word for inner in get_args(type) for word in _words_of(inner)]


def _check_json(name: str, value: object) -> None:
    if (fault := json_fault(value)) is not None:
        raise InvalidRequestError(f"{name}: {fault}")


def _unknown(name: str, table: Mapping[str, Option], origin: str) -> InvalidRequestError:
    if name == "stream":
        return InvalidRequestError(
            "stream: is not an option; call stream() for events, or complete() for a whole answer"
        )
    near = get_close_matches(name, (*table, *EVERYWHERE), 1) or get_close_matches(name, sorted(_KNOWN), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"to send it unchecked, use extra_body={{{name!r}: ...}}"
    return InvalidRequestError(f"{name}: {origin} has no such option; {hint}")
