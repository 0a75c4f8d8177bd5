"""The options of Responses: where each is written, and which can be combined.

Sources: OpenAI's SDK (`ResponseCreateParams`) and its pages on conversation state, background mode and
prompt caching; vLLM's `ResponsesRequest`; OpenRouter's SDK (`ResponsesRequest`); Ollama's source,
`openai/responses.go`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sansio.defaults import ResponsesProfile
from sansio.errors import InvalidRequestError
from sansio.families.responses.tools import write_choice
from sansio.options import PORTABLE, Body, Option, UnsupportedOptionError, merged, narrowed, own, portable

ENCRYPTED = "reasoning.encrypted_content"
"""The name in `include` for encrypted reasoning, which can be sent back to a server that keeps nothing."""
_LOGPROBS = "message.output_text.logprobs"
_WITHOUT_REASONING = re.compile(r"(?:[\w.-]+/|ft:)?(?:gpt-3\.5|gpt-4|chatgpt-|gpt-5(?:\.\d)?-chat)")
"""The beginnings of the names of OpenAI's models that do not reason. They refuse to include reasoning:
"Encrypted content is not supported with this model" (microsoft/agent-framework, issues 7483 and 7577)."""
_LATER = ("2h", "8h")
"""The windows of `background_options` for an answer that is not needed soon."""


def _write_logprobs(body: Body, value: bool | int | None) -> None:
    """Write log probabilities; a number asks for so many alternatives to each token. See `write_include`."""
    if isinstance(value, bool) or value is None:
        body["logprobs"] = value
    else:
        body |= {"logprobs": True, "top_logprobs": value}


def _write_format(body: Body, value: Mapping[str, Any] | None) -> None:
    """Write a JSON schema, in chat's form or in the wire's flat form; any other kind passes unchanged."""
    text = dict(body.get("text") or {})
    if value is None:
        text.pop("format", None)
        body["text"] = text or None
        return
    inner = value.get("json_schema", value)
    schema = isinstance(inner, Mapping) and isinstance(inner.get("schema"), Mapping)
    kind = value.get("type")
    if schema:
        value = {"name": "answer", **inner, "type": "json_schema"}
    elif not isinstance(kind, str) or kind in _OF_A_SCHEMA:
        raise InvalidRequestError(
            f"response_format: {value!r:.80} does not say which form the answer has; give a class, or "
            '{"type": "json_schema", "json_schema": {"name": ..., "schema": {...}}}'
        )
    body["text"] = {**text, "format": value}


_OF_A_SCHEMA = ("json_schema", "object", "array", "string", "number", "integer", "boolean", "null")
"""The values of `type` in a JSON schema that was given alone, or if the schema is missing."""


def _refuse_lifetime(body: Body, value: bool | str | None) -> None:
    """Refuse a lifetime. Prompts are cached automatically, so nothing is written."""
    if isinstance(value, str):
        raise UnsupportedOptionError(
            "cache",
            f"{value!r} is a time to live that cannot be chosen here; use cache=True (prompts are cached "
            'automatically), or for OpenAI prompt_cache_options={"ttl": "30m"}',
        )


COMMON_OPTIONS: Mapping[str, Option] = {
    **portable(
        temperature="temperature",
        top_p="top_p",
        max_tokens="max_output_tokens",
        response_format=_write_format,
        reasoning_effort="reasoning.effort",
        cache=_refuse_lifetime,
    ),
    **own("max_output_tokens", type=int),
    "max_completion_tokens": Option(int, "max_output_tokens"),
    **own("instructions", "truncation", type=str),
    "text": Option(dict[str, Any], merged("text")),
    "reasoning": Option(dict[str, Any], merged("reasoning")),
}
"""Options that all known servers understand. Ollama has no others."""

SERVER_OPTIONS: Mapping[str, Option] = {
    **COMMON_OPTIONS,
    **portable(
        logprobs=_write_logprobs,
        top_logprobs="top_logprobs",
        tool_choice=write_choice,
        parallel_tool_calls="parallel_tool_calls",
        user="user",
        metadata="metadata",
        service_tier="service_tier",
        store="store",
    ),
    **own("max_tool_calls", type=int),
    **own("include", type=list[str]),
}
"""Options that all but Ollama understand."""

STATE_OPTIONS: Mapping[str, Option] = {
    **own("previous_response_id", type=str),
    **own("background", type=bool),
}
"""Options of servers that keep responses."""

OPENAI_OPTIONS: Mapping[str, Option] = {
    **SERVER_OPTIONS,
    **STATE_OPTIONS,
    **portable(
        verbosity="text.verbosity",
        prompt_cache_key="prompt_cache_key",
        safety_identifier="safety_identifier",
    ),
    **own("conversation", type=str | dict[str, Any]),
    **own("prompt_cache_retention", type=str),
    **own("background_options", "prompt_cache_options", "moderation", "prompt", type=dict[str, Any]),
    **own("image", "access_programs", type=dict[str, Any]),
    **own("context_management", type=list[dict[str, Any]]),
    "stream_options": Option(dict[str, Any], merged("stream_options")),
}
"""OpenAI's own options, which compatible servers are left to refuse."""


_Share = Annotated[float, Meta(ge=0, le=1)]
_Alternatives = Annotated[int, Meta(ge=0, le=20)]
_Limit = Annotated[int, Meta(ge=16)]

OPENAI_RANGES: Mapping[str, Any] = {
    "temperature": Annotated[float, Meta(ge=0, le=2)],
    "top_p": _Share,
    "max_tokens": _Limit,
    "max_output_tokens": _Limit,
    "max_completion_tokens": _Limit,
    "logprobs": bool | _Alternatives,
    "top_logprobs": _Alternatives,
    "metadata": Annotated[dict[str, str], Meta(max_length=16)],
    "truncation": Literal["auto", "disabled"],
}
"""What OpenAI's own service takes, and Azure's (OpenAI's API reference, "Create a model response").

Compatible servers have other ranges. For them nothing is checked here.
"""

OPENAI_WORDS: Mapping[str, Any] = {
    "reasoning_effort": Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    "verbosity": Literal["low", "medium", "high"],
    "service_tier": Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"],
}
"""The words of OpenAI's own service (its SDK, `ResponseCreateParams`). Azure has models of other makers."""


def options_of(table: Mapping[str, Option], profile: ResponsesProfile) -> Mapping[str, Option]:
    """The options of a server, according to its profile.

    Args:
        table: those of servers without a profile.
    """
    if profile.ranges:
        table = narrowed(table, **profile.ranges)
    if not (words := profile.effort_values):
        return table
    effort = Option(PORTABLE["reasoning_effort"], "reasoning.effort")

    def write(body: Body, value: str | None) -> None:
        if value is not None and value not in words:
            raise InvalidRequestError(
                f"reasoning_effort: {value!r} is unknown; use one of {', '.join(words)}"
            )
        effort.write(body, None if value is None else words[value])

    return {**table, "reasoning_effort": Option(effort.type, write)}


def forbids_reasoning(options: Mapping[str, object]) -> bool:
    """Whether a call's options switch thinking off; they take precedence over the config."""
    asked = options.get("reasoning")
    effort = asked.get("effort") if isinstance(asked, Mapping) else None
    return "none" in (options.get("reasoning_effort"), effort)


def continues(options: Mapping[str, object]) -> bool:
    """Whether a call's messages continue a conversation that the server has."""
    return any(options.get(name) is not None for name in ("previous_response_id", "conversation"))


def write_state(body: Body, options: Mapping[str, object]) -> None:
    """Ask the server to store nothing, unless an option needs the stored response.

    Args:
        body: the request, its options written.
        options: as the caller gave them.

    Raises:
        InvalidRequestError: options about the server's state contradict each other.
    """
    if body.get("previous_response_id") is not None and body.get("conversation") is not None:
        raise InvalidRequestError(
            "previous_response_id: cannot be given beside conversation, which has its responses already; "
            "give one of them"
        )
    background = body.get("background") is True
    if background and body.get("store") is False:
        raise InvalidRequestError(
            "background: the server keeps an answer that it makes in the background; leave store out"
        )
    window = (body.get("background_options") or {}).get("completion_window")
    if window in _LATER and (body.get("stream") or not background):
        raise InvalidRequestError(
            f"background_options: {window!r} is for answers that are fetched later; give background=True, "
            "and call complete() instead of stream()"
        )
    if "store" not in options and not background and not continues(options):
        body["store"] = False


def write_include(body: Body, options: Mapping[str, object], *, sealed: bool) -> None:
    """Write `include`: the caller's values, and the fields that later requests must send back.

    Args:
        body: the request, its options and state written.
        options: as the caller gave them. `include=None` leaves encrypted reasoning out.
        sealed: whether the server encrypts reasoning.

    Raises:
        InvalidRequestError: alternatives to tokens are asked for without their probabilities.
    """
    names = list(body.pop("include", None) or ())
    if body.pop("logprobs", None):
        names.append(_LOGPROBS)
    if body.get("top_logprobs") and _LOGPROBS not in names:
        raise InvalidRequestError("top_logprobs: needs logprobs=True beside it; add that, or leave it out")
    wanted = sealed and (options.get("include") is not None or "include" not in options)
    if wanted and body.get("store") is False and not _WITHOUT_REASONING.match(str(body.get("model"))):
        names.append(ENCRYPTED)
    if names:
        body["include"] = list(dict.fromkeys(names))


def rest_query(body: bytes, number: int) -> str:
    """The query for the rest of a stream, percent-encoded.

    Args:
        body: the request. What it includes is asked for again, so that the rest has the same fields.
        number: the number of the last event that was read.
    """
    from urllib.parse import urlencode  # late: most streams are not cut

    asked = msgspec.json.decode(body, type=dict[str, Any])
    pairs: list[tuple[str, object]] = [("stream", "true"), ("starting_after", number)]
    # `extra_body` is not checked, so these may be of any type.
    include, options = asked.get("include"), asked.get("stream_options")
    pairs += [("include[]", name) for name in include] if isinstance(include, list) else []
    if isinstance(options, dict) and options.get("include_obfuscation") is False:
        pairs.append(("include_obfuscation", "false"))
    return urlencode(pairs)
