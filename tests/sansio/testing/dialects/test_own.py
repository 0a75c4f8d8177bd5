"""Our own dialects keep every law: all pairs of a type and an api that there is an encoder for."""

from __future__ import annotations

import json

import pytest

from sansio import PROVIDER_DEFAULTS, Citation, ReasoningPart, TextPart, ToolCall, Usage
from sansio.providers.registry import dialect_class
from sansio.testing import PROVIDER_TYPES, Answer, Sample, Verdict, check_dialect, encode_stream, encode_whole
from sansio.testing.dialects import LAWS
from sansio.testing.wires import wire_names
from sansio.testing.wires.registry import wire_for
from tests.sansio.families.responses.frames import (
    added,
    call,
    completed,
    created,
    done,
    event,
    message,
    reasoning,
    response,
    text,
)
from tests.sansio.wires import config, sse

PAIRS = [
    (type, api)
    for type in (*PROVIDER_TYPES, "cohere", "google")
    for api in PROVIDER_DEFAULTS[type].apis
    if api in wire_names()
]
SAME = "it is the same for every answer"
PLACE = "it numbers blocks or calls, whose order says the same"
LATER = "a later value of the same field replaces it"
IGNORED = {
    ".role": SAME, ".type": SAME, ".object": SAME, ".message.role": SAME, ".message.type": SAME,
    ".choices[].delta.role": SAME, ".choices[].message.role": SAME,
    ".choices[].delta.tool_calls[].type": SAME, ".choices[].message.tool_calls[].type": SAME,
    ".choices[].delta.tool_calls[].index": PLACE, ".choices[].message.tool_calls[].index": PLACE,
    ".index": PLACE, ".created": "it is the time of the answer",
    ".created_at": "it is the time of the answer",
    ".message.tool_calls[].function.index": PLACE, ".delta.message.role": SAME,
    ".message.tool_calls[].type": SAME, ".delta.message.tool_calls.type": SAME,
    ".candidates[].content.role": SAME, ".candidates[].index": "one answer is asked for",
    ".delta.message.citations": "it is blank until events fill it",
    ".delta.message.content": "it is blank until events fill it",
    ".delta.message.tool_calls": "it is blank until events fill it",
    ".message.stop_reason": LATER, ".message.stop_sequence": LATER, ".message.usage.input_tokens": LATER,
    ".message.usage.output_tokens": LATER, ".message.usage.cache_read_input_tokens": LATER,
    ".message.usage.cache_creation_input_tokens": LATER,
    ".content_block.input": "it is blank until the deltas of the block fill it",
    ".response.status": LATER, ".sequence_number": PLACE, ".output_index": PLACE, ".content_index": PLACE,
}  # fmt: skip
RESPONSES = {
    ".object": SAME,
    ".response.object": SAME,
    ".output_index": PLACE,
    ".content_index": PLACE,
    ".summary_index": PLACE,
    ".item.content": "it is blank until deltas fill it",
    ".item.summary": "it is blank until deltas fill it",
    ".response.output": "each finished item has said it",
    **dict.fromkeys(
        (".item.arguments", ".item.content[].text", ".item.summary[].text"), "its deltas have said it"
    ),
}
ANSWER = Answer(
    parts=(
        ReasoningPart("So be it."),
        TextPart("Grüße 🌍"),
        ToolCall("a", "f", {"x": [1, "y"]}),
        ToolCall("b", "g", {}),
    ),
    usage=Usage(input_tokens=3, output_tokens=5),
)


FIRST = {api: type for type, api in reversed(PAIRS)}
"""One type of each family: its damaged answers are read by all laws, and those of the others by none."""
OF_DAMAGE = ("damage", "one-end", "events", "storage", "linear")


@pytest.mark.parametrize(("type", "api"), PAIRS)
def test_an_own_dialect_keeps_every_law(type: str, api: str) -> None:
    named = f"{type}/{api}"
    samples = [
        Sample(
            name="all.stream",
            data=b"".join(encode_stream(named, ANSWER)),
            content_type=wire_for(named).content_type.partition(";")[0],
        ),
        Sample(name="all.json", data=encode_whole(named, ANSWER), content_type="application/json"),
    ]
    laws = [law for law in LAWS if FIRST[api] == type or law not in OF_DAMAGE]
    if api == "responses":
        # The fake repeats the request and each finished text, as OpenAI does. That nothing is lost is tested
        # with bytes that say everything once (below), and with recorded ones.
        laws.remove("nothing-lost")
    report = check_dialect(
        dialect_class(type, api),
        samples,
        config=config(type, api=api),
        ignored=IGNORED,
        laws=laws,
        tries=3,
    )
    assert report.ok, str(report)


def test_a_text_for_a_custom_tool_is_not_json_and_cannot_be_cut_as_json() -> None:
    custom = Answer(tool_calls=(ToolCall("call_1", "f", {"input": "one two three"}, kind="custom"),))
    for named in ("openai", "openai/responses"):
        samples = [Sample(name="custom.sse", data=b"".join(encode_stream(named, custom)))]
        report = check_dialect(dialect_class(*named.split("/")), samples, laws=["reads", "cut-calls"])
        assert report.ok, str(report)
        assert report["cut-calls"].verdict is Verdict.PASSED


def test_a_cited_text_that_is_still_open_is_the_same_text_in_partial() -> None:
    cited = Answer(parts=(TextPart("Cited.", (Citation("https://e/", "E", "C"),)),))
    samples = [Sample(name="cited.sse", data=b"".join(encode_stream("anthropic", cited)))]
    report = check_dialect(dialect_class("anthropic"), samples, laws=["reads", "events"])
    assert report.ok, str(report)


def test_the_responses_family_keeps_every_law() -> None:
    """By bytes that are written here, which hold what the encoder of the fake does not."""
    told = reasoning("So be it.", encrypted_content="b3BhcXVl")
    said = message("Grüße 🌍", status="completed", phase="final_answer")
    called = call('{"x": [1, "y"]}', "call_1", status="completed")
    usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}
    stream = sse(
        created(),
        added(reasoning()),
        event("reasoning_summary_text.delta", summary_index=0, delta="So be "),
        event("reasoning_summary_text.delta", summary_index=0, delta="it."),
        done(told),
        added(message(status="in_progress", phase="final_answer"), 1),
        text("Grüße ", 1),
        text("🌍", 1),
        done(said, 1),
        added(call("", "call_1"), 2),
        event("function_call_arguments.delta", 2, delta='{"x": [1, '),
        event("function_call_arguments.delta", 2, delta='"y"]}'),
        done(called, 2),
        completed(usage=usage),
    )
    body = json.dumps(response(told, said, called, usage=usage)).encode()
    report = check_dialect(
        dialect_class("openai", "responses"),
        [
            Sample(name="all.sse", data=stream),
            Sample(name="all.json", data=body, content_type="application/json"),
            Sample(name="cut.sse", data=stream[:-30], fails=True),
        ],
        config=config("openai", api="responses"),
        ignored=RESPONSES,
        tries=3,
    )
    assert report.ok, str(report)
