"""OpenTelemetry: spans, metrics and events of calls, by the GenAI conventions. Needs the extra `otel`.

The names are those of the OpenTelemetry GenAI semantic conventions, version 0.1.0 (the repository
`open-telemetry/semantic-conventions-genai`, pages "client inference" and "client embeddings"). Everything in
them has the status "development".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from opentelemetry import _logs as logs
from opentelemetry import metrics, trace
from opentelemetry.context import Context

from sansio import (
    APITimeoutError,
    Embeddings,
    FinishReason,
    Message,
    ProviderError,
    ResponseInfo,
    StreamEvent,
    Usage,
)
from transports.observing.base import Asked, Observation, Observer
from transports.observing.content import conversation, output, tool_definitions

Place: TypeAlias = Literal["span", "event"]

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai/0.1.0"

_SECONDS = [0.01 * 2**power for power in range(14)]
_TOKENS = [4**power for power in range(14)]

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
    "bedrock": "aws.bedrock",
    "gemini-openai": "gcp.gemini",
    "google": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
}
"""The conventions' names of provider types that differ from the names of this package."""

_OPTIONS: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "temperature": ("gen_ai.request.temperature", (int, float)),
    "top_p": ("gen_ai.request.top_p", (int, float)),
    "top_k": ("gen_ai.request.top_k", int),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", (int, float)),
    "presence_penalty": ("gen_ai.request.presence_penalty", (int, float)),
    "seed": ("gen_ai.request.seed", int),
    "reasoning_effort": ("gen_ai.request.reasoning.level", str),
    "previous_response_id": ("gen_ai.request.previous_response.id", str),
    "dimensions": ("gen_ai.embeddings.dimension.count", int),
}
"""Options whose value is an attribute unchanged, and the types that the attribute may have."""

_FINISH_REASONS = {FinishReason.TOOL_CALLS: "tool_call", FinishReason.REFUSAL: "content_filter"}
"""The conventions' words for finish reasons that differ from those of this package."""

_USAGE: tuple[tuple[str, Callable[[Usage], int]], ...] = (
    ("input_tokens", lambda usage: usage.input_tokens),
    ("output_tokens", lambda usage: usage.output_tokens),
    ("cache_read.input_tokens", lambda usage: usage.cached_tokens),
    ("cache_write.input_tokens", lambda usage: usage.cache_write_tokens),
    ("reasoning.output_tokens", lambda usage: usage.reasoning_tokens),
)
"""The counts of `gen_ai.usage.*`, and of the counters `gen_ai.client.inference.usage.*`."""


class OpenTelemetryObserver(Observer):
    """Reports each call to OpenTelemetry: a span, metrics, and events for retries and failures.

    A span covers the whole call with its retries. Its parent is the span that is current when the first event
    is read; it does not become the current span itself. The conventions do not cover `list_models` and
    `count_tokens`: these calls have a span of the same form, and no metrics.

    Args:
        content: where messages and tool definitions are reported: `"span"`, as JSON text; `"event"`, in the
            event `gen_ai.client.inference.operation.details`; both, or nowhere (the default). They may
            contain anything that users wrote.
        chunk_times: report the time from each event of a stream to the next. Off by default, since each
            report takes longer than decoding an event.
        tracer_provider: makes the spans. Default, here and below: the global one.
        meter_provider: makes the instruments.
        logger_provider: receives the events.
        now: the clock, in seconds.

    Example:
        provider = create_provider(config, observer=OpenTelemetryObserver())
    """

    def __init__(
        self,
        *,
        content: Collection[Place] = (),
        chunk_times: bool = False,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        logger_provider: logs.LoggerProvider | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        unknown = set([content] if isinstance(content, str) else content) - {"span", "event"}
        if unknown or isinstance(content, str):
            raise ValueError(f'content: must be a collection of "span" and "event", not {content!r}')
        self.content = content
        self.chunk_times = chunk_times
        self.now = now
        name = "sansio-llm"
        self.tracer = trace.get_tracer(name, tracer_provider=tracer_provider, schema_url=SCHEMA_URL)
        self.logger = logs.get_logger(name, logger_provider=logger_provider, schema_url=SCHEMA_URL)
        meter = metrics.get_meter(name, meter_provider=meter_provider, schema_url=SCHEMA_URL)

        def seconds(name: str, what: str) -> metrics.Histogram:
            return meter.create_histogram(name, "s", what, explicit_bucket_boundaries_advisory=_SECONDS)

        def tokens(name: str, what: str) -> metrics.Histogram:
            return meter.create_histogram(name, "{token}", what, explicit_bucket_boundaries_advisory=_TOKENS)

        inference, embeddings = "gen_ai.client.inference", "gen_ai.client.embeddings"
        self.durations = {
            "chat": seconds(f"{inference}.duration", "GenAI client inference operation duration."),
            "embeddings": seconds(f"{embeddings}.duration", "GenAI client embeddings operation duration."),
        }
        self.first_chunk = seconds(f"{inference}.time_to_first_chunk", "Time to receive the first chunk.")
        self.per_chunk = seconds(f"{inference}.time_per_output_chunk", "Time from one chunk to the next.")
        self.input_tokens = {
            "chat": tokens(f"{inference}.operation.input_tokens", "Input tokens of an operation."),
            "embeddings": tokens(f"{embeddings}.operation.input_tokens", "Input tokens of an operation."),
        }
        self.output_tokens = {
            "chat": tokens(f"{inference}.operation.output_tokens", "Output tokens of an operation."),
        }
        self.usage = [
            (meter.create_counter(f"{inference}.usage.{name}", "{token}", f"Tokens used: {name}."), count)
            for name, count in _USAGE
        ]

    def begin(self, asked: Asked) -> Observation:
        """Begin the span of a call; see `Observer.begin`."""
        return (_ObservedChunks if self.chunk_times and asked.stream else _Observed)(self, asked)


class _Observed(Observation):
    """One call and its span."""

    def __init__(self, observer: OpenTelemetryObserver, asked: Asked) -> None:
        self._observer = observer
        self._asked = asked
        self._began = observer.now()
        self._first: float | None = None
        self._retries = 0
        common: dict[str, Any] = {
            "gen_ai.operation.name": asked.operation,
            "gen_ai.provider.name": _PROVIDERS.get(asked.config.type, asked.config.type),
            "server.address": asked.address,
            "server.port": asked.port,
        }
        if asked.model is not None:
            common["gen_ai.request.model"] = asked.model
        self._common = common
        self._attributes = {**common, **_request(asked)}
        name = asked.operation if asked.model is None else f"{asked.operation} {asked.model}"
        self._span = observer.tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=self._attributes)

    def on_retry(self, error: ProviderError, seconds: float) -> None:
        self._retries += 1
        self._emit_exception(error, {"sansio.retry.wait": seconds})

    def on_first_event(self) -> None:
        self._first = self._observer.now()

    def on_end(self, outcome: object, response: ResponseInfo | None, *, stopped: bool) -> None:
        now = self._observer.now()
        answer = outcome.partial if isinstance(outcome, ProviderError) else outcome
        found = _answer(answer)
        if self._asked.stream and self._first is not None:
            found["gen_ai.response.time_to_first_chunk"] = self._first - self._began
        if self._retries:
            found["http.request.resend_count"] = self._retries
        failed: dict[str, Any] = {}
        if isinstance(outcome, ProviderError):
            failed["error.type"] = "cancelled" if stopped else error_type(outcome)
            if self._asked.operation == "chat":
                found["gen_ai.response.finish_reasons"] = ["error"]
            if not stopped:
                self._span.set_status(trace.Status(trace.StatusCode.ERROR, type(outcome).__name__))
                self._emit_exception(outcome)
        attributes = {**found, **failed}
        content = self._contents(answer) if self._observer.content else {}
        if "event" in self._observer.content and self._asked.operation == "chat":
            self._observer.logger.emit(
                event_name="gen_ai.client.inference.operation.details",
                severity_number=logs.SeverityNumber.DEBUG,
                attributes={**self._attributes, **attributes, **content},
                context=self._context,
            )
        if "span" in self._observer.content:
            import msgspec

            attributes |= {name: msgspec.json.encode(value).decode() for name, value in content.items()}
        self._span.set_attributes(attributes)
        self._measure(answer, now, failed)
        self._span.end()

    @property
    def _context(self) -> Context:
        return trace.set_span_in_context(self._span)

    def _emit_exception(self, error: ProviderError, more: Mapping[str, Any] | None = None) -> None:
        # Not the message: a provider may repeat the prompt in it.
        self._observer.logger.emit(
            event_name="gen_ai.client.inference.exception",
            severity_number=logs.SeverityNumber.WARN,
            attributes={
                **self._common,
                "exception.type": type(error).__name__,
                "error.type": error_type(error),
                **(more or {}),
            },
            context=self._context,
        )

    def _measure(self, answer: object, now: float, failed: Mapping[str, Any]) -> None:
        observer, operation = self._observer, self._asked.operation
        duration = observer.durations.get(operation)
        if duration is None:
            return
        context, common = self._context, dict(self._common)
        if isinstance(answer, Message | Embeddings) and answer.model is not None:
            common["gen_ai.response.model"] = answer.model
        with_error = {**common, **failed}
        duration.record(now - self._began, with_error, context)
        if self._asked.stream and self._first is not None:
            observer.first_chunk.record(self._first - self._began, common, context)
        usage = answer.usage if isinstance(answer, Message | Embeddings) else None
        if usage is None:
            return
        observer.input_tokens[operation].record(usage.input_tokens, with_error, context)
        if operation == "chat":
            observer.output_tokens[operation].record(usage.output_tokens, with_error, context)
            for counter, count in observer.usage:
                counter.add(count(usage), common, context)

    def _contents(self, answer: object) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._asked.messages:
            found["gen_ai.input.messages"] = conversation(self._asked.messages)
        if self._asked.tools:
            found["gen_ai.tool.definitions"] = tool_definitions(self._asked.tools)
        if isinstance(answer, Message):
            found["gen_ai.output.messages"] = output(answer)
        return found


class _ObservedChunks(_Observed):
    """The same, with the times between chunks."""

    _last: float | None = None

    def on_events(self, events: Sequence[StreamEvent]) -> None:
        now = self._observer.now()
        if self._last is not None:
            self._observer.per_chunk.record(now - self._last, self._common, self._context)
        self._last = now


def error_type(error: ProviderError) -> str:
    """The `error.type` of a failure: the status, `timeout`, or the name of the error's class."""
    if error.status is not None:
        return str(error.status)
    return "timeout" if isinstance(error, APITimeoutError) else type(error).__name__


def _request(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {"gen_ai.request.stream": True} if asked.stream else {}
    options = asked.options
    for name, (attribute, kind) in _OPTIONS.items():
        value = options.get(name)
        if isinstance(value, kind) and not isinstance(value, bool):
            found[attribute] = value
    stop = options.get("stop")
    if stop:
        found["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else [*map(str, stop)]
    if options.get("response_format") is not None:
        found["gen_ai.output.type"] = "json"
    return found


def _answer(answer: object) -> dict[str, Any]:
    """The attributes of an answer, as far as it is known."""
    if not isinstance(answer, Message | Embeddings):
        return {}
    found: dict[str, Any] = {}
    if answer.model is not None:
        found["gen_ai.response.model"] = answer.model
    if isinstance(answer, Embeddings):
        if answer.usage is not None:
            found["gen_ai.usage.input_tokens"] = answer.usage.input_tokens
        return found
    if answer.response_id is not None:
        found["gen_ai.response.id"] = answer.response_id
    if answer.finish_reason is not None:
        reason = answer.finish_reason
        found["gen_ai.response.finish_reasons"] = [_FINISH_REASONS.get(reason, reason.value)]
    if answer.usage is not None:
        counts = {name: count(answer.usage) for name, count in _USAGE}
        found |= {
            f"gen_ai.usage.{name}": count
            for name, count in counts.items()
            if count or name in ("input_tokens", "output_tokens")
        }
    return found
