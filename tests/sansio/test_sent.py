"""What each provider is sent for the same small conversations, as in `goldens/sent.jsonl`.

The file shows it field for field, where it differs from what the first provider of the same API is sent. A
change there is a change of what users send. A type that is not in the file is not looked at here.
`python -m tests.sansio.test_sent` writes the file anew; read what changed before you keep it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sansio import (
    PROVIDER_DEFAULTS,
    AudioPart,
    DocumentPart,
    ImagePart,
    Message,
    Part,
    Provider,
    ProviderError,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
)
from tests.sansio.wires import Record, config

GOLDEN = Path(__file__).parent / "goldens" / "sent.jsonl"
HEADERS = ("host", "content-length", "accept-encoding", "user-agent")
"""Headers that say nothing of a provider."""

SCHEMA: Record = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
FUNCTION: Record = {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}
TOOLS: list[Record] = [{"type": "function", "function": FUNCTION}]
CUSTOM: list[Record] = [{"type": "custom", "custom": {"name": "g", "description": "d"}}]
FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
OPTIONS: list[Record] = [
    {"max_tokens": 3000},
    {"temperature": 0.5, "top_p": 0.9, "stop": ["END"]},
    {"seed": 1, "user": "u", "metadata": {"k": "v"}, "service_tier": "auto"},
    {"verbosity": "low"},
    {"logprobs": 2},
    {"response_format": FORM},
    {"response_format": {"type": "json_object"}},
    {"max_tokens": None, "stream": False},
    {"reasoning_budget": 2048},
    *({"reasoning_effort": effort} for effort in ("none", "minimal", "low", "high", "xhigh")),
]
WITH_TOOLS: list[Record] = [
    {"tool_choice": "required", "parallel_tool_calls": False},
    {"tool_choice": {"type": "function", "function": {"name": "f"}}},
    {"response_format": FORM},
]


def user(*parts: Part) -> list[Message]:
    return [Message(Role.USER, parts)]


def named(options: Record) -> str:
    return ", ".join(f"{name}={value!r:.24}" for name, value in options.items())


def conversations(origin: str) -> Iterator[tuple[str, list[Message], list[Any] | None, Record]]:
    """Each small conversation by its name, with its tools and options."""
    hello = user(TextPart("Hi"))
    yield "developer", [Message(Role.SYSTEM, "Be brief."), *hello, Message(Role.DEVELOPER, "Now.")], None, {}
    media: dict[str, Part] = {
        "image": ImagePart(data=b"\x89PNG\r\n\x1a\n", media_type="image/png", detail="high"),
        "image by url": ImagePart(url="https://e/i.png"),
        "document": DocumentPart(data=b"%PDF-1", media_type="application/pdf", name="a.pdf"),
        "document by url": DocumentPart(url="https://e/a.pdf"),
        "text file": DocumentPart(data=b"A note.", media_type="text/plain"),
        "file": DocumentPart(file_id="file_1"),
        "audio": AudioPart(data=b"RIFF", media_type="audio/wav"),
    }
    for name, part in media.items():
        yield name, user(TextPart("See:"), part), None, {}
    calls = (TextPart("I look."), ToolCall("call_1", "f", {"a": 1}), ToolCall("call_2", "f", {}))
    for name, of in (("own", origin), ("foreign", "another/chat")):
        answer = Message(Role.ASSISTANT, (ReasoningPart("Hm."), *calls), origin=of)
        results = [
            Message(Role.TOOL, "18", tool_call_id="call_1"),
            Message(Role.TOOL, (TextPart("no"), ImagePart(url="https://e/i.png")), "call_2", is_error=True),
        ]
        yield f"{name} answer", [*hello, answer, *results], TOOLS, {}
    yield "custom tool", hello, CUSTOM, {}
    yield from ((named(options), hello, None, options) for options in OPTIONS)
    yield from ((f"tools, {named(options)}", hello, TOOLS, options) for options in WITH_TOOLS)


def sent(kind: str) -> Record:
    """What each conversation is for a type and api, by fields, and what is left out of it."""
    plain, thinking = Provider(config(kind)), Provider(config(kind, reasoning=True))
    first = plain.prepare("Hi")
    headers = {name: value for name, value in first.headers.items() if name not in HEADERS}
    found: Record = {"url": first.url, "headers": headers, "Hi": first.body}
    found["Hi, reasoning"] = thinking.prepare("Hi").body
    for name, messages, tools, options in conversations(plain.dialect.origin):
        try:
            made = plain.prepare(messages, tools, unsupported="drop", **options)
        except ProviderError as error:
            found[name] = {"refused": type(error).__name__, "index": error.index}
            continue
        body = {field: value for field, value in made.body.items() if first.body.get(field) != value}
        left = [[each.option or each.what, each.message, each.part] for each in made.left_out]
        found[name] = body | ({"left out": left} if left else {})
    return dict(msgspec.json.decode(msgspec.json.encode(found)))


def lines(kinds: Sequence[str]) -> Iterator[str]:
    """What each is sent, without what the first one of its API is sent, too."""
    firsts: dict[str, Record] = {}
    for kind in kinds:
        found = sent(kind)
        usual = firsts.setdefault(kind.partition("/")[2], found)
        for name, value in found.items():
            if found is usual or usual.get(name) != value:
                yield json.dumps([kind, name, value], ensure_ascii=False)


def test_each_provider_is_sent_what_is_written_down() -> None:
    written = GOLDEN.read_text("utf-8").splitlines()
    assert [*lines([*dict.fromkeys(json.loads(line)[0] for line in written)])] == written


if __name__ == "__main__":
    every = [f"{name}/{api}" for name, row in PROVIDER_DEFAULTS.items() for api in row.apis]
    GOLDEN.write_text("".join(f"{line}\n" for line in lines(every)), "utf-8")
