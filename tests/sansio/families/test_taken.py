"""What each family takes of another provider's answer, and of a conversation around it."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    Citation,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.wires import ASK, WEATHER, config
from tests.support import for_all

PARTS: list[Part] = [
    TextPart("Hi", (Citation(url="https://e.example", title="T"),)),
    ReasoningPart("Hm."),
    RefusalPart("No."),
    ImagePart(data=b"\x89PNG\r\n\x1a\n"),
    ServerToolPart("search", output=1),
    UnknownPart("new", {"new": 1}),
    ToolCall("a", "f", extra={"x": 1}),
    InvalidToolCall("b", "f", "{", "cut"),
]
REFUSED = "RefusalPart: sent as text"
NOWHERE = ["ServerToolPart", "UnknownPart", "extra: x"]
"""What no family takes from another."""
LOST: dict[str, list[str]] = {
    "google": ["citations", "ReasoningPart", REFUSED, *NOWHERE],
    "bedrock": ["citations", "ReasoningPart", REFUSED, "ImagePart", *NOWHERE],
    "cohere": ["citations", "ReasoningPart", REFUSED, "ImagePart", *NOWHERE, "is_error"],
    "ollama/ollama": ["citations", REFUSED, "ImagePart", *NOWHERE, "is_error"],
    "openai": ["citations", "ReasoningPart", "ImagePart", *NOWHERE, "is_error"],
    "openai/responses": ["citations", "ReasoningPart", "ImagePart", *NOWHERE, "is_error"],
    "anthropic": ["citations", "ReasoningPart", REFUSED, "ImagePart", *NOWHERE],
}
"""By types: Google's parts may be files in an answer, too; Ollama's thinking has no signature; a result says
that its tool failed at Google, Anthropic and Bedrock; a refusal has a field at OpenAI."""


@for_all(("kind", LOST))
def test_what_a_family_has_no_place_for_is_left_out_and_reported(kind: str) -> None:
    answer = Message("assistant", PARTS, origin="another/chat")
    results = [Message("tool", "no", "a", is_error=True), Message("tool", "no", "b")]
    prepared = Provider(config(kind)).prepare([*ASK, answer, *results], [WEATHER])
    assert [loss.what for loss in prepared.left_out] == LOST[kind]


@for_all(("kind", LOST))
def test_an_empty_answer_is_left_out_where_it_would_be_refused(kind: str) -> None:
    prepared = Provider(config(kind)).prepare([*ASK, Message("assistant", "", origin="another/chat"), *ASK])
    empty = kind in ("openai", "ollama/ollama")
    assert [loss.what for loss in prepared.left_out] == ([] if empty else ["Message"])
    sent: Any = prepared.body
    turns = sent.get("messages") or sent.get("contents") or sent["input"]
    assert [turn["role"] for turn in turns].count("assistant") == empty


OWN_WAY = {"google": "?alt=sse", "bedrock": "-stream"}
"""Types whose streams have another address, and what is in it."""


@pytest.mark.parametrize("kind", LOST)
def test_an_address_is_that_of_a_whole_answer_unless_a_stream_is_asked_for(kind: str) -> None:
    dialect = Provider(config(kind)).dialect
    whole, stream = dialect.build_endpoint(), dialect.build_endpoint(stream=True)
    assert whole == dialect.build_endpoint(stream=False)
    assert (whole != stream) is (kind in OWN_WAY)
    assert OWN_WAY.get(kind, "") in stream
    assert OWN_WAY.get(kind, "?") not in whole


@for_all(("kind", LOST))
def test_an_own_answer_keeps_its_citations_where_they_are_sent_back(kind: str) -> None:
    made = Provider(config(kind))
    answer = Message("assistant", PARTS[:1], origin=made.dialect.origin)
    lost = [] if kind in ("bedrock", "anthropic", "openai/responses") else ["citations"]
    if kind == "cohere":  # its own citations have positions, and neither address nor title
        lost = ["citations: url, title"]
    assert [loss.what for loss in made.prepare([*ASK, answer, *ASK]).left_out] == lost
