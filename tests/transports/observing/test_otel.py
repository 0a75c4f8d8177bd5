"""Spans, metrics and events by the GenAI conventions, as the SDK's exporters have them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sansio import (
    APIConnectionError,
    APITimeoutError,
    AudioPart,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    ProviderConfig,
    RateLimitError,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.script import Outcome
from tests.transports.scripted import ASK, KEY
from transports import SyncMemoryTransport, SyncProvider, create_sync_provider
from transports.observing.content import conversation
from transports.observing.otel import OpenTelemetryObserver, error_type

USAGE = Usage(input_tokens=30, output_tokens=12, cached_tokens=10, reasoning_tokens=4)
ANSWER = Answer(text="one two three", usage=USAGE)
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


class Ticking:
    """A clock that is a second later each time it is read."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 1
        return self.time


class Bench:
    """A provider that reports to the SDK's exporters in memory."""

    def __init__(self, *script: Outcome, type: str = "openai", **given: Any) -> None:
        self.spans, self.reader, self.logs = (
            InMemorySpanExporter(),
            InMemoryMetricReader(),
            InMemoryLogRecordExporter(),  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
        )
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        self.tracer = tracers.get_tracer("test")
        observer = OpenTelemetryObserver(
            tracer_provider=tracers,
            meter_provider=MeterProvider([self.reader], shutdown_on_exit=False),
            logger_provider=loggers,
            now=Ticking(),
            **given,
        )
        fake = FakeProvider(type, list(script))
        self.provider: SyncProvider = create_sync_provider(
            ProviderConfig(type=type, model="m", max_attempts=1),
            transport=SyncMemoryTransport(fake),
            api_key=KEY,
            observer=observer,
        )

    def stream(self, **options: Any) -> Message:
        with self.provider.stream(ASK, **options) as stream:
            for _ in stream:
                pass
            return stream.result()

    @property
    def span(self) -> Any:
        (span,) = self.spans.get_finished_spans()
        return span

    @property
    def attributes(self) -> dict[str, Any]:
        return dict(self.span.attributes)

    def metrics(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        assert data is not None
        (resource,) = data.resource_metrics
        (scope,) = resource.scope_metrics
        return {metric.name: list(metric.data.data_points) for metric in scope.metrics}

    def events(self) -> list[Any]:
        return [found.log_record for found in self.logs.get_finished_logs()]


def test_a_stream_is_a_span_by_the_conventions() -> None:
    bench = Bench(ANSWER)
    with bench.tracer.start_as_current_span("request") as parent:
        answer = bench.stream(
            temperature=0.5, max_tokens=99, stop="x", seed=7, response_format={"type": "text"}
        )
    span, _ = bench.spans.get_finished_spans()
    assert (span.name, span.kind) == ("chat m", trace.SpanKind.CLIENT)
    assert span.parent is not None
    assert span.parent.span_id == parent.get_span_context().span_id
    assert span.status.status_code is trace.StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "server.address": "api.openai.com",
        "server.port": 443,
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.output.type": "json",
        "gen_ai.response.model": answer.model,
        "gen_ai.response.id": answer.response_id,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 1.0,
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 4,
    }
    assert bench.events() == []


def test_a_stream_is_measured() -> None:
    bench = Bench(ANSWER)
    answer = bench.stream()
    found = bench.metrics()
    inference = "gen_ai.client.inference"
    assert {name: points[0].sum for name, points in found.items() if hasattr(points[0], "sum")} == {
        f"{inference}.duration": 2.0,
        f"{inference}.time_to_first_chunk": 1.0,
        f"{inference}.operation.input_tokens": 30,
        f"{inference}.operation.output_tokens": 12,
    }
    assert {name: points[0].value for name, points in found.items() if ".usage." in name} == {
        f"{inference}.usage.input_tokens": 30,
        f"{inference}.usage.output_tokens": 12,
        f"{inference}.usage.cache_read.input_tokens": 10,
        f"{inference}.usage.cache_write.input_tokens": 0,
        f"{inference}.usage.reasoning.output_tokens": 4,
    }
    (duration,) = found[f"{inference}.duration"]
    assert dict(duration.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": answer.model,
        "server.address": "api.openai.com",
        "server.port": 443,
    }
    assert duration.explicit_bounds[:3] == (0.01, 0.02, 0.04)


def test_times_between_chunks_are_for_those_who_ask() -> None:
    bench = Bench(ANSWER, ANSWER, chunk_times=True)
    bench.stream()
    bench.provider.complete(ASK)
    (points,) = bench.metrics()["gen_ai.client.inference.time_per_output_chunk"]
    assert points.count > 1
    assert points.sum == points.count


def test_a_failure_has_a_type_a_status_and_an_event() -> None:
    bench = Bench(Failure(status=429, message="tell nobody"))
    with pytest.raises(RateLimitError):
        bench.stream()
    assert bench.span.status.status_code is trace.StatusCode.ERROR
    assert bench.attributes["error.type"] == "429"
    assert bench.attributes["gen_ai.response.finish_reasons"] == ("error",)
    (event,) = bench.events()
    assert (event.event_name, event.severity_text or event.severity_number.name) == (
        "gen_ai.client.inference.exception",
        "WARN",
    )
    assert event.attributes["exception.type"] == "RateLimitError"
    assert event.span_id == bench.span.context.span_id
    (duration,) = bench.metrics()["gen_ai.client.inference.duration"]
    assert duration.attributes["error.type"] == "429"
    assert "tell nobody" not in f"{bench.span.to_json()} {event.attributes}"


def test_a_broken_stream_reports_what_arrived() -> None:
    bench = Bench(Broken(answer=ANSWER, after=2))
    with pytest.raises(RemoteProtocolError):
        bench.stream()
    assert bench.attributes["error.type"] == "StreamTruncatedError"
    assert "gen_ai.response.id" in bench.attributes


def test_a_consumer_that_leaves_is_no_failure() -> None:
    bench = Bench(ANSWER)
    with bench.provider.stream(ASK) as stream:
        next(stream)
    assert bench.attributes["error.type"] == "cancelled"
    assert bench.span.status.status_code is trace.StatusCode.UNSET
    assert bench.events() == []


def test_retries_are_events_and_a_count() -> None:
    bench = Bench(Failure(status=503, headers=(("retry-after-ms", "1"),)), ANSWER)
    stream = bench.provider.stream(ASK, max_attempts=2)
    stream._sleep = lambda woken, seconds: None
    assert [*stream]
    assert bench.attributes["http.request.resend_count"] == 1
    (event,) = bench.events()
    assert event.attributes["error.type"] == "503"
    assert event.attributes["sansio.retry.wait"] >= 0


def test_other_calls_are_spans_too() -> None:
    bench = Bench(ANSWER)
    bench.provider.complete(ASK)
    bench.provider.embed("a", model="e", dimensions=3)
    bench.provider.list_models()
    spans: list[Any] = list(bench.spans.get_finished_spans())
    assert [span.name for span in spans] == ["chat m", "embeddings e", "list_models"]
    assert spans[1].attributes["gen_ai.embeddings.dimension.count"] == 3
    assert spans[1].attributes["gen_ai.usage.input_tokens"] > 0
    found = bench.metrics()
    assert {name for name in found if "embeddings" in name} == {
        "gen_ai.client.embeddings.duration",
        "gen_ai.client.embeddings.operation.input_tokens",
    }
    assert "gen_ai.client.inference.time_to_first_chunk" not in found
    assert len(found["gen_ai.client.inference.duration"]) == 1


def test_content_goes_only_where_it_is_asked_for() -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]
    given = [{"role": "assistant", "parts": [{"type": "text", "content": "one two three"}]}]
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]
    bench = Bench(ANSWER, content=["event"])
    with bench.provider.stream(ASK, TOOLS) as stream:
        assert [*stream]
    assert "gen_ai.input.messages" not in bench.attributes
    (event,) = bench.events()
    assert event.event_name == "gen_ai.client.inference.operation.details"
    plain = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(_plain(event.attributes))))
    assert plain["gen_ai.input.messages"] == asked
    assert plain["gen_ai.output.messages"] == given
    assert plain["gen_ai.tool.definitions"] == tools
    assert plain["gen_ai.usage.input_tokens"] == 30
    bench = Bench(ANSWER, content=["span"])
    bench.stream()
    assert msgspec.json.decode(bench.attributes["gen_ai.input.messages"]) == asked
    assert msgspec.json.decode(bench.attributes["gen_ai.output.messages"]) == given
    assert bench.events() == []
    for wrong in ("span", ["trace"]):
        with pytest.raises(ValueError, match='"span" and "event"'):
            OpenTelemetryObserver(content=wrong)  # type: ignore[arg-type]  # the mistake meant


def _plain(value: Any) -> Any:
    """Plain containers for those that the SDK makes immutable."""
    if hasattr(value, "items"):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def test_every_part_has_a_form() -> None:
    parts = (
        TextPart("t"),
        ReasoningPart("r"),
        RefusalPart("n"),
        ToolCall("1", "look", {"at": 1}),
        InvalidToolCall("2", "look", '{"at', "cut"),
        ServerToolPart("web_search", id="3", name="search", input={"q": 1}),
        ImagePart(url="https://x.example/i.png"),
        DocumentPart(file_id="f"),
        AudioPart(data=b"abc"),
        UnknownPart("new", extra={"a": 1}),
    )
    messages = [
        Message(Role.ASSISTANT, parts, finish_reason=FinishReason.STOP),
        Message(Role.TOOL, "sunny", tool_call_id="1"),
        Message(Role.TOOL, (ImagePart(url="https://x.example/i.png"),), tool_call_id="2"),
    ]
    first, second, third = conversation(messages)
    kinds = " ".join(part["type"] for part in first["parts"])
    assert kinds == "text reasoning refusal tool_call tool_call server_tool_call uri file blob new"
    assert first["parts"][8]["content"] == "YWJj"
    assert second["parts"] == [{"type": "tool_call_response", "id": "1", "response": "sunny"}]
    assert third["parts"][0]["response"][0]["type"] == "uri"
    assert msgspec.json.encode([first, second, third])


def test_error_types_are_few() -> None:
    assert error_type(RateLimitError("x", status=429)) == "429"
    assert error_type(APITimeoutError("x")) == "timeout"
    assert error_type(APIConnectionError("x")) == "APIConnectionError"


def test_our_types_have_the_names_of_the_conventions() -> None:
    bench = Bench(ANSWER, type="mistral")
    bench.stream()
    assert bench.attributes["gen_ai.provider.name"] == "mistral_ai"
