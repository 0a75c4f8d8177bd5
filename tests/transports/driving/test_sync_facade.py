"""What an application calls without an event loop."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import json

from sansio import ConfigError, End, InvalidRequestError, Message, ProviderConfig, Role, StreamComplete
from sansio.testing import FakeProvider
from tests.transports.driving.test_records import Log
from tests.transports.scripted import ASK, KEY, WHOLE, Clock, ScriptedSyncTransport, answer, openai, whole
from transports import SyncMemoryTransport, SyncProvider, create_sync_provider


def test_complete_and_stream_share_one_path() -> None:
    transport = ScriptedSyncTransport([[WHOLE, whole("Hello"), End()], answer("Hel", "lo")], Clock())
    provider = create_sync_provider(openai(), transport=transport, api_key=KEY)
    message = provider.complete(ASK, temperature=0)
    with provider.stream(ASK) as stream:
        events = list(stream)
    assert message.content == stream.result().content == "Hello"
    assert events[-1] == StreamComplete(stream.result())
    assert json.decode(transport.requests[0].body)["temperature"] == 0


def test_a_bad_request_is_refused_at_the_plain_call() -> None:
    transport = ScriptedSyncTransport([], Clock())
    provider = create_sync_provider(openai(), transport=transport, api_key=KEY)
    with pytest.raises(InvalidRequestError):
        provider.stream([])
    with pytest.raises(ConfigError):
        create_sync_provider({"type": "openai"})


def test_an_async_key_is_refused_before_any_connection() -> None:
    async def key() -> str:
        return KEY

    transport = SyncMemoryTransport(FakeProvider())
    provider = SyncProvider(openai(), transport, api_key=key)  # type: ignore[arg-type]  # the mistake meant
    with pytest.raises(ConfigError, match="async callable"):
        provider.complete(ASK)
    assert transport.opened == 0


def test_an_exception_of_the_key_callable_passes() -> None:
    def key() -> str:
        raise OSError("no token service")

    provider = create_sync_provider(openai(), transport=SyncMemoryTransport(FakeProvider()), api_key=key)
    with pytest.raises(OSError, match="no token service"):
        provider.complete(ASK)


def test_a_raw_log_receives_the_records() -> None:
    log = Log()
    transport = ScriptedSyncTransport([answer("a")], Clock())
    provider = create_sync_provider(openai(), log, transport=transport, api_key=KEY)
    assert len(list(provider.stream(ASK))) == 2
    assert log.told[0].startswith("request https://api.openai.com/v1/chat/completions")
    assert KEY not in str(log.told)


def test_only_a_transport_of_its_own_is_closed() -> None:
    transport = ScriptedSyncTransport([], Clock())
    with create_sync_provider(openai(), transport=transport, api_key=KEY):
        pass
    assert transport.log == []
    with SyncProvider(openai(), transport, close_transport=True):
        pass
    assert transport.log == ["transport closed"]


def test_the_default_transport_speaks_tcp_and_is_closed_with_the_provider() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(65_536)
            body = whole("Hello").data
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)

    with listener:
        server = threading.Thread(target=serve)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        with create_sync_provider(ProviderConfig(type="vllm", model="m", base_url=url)) as provider:
            assert provider.complete(ASK).content == "Hello"
        server.join()


def test_one_provider_serves_many_threads_at_once() -> None:
    transport = SyncMemoryTransport(FakeProvider("openai"))
    provider = create_sync_provider(openai(), transport=transport, api_key=KEY)
    with ThreadPoolExecutor(8) as pool:
        answers: list[Message] = list(pool.map(lambda _: provider.complete(ASK), range(40)))
    assert {message.role for message in answers} == {Role.ASSISTANT}
    assert len(answers) == transport.opened
