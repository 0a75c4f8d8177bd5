"""Our own dialects keep every law: all pairs of a type and an api that there is an encoder for."""

from __future__ import annotations

import pytest

from sansio import PROVIDER_DEFAULTS, ReasoningPart, TextPart, ToolCall, Usage
from sansio.providers.registry import dialect_class
from sansio.testing import PROVIDER_TYPES, Answer, Sample, check_dialect, encode_stream, encode_whole
from sansio.testing.wires import wire_names
from tests.sansio.wires import config

PAIRS = [
    (type, api) for type in PROVIDER_TYPES for api in PROVIDER_DEFAULTS[type].apis if api in wire_names()
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
    ".message.stop_reason": LATER, ".message.stop_sequence": LATER, ".message.usage.input_tokens": LATER,
    ".message.usage.output_tokens": LATER, ".message.usage.cache_read_input_tokens": LATER,
    ".message.usage.cache_creation_input_tokens": LATER,
    ".content_block.input": "it is blank until the deltas of the block fill it",
    ".response.status": LATER, ".sequence_number": PLACE, ".output_index": PLACE, ".content_index": PLACE,
}  # fmt: skip
ANSWER = Answer(
    parts=(
        ReasoningPart("So be it."),
        TextPart("Grüße 🌍"),
        ToolCall("a", "f", {"x": [1, "y"]}),
        ToolCall("b", "g", {}),
    ),
    usage=Usage(input_tokens=3, output_tokens=5),
)


@pytest.mark.parametrize(("type", "api"), PAIRS)
def test_an_own_dialect_keeps_every_law(type: str, api: str) -> None:
    named = f"{type}/{api}"
    samples = [
        Sample(name="all.sse", data=b"".join(encode_stream(named, ANSWER))),
        Sample(name="all.json", data=encode_whole(named, ANSWER), content_type="application/json"),
    ]
    report = check_dialect(
        dialect_class(type, api), samples, config=config(type, api=api), ignored=IGNORED, tries=3
    )
    assert report.ok, str(report)
