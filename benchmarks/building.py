"""Building a request: a long history and many tools, from messages to the bytes of a signed request."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from benchmarks.decode_peers import anthropic_client, openai_client
from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, check, cpu_per_unit, peer
from benchmarks.wires import whole_answer
from benchmarks.yardstick import Dialect
from sansio import HTTPExchange, Message, Provider, ProviderConfig, Role, Send, TextPart, ToolCall
from sansio.content import Tool

MESSAGES = 200
TOOLS = 50
_MODELS: dict[Dialect, str] = {"openai": "gpt-4o", "anthropic": "claude-benchmark"}
_TEXT = "Please look at the file again, and say what its second function returns for an empty list. " * 4


def history(messages: int) -> list[Message]:
    """A tool loop's conversation: questions, calls, their results, answers."""
    turns: list[Message] = [Message(Role.SYSTEM, "You are careful. " + _TEXT)]
    for number in range((messages - 2) // 4):
        call = ToolCall(f"call_{number}", "tool_1", {"path": f"src/part_{number}.py", "lines": [1, 80]})
        turns += [
            Message(Role.USER, f"Question {number}. {_TEXT}"),
            Message(Role.ASSISTANT, (TextPart("I shall look."), call)),
            Message(Role.TOOL, f'def part():\n    return "{number}"\n' * 10, tool_call_id=call.id),
            Message(Role.ASSISTANT, f"Answer {number}. {_TEXT}"),
        ]
    while len(turns) < messages:
        turns.append(Message(Role.USER, "And now?"))
        if len(turns) < messages - 1:
            turns.append(Message(Role.ASSISTANT, "It is the same."))
    return turns


def tools(number: int) -> list[Tool]:
    """Tools with schemas of a usual size, in OpenAI's format."""
    properties = {
        "path": {"type": "string", "description": "The file, relative to the root of the project."},
        "lines": {"type": "array", "items": {"type": "integer"}, "description": "The first and the last."},
        "mode": {"type": "string", "enum": ["plain", "numbered"], "description": "How lines are shown."},
    }
    schema = {"type": "object", "properties": properties, "required": ["path"]}
    return [
        {
            "type": "function",
            "function": {"name": f"tool_{at}", "description": "Reads a file. " * 10, "parameters": schema},
        }
        for at in range(number)
    ]


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="building",
            name=f"{dialect}, {MESSAGES} messages and {TOOLS} tools",
            units={"cpu": "µs of CPU per request"},
            contenders=(
                Contender("the finished body through msgspec"),
                Contender("the finished body through json"),
                Contender("sansio"),
                Contender(f"{dialect} SDK, a whole call in memory", dialect),
            ),
            rounds=scale.rounds,
            options={"dialect": dialect, "messages": MESSAGES, "tools": TOOLS},
        )
        for dialect in _MODELS
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    dialect: Dialect = "openai" if case.text("dialect") == "openai" else "anthropic"
    turns, offered = history(case.number("messages")), tools(case.number("tools"))
    provider = Provider(ProviderConfig(type=dialect, model=_MODELS[dialect]))
    finished = msgspec.json.decode(_build(provider, turns, offered))
    work: Callable[[], bytes]
    match contender.name:
        case "sansio":
            work = partial(_build, provider, turns, offered)
        case "the finished body through msgspec":
            work = partial(msgspec.json.encode, finished)
        case "the finished body through json":
            work = partial(_dump, finished)
        case _:
            work = _build_by_sdk(dialect, finished)
    expected = _meaning(msgspec.json.encode(finished))
    check(_meaning(work()), expected)

    def run() -> Metrics:
        spent, body = cpu_per_unit(work, 1)
        check(_meaning(body), expected)
        return {"cpu": spent}

    return run


def _build(provider: Provider, turns: list[Message], offered: list[Tool]) -> bytes:
    """Everything before bytes are sent: checks, the body, the signature, HTTP."""
    step = provider.call(turns, offered, stream=False).next_step()
    assert isinstance(step, Send)
    request = provider.authorize(step.request, "any-key")
    assert HTTPExchange(request).data_to_send().endswith(request.body)
    return request.body


def _dump(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _build_by_sdk(dialect: Dialect, finished: dict[str, Any]) -> Callable[[], bytes]:
    httpx = peer("httpx2")
    body, _ = whole_answer(dialect)
    sent: list[bytes] = []

    def respond(request: Any) -> Any:
        sent.append(request.content)
        headers = {"content-type": "application/json"}
        return httpx.Response(200, headers=headers, content=body, request=request)

    if dialect == "openai":
        create = openai_client(respond).chat.completions.create
    else:
        create = anthropic_client(respond).messages.create

    def work() -> bytes:
        create(**finished)
        return sent.pop()

    return work


def _meaning(body: bytes) -> str:
    """A body's meaning, regardless of white space and the order of its keys."""
    return msgspec.json.encode(msgspec.json.decode(body), order="sorted").decode()


ROW = Row("building a request from a long history and many tools", _cases, _prepare)
