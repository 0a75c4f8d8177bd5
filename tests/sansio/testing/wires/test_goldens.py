"""The bytes of rich answers, of broken ones and of failures, for each wire family, as in `goldens/wires`.

The files show what the recorded servers send, field for field. To write them anew, run
`python -m tests.sansio.testing.wires.test_goldens`; read what changed before you keep it. Compare it with the
provider's reference and with the recorded streams.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from sansio import (
    AudioPart,
    Citation,
    ContentDelta,
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    ServerToolPart,
    StreamEvent,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
)
from sansio.content import Part
from sansio.jsontext import JSON, JSONObject
from sansio.testing import Answer, Broken, Failure, encode_events, encode_stream, encode_whole
from sansio.testing.failures import Refused
from sansio.testing.prompt import as_object
from sansio.testing.script import provider_type
from sansio.testing.wires import wire_for
from sansio.testing.wires.registry import failed
from sansio.testing.wires.responses_records import response_events, response_object, write_events

GOLDENS = Path(__file__).parent.parent / "goldens" / "wires"
FAMILIES: dict[str, tuple[str, ...]] = {
    "google": ("google",),
    "bedrock": ("bedrock",),
    "invoke": ("bedrock/invoke",),
    "cohere": ("cohere",),
    "ollama": ("ollama/ollama",),
    "anthropic": ("anthropic",),
    "chat": ("openai", "azure", "openrouter", "ollama", "vllm"),
    "responses": (
        "openai/responses",
        "azure/responses",
        "openrouter/responses",
        "ollama/responses",
        "vllm/responses",
    ),
}
SIGNED: JSONObject = {"thoughtSignature": "c2ln"}
PNG = b"\x89PNG\r\n\x1a\n"
USAGE = Usage(
    input_tokens=90, output_tokens=40, cached_tokens=30, cache_write_tokens=20, reasoning_tokens=10, cost=0.5
)
PLAIN = Answer(
    reasoning="Let me think.",
    text="It is sunny.",
    tool_calls=(ToolCall("call_1", "f", {"city": "Paris"}), ToolCall("call_2", "g", {})),
    usage=USAGE,
)
TEXTS = Answer(parts=(TextPart("One."), TextPart("Two.")))

GOOGLE = Answer(
    parts=(
        ReasoningPart("Let me think."),
        ReasoningPart("Signed thought.", SIGNED),
        TextPart("It is "),
        TextPart("Both words.", extra=SIGNED),
        TextPart(
            "sünny today.",
            (
                Citation("https://a.example", "A", start=0, end=6, extra={"license": "mit"}),
                Citation(start=1),
                Citation(
                    "https://b.example",
                    "B",
                    start=2,
                    end=5,
                    extra={"groundingChunkIndex": 1, "confidenceScore": 0.5, "segment": {"text": "nny"}},
                ),
                Citation("https://b.example", end=5, extra={"groundingChunkIndex": 0, "renderedParts": [0]}),
                Citation("https://c.example", end=5, extra={"groundingChunkIndex": 2}),
                Citation("https://c.example", end=5, extra={"groundingChunkIndex": -1}),
            ),
        ),
        ServerToolPart("executableCode", "x1", input="1+1", extra={"executableCode": {"language": "PYTHON"}}),
        ServerToolPart("codeExecutionResult", "x1", output="2", status="OUTCOME_OK", extra=SIGNED),
        ServerToolPart("toolCall", "t1", "GOOGLE_SEARCH_WEB", {"queries": ["q"]}, extra=SIGNED),
        ServerToolPart("toolResponse", "t1", "GOOGLE_SEARCH_WEB", output={"a": 1}),
        ImagePart(data=PNG, extra=SIGNED),
        ImagePart(url="https://e.example/i.webp"),
        AudioPart(data=b"RIFF", media_type="audio/wav"),
        DocumentPart(data=b"%PDF"),
        UnknownPart("aNewKind", {"aNewKind": {"a": 1}}),
        TextPart("", extra=SIGNED),
        ToolCall("c1", "get_weather", {"city": "Paris"}, '{"city":"Paris"}'),
        ToolCall("c2", "now", {}, "", extra=SIGNED),
        InvalidToolCall("c3", "late", '{"a":1}', "unexpected"),
        ServerToolPart(
            "groundingMetadata",
            input=["q"],
            output=[{"web": {"uri": "https://a.example"}}, {"web": {"uri": "https://b.example"}}],
            extra={"retrievalMetadata": {}},
        ),
        ServerToolPart("urlContextMetadata", output=[{"retrievedUrl": "https://a.example"}]),
        ServerToolPart("citationMetadata", extra={"x": 1}),
    ),
    usage=Usage(
        input_tokens=90,
        output_tokens=40,
        cached_tokens=30,
        reasoning_tokens=10,
        extra={"toolUsePromptTokenCount": 7, "serviceTier": "standard"},
    ),
    extra={
        "promptFeedback": {"safetyRatings": []},
        "modelStatus": {"modelStage": "STABLE"},
        "finishMessage": "Done.",
    },
)
BLOCKED = Answer(
    finish_reason=FinishReason.CONTENT_FILTER,
    raw_finish_reason="JAILBREAK",
    extra={"promptFeedback": {"blockReasonMessage": "No."}, "modelStatus": {}, "own": 1},
    usage=Usage(input_tokens=9),
)
WEB = Citation("https://e", "T", "words", extra={"location": {"web": {"domain": "e"}}, "source": "s"})
BEDROCK = Answer(
    parts=(
        ReasoningPart("Let me think.", {"signature": "s"}),
        ReasoningPart("It is so."),
        ReasoningPart("", {"redactedContent": "eA=="}),
        TextPart("It is "),
        TextPart("sunny.", (WEB, Citation(title="U"))),
        TextPart("", (WEB,)),
        TextPart(" "),
        ServerToolPart("server_tool_use", "t1", "search", {"query": "weather in Paris"}),
        ServerToolPart("r", "t1", output=[{"text": "x"}, {"json": {"a": 1}}], status="success"),
        ServerToolPart("server_tool_use", "t2", "now", {}),
        ServerToolPart("toolResult", "t2", output=[]),
        ImagePart(data=PNG),
        UnknownPart("aNewKind", {"aNewKind": {"a": 1}}),
        ToolCall("t", "f", {"city": "Paris"}, '{"city":"Paris"}', extra={"type": "tool_use"}),
        ToolCall("u", "g", {}, ""),
    ),
    usage=Usage(
        input_tokens=90,
        output_tokens=40,
        cached_tokens=30,
        cache_write_tokens=20,
        extra={"cacheDetails": [], "serverToolUsage": {}},
    ),
    extra={"additionalModelResponseFields": {"a": 1}, "metrics": {"latencyMs": 5}, "trace": {}},
)
METRICS = "amazon-bedrock-invocationMetrics"
INVOKE = Answer(
    parts=(ReasoningPart("Let me think."), TextPart("It is sunny."), ToolCall("t", "f", {"a": 1})),
    usage=Usage(input_tokens=9, output_tokens=4),
    extra={METRICS: {"inputTokenCount": 9, "outputTokenCount": 4}, "own": 1},
)
SPAN = Citation(
    start=0, end=2, extra={"text": "It", "sources": [{"type": "tool", "id": "s"}], "type": "TEXT_CONTENT"}
)
COHERE = Answer(
    parts=(
        ReasoningPart(
            "I will look it up.",
            {"field": "tool_plan", "citations": [{"start": 0, "end": 1, "type": "PLAN"}]},
        ),
        ReasoningPart("Let me think.", {"citations": [{"start": 0, "end": 3, "type": "THINKING_CONTENT"}]}),
        TextPart("It is sunny.", (SPAN, Citation(start=3))),
        TextPart("Own.", extra={"own": 1}),
        TextPart("", extra={"own": 1}),
        ReasoningPart(""),
        UnknownPart("image", {"type": "image", "url": "u"}),
        RefusalPart("No."),
        ToolCall("a", "f", {"city": "Paris"}, '{"city":"Paris"}', extra={"new": 1}),
        InvalidToolCall("b", "g", "null", "no object", extra={"function": {"own": 1}}),
    ),
    usage=Usage(
        input_tokens=90,
        output_tokens=40,
        cached_tokens=30,
        reasoning_tokens=10,
        extra={"billed_units": {"input_tokens": 60}, "tokens": {"image_tokens": 4}},
    ),
    extra={"logprobs": [{"text": "It", "token_ids": [1]}, {"text": " is", "token_ids": [2]}], "new": 1},
)
OLLAMA = Answer(
    parts=(
        ReasoningPart("Let me think."),
        TextPart("It is sunny."),
        ImagePart(data=PNG),
        UnknownPart("image", {"image": "?"}),
        RefusalPart("No."),
        ToolCall("a", "f", {"x": 1}, '{"x":1}', extra={"function": {"new": 1}, "own": 2}),
        InvalidToolCall("b", "g", "", "empty", extra={"own": 3}),
    ),
    usage=Usage(input_tokens=9, output_tokens=4, extra={"total_duration": 9}),
    extra={"logprobs": {"content": [{"token": "It", "logprob": -0.5}]}, "remote_model": "big"},
)
DOCUMENT: Citation = Citation(
    title="D", quote="words", extra={"type": "char_location", "document_index": 0, "start_char_index": 1}
)
PLANNED = Answer(
    parts=(
        TextPart("Hm."),
        ReasoningPart("I will look it up.", {"field": "tool_plan"}),
        ToolCall("a", "f", {}, ""),
        TextPart("So."),
    )
)
ANTHROPIC = Answer(
    parts=(
        ReasoningPart("Let me think.", {"signature": "s"}),
        ReasoningPart("It is so."),
        ReasoningPart("", {"signature": "t"}),
        ReasoningPart("", {"type": "redacted_thinking", "data": "eA=="}),
        TextPart("It is "),
        TextPart(
            "sunny.",
            (
                Citation("https://e", "T", "words", extra={"type": "web_search_result_location"}),
                DOCUMENT,
                Citation(title="P", extra={"type": "page_location"}),
                Citation(title="B", extra={"type": "content_block_location"}),
                Citation(title="S", extra={"type": "search_result_location"}),
            ),
            {"own": 1},
        ),
        ServerToolPart("server_tool_use", "s1", "web_search", {"query": "weather in Paris"}),
        ServerToolPart(
            "web_search_tool_result", "s1", output=[{"type": "web_search_result"}], extra={"caller": {}}
        ),
        ServerToolPart("mcp_tool_use", "m1", "look", {}, extra={"server_name": "x"}),
        ServerToolPart("mcp_tool_result", "m1", output=[], extra={"is_error": False}),
        UnknownPart("new", {"type": "new", "a": 1}),
        TextPart(""),
        ToolCall("t", "f", {"city": "Paris"}, '{"city":"Paris"}', extra={"caller": {"type": "direct"}}),
        ToolCall("u", "g", {}, ""),
    ),
    usage=Usage(
        input_tokens=90,
        output_tokens=40,
        cached_tokens=30,
        cache_write_tokens=20,
        reasoning_tokens=10,
        extra={
            "server_tool_use": {"web_search_requests": 1},
            "service_tier": "standard",
            "output_tokens_details": {"own": 1},
        },
    ),
    extra={"stop_sequence": "END", "container": {"id": "c"}, "context_management": {}},
)
REFUSED = Answer(
    parts=(TextPart("I "), RefusalPart("cannot help.")),
    finish_reason=FinishReason.REFUSAL,
    extra={"stop_details": {"type": "refusal", "category": "cyber"}},
)
UNEXPLAINED = Answer(
    finish_reason=FinishReason.REFUSAL, extra={"stop_details": {"type": "refusal", "category": None}}
)
TOKEN: JSONObject = {"token": "It", "logprob": -0.5, "bytes": [73], "top_logprobs": []}
CALL = ToolCall("a", "f", {"city": "Paris"}, '{"city":"Paris"}', extra={"function": {"new": 1}, "own": 2})
CUSTOM = ToolCall("b", "g", {"input": "free text"}, kind="custom", extra={"own": 3})
CITED = TextPart("It is sunny.", (Citation("https://e", "T", start=0, end=2, extra={"content": "c"}),))
SHOWN_AND_HEARD = (
    ImagePart(data=PNG),
    ImagePart(url="https://e/i.png", extra={"index": 0, "image_url": {"detail": "low"}}),
    AudioPart(data=b"RIFF", transcript="Hi", extra={"id": "audio_1", "expires_at": 5}),
)


def chat(*parts: Part, **extra: JSON) -> Answer:
    """An answer of chat completions with these parts behind its reasoning, and these own fields."""
    return Answer(
        parts=(ReasoningPart("Let me think."), *parts),
        usage=structs.replace(
            USAGE,
            extra={
                "prompt_tokens_details": {"own": 1},
                "completion_tokens_details": {"own": 2},
                "own": 3,
            },
        ),
        extra={"logprobs": {"content": [TOKEN, TOKEN]}, "own": 1, **extra},
    )


TYPED = Answer(
    parts=(
        ReasoningPart("Let me think.", {"field": "content", "closed": True}),
        TextPart("Typed.", extra={"own": 1}),
        TextPart("", extra={"own": 2}),
        UnknownPart("reference", {"type": "reference", "reference_ids": [1]}),
        AudioPart(transcript="Hi"),
    ),
    finish_reason=FinishReason.CONTENT_FILTER,
)
DETAILS = Answer(
    parts=(
        ReasoningPart("One two.", {"type": "reasoning.text", "format": "f", "index": 0, "signature": "s"}),
        ReasoningPart("Sum.", {"type": "reasoning.summary", "id": "x"}),
        ReasoningPart("", {"type": "reasoning.encrypted", "data": "eA=="}),
        ReasoningPart("Plain."),
    ),
    usage=Usage(input_tokens=9, output_tokens=4),
    finish_reason=FinishReason.REFUSAL,
)
CALLS_ONLY = Answer(tool_calls=(ToolCall("a", "f", {"city": "Paris"}),), usage=Usage(input_tokens=9))
FILE: JSONObject = {"type": "file_citation", "file_id": "f", "index": 1}
RESPONSES = Answer(
    parts=(
        ReasoningPart("Let me think.", {"item": {"id": "rs_1", "encrypted_content": "x"}}),
        ReasoningPart("And again.", {"item": {"id": "rs_1", "encrypted_content": "x"}}),
        ReasoningPart("Raw.", {"field": "content"}),
        ReasoningPart("In short.", {"item": {"id": "rs_2"}}),
        ReasoningPart("At length.", {"item": {"id": "rs_2"}, "field": "content"}),
        ReasoningPart("", {"item": {"encrypted_content": "y"}}),
        TextPart(
            "It is sunny.",
            (
                Citation("https://e", "T", start=0, end=2),
                Citation(title="a.pdf", extra=FILE),
                Citation(title="b.csv", start=1, end=2, extra={"type": "container_file_citation"}),
            ),
            {"item": {"id": "msg_1", "phase": "commentary"}, "logprobs": [TOKEN, TOKEN]},
        ),
        RefusalPart("No more.", {"item": {"id": "msg_1", "phase": "commentary"}}),
        UnknownPart(
            "new", {"item": {"id": "msg_1", "phase": "commentary"}, "content": {"type": "new", "a": 1}}
        ),
        TextPart("Alone."),
        ServerToolPart("web_search_call", "ws_1", input={"type": "search", "query": "q"}, status="completed"),
        ServerToolPart("file_search_call", "fs_1", input=["q"], output=[{"file_id": "f"}]),
        ServerToolPart(
            "code_interpreter_call", "ci_1", input="print(1 + 1)", output=[{"type": "logs", "logs": "2"}]
        ),
        ServerToolPart("image_generation_call", "ig_1", input="a cat"),
        ServerToolPart("mcp_list_tools", output=[{"name": "look"}], extra={"server_label": "x"}),
        ServerToolPart("mcp_call", "mcp_1", "look", '{"a": 1234}', "found", extra={"server_label": "x"}),
        ServerToolPart("mcp_approval_request", name="look", input="{}"),
        ServerToolPart("x_search_call", name="x_keyword_search", input="{}", output="found"),
        ServerToolPart("tool_search_call", "call_5", input={"query": "q"}),
        ServerToolPart("tool_search_output", "call_5", output=[{"name": "f"}]),
        ServerToolPart("program", "call_6", input="1"),
        ServerToolPart("program_output", "call_6", output="1"),
        ServerToolPart("shell_call", "call_7", input={"commands": ["ls"]}),
        ServerToolPart("shell_call_output", "call_7", output=[{"stdout": "a"}]),
        ImagePart(data=PNG, extra={"id": "ig_2", "revised_prompt": "a dog"}),
        ImagePart(data=b"<svg/>", media_type="image/svg+xml"),
        UnknownPart("new_item", {"type": "new_item", "a": 1}),
        ToolCall("call_1", "f", {"city": "Paris"}, '{"city":"Paris"}', extra={"id": "fc_9"}),
        ToolCall("call_2", "g", {"input": "free text"}, kind="custom"),
        ToolCall("call_3", "computer", {"actions": [{"type": "click"}]}, kind="computer"),
        ToolCall("call_4", "computer", {"type": "click", "x": 1}, kind="computer"),
        ToolCall("call_8", "apply_patch", {"type": "delete_file", "path": "a"}, kind="apply_patch"),
        ToolCall("call_9", "shell", {"commands": ["ls"]}, kind="shell", extra={"max_output_length": 5}),
        InvalidToolCall("call_10", "local_shell", '{"command":["ls"]}', "no", kind="local_shell"),
    ),
    usage=Usage(
        input_tokens=90,
        output_tokens=40,
        cached_tokens=30,
        cache_write_tokens=20,
        reasoning_tokens=10,
        cost=0.5,
        extra={"input_tokens_details": {"own": 1}, "own": 2},
    ),
    extra={"service_tier": "flex", "temperature": 0.5, "own": 1},
)
BACKGROUND = Answer(
    parts=(TextPart("It is "), ToolCall("call_1", "f", {"a": 1})),
    finish_reason=FinishReason.LENGTH,
    extra={"background": True, "incomplete_details": {"own": 1}},
)
FILTERED = Answer(text="It is", finish_reason=FinishReason.CONTENT_FILTER)
CANCELLED = Answer(text="It is", raw_finish_reason="cancelled")

NAMED = Answer(parts=(ReasoningPart("One.", {"field": "reasoning"}), TextPart("Two.")))
SHOWN: dict[str, dict[str, Answer]] = {
    "google": {"rich": GOOGLE, "texts": TEXTS, "blocked": BLOCKED},
    "bedrock": {"rich": BEDROCK, "texts": TEXTS},
    "bedrock/invoke": {"streamed": INVOKE},
    "cohere": {"rich": COHERE, "texts": TEXTS, "planned": PLANNED},
    "ollama/ollama": {"rich": OLLAMA, "texts": TEXTS},
    "anthropic": {"texts": TEXTS, "rich": ANTHROPIC, "refused": REFUSED, "unexplained": UNEXPLAINED},
    "openai": {
        "rich": chat(
            CITED,
            RefusalPart("No more."),
            *SHOWN_AND_HEARD,
            CALL,
            CUSTOM,
            service_tier="flex",
            system_fingerprint="fp_1",
        ),
        "of other servers": Answer(
            text="Hi",
            extra={
                "content_filter_results": {},
                "native_finish_reason": "STOP",
                "prompt_filter_results": [],
                "provider": "Given",
                "stop_reason": 5,
            },
        ),
        "typed": TYPED,
        "named": NAMED,
        "calls only": CALLS_ONLY,
    },
    "azure": {
        "rich": chat(
            TextPart("It is sunny."),
            RefusalPart("No more."),
            CALL,
            CUSTOM,
            prompt_filter_results=[],
            content_filter_results={"hate": {"filtered": False, "severity": "low"}},
        ),
        "calls only": CALLS_ONLY,
    },
    "openrouter": {
        "rich": chat(
            CITED,
            RefusalPart("No more."),
            *SHOWN_AND_HEARD,
            CALL,
            provider="Given",
            native_finish_reason="STOP",
        ),
        "details": DETAILS,
        "calls only": CALLS_ONLY,
    },
    "ollama": {"rich": chat(TextPart("It is sunny."), CALL), "calls only": CALLS_ONLY},
    "vllm": {
        "rich": chat(TextPart("It is sunny."), CALL, stop_reason=5),
        "uncached": Answer(text="Hi", usage=Usage(input_tokens=9, output_tokens=4)),
        "calls only": CALLS_ONLY,
    },
    "openai/responses": {
        "rich": RESPONSES,
        "texts": TEXTS,
        "background": BACKGROUND,
        "filtered": FILTERED,
        "cancelled, whole": CANCELLED,
    },
    "azure/responses": {},
    "openrouter/responses": {},
    "ollama/responses": {},
    "vllm/responses": {},
}
STATUSES = {
    "google": (401, 403, 404, 409, 418, 499, 501, 504),
    "bedrock": (401, 403, 404, 405, 408, 418, 424, 529),
    "anthropic": (401, 402, 403, 404, 413, 418, 504, 529),
}
"""The statuses of each type's failures beside those that all have; by default `OTHER_STATUSES`."""
OTHER_STATUSES = (401, 402, 403, 404, 408, 422, 502)
OWN = Failure(
    status=429,
    message="Wait.",
    error_type="own_error",
    code="own",
    param="p",
    headers=(("retry-after", "2"),),
)
AT_GATEWAY = tuple(
    Failure(status=status, message="No.", gateway=True) for status in (400, 401, 403, 404, 405)
)
IN_STREAMS = (400, 429, 500, 503)
UNSAYABLE: tuple[Part, ...] = (
    RefusalPart("No."),
    ServerToolPart("unknown_kind", "x", output=[]),
    ImagePart(url="https://e/i.png"),
    ImagePart(file_id="f"),
    AudioPart(transcript="Hi"),
    AudioPart(url="https://e/a.wav"),
    DocumentPart(data=b"%PDF"),
    ToolCall("a", "f", {"input": "x"}, kind="custom"),
    InvalidToolCall("a", "f", "{", "cut"),
)
"""Parts that some wires have no place for, and others have."""


def streamed(dialect: str, outcome: Answer | Broken) -> tuple[bytes, ...]:
    return encode_stream(dialect, outcome, model="m", response_id="r")


USUAL = (":content-type=application/json", ":message-type=event", ":message-type=exception")


def frames(data: bytes) -> Iterator[str]:
    """Frames of an AWS event stream as text: the headers except for the usual ones, then the payload."""
    while data:
        length, size = struct.unpack(">II", data[:8])
        head, payload = data[12 : 12 + size], data[12 + size : length - 4]
        named: list[str] = []
        while head:
            name, head = head[1 : 1 + head[0]], head[1 + head[0] :]
            assert head[0] == 7  # a string
            at = 3 + int.from_bytes(head[1:3], "big")
            named.append(f"{name.decode()}={head[3:at].decode()}")
            head = head[at:]
        said = payload.decode()
        if named[0] == ":event-type=chunk":
            record = json.loads(payload)
            said = f"{base64.b64decode(record.pop('bytes')).decode()} {json.dumps(record)}"
        kept = [each for each in named if each not in USUAL]
        yield f"{' '.join(kept)} {said}" if len(named) == len(kept) + 2 else f"{' '.join(named)} {said}"
        data = data[length:]


def news(record: JSONObject, before: JSONObject) -> JSONObject:
    """What an object has that the one before it did not have."""
    found: JSONObject = {}
    for name, value in record.items():
        known = before.get(name)
        if name not in before or value != known:
            both = isinstance(value, dict) and isinstance(known, dict)
            found[name] = news(value, known) if both else value  # type: ignore[arg-type]  # dicts, as checked
    return found


def lines(dialect: str, pieces: tuple[bytes, ...]) -> Iterator[str]:
    """A stream, one event a line. A field is left out where it is as it was in the last event that had it."""
    if dialect.startswith("bedrock"):
        yield from frames(b"".join(pieces))
        return
    before: JSONObject = {}
    for piece in pieces:
        said = piece.decode()
        at, end = said.find("{"), said.rfind("}") + 1
        if at >= 0:
            record = json.loads(said[at:end])
            if before:
                written = json.dumps(news(record, before), ensure_ascii=False, separators=(",", ":"))
                said = f"{said[:at]}{written}{said[end:]}"
            before = {**before, **record}
        yield said.replace("\r", "\\r").replace("\n", "\\n")


def both(dialect: str, name: str, answer: Answer) -> Iterator[str]:
    yield f"=== {dialect}, {name}"
    if "whole" not in name:
        yield from lines(dialect, streamed(dialect, answer))
    if name != "streamed":
        yield encode_whole(dialect, answer, model="m", response_id="r").decode()


ENDS = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "status", "reason")


def ends(value: object) -> Iterator[str]:
    """The words for the end in the JSON of an answer."""
    for name, each in value.items() if isinstance(value, dict) else ():
        if name in ENDS and isinstance(each, str):
            yield each
        yield from ends(each)
    for each in value if isinstance(value, list) else ():
        yield from ends(each)


def words(dialect: str) -> Iterator[str]:
    """The words of the wire for each reason to end."""
    wire = wire_for(dialect)
    yield f"=== {dialect}, words"
    yield f"content type of a stream: {wire.content_type}"
    yield f"headers of the key: {', '.join(wire.key_headers)}"
    for reason in FinishReason:
        try:
            whole = encode_whole(dialect, Answer(finish_reason=reason))
        except ValueError:
            yield f"{reason.value}: has none"
            continue
        yield f"{reason.value}: {' '.join(ends(json.loads(whole)))}"


def places(dialect: str) -> Iterator[str]:
    """Which parts have no place, whole and streamed."""
    yield f"=== {dialect}, parts"
    for part in UNSAYABLE:
        found = []
        for encode in (encode_whole, encode_stream):
            try:
                encode(dialect, Answer(parts=(part,)))
            except ValueError as error:
                found.append(str(error))
            else:
                found.append("has a place")
        yield f"{part.__class__.__name__}: {'; '.join(found)}"


BARE: dict[str, list[StreamEvent]] = {
    "without an end": [ReasoningDelta("Hm.", 0), ContentDelta("Hi ", 1), ContentDelta("you", 1)],
    "in pieces": [
        ReasoningDelta("Hm. ", 0),
        ReasoningDelta("So.", 0),
        ContentDelta("Hi ", 1),
        ContentDelta("you", 1),
        RefusalDelta("No ", 2),
        RefusalDelta("more.", 2),
        ContentDelta("Oh.", 3),
        ReasoningDelta("Ah.", 4),
    ],
    "of a call": [ToolCallStarted(0, "a", "f", 0), ToolCallDelta(0, '{"a":'), ToolCallDelta(0, "1}")],
    "of calls": [
        ToolCallStarted(0, "a", "f", 0),
        ToolCallDelta(0, "{"),
        ToolCallDelta(0, "}"),
        ToolCallStarted(1, "b", "g", 1),
        ContentDelta("Hi", 2),
    ],
    "of a custom call": [
        ToolCallStarted(0, "a", "f", 0, "custom"),
        ToolCallDelta(0, "free"),
        ContentDelta("Hi", 1),
    ],
    "of whole parts": [
        PartComplete(0, TextPart("")),
        PartComplete(1, ReasoningPart("")),
        ContentDelta("Hi", 2),
    ],
    "of parts that are more than texts": [
        PartComplete(0, TextPart("", (Citation("https://e", "T"),), {"own": 1})),
        PartComplete(1, ReasoningPart("", {"signature": "s"})),
        ToolCallStarted(0, "a", "f", 2),
    ],
}


MORE_THAN_TEXTS = ("anthropic", "bedrock", "openrouter", "openai/responses")
"""The dialects that have a form for them."""


def cut(dialect: str) -> Iterator[str]:
    """Streams that break off, and events without the answer that they belong to."""
    yield f"=== {dialect}, cut"
    yield from lines(dialect, streamed(dialect, Broken(answer=PLAIN, after=2)))
    for name, events in BARE.items():
        if dialect == "bedrock" and name == "of whole parts":
            continue  # Amazon has no form for texts that are empty
        if name == "of parts that are more than texts" and dialect not in MORE_THAN_TEXTS:
            continue
        if name == "of a custom call" and dialect in ("ollama", "vllm"):
            continue  # which have none
        yield f"=== {dialect}, events {name}"
        try:
            yield from lines(dialect, encode_events(dialect, events))
        except ValueError as error:
            yield str(error)


def failures(dialect: str) -> Iterator[str]:
    """Each failure as a status; those that servers have inside a stream, also there."""
    type = dialect.partition("/")[0]
    wire = wire_for(dialect)
    voice = provider_type(type) if wire.encode_error is None else "openai"
    yield f"=== {dialect}, failures"
    statuses = (*IN_STREAMS, *STATUSES.get(type, OTHER_STATUSES))
    for failure in (*(Failure(status=status, message="No.") for status in statuses), OWN, *AT_GATEWAY):
        response = failed(dialect, voice, "req_1", failure)
        headers = "; ".join(f"{name}: {value}" for name, value in response.headers)
        yield f"{response.status} ({headers}) {response.body.decode()}"
        if failure.status in IN_STREAMS and failure not in AT_GATEWAY:
            said = Broken(answer=Answer(text="Hi"), after=0, failure=failure)
            pieces = streamed(dialect, said)
            yield from (f"    {line}" for line in [*lines(dialect, pieces)][-2:])


def beside(dialect: str) -> Iterator[str]:
    """What a wire answers at its own other endpoints."""
    answer = wire_for(dialect).answer_beside
    if answer is None:
        return
    yield f"=== {dialect}, beside"
    for asked, target, body in BESIDE[dialect]:
        try:
            yield json.dumps(answer(asked, target, body, ["m/1", "n"]), ensure_ascii=False)
        except Refused as refused:
            yield f"{refused.failure.status} {refused.failure.message}"


HI: JSONObject = {"role": "user", "content": [{"text": "Hi you"}]}
CONVERSE: JSONObject = {"input": {"converse": {"messages": [HI], "system": [{"text": "Be brief."}]}}}
CLAUDE: JSONObject = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hi"}],
}
ENCODED = base64.b64encode(json.dumps(CLAUDE).encode()).decode()
INVOKED: JSONObject = {"input": {"invokeModel": {"body": ENCODED}}}
BOTH: JSONObject = {"input": {**as_object(CONVERSE["input"]), **as_object(INVOKED["input"])}}
COUNTED: JSONObject = {
    "contents": [{"parts": [{"text": "Hi you"}]}],
    "systemInstruction": {"parts": [{"text": "Brief."}]},
}
EMBEDDED: JSONObject = {"content": {"parts": [{"text": "one"}, {"text": "two"}]}}
EMBEDDED_SHORT = {**EMBEDDED, "outputDimensionality": 3}
PICTURES: JSONObject = {"model": "m", "texts": ["one"], "input_type": "image", "output_dimension": 3}
BESIDE: dict[str, list[tuple[str, str, JSONObject]]] = {
    "google": [
        ("models", "/v1beta/models", {}),
        ("tokens", "/v1beta/models/m:countTokens", COUNTED),
        ("tokens", "/v1beta/models/m:countTokens", {"generateContentRequest": COUNTED}),
        ("tokens", "/v1beta/models/m:countTokens", {"contents": []}),
        ("vectors", "/v1beta/models/m:batchEmbedContents", {"requests": [EMBEDDED, EMBEDDED_SHORT]}),
    ],
    "bedrock": [
        ("models", "/foundation-models", {}),
        ("tokens", "/model/m/count-tokens", CONVERSE),
        ("tokens", "/model/m/count-tokens", INVOKED),
        ("tokens", "/model/m/count-tokens", BOTH),
        ("tokens", "/model/m/count-tokens", {}),
        ("vectors", "/model/m/embed", CONVERSE),
        ("tokens", "/model/m/count-tokens", {"input": {"invokeModel": {"body": "W10="}}}),
        ("tokens", "/model/m/count-tokens", {"input": {"invokeModel": {"body": "?"}}}),
        ("tokens", "/model/m/count-tokens", {"input": {"invokeModel": {"body": f"!{ENCODED}"}}}),
    ],
    "bedrock/invoke": [("tokens", "/model/m/count-tokens", INVOKED)],
    "cohere": [
        ("models", "/v1/models?page_size=1", {}),
        ("models", "/v1/models?page_size=1&page_token=1", {}),
        ("models", "/v1/models?page_size=1&page_token=x", {}),
        ("tokens", "/v1/tokenize", {"model": "m", "text": "one two"}),
        ("tokens", "/v1/tokenize", {"text": "one two"}),
        ("tokens", "/v1/tokenize", {"model": "m"}),
        ("vectors", "/v2/embed", {"model": "m", "texts": [], "input_type": "image"}),
        ("vectors", "/v2/embed", {"model": "m", "texts": "one", "input_type": "image"}),
        ("vectors", "/v2/embed", {"model": "m", "texts": [1], "input_type": "image"}),
        ("vectors", "/v2/embed", {"model": "m", "texts": ["one"]}),
        ("vectors", "/v2/embed", {"model": "m", "texts": ["one two"], "input_type": "clustering"}),
        ("vectors", "/v2/embed", PICTURES),
    ],
    "ollama/ollama": [
        ("models", "/api/tags", {}),
        ("vectors", "/api/embed", {"model": "m", "input": "one two"}),
        ("vectors", "/api/embed", {"input": "one two"}),
        ("vectors", "/api/embed", {"model": "m"}),
        ("vectors", "/api/embed", {"model": "m", "input": [5]}),
        ("vectors", "/api/embed", {"model": "m", "input": ["one", "two"], "dimensions": 3}),
    ],
}  # fmt: skip


def shown(family: str) -> list[str]:
    """What the golden of a family has."""
    found: list[str] = []
    for dialect in FAMILIES[family]:
        for name, answer in {"plain": PLAIN, **SHOWN[dialect]}.items():
            found += both(dialect, name, answer)
        found += failures(dialect)
        # The other servers of responses use the same code.
        for part in (words, places, cut, beside) if family != "responses" or "openai" in dialect else ():
            found += part(dialect)
    return found


def records() -> list[str]:
    """A response of any items, whole and as events."""
    items = json.loads(encode_whole("openai/responses", RESPONSES, model="m", response_id="r"))["output"]
    known = [item for item in items if all(block["type"] != "new" for block in item.get("content", ()))]
    whole = response_object(known, response_id="r", model="m", usage={"input_tokens": 1})
    cut = response_object(
        [], response_id="r", model="m", status="incomplete", incomplete_details={"reason": "x"}
    )
    found: list[str] = []
    for response in (whole, cut):
        found += [json.dumps(response), *lines("", write_events(response_events(response)))]
    return [*found, *lines("", write_events(response_events(whole, piece=100)))]


def test_records_of_responses_are_as_written_down() -> None:
    assert records() == (GOLDENS / "records.txt").read_text("utf-8").split("\n")[:-1]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wire_is_as_written_down(family: str) -> None:
    assert shown(family) == (GOLDENS / f"{family}.txt").read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    (GOLDENS / "records.txt").write_text("".join(f"{line}\n" for line in records()), "utf-8")
    for each in FAMILIES:
        (GOLDENS / f"{each}.txt").write_text("".join(f"{line}\n" for line in shown(each)), "utf-8")
