"""A provider, pure: it makes calls and signs their requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from sansio.call import Call
from sansio.config import AuthMethod, ProviderConfig, check_headers, check_url
from sansio.dialects import Dialect, dialect_for
from sansio.dialects.checks import check_messages, check_options, check_tools, encode_body
from sansio.errors import ConfigError
from sansio.http import Request
from sansio.http.syntax import is_header_value
from sansio.messages import Message, Tool
from sansio.retry import RetrySchedule


def _no_jitter() -> float:
    return 0.0


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
        self._schedule = RetrySchedule(
            max_attempts=config.max_attempts, max_retry_after=config.max_retry_after
        )

    def call(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] | None = None,
        *,
        stream: bool = True,
        random: Callable[[], float] = _no_jitter,
        record: bool = False,
        **options: object,
    ) -> Call:
        """Begin a call; nothing is sent until a driver takes its first step.

        Args:
            messages: the conversation.
            tools: in OpenAI's function format, whatever the provider.
            stream: whether deltas are wanted.
            random: gives a number from 0 up to 1, which spreads the retries of many clients; without
                one they are not spread.
            record: keep what raw logs are told.
            **options: the provider's own request fields, such as `temperature=0`, sent as they are; one
                that is `None` takes a default out (`stream_options=None`).

        Raises:
            InvalidRequestError: no provider, or not this one, would take the request.
            ConfigError: the dialect's address or headers cannot be sent.
        """
        tools = tools or ()
        check_messages(messages)
        check_tools(tools)
        check_options(options)
        body = encode_body(self.dialect.build_request_body(messages, tools, stream, **options), messages)
        request = self._request(stream).with_body(body)
        return Call(
            self.dialect, request, stream=stream, schedule=self._schedule, random=random, record=record
        )

    def authorize(self, request: Request, key: str | None) -> Request:
        """Sign a request: the one place where a key enters.

        Args:
            key: as it is; `None` where the auth method is `none`.

        Raises:
            ConfigError: a key is needed and there is none, or it cannot stand in a header.
        """
        method = self.config.auth_method
        name = method.header
        if name is None:
            return request
        usable = bool(key) and is_header_value(key or "")
        if not usable:
            missing = not key
            del key  # a traceback that shows locals must not show it
            raise ConfigError(
                "there is no API key" if missing else "the API key has characters that no header can hold",
                field="api_key_env",
            )
        value = f"Bearer {key}" if method is AuthMethod.BEARER else str(key)
        return msgspec.structs.replace(request, headers=(*request.headers, (name, value)))

    @property
    def _guards_key(self) -> bool:
        return self.config.auth_method is not AuthMethod.NONE and not self.config.allow_http

    def _request(self, stream: bool) -> Request:
        """A request without a body; the last one again, where the dialect has said the same as then."""
        said = stream, self.dialect.build_endpoint(stream), self.dialect.build_headers()
        if self._last is None or self._last[0] != said:
            _, endpoint, headers = said
            check_url(endpoint, self._guards_key, query=True)
            check_headers(headers, self.config.auth_method)
            merged = {
                "user-agent": "sansio-llm",
                "accept": "text/event-stream" if stream else "application/json",
            }
            merged |= {name.lower(): value for name, value in headers.items()}
            request = Request.post(endpoint, tuple(merged.items()), b"")
            self._last = (stream, endpoint, dict(headers)), request
        return self._last[1]
