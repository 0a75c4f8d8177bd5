"""The laws of `docs/laws.md` for requests: what is sent, for every dialect."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Body,
    End,
    Head,
    HTTPExchange,
    Message,
    Provider,
    Role,
    Send,
    StreamComplete,
    ToolCall,
)
from sansio.testing import PROVIDER_TYPES, Answer, FakeConnection, FakeProvider
from sansio.testing.strategies import Asked, answers, requests
from tests.laws.oracle import WIRES, assert_linear, config_for, in_every_dialect, sorted_parts, written
from tests.sansio.wires import RESPONSES

ROOT = Path(__file__).resolve().parents[2]

# With a key for every fake that requires one; the paths are those that it serves.
BASE_URLS = {
    "openrouter": "http://localhost:1/api/v1",
    "openai": "http://localhost:1/v1",
    "azure": "http://localhost:1",
    "anthropic": "http://localhost:1",
    "ollama": "http://localhost:1/v1",
    "vllm": "http://localhost:1/v1",
}


def provider_of(type: str) -> Provider:
    return Provider(config_for(type, base_url=BASE_URLS[type.partition("/")[0]]))


PAIRS = (*PROVIDER_TYPES, *RESPONSES)


def request_bytes(type: str, asked: Asked, *, stream: bool = True) -> bytes:
    """The whole request, as it goes over the wire."""
    provider = provider_of(type)
    step = provider.call(asked.messages, asked.tools, stream=stream, temperature=0).next_step()
    assert isinstance(step, Send)
    return HTTPExchange(provider.authorize(step.request, "sk")).data_to_send()


def stored(messages: list[Message]) -> list[Message]:
    """The conversation after it was written to storage and read again."""
    return msgspec.json.decode(msgspec.json.encode(messages), type=list[Message])


@given(asked=requests(), stream=st.booleans())
def test_determinism(asked: Asked, stream: bool) -> None:
    again = Asked(stored(asked.messages), asked.tools)
    assert again.messages == asked.messages
    for type in PAIRS:
        once = request_bytes(type, asked, stream=stream)
        assert request_bytes(type, asked, stream=stream) == once
        assert request_bytes(type, again, stream=stream) == once


_DIGESTS = """
import hashlib
from sansio.testing import PROVIDER_TYPES
from tests.laws.test_request_laws import conversation, request_bytes
for type in PROVIDER_TYPES:
    print(type, hashlib.sha256(request_bytes(type, conversation(3))).hexdigest())
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_determinism_from_one_process_to_the_next(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", _DIGESTS],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    here = [
        f"{type} {hashlib.sha256(request_bytes(type, conversation(3))).hexdigest()}"
        for type in PROVIDER_TYPES
    ]
    assert ran.stdout.split("\n")[:-1] == here


@in_every_dialect
@given(asked=requests(), stream=st.booleans(), data=st.data())
def test_round_trip_through_the_server(wire: str, asked: Asked, stream: bool, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    answer = data.draw(answers(type))
    server = FakeProvider(type, [answer])
    provider = provider_of(type)
    call = provider.call(asked.messages, asked.tools, stream=stream)
    step = call.next_step()
    assert isinstance(step, Send)
    exchange = HTTPExchange(provider.authorize(step.request, "sk"))
    response = b"".join(FakeConnection(server).receive_data(exchange.data_to_send()))
    events = [event for value in exchange.receive_data(response) for event in call.receive(value)]
    last = events[-1]
    # The server refuses what it does not understand, so an answer means that it understood the request.
    assert isinstance(last, StreamComplete), last
    said = answer.to_message()
    assert sorted_parts(type, written(last.message).parts) == sorted_parts(type, written(said).parts)
    assert exchange.reusable


@in_every_dialect
@given(asked=requests(), data=st.data())
def test_round_trip_of_a_turn(wire: str, asked: Asked, data: st.DataObject) -> None:
    type = data.draw(WIRES[wire])
    # An answer is sent back unchanged with its results after it, and the server accepts it.
    answer = data.draw(answers(type))
    server = FakeProvider(type, [answer, Answer(text="done")])
    conversation_so_far = list(asked.messages)
    for _ in range(2):
        message = ask(type, server, Asked(conversation_so_far, asked.tools))
        conversation_so_far = stored([*conversation_so_far, message])
        conversation_so_far += [
            Message(Role.TOOL, "a result", tool_call_id=call.id) for call in message.tool_calls
        ]
        if not message.tool_calls:
            conversation_so_far.append(Message(Role.USER, "go on"))
    assert message.text == "done"


def ask(type: str, server: FakeProvider, asked: Asked) -> Message:
    provider = provider_of(type)
    call = provider.call(asked.messages, asked.tools)
    request = call.next_step()
    assert isinstance(request, Send)
    response = server.respond(provider.authorize(request.request, "sk"))
    call.receive(Head(response.status, response.headers))
    call.receive(Body(response.body))
    if call.wants_input:
        call.receive(End())
    return call.result()


def conversation(turns: int) -> Asked:
    """Turns with two calls each."""
    messages = [Message(Role.USER, "Look at both.")]
    for turn in range(turns):
        calls = tuple(ToolCall(f"{turn}_{n}", "look", {"b": n, "a": [turn]}) for n in range(2))
        messages += [
            Message(Role.ASSISTANT, calls),
            *(Message(Role.TOOL, "seen", tool_call_id=call.id) for call in calls),
        ]
    parameters = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "array"}}}
    return Asked(messages, [{"type": "function", "function": {"name": "look", "parameters": parameters}}])


@pytest.mark.parametrize("type", PAIRS)
def test_linear_in_the_conversation(type: str) -> None:
    assert_linear(lambda turns: request_bytes(type, conversation(turns)), 50)
