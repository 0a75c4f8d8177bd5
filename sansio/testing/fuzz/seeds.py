"""Inputs for a fuzzer to begin with, made by the fake provider's encoders."""

from __future__ import annotations

import msgspec

from sansio.content import (
    AudioPart,
    Citation,
    ImagePart,
    InvalidToolCall,
    Message,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.events import StreamComplete
from sansio.jsontext import JSON
from sansio.parser import StreamParser
from sansio.testing.eventstream import HeaderValue, encode_frame
from sansio.testing.script import PROVIDER_TYPES, Answer, Broken, Failure
from sansio.testing.wire import encode_stream, encode_whole
from sansio.testing.wires.responses_records import response_events, response_object, write_events

_ANSWERS = (
    Answer(text="Hello, world."),
    Answer(text="Grüße 🌍", reasoning="So be it.", usage=Usage(input_tokens=3, output_tokens=5)),
    Answer(tool_calls=(ToolCall("a", "f", {"x": [1, "y"]}), ToolCall("b", "g", {}))),
    Answer(tool_calls=(InvalidToolCall("a", "f", '{"x": ', "cut"),)),
)
_KINDS = (*PROVIDER_TYPES, "bedrock", "google")
"""As `targets.KINDS`."""
_STREAMS: tuple[Answer | Broken, ...] = (
    *_ANSWERS,
    Broken(answer=_ANSWERS[0], after=1, failure=Failure(status=529, message="Overloaded.")),
)
_CITED = TextPart("Cited.", (Citation("https://example.com/", "A title", "the words", 0, 6),))
_RICH: dict[str, Answer] = {
    "anthropic": Answer(
        parts=(
            ReasoningPart("", {"type": "redacted_thinking", "data": "b3BhcXVl"}),
            ServerToolPart("server_tool_use", "srvtoolu_1", "web_search", {"query": "x"}),
            ServerToolPart("web_search_tool_result", "srvtoolu_1", output=[]),
            TextPart("Cited.", (Citation(None, "A title", "x", extra={"type": "char_location"}),)),
            UnknownPart("container_upload", {"type": "container_upload", "file_id": "file_1"}),
            RefusalPart("I may not."),
        ),
        raw_finish_reason="refusal",
        extra={"container": {"id": "container_1"}},
        usage=Usage(
            output_tokens=3, reasoning_tokens=1, extra={"server_tool_use": {"web_search_requests": 1}}
        ),
    ),
    "bedrock": Answer(
        parts=(
            ReasoningPart("", {"redactedContent": "b3BhcXVl"}),
            ServerToolPart("server_tool_use", "t", "nova_grounding", {"query": "x"}),
            ServerToolPart("nova_grounding_result", "t", output=[{"text": "[HIDDEN]"}], status="success"),
            TextPart("Cited.", (Citation("https://example.com/", "A title", "the words"),)),
            ImagePart(data=b"png"),
            UnknownPart("guardContent", {"guardContent": {"text": {"text": "x"}}}),
        ),
        extra={"metrics": {"latencyMs": 7}, "trace": {"guardrail": {}}},
        usage=Usage(input_tokens=5, output_tokens=3, cached_tokens=2),
    ),
    "google": Answer(
        parts=(
            ReasoningPart("Hm.", {"thoughtSignature": "c2ln"}),
            TextPart("Cited.", (Citation("https://a.example", start=0, end=5),)),
            ServerToolPart(
                "executableCode", "x", input="1", extra={"executableCode": {"language": "PYTHON"}}
            ),
            ImagePart(data=b"png"),
            ToolCall("", "f", {"x": [1]}, extra={"functionCall": {"id": None}}),
            ServerToolPart("groundingMetadata", input=["q"], output=[{"web": {"uri": "u"}}]),
        ),
        extra={"promptFeedback": {"safetyRatings": []}, "finishMessage": "Done."},
        usage=Usage(input_tokens=5, output_tokens=3, reasoning_tokens=1),
    ),
    "openrouter": Answer(
        parts=(
            ReasoningPart("Hm.", {"type": "reasoning.text", "index": 0, "signature": "c2ln"}),
            ReasoningPart("", {"type": "reasoning.encrypted", "index": 1, "data": "b3BhcXVl"}),
            _CITED,
            ImagePart(data=b"png"),
        ),
        usage=Usage(input_tokens=1, output_tokens=2, cost=0.5),
    ),
    "openai": Answer(
        parts=(
            _CITED,
            RefusalPart("I may not."),
            AudioPart(data=b"wav", transcript="Hello.", extra={"id": "audio_1"}),
            ToolCall("call_1", "shell", {"input": "ls"}, kind="custom"),
        ),
        extra={"logprobs": {"content": [{"token": "Cited", "logprob": -0.5}]}},
    ),
}
"""Answers that only one provider can give."""
_RESPONSES = (
    response_object(
        [
            {
                "type": "reasoning",
                "id": "rs",
                "summary": [{"type": "summary_text", "text": "So be it."}],
                "content": [{"type": "reasoning_text", "text": "Hm."}],
                "encrypted_content": "b3BhcXVl",
            },
            {
                "type": "message",
                "id": "msg",
                "role": "assistant",
                "phase": "final_answer",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Grüße 🌍",
                        "annotations": [{"type": "url_citation", "url": "u", "start_index": 0}],
                    },
                    {"type": "refusal", "refusal": "I may not."},
                ],
            },
        ],
        response_id="resp",
        model="m",
        usage={"input_tokens": 3, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 1}},
    ),
    response_object(
        [
            {"type": "function_call", "id": "fc", "call_id": "a", "name": "f", "arguments": '{"x": [1]}'},
            {"type": "custom_tool_call", "id": "ctc", "call_id": "b", "name": "g", "input": "free text"},
            {"type": "shell_call", "id": "sh", "call_id": "c", "action": {"commands": ["ls"]}},
            {"type": "function_call", "id": "fc2", "call_id": "d", "name": "f", "arguments": '{"x'},
        ],
        response_id="resp",
        model="m",
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
    ),
    response_object(
        [
            {"type": "web_search_call", "id": "ws", "action": {"type": "search"}, "status": "completed"},
            {"type": "code_interpreter_call", "id": "ci", "code": "print(1)", "outputs": []},
            {"type": "mcp_call", "id": "m", "name": "f", "arguments": "{}", "output": "x"},
            {"type": "image_generation_call", "id": "ig", "result": "aWdp", "output_format": "webp"},
            {"type": "compaction", "id": "cmp", "encrypted_content": "b3BhcXVl"},
        ],
        response_id="resp",
        model="m",
    ),
)
"""Responses with items of every kind."""
_CHUNKS = tuple(
    msgspec.json.encode({"candidates": [{"content": {"parts": parts}, **more}], "responseId": "r"})
    for parts, more in (
        ([{"text": "Hm.", "thought": True}, {"text": "Grüße", "thoughtSignature": "c2ln"}], {}),
        ([{"functionCall": {"name": "f", "willContinue": True}}], {}),
        (
            [
                {
                    "functionCall": {
                        "partialArgs": [
                            {"jsonPath": "$.a[0]['b']", "stringValue": "c", "willContinue": True},
                        ],
                        "willContinue": True,
                    }
                }
            ],
            {},
        ),
        ([{"functionCall": {}}, {"functionCall": {"id": "c", "name": "g", "args": {"x": [1]}}}], {}),
        ([{"executableCode": {"code": "1"}}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}], {}),
        (
            [],
            {
                "finishReason": "STOP",
                "citationMetadata": {"citationSources": [{"uri": "u", "endIndex": 3}]},
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": "u"}}],
                    "groundingSupports": [{"segment": {"endIndex": 2}, "groundingChunkIndices": [0]}],
                },
                "logprobsResult": {"chosenCandidates": [{"token": "a"}]},
            },
        ),
    )
)
"""Chunks of Gemini with parts of every kind."""
_OWN = {"ollama-own": "ollama/ollama", "cohere": "cohere", "invoke": "bedrock/invoke"}
"""Targets that read a type's own wire."""
_SOURCES: JSON = [{"type": "document", "id": "d"}]
_OF_THEM: dict[str, tuple[Answer | Broken, ...]] = {
    "invoke": _STREAMS,
    "ollama-own": (
        *_STREAMS[:3],
        _STREAMS[-1],
        Answer(parts=(ImagePart(data=b"png"),), extra={"logprobs": {"content": [{"token": "x"}]}}),
    ),
    "cohere": (
        *_STREAMS,
        Answer(
            parts=(
                ReasoningPart("I will.", {"field": "tool_plan"}),
                TextPart("Cited.", (Citation(start=0, end=5, extra={"sources": _SOURCES}),)),
                UnknownPart("image", {"type": "image", "url": "u"}),
            ),
            usage=Usage(input_tokens=1, cached_tokens=1, extra={"billed_units": {"input_tokens": 1}}),
        ),
    ),
}
_FRAMES = (
    b"data: a\n\ndata: b\ndata: c\n\n",
    b"\xef\xbb\xbfid: 1\r\nevent: x\rretry: 10\r\n: comment\ndata\n\n",
)
_LINES = (b'{"a":1}\n{"b":2}\r\n\r\n{"done":true}', b" \n[]\r")
_HEADERS: tuple[tuple[dict[str, HeaderValue], ...], ...] = (
    ({":message-type": "event", ":event-type": "delta"}, {"a": True, "b": 1, "c": b"x"}),
    ({":message-type": "exception", ":exception-type": "throttled"}, {":message-type": "error"}),
)
_EXCHANGES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2;x=y\r\n{}\r\n0\r\nTrailer: z\r\n\r\n"
    ),
    b"HTTP/1.0 500 No\r\n\r\nbody until the end",
)
_FRAMES_OF_HTTP2 = (
    # As `targets.http2` reads them: kind, flags, exchange and length, then the payload.
    (b"\x01\x04\x01\x01\x88", b"\x00\x00\x01\x05hello", b"\x00\x01\x01\x00"),
    (b"\x01\x00\x03\x01\x88", b"\x09\x04\x03\x05\x10\x01x\x01y", b"\x00\x09\x03\x04\x01ab\x00"),
    (b"\x04\x00\x00\x06\x00\x03\x00\x00\x00\x05", b"\x06\x00\x00\x0812345678", b"\x08\x00\x00\x04\0\0\1\0"),
    (b"\x03\x00\x05\x04\x00\x00\x00\x07", b"\x07\x00\x00\x08\0\0\0\1\0\0\0\0", b"\x01\x05\x01\x01\x8d"),
)


_CUTS = (
    b"\x00",
    b"\x01\x80\x02",
    b"\x04\x20\x00\x60\x07\x00\x01\xf0\x03",
    b"\x08" + bytes(range(0, 256, 16)),
)


def seeds(target: str) -> list[bytes]:
    """Inputs for the target of that name."""
    if target == "resume":
        responses = [b"".join(write_events(response_events(response))) for response in _RESPONSES]
        return [cuts + response for cuts in _CUTS for response in responses]
    if target == "sse":
        return [b"\x03" + frame for frame in _FRAMES]
    if target == "framer-sse":
        usual = [encode_stream("openai", _ANSWERS[0]), encode_stream("anthropic", _ANSWERS[0])]
        return [b"\x07" + frame for frame in (*_FRAMES, *map(b"".join, usual))]
    if target == "ndjson":
        return [b"\x03" + lines for lines in _LINES]
    if target == "aws":
        return [b"\x09" + b"".join(encode_frame(each, b"{}") for each in headers) for headers in _HEADERS]
    if target == "http2":
        return [b"\x05" + b"".join(frames) for frames in _FRAMES_OF_HTTP2]
    if target == "responses":
        return [b"\x07" + b"".join(write_events(response_events(response))) for response in _RESPONSES]
    if target == "gemini":
        listed = b"[" + b",\n".join(_CHUNKS) + b"]"
        events = b"".join(b"data: " + each + b"\r\n\r\n" for each in _CHUNKS)
        encoded = [b"".join(encode_stream("google", answer)) for answer in _streams("google")]
        return [b"\x07" + each for each in (listed, events, events + _CHUNKS[0], *encoded)]
    if target == "exchange":
        return [b"\x05" + exchange for exchange in _EXCHANGES]
    if target in _OWN:
        return [b"\x07" + b"".join(encode_stream(_OWN[target], answer)) for answer in _OF_THEM[target]]
    kinds = [kind for kind in _KINDS if kind == target] or list(_KINDS)
    if target == "whole":
        return [
            bytes([_KINDS.index(kind), 0, 1, 0]) + encode_whole(kind, answer)
            for kind in kinds
            for answer in _answers(kind)
        ]
    if target == "port":
        return [
            bytes([number]) + msgspec.json.encode(_history(kind))
            for number in range(len(_KINDS))
            for kind in _KINDS
        ]
    streams = [
        (kind, pieces)
        for kind in kinds
        for answer in _streams(kind)
        for pieces in [encode_stream(kind, answer, include_usage=True)]
    ]
    if target == "tape":
        # Not of binary frames, which have no place for the padding.
        return [_tape(kind, b"".join(pieces)) for kind, pieces in streams if kind in PROVIDER_TYPES]
    return [b"\x07" + b"".join(pieces) for _, pieces in streams]


def _rich(kind: str) -> list[Answer]:
    return [_RICH[kind]] if kind in _RICH else []


def _streams(kind: str) -> list[Answer | Broken]:
    """Streamed answers: Google sends a call in one piece, and has no place for a truncated one."""
    return [answer for answer in (*_STREAMS, *_rich(kind)) if kind != "google" or answer is not _ANSWERS[-1]]


def _answers(kind: str) -> list[Answer]:
    """Whole answers: those with arguments as objects have no place for an invalid call."""
    cut = _ANSWERS[-1] if kind in ("anthropic", "bedrock", "google") else None
    return [answer for answer in (*_ANSWERS, *_rich(kind)) if answer is not cut]


def _history(kind: str) -> list[Message]:
    """A conversation with all answers of a provider, and with messages of the application."""
    history = [
        Message(Role.SYSTEM, "Be brief."),
        Message(Role.USER, (TextPart("Look."), ImagePart(data=b"png"))),
    ]
    for answer in _streams(kind):
        if isinstance(answer, Broken):
            continue
        parser = StreamParser(kind)
        read = parser.receive_data(b"".join(encode_stream(kind, answer)))
        last = (read + parser.receive_eof())[-1]
        assert isinstance(last, StreamComplete)
        history.append(last.message)
        history += [
            Message(Role.TOOL, "done", tool_call_id=call.id, is_error=True)
            for call in last.message.all_tool_calls
        ]
        history.append(Message(Role.USER, "Go on."))
    return history


def _tape(kind: str, body: bytes) -> bytes:
    """A lost connection, then a stream, as `targets.tape` reads them."""
    tape = bytes([_KINDS.index(kind), 1, 1, 26, 0, 0])
    for at in range(0, len(body), 200):
        piece = body[at : at + 200]
        tape += bytes([max(len(piece), 48)]) + piece.ljust(48, b"\n")
    return tape + bytes([24])
