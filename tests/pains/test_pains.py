"""What users of such libraries suffer from, by its number in the list of pains, where no room's own tests
pin it: these lead through several rooms at once. `test_pain_NN_…` elsewhere is the same list."""

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
    Body,
    Head,
    InvalidRequestError,
    Lost,
    Message,
    Provider,
    RateLimitError,
    Role,
    Send,
    StreamComplete,
    StreamParser,
    StreamTruncatedError,
    Wait,
)
from tests.sansio.exchanges import HI, SSE_HEAD, call, run, sends, streamed
from tests.sansio.wires import (
    ASK,
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
def test_pain_01_a_cut_stream_is_no_success_and_keeps_what_came(kind: str) -> None:
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
    with pytest.raises(StreamTruncatedError, match="go on from what arrived"):
        subject.result()


def test_pain_01_cut_arguments_are_not_mended() -> None:
    stream = sse(tool_chunk('{"path":"/tmp","force":tr', id="a", name="rm"))
    error = failure(parse("openai", [stream]))
    assert error.partial is not None
    assert error.partial.tool_calls == ()
    message = answer("openai", stream, DONE)
    assert message.tool_calls == ()
    assert message.invalid_tool_calls[0].raw_arguments == '{"path":"/tmp","force":tr'


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


def test_pain_09_what_was_asked_stands_on_the_error() -> None:
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


def test_pain_15_history_is_refused_clearly_and_never_repaired_in_silence() -> None:
    message = answer("openai", sse(tool_chunk("{}", id="a", name="f")), DONE)
    for kind in TYPES:
        with pytest.raises(InvalidRequestError, match="message 1: no tool result follows for the calls 'a'"):
            Provider(config(kind)).call([*ASK, message, *ASK])
        with pytest.raises(InvalidRequestError, match="append the answer itself before its tool results"):
            Provider(config(kind)).call([*ASK, Message(Role.TOOL, "ok", tool_call_id="a")])


def _seconds(run: Callable[[], object]) -> float:
    """The least of three runs, without the garbage collector's share."""
    times = []
    for _ in range(3):
        gc.collect()
        gc.disable()
        try:
            begin = time.process_time()
            run()
            times.append(time.process_time() - begin)
        finally:
            gc.enable()
    return min(times)


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

    few, many = seconds(2_000), seconds(16_000)
    # Linear is 8 times as long, quadratic 64 times.
    assert many < 28 * max(few, 0.001)


def test_pain_19_no_error_repr_or_record_holds_a_key() -> None:
    provider = Provider(config("openai", extra_headers={"X-Tenant": "tenant-secret"}))
    subject = provider.call(ASK, record=True)
    step = subject.next_step()
    assert isinstance(step, Send)
    signed = provider.authorize(step.request, "sk-secret")
    events = subject.fail(APIConnectionError("reset"))
    shown = repr((provider.config, step, signed, events, subject.take_records())) + str(failure(events))
    assert "sk-secret" not in shown
    assert "tenant-secret" not in shown


def test_pain_19_a_redirect_sends_the_key_nowhere() -> None:
    redirected = Head(302, (("location", "https://evil.example"),))
    events, steps = run(call("openai"), [redirected, Lost(APIConnectionError("reset"))])
    assert sends(steps) == 1
    assert failure(events).status == 302


@pytest.mark.parametrize("kind", TYPES)
def test_pain_22_a_conversation_rebuilt_from_storage_gives_the_same_bytes(kind: str) -> None:
    def sent() -> bytes:
        stored = json.loads(json.dumps({"b": [1, {"z": 1, "a": 2}], "a": "é"}))
        step = Provider(config(kind)).call(ASK, [WEATHER], metadata=stored, temperature=0.1).next_step()
        assert isinstance(step, Send)
        return step.request.body

    assert sent() == sent()


def test_each_pain_has_a_test_named_after_it() -> None:
    named = set()
    for path in TESTS.rglob("test_*.py"):
        named |= {int(number) for number in re.findall(r"def test_pain_(\d\d)_", path.read_text())}
    concerning_the_core = set(range(1, 23)) - {7, 20, 21}  # cancellation, proxies and imports
    assert concerning_the_core <= named
