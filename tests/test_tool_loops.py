"""A tool loop with reasoning on each type and api, over a real socket, on asyncio, trio and blocking.

Two turns call a tool, and the third answers. The fake refuses what a real server would: reasoning that goes
back without its signature or encryption, and calls without results.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sansio import PROVIDER_DEFAULTS, Message, Role
from sansio.testing import PROVIDER_TYPES, FakeProvider
from tests.sansio.wires import Record
from transports import create_provider, create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

PAIRS = [(type, api) for type in PROVIDER_TYPES for api in PROVIDER_DEFAULTS[type].apis]
every_pair = pytest.mark.parametrize(("type", "api"), PAIRS)

CITY: Record = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Record] = [
    {"type": "function", "function": {"name": name, "parameters": CITY}}
    for name in ("get_weather", "get_time")
]
ASKED = ("Call get_weather for Paris", "And now call get_time for Rome")
MODELS = {"anthropic": "claude-sonnet-4-5"}


def config_of(server: LoopbackThread, type: str, api: str) -> Record:
    fields: Record = {"type": type, "api": api, "reasoning": True, "base_url": server.base_url(type)}
    if type == "azure" and api == "messages":
        return {**fields, "base_url": f"{server.url}/anthropic", "model": "claude-sonnet-4-5"}
    if type == "azure":
        return {**fields, "base_url": f"{server.url}/openai/v1", "deployment": "gpt-5"}
    return {**fields, "model": MODELS.get(type, "gpt-5"), "allow_http": True}


@pytest.fixture
def server(type: str) -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider(type)) as server:
        yield server


def results(answer: Message) -> list[Message]:
    assert answer.tool_calls, answer
    return [Message(Role.TOOL, "fine", tool_call_id=call.id) for call in answer.tool_calls]


def check(type: str, api: str, history: list[Message], server: LoopbackThread) -> None:
    """Both turns thought, called their tool, and told what it gave."""
    answers = [message for message in history if message.role is Role.ASSISTANT]
    assert [call.name for answer in answers for call in answer.tool_calls] == ["get_weather", "get_time"]
    assert [answer.text for answer in answers if answer.text] == [
        "The tools answered: get_weather said 'fine'.",
        "The tools answered: get_time said 'fine'.",
    ]
    assert all(answer.origin == f"{type}/{api}" for answer in answers)
    # OpenAI's chat completions do not show the reasoning of its models, and Azure's neither.
    assert all(answer.reasoning for answer in answers) or api == "chat"
    paths = {request.target.rpartition("/")[2].partition("?")[0] for request in server.provider.requests}
    assert paths == {{"chat": "completions"}.get(api, api)}


@pytest.mark.anyio
@every_pair
async def test_tasks(server: LoopbackThread, type: str, api: str) -> None:
    history: list[Message] = []
    async with create_provider(config_of(server, type, api), api_key="sk") as provider:
        for asked in ASKED:
            history.append(Message(Role.USER, asked))
            async with provider.stream(history, TOOLS) as stream:
                async for _ in stream:
                    pass
                called = stream.result()
            history += [called, *results(called)]
            history.append(await provider.complete(history, TOOLS))
    check(type, api, history, server)


@every_pair
def test_blocking(server: LoopbackThread, type: str, api: str) -> None:
    history: list[Message] = []
    with create_sync_provider(config_of(server, type, api), api_key="sk") as provider:
        for asked in ASKED:
            history.append(Message(Role.USER, asked))
            called = provider.complete(history, TOOLS)
            history += [called, *results(called)]
            with provider.stream(history, TOOLS) as stream:
                for _ in stream:
                    pass
                history.append(stream.result())
    check(type, api, history, server)
