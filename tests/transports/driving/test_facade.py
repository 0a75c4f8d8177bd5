"""What an application calls, asynchronously: construction, keys, options, raw logs and the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from msgspec import json

from sansio import (
    APITimeoutError,
    ConfigError,
    InvalidRequestError,
    Message,
    ProviderConfig,
    Role,
    StreamComplete,
)
from sansio.testing import FakeProvider
from tests.transports.driving.test_records import Log
from tests.transports.scripted import (
    ASK,
    KEY,
    WHOLE,
    Clock,
    Item,
    Late,
    ScriptedTransport,
    answer,
    openai,
    whole,
)
from transports import AnyioTransport, AsyncProvider, MemoryTransport, create_provider

pytestmark = pytest.mark.anyio

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def scripted(
    *attempts: Sequence[Item], raw_log: Log | None = None
) -> tuple[AsyncProvider, ScriptedTransport]:
    transport = ScriptedTransport(attempts, Clock())
    return create_provider(openai(), raw_log, transport=transport, api_key=KEY), transport


async def test_a_config_may_be_left_out_or_a_mapping() -> None:
    assert create_provider().config == ProviderConfig()
    given = {"provider": {"type": "anthropic", "model": "claude-sonnet-4-20250514"}}
    assert create_provider(given).config.type == "anthropic"
    with pytest.raises(ConfigError, match="modle"):
        create_provider({"modle": "x"})


async def test_complete_and_stream_share_one_path() -> None:
    provider, transport = scripted([WHOLE, whole("Hello"), *answer()[-1:]], answer("Hel", "lo"))
    message = await provider.complete(ASK)
    async with provider.stream(ASK) as stream:
        events = [event async for event in stream]
    assert message.content == stream.result().content == "Hello"
    assert events[-1] == StreamComplete(stream.result())
    bodies = [json.decode(request.body) for request in transport.requests]
    assert [body.get("stream", False) for body in bodies] == [False, True]


async def test_options_and_tools_reach_the_request() -> None:
    provider, transport = scripted(answer("Hi"))
    async for _ in provider.stream(ASK, [TOOL], temperature=0):
        pass
    body = json.decode(transport.requests[0].body)
    assert body["temperature"] == 0
    assert body["tools"] == [TOOL]


@pytest.mark.parametrize("name", ["stream", "random", "record"])
async def test_a_keyword_of_the_machine_is_refused_as_an_option(name: str) -> None:
    provider, transport = scripted()
    options: Any = {name: True}  # Any: type checkers refuse it, too
    with pytest.raises(InvalidRequestError, match=name) as caught:
        await provider.complete(ASK, **options)
    assert ("stream()" in str(caught.value)) == (name == "stream")
    assert transport.requests == []


async def test_a_calls_own_timeout_ends_it() -> None:
    provider, _ = scripted([WHOLE, Late()])
    with pytest.raises(APITimeoutError, match="timeout") as caught:
        await provider.complete(ASK, timeout=2)
    assert caught.value.field == "timeout"


async def test_a_bad_request_is_refused_at_the_plain_call() -> None:
    provider, transport = scripted()
    orphan = [Message(Role.USER, "Hi"), Message(Role.TOOL, "42", tool_call_id="call_1")]
    with pytest.raises(InvalidRequestError) as caught:
        provider.stream(orphan)
    assert caught.value.index == 1
    with pytest.raises(InvalidRequestError):
        await provider.complete([])
    assert transport.log == []


async def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "  ")
    transport = MemoryTransport(FakeProvider())
    config = ProviderConfig(type="anthropic", model="claude-sonnet-4-20250514")
    provider = create_provider(config, transport=transport)
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY"):
        await provider.complete(ASK)
    assert transport.opened == 0
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-its-own\n")
    assert (await provider.complete(ASK)).role is Role.ASSISTANT
    assert ("x-api-key", "a-key-of-its-own") in transport.requests[0].headers


async def test_a_local_server_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    transport = MemoryTransport(FakeProvider("ollama"))
    provider = create_provider(ProviderConfig(type="ollama", model="llama3.2"), transport=transport)
    assert (await provider.complete(ASK)).role is Role.ASSISTANT
    assert "authorization" not in dict(transport.requests[0].headers)


async def test_no_repr_shows_the_key() -> None:
    provider, _ = scripted(answer("Hi"))
    assert KEY not in f"{provider!r} {provider.stream(ASK)!r} {vars(provider)}"
    assert "gpt-x" in repr(provider)


async def test_a_raw_log_set_later_applies_to_later_calls() -> None:
    provider, _ = scripted(answer("a"), answer("b"), answer("c"))
    log = Log()
    before = provider.stream(ASK)
    provider.set_raw_log_callback(log)
    during = provider.stream(ASK)
    provider.set_raw_log_callback(None)
    after = provider.stream(ASK)
    for stream in (before, after):
        assert [event async for event in stream]
    assert log.told == []
    assert [event async for event in during]
    assert [line.partition(" ")[0] for line in log.told[:3]] == ["request", "chunk", "chunk"]


async def test_an_exception_of_the_raw_log_passes_and_drops_the_connection() -> None:
    class Broken(Log):
        def on_chunk(self, chunk: object) -> None:
            raise OSError("disk full")

    provider, transport = scripted(answer("a"), raw_log=Broken())
    with pytest.raises(OSError, match="disk full"):
        await anext(provider.stream(ASK))
    assert transport.log == ["open", "abort"]


async def test_only_a_transport_of_its_own_is_closed() -> None:
    provider, transport = scripted()
    async with provider:
        pass
    assert transport.log == []
    owner = AsyncProvider(openai(), transport, close_transport=True)
    await owner.aclose()
    assert transport.log == ["transport closed"]


async def test_the_default_transport_speaks_tcp_and_is_closed_with_the_provider() -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)

    async def serve(client: anyio.abc.SocketStream) -> None:
        async with client:
            await client.receive()
            body = whole("Hello").data
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            await client.send(head.encode() + body)

    config = ProviderConfig(type="vllm", model="m", base_url=f"http://127.0.0.1:{port}/v1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        async with create_provider(config) as provider:
            assert (await provider.complete(ASK)).content == "Hello"
        group.cancel_scope.cancel()


async def test_one_provider_serves_many_tasks_at_once() -> None:
    transport = MemoryTransport(FakeProvider("openai"))
    provider = create_provider(openai(), transport=transport, api_key=KEY)
    answers: list[Message] = []

    async def ask() -> None:
        answers.append(await provider.complete(ASK))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert len(answers) == 20
    assert len({message.text for message in answers}) == 1
    assert transport.closed == 20


async def test_transports_are_public_names_loaded_on_demand() -> None:
    import transports

    assert transports.AnyioTransport is AnyioTransport
    for name in transports.__all__:
        assert getattr(transports, name).__name__ == name
    with pytest.raises(AttributeError, match="Nonesuch"):
        _ = transports.Nonesuch
