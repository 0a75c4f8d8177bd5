"""OpenRouter's difference: reasoning by switch, its details sent back, the upstream's own error."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sansio import (
    BadRequestError,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    Message,
    PartComplete,
    Provider,
    ProviderConfig,
    RateLimitError,
    ReasoningDelta,
    ReasoningPart,
    Role,
    TextPart,
)
from sansio.providers import dialect_for, dialect_named
from tests.sansio.wires import (
    ASK,
    DONE,
    Record,
    answer,
    body_of,
    check_agreement,
    chunk,
    completion,
    config,
    failure,
    parse,
    read,
    sent,
    sse,
)


def test_the_default_type_needs_nothing_but_itself() -> None:
    dialect = dialect_for(ProviderConfig())
    assert dialect.build_endpoint() == "https://openrouter.ai/api/v1/chat/completions"
    assert dialect.config.model == "x-ai/grok-code-fast-1"


def test_reasoning_is_switched_on_and_an_option_wins() -> None:
    provider = Provider(config("openrouter", reasoning=True))
    assert body_of(provider, ASK)["reasoning"] == {"enabled": True}
    assert body_of(provider, ASK, reasoning={"effort": "high"})["reasoning"] == {"effort": "high"}
    assert body_of(provider, ASK, reasoning_budget=2000)["reasoning"] == {
        "enabled": True,
        "max_tokens": 2000,
    }
    assert "reasoning" not in body_of(Provider(config("openrouter")), ASK)


def details(*chunks: list[Record], **more: object) -> list[Record]:
    """The details that are sent back for a stream whose chunks have these details."""
    records = [chunk({"reasoning_details": given, **more}) for given in chunks]
    stream = sse(*records, chunk({"content": "Hi"}, "stop"))
    check_agreement(parse("openrouter", [stream]))
    message = answer("openrouter", stream, DONE)
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    back = sent("openrouter", *ASK, stored, *ASK)[1]["reasoning_details"]
    assert isinstance(back, list)
    return back


ENCRYPTED: Record = {"type": "reasoning.encrypted", "id": "rs_1", "format": "openai-responses-v1", "index": 1}


def test_each_detail_is_one_part_whose_text_is_in_its_text_only() -> None:
    stream = sse(
        chunk(
            {"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}]}
        ),
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "…", "index": 0, "signature": "s"}]}),
        chunk({"reasoning_details": [{**ENCRYPTED, "data": "x"}]}),
        chunk({"content": "18 °C"}, "stop"),
    )
    events = parse("openrouter", [stream])
    hidden = ReasoningPart("", {**ENCRYPTED, "data": "x"})
    assert answer("openrouter", stream).parts == (
        ReasoningPart("Hm…", {"type": "reasoning.text", "index": 0, "signature": "s"}),
        hidden,
        TextPart("18 °C"),
    )
    assert events[:2] == [ReasoningDelta("Hm", 0), ReasoningDelta("…", 0)]
    assert PartComplete(1, hidden) in events
    check_agreement(events)


def test_details_are_joined_and_go_back_unchanged() -> None:
    assert details(
        [{"type": "reasoning.text", "text": "Hm", "index": 0, "id": None}],
        [{"type": "reasoning.text", "text": "…", "index": 0}],
        [{"type": "reasoning.text", "signature": "c2ln", "index": 0}],
        [{**ENCRYPTED, "data": "b3Bh"}],
        [{**ENCRYPTED, "data": "cXVl"}],
    ) == [
        {"type": "reasoning.text", "text": "Hm…", "index": 0, "id": None, "signature": "c2ln"},
        {**ENCRYPTED, "data": "b3BhcXVl"},
    ]


def test_details_of_another_id_type_or_index_are_others() -> None:
    base = {"type": "reasoning.encrypted", "index": 0, "id": "rs_1", "data": "a"}
    for other in ({"id": "rs_2"}, {"index": 1}, {"type": "reasoning.text"}):
        assert details([base], [{**base, **other}]) == [base, {**base, **other}]


def test_the_details_of_one_list_are_never_joined() -> None:
    two: list[Record] = [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.text", "text": "b"}]
    assert details(two) == two
    whole = read("openrouter", completion({"reasoning_details": two}))
    assert [part.text for part in whole.parts if isinstance(part, ReasoningPart)] == ["a", "b"]


def test_a_text_that_begins_as_null_is_the_text() -> None:
    start = {"type": "reasoning.summary", "summary": None, "index": 0}
    pieces = [[start], [{**start, "summary": "a"}], [{**start, "summary": "b"}]]
    assert details(*pieces) == [{**start, "summary": "ab"}]


def test_a_field_that_a_later_piece_leaves_empty_stays() -> None:
    start = {"type": "reasoning.text", "index": 0, "signature": "c2ln"}
    assert details([start], [{**start, "signature": None, "text": "a"}]) == [{**start, "text": "a"}]


def test_plain_reasoning_that_says_something_else_is_the_reasoning_and_the_details_keep_theirs() -> None:
    delta = {"reasoning": "So.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0}]}
    message = answer("openrouter", sse(chunk(delta), chunk({"content": "Hi"}, "stop")))
    assert message.reasoning == "So."
    wire = sent("openrouter", *ASK, message, *ASK)[1]
    assert (wire["reasoning"], wire["reasoning_details"]) == ("So.", delta["reasoning_details"])


def test_plain_reasoning_goes_back_too() -> None:
    message = answer("openrouter", sse(chunk({"reasoning": "Hm."}), chunk({"content": "Hi"}, "stop")))
    assert sent("openrouter", *ASK, message, *ASK)[1] == {
        "role": "assistant",
        "content": "Hi",
        "reasoning": "Hm.",
    }


def test_details_that_say_nothing_are_passed_over() -> None:
    assert (
        read("openrouter", completion({"content": "Hi", "reasoning_details": [5, "x", {}]})).content == "Hi"
    )


def test_an_image_of_an_answer_goes_back_with_it() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}, "index": 0}
    message = read("openrouter", completion({"content": "Look.", "images": [image]}))
    assert message.images == (ImagePart(data=b"\x89PNG", extra={"index": 0}),)
    assert sent("openrouter", *ASK, message, *ASK)[1]["images"] == [image]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (ImagePart(file_id="file_1"), "by file_id"),
        (ImagePart(), "without an address"),
        (ImagePart(url=""), "by url"),
    ],
)
def test_an_image_without_address_and_data_is_refused_or_left_out_and_never_sent_empty(
    image: ImagePart, reason: str
) -> None:
    provider = Provider(config("openrouter"))
    parts = (TextPart("Look."), image)
    with pytest.raises(InvalidRequestError, match=f"message 1, part 1: .* {reason}.*; give .*data") as caught:
        provider.prepare([*ASK, Message(Role.ASSISTANT, parts), *ASK])
    assert caught.value.index == 1
    answered = Message(Role.ASSISTANT, parts, origin="openrouter/chat")
    prepared = provider.prepare([*ASK, answered, *ASK])
    assert prepared.body == provider.prepare([*ASK, Message(Role.ASSISTANT, "Look."), *ASK]).body
    assert [(loss.what, loss.message, loss.part) for loss in prepared.left_out] == [("ImagePart", 1, 1)]


def test_an_extra_never_replaces_the_address_of_an_assistants_image() -> None:
    image = ImagePart(url="https://a/b.png", extra={"image_url": {"url": "https://c/d.png"}})
    with pytest.raises(InvalidRequestError, match=r"message 1, part 0: image_url\.url is in its extra"):
        Provider(config("openrouter")).prepare([*ASK, Message(Role.ASSISTANT, (image,)), *ASK])


def test_fields_of_another_provider_are_not_sent() -> None:
    reasoning = ReasoningPart("Hm.", {"signature": "c2ln"})
    foreign = Message(Role.ASSISTANT, (reasoning, TextPart("Hi")), origin="anthropic/messages")
    assert sent("openrouter", *ASK, foreign, *ASK)[1] == {"role": "assistant", "content": "Hi"}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"raw": "quota of the day", "provider_name": "Google"}, "no (from Google: quota of the day)"),
        ({"raw": "quota of the day"}, "no (from upstream: quota of the day)"),
        ({"raw": ""}, "no"),
        ({}, "no"),
        (None, "no"),
    ],
)
def test_pain_03_the_upstreams_own_error_is_in_the_message(metadata: object, said: str) -> None:
    record = {"error": {"code": 429, "message": "no", "metadata": metadata}}
    error = failure(parse("openrouter", [sse(record)]))
    assert isinstance(error, RateLimitError)
    assert error.provider_message == said
    error = dialect_named("openrouter").parse_error(429, (("x-generation-id", "gen-1"),), json.dumps(record))
    assert (error.provider_message, error.request_id) == (said, "gen-1")


def test_an_upstreams_error_without_a_message_is_shown_too() -> None:
    record = {"error": {"code": 400, "metadata": {"raw": "too long"}}}
    error = failure(parse("openrouter", [sse(record)]))
    assert isinstance(error, BadRequestError)
    assert error.provider_message == "no message (from upstream: too long)"


def test_pain_03_an_error_under_200_with_empty_choices() -> None:
    data: Record = {"id": "gen-1", "choices": [], "error": {"code": 502, "message": "no backend"}}
    error = dialect_named("openrouter").error_in(data)
    assert error is not None
    assert error.status == 502


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        (True, {"type": "ephemeral"}),
        ("5m", {"type": "ephemeral", "ttl": "5m"}),
        ("1h", {"type": "ephemeral", "ttl": "1h"}),
    ],
)
def test_cache_is_a_switch_of_the_whole_request(value: object, mark: Record) -> None:
    body = body_of(Provider(config("openrouter")), ASK, cache=value)
    assert body.pop("cache_control") == mark
    assert body == body_of(Provider(config("openrouter")), ASK)


@pytest.mark.parametrize("value", [False, None])
def test_a_cache_that_is_not_asked_for_writes_nothing(value: bool | None) -> None:
    assert "cache_control" not in body_of(Provider(config("openrouter")), ASK, cache=value)


def test_the_callers_own_cache_control_says_more_than_cache() -> None:
    own: Record = {"type": "ephemeral", "ttl": "1h"}
    provider = Provider(config("openrouter"))
    orders: list[Record] = [{"cache": True, "cache_control": own}, {"cache_control": own, "cache": True}]
    assert [body_of(provider, ASK, **options)["cache_control"] for options in orders] == [own, own]


OPTIONS: Record = {
    "models": ["a/b", "c/d"],
    "transforms": ["middle-out"],
    "route": "fallback",
    "provider": {"order": ["x"]},
    "plugins": [{"id": "web"}],
    "reasoning": {"effort": "low"},
    "usage": {"include": True},
    "debug": {"echo_upstream_body": True},
    "trace": {"trace_id": "t"},
    "image_config": {"aspect_ratio": "1:1"},
    "deferred_tools": {"a": 1},
    "stop_server_tools_when": [{"type": "x"}],
    "session_id": "s",
    "cache_control": {"type": "ephemeral"},
    "top_k": 5,
    "top_a": 0.1,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_its_own_options_are_those_of_its_schema(name: str) -> None:
    """OpenRouter's SDK, `ChatRequest`; and its pages on routing and on transforms."""
    option = {name: OPTIONS[name]}
    assert Provider(config("openrouter")).prepare(ASK, options=option).body[name] == OPTIONS[name]
    with pytest.raises(InvalidRequestError, match=f"^{name}: "):
        Provider(config("openrouter")).prepare(ASK, options={name: object()})


def test_a_document_is_given_by_its_address_as_a_file() -> None:
    paper = DocumentPart(url="https://example.com/a.pdf")
    named = DocumentPart(url="https://example.com/a.pdf", name="a.pdf", extra={"x": 1})
    (message,) = sent("openrouter", Message(Role.USER, (paper, named)))
    file = {"filename": "document", "file_data": "https://example.com/a.pdf"}
    assert message["content"] == [
        {"type": "file", "file": file},
        {"type": "file", "file": {**file, "filename": "a.pdf"}, "x": 1},
    ]


@pytest.mark.parametrize(("origin", "kind"), [(None, "jpeg"), ("openrouter/chat", "png")])
def test_an_image_of_the_application_has_the_type_that_its_bytes_show(origin: str | None, kind: str) -> None:
    image = ImagePart(data=b"\xff\xd8\xff\xe0", media_type="image/png")
    said = Message(Role.ASSISTANT, (TextPart("See."), image), origin=origin)
    body: Any = Provider(config("openrouter")).prepare([*ASK, said, *ASK]).body
    assert body["messages"][-2]["images"][0]["image_url"]["url"] == f"data:image/{kind};base64,/9j/4A=="
