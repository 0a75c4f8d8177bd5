"""The options of Responses: what each is on the wire, the server's state, and what cannot be asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import InvalidRequestError, Provider
from tests.sansio.wires import ASK, RESPONSES, WEATHER, Record, body_of, config, refused
from tests.support import for_all

OPENAI = "openai/responses"
ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
KEEPING = tuple(kind for kind in RESPONSES if kind != "ollama/responses")
"""Those whose requests say whether the answer is kept."""

UNDER_THEIR_NAMES: Record = {
    "temperature": 0.5,
    "top_p": 0.9,
    "instructions": "Be brief.",
    "max_tool_calls": 3,
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "truncation": "auto",
    "user": "u",
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
    "prompt_cache_retention": "24h",
    "context_management": [{"type": "compaction", "compact_threshold": 1_000}],
    "moderation": {"model": "m"},
    "prompt": {"id": "pmpt_1", "version": "2"},
    "image": {"context_compression": "enabled"},
    "access_programs": {"cyber": True},
}


def body(kind: str = OPENAI, **options: Any) -> Record:
    return body_of(Provider(config(kind)), ASK, **options)


def test_options_are_sent_under_their_names() -> None:
    sent = body(**UNDER_THEIR_NAMES)
    assert {name: sent[name] for name in UNDER_THEIR_NAMES} == UNDER_THEIR_NAMES


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
@pytest.mark.parametrize("kind", RESPONSES)
def test_the_answers_limit_has_one_name_here(kind: str, name: str) -> None:
    option: Record = {name: 50}
    sent = body(kind, **option)
    assert sent["max_output_tokens"] == 50
    assert not sent.keys() & {"max_tokens", "max_completion_tokens"}


def test_two_names_of_one_limit_that_differ_are_refused() -> None:
    assert "give one of them" in str(refused(OPENAI, *ASK, max_tokens=50, max_output_tokens=70))
    assert body(max_tokens=70, max_output_tokens=70)["max_output_tokens"] == 70


# The form of the answer, its length and the thinking before it.

FORM: Record = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
}
FLAT: Record = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (FORM, FLAT),
        (FLAT, FLAT),
        (
            {"type": "json_schema", "schema": {"type": "array"}},
            {"name": "answer", "schema": {"type": "array"}},
        ),
        ({"type": "json_object"}, {"type": "json_object"}),
        ({"type": "text"}, {"type": "text"}),
    ],
)
def test_a_form_is_flat_beside_the_verbosity(given: Record, sent: Record) -> None:
    text = body(response_format=given, verbosity="low")["text"]
    assert text == {"format": {"type": "json_schema", **sent}, "verbosity": "low"}


@pytest.mark.parametrize("given", [{"type": "json_schema"}, {"type": "object"}, {"type": 5}])
def test_a_form_that_says_none_is_refused_with_the_right_one(given: Record) -> None:
    error = str(refused(OPENAI, *ASK, options={"response_format": given}))
    assert error.startswith("response_format: ")
    assert "json_schema" in error


def test_text_and_reasoning_may_be_given_whole_and_join_what_else_is_said() -> None:
    sent = body(text={"verbosity": "high"}, response_format=FORM)
    assert sent["text"] == {"verbosity": "high", "format": FLAT}
    sent = body(reasoning={"summary": "detailed", "mode": "pro"}, reasoning_effort="low")
    assert sent["reasoning"] == {"summary": "detailed", "mode": "pro", "effort": "low"}
    with pytest.raises(InvalidRequestError, match="give one of them"):
        body(reasoning={"effort": "low"}, reasoning_effort="high")
    with pytest.raises(InvalidRequestError, match="give one of them"):
        body(text={"format": {"type": "text"}}, response_format=FORM)


def test_what_is_none_leaves_no_empty_object() -> None:
    none = body(reasoning_effort=None, verbosity=None, response_format=None, text=None, reasoning=None)
    assert none == body()
    kept = body(text={"verbosity": "low"}, response_format=None)
    assert kept["text"] == {"verbosity": "low"}


@pytest.mark.parametrize("form", [{}, {"response_format": None}, {"response_format": FORM}])
def test_each_field_of_text_goes_beside_a_form(form: Record) -> None:
    for said in ({"verbosity": "low"}, {"text": {"verbosity": "low", "own": 1}}):
        for options in ({**said, **form}, {**form, **said}):
            assert body(**options)["text"]["verbosity"] == "low"


def test_the_most_tokens_are_a_number_under_each_name() -> None:
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        for kind in (OPENAI, "vllm/responses"):
            assert name in str(refused(kind, *ASK, options={name: "many"}))


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (OPENAI, {"effort": "medium", "summary": "auto"}),
        ("azure/responses", {"effort": "medium", "summary": "auto"}),
        ("openrouter/responses", {"enabled": True}),
        ("ollama/responses", {"effort": "medium"}),
        ("vllm/responses", {"effort": "medium"}),
    ],
)
def test_the_configs_wish_to_think_is_joined_by_the_calls_and_gives_way_to_none(
    kind: str, asked: Record
) -> None:
    provider = Provider(config(kind, reasoning=True))
    assert body_of(provider, ASK)["reasoning"] == asked
    assert body_of(provider, ASK, reasoning_effort="low")["reasoning"] == {**asked, "effort": "low"}
    off: Record = {"reasoning_effort": "none"}
    assert body_of(provider, ASK, **off)["reasoning"] == {"effort": "none"}
    assert body_of(provider, ASK, reasoning={"effort": "none"})["reasoning"] == {"effort": "none"}


# What the server keeps, and what the answer includes.


STATE: dict[str, st.SearchStrategy[Any]] = {
    "store": st.sampled_from((True, False, None)),
    "previous_response_id": st.sampled_from(("resp_1", None)),
    "conversation": st.sampled_from(("conv_1", {"id": "conv_1"}, None)),
    "background": st.sampled_from((True, False, None)),
    "include": st.sampled_from((["code_interpreter_call.outputs"], [ENCRYPTED, LOGPROBS], [], None)),
    "logprobs": st.sampled_from((True, 3, False, None)),
}


@given(options=st.fixed_dictionaries({}, optional=STATE), reasons=st.booleans())
def test_an_answer_that_is_not_kept_has_what_goes_back_and_one_that_is_has_what_was_asked_for(
    options: Record, reasons: bool
) -> None:
    held = any(options.get(name) for name in ("previous_response_id", "conversation", "background"))
    try:
        sent = body(model="gpt-5.6" if reasons else "gpt-4o", **options)
    except InvalidRequestError:
        twice = bool(options.get("previous_response_id") and options.get("conversation"))
        assert twice or (options.get("background") is True and options.get("store") is False)
        return
    assert sent.get("store") is options.get("store", None if held else False)
    asked = [*(options.get("include") or []), *([LOGPROBS] if options.get("logprobs") else [])]
    goes_back = sent.get("store") is False and reasons and options.get("include", []) is not None
    asked += [ENCRYPTED] if goes_back else []
    assert sent.get("include", []) == list(dict.fromkeys(asked))
    given = {name: options[name] for name in ("previous_response_id", "conversation") if options.get(name)}
    assert {name: sent[name] for name in given} == given


@pytest.mark.parametrize("kind", KEEPING)
def test_nothing_is_kept_unless_it_is_asked_for(kind: str) -> None:
    assert body(kind)["store"] is False
    none: Record = {"store": None}
    assert "store" not in body(kind, **none)


def test_ollama_has_no_state_to_speak_of() -> None:
    assert body("ollama/responses").keys() == {"model", "input"}


@pytest.mark.parametrize("kind", [OPENAI, "azure/responses", "openrouter/responses"])
def test_reasoning_is_included_in_a_form_that_goes_back_where_nothing_is_kept(kind: str) -> None:
    def included(**options: Any) -> object:
        return body(kind, model="gpt-5.6", **options).get("include")

    assert included() == [ENCRYPTED]
    assert included(include=["code_interpreter_call.outputs", ENCRYPTED]) == [
        "code_interpreter_call.outputs",
        ENCRYPTED,
    ]
    assert included(include=["file_search_call.results"]) == ["file_search_call.results", ENCRYPTED]
    assert included(include=None) is None


def test_a_server_whose_reasoning_is_open_is_not_asked_to_encrypt_it() -> None:
    assert "include" not in body("vllm/responses")


@for_all(
    (
        ("model", "reasons"),
        [
            ("gpt-5.6", True),
            ("o4-mini", True),
            ("gpt-5.3-codex", True),
            ("grok-4.3", True),
            ("gpt-4o", False),
            ("gpt-4.1-nano", False),
            ("ft:gpt-4o:mine", False),
            ("my-proxy/gpt-4o", False),
            ("proxy.example/gpt-4o", False),
            ("gpt-4", False),
            ("gpt-5", True),
            ("gpt-5-nano", True),
            ("o1-pro", True),
            ("my-gpt-4", True),
            ("chatgpt4-deployment", True),
            ("gpt-5x2-chat", True),
            ("openai/gpt-4.1-mini", False),
            ("gpt-3.5-turbo", False),
            ("chatgpt-4o-latest", False),
            ("gpt-5-chat-latest", False),
            ("gpt-5.2-chat-latest", False),
        ],
    )
)
def test_models_that_do_not_reason_refuse_to_include_it(model: str, reasons: bool) -> None:
    assert ("include" in body(model=model)) is reasons


@pytest.mark.parametrize(
    "held",
    [
        {"store": True},
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"conversation": {"id": "conv_1"}},
        {"background": True},
    ],
)
def test_where_the_server_keeps_the_answer_its_reasoning_need_not_travel(held: Record) -> None:
    sent = body(**held)
    assert "include" not in sent
    assert sent.get("store") is held.get("store")
    assert {name: sent[name] for name in held} == held


def test_an_answer_that_is_not_kept_goes_on_with_one_that_is() -> None:
    sent = body(previous_response_id="resp_1", store=False)
    assert (sent["store"], sent["include"]) == (False, [ENCRYPTED])


def test_logprobs_are_named_in_include() -> None:
    sent = body(logprobs=True)
    assert sent["include"] == [LOGPROBS, ENCRYPTED]
    assert not sent.keys() & {"logprobs", "top_logprobs"}
    assert body(logprobs=3)["top_logprobs"] == 3
    assert body(logprobs=False) == body()
    assert body(top_logprobs=2, include=[LOGPROBS])["top_logprobs"] == 2
    assert body("vllm/responses", logprobs=True, top_logprobs=2)["include"] == [LOGPROBS]


@pytest.mark.parametrize("beside", [{}, {"logprobs": False}])
def test_alternatives_to_tokens_without_their_probabilities_are_refused(beside: Record) -> None:
    error = str(refused(OPENAI, *ASK, top_logprobs=2, **beside))
    assert error.startswith("top_logprobs: ")
    assert "logprobs=True" in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"previous_response_id": "r", "conversation": "c"},
            "previous_response_id: cannot be given beside conv",
        ),
        ({"background": True, "store": False}, "background: the server keeps an answer"),
        ({"background_options": {"completion_window": "2h"}}, "background_options: '2h'"),
        (
            {"background_options": {"completion_window": "8h"}, "background": True, "stream": True},
            "call complete() instead of stream()",
        ),
    ],
)
def test_options_of_the_state_that_contradict_each_other_are_refused(options: Record, words: str) -> None:
    assert words in str(refused(OPENAI, *ASK, **{"stream": False, **options}))


def test_an_answer_may_be_made_later() -> None:
    later: Record = {"background": True, "background_options": {"completion_window": "2h"}}
    assert body(**later)["background_options"] == later["background_options"]
    soon = body(background=True, background_options={"completion_window": "soonest"}, stream=True)
    assert soon["stream"] is True


# What each server takes.


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("openrouter/responses", {"top_k": 5, "models": ["a/b"], "provider": {"order": ["x"]}}),
        (
            "openrouter/responses",
            {"plugins": [{"id": "web"}], "session_id": "s", "trace": {"a": 1}, "image_config": {"a": 1}},
        ),
        ("openrouter/responses", {"prompt": {"id": "p"}, "safety_identifier": "s", "prompt_cache_key": "k"}),
        ("openrouter/responses", {"frequency_penalty": 0.5, "presence_penalty": 0.5, "modalities": ["text"]}),
        ("vllm/responses", {"top_k": -1, "stop": ["END"], "seed": 1, "logit_bias": {"1": 0.5}}),
        ("vllm/responses", {"repetition_penalty": 1.1, "priority": 1, "cache_salt": "s", "request_id": "r"}),
        ("vllm/responses", {"structured_outputs": {"choice": ["a"]}, "mm_processor_kwargs": {"a": 1}}),
        ("vllm/responses", {"ignore_eos": True, "skip_special_tokens": False, "previous_response_id": "r"}),
        ("ollama/responses", {"temperature": 0, "top_p": 1, "instructions": "x", "truncation": "auto"}),
        ("vllm/responses", {"include_stop_str_in_output": True, "background": True, "user": "u"}),
        ("vllm/responses", {"metadata": {"a": "b"}, "service_tier": "auto"}),
        ("azure/responses", {"service_tier": "batch", "max_tool_calls": 1}),
    ],
)
def test_a_servers_own_options_are_sent_under_their_names(kind: str, options: Record) -> None:
    sent = body(kind, options=options)
    assert {name: sent[name] for name in options} == options


@pytest.mark.parametrize(
    ("kind", "name", "inside", "outside"),
    [
        ("openrouter/responses", "temperature", (0, 2), (-0.1, 2.1)),
        ("openrouter/responses", "top_p", (0, 1), (-0.1, 1.1)),
        ("openrouter/responses", "top_k", (0, 500), (-1,)),
        ("openrouter/responses", "metadata", ({"a": "b"},), ({"a": 1},)),
        ("vllm/responses", "temperature", (0, 2), (-0.1, 2.1)),
        ("vllm/responses", "top_p", (0.01, 1), (0, 1.1)),
        ("vllm/responses", "top_k", (-1, 500), (-2,)),
        ("vllm/responses", "repetition_penalty", (0.01, 5), (0,)),
        (OPENAI, "temperature", (0, 2), (-0.1, 2.1)),
        (OPENAI, "top_p", (0, 1), (-0.1, 1.1)),
        (OPENAI, "max_output_tokens", (16,), (15,)),
        (OPENAI, "truncation", ("auto", "disabled"), ("uto",)),
        (OPENAI, "metadata", ({str(number): "x" for number in range(16)},), ()),
        (OPENAI, "verbosity", ("low", "medium", "high"), ()),
        (OPENAI, "service_tier", ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"), ()),
        (OPENAI, "reasoning_effort", ("none", "minimal", "low", "medium", "high", "xhigh", "max"), ()),
    ],
)
def test_a_servers_range_is_that_of_its_schema(
    kind: str, name: str, inside: tuple[object, ...], outside: tuple[object, ...]
) -> None:
    provider = Provider(config(kind))
    for value in inside:
        assert provider.prepare(ASK, options={name: value}).left_out == ()
    for value in outside:
        assert str(refused(kind, *ASK, options={name: value})).startswith(f"{name}: ")


@pytest.mark.parametrize("kind", [OPENAI, "openrouter/responses"])
@pytest.mark.parametrize("number", [0, 20, 21])
def test_alternatives_to_a_token_are_20_at_most(kind: str, number: int) -> None:
    options: Record = {"logprobs": True, "top_logprobs": number}
    if number > 20:
        assert str(refused(kind, *ASK, **options)).startswith("top_logprobs: ")
    else:
        assert body(kind, **options)["top_logprobs"] == number


def test_openrouter_has_a_budget_for_reasoning() -> None:
    assert body("openrouter/responses", reasoning_budget=7)["reasoning"] == {"max_tokens": 7}


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (OPENAI, {"top_k": 1}),
        (OPENAI, {"stop": "x"}),
        (OPENAI, {"seed": 1}),
        (OPENAI, {"web_search_options": {}}),
        ("openrouter/responses", {"previous_response_id": "r"}),
        ("openrouter/responses", {"conversation": "c"}),
        ("openrouter/responses", {"store": True}),
        ("vllm/responses", {"prompt": {"id": "p"}}),
        ("vllm/responses", {"conversation": "c"}),
        ("ollama/responses", {"tool_choice": "auto"}),
        ("ollama/responses", {"store": True}),
        ("ollama/responses", {"logprobs": True}),
        ("ollama/responses", {"metadata": {"a": "b"}}),
    ],
)
def test_an_option_that_the_server_would_pass_over_is_refused_or_dropped_and_reported(
    kind: str, option: Record
) -> None:
    [name] = option
    assert str(refused(kind, *ASK, tools=[WEATHER], **option)).startswith(f"{name}: ")
    provider = Provider(config(kind))
    dropped = provider.prepare(ASK, [WEATHER], unsupported="drop", **option)
    assert [loss.option for loss in dropped.left_out] == [name]
    assert dropped.body == provider.prepare(ASK, [WEATHER]).body


def test_a_caches_lifetime_cannot_be_chosen_by_its_portable_name() -> None:
    error = str(refused(OPENAI, *ASK, cache="1h"))
    assert error.startswith("cache: ")
    assert "prompt_cache_options" in error
    assert body("vllm/responses", cache=True) == body("vllm/responses")


@pytest.mark.parametrize(
    "option",
    [
        {"temperature": 2.1},
        {"top_p": 1.1},
        {"max_tokens": 0},
        {"max_output_tokens": 0},
        {"logprobs": 21},
        {"metadata": {str(number): "x" for number in range(17)}},
        {"truncation": "some"},
        {"reasoning_effort": "hihg"},
        {"verbosity": "loud"},
        {"service_tier": "batch"},
    ],
)
def test_a_value_outside_of_openais_schema_is_refused_and_left_to_a_compatible_server(option: Record) -> None:
    [name] = option
    assert str(refused(OPENAI, *ASK, **option)).startswith(f"{name}: ")
    compatible = Provider(config("compatible/responses"))
    assert compatible.prepare(ASK, **option).left_out == ()


def test_options_of_the_stream_go_with_the_call() -> None:
    sent = body(stream=True, stream_options={"include_obfuscation": False})
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_obfuscation": False})
    assert "stream_options" not in body(stream=True)
