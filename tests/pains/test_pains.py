"""Known problems of users of such libraries, by number in the list of pains, from bytes to outcome.

This file has the pains of responses; those of requests are in `test_request_pains.py`. A room's own
tests pin its part of a pain under the same name, `test_pain_NN_…`.
"""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sansio import (
    APIConnectionError,
    BadRequestError,
    Body,
    FinishReason,
    Head,
    InternalServerError,
    InvalidRequestError,
    Lost,
    Message,
    Provider,
    ProviderError,
    RateLimitError,
    Role,
    Send,
    StreamComplete,
    StreamParser,
    StreamTruncatedError,
    Usage,
    Wait,
)
from tests.sansio.exchanges import HI, OVERLOADED, SSE_HEAD, call, run, sends, streamed, waits, whole
from tests.sansio.wires import (
    ASK,
    COMPATIBLE,
    DONE,
    TYPES,
    WEATHER,
    Record,
    answer,
    block,
    body_of,
    chunk,
    claude,
    config,
    failure,
    parse,
    sse,
    started,
    stopped,
    tool_chunk,
)

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("kind", TYPES)
def test_pain_01_a_truncated_stream_fails_and_keeps_what_arrived(kind: str) -> None:
    text = {"type": "text", "text": ""}
    begun = (
        HI
        if kind != "anthropic"
        else claude(started(), *block(0, text, {"type": "text_delta", "text": "Hi"}))
    )
    subject = call(kind)
    error = failure(run(subject, streamed(begun))[0])
    assert isinstance(error, StreamTruncatedError)
    assert error.partial is not None
    assert error.partial.text == "Hi"
    assert error.partial.finish_reason is None
    with pytest.raises(StreamTruncatedError, match="send the request again"):
        subject.result()


def test_pain_01_truncated_arguments_are_not_repaired() -> None:
    stream = sse(tool_chunk('{"path":"/tmp","force":tr', id="a", name="rm"))
    error = failure(parse("openai", [stream]))
    assert error.partial is not None
    assert error.partial.tool_calls == ()
    message = answer("openai", stream, DONE)
    assert message.tool_calls == ()
    assert message.invalid_tool_calls[0].raw_arguments == '{"path":"/tmp","force":tr'


def calling(kind: str, *arguments: str, said: str) -> bytes:
    """A minimal stream with these calls and this finish reason, without optional fields."""
    if kind == "anthropic":
        blocks = [
            event
            for at, text in enumerate(arguments)
            for event in block(
                at,
                {"type": "tool_use", "id": f"call_{at}", "name": "f", "input": {}},
                {"type": "input_json_delta", "partial_json": text},
            )
        ]
        return claude(started(), *blocks, *stopped("tool_use" if said == "tool_calls" else "end_turn"))
    calls = [tool_chunk(text, index=at, id=f"call_{at}", name="f") for at, text in enumerate(arguments)]
    return sse(*calls, chunk({}, said)) + DONE


@pytest.mark.parametrize("kind", TYPES)
def test_pain_02_what_was_received_counts_for_more_than_the_finish_reason(kind: str) -> None:
    subject = call(kind)
    run(subject, streamed(calling(kind, '{"a": ', said="tool_calls")))
    message = subject.result()
    assert (message.tool_calls, message.finish_reason) == ((), FinishReason.OTHER)
    assert [cut.raw_arguments for cut in message.invalid_tool_calls] == ['{"a": ']
    subject = call(kind)
    run(subject, streamed(calling(kind, '{"a": 1}', said="stop")))
    message = subject.result()
    assert [whole.arguments for whole in message.tool_calls] == [{"a": 1}]
    assert message.finish_reason is FinishReason.TOOL_CALLS
    assert message.raw_finish_reason == ("end_turn" if kind == "anthropic" else "stop")


ERRORS: dict[str, tuple[Record, type[ProviderError]]] = {
    "openrouter": (
        {"error": {"message": "down", "code": 502, "metadata": {"raw": "upstream"}}},
        InternalServerError,
    ),
    "openai": ({"error": {"message": "busy", "type": "rate_limit_exceeded"}}, RateLimitError),
    "azure": ({"error": {"message": "busy", "code": "429"}}, RateLimitError),
    "anthropic": ({"type": "error", **OVERLOADED}, InternalServerError),
    "ollama": ({"error": {"message": "busy", "type": "server_error"}}, InternalServerError),
    "vllm": ({"object": "error", "message": "busy", "code": 503}, InternalServerError),
}


@pytest.mark.parametrize("whole_answer", [False, True], ids=["streamed", "whole"])
@pytest.mark.parametrize("kind", TYPES)
def test_pain_03_an_error_under_200_is_its_own_kind_and_retried_as_such(
    kind: str, whole_answer: bool
) -> None:
    record, expected = ERRORS[kind]
    framed = claude(record) if kind == "anthropic" else sse(record)
    broken = whole(record) if whole_answer else streamed(framed)
    subject = call(kind)
    events, steps = run(subject, broken, broken, streamed(framed, DONE))
    assert (sends(steps), len(waits(steps))) == (3, 2)
    error = failure(events)
    assert type(error) is expected
    assert "an error inside the answer" in str(error)


@pytest.mark.parametrize("kind", TYPES)
def test_pain_03_an_error_under_200_that_cannot_be_retried_fails_immediately(kind: str) -> None:
    record: Record = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
    framed = claude(record) if kind == "anthropic" else sse(record)
    events, steps = run(call(kind), streamed(framed))
    assert sends(steps) == 1
    assert type(failure(events)) is BadRequestError


def test_pain_04_control_records_are_no_events() -> None:
    controls = b"retry: 3000\n\nid: 7\n\nevent: ping\n\n: comment\n\ndata\n\ndata:\n\n\n\n"
    for kind in TYPES:
        parser = StreamParser(kind)
        assert parser.receive_data(controls) == []
        assert parser.progress == 0
    assert answer("openai", controls, HI, controls, DONE).text == "Hi"


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "世", "🌍", "\u00a0"])
def test_pain_05_text_is_cut_neither_at_odd_characters_nor_inside_them(odd: str) -> None:
    stream = sse(chunk({"content": f"a{odd}b"}), chunk({}, "stop"))
    assert answer("openai", *(stream[at : at + 1] for at in range(len(stream)))).text == f"a{odd}b"


def test_pain_06_pings_are_no_progress_and_the_marker_is_the_end() -> None:
    subject = call("openai")
    subject.next_step()
    subject.receive(SSE_HEAD)
    subject.receive(Body(HI))
    progress = subject.progress
    for _ in range(100):
        assert subject.receive(Body(b": keep-alive\n\n")) == []
    assert subject.progress == progress
    assert isinstance(subject.receive(Body(DONE))[-1], StreamComplete)
    assert not subject.wants_input


def test_pain_08_no_retry_after_output() -> None:
    events, steps = run(call("openai"), [SSE_HEAD, Body(HI), Lost(APIConnectionError("reset"))])
    assert sends(steps) == 1
    assert failure(events).partial is not None


def test_pain_09_the_requested_wait_is_on_the_error() -> None:
    head = Head(429, (("retry-after", "86400"),))
    events, steps = run(call("openai"), [head, Body(b"{}"), Lost(APIConnectionError("reset"))])
    assert sends(steps) == 1
    error = failure(events)
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 86400.0


def test_pain_10_a_stale_connection_costs_no_attempt() -> None:
    subject = call("openai", max_attempts=1)
    _, steps = run(subject, [Lost(APIConnectionError("closed", reused=True))], streamed(HI, DONE))
    assert [step.fresh for step in steps if isinstance(step, Send)] == [False, True]
    assert not any(isinstance(step, Wait) for step in steps)
    assert subject.attempts == 1


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_pain_11_repeated_indexes_and_missing_ids_make_calls_that_can_be_answered(kind: str) -> None:
    calls = [tool_chunk('{"n": 1}', name="f"), tool_chunk('{"n": 2}', id="", name="f")]
    message = answer(kind, sse(*calls, chunk({}, "tool_calls")), DONE)
    assert [each.arguments for each in message.tool_calls] == [{"n": 1}, {"n": 2}]
    ids = [each.id for each in message.tool_calls]
    assert len(set(ids)) == 2
    results = [Message(Role.TOOL, "ok", tool_call_id=each) for each in ids]
    sent = body_of(Provider(config(kind)), [*ASK, message, *results])["messages"]
    assert [each["id"] for each in sent[1]["tool_calls"]] == ids
    assert [each["tool_call_id"] for each in sent[2:]] == ids


@pytest.mark.parametrize("kind", TYPES)
def test_pain_12_a_call_without_arguments_has_an_empty_object_and_goes_back_with_one(kind: str) -> None:
    message = answer(kind, calling(kind, "", said="tool_calls"))
    assert [each.arguments for each in message.tool_calls] == [{}]
    result = Message(Role.TOOL, "ok", tool_call_id="call_0")
    sent = body_of(Provider(config(kind)), [*ASK, message, result])["messages"][1]
    if kind == "anthropic":
        assert [each["input"] for each in sent["content"]] == [{}]
    else:
        assert [each["function"]["arguments"] for each in sent["tool_calls"]] == ["{}"]


@pytest.mark.parametrize("kind", TYPES)
def test_pain_12_two_tools_of_one_name_are_refused(kind: str) -> None:
    with pytest.raises(InvalidRequestError, match="tools 0 and 1 are both named 'get_weather'"):
        Provider(config(kind)).call(ASK, [WEATHER, WEATHER])


def test_pain_13_azures_first_chunk_and_filter_results_break_nothing() -> None:
    filtered = chunk({"content": "Hi"}, "stop")
    filtered["choices"][0]["content_filter_results"] = {"hate": {"filtered": False, "severity": "safe"}}
    first = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "model": "", "id": ""}
    assert answer("azure", sse(first, filtered), DONE).text == "Hi"


def test_pain_14_thinking_survives_storage_and_another_provider_in_between() -> None:
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    text = {"type": "text_delta", "text": "Hi"}
    stream = claude(started(), *block(0, thinking), *block(1, {"type": "text", "text": ""}, text), *stopped())
    message = answer("anthropic", stream)
    conversation = [*ASK, message, *ASK]
    assert isinstance(body_of(Provider(config("openai")), conversation)["messages"][1]["content"], str)
    sent = body_of(Provider(config("anthropic")), conversation)["messages"][1]["content"]
    assert sent == [thinking, {"type": "text", "text": "Hi"}]


@pytest.mark.parametrize("kind", TYPES)
def test_pain_16_repeated_counts_replace_earlier_ones(kind: str) -> None:
    if kind == "anthropic":
        told: Record = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 10}}
        stream = claude(started(), told, told, *stopped())
        expected = Usage(input_tokens=7, output_tokens=20)
    else:
        told = {"prompt_tokens": 5, "completion_tokens": 3}
        stream = sse(*[chunk({"content": "x"}, usage=told)] * 3, chunk({}, "stop", usage=told)) + DONE
        expected = Usage(input_tokens=5, output_tokens=3)
    subject = call(kind)
    run(subject, streamed(stream))
    assert subject.result().usage == expected


@pytest.mark.parametrize("kind", TYPES)
def test_pain_17_half_a_surrogate_pair_wedges_no_conversation(kind: str) -> None:
    """A peer's is replaced, so that its answer can be sent back; the application's is refused."""
    text = "half \ud83d of it"
    delta: Record = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}
    if kind == "anthropic":
        stream = sse(json.dumps(delta)) + claude(*stopped())
    else:
        stream = sse(json.dumps(chunk({"content": text}, "stop"))) + DONE
    message = answer(kind, stream)
    assert message.text == "half \ufffd of it"
    assert body_of(Provider(config(kind)), [*ASK, message, *ASK])
    with pytest.raises(InvalidRequestError, match="message 1 holds half a surrogate pair") as caught:
        Provider(config(kind)).call([*ASK, Message(Role.USER, text)])
    assert caught.value.index == 1


def _seconds(run: Callable[[], object]) -> float:
    """Of the processor, with the garbage collector off."""
    gc.collect()
    gc.disable()
    try:
        begin = time.process_time()
        run()
        return time.process_time() - begin
    finally:
        gc.enable()


def _detail(text: str) -> Record:
    return chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": text}]})


LONG = "x" * 40
GROWING: dict[str, tuple[str, Callable[[int], list[Record]]]] = {
    "text": ("openai", lambda n: [chunk({"content": LONG})] * n),
    "arguments": (
        "openai",
        lambda n: [tool_chunk('{"a": "', id="a", name="f"), *[tool_chunk(LONG)] * n, tool_chunk('"}')],
    ),
    "arguments with the name in each delta": (
        "openai",
        lambda n: [tool_chunk('{"a": "', name="f"), *[tool_chunk(LONG, name="f")] * n],
    ),
    "arguments with another id in each delta": (
        "openai",
        lambda n: [
            tool_chunk('{"a": "', id="a", name="f"),
            *[tool_chunk(LONG, id=f"{at}") for at in range(n)],
        ],
    ),
    "calls": ("openai", lambda n: [tool_chunk("{}", id=f"{at}", name="f") for at in range(n)]),
    "reasoning details": ("openrouter", lambda n: [_detail(LONG * 10)] * n),
    "many reasoning details": (
        "openrouter",
        lambda n: [
            chunk({"reasoning_details": [{"type": "reasoning.text", "index": at}]}) for at in range(n)
        ],
    ),
    "anthropic's arguments": (
        "anthropic",
        lambda n: block(
            0,
            {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            *[{"type": "input_json_delta", "partial_json": LONG}] * n,
        ),
    ),
    "anthropic's blocks": (
        "anthropic",
        lambda n: [
            event for at in range(n // 3) for event in block(at, {"type": "redacted_thinking", "data": LONG})
        ],
    ),
}


@pytest.mark.parametrize("name", GROWING)
def test_pain_18_the_time_per_event_does_not_grow_with_the_stream(name: str) -> None:
    kind, records = GROWING[name]

    def seconds(count: int) -> float:
        data = [sse(record) for record in records(count)]
        return _seconds(lambda: parse(kind, data, max_tool_calls=10**6))

    few = min(seconds(500) for _ in range(3))
    # Linear is 8 times as long, quadratic 64 times. A busy machine can spoil one run, so three are tried.
    assert any(seconds(4_000) < 28 * max(few, 0.001) for _ in range(3))


def _named(*paths: Path) -> set[int]:
    pattern = re.compile(r"def test_pain_(\d\d)_")
    return {int(number) for path in paths for number in pattern.findall(path.read_text("utf-8"))}


def test_each_pain_has_a_test_named_after_it() -> None:
    sending = {15, 19, 22}
    elsewhere = {7, 20, 21}  # cancellation, proxies and imports
    assert _named(Path(__file__)) >= set(range(1, 23)) - sending - elsewhere
    assert _named(*TESTS.rglob("test_*.py")) >= set(range(1, 23)) - elsewhere
