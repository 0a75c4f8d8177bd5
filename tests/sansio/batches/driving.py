"""Batches of each provider type against its fake, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sansio import (
    Batches,
    BatchJob,
    BatchReader,
    BatchRequest,
    BatchResult,
    BatchState,
    ContentDelta,
    Fetch,
    Message,
    Provider,
    ProviderConfig,
    ProviderError,
    Request,
    Send,
    Wait,
)
from sansio.testing import BatchScript, FakeProvider, FakeResponse, Outcome
from tests.sansio.testing.asking import inputs_of

AZURE = "https://res.openai.azure.com"
KINDS: dict[str, dict[str, Any]] = {
    "openai": {"type": "openai"},
    "openai/responses": {"type": "openai", "api": "responses"},
    "azure": {"type": "azure", "base_url": AZURE, "deployment": "gpt", "api_version": "2024-10-21"},
    "azure v1": {"type": "azure", "base_url": f"{AZURE}/openai/v1"},
    "azure/responses": {
        "type": "azure",
        "api": "responses",
        "base_url": AZURE,
        "deployment": "gpt",
        "api_version": "2025-03-01-preview",
    },
    "groq": {"type": "groq"},
    "mistral": {"type": "mistral"},
    "openrouter": {"type": "openrouter"},
    "openrouter/responses": {"type": "openrouter", "api": "responses"},
    "openrouter/messages": {"type": "openrouter", "api": "messages"},
    "anthropic": {"type": "anthropic"},
}
"""Every kind of provider that has batches."""
FILES = tuple(kind for kind in KINDS if not kind.startswith(("openrouter", "anthropic")))
"""Those whose requests and results are in files."""

Respond = Callable[[Request], FakeResponse]


def config_of(kind: str, **fields: Any) -> ProviderConfig:
    return ProviderConfig.from_dict({"model": "m", **KINDS[kind], **fields})


def batches(config: ProviderConfig, now: Callable[[], float] = lambda: 1000.0, **options: Any) -> Batches:
    return Batches(Provider(config), random=lambda: 0.0, now=now, **options)


def requests(*names: str, **options: Any) -> list[BatchRequest]:
    """A request for each `custom_id`, which asks for its own name."""
    return [BatchRequest(name, f"Say {name}", options=options) for name in names]


def drive(call: Fetch[Any], respond: Respond) -> list[str]:
    """Drive one call to its end; returns its lines."""
    lines: list[str] = []
    while (step := call.next_step()) is not None:
        if isinstance(step, Send):
            for value in inputs_of(respond(_signed(step.request))):
                lines += [event.text for event in call.receive(value) if isinstance(event, ContentDelta)]
    return lines


def _signed(request: Request) -> Request:
    headers = (*request.headers, ("authorization", "Bearer sk"), ("api-key", "sk"), ("x-api-key", "sk"))
    return Request(
        request.method, request.scheme, request.host, request.port, request.target, headers, request.body
    )


def perform(job: BatchJob, fake: FakeProvider) -> BatchState:
    """Perform a job; waits take no time."""
    return timed(job, fake.respond)[0]


def timed(job: BatchJob, respond: Respond) -> tuple[BatchState, list[float]]:
    """The same, with the waits."""
    waits: list[float] = []
    while (step := job.next_step()) is not None:
        if isinstance(step, Wait):
            waits.append(step.seconds)
        else:
            drive(step, respond)
    return job.result(), waits


def read(reader: BatchReader, respond: Respond) -> list[BatchResult]:
    """All results. An error behind some of them is raised by the next `next_call`."""
    results: list[BatchResult] = []
    try:
        while (call := reader.next_call()) is not None:
            for line in drive(call, respond):
                reader.receive(line)
            results += reader.take()
    except ProviderError:
        if not results:
            raise
    return results + reader.take()


def stored(state: BatchState) -> BatchState:
    """The state as another process would read it."""
    return BatchState.from_json(state.to_json())


COMPLETED = BatchScript()


def fake_of(kind: str, script: BatchScript = COMPLETED, outcomes: Sequence[Outcome] = ()) -> FakeProvider:
    return FakeProvider(KINDS[kind]["type"], outcomes, batches=script)


def said(results: Sequence[BatchResult]) -> dict[str, str]:
    """The text or the kind of error of each result, which must be one for each name."""
    found = {
        result.custom_id: result.outcome.text
        if isinstance(result.outcome, Message)
        else type(result.outcome).__name__
        for result in results
    }
    assert len(found) == len(results)
    return found
