"""Options and tools of Gemini."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import InvalidRequestError
from sansio.options import UnsupportedOptionError
from tests.sansio.families.gemini.chunks import JSON, google
from tests.sansio.wires import ASK, WEATHER, body_of, refusal_of
from tests.support import for_all
from tests.wire_types import camel, google_fields, needs_types

OLDER = "gemini-2.5-pro"
NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


def body(model: str = "gemini-2.5-flash", tools: Any = None, reasoning: bool = False, **options: Any) -> JSON:
    return body_of(google(model, reasoning=reasoning), ASK, tools, **options)


def refused(model: str = "gemini-2.5-flash", **options: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        body(model, **options)
    return str(caught.value)


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview"])
def test_an_unknown_effort_is_refused_with_those_that_the_model_has(model: str) -> None:
    known = refused(model, reasoning_effort="much").partition("use one of ")[2].split(" (")[0]
    assert "low" in known.split(", ")
    for effort in known.split(", "):
        assert "thinkingConfig" in body(model, reasoning_effort=effort.strip(" ."))["generationConfig"]


@pytest.mark.parametrize(
    ("options", "config"),
    [
        (
            {"temperature": 0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "stop": "x", "seed": 1},
            {
                "temperature": 0,
                "topP": 0.5,
                "topK": 3,
                "maxOutputTokens": 9,
                "stopSequences": ["x"],
                "seed": 1,
            },
        ),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"logprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
        ({"logprobs": False, "top_logprobs": None}, None),
        ({"logprobs": None, "modalities": None, "response_schema": None, "thinking_config": None}, None),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"response_format": FORMAT}, {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}),
        (
            {"response_schema": {"type": "OBJECT"}},
            {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
        ),
        ({"generation_config": {"candidateCount": 1}}, {"candidateCount": 1}),
        ({"reasoning_effort": "none"}, {"thinkingConfig": {"thinkingBudget": 0}}),
        ({"reasoning_effort": None, "reasoning_budget": None}, None),
        ({"reasoning_effort": "medium"}, {"thinkingConfig": {"thinkingBudget": 8192}}),
        (
            {"reasoning_budget": -1, "thinking_config": {"includeThoughts": True}},
            {"thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True}},
        ),
        ({"cache": True}, None),
    ],
)
def test_options_of_the_generation_have_their_places(options: JSON, config: JSON | None) -> None:
    assert body(**options).get("generationConfig") == config


def test_other_options_are_at_the_top() -> None:
    given = body(
        safety_settings=[{"category": "X", "threshold": "OFF"}],
        cached_content="cachedContents/1",
        service_tier="flex",
        labels={"a": "b"},
        store=False,
    )
    del given["contents"]
    assert given == {
        "safetySettings": [{"category": "X", "threshold": "OFF"}],
        "cachedContent": "cachedContents/1",
        "serviceTier": "flex",
        "labels": {"a": "b"},
        "store": False,
    }


def test_newer_models_think_at_a_level() -> None:
    config = body("gemini-3-pro-preview", reasoning=True, reasoning_effort="low")["generationConfig"]
    assert config == {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}}
    assert "no effort 'none'" in refused("gemini-3-pro-preview", reasoning_effort="none")
    assert "takes no budget" in refused("gemini-3-pro-preview", reasoning_budget=5)
    assert "no effort 'xhigh'" in refused(reasoning_effort="xhigh")
    assert body("gemini-3.5-flash", reasoning_budget=5, unsupported="drop").get("generationConfig") is None
    assert "thinkingConfig" in body(reasoning=True)["generationConfig"]
    assert body(reasoning=True, reasoning_effort="none")["generationConfig"] == {
        "thinkingConfig": {"thinkingBudget": 0}
    }


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("any", {"mode": "ANY"}),
        ({"type": "auto"}, {"mode": "AUTO"}),
        ({"type": "none"}, {"mode": "NONE"}),
        ({"type": "any"}, {"mode": "ANY"}),
        (NAMED, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
        (
            {"type": "custom", "custom": {"name": "get_weather"}},
            {"mode": "ANY", "allowedFunctionNames": ["get_weather"]},
        ),
        ({"type": "tool", "name": "get_weather"}, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "custom", "custom": {"name": "get_weather"}}],
                },
            },
            {"mode": "VALIDATED", "allowedFunctionNames": ["get_weather"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["get_weather"]},
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"name": "get_weather"}]},
            },
            {"mode": "ANY", "allowedFunctionNames": ["get_weather"]},
        ),
    ],
)
def test_a_choice_of_tools(choice: object, config: JSON) -> None:
    given = body(tools=[WEATHER], tool_choice=choice, tool_config={"includeServerSideToolInvocations": True})
    assert given["toolConfig"] == {
        "includeServerSideToolInvocations": True,
        "functionCallingConfig": config,
    }


def test_a_choice_that_cannot_be_made_is_refused() -> None:
    assert "no tools" in refused(tool_choice="auto")
    assert "no tool 'rain'" in refused(tools=[WEATHER], tool_choice={"type": "tool", "name": "rain"})
    assert "sometimes" in refused(tools=[WEATHER], tool_choice="sometimes")
    assert "'mcp'" in refused(tools=[WEATHER], tool_choice={"type": "mcp"})
    parallel = {"type": "auto", "disable_parallel_tool_use": True}
    assert "disable_parallel_tool_use" in refused(tools=[WEATHER], tool_choice=parallel)
    assert "no tools" in refused(tool_choice={"type": "auto"})
    assert "toolConfig" in body(tool_choice={"type": "none"})
    assert "parallel_tool_calls" in refused(tools=[WEATHER], parallel_tool_calls=False)
    assert "toolConfig" not in body(tools=[WEATHER], tool_choice=None)


def test_tools_of_every_form() -> None:
    custom = {"type": "custom", "custom": {"name": "note", "description": "Notes."}}
    bare = {
        "type": "function",
        "function": {"name": "now", "strict": True, "parameters": {"type": "object", "properties": {}}},
    }
    own = {"type": "fileSearch", "fileSearchStoreNames": ["s"]}
    tools = body(tools=[{"type": "googleSearch"}, custom, bare, own])["tools"]
    note, now = tools[0]["functionDeclarations"]
    assert (note["name"], note["parametersJsonSchema"]["required"]) == ("note", ["input"])
    assert now == {"name": "now"}
    assert tools[1:] == [{"googleSearch": {}}, {"fileSearch": {"fileSearchStoreNames": ["s"]}}]
    assert body(tools=[{"type": "googleSearch"}])["tools"] == [{"googleSearch": {}}]
    assert "cannot be a tool's name" in refused(tools=[{"type": "function", "function": {"name": "a b"}}])


def test_a_format_of_another_form_is_refused() -> None:
    assert "response_format" in refused(response_format={"type": "json_schema", "json_schema": {}})


NOT_SENT = (
    "http_options should_return_http_response automatic_function_calling system_instruction tools "
    "candidate_count routing_config model_selection_config audio_timestamp enable_enhanced_civic_answers "
    "audio_transcription_config automatic_continuation generation_output_config"
)
"""Fields of the SDK's config for the SDK itself, for what messages and tools say, or without an option."""
RENAMED = {
    "max_output_tokens": "max_tokens",
    "response_modalities": "modalities",
    "response_logprobs": "logprobs",
    "logprobs": "top_logprobs",
    "response_mime_type": "response_format",
    "response_json_schema": "response_format",
}
"""Fields that portable options have another name for."""
SAMPLES: dict[str, Any] = {
    "service_tier": "flex",
    "response_schema": {"type": "OBJECT"},
    "response_format": FORMAT,
    "modalities": ["TEXT"],
    "logprobs": True,
    "thinking_config": {"includeThoughts": True},
}


def sample(name: str, type: str) -> Any:
    """A value for an option, by the type of its field."""
    plain = {"float": 0.5, "int": 16, "bool": True, "str": "abc", "bytes": "YWJj", "list[str]": ["a"]}
    known = {**plain, "MediaResolution": "MEDIA_RESOLUTION_LOW", "list[SafetySetting]": [{"category": "X"}]}
    return SAMPLES.get(name, 16 if name == "top_k" else known.get(type, {"a": "b"}))


@needs_types
def test_each_field_of_the_sdks_config_has_an_option_that_writes_it_and_the_fake_takes_it() -> None:
    for field, listed in google_fields("GenerateContentConfig").items():
        if field in NOT_SENT.split():
            continue
        option, wire = RENAMED.get(field, field), camel(field)
        value = sample(option, listed.strip("?[]") if "list[" not in listed else listed[2:-1])
        sent = body(**{option: value})
        held = sent if wire in sent else sent["generationConfig"]
        assert wire in held, field
        if field == option:
            assert held[wire] == value, field
        assert refusal_of(google(), ASK, **{option: value}) == "", field


@for_all(("options", [{"max_completion_tokens": 5}, {"max_tokens": 5}, {"stop_sequences": ["x"]}]))
def test_two_names_of_one_field_are_one(options: JSON) -> None:
    fields = {"maxOutputTokens": 5} if "stop_sequences" not in options else {"stopSequences": ["x"]}
    assert body(**options)["generationConfig"] == fields
    assert refusal_of(google(), ASK, **options) == ""


NO_TEXTS = (
    "max_completion_tokens cache stop_sequences safety_settings labels tool_config generation_config "
    "thinking_config speech_config image_config response_schema model_armor_config"
)


@for_all(
    (
        "options",
        [
            *({name: "text"} for name in NO_TEXTS.split()),
            *({name: 7} for name in ("cached_content", "continuation_token", "media_resolution")),
        ],
    )
)
def test_an_option_of_another_type_is_refused_by_its_name(options: JSON) -> None:
    assert next(iter(options)) in refused(**options)


BY_BUDGET = (
    "gemini-1.0-pro gemini-1.5-flash gemini-2.0-flash gemini-2.5-pro models/gemini-2.5-flash-lite gemini-2-x "
    "gemini-robotics-er-1.5-preview gemini-flash-latest gemini-pro-latest gemma-3-27b-it "
    "learnlm-2.0-flash-experimental GEMINI-2.5-PRO"
)
BY_LEVEL = (
    "gemini-3-pro-preview gemini-3.5-flash gemini-9 gemini-10-pro gemini-25-pro "
    "publishers/google/models/gemini-4"
)
OTHERS = [
    "endpoints/123",
    "my-emini-2.0",
    "gemini-robotics-er-2-preview",
    "gemini-new",
    "gemini-pro-x",
    "gemini-flash-x",
]
"""Names that do not say which generation the model is of."""


@for_all(("model", BY_BUDGET.split()))
def test_models_before_the_third_generation_think_within_a_budget(model: str) -> None:
    budgets = [
        body(model, reasoning_effort=effort) for effort in ("none", "minimal", "low", "medium", "high")
    ]
    tokens = [sent["generationConfig"]["thinkingConfig"]["thinkingBudget"] for sent in budgets]
    assert tokens[0] == 0
    assert 0 < tokens[1] <= tokens[2] < tokens[3] < tokens[4] == 24_576  # the most that any of them takes
    assert body(model, reasoning_budget=5)["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 5}


@for_all(("model", [*BY_LEVEL.split(), *OTHERS]))
def test_later_models_and_unknown_ones_think_at_a_level(model: str) -> None:
    for effort in ("minimal", "low", "medium", "high", "xhigh"):
        sent = body(model, reasoning_effort=effort)["generationConfig"]["thinkingConfig"]
        assert sent == {"thinkingLevel": effort.upper()}
    assert model in refused(model, reasoning_budget=5)


def test_what_is_given_twice_is_merged_where_it_can_be() -> None:
    config = {"temperature": 0.5, "logprobs": 2}
    given = body(generation_config=config, top_p=0.5, modalities=["TEXT"], response_schema={"type": "STRING"})
    assert given["generationConfig"] == {
        **config,
        "topP": 0.5,
        "responseModalities": ["TEXT"],
        "responseMimeType": "application/json",
        "responseSchema": {"type": "STRING"},
    }
    assert config == {"temperature": 0.5, "logprobs": 2}
    enums = {"responseMimeType": "text/x.enum"}
    mime = body(generation_config=enums, response_schema={"type": "STRING"})["generationConfig"]
    assert mime["responseMimeType"] == "text/x.enum"


@for_all(("choice", [{"type": "tool", "name": "get_weather"}, "auto", "any", "required"]))
def test_a_choice_of_tools_is_one_that_the_fake_takes(choice: Any) -> None:
    assert refusal_of(google(), ASK, [WEATHER], tool_choice=choice) == ""


def test_options_of_one_object_are_written_together_in_any_order() -> None:
    pairs: list[tuple[JSON, JSON, JSON]] = [
        (
            {"tool_choice": "required"},
            {"tool_config": {"functionCallingConfig": {"streamFunctionCallArguments": True}, "a": 1}},
            {"functionCallingConfig": {"mode": "ANY", "streamFunctionCallArguments": True}, "a": 1},
        ),
        (
            {"reasoning_budget": 5},
            {"generation_config": {"thinkingConfig": {"includeThoughts": True}, "seed": 1}},
            {"thinkingConfig": {"thinkingBudget": 5, "includeThoughts": True}, "seed": 1},
        ),
    ]
    for one, other, wanted in pairs:
        for options in ({**one, **other}, {**other, **one}):
            sent = body(tools=[WEATHER], **options)
            assert sent["toolConfig" if "tool_choice" in one else "generationConfig"] == wanted
    contrary = {"functionCallingConfig": {"mode": "NONE"}}
    assert "contradicts" in refused(tools=[WEATHER], tool_choice="required", tool_config=contrary)
    odd = {"functionCallingConfig": "x"}
    pair: JSON = {"tool_choice": "required", "tool_config": odd}
    for options in (pair, dict([*pair.items()][::-1])):
        assert "toolConfig.functionCallingConfig" in refused(tools=[WEATHER], **options)


@for_all(("beside", [{"reasoning_effort": "low"}, {"thinking_config": {"includeThoughts": True}}]))
def test_an_option_inside_a_value_that_is_not_an_object_is_refused_with_the_field(beside: JSON) -> None:
    odd: JSON = {"generation_config": {"thinkingConfig": 5}}
    assert "thinkingConfig" in refused(**odd, **beside)
    assert "thinkingConfig" in refused(**beside, **odd)


INNER: list[tuple[str, JSON, str, JSON]] = [
    ("image_config", {"aspectRatio": "1:1"}, "imageConfig", {"imageSize": "2K"}),
    ("speech_config", {"languageCode": "de-DE"}, "speechConfig", {"voiceConfig": {"a": 1}}),
    ("thinking_config", {"thinkingBudget": 5}, "thinkingConfig", {"includeThoughts": True}),
]


@for_all(("case", INNER))
def test_an_object_and_the_same_object_in_the_generation_config_are_merged(case: Any) -> None:
    name, value, field, beside = case
    own, config = {name: value}, {"generation_config": {field: beside}}
    for options in ({**own, **config}, {**config, **own}):
        assert body(**options)["generationConfig"] == {field: {**value, **beside}}
    assert config == {"generation_config": {field: beside}}
    twice = {field: {next(iter(value)): "other"}}
    assert "contradicts" in refused(**own, generation_config=twice)


@for_all(("name", ["thinkingConfig", "imageConfig", "seed"]))
def test_nothing_is_sent_as_null_in_the_generation_config(name: str) -> None:
    assert body(generation_config={name: None, "topK": 3})["generationConfig"] == {"topK": 3}
    assert "generationConfig" not in body(generation_config={name: None})
    if name == "thinkingConfig":
        assert "generationConfig" not in body(reasoning=True, generation_config={name: None})
        for options in ({"reasoning_budget": 5}, {"thinking_config": {"thinkingBudget": 5}}):
            budget: JSON = {**options}
            null: JSON = {"generation_config": {name: None}}
            assert body(**budget, **null) == body(**null, **budget) == body(reasoning_budget=5)


def test_alternatives_to_tokens_without_their_probabilities_are_refused() -> None:
    assert "logprobs=True" in refused(logprobs=False, top_logprobs=3)
    assert "generationConfig" not in body(logprobs=False)


@for_all(
    (
        "tool",
        [
            {"name": "f", "input_schema": {}},
            {"type": "custom", "name": "f", "input_schema": {}},
            {"name": "f", "function": 5},
            {"type": "function", "name": "f", "function": 5},
            {"googleSearch": {}},
        ],
    )
)
def test_a_tool_of_another_form_is_refused_with_the_form_to_write(tool: JSON) -> None:
    words = refused(tools=[WEATHER, tool])
    assert "tool 1" in words
    assert '"type": "function"' in words


def test_a_malformed_tool_is_named_by_its_place() -> None:
    assert "tool 1" in refused(tools=[WEATHER, {"type": "custom", "custom": {"description": "a"}}])


def test_a_model_without_an_effort_or_a_budget_may_have_it_dropped() -> None:
    for model, option in (
        ("gemini-3-pro", {"reasoning_budget": 5}),
        ("gemini-2.5-pro", {"reasoning_effort": "x"}),
    ):
        with pytest.raises(UnsupportedOptionError) as caught:
            body(model, **option)
        assert caught.value.option == next(iter(option))


@pytest.mark.parametrize("name", ["thinking_config", "speech_config", "image_config"])
def test_an_object_of_the_generation_is_merged_with_its_own_option(name: str) -> None:
    options: JSON = {"generation_config": {camel(name): {"a": 1, "b": {"c": 2}}, "x": 3}, name: {"d": 4}}
    assert body(**options)["generationConfig"] == {camel(name): {"a": 1, "b": {"c": 2}, "d": 4}, "x": 3}


CONTRADICTIONS: list[JSON] = [
    {"logprobs": False, "generation_config": {"responseLogprobs": True}},
    {"top_logprobs": 2, "generation_config": {"logprobs": 3}},
    {"logprobs": 2, "top_logprobs": 3},
    {"modalities": ["text"], "generation_config": {"responseModalities": ["IMAGE"]}},
    {"response_schema": {"type": "OBJECT"}, "generation_config": {"responseSchema": {"type": "STRING"}}},
    {"response_format": {"type": "json_object"}, "generation_config": {"responseMimeType": "text/plain"}},
    {"max_tokens": 5, "max_completion_tokens": 6},
    {"stop": ["a"], "stop_sequences": ["b"]},
]


@for_all(("options", CONTRADICTIONS))
def test_options_that_say_different_things_are_refused(options: JSON) -> None:
    words = refused(**options)
    for name in options:
        assert name in words
        assert body(**{**options, name: None}).get("generationConfig") == body(
            **{other: value for other, value in options.items() if other != name}
        ).get("generationConfig")


def test_a_choice_of_tools_is_merged_with_their_config() -> None:
    config: JSON = {"functionCallingConfig": {"streamFunctionCallArguments": True}, "x": 1}
    given = body(tools=[WEATHER], tool_choice="auto", tool_config=config)
    assert given["toolConfig"] == {
        "functionCallingConfig": {"streamFunctionCallArguments": True, "mode": "AUTO"},
        "x": 1,
    }


def test_reasoning_of_the_config_is_merged_with_the_call_s_own() -> None:
    asked: JSON = {"thinkingConfig": {"thinkingBudget": 5}, "seed": 1}
    config = body(reasoning=True, generation_config=asked)["generationConfig"]
    assert config == {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 5}, "seed": 1}


def test_a_choice_that_is_refused_is_shown_in_part_and_as_it_is() -> None:
    assert len(refused(tools=[WEATHER], tool_choice={"type": "x" * 5_000})) < 500
    words = refused(tools=[WEATHER], tool_choice={"type": "x"})
    assert "{'type': 'x'} is unknown to Google" in words
