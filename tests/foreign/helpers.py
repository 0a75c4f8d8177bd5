"""What the tests of families that applications add share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sansio import (
    PROVIDER_DEFAULTS,
    Dialect,
    JSONObject,
    Message,
    Provider,
    ProviderDefaults,
    Request,
    Role,
    Send,
    StreamComplete,
    StreamEvent,
    StreamParser,
    register_provider,
)
from sansio.testing import FakeProvider, FakeResponse

ASK = [Message(Role.USER, "What is the weather in Paris?")]
SHARED = Path(__file__).resolve().parents[3] / "shared"
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather.", "parameters": {"type": "object"}},
}


@contextmanager
def registered(
    name: str, dialects: Mapping[str, type[Dialect]], defaults: ProviderDefaults
) -> Iterator[None]:
    """An application's provider type, registered while the context lasts."""
    register_provider(name, dialects, defaults)
    try:
        yield
    finally:
        del PROVIDER_DEFAULTS[name]


def read(dialect: Dialect, data: bytes, content_type: str) -> list[StreamEvent]:
    """All the events of a stream, of which the last is the `StreamComplete` or `StreamFailed`."""
    parser = StreamParser(dialect, content_type=content_type)
    events = parser.receive_data(data)
    return events if parser.finished else events + parser.receive_eof()


def finished(events: list[StreamEvent]) -> Message:
    """The message of a stream that is complete."""
    last = events[-1]
    assert isinstance(last, StreamComplete), last
    return last.message


def answered(message: Message) -> list[Message]:
    """A conversation that goes on after an answer, its tool calls answered."""
    ids = [call.id for call in message.tool_calls] + [call.id for call in message.invalid_tool_calls]
    return [*ASK, message, *(Message(Role.TOOL, "sunny", tool_call_id=call_id) for call_id in ids), *ASK]


def body_of(provider: Provider, messages: list[Message], **options: Any) -> dict[str, Any]:
    """The body of a request. Any: it is read as JSON."""
    return dict(provider.prepare(messages, **options).body)


def request_of(provider: Provider, **options: Any) -> Request:
    """A request without its key."""
    step = provider.call(ASK, **options).next_step()
    assert isinstance(step, Send)
    return step.request


class Canned(FakeProvider):
    """A server that answers every request with the same response, and keeps the requests."""

    def __init__(self, response: FakeResponse) -> None:
        super().__init__()
        self._response = response

    def respond(self, request: Request) -> FakeResponse:
        self.requests.append(request)
        return self._response


def corpus(folder: str, prefix: str) -> list[str]:
    """The names of the recorded cases; none where the folder is absent, and the test skips."""
    names = [path.name.removesuffix(".json") for path in (SHARED / folder).glob(f"{prefix}*.json")]
    return sorted(name for name in names if not name.endswith((".req", ".resp")))


def golden(folder: str, name: str) -> dict[str, Any]:
    """The expected result of a recorded case. Any: the corpus's own JSON."""
    found: JSONObject = json.loads((SHARED / folder / f"{name}.json").read_bytes())
    return dict(found)
