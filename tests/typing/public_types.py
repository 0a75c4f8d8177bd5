"""The types that users see, asserted. It is not run: mypy checks it as it checks all tests, and pyright in
`tests/judges/test_pyright.py`. A `type: ignore` that nothing needs is an error, so the lines with one show
what both refuse.
"""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Unpack, assert_never, assert_type

import sansio
from sansio import (
    Citation,
    ContentDelta,
    Embeddings,
    FinishReason,
    InvalidToolCall,
    Message,
    ModelInfo,
    Options,
    Parsed,
    Part,
    PartComplete,
    Provider,
    ProviderConfig,
    ReasoningDelta,
    RefusalDelta,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    Wait,
)
from transports import (
    AsyncProvider,
    EventStream,
    Heartbeat,
    SyncEventStream,
    SyncProvider,
    create_provider,
    create_sync_provider,
    map_calls,
)


@dataclass
class Invoice:
    number: int


def what_a_message_holds(message: Message) -> None:
    assert_type(message.text, str)
    assert_type(message.parts, tuple[Part, ...])
    assert_type(message.tool_calls, tuple[ToolCall, ...])
    assert_type(message.all_tool_calls, tuple[ToolCall | InvalidToolCall, ...])
    assert_type(message.citations, tuple[Citation, ...])
    assert_type(message.usage, Usage | None)
    assert_type(message.finish_reason, FinishReason | None)
    message.finish_reason = None  # type: ignore[misc]  # frozen


def every_event_is_named(event: StreamEvent) -> str:
    match event:
        case ContentDelta() | ReasoningDelta() | RefusalDelta():
            return assert_type(event.text, str)
        case ToolCallStarted():
            return assert_type(event.name, str)
        case ToolCallDelta():
            return assert_type(event.arguments, str)
        case PartComplete():
            assert_type(event.part, Part)
            return ""
        case StreamComplete():
            return assert_type(event.message, Message).text
        case StreamFailed():
            return str(assert_type(event.error, sansio.ProviderError))
        case _:
            assert_never(event)


async def what_calls_give(asked: AsyncProvider, /, **options: Unpack[Options]) -> None:
    assert_type(await asked.complete("Hello"), Message)
    assert_type(await asked.complete("Hello", response_format=Invoice), Parsed[Invoice])
    assert_type((await asked.complete("Hello", response_format=Invoice)).value.number, int)
    assert_type(await asked.complete("Hello", response_format={"type": "json_object"}), Message)
    assert_type(await asked.list_models(), list[ModelInfo])
    assert_type(await asked.embed(["a"]), Embeddings)
    assert_type(await asked.count_tokens("Hello"), int)
    stream = asked.stream("Hello", **options)
    assert_type(stream, EventStream)
    async with stream:
        async for event in stream:
            assert_type(event, StreamEvent)
    assert_type(stream.text(), AsyncIterator[str])
    assert_type(stream.heartbeats(15), AsyncIterator[StreamEvent | Heartbeat])
    assert_type(stream.result(), Message)
    assert_type(stream.parsed(Invoice), Parsed[Invoice])
    async with map_calls(asked, ["a"], response_format=Invoice) as results:
        async for result in results:
            assert_type(result.input, str)
            assert_type(result.value, Invoice | None)


async def what_calls_refuse(provider: AsyncProvider) -> None:
    await provider.complete("Hello", temprature=0)  # type: ignore[call-overload]
    await provider.complete("Hello", temperature="hot")  # type: ignore[call-overload]
    provider.stream(5)  # type: ignore[arg-type]
    provider.stream("Hello", max_tokens="many")  # type: ignore[arg-type]


def what_blocking_calls_give(provider: SyncProvider) -> None:
    assert_type(provider.complete("Hello"), Message)
    assert_type(provider.complete("Hello", response_format=Invoice), Parsed[Invoice])
    stream = provider.stream("Hello")
    assert_type(stream, SyncEventStream)
    for event in stream:
        assert_type(event, StreamEvent)


def what_is_made() -> None:
    assert_type(create_provider(ProviderConfig()), AsyncProvider)
    assert_type(create_sync_provider({"type": "openai", "model": "m"}), SyncProvider)


def what_machines_give(config: ProviderConfig) -> None:
    call = Provider(config).call("Hello")
    assert_type(call.next_step(), Send | Wait | None)
    assert_type(call.receive(sansio.End()), list[StreamEvent])
    assert_type(call.result(), Message)
    assert_type(StreamParser("openai").receive_data(b""), list[StreamEvent])
