"""What is made of answers of OpenAI's and Anthropic's families, as in `goldens/answers_read.txt`.

The streams and the whole answers are written by hand, by the reference of each API and by recorded traffic.
The file has the events of each frame, the message or the error at the end with all fields that are set, and
the message as the next request has it.
`python -m tests.sansio.families.test_answers_read` writes it anew; read what changed before you keep it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from sansio import (
    ImagePart,
    InvalidRequestError,
    Message,
    Provider,
    ProviderError,
    Role,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    StreamParser,
)
from sansio.providers import dialect_named
from tests.sansio.families.responses import frames
from tests.sansio.families.responses.frames import added, completed, created, done, event
from tests.sansio.showing import check_golden, shown, write_golden
from tests.sansio.wires import (
    DONE,
    Record,
    block,
    chunk,
    claude,
    completion,
    config,
    sse,
    started,
    stopped,
    tool_chunk,
)
from tests.support import for_each

GOLDEN = "answers_read.txt"
END: list[Any] = [chunk({}, "stop"), DONE]
PNG = "data:image/png;base64,iVBORw=="


def text(piece: str, **more: Any) -> Record:
    return chunk({"content": piece, **more})


def choice(**fields: Any) -> Record:
    """A chunk whose choice has other fields than a delta."""
    return {"id": "chat-1", "model": "m", "choices": [{"index": 0, **fields}]}


def detail(kind: str, **fields: Any) -> Record:
    return {"type": f"reasoning.{kind}", **fields}


def calls(*given: Record) -> Record:
    return chunk({"tool_calls": [*given]})


NAMED = {"id": "c1", "function": {"name": "f", "arguments": ""}}
CHAT: dict[str, tuple[str, list[Any]]] = {
    "fields of every place": ("openrouter", [
        chunk({"role": "assistant", "content": ""}, own=1, system_fingerprint="a", object="o", created=5),
        {**text("Hi", own_delta=1), "own": {"b": 2}, "service_tier": "flex", "empty": {}, "none": None},
        choice(delta={"content": "."}, own_choice=[1], stop_reason=5, logprobs=None, token_ids=[1]),
        choice(delta={"own_delta": {"c": 3}}, native_finish_reason="STOP", token_ids=[2, 3], own_choice=[2]),
        {**text("", own_delta={"d": 4}), "own": {"a": 1}, "obfuscation": "xx", "p": "x", "padding": "x"},
        *END,
    ]),
    "log probabilities": ("openai", [
        choice(delta={"content": "a"}, logprobs={"content": [{"token": "a"}], "refusal": None, "own": 1}),
        choice(delta={"content": "b"}, logprobs={"content": [{"token": "b"}], "own": 2}),
        choice(delta={"content": "c"}, logprobs=None),
        *END,
    ]),
    "log probabilities of another form": ("openai", [
        choice(delta={"content": "a"}, logprobs=5), choice(delta={"content": "b"},
            logprobs={"tokens": ["b"]}), *END,
    ]),
    "usage": ("openai", [
        text("Hi"),
        {"choices": [], "usage": {"prompt_tokens": 1}},
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "own": 1}},
        *END,
    ]),
    "reasoning that is counted apart": ("xai", [
        text("Hi"),
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5,
                                  "completion_tokens_details": {"reasoning_tokens": 3}}},
        *END,
    ]),
    "fields that change their form": ("openrouter", [
        {**text("H"), "one": {"a": 1}, "two": 5, "token_ids": [1]}, {**text("i"), "one": 5, "two": {"a": 1}},
        choice(delta={}, token_ids=[1]), choice(delta={}, token_ids=5), choice(delta={}, token_ids=[2]),
        choice(delta={}, logprobs={"content": [1], "own": 2}), choice(delta={}, logprobs={"content": 5,
            "own": [3]}),
        *END,
    ]),
    "usage of Groq": ("groq", [
        {**text("Hi"), "x_groq": {"id": "req_1"}},
        {"choices": [], "x_groq": {"id": "req_1", "usage": {"prompt_tokens": 9}}},
        *END,
    ]),
    "usage of Groq, twice": ("groq", [
        text("Hi"), {"choices": [], "usage": {"prompt_tokens": 9},
            "x_groq": {"usage": {"prompt_tokens": 8}}}, *END,
    ]),
    "usage of other forms": ("openai", [{**text("Hi"), "usage": 5, "x_groq": "a"}, *END]),
    "the second choice": ("openai", [
        text("Hi"), {"choices": [{"index": 1, "delta": {"content": "Ho"}, "finish_reason": "length"}]}, *END,
    ]),
    "choices without an index": ("openai", [{"choices": [{"delta": {"content": "Hi"}}]}, *END]),
    "an answer beside its deltas": ("perplexity", [
        choice(delta={"content": "Hi"}, message={"content": "Hi"}), choice(message={"content": "!"}), *END,
    ]),
    "calls": ("openai", [
        tool_chunk("", id="c1", name="f"), tool_chunk('{"a"'),
        calls({"index": 1, "id": "c2", "type": "function", "own": 1, "function": {"name": "g", "own": 2}}),
        tool_chunk(":1", index=0), tool_chunk("}", index=0), tool_chunk("", index=0), tool_chunk("{}",
            index=1),
        chunk({}, "tool_calls"), DONE,
    ]),
    "pieces of the first call after the second began": ("openai", [
        tool_chunk("", id="c1", name="f"), tool_chunk("", index=1, id="c2", name="g"),
        *(tool_chunk(piece, index=0) for piece in ('{"a"', ":", "1", "}")),
        *(tool_chunk(piece, index=1) for piece in ("{", " ", "}")),
        chunk({}, "tool_calls"), DONE,
    ]),
    "calls of other forms": ("openai", [
        calls({"index": 0, "id": "c1", "type": "custom", "own": None, "custom": {"name": "sql", "own": 3}}),
        calls({"index": 0, "custom": {"input": "select"}}), calls({"index": 0, "custom": {"input": " 1"}}),
        calls({"index": 1, "id": "c2", "function": {"name": "f", "arguments": {"a": 1}}}),
        calls({"id": "c3", "function": {"name": "g", "arguments": "{}"}}),
        calls({"index": 3, "id": "c4", "function": {"name": "h"}, "extra_content": {"google": {"s": "x"}}}),
        chunk({}, "tool_calls"), DONE,
    ]),
    "calls without an index": ("openai", [
        calls({"id": "c1", "function": {"name": "f"}}), calls({"id": "c2", "function": {"name": "g"}}),
        calls({"id": "c1", "function": {"arguments": "{}"}}), calls({"id": "c2",
            "function": {"arguments": " "}}),
        chunk({}, "tool_calls"), DONE,
    ]),
    "a call whose further fields arrive later": ("gemini-openai", [
        tool_chunk("", id="c1", name="f"), tool_chunk("{"),
        calls({"index": 0, "function": {"arguments": "}"},
            "extra_content": {"google": {"thought_signature": "s"}}}),
        chunk({}, "tool_calls"), DONE,
    ]),
    "a call of the old form": ("openai", [
        chunk({"function_call": {"name": "f", "arguments": "", "own": 1}}),
        chunk({"function_call": {"arguments": '{"a":1}'}}), chunk({"function_call": {"name": ""}}),
        chunk({}, "function_call"), DONE,
    ]),
    "a call of both forms": ("openai", [
        chunk({"tool_calls": [{"index": 0, **NAMED}], "function_call": {"name": "f"}}),
        tool_chunk("{}"), chunk({}, "tool_calls"), DONE,
    ]),
    "a blank finish reason": ("xai", [tool_chunk("{}", id="c1", name="f"), chunk({}, ""), DONE]),
    "reasoning in two fields that agree": ("openrouter", [
        chunk({"reasoning": "Hm", "reasoning_content": "Hm"}), chunk({"reasoning": ".",
            "reasoning_content": "."}),
        text("Hi"), *END,
    ]),
    "reasoning in two fields that differ": ("openrouter", [
        chunk({"reasoning": "Hm", "reasoning_content": "Short"}),
        chunk({"reasoning": ".", "reasoning_content": "er."}), chunk({"reasoning": 5,
            "reasoning_content": ""}), *END,
    ]),
    "reasoning in pieces of one form": ("vllm", [
        *(chunk({"reasoning_content": piece}) for piece in ("H", "m", ".", " ")),
        *(chunk({"reasoning": piece}) for piece in ("S", "o", ".")), *(text(piece) for piece in "abc"), *END,
    ]),
    "reasoning details": ("openrouter", [
        chunk({"reasoning": "H", "reasoning_details": [detail("text", text="H", index=0, id=None)]}),
        chunk({"reasoning": "m", "reasoning_details": [detail("text", text="m", index=0, signature="s")]}),
        chunk({"reasoning_details": [detail("summary", summary="In", index=1, id="r1", format="f")]}),
        chunk({"reasoning_details": [detail("summary", summary=" short", index=1, id="r1", format=None)]}),
        chunk({"reasoning_details": [detail("summary", summary="Next", index=1, id="r2"),
                                     detail("encrypted", data="AA", index=2)]}),
        chunk({"reasoning_details": [detail("encrypted", data="BB", index=2), detail("own", text="x")]}),
        text("Hi"), *END,
    ]),
    "reasoning details that differ from the reasoning": ("openrouter", [
        chunk({"reasoning": "Hm.", "reasoning_details": [detail("text", text="Other", index=0), {}, 5]}),
        *END,
    ]),
    "reasoning details in pieces that differ from the reasoning": ("openrouter", [
        chunk({"reasoning": "Hm", "reasoning_details": [detail("summary", summary="Ot", index=0, own=None)]}),
        chunk({"reasoning": ".", "reasoning_details": [detail("summary", summary="her", index=0, own=1)]}),
        chunk({"reasoning_details": [detail("own", text="a", summary="b", data="c", more="d", index=1)]}),
        chunk({"reasoning_details": [detail("own", text="e", summary="f", data="g", more="h", index=1)]}),
        chunk({"reasoning_details": [detail("own", text=None, summary=5, data="i", index=1)]}),
                *END,
    ]),
    "MiniMax's errors": ("minimax", [
        {**text("Hi"), "base_resp": {"status_code": 0, "status_msg": ""}},
        {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
    ]),
    "an error of MiniMax in OpenAI's form": ("minimax", [
        {"error": {"type": "own", "message": "No."}, "base_resp": {"status_code": 1002,
            "status_msg": "rate limit"}},
    ]),
    "base_resp of other forms": ("minimax", [{"base_resp": 5}, {"base_resp": {}}, text("Hi"), *END]),
    "base_resp elsewhere": ("openai", [{"base_resp": {"status_code": 1002}}, text("Hi"), *END]),
    "an error with a detail": ("openrouter", [
        {"error": {"code": 400, "message": "No.", "metadata": {"raw": "Why."}}},
    ]),
    "reasoning details of another form": ("openrouter", [chunk({"reasoning_details": "x", "content": "Hi"}),
        *END]),
    "content as a list": ("mistral", [
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "own": 1}]}),
        chunk({"content": [{"type": "thinking", "thinking": ".", "closed": True}]}),
        chunk({"content": [{"type": "text", "text": "Hi", "own": 2}, {"text": "."}, {"type": "own",
            "a": 1}]}),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "image"}]}, {"type": "text",
            "text": 5}]}),
        *END,
    ]),
    "thinking of other forms": ("mistral", [
        *(chunk({"content": [{"type": "thinking", "thinking": inner}]})
          for inner in ([{"type": "own", "text": "x"}], [{"type": "text", "text": 5}], [5], 5, [])), *END,
    ]),
    "content as an object": ("compatible", [chunk({"content": {"a": 1}}), *END]),
    "a refusal": ("openai", [chunk({"refusal": "No"}), chunk({"refusal": "."}), *END]),
    "annotations, images and sound": ("openrouter", [
        text("Hi."),
        chunk({"annotations": [{"type": "url_citation", "own": 0, "url_citation": {
            "url": "https://e/", "title": "E", "content": "q", "start_index": 0, "end_index": 2,
            "own": 1}}]}),
        chunk({"annotations": [{"type": "file", "file": {"hash": "h"}}, {"url": "u", "start_index": 1.5}]}),
        chunk({"images": [{"type": "image_url", "image_url": {"url": PNG, "detail": "low"}, "index": 0}]}),
        chunk({"images": [{"type": "image_url", "image_url": "https://e/i"}, {"type": "own"}]}),
        chunk({"audio": {"id": "a1", "data": "UklG", "transcript": "Hi"}}),
        chunk({"audio": {"data": "Rg==", "transcript": ".", "expires_at": 5, "none": None}}), *END,
    ]),
    "lists of other forms": ("openrouter", [
        text("Hi", annotations="a", images=[5], audio="s"), *END,
    ]),
    "sound that cannot be decoded": ("openai", [chunk({"audio": {"data": "%"}}), *END]),
    "sound that says nothing": ("openai", [text("Hi", audio={"id": "", "data": "", "transcript": ""}), *END]),
    "an error inside a choice": ("openrouter", [
        text("Hi"), choice(delta={}, finish_reason="stop", error={"code": 502, "message": "Lost it."}),
    ]),
    "a finish reason that is an error": ("openrouter", [text("Hi"), chunk({}, "error")]),
    "an error with its usage": ("openrouter", [
        text("Hi"), {"error": {"code": 429, "message": "Slow."}, "usage": {"prompt_tokens": 9}},
    ]),
    "an error by the name of its event": ("openai", [text("Hi"),
        b'event: error\ndata: {"message":"No."}\n\n']),
    "an error in OpenAI's form in an event of that name": ("openai", [
        b'event: error\ndata: {"error":{"message":"No.","code":429},"message":"Other."}\n\n',
    ]),
    "an error in an event of that name": ("openai", [b'event: error\ndata: {"a":1}\n\n']),
    "no choice": ("openai", [{"choices": [], "usage": {"prompt_tokens": 9}}, DONE]),
    "an end without a finish reason": ("openai", [text("Hi"), DONE]),
    "a stream that was cut": ("openai", [text("Hi"), tool_chunk('{"a"', id="c1", name="f")]),
    "padding": ("openai", [
        *(chunk({"content": piece}, obfuscation=pad) for piece, pad in (("a", "x"), ("b", "yy"), ("c", ""))),
        *END,
    ]),
}  # fmt: skip

THINKING = {"type": "thinking", "thinking": "", "signature": ""}
TOOL_USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
SERVER = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}


def input_json(piece: str, **more: Any) -> Record:
    return {"type": "input_json_delta", "partial_json": piece, **more}


def said(piece: str, **more: Any) -> Record:
    return {"type": "text_delta", "text": piece, **more}


def delta(index: int, given: Any) -> Record:
    return {"type": "content_block_delta", "index": index, "delta": given}


MESSAGES: dict[str, list[Any]] = {
    "fields of every place": [
        {**started(container={"id": "k"}, own_message=1, none=None), "own_start": 1},
        *block(0, {"type": "text", "text": "H", "own": 1}, said("i"), said(".", own_delta=2), said("")),
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""},
            "own_block": 1},
        {**delta(1, said("!")), "own_event": 1},
        {"type": "content_block_stop", "index": 1, "own_stop": 1},
        {"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "own": 5},
         "usage": {"output_tokens": 20, "own": 3, "empty": {}, "none": None}, "own_end": 1},
        {"type": "message_stop", "own_last": 1},
    ],
    "citations": [
        started(),
        *block(
            0, {"type": "text", "text": "", "citations": [{"type": "char_location", "document_title": "D"}]},
            said("So."),
            {"type": "citations_delta", "own": 1, "citation": {
                "type": "web_search_result_location", "url": "https://e/", "title": "E", "cited_text": "So",
                "encrypted_index": "x"}},
            {"type": "citations_delta", "citation": None},
        ),
        *block(1, {"type": "text", "text": "b", "citations": None}),
        *stopped(),
    ],
    "thinking": [
        started(),
        *block(0, THINKING, {"type": "thinking_delta", "thinking": "H"},
               {"type": "thinking_delta", "thinking": "m", "own": 1}, {"type": "thinking_delta",
                   "thinking": ""},
               {"type": "signature_delta", "signature": "c2"}, {"type": "signature_delta",
                   "signature": "ln"}),
        *block(1, {"type": "redacted_thinking", "data": "AA"}),
        *block(2, {**THINKING, "thinking": "All"}), *stopped(),
    ],
    "calls": [
        started(),
        *block(0, {**TOOL_USE, "caller": {"type": "direct"}}, input_json(""), input_json('{"a"'),
               input_json(":1}", own=1)),
        *block(1, {**TOOL_USE, "id": "t2", "input": {"b": 2}}),
        *block(2, {**TOOL_USE, "id": "t3"}, input_json('{"cut')),
        *stopped("tool_use"),
    ],
    "tools of the provider": [
        started(),
        *block(0, {**SERVER, "own": 1}, input_json('{"query"'), input_json(':"a"}', own=2)),
        *block(1, {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"url": "u"}],
            "own": 1}),
        *block(2, {**SERVER, "id": "s2"}, input_json("{cut")),
        *block(3, {**SERVER, "id": "s3", "input": {"query": "b"}}, input_json(" ")),
        *block(4, {"type": "mcp_tool_use", "id": "m1", "name": "g", "server_name": "s", "input": {}}),
        *block(5, {"type": "mcp_tool_result", "tool_use_id": 5, "content": []}),
        *stopped(),
    ],
    "blocks that are not known": [
        started(),
        *block(0, {"type": "compaction", "content": "a"}, {"type": "compaction_delta", "content": "b"},
               {"type": "compaction_delta", "content": "c", "more": 5, "none": None}),
        *block(1, {"type": "own", "list": [1]}), *block(2, {"own": 1}), *stopped("compaction"),
    ],
    "another model": [
        started(),
        *block(0, {"type": "fallback", "to": {"model": "other"}}), *block(1, {"type": "fallback", "to": 5}),
        *block(2, {"type": "text", "text": "Hi"}), *stopped(),
    ],
    "a refusal": [
        started(),
        {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {
            "type": "refusal", "category": "own", "explanation": "No."}}, "usage": {"output_tokens": 1}},
        {"type": "message_delta", "delta": {"stop_details": {"explanation": "No.", "type": "refusal"}}},
        {"type": "message_stop"},
    ],
    "usage": [
        started(usage={"input_tokens": 7, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 3,
                       "output_tokens": 1}),
        *block(0, {"type": "text", "text": "Hi"}),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {
            "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 8, "own": 1},
            "server_tool_use": {"web_search_requests": 1}, "input_tokens": None}},
        {"type": "message_stop"},
    ],
    "blocks without a beginning": [
        started(), delta(0, said("Hi")), delta(1, {"type": "thinking_delta", "thinking": "Hm"}),
        delta(2, input_json("{}")), delta(3, {"type": "signature_delta", "signature": "x"}),
        {"type": "content_block_stop", "index": 4}, *stopped(),
    ],
    "deltas after a block's end": [
        started(), *block(0, {"type": "text", "text": "a"}), delta(0, said("b")), *block(1, SERVER),
        delta(1, input_json("{}")), *block(2, THINKING), delta(2, {"type": "thinking_delta",
            "thinking": "c"}),
        delta(2, {"type": "signature_delta", "signature": "x"}), *stopped(),
    ],
    "events that say nothing": [
        {"type": "ping"}, {"type": "own_event", "a": 1}, {}, {"type": "message_start"}, started(),
        {"type": "content_block_start", "index": 0}, {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "own_delta", "a": "b"}},
        {"type": "message_delta", "delta": 5}, *block(0, {"type": "text", "text": "Hi"}), *stopped(None),
    ],
    "a start that is repeated": [
        started(content=[{"type": "text", "text": "a"}]), started(content=[{"type": "text", "text": "a"}]),
        *stopped(),
    ],
    "a second answer": [started(), started(id="msg_2")],
    "no numbers": [
        started(), {"type": "content_block_start", "content_block": {"type": "text", "text": "a"}},
        {"type": "content_block_delta", "delta": said("b")}, {"type": "content_block_stop"}, *stopped(),
    ],
    "an error": [started(), *block(0, {"type": "text", "text": "Hi"}), {
        "type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_1"}],
    "an error without its type": [started(), {"error": {"message": "No."}}],
    "an error by its type alone": [{"type": "rate_limit_error", "message": "Slow."}],
    "an error by the name of its event": [b'event: error\ndata: {"message":"No."}\n\n'],
    "an error with details": [{"type": "error", "error": {
        "type": "invalid_request_error", "message": "No.", "details": {"error_code": "spend_limit"}}}],
    "a block that is not an object": [
        started(), {"type": "content_block_start", "index": 0, "content_block": 5}],
    "a delta that is not an object": [started(), {"type": "content_block_delta", "index": 0, "delta": 5}],
    "a position that is not a number": [started(), {"type": "content_block_stop", "index": "0"}],
    "usage that is not an object": [started(), {"type": "message_delta", "delta": {}, "usage": 5}],
    "a stream that was cut": [
        started(), *block(0, {"type": "text", "text": "Hi"}),
        {"type": "content_block_start", "index": 1, "content_block": SERVER}, delta(1, input_json('{"q')),
        {"type": "content_block_start", "index": 2, "content_block": TOOL_USE}, delta(2, input_json('{"a"')),
    ],
}  # fmt: skip

KEPT = {"id": "resp_1", "status": "in_progress", "model": "m"}
ANNOTATION = {
    "type": "url_citation",
    "url": "https://e/",
    "title": "E",
    "start_index": 0,
    "end_index": 2,
    "own": 1,
}
PLACE = {"content_index": 0}


def words(name: str, piece: str, at: int = 0, **more: Any) -> Record:
    return event(f"{name}.delta", at, delta=piece, **more)


RESPONSES: dict[str, list[Any]] = {
    "a message": [
        created(service_tier="flex", own={"a": 1}, empty=[], tools=[{"type": "function"}],
            reasoning={"effort": None}),
        {"type": "response.in_progress", "response": KEPT},
        added({"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress",
            "content": []}),
        event("content_part.added", content_index=0, part={"type": "output_text", "text": ""}),
        words("output_text", "H", content_index=0, logprobs=[]), words("output_text", "", content_index=0),
        words("output_text", "i", content_index=0, logprobs=[{"token": "i"}], obfuscation="xx"),
        words("output_text", ".", content_index=0, logprobs=[{"token": "."}]),
        event("output_text.annotation.added", content_index=0, annotation=ANNOTATION),
        event("output_text.done", content_index=0, text="Hi."),
        event("content_part.done", content_index=5, part={"type": "output_text", "text": "Ho"}),
        words("refusal", "N", content_index=1), words("refusal", "o", content_index=1),
        done({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "final",
            "content": [
            {"type": "output_text", "text": "Hi.", "annotations": [ANNOTATION, {"type": "file_citation",
             "filename": "a.txt", "file_id": "f"}], "logprobs": None, "own": 1},
            {"type": "refusal", "refusal": "No", "own": 2}, {"type": "own", "x": 1}]}),
        {**completed(usage={"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}), "own_event": 1},
    ],
    "beginnings": [
        {"type": "response.queued", "response": {"id": "resp_1", "model": "m", "own": 1}},
        {"type": "response.in_progress", "response": {"id": "resp_2", "model": "n", "more": 2}},
        {"type": "response.in_progress", "response": None},
        {"object": "response"},
        {"type": "response.own", "response": {"id": "resp_3"}},
        {"type": "keepalive", "sequence_number": 5},
    ],
    "reasoning": [
        created(),
        added({"type": "reasoning", "id": "rs_1", "summary": []}),
        event("reasoning_summary_part.added", summary_index=0, part={"type": "summary_text", "text": ""}),
        words("reasoning_summary_text", "H", summary_index=0), words("reasoning_summary_text", "m",
            summary_index=0),
        words("reasoning_summary_text", "So", summary_index=1), words("reasoning_summary_text", "",
            summary_index=1),
        words("reasoning_text", "R", content_index=0), words("reasoning_text", "aw", content_index=0),
        words("reasoning_text", "", content_index=0),
        done({"type": "reasoning", "id": "rs_1", "encrypted_content": "A", "own": 1, "summary": [
            {"type": "summary_text", "text": "Hm"}, {"type": "summary_text", "text": "So.", "own": 2}],
            "content": [{"type": "reasoning_text", "text": "Raw"}]}),
        added({"type": "reasoning", "id": "rs_2", "summary": []}, 1),
        done({"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "B"}, 1),
        done(frames.message("Hi"), 2),
        completed(
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "C"},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "D"},
        ),
    ],
    "calls": [
        created(),
        added(frames.call(id="fc_1", status="in_progress")),
        words("function_call_arguments", '{"a"'), words("function_call_arguments", ""),
        added({"type": "custom_tool_call", "id": "ctc", "call_id": "c2", "name": "sql", "input": ""}, 1),
        words("custom_tool_call_input", "select", 1), words("custom_tool_call_input", " 1", 1),
        words("function_call_arguments", ":1}"),
        event("function_call_arguments.done", arguments='{"a":1}'),
        event("custom_tool_call_input.done", 1, input="select 1"),
        done(frames.call('{"a":1}', id="fc_1", status="completed", namespace="n")),
        done({"type": "custom_tool_call", "id": "ctc", "call_id": "c2", "name": "sql", "input": "select 1"},
            1),
        completed(),
    ],
    "calls that arrive whole": [
        created(),
        added(frames.call()), event("function_call_arguments.done", arguments='{"a":1}'),
        event("custom_tool_call_input.done", 1, input="x"),
        done({"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "x"}, 1),
        done({**frames.call("", "c3"), "arguments": {"b": 2}}, 2),
        completed(),
    ],
    "built-in tools": [
        created(),
        added({"type": "shell_call", "call_id": "s1", "status": "in_progress"}),
        done({"type": "shell_call", "call_id": "s1", "action": {"commands": ["ls"]}, "status": "completed"}),
        done({"type": "local_shell_call", "call_id": "l1", "action": {"type": "exec"}, "id": "lsh"}, 1),
        done({"type": "apply_patch_call", "call_id": "p1", "operation": {"type": "x"}}, 2),
        done({"type": "computer_call", "call_id": "k1", "action": {"type": "wait"},
            "pending_safety_checks": []}, 3),
        done({"type": "computer_call", "call_id": "k2", "actions": [{"type": "wait"}]}, 4),
        completed(),
    ],
    "tools of the provider": [
        created(),
        added({"type": "web_search_call", "id": "ws_1", "status": "in_progress"}),
        event("web_search_call.searching", item_id="ws_1"),
        done({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "a"},
            "own": 1}),
        done({"type": "web_search_call", "id": "ws_2", "arguments": '{"q":1}'}, 1),
        done({"type": "web_search_call", "id": "ws_3", "action": "text"}, 2),
        added({"type": "mcp_call", "id": "m", "name": "g", "server_label": "s", "arguments": ""}, 3),
        words("mcp_call_arguments", '{"a"', 3), words("mcp_call_arguments", ":1}", 3),
        event("mcp_call_arguments.done", 3, arguments='{"a":1}'),
        done({"type": "mcp_call", "id": "m", "name": "g", "arguments": '{"a":1}', "output": "o",
            "error": None}, 3),
        added({"type": "code_interpreter_call", "id": "ci", "code": ""}, 4),
        words("code_interpreter_call_code", "1+", 4), words("code_interpreter_call_code", "1", 4),
        done({"type": "code_interpreter_call", "id": "ci", "code": "1+1", "outputs": None,
            "container_id": "k"}, 4),
        done({"type": "file_search_call", "id": "fs", "queries": ["a"], "results": [],
            "status": "completed"}, 5),
        done({"type": "image_generation_call", "id": "ig", "result": "iVBORw==", "output_format": "webp"}, 6),
        done({"type": "image_generation_call", "id": "ig2", "result": "iVBORw==", "output_format": "svg"}, 7),
        done({"type": "image_generation_call", "id": "ig3", "result": "iVBORw=="}, 8),
        done({"type": "image_generation_call", "id": "ig4", "result": None, "revised_prompt": "p"}, 9),
        done({"type": "mcp_list_tools", "id": "ml", "server_label": "s", "tools": [{"name": "g"}]}, 10),
        done({"type": "mcp_approval_request", "id": "ma", "name": "g", "arguments": "{}",
            "server_label": "s"}, 11),
        done({"type": "mcp_approval_response", "approval_request_id": "ma", "approve": True, "id": "mr"}, 12),
        done({"type": "tool_search_call", "call_id": "ts", "arguments": {"a": 1}, "execution": "server"}, 13),
        done({"type": "tool_search_output", "call_id": "ts", "tools": [], "status": "completed"}, 14),
        done({"type": "program", "call_id": "pr", "code": "x", "fingerprint": "f"}, 15),
        done({"type": "program_output", "call_id": "pr", "result": "y", "status": "completed"}, 16),
        done({"type": "shell_call", "call_id": "sh", "action": {},
            "environment": {"type": "container_reference"}}, 17),
        done({"type": "shell_call_output", "call_id": "sh", "output": [], "max_output_length": 5}, 18),
        done({"type": "x_search_call", "id": "xs", "arguments": "{}", "name": "x", "status": "completed"},
            19),
        done({"type": "compaction", "id": "cmp", "encrypted_content": "A"}, 20),
        completed({"type": "compaction", "id": "cmp", "encrypted_content": "B"}),
    ],
    "texts that arrive whole": [
        created(),
        event("output_text.done", content_index=0, text="Hi"), event("refusal.done", content_index=1,
            refusal="No"),
        event("reasoning_summary_text.done", 1, summary_index=0, text="Hm"),
        event("reasoning_text.done", 1, content_index=0, text="Raw"), completed(),
    ],
    "a list at the end alone": [
        created(),
        completed(frames.reasoning("Hm"), frames.message("Hi"), frames.call("{}")),
    ],
    "a list at the end with one item more": [
        created(), done(frames.message("Hi")),
        completed(frames.message("Hi"), frames.call("{}")),
    ],
    "a list at the end in another order": [
        created(), done(frames.message("Hi"), 3),
        completed(frames.call("{}", id="fc_9"), frames.message("Hi")),
    ],
    "a list at the end with equal items": [created(), completed(frames.message("Hi", id=None),
        frames.message("Hi", id=None))],
    "a list at the end that begins with an item more": [
        created(), added(frames.message()), words("output_text", "Hi", content_index=0),
        completed(frames.message("New", id="msg_2"), frames.message("Hi.")),
    ],
    "a list at the end with fewer items": [
        created(), done(frames.message("Hi")), done(frames.call("{}"), 1), completed(frames.message("Hi")),
    ],
    "events that are repeated": [
        created(), created(), added(frames.message(status="in_progress")),
        added(frames.message(status="in_progress")),
        words("output_text", "Hi", content_index=0), done(frames.message("Hi")), done(frames.message("Hi")),
        words("output_text", "!", content_index=0), completed(),
    ],
    "a text that the finished item contradicts": [
        created(), added(frames.message()), words("output_text", "Hi", content_index=0),
        done(frames.message("Ho!")),
        completed(),
    ],
    "places that are counted from one": [
        created(), added(frames.message()), words("output_text", "Hi", content_index=1),
        done(frames.message("Hi.")),
        completed(),
    ],
    "an answer that was cut": [
        created(), added(frames.message()), words("output_text", "Hi", content_index=0),
        {"type": "response.incomplete", "response": frames.response(
            status="incomplete", incomplete_details={"reason": "max_output_tokens", "own": 1})},
    ],
    "an answer that was cancelled": [
        created(), {"type": "response.incomplete", "response": frames.response(status="cancelled")},
    ],
    "a status that is not said": [created(), {"type": "response.completed", "response": {"id": "resp_1"}}],
    "usage": [
        created(),
        completed(usage={
            "input_tokens": 9, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3,
                "own": 1},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 7}, "total_tokens": 16,
            "cost": 0.5,
            "own": 1, "none": None}),
    ],
    "usage of xAI": [created(), completed(usage={"input_tokens": 9, "cost_in_usd_ticks": 25_000_000,
        "total_tokens": 5})],
    "a failure": [created(), added(frames.message()), words("output_text", "Hi"), {
        "type": "response.failed", "response": frames.response(
            status="failed", error={"code": "rate_limit_exceeded", "message": "Slow."},
            usage={"input_tokens": 9})}],
    "a failure without an error": [created(), {"type": "response.failed",
        "response": frames.response(error=None)}],
    "an error": [created(), {"type": "error", "code": "server_error", "message": "No.", "param": "p",
                             "sequence_number": 1}],
    "an error inside an error": [
        {"type": "error", "status": 429, "error": {"type": "own", "message": "Slow."}, "sequence_number": 1}
    ],
    "an error as text": [{"error": "No.", "code": 5, "param": "p"}],
    "an error that is flat": [{"message": "No.", "object": "error", "code": 503}],
    "a delta that is not text": [created(), event("output_text.delta", content_index=0, delta=5)],
    "a position that is not a number": [created(), {"type": "response.output_item.added", "output_index": "0",
        "item": {}}],
    "an item that is not an object": [
        created(), {"type": "response.output_item.added", "output_index": 0, "item": 5}],
    "a call whose name is not text": [created(), added({**frames.call(), "name": 5})],
    "content that is not a list": [created(), done({**frames.message(), "content": 5})],
    "a block that is not an object": [created(), done({**frames.message(), "content": [5]})],
    "a text that is not text": [created(), done({**frames.message(), "content": [{"type": "output_text",
        "text": 5}]})],
    "a stream that was cut": [
        created(), added(frames.reasoning(status="in_progress")), words("reasoning_summary_text", "Hm",
            summary_index=0),
        added(frames.message(), 1), words("output_text", "Hi", 1, content_index=0), added(frames.call(), 2),
        words("function_call_arguments", '{"a"', 2), added({"type": "mcp_call", "id": "m", "arguments": ""},
            3),
        words("mcp_call_arguments", '{"b"', 3),
    ],
}  # fmt: skip

WHOLE: list[tuple[str, str, Record]] = [
    ("a completion", "openrouter", {
        **completion({"content": "Hi", "reasoning": "Hm", "own_message": 1, "refusal": "No",
                      "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f",
                          "arguments": "{}"}}]},
                     "tool_calls", own=1, system_fingerprint="a"),
        "usage": {"prompt_tokens": 9, "completion_tokens": 5},
    }),
    ("a completion without a choice", "openai", {"id": "a", "choices": []}),
    ("a completion beside an empty delta", "perplexity", {
        "choices": [{"index": 0, "message": {"content": "Hi"}, "delta": {"content": ""},
            "finish_reason": "stop"}]}),
    ("a message", "anthropic", {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "own": 1,
        "container": {"id": "k"},
        "content": [
            {**THINKING, "thinking": "Hm", "signature": "s"}, {"type": "text", "text": "Hi"}, SERVER,
            {**TOOL_USE, "input": {"a": 1}}, {**TOOL_USE, "id": None, "name": None}],
        "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 3}}),
    ("a message without content", "anthropic", {"id": "msg_1"}),
    ("a response", "openai/responses", frames.response(
        frames.reasoning("Hm", encrypted_content="A"), frames.message("Hi"), frames.call('{"a":1}'),
        usage={"input_tokens": 9, "output_tokens": 5}, own=1, instructions="a", completed_at=5)),
    ("a response that failed", "openai/responses", frames.response(
        status="failed", error={"code": "server_error", "message": "No."})),
    ("a response without a status", "openai/responses", {"output": []}),
    ("a response without output", "openai/responses", {"id": "a"}),
]  # fmt: skip


def back(kind: str, message: Message) -> str:
    """An answer as the next request has it, and what is left out of it."""
    screen = [ImagePart(url="https://e/screen")]
    results = [
        Message(Role.TOOL, screen if call.kind == "computer" else "18", call.id)
        for call in message.tool_calls
    ]
    asked = Message(Role.USER, "Hi")
    try:
        prepared = Provider(config(kind)).prepare([asked, message, *results, asked])
    except InvalidRequestError as error:
        return shown(error)
    listed = prepared.body.get("messages") or prepared.body["input"]
    assert isinstance(listed, list)
    given = listed[1:-1]
    left = [msgspec.structs.replace(each, why="") for each in prepared.left_out]
    return shown(given) + (f", without {shown(left)}" if left else "")


def streamed(kind: str, pieces: list[bytes]) -> Iterator[str]:
    """The events of each piece of a stream, and of its end."""
    parser = StreamParser(kind)
    given = [*(parser.receive_data(piece) for piece in pieces), parser.receive_eof()]
    for events in given:
        for each in events:
            match each:
                case StreamComplete(message=message):
                    yield f"complete {shown(message)}"
                    yield f"goes back as {back(kind, message)}"
                case StreamFailed(error=error):
                    yield f"failed {shown(error)}, partial {shown(error.partial)}"
                case _:
                    yield shown(each)


def lines() -> Iterator[str]:
    for name, (kind, records) in CHAT.items():
        yield f"=== {kind}: {name}"
        yield from streamed(kind, [each if isinstance(each, bytes) else sse(each) for each in records])
    for name, records in MESSAGES.items():
        yield f"=== anthropic: {name}"
        pieces = [
            each if isinstance(each, bytes) else claude(each) if "type" in each else sse(each)
            for each in records
        ]
        yield from streamed("anthropic", pieces)
    for name, records in RESPONSES.items():
        yield f"=== openai/responses: {name}"
        yield from streamed("openai/responses", [sse(record) for record in records])
    for name, kind, body in WHOLE:
        yield f"=== {kind}, whole: {name}"
        try:
            yield shown(dialect_named(kind).parse_response(body))
        except ProviderError as error:
            yield shown(error)


def folded(kind: str, records: list[Any], *, fold: bool) -> tuple[list[StreamEvent], Message]:
    """The events of a stream and what it said, with the pieces joined after each event or not at all."""
    reader = dialect_named(kind).open_stream()
    events: list[StreamEvent] = []
    with suppress(ProviderError):
        for record in records:
            data = record if isinstance(record, bytes) else json.dumps(record).encode()
            reader.receive(data.removeprefix(b"data: ").strip(), events)
            if fold:
                reader.fold()
    return events, reader.partial()


STREAMS = [
    *CHAT.values(),
    *(("anthropic", records) for records in MESSAGES.values()),
    *(("openai/responses", records) for records in RESPONSES.values()),
]


@for_each(STREAMS)
def test_joining_the_pieces_now_and_then_changes_nothing(case: tuple[str, list[Any]]) -> None:
    kind, records = case
    assert folded(kind, records, fold=True) == folded(kind, records, fold=False)


USUAL: dict[str, list[Any]] = {
    "openai": [
        *(text(piece) for piece in "abc"), *(chunk({"reasoning_content": piece}) for piece in "abc"),
        tool_chunk("", id="c1", name="f"), *(tool_chunk(piece) for piece in "{ }"), *END,
    ],
    "anthropic": [
        started(), *block(0, THINKING, *({"type": "thinking_delta", "thinking": piece} for piece in "abc")),
        *block(1, {"type": "text", "text": ""}, *map(said, "abc")), *block(2, TOOL_USE, *map(input_json,
            "{ }")),
        *stopped(),
    ],
    "openai/responses": [
        created(), added(frames.message(), 0), *(words("output_text", piece,
            content_index=0) for piece in "abc"),
        added(frames.reasoning(), 1), *(words("reasoning_summary_text", piece, 1,
            summary_index=0) for piece in "abc"),
        *(words("reasoning_text", piece, 1, content_index=0) for piece in "abc"), added(frames.call(), 2),
        *(words("function_call_arguments", piece, 2) for piece in "{ }"), completed(),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", USUAL)
def test_each_event_of_a_usual_stream_is_a_step_of_progress(kind: str) -> None:
    reader = dialect_named(kind).open_stream()
    for step, record in enumerate(USUAL[kind], 1):
        data = b"[DONE]" if record == DONE else json.dumps(record).encode()
        over = reader.receive(data, [])
        assert (reader.progress, over) == (step, step == len(USUAL[kind]))
        assert reader.receive(b" ", []) is False
    assert reader.progress == len(USUAL[kind])


def test_answers_are_read_as_they_are_written_down() -> None:
    check_golden(GOLDEN, lines())


if __name__ == "__main__":
    write_golden(GOLDEN, lines())
