"""The options of Converse, by model; its cache points; and errors of the endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    BadRequestError,
    ConverseDialect,
    DocumentPart,
    InvalidRequestError,
    Message,
    RateLimitError,
    Role,
    TextPart,
    UnknownPart,
)
from tests.sansio.families.converse.frames import CLAUDE, GPT, NOVA, Record, provider
from tests.sansio.wires import ASK, WEATHER, refusal_of
from tests.support import for_each

ADAPTIVE = "anthropic.claude-sonnet-5-5"
POINT: Record = {"cachePoint": {"type": "default"}}


def body(model: str = "m", tools: list[Record] | None = None, **options: Any) -> Any:
    return provider(model).prepare(ASK, tools, **options).body


def refusal(model: str = "m", tools: list[Record] | None = None, **options: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        body(model, tools, **options)
    return str(caught.value)


def test_each_option_has_its_place() -> None:
    sent = body(
        temperature=0,
        top_p=0.5,
        max_tokens=9,
        stop="END",
        service_tier="flex",
        metadata={"a": "b"},
        top_k=3,
        reasoning_effort="high",
        options={
            "guardrailConfig": {"guardrailIdentifier": "g"},
            "additionalModelResponseFieldPaths": ["/x"],
            "additionalModelRequestFields": {"seed": 1},
            "inferenceConfig": {"x": 2},
        },
    )
    del sent["messages"]
    assert sent == {
        "inferenceConfig": {"temperature": 0, "topP": 0.5, "maxTokens": 9, "stopSequences": ["END"], "x": 2},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"a": "b"},
        "outputConfig": {"effort": "high"},
        "guardrailConfig": {"guardrailIdentifier": "g"},
        "additionalModelResponseFieldPaths": ["/x"],
        "additionalModelRequestFields": {"seed": 1, "top_k": 3},
    }


CHOICES: list[tuple[Any, Record]] = [
    ("auto", {"auto": {}}),
    ("required", {"any": {}}),
    ({"type": "function", "function": {"name": "get_weather"}}, {"tool": {"name": "get_weather"}}),
    ({"type": "tool", "name": "get_weather"}, {"tool": {"name": "get_weather"}}),
    ({"type": "any"}, {"any": {}}),
    ({"type": "auto"}, {"auto": {}}),
    ("any", {"any": {}}),
    ({"type": "custom", "custom": {"name": "get_weather"}}, {"tool": {"name": "get_weather"}}),
]


@for_each(CHOICES)
def test_a_choice_of_tools_is_written_in_its_form(case: tuple[Any, Record]) -> None:
    choice, sent = case
    assert body(tools=[WEATHER], tool_choice=choice)["toolConfig"]["toolChoice"] == sent
    assert "toolChoice" not in body(tools=[WEATHER], tool_choice=None)["toolConfig"]


REFUSED: list[tuple[Record, str]] = [
    ({"tool_choice": "none"}, "leave the tools out"),
    ({"tool_choice": {"type": "other"}}, "no 'other'"),
    ({"tool_choice": "sometimes"}, "auto, required"),
    ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "allowed_tools"),
    ({"tool_choice": {"type": "function", "function": {"name": "nope"}}}, "get_weather"),
    ({"tools": None, "tool_choice": "auto"}, "no tools"),
    ({"response_format": {"type": "json_object"}}, "json_schema"),
    ({"response_format": {"type": "grammar"}}, "json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {}}}, "json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": "x"}}, "json_schema"),
    ({"response_format": {"type": "grammar", "json_schema": {"schema": {}}}}, "json_schema"),
    ({"top_p": -0.1}, "top_p"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"service_tier": "fast"}, "service_tier"),
    ({"cache": "1d"}, "cache"),
    ({"metadata": {"a": 1}}, "metadata"),
    ({"projectIdentifier": 1}, "projectIdentifier"),
    ({"guardrailConfig": "x"}, "guardrailConfig"),
    ({"performanceConfig": "x"}, "performanceConfig"),
    ({"promptVariables": "x"}, "promptVariables"),
    ({"outputConfig": "x"}, "outputConfig"),
    ({"inferenceConfig": "x"}, "inferenceConfig"),
    ({"additionalModelRequestFields": "x"}, "additionalModelRequestFields"),
    ({"additionalModelResponseFieldPaths": "x"}, "additionalModelResponseFieldPaths"),
    ({"temperature": 1.5}, "temperature"),
    ({"seed": 1}, "no such option"),
    ({"model": CLAUDE, "reasoning_budget": 10}, "1024"),
    ({"model": CLAUDE, "reasoning_budget": 2_000, "max_tokens": 1_500}, "1500"),
    ({"model": NOVA, "reasoning_effort": "xhigh"}, "low, medium, high"),
    ({"model": NOVA, "reasoning_budget": 2_000}, "no such option"),
    (
        {"model": NOVA, "additionalModelRequestFields": {"inferenceConfig": 5}, "top_k": 3},
        "additionalModelRequestFields.inferenceConfig",
    ),
]


def test_a_budget_that_is_too_small_is_the_fault_and_not_the_limit() -> None:
    limits: list[Record] = [{}, {"max_tokens": 8192}, {"max_tokens": 50}]
    for limit in limits:
        words = refusal(CLAUDE, reasoning_budget=100, **limit)
        assert "1024" in words
        assert "larger budget" in words
        assert "max_tokens" not in words
    assert "larger max_tokens" in refusal(CLAUDE, reasoning_budget=2_000, max_tokens=2_000)


@for_each(REFUSED)
def test_an_option_that_cannot_be_is_refused_with_what_to_do(case: tuple[Record, str]) -> None:
    options, words = case
    assert words in refusal(**{"tools": [WEATHER], **options})


EFFORTS: list[tuple[str, str | None, Record]] = [
    (CLAUDE, "high", {"outputConfig": {"effort": "high"}}),
    (CLAUDE, "none", {"additionalModelRequestFields": {"thinking": {"type": "disabled"}}}),
    (CLAUDE, None, {}),
    *(
        (NOVA, effort, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}})
        for effort in ("low", "medium", "high")
    ),
    (NOVA, "none", {"reasoningConfig": {"type": "disabled"}}),
    (NOVA, None, {}),
    (GPT, "high", {"reasoning_effort": "high"}),
    ("arn:aws:bedrock:x:1:application-inference-profile/y", "high", {"outputConfig": {"effort": "high"}}),
]


@for_each(EFFORTS)
def test_an_effort_is_where_the_maker_s_models_have_it(case: tuple[str, str | None, Record]) -> None:
    model, effort, fields = case
    sent = body(model, reasoning_effort=effort)
    del sent["messages"]
    known = ("outputConfig", "additionalModelRequestFields")
    wanted = fields if not fields or set(fields) <= set(known) else {known[1]: fields}
    assert sent == wanted


def test_other_options_of_a_maker_s_models() -> None:
    assert body(NOVA, top_k=10)["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 10}}
    thinking = {"type": "enabled", "budget_tokens": 2_000}
    assert body(CLAUDE, reasoning_budget=2_000)["additionalModelRequestFields"] == {"thinking": thinking}
    assert body(response_format={"type": "text"}, service_tier=None, reasoning_effort=None).keys() == {
        "messages"
    }
    assert body(CLAUDE, reasoning_budget=None, options={"outputConfig": None}).keys() == {"messages"}


REASONING: list[tuple[str, Record, Record | None]] = [
    (CLAUDE, {}, {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
    (CLAUDE, {"max_tokens": 3_000}, {"thinking": {"type": "enabled", "budget_tokens": 1500}}),
    (ADAPTIVE, {}, {"thinking": {"type": "adaptive", "display": "summarized"}}),
    (NOVA, {}, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
    (NOVA, {"reasoning_effort": "none"}, {"reasoningConfig": {"type": "disabled"}}),
    (GPT, {}, None),
]


@for_each(REASONING)
def test_reasoning_is_asked_for_in_the_maker_s_form(case: tuple[str, Record, Record | None]) -> None:
    model, options, fields = case
    sent: Any = provider(model, reasoning=True).prepare(ASK, **options).body
    assert sent.get("additionalModelRequestFields") == fields
    # Only a budget needs a limit of the answer.
    limit = options.get("max_tokens", 8_192 if model == CLAUDE else None)
    assert sent.get("inferenceConfig") == (None if limit is None else {"maxTokens": limit})


THOUGHT: list[tuple[str, Record]] = [
    (CLAUDE, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    (CLAUDE, {"thinking": {"type": "disabled"}}),
    (NOVA, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
]


@for_each(THOUGHT)
def test_reasoning_is_not_asked_for_where_the_call_says_how_to_think(case: tuple[str, Record]) -> None:
    model, fields = case
    made = provider(model, reasoning=True)
    sent: Any = made.prepare(ASK, options={"additionalModelRequestFields": fields}).body
    assert sent["additionalModelRequestFields"] == fields
    other = made.prepare(ASK, options={"additionalModelRequestFields": {"x": 1}}).body
    assert {"x": 1}.items() < dict(other["additionalModelRequestFields"]).items()  # type: ignore[arg-type]  # JSON


# Cache points.

ASKED = [
    Message(Role.SYSTEM, "Be brief."),
    Message(Role.USER, "One"),
    Message(Role.ASSISTANT, "1"),
    Message(Role.USER, (TextPart("Two"), DocumentPart(data=b"x", media_type="text/plain"))),
]


def cached(messages: list[Message], value: Any = True, tools: list[Record] | None = None) -> Any:
    return provider().prepare(messages, tools, cache=value).body


def test_cache_points_are_at_the_ends_and_never_behind_a_document() -> None:
    sent = cached(ASKED, tools=[WEATHER])
    assert sent["system"][-1] == sent["toolConfig"]["tools"][-1] == POINT
    assert sent["messages"][0]["content"][-1] == POINT
    assert [next(iter(block)) for block in sent["messages"][2]["content"]] == [
        "text",
        "cachePoint",
        "document",
    ]
    hour = cached(ASKED[:2], "1h")
    assert hour["system"][-1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert cached(ASKED, False) == cached(ASKED, None) == provider().prepare(ASKED).body


def test_cache_points_of_the_application_count_and_a_turn_has_one() -> None:
    point = UnknownPart("cachePoint", POINT)
    own = [
        Message(Role.SYSTEM, (TextPart("a"), point, TextPart("b"), point)),
        Message(Role.USER, (TextPart("One"), point)),
        Message(Role.ASSISTANT, "1"),
        Message(Role.USER, "Two"),
    ]
    sent = cached(own, tools=[WEATHER])
    assert sent["messages"][2]["content"][-1] == POINT
    assert POINT not in sent["toolConfig"]["tools"]
    only = [Message(Role.USER, (DocumentPart(data=b"x", media_type="text/plain"),))]
    assert POINT not in cached(only)["messages"][0]["content"]


@for_each([*range(6)])
def test_there_are_never_more_cache_points_than_converse_takes(own: int) -> None:
    point = UnknownPart("cachePoint", POINT)
    tools: list[Record] = [WEATHER, {"type": "cachePoint", **POINT}][: 1 + (own > 0)]
    messages = [
        Message(Role.SYSTEM, [TextPart("a"), *[point] * (own > 1)]),
        Message(Role.USER, [TextPart("One"), *[point] * (own > 2)]),
        Message(Role.ASSISTANT, [TextPart("1"), *[point] * (own > 3)]),
        Message(Role.USER, [TextPart("Two"), TextPart("Three")]),
        Message(Role.ASSISTANT, "2"),
        Message(Role.USER, "Four"),
    ]
    assert refusal_of(provider(), messages, tools, cache=True) == ""
    sent = cached(messages, tools=tools)
    lists = [sent["system"], sent["toolConfig"]["tools"], *(turn["content"] for turn in sent["messages"])]
    assert sum("cachePoint" in block for blocks in lists for block in blocks) == 4
    if own < 4:
        assert "cachePoint" in sent["messages"][-1]["content"][-1]


@for_each([*range(1, 5)])
def test_cache_points_are_given_to_the_places_that_save_the_most(room: int) -> None:
    point = UnknownPart("cachePoint", POINT)
    own: list[Message] = []
    for number in range(4 - room):
        own += [Message(Role.USER, "0"), Message(Role.ASSISTANT, (TextPart(f"{number}"), point))]
    sent = cached([ASKED[0], *own, *ASKED[1:]], tools=[WEATHER])
    one, _, two = sent["messages"][-3:]
    order = [two["content"], sent["system"], one["content"], sent["toolConfig"]["tools"]]
    assert [POINT in blocks for blocks in order] == [place < room for place in range(4)]


def test_a_cache_point_is_not_behind_a_video_either() -> None:
    video = UnknownPart("video", {"video": {"format": "mp4", "source": {"bytes": ""}}})
    sent = cached([Message(Role.USER, (TextPart("Two"), video))])
    assert [next(iter(block)) for block in sent["messages"][0]["content"]] == ["text", "cachePoint", "video"]


# Errors.


def test_the_type_of_an_error_is_in_a_header_or_in_the_body() -> None:
    headers = (("x-amzn-ErrorType", "ThrottlingException:http://internal/"), ("x-amzn-requestid", "r1"))
    error = ConverseDialect().parse_error(429, headers, '{"message": "Too many requests."}')
    assert isinstance(error, RateLimitError)
    assert (error.error_type, error.request_id) == ("ThrottlingException", "r1")
    body = '{"__type": "com.amazon.coral#ValidationException", "Message": "no", "error": {}}'
    named = ConverseDialect().parse_error(400, (), '{"message": "no", "__type": "a#ValidationException"}')
    assert isinstance(named, BadRequestError)
    assert (named.error_type, named.provider_message) == ("ValidationException", "no")
    assert ConverseDialect().parse_error(400, (), body).provider_message == "the provider gave no message"


@for_each([CLAUDE, NOVA, GPT, "m"])
def test_a_dialect_without_a_model_knows_the_options_of_every_model(model: str) -> None:
    assert provider(model).dialect.options().keys() <= ConverseDialect().options().keys()
