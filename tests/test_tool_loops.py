"""A tool loop with reasoning on each type and api, over a real socket, on asyncio, trio and blocking.

Two turns call a tool, and then answer. One server is all types, each below its name. It refuses what a real
one would: reasoning that goes back without its signature or encryption, or not as the type wants it, and
calls without results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    InvalidRequestError,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
)
from sansio.http import Request
from sansio.profiles import BUILT_IN
from sansio.testing import PROVIDER_TYPES, Answer, Failure, FakeProvider, FakeResponse
from tests.sansio.wires import Record
from transports import AsyncProvider, SyncProvider, create_provider, create_sync_provider
from transports.testing.loopback import LoopbackThread, loopback_thread

PAIRS = [(type, api) for type in BUILT_IN for api in PROVIDER_DEFAULTS[type].apis if type != "perplexity"]

CITY: Record = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Record] = [
    {"type": "function", "function": {"name": name, "parameters": CITY}}
    for name in ("get_weather", "get_time")
]
ASKED = ("Call get_weather for Paris", "And now call get_time for Rome")
MODELS = {"anthropic": "claude-sonnet-4-5", "bedrock": "us.anthropic.claude-sonnet-4-5"}
MODELS |= dict.fromkeys(("google", "vertex"), "gemini-3-pro-preview")
ROOTS = {"openrouter": "/api/v1", "azure": "/openai/v1", "azure/messages": "/anthropic"}
ROOTS |= dict.fromkeys(("anthropic", "cohere", "ollama/ollama"), "")

FIELDS = {
    "groq": "reasoning",
    "together": "reasoning",
    "cerebras": "reasoning",
    "bedrock": "reasoning",
    "mistral": "content",
}
"""Where the servers of a few types have their reasoning. All others have `reasoning_content`."""
TAGGED = ("minimax", "perplexity")
"""Types whose text begins with the reasoning, and must come back so."""
SIGNED: Record = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
LOCAL = ("lmstudio", "llamacpp", "sglang")
SILENT = ("openai", "azure")
"""Types whose chat completions show no reasoning."""


class Servers(FakeProvider):
    """The servers of all types. Those of OpenAI's chat completions think as their documentation says."""

    def __init__(self) -> None:
        super().__init__()
        self._fakes = {type: FakeProvider(type) for type in BUILT_IN}
        self._responses = {type: FakeProvider(f"{type}/{api}") for type, api in PAIRS if api == "responses"}

    def respond(self, request: Request) -> FakeResponse:
        type = request.target.split("/")[1]
        fake = (self._responses if request.target.endswith("/responses") else self._fakes)[type]
        request = msgspec.structs.replace(request, target=request.target.removeprefix(f"/{type}"))
        if type not in PROVIDER_TYPES and request.target.endswith("/chat/completions"):
            body = json.loads(request.body)
            fake.script.append(self._think(type, body["messages"]))
            if type == "mistral":  # the fake is OpenAI's, which knows no such blocks
                body["messages"] = [message_without_thinking(message) for message in body["messages"]]
                request = msgspec.structs.replace(request, body=json.dumps(body).encode())
        return fake.respond(request)

    def _think(self, type: str, messages: list[Any]) -> Answer | Failure:
        """The next answer, if the reasoning of those before it has come back."""
        for place, message in enumerate(messages):
            if message["role"] == "assistant" and not self._knows(type, place, message):
                return Failure(status=400, message=f"the reasoning of message {place} did not come back")
        text = f"Thought {len(messages)}."
        thought: Part = ReasoningPart(text, {"field": FIELDS.get(type, "reasoning_content")})
        if type in TAGGED:
            thought = TextPart(f"<think>{text}</think>")
        if messages[-1]["role"] == "tool":
            name = "get_time" if len(messages) > 4 else "get_weather"
            return Answer(parts=(thought, TextPart(f"The tools answered: {name} said 'fine'.")))
        name = "get_time" if "get_time" in messages[-1]["content"] else "get_weather"
        signed = SIGNED if type == "gemini-openai" else {}
        return Answer(parts=(thought, ToolCall("call00000", name, {"city": "Paris"}, extra=signed)))

    @staticmethod
    def _knows(type: str, place: int, message: Any) -> bool:
        text, calls = f"Thought {place}.", message.get("tool_calls", ())
        match type:
            case "mistral":
                block = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
                return bool(message["content"][0] == block)
            case "cerebras":  # GLM reads it between tags, and not in the field that it gave
                return bool(message["content"].startswith(f"<think>\n{text}\n</think>"))
            case _ if type in TAGGED:
                return bool(message["content"].startswith(f"<think>{text}</think>"))
            case "gemini-openai":  # its signature is in the call
                return all(call["extra_content"] == SIGNED["extra_content"] for call in calls)
            case _:
                return bool(message.get(FIELDS.get(type, "reasoning_content")) == text)


def message_without_thinking(message: Any) -> Any:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [block for block in content if block["type"] == "text"] or None}


def config_of(server: LoopbackThread, type: str, api: str) -> Record:
    root = ROOTS.get(f"{type}/{api}", ROOTS.get(type, "/v1"))
    fields: Record = {"type": type, "api": api, "reasoning": True, "base_url": f"{server.url}/{type}{root}"}
    if type == "azure":
        return {**fields, "deployment": "claude-sonnet-4-5" if api == "messages" else "gpt-5"}
    if type in LOCAL:
        fields["auth_method"] = "bearer"  # the fake is a server that wants a key
    return {**fields, "model": MODELS.get(type, "gpt-5"), "allow_http": True}


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(Servers()) as server:
        yield server


def results(answer: Message) -> list[Message]:
    assert answer.tool_calls, answer
    return [Message(Role.TOOL, "fine", tool_call_id=call.id) for call in answer.tool_calls]


def check(type: str, api: str, history: list[Message]) -> None:
    """Both turns thought, called their tool, and said what it gave."""
    answers = [message for message in history if message.role is Role.ASSISTANT]
    assert [call.name for answer in answers for call in answer.tool_calls] == ["get_weather", "get_time"]
    assert [answer.text for answer in answers if answer.text] == [
        "The tools answered: get_weather said 'fine'.",
        "The tools answered: get_time said 'fine'.",
    ]
    assert all(answer.origin == f"{type}/{api}" for answer in answers)
    assert all(answer.reasoning for answer in answers) or (api == "chat" and type in SILENT)


@contextmanager
def every_pair() -> Iterator[Callable[[str], AbstractContextManager[None]]]:
    """Runs every attempt; the failures are raised together, each with its pair."""
    failures: list[Exception] = []

    @contextmanager
    def attempt(pair: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            error.add_note(pair)
            failures.append(error)

    yield attempt
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(PAIRS)} pairs fail", failures)


def stored(history: list[Message]) -> list[Message]:
    """The conversation as it is after it was stored."""
    return msgspec.json.decode(msgspec.json.encode(history), type=list[Message])


async def loop(provider: AsyncProvider) -> list[Message]:
    history: list[Message] = []
    for asked in ASKED:
        history = stored(history)
        history.append(Message(Role.USER, asked))
        async with provider.stream(history, TOOLS) as stream:
            async for _ in stream:
                pass
            called = stream.result()
        history += [called, *results(called)]
        history.append(await provider.complete(history, TOOLS))
    return history


def blocking_loop(provider: SyncProvider) -> list[Message]:
    history: list[Message] = []
    for asked in ASKED:
        history = stored(history)
        history.append(Message(Role.USER, asked))
        called = provider.complete(history, TOOLS)
        history += [called, *results(called)]
        with provider.stream(history, TOOLS) as stream:
            for _ in stream:
                pass
            history.append(stream.result())
    return history


@pytest.mark.anyio
async def test_tasks(server: LoopbackThread) -> None:
    with every_pair() as attempt:
        for type, api in PAIRS:
            with attempt(f"{type}/{api}"):
                async with create_provider(config_of(server, type, api), api_key="sk") as provider:
                    check(type, api, await loop(provider))


def test_blocking(server: LoopbackThread) -> None:
    with every_pair() as attempt:
        for type, api in PAIRS:
            made = create_sync_provider(config_of(server, type, api), api_key="sk")
            with attempt(f"{type}/{api}"), made as provider:
                check(type, api, blocking_loop(provider))


def test_perplexity_has_no_tools_and_says_so(server: LoopbackThread) -> None:
    with create_sync_provider(config_of(server, "perplexity", "chat"), api_key="sk") as provider:
        with pytest.raises(InvalidRequestError, match="tools"):
            provider.complete(ASKED[0], TOOLS)
        assert provider.complete(ASKED[0]).reasoning == "Thought 1."
