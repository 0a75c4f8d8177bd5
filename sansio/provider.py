"""A provider without I/O: it prepares requests, makes calls, and signs requests."""

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
"""How many levels of `options` are read: a facade passes its keywords as `options`, and one of them may be
the user's `options`."""


_CLOCKS = {
    "timeout": "total_timeout",
    "connect_timeout": "connect_timeout",
    "write_timeout": "write_timeout",
    "read_timeout": "read_timeout",
    "event_timeout": "event_timeout",
    "first_event_timeout": "first_event_timeout",
}
"""Options that set a call's clocks, and the field of the config that each of them replaces."""


def _no_jitter() -> float:
    return 0.0


class Prepared(Struct, frozen=True):
    """A request as it would be sent.

    Args:
        url: the address to which it would be posted.
        headers: the headers, without the key.
        body: the JSON body.
        left_out: the parts of the conversation and the options that are not sent, and why.
        output_tool: the name of the forced tool as which a JSON schema is sent; the arguments of its call
            become the answer's text. Empty if no schema is sent in this way.
    """

    url: str
    headers: dict[str, str]
    body: JSONObject
    left_out: tuple[LeftOut, ...] = ()
    output_tool: str = ""


class _Asked(Struct, frozen=True):
    """The options of one call: checked options that every call may have, and the dialect's own options."""

    dialect: Dialect
    timeouts: Timeouts
    schedule: RetrySchedule
    extra_headers: dict[str, str]
    extra_body: dict[str, Any]  # Any: JSON
    unsupported: str
    options: dict[str, object]
    output_tool: Tool | None


class Provider:
    """A provider: makes calls from a config. It holds no key and no state of a call.

    Any number of its calls may be under way at once.

    Args:
        config: the provider's type, model, address and clocks.

    Raises:
        ConfigError: the config's dialect cannot be made.

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
        self._plain: _Asked | None = None  # for calls without options; kept, since it is the same for all
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
        """Show the request that `call` would send, without making a call.

        Args:
            messages: the conversation: `Message`s, dicts in OpenAI's form, or a `str`, which is one message
                of the user. An iterator is read once.
            tools: a list in OpenAI's function format, for every provider.
            stream: whether the request asks for a stream.
            **options: as for `call`.

        Returns:
            The address, headers and body, and a report of everything that would not be sent.

        Raises:
            InvalidRequestError: as for `call`.
            ConfigError: as for `call`.
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
            messages: the conversation: `Message`s, dicts in OpenAI's form, or a `str`, which is one message
                of the user. An iterator is read once.
            tools: a list in OpenAI's function format, for every provider.
            stream: whether deltas are wanted.
            random: returns a number from 0 up to 1, which spreads the retries of many clients over time;
                without it they are not spread.
            record: keep the records for raw logs, which `Call.take_records()` returns.
            **options: options of the dialect, such as `temperature=0`; `None` removes a default. Every
                provider has `model`; `timeout`, the seconds for the whole call, which the driver keeps
                (default: the config's `total_timeout`); the other clocks by their names in the config, such
                as `first_event_timeout`; `max_attempts` (default: the config's); `extra_headers`;
                `extra_body`, fields of the wire format that are merged last and not checked;
                `unsupported="drop"`, which leaves out and reports options that only other providers have;
                and `options`, a mapping of further options, such as those of a registered provider.

        Returns:
            The call. A driver of `transports`, or your own loop, performs its steps.

        Raises:
            InvalidRequestError: the request is not valid, for any provider or for this one.
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
        """Ask the provider how many tokens a request has. The model does not run, and nothing is charged.

        Args:
            messages: the conversation, as for `call`.
            tools: as for `call`.
            random: as for `call`.
            record: as for `call`.
            **options: as for `call`; options that do not change the prompt's size are not sent.

        Returns:
            A machine whose `result()` is the number of tokens.

        Raises:
            InvalidRequestError: as for `call`; or the provider cannot count tokens.
            ConfigError: as for `call`.
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
            record: as for `call`.
            **options: the clocks, `max_attempts` and `extra_headers`, as for `call`.

        Returns:
            A machine whose `result()` is a tuple of `ModelInfo`.

        Raises:
            InvalidRequestError: the provider has no such list, or an argument is not valid.
            ConfigError: as for `call`.
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
            endpoint: the request, and a function that reads the response.
            random: as for `call`.
            record: as for `call`.
            **options: the clocks, `max_attempts` and `extra_headers`, as for `call`.

        Returns:
            A machine whose `result()` is the value that the endpoint reads.

        Raises:
            InvalidRequestError: an option is not valid.
            ConfigError: as for `call`.
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
        """Ask for a file of lines, such as the results of a batch. Each line is given as it arrives.

        Args:
            url: the absolute address, on the provider's server: the key is sent to it.
            random: as for `call`.
            record: as for `call`.
            **options: as for `fetch`.

        Returns:
            A machine that gives each line as a `ContentDelta`; its `result()` is the number of lines. See
            `LineFetch`.

        Raises:
            InvalidRequestError: an option is not valid.
            ConfigError: as for `call`.
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
        """Ask for the embedding vectors of texts.

        Args:
            texts: at least one text; a single `str` is a list of one.
            random: as for `call`.
            record: as for `call`.
            **options: `model`, the model for embeddings (default: the config's); `dimensions`, the length of
                the vectors, if the model can shorten them; and the clocks, `max_attempts`, `extra_headers`
                and `extra_body`, as for `call`. `extra_body={"encoding_format": "float"}` is for a server
                that refuses base64.

        Returns:
            A machine whose `result()` is an `Embeddings` with one vector for each text, in order.

        Raises:
            InvalidRequestError: the provider has no embeddings, or an argument is not valid.
            ConfigError: as for `call`.
        """
        asked = self._separate_own(options, EmbedOptions)
        dimensions = asked.options.get("dimensions")
        if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
            raise InvalidRequestError(f"dimensions: must be an int of at least 1, not {dimensions!r}")
        endpoint = asked.dialect.embed(_texts(texts), dimensions)
        return self._fetch(endpoint, asked, random, record)

    def authorize(self, request: Request, key: Key | None, *, now: float = 0.0) -> Request:
        """Sign a request. Only this method of the core receives a key.

        Args:
            request: a request of `Send`, or one that was made by hand.
            key: the key, sent unchanged; `None` if the auth method is `none`.
            now: wall-clock seconds since the epoch, for signatures that include the time (default: 0).

        Returns:
            The request with its authorization.

        Raises:
            ConfigError: a key is needed but missing, or it cannot be sent in a header.
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
        while True:  # each turn drops an option, so there are at most as many turns as options
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
        dialect.check_body(body)
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
        """A call of an endpoint that gives a value instead of an answer.

        Args:
            messages: the messages of the request, so that errors can name them.
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
                "options: contains a second level of options, or itself; give one mapping of names and values"
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
        """The options of an endpoint that has few options; `kind` lists them."""
        for name in options:
            if name not in kind.__annotations__:
                allowed = ", ".join(kind.__annotations__)
                raise InvalidRequestError(f"{name}: is not an option of this request; use one of {allowed}")
        return self._separate(options)

    def _timeouts(self, left: dict[str, object]) -> Timeouts:
        """The call's clocks; their options are removed from `left`."""
        names = _CLOCKS.keys() & left.keys()
        if not names:
            return self._clocks
        return self.config.timeouts(**{_CLOCKS[name]: _seconds(name, left.pop(name)) for name in names})

    def _with_model(self, model: object) -> Dialect:
        """The dialect for another model. The last one is kept, since a config is expensive to make."""
        if not isinstance(model, str) or not model.strip():
            raise InvalidRequestError(f"model: must be the name of a model, not {model!r}")
        if self._other is None or self._other[0] != model:
            self._other = model, self.dialect.with_model(model)
        return self._other[1]

    def _request(self, dialect: Dialect, stream: bool, extra: Mapping[str, str]) -> Request:
        """A request without a body. The last one is reused if its address and headers are the same."""
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
        """A request with a checked address and checked headers.

        Args:
            accept: the media type for the header `accept`.
            content: the body of a POST; `None` for a GET.
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
    """The conversation with tool results moved behind their calls.

    If that does not make it valid, it is unchanged, so that errors name places in the user's own list.
    """
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
        f"schema is sent as a forced tool, which must be alone; leave out {beside}, or use another model"
    )


def _texts(texts: str | Sequence[str]) -> list[str]:
    listed = [texts] if isinstance(texts, str) else list(texts)  # an iterator is read once
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidRequestError(
                f"texts[{index}]: must be a str, not {type(text).__name__}", index=index
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
    except ConfigError as error:  # `check_headers` is also for the config; these are the call's headers
        raise InvalidRequestError(error.message) from None
    return headers


def _mapping(name: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequestError(f"{name}: must be a mapping, not {type(value).__name__}")
    return dict(value)
