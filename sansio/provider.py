"""A provider, pure: it prepares requests, makes calls, and signs requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar, Unpack

import msgspec
from msgspec import Struct

from sansio.call import Call
from sansio.checks import as_tools, check_messages, check_tool_choice, check_tools, encode_body
from sansio.config import ProviderConfig, check_headers, check_url
from sansio.content import (
    Message,
    Tool,
)
from sansio.conversation import Messages, as_messages
from sansio.credentials import Key
from sansio.defaults import AuthMethod
from sansio.endpoints import Content, Embeddings, Endpoint, ModelInfo
from sansio.errors import ConfigError, InvalidRequestError
from sansio.families.base import Dialect
from sansio.fetch import Fetch
from sansio.http.messages import Request
from sansio.jsontext import JSONObject
from sansio.lines import LineFetch
from sansio.options import (
    EmbedOptions,
    ListOptions,
    Options,
    UnsupportedOptionError,
    check_options,
    merge_extra,
)
from sansio.porting import LeftOut, in_order, port, port_tools
from sansio.providers.registry import dialect_for
from sansio.retry import RetrySchedule
from sansio.structured import is_schema, output_tool, response_format
from sansio.timeouts import Timeouts

T = TypeVar("T")

_NESTED_OPTIONS = 2
"""How deep `options` are read: a facade gives all its keywords so, and one of them may be `options`."""


_CLOCKS = {
    "timeout": "total_timeout",
    "connect_timeout": "connect_timeout",
    "write_timeout": "write_timeout",
    "read_timeout": "read_timeout",
    "event_timeout": "event_timeout",
    "first_event_timeout": "first_event_timeout",
}
"""Options that set a call's clocks, and the config's fields in whose place they are."""


def _no_jitter() -> float:
    return 0.0


class Prepared(Struct, frozen=True):
    """A request as it would be sent.

    Args:
        url: the address it is posted to.
        headers: without the key.
        body: the JSON body.
        left_out: everything of the conversation and the options that is not sent, and why.
        output_tool: the tool whose call is the answer's text, where a JSON schema is sent as a forced tool;
            else empty.
    """

    url: str
    headers: dict[str, str]
    body: JSONObject
    left_out: tuple[LeftOut, ...] = ()
    output_tool: str = ""


class _Asked(Struct, frozen=True):
    """The options of one call: those that every call may have, checked, and the dialect's own."""

    dialect: Dialect
    timeouts: Timeouts
    schedule: RetrySchedule
    extra_headers: dict[str, str]
    extra_body: dict[str, Any]  # Any: JSON
    unsupported: str
    options: dict[str, object]
    output_tool: Tool | None


class Provider:
    """A config and its dialect. Holds no key, and nothing of a call; any number may be under way at once.

    Args:
        config: the provider.

    Example:
        >>> from sansio import Message, Role
        >>> provider = Provider(ProviderConfig(type="ollama", model="llama3.2"))
        >>> call = provider.call([Message(Role.USER, "Hello")])
        >>> call.next_step()
        Send(request=<Request POST http://localhost:11434/v1/chat/completions ...
    """

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        self.dialect: Dialect = dialect_for(config)
        self._last: tuple[tuple[bool, str, dict[str, str]], Request] | None = None
        self._other: tuple[str, Dialect] | None = None
        self._plain: _Asked | None = None  # what a call without options asks for, once it was worked out
        self._clocks = config.timeouts()
        self._schedule = RetrySchedule(
            max_attempts=config.max_attempts, max_retry_after=config.max_retry_after
        )

    def prepare(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        stream: bool = True,
        **options: Unpack[Options],
    ) -> Prepared:
        """What `call` would send, without making a call.

        Args:
            messages: the conversation: `Message`s, dicts of OpenAI's form, or a text, which is one message of
                the user. An iterator is read once.
            tools: a list in OpenAI's function format, whatever the provider.
            stream: whether a stream is asked for.
            **options: as for `call`.

        Raises:
            InvalidRequestError: as `call`.
            ConfigError: as `call`.
        """
        asked = self._separate(options)
        body, request, left_out = self._build(as_messages(messages), as_tools(tools), stream, asked)
        return Prepared(request.url, dict(request.headers), body, left_out, asked.dialect.output_tool)

    def call(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        stream: bool = True,
        random: Callable[[], float] = _no_jitter,
        record: bool = False,
        **options: Unpack[Options],
    ) -> Call:
        """Begin a call; nothing is sent until a driver takes its first step.

        Args:
            messages: the conversation: `Message`s, dicts of OpenAI's form, or a text, which is one message of
                the user. An iterator is read once.
            tools: a list in OpenAI's function format, whatever the provider.
            stream: whether deltas are wanted.
            random: gives a number from 0 up to 1, which spreads the retries of many clients; without
                one they are not spread.
            record: keep what raw logs receive.
            **options: what the dialect's `OPTIONS` knows, such as `temperature=0`; one that is `None`
                removes a default. Every provider takes `model`; `timeout`, seconds for the whole call, which
                the driver keeps (default: the config's `total_timeout`); the other clocks by their names in
                the config, such as `first_event_timeout`; `max_attempts` (default: the config's);
                `extra_headers`; `extra_body`, fields of the wire that are merged last and
                unchecked; `unsupported="drop"`, which leaves out options of other providers that have no
                place here and reports them; and `options`, a mapping with more options, such as those that
                only a registered provider has.

        Raises:
            InvalidRequestError: no provider, or not this one, would take the request.
            ConfigError: the dialect's address or headers cannot be sent.
        """
        asked = self._separate(options)
        conversation = as_messages(messages)
        body, request, left_out = self._build(conversation, as_tools(tools), stream, asked)
        return Call(
            asked.dialect,
            request.with_body(encode_body(body, conversation)),
            stream=stream,
            schedule=asked.schedule,
            timeouts=asked.timeouts,
            random=random,
            record=record,
            left_out=left_out,
        )

    def count_tokens(
        self,
        messages: Messages,
        tools: Sequence[Tool] | None = None,
        *,
        random: Callable[[], float] = _no_jitter,
        record: bool = False,
        **options: Unpack[Options],
    ) -> Fetch[int]:
        """Ask the provider how many tokens a request has. It is not answered, and not charged for.

        Args:
            messages: the conversation, as for `call`.
            tools: in OpenAI's function format.
            random: as for `call`.
            record: keep what raw logs receive.
            **options: as for `call`; those that say nothing of the prompt's size are not sent.

        Raises:
            InvalidRequestError: as `call`; or the provider counts no tokens.
            ConfigError: as `call`.
        """
        asked = self._separate(options)
        conversation = as_messages(messages)
        body, _, left_out = self._build(conversation, as_tools(tools), False, asked)
        endpoint = asked.dialect.count_tokens(body)
        return self._fetch(endpoint, asked, random, record, conversation, left_out)

    def list_models(
        self,
        *,
        random: Callable[[], float] = _no_jitter,
        record: bool = False,
        **options: Unpack[ListOptions],
    ) -> Fetch[tuple[ModelInfo, ...]]:
        """Ask which models the provider has. The config's own model does not matter.

        Args:
            random: as for `call`.
            record: keep what raw logs receive.
            **options: the clocks, `max_attempts` and `extra_headers`, as for `call`.

        Raises:
            InvalidRequestError: the provider has no such list, or an argument cannot be.
            ConfigError: as `call`.
        """
        return self.fetch(self.dialect.list_models(), random=random, record=record, **options)

    def fetch(
        self,
        endpoint: Endpoint[T],
        *,
        random: Callable[[], float] = _no_jitter,
        record: bool = False,
        **options: Unpack[ListOptions],
    ) -> Fetch[T]:
        """Ask any endpoint of the provider, with the retries, headers and clocks of every call.

        Args:
            endpoint: what is asked, and how the response is read.
            random: as for `call`.
            record: keep what raw logs receive.
            **options: the clocks, `max_attempts` and `extra_headers`, as for `call`.

        Raises:
            InvalidRequestError: an option cannot be.
            ConfigError: as `call`.
        """
        return self._fetch(endpoint, self._separate_own(options, ListOptions), random, record)

    def fetch_lines(
        self,
        url: str,
        *,
        random: Callable[[], float] = _no_jitter,
        record: bool = False,
        **options: Unpack[ListOptions],
    ) -> LineFetch:
        """Ask for a file of lines, such as the results of a batch. They are given as they arrive.

        Args:
            url: the absolute address, on the provider's server: the key is sent to it.
            random: as for `call`.
            record: keep what raw logs receive.
            **options: as for `fetch`.

        Raises:
            InvalidRequestError: an option cannot be.
            ConfigError: as `call`.
        """
        asked = self._separate_own(options, ListOptions)
        headers = {**asked.dialect.build_headers(), **asked.extra_headers}
        return LineFetch(
            asked.dialect,
            self._addressed(url, headers, "*/*", None),
            schedule=asked.schedule,
            timeouts=asked.timeouts,
            random=random,
            record=record,
        )

    def embed(
        self,
        texts: str | Sequence[str],
        *,
        random: Callable[[], float] = _no_jitter,
        record: bool = False,
        **options: Unpack[EmbedOptions],
    ) -> Fetch[Embeddings]:
        """Ask for texts as vectors.

        Args:
            texts: at least one; a text alone is a list of one.
            random: as for `call`.
            record: keep what raw logs receive.
            **options: `model`, the model for embeddings (default: the config's); `dimensions`, the length of
                the vectors, where the model can shorten them; and the clocks, `max_attempts`, `extra_headers`
                and `extra_body`, as for `call`. `extra_body={"encoding_format": "float"}` is for a server
                that refuses base64.

        Raises:
            InvalidRequestError: the provider has no embeddings, or an argument cannot be.
            ConfigError: as `call`.
        """
        asked = self._separate_own(options, EmbedOptions)
        dimensions = asked.options.get("dimensions")
        if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
            raise InvalidRequestError(f"dimensions: must be an int of at least 1, not {dimensions!r}")
        endpoint = asked.dialect.embed(_texts(texts), dimensions)
        return self._fetch(endpoint, asked, random, record)

    def authorize(self, request: Request, key: Key | None, *, now: float = 0.0) -> Request:
        """Sign a request: the one place where a key enters.

        Args:
            key: unchanged; `None` if the auth method is `none`.
            now: wall-clock seconds since the epoch, for signatures that hold the time.

        Raises:
            ConfigError: a key is needed and there is none, or it cannot be sent in a header.
        """
        try:
            return self.dialect.authorize(request, key, now=now)
        finally:
            del key  # a traceback that shows locals must not show it

    def _build(
        self, messages: list[Message], tools: Sequence[Tool], stream: bool, asked: _Asked
    ) -> tuple[JSONObject, Request, tuple[LeftOut, ...]]:
        dialect = asked.dialect
        max_depth = dialect.limits.max_json_depth
        continued = dialect.continues(asked.options)
        ordered, moved = _ordered(messages, max_depth, continued)
        check_messages(ordered, max_depth, continued=continued)
        if asked.output_tool is not None:
            if tools:
                raise _goes_alone(dialect, "tools")
            tools = (asked.output_tool,)
        check_tools(tools)
        ported, left_out = port(ordered, dialect)
        tools, changed = port_tools(tools, dialect)
        left_out = [*moved, *left_out, *changed]
        kept, dropped = check_options(asked.options, dialect.options(), dialect.origin, asked.unsupported)
        check_tool_choice(kept.get("tool_choice"))
        left_out += [
            LeftOut("option", f"{dialect.origin} has no such option", option=name) for name in dropped
        ]
        while True:  # at most once for each option
            try:
                built = dialect.build_request_body(ported, tools, stream, **kept)
                break
            except UnsupportedOptionError as error:
                if asked.unsupported != "drop" or error.option not in kept:
                    raise
                del kept[error.option]
                left_out.append(LeftOut("option", error.why, option=error.option))
        body: JSONObject = dict(built)  # type: ignore[arg-type]  # JSON is checked when it is encoded
        check_options({"n": asked.extra_body.get("n")}, dialect.options(), dialect.origin)
        merge_extra(body, asked.extra_body)
        return body, self._request(dialect, stream, asked.extra_headers), tuple(left_out)

    def _fetch(
        self,
        endpoint: Endpoint[T],
        asked: _Asked,
        random: Callable[[], float],
        record: bool,
        messages: Sequence[Message] = (),
        left_out: tuple[LeftOut, ...] = (),
    ) -> Fetch[T]:
        """A call of an endpoint beside answers.

        Args:
            messages: those in the request, for errors that name them.
        """
        headers = {**asked.dialect.build_headers(), **asked.extra_headers}
        match endpoint.body:
            case None:
                content = None
            case Content() as content:
                pass
            case given:
                body = dict(given)
                merge_extra(body, asked.extra_body)
                content = Content("application/json", encode_body(body, messages))
        request = self._addressed(endpoint.url, headers, "application/json", content)
        return Fetch(
            asked.dialect,
            request,
            endpoint.read,
            schedule=asked.schedule,
            timeouts=asked.timeouts,
            random=random,
            record=record,
            left_out=left_out,
            once=endpoint.once,
            own_error=endpoint.own_error,
        )

    def _separate(self, options: Mapping[str, object]) -> _Asked:
        """The options that every call may have, and those that are the dialect's."""
        left = dict(options)
        for _ in range(_NESTED_OPTIONS):
            more = _mapping("options", left.pop("options", None))
            for name in more.keys() & left.keys():
                raise InvalidRequestError(f"{name}: is given twice, as a keyword and in options")
            left |= more
        if "options" in left:
            raise InvalidRequestError(
                "options: holds options that hold options, or itself; give one mapping of names and values"
            )
        plain = not left
        if plain and self._plain is not None:
            return self._plain
        model = left.pop("model", None)
        schedule = self._schedule
        attempts = left.pop("max_attempts", None)
        if attempts is not None:
            if type(attempts) is not int or attempts < 1:
                raise InvalidRequestError(f"max_attempts: must be an int of at least 1, not {attempts!r}")
            schedule = msgspec.structs.replace(schedule, max_attempts=attempts)
        headers = _headers(left.pop("extra_headers", None))
        dialect = self.dialect if model is None else self._with_model(model)
        if headers:
            dialect = dialect.with_headers(headers)
        form, tool = left.get("response_format"), None
        if isinstance(form, type) or (isinstance(form, Mapping) and is_schema(form)):
            left["response_format"] = form = response_format(form)
        elif form is not None and not isinstance(form, Mapping):
            raise InvalidRequestError(
                f"response_format: {form!r:.80} is neither a class nor a mapping; give a dataclass, a "
                "msgspec Struct, a TypedDict or a pydantic model, with a field for what you want, or the "
                "JSON schema of an object"
            )
        if isinstance(form, Mapping) and not dialect.takes_schema() and (found := output_tool(form)):
            name, tool = found
            if left.get("tool_choice") is not None:
                raise _goes_alone(dialect, "tool_choice")
            dialect = dialect.with_output_tool(name)
            del left["response_format"]
            left["tool_choice"] = {"type": "function", "function": {"name": name}}
        asked = _Asked(
            dialect=dialect,
            timeouts=self._timeouts(left),
            schedule=schedule,
            extra_headers=headers,
            extra_body=_mapping("extra_body", left.pop("extra_body", None)),
            unsupported=str(left.pop("unsupported", "refuse")),
            options=left,
            output_tool=tool,
        )
        if plain:
            self._plain = asked
        return asked

    def _separate_own(self, options: Mapping[str, object], kind: type[ListOptions]) -> _Asked:
        """The options of an endpoint that has few, which are those of `kind`."""
        for name in options:
            if name not in kind.__annotations__:
                allowed = ", ".join(kind.__annotations__)
                raise InvalidRequestError(f"{name}: is not an option of this; use {allowed}")
        return self._separate(options)

    def _timeouts(self, left: dict[str, object]) -> Timeouts:
        """The call's clocks; their options are taken out of those that are left."""
        names = _CLOCKS.keys() & left.keys()
        if not names:
            return self._clocks
        return self.config.timeouts(**{_CLOCKS[name]: _seconds(name, left.pop(name)) for name in names})

    def _with_model(self, model: object) -> Dialect:
        """The dialect for another model; kept for the last one, since a config is expensive to make."""
        if not isinstance(model, str) or not model.strip():
            raise InvalidRequestError(f"model: must be the name of a model, not {model!r}")
        if self._other is None or self._other[0] != model:
            self._other = model, self.dialect.with_model(model)
        return self._other[1]

    def _request(self, dialect: Dialect, stream: bool, extra: Mapping[str, str]) -> Request:
        """A request without a body; the last one again, if the dialect says the same as then."""
        said = stream, dialect.build_endpoint(stream), {**dialect.build_headers(), **extra}
        if self._last is None or self._last[0] != said:
            _, endpoint, headers = said
            accept = "text/event-stream" if stream else "application/json"
            request = self._addressed(endpoint, headers, accept, Content("application/json", b""))
            self._last = (stream, endpoint, dict(headers)), request
        return self._last[1]

    def _addressed(
        self, url: str, headers: Mapping[str, str], accept: str, content: Content | None
    ) -> Request:
        """A request, its address and headers checked.

        Args:
            accept: the media type that is asked for.
            content: what is posted; `None` for a GET.
        """
        method = self.config.auth_method
        check_url(url, method is not AuthMethod.NONE and not self.config.allow_http, query=True)
        check_headers(headers)
        merged = {"user-agent": "sansio-llm", "accept": accept}
        merged |= {name.lower(): value for name, value in headers.items()}
        pairs = tuple(merged.items())
        if content is None:
            return Request.get(url, pairs)
        return Request.post(url, pairs, content.data, content.type)


def _ordered(messages: list[Message], max_depth: int, continued: bool) -> tuple[list[Message], list[LeftOut]]:
    """The conversation in order; unchanged if that does not make it valid, so that errors name its places."""
    ordered, moved = in_order(messages)
    if moved:
        try:
            check_messages(ordered, max_depth, continued=continued)
        except InvalidRequestError:
            return messages, []
    return ordered, moved


def _goes_alone(dialect: Dialect, beside: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"response_format: {dialect.origin} takes no JSON schema with the model {dialect.config.model}. The "
        f"answer is asked for as a forced tool, which goes alone; leave out {beside}, or ask another model"
    )


def _texts(texts: str | Sequence[str]) -> list[str]:
    listed = [texts] if isinstance(texts, str) else list(texts)  # an iterator is read once
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidRequestError(
                f"texts[{index}]: must be a text, not {type(text).__name__}", index=index
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidRequestError(
                f"texts[{index}] holds half a surrogate pair, which cannot be sent as UTF-8; "
                "clean the text with text.encode('utf-8', 'replace').decode()",
                index=index,
            ) from None
    if not listed:
        raise InvalidRequestError("texts: is empty; give at least one text")
    return listed


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (isfinite(value) and value > 0):
        raise InvalidRequestError(
            f"{name}: must be a number of seconds greater than 0, or None for no limit, not {value!r}"
        )
    return value


def _headers(value: object) -> dict[str, str]:
    headers = _mapping("extra_headers", value)
    try:
        check_headers(headers)
    except ConfigError as error:  # which is of the config's headers; these are the call's
        raise InvalidRequestError(error.message) from None
    return headers


def _mapping(name: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequestError(f"{name}: must be a mapping, not {type(value).__name__}")
    return dict(value)
