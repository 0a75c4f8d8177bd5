"""A recorded answer moves to every provider: what arrives is accepted, and each loss is reported once."""

from __future__ import annotations

import json
from functools import cache
from itertools import product
from zlib import crc32

import msgspec

from sansio import (
    AudioPart,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    StreamComplete,
    TextPart,
    ToolCall,
    port,
)
from sansio.porting import LeftOut
from sansio.providers import dialect_named
from tests.sansio import test_corpus_bedrock, test_corpus_gemini, test_corpus_more, test_corpus_responses
from tests.sansio.test_corpus import golden, kind_of, names, needs_corpus
from tests.sansio.wires import ASK, RESPONSES, TYPES, WEATHER, bare, config, parse
from tests.support import BEDROCK_CORPUS, CORPUS, RESPONSES_CORPUS, for_each

pytestmark = needs_corpus

ANSWERS = [*names("stream"), *names("response")]
RESPONSES_ANSWERS = [
    *test_corpus_responses.names("stream"),
    *test_corpus_responses.names("response"),
]
GEMINI_ANSWERS = [*test_corpus_gemini.names("stream"), *test_corpus_gemini.names("response")]
BEDROCK_ANSWERS = [*test_corpus_bedrock.names("s"), *test_corpus_bedrock.names("r")]
MORE_ANSWERS = [*test_corpus_more.names("stream"), *test_corpus_more.names("response")]
OTHERS = (
    "deepseek",
    "mistral",
    "cerebras",
    "moonshot",
    "llamacpp",
    "azure/messages",
    "bedrock/messages",
    "bedrock/invoke",
    "deepseek/messages",
    "ollama/messages",
    "openrouter/messages",
    "google",
    "vertex",
    "bedrock",
    "cohere",
    "ollama/ollama",
)
"""A sample of the other pairs: those that share a family differ in quirks, which are tested elsewhere."""
TARGETS = (*TYPES, *RESPONSES)
PROVIDERS = {kind: Provider(config(kind)) for kind in (*TARGETS, *OTHERS)}


@cache
def recorded(name: str) -> Message | None:
    """The answer of a case, if there is one."""
    if golden(name)["kind"] == "stream":
        last = parse(kind_of(name), [(CORPUS / f"{name}.sse").read_bytes()])[-1]
        return last.message if isinstance(last, StreamComplete) else None
    data = json.loads((CORPUS / f"{name}.resp.json").read_bytes())
    dialect = dialect_named(kind_of(name))
    return None if dialect.error_in(data) else dialect.parse_response(data)


def recorded_response(name: str) -> Message | None:
    """The same of the Responses API, from the provider that gave it."""
    maker = name.split("-")[1]
    kind = f"{maker}/responses" if maker in ("azure", "openrouter") else "openai/responses"
    stream = RESPONSES_CORPUS / f"{name}.sse"
    if stream.exists():
        last = parse(kind, [stream.read_bytes()])[-1]
        return last.message if isinstance(last, StreamComplete) else None
    dialect = dialect_named(kind)
    data = test_corpus_responses.body_of(name)
    return None if dialect.error_in(data) else dialect.parse_response(data)


def recorded_at_bedrock(name: str) -> Message | None:
    """The same of Converse."""
    stream = BEDROCK_CORPUS / f"{name}.eventstream"
    if stream.exists():
        last = parse("bedrock", [stream.read_bytes()])[-1]
        return last.message if isinstance(last, StreamComplete) else None
    data = json.loads((BEDROCK_CORPUS / f"{name}.resp.json").read_bytes())
    return dialect_named("bedrock").parse_response(data)


def recorded_more(name: str) -> Message | None:
    """The same of Cohere's chat and of Ollama's own API."""
    if name in test_corpus_more.names("stream"):
        last = test_corpus_more.parse(name, [test_corpus_more.stream_of(name)])[-1]
        return last.message if isinstance(last, StreamComplete) else None
    dialect, data = test_corpus_more.dialect_of(name), test_corpus_more.body_of(name)
    return None if dialect.error_in(data) else dialect.parse_response(data)


def history_with(message: Message) -> list[Message]:
    ids = [call.id for call in message.tool_calls]
    ids += [call.id for call in message.invalid_tool_calls if call.name]
    results = [Message(Role.TOOL, "ok", tool_call_id=call_id) for call_id in ids]
    return [*ASK, message, *results, *ASK]


# The Responses of the other types differ from these in options only.
@for_each(list(product(ANSWERS, [*TYPES, "openai/responses", "ollama/responses", "bedrock", "google"])))
def test_a_recorded_answer_is_accepted_everywhere_and_each_loss_is_reported_once(
    pair: tuple[str, str],
) -> None:
    name, target = pair
    message = recorded(name)
    if message is not None:
        check_move(message, target)


@for_each(ANSWERS)
def test_a_recorded_answer_is_accepted_at_one_of_the_other_pairs(name: str) -> None:
    if (message := recorded(name)) is not None:
        check_move(message, OTHERS[crc32(name.encode()) % len(OTHERS)])


@for_each(RESPONSES_ANSWERS)
def test_a_recorded_response_is_accepted_everywhere(name: str) -> None:
    if (message := recorded_response(name)) is not None:
        for target in (*TARGETS, OTHERS[crc32(name.encode()) % len(OTHERS)]):
            check_move(message, target)


@for_each(GEMINI_ANSWERS)
def test_a_recorded_answer_of_geminis_is_accepted_at_one_of_all_pairs(name: str) -> None:
    if (message := test_corpus_gemini.answer_of(name)) is not None:
        check_move_to_one(message, name)


@for_each(BEDROCK_ANSWERS)
def test_a_recorded_answer_of_bedrock_is_accepted_at_one_of_all_pairs(name: str) -> None:
    if (message := recorded_at_bedrock(name)) is not None:
        check_move_to_one(message, name)


@for_each(MORE_ANSWERS)
def test_a_recorded_answer_of_cohere_and_ollama_is_accepted_at_one_of_all_pairs(name: str) -> None:
    if (message := recorded_more(name)) is not None:
        check_move_to_one(message, name)


def check_move_to_one(message: Message, name: str) -> None:
    """Move an answer to a pair that its name chooses."""
    every = (*TARGETS, *OTHERS)
    check_move(message, every[crc32(name.encode()) % len(every)])


def check_move(message: Message, target: str) -> None:
    provider = PROVIDERS[target]
    history = history_with(message)
    # Bedrock refuses a conversation with calls without tools.
    prepared = provider.prepare(history, [WEATHER] if target == "bedrock" else None)
    assert len(prepared.left_out) == len(set(prepared.left_out))
    moved, report = port(history, provider.dialect)
    assert tuple(report) == prepared.left_out
    check_losses(message, next((m for m in moved if m.role is Role.ASSISTANT), None), report)
    assert all(loss.why and loss.message == 1 for loss in report)
    if message.origin != provider.dialect.origin:
        signed = message.origin in provider.dialect.REASONING_ORIGINS
        kept = [part for m in moved if m.role is Role.ASSISTANT for part in m.parts if part.extra]
        assert all(signed and isinstance(part, ReasoningPart) for part in kept)


def check_losses(before: Message, after: Message | None, report: list[LeftOut]) -> None:
    """Each part that is not sent as it was has a report, and no other part has one."""
    left = list(after.parts) if after is not None else []
    reported = {loss.part for loss in report}
    for number, part in enumerate(before.parts):
        unchanged = bool(left) and left[0] == part
        assert unchanged is (number not in reported) or (after is None and None in reported), part
        if left and same_part(part, left[0]):
            left.pop(0)
    assert left == []


def same_part(part: Part, sent: Part) -> bool:
    """Whether `sent` is the part, or what is left of it."""
    if isinstance(part, RefusalPart) and isinstance(sent, TextPart):
        return part.text == sent.text
    if isinstance(part, AudioPart) and isinstance(sent, TextPart):
        return part.transcript == sent.text
    if isinstance(part, ToolCall | InvalidToolCall) and isinstance(sent, ToolCall | InvalidToolCall):
        part = msgspec.structs.replace(part, kind=sent.kind, id=sent.id)
    return type(part) is type(sent) and bare(part) == bare(cited_as(part, sent))


def cited_as(part: Part, sent: Part) -> Part:
    if isinstance(part, TextPart) and isinstance(sent, TextPart):
        return msgspec.structs.replace(sent, citations=part.citations)
    return sent
