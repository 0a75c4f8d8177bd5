"""Answers of a given type, async and blocking: `complete`, `parsed`, and what is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack, assert_type

import msgspec
import pytest

from sansio import (
    FinishReason,
    LocalProtocolError,
    Message,
    Options,
    OutputFormatError,
    Parsed,
    PlainOptions,
    StreamTruncatedError,
    response_format,
)
from sansio.testing import Answer, Broken, FakeProvider
from transports import (
    AsyncProvider,
    MemoryTransport,
    SyncMemoryTransport,
    SyncProvider,
    create_provider,
    create_sync_provider,
)

ASK = "Write an invoice."
SAID = '{"number": 5, "lines": [{"what": "Tea", "price": null}]}'


@dataclass
class Line:
    what: str
    price: float | None = None


@dataclass
class Invoice:
    number: int
    lines: list[Line]


class Point(msgspec.Struct):
    x: int


class Place(TypedDict):
    city: str


Config = dict[str, str]
NATIVE: list[Config] = [
    {"type": "openai", "model": "gpt-5.5"},
    {"type": "anthropic", "model": "claude-opus-5-5"},
]
BY_TOOL: list[Config] = [
    {"type": "deepseek", "model": "deepseek-v4-flash"},
    {"type": "anthropic", "model": "claude-sonnet-4-20250514"},
]


def name_of(config: Config) -> str:
    return config["model"]


def fake(config: Mapping[str, str], *script: Answer | Broken) -> FakeProvider:
    return FakeProvider(config["type"], script)


def provider_of(config: Mapping[str, str], server: FakeProvider) -> AsyncProvider:
    return create_provider({**config, "max_attempts": 1}, transport=MemoryTransport(server), api_key="k")


def blocking(config: Mapping[str, str], *script: Answer | Broken) -> SyncProvider:
    transport = SyncMemoryTransport(fake(config, *script))
    return create_sync_provider({**config, "max_attempts": 1}, transport=transport, api_key="k")


@pytest.mark.anyio
@pytest.mark.parametrize("config", NATIVE + BY_TOOL, ids=name_of)
async def test_a_type_gives_a_value_and_its_answer(config: Config) -> None:
    provider = provider_of(config, fake(config))
    answer = await provider.complete(ASK, response_format=Invoice)
    assert isinstance(answer.value, Invoice)
    assert answer.value.number in (0, 1)
    assert answer.message.finish_reason is FinishReason.STOP
    assert answer.message.tool_calls == ()


@pytest.mark.anyio
@pytest.mark.parametrize("config", NATIVE + BY_TOOL, ids=name_of)
async def test_a_stream_gives_the_value_after_its_end(config: Config) -> None:
    provider = provider_of(config, fake(config))
    async with provider.stream(ASK, response_format=Invoice) as stream:
        with pytest.raises(LocalProtocolError):
            stream.parsed(Invoice)
        text = "".join([event.text async for event in stream if hasattr(event, "text")])
    answer = stream.parsed(Invoice)
    assert isinstance(answer.value, Invoice)
    assert answer.message == stream.result()
    assert answer.message.text == text


@pytest.mark.parametrize("config", NATIVE + BY_TOOL, ids=name_of)
def test_the_blocking_twin_gives_the_same(config: Config) -> None:
    provider = blocking(config)
    whole = provider.complete(ASK, response_format=Invoice)
    with provider.stream(ASK, response_format=Invoice) as stream:
        list(stream)
    assert stream.parsed(Invoice).value == whole.value


@pytest.mark.anyio
@pytest.mark.parametrize("config", NATIVE, ids=name_of)
async def test_an_answer_that_does_not_comply_is_raised_with_its_text_and_path(config: Config) -> None:
    server = fake(config, *[Answer(text='{"number": "five", "lines": []}')] * 2)
    provider = provider_of(config, server)
    with pytest.raises(OutputFormatError) as caught:
        await provider.complete(ASK, response_format=Invoice)
    assert caught.value.partial is not None
    assert caught.value.partial.text == '{"number": "five", "lines": []}'
    assert caught.value.field == "$.number"
    assert (caught.value.provider, caught.value.model) == (config["type"], config["model"])
    async with provider.stream(ASK, response_format=Invoice) as stream:
        async for _ in stream:
            pass
    with pytest.raises(OutputFormatError, match="number"):
        stream.parsed(Invoice)


def test_a_blocking_answer_that_does_not_comply_is_raised() -> None:
    with pytest.raises(OutputFormatError) as caught:
        blocking(NATIVE[0], Answer(text="Sure!")).complete(ASK, response_format=Invoice)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Sure!"


@pytest.mark.anyio
async def test_a_stream_that_failed_raises_its_error_and_not_that_of_the_form() -> None:
    server = fake(NATIVE[0], Broken(answer=Answer(text=SAID), after=2))
    stream = provider_of(NATIVE[0], server).stream(ASK, response_format=Invoice)
    with pytest.raises(StreamTruncatedError):
        async for _ in stream:
            pass
    with pytest.raises(StreamTruncatedError):
        stream.parsed(Invoice)


@pytest.mark.anyio
async def test_a_mapping_gives_the_message() -> None:
    provider = provider_of(NATIVE[0], fake(NATIVE[0], Answer(text=SAID)))
    message = await provider.complete(ASK, response_format=response_format(Invoice))
    assert message.text == SAID


@pytest.mark.anyio
async def test_the_type_of_what_is_returned_is_inferred() -> None:
    config = NATIVE[0]
    provider = provider_of(config, fake(config))
    sync = blocking(config)
    invoice = await provider.complete(ASK, response_format=Invoice)
    assert_type(invoice, Parsed[Invoice])
    assert_type(invoice.value, Invoice)
    assert_type(await provider.complete(ASK, response_format=Place, max_tokens=500), Parsed[Place])
    assert_type(await provider.complete(ASK), Message)
    assert_type(await provider.complete(ASK, response_format={"type": "json_object"}), Message)
    assert_type(sync.complete(ASK, response_format=Point), Parsed[Point])
    assert_type(sync.complete(ASK), Message)
    with sync.stream(ASK, response_format=Point) as stream:
        list(stream)
    assert_type(stream.parsed(Point), Parsed[Point])

    def passes_on(**options: Unpack[PlainOptions]) -> Message:
        return sync.complete(ASK, **options)

    def passes_all_on(**options: Unpack[Options]) -> Message | Parsed[Any]:
        return sync.complete(ASK, **options)

    assert isinstance(passes_on(max_tokens=500), Message)
    assert isinstance(passes_all_on(response_format=Point), Parsed)
