"""After a tool call with invalid JSON is answered, each provider accepts the next turn."""

from __future__ import annotations

import anyio
import pytest

from sansio import InvalidToolCall, Message, Role
from sansio.testing import PROVIDER_TYPES, Answer, FakeProvider
from transports import MemoryTransport, create_provider
from transports.testing.loopback import Loopback

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
CUT = Answer(tool_calls=(InvalidToolCall("call_1", "f", '{"x": ', "cut"),))
KEY = "key-of-the-test"


@pytest.mark.parametrize("kind", PROVIDER_TYPES)
def test_an_invalid_call_that_is_answered_does_not_poison_the_conversation(kind: str) -> None:
    server = FakeProvider(kind, [CUT, Answer(text="Better now.")])
    provider = create_provider(
        Loopback(server, "127.0.0.1", 1, "http").config(kind), transport=MemoryTransport(server), api_key=KEY
    )

    async def talk() -> Message:
        messages = [Message(Role.USER, "Call f.")]
        async with provider.stream(messages, TOOLS) as stream:
            async for _ in stream:
                pass
        answer = stream.result()
        [call] = answer.invalid_tool_calls
        assert call.raw_arguments == '{"x": '
        result = Message(Role.TOOL, "The arguments were no JSON.", tool_call_id=call.id)
        return await provider.complete([*messages, answer, result], TOOLS)

    assert anyio.run(talk).text == "Better now."
    assert len(server.requests) == 2
