"""The options of a call: checked against the dialect's table, and written where it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, get_type_hints

import pytest
from msgspec import Raw, structs

from sansio import (
    ChatDialect,
    InvalidRequestError,
    Lost,
    Message,
    Option,
    Options,
    Provider,
    ProviderDefaults,
    Role,
    Send,
    Tool,
    portable,
    register_provider,
)
from sansio.config import PROVIDER_DEFAULTS
from sansio.options import PortableOptions, UnsupportedOptionError
from sansio.profiles import BUILT_IN
from sansio.providers import dialect_named
from sansio.testing import FakeProvider
from tests.sansio.exchanges import REFUSED, run
from tests.sansio.wires import ASK, RESPONSES, TYPES, WEATHER, Record, body_of, config, refused
from tests.support import for_all

PAIRS = (*TYPES, *RESPONSES)
"""Every built-in type with its own family, and with Responses."""


def body(kind: str = "openai", **options: Any) -> Record:
    return body_of(Provider(config(kind)), ASK, **options)


# The table's entry of an option.


@pytest.mark.parametrize("value", [0, 1, 0.7, 1.0])
def test_a_known_option_is_sent_as_it_was_given(value: float) -> None:
    sent = body(temperature=value)["temperature"]
    assert (sent, type(sent)) == (value, type(value))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": "hot"}, "temperature: "),
        ({"max_tokens": 1.5}, "max_tokens: "),
        ({"stop": [1]}, "stop: "),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls: "),
        ({"metadata": 5}, "metadata: "),
        ({"seed": object()}, "seed: "),
    ],
)
def test_a_known_option_of_a_wrong_type_is_refused_by_its_name(options: Record, words: str) -> None:
    assert words in str(refused("openai", *ASK, **options))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_its_name(value: float) -> None:
    error = refused("openai", *ASK, temperature=value)
    assert "temperature: " in str(error)
    assert "finite" in str(error)


CHECKED = (*TYPES, "openai/responses", "azure/responses", "ollama/ollama", "google", "cohere", "bedrock")
"""What has a published schema with its ranges; vLLM's depend on how the server is started."""


@for_all(("kind", (kind for kind in CHECKED if kind != "vllm")))
def test_a_value_of_another_type_or_beyond_a_range_is_refused_before_it_is_sent(kind: str) -> None:
    provider, fake = Provider(config(kind)), FakeProvider(kind)
    values: list[Any] = [True, 3, 100, -1, 10**9, 0.5, -0.5, 1e9, "x", "", "x" * 3000, [], ["x"], ["x"] * 40]
    values += [[1], [""], {}, {"a": 1}, {str(number): "x" for number in range(99)}]
    sent = 0
    for name in dialect_named(kind).OPTIONS:
        for value in values:
            given: Record = {name: value}
            try:
                step = provider.call(ASK, [WEATHER], stream=False, **given).next_step()
            except InvalidRequestError:
                continue
            assert isinstance(step, Send)
            answer = fake.respond(provider.authorize(step.request, "sk"))
            # A server may know more words than this library does, but a field has one type and one range.
            assert b"Expected `" not in answer.body, (name, value)
            sent += answer.status == 200
    assert sent > len(dialect_named(kind).OPTIONS) / 2


def test_a_portable_option_without_a_place_is_refused_with_both_remedies() -> None:
    error = refused("openai", *ASK, top_k=5)
    assert "top_k: openai/chat" in str(error)
    assert "unsupported='drop'" in str(error)


def test_a_portable_option_without_a_place_may_be_dropped_and_is_then_reported() -> None:
    prepared = Provider(config("openai")).prepare(ASK, top_k=5, top_p=1, unsupported="drop")
    assert "top_k" not in prepared.body
    assert prepared.body["top_p"] == 1
    (left,) = prepared.left_out
    assert (left.what, left.option, left.message, left.part) == ("option", "top_k", None, None)
    assert "openai/chat" in left.why


def test_dropping_leaves_nothing_else_out() -> None:
    assert Provider(config("vllm")).prepare(ASK, top_k=5, unsupported="drop").left_out == ()
    assert "temprature" in str(refused("openai", *ASK, temprature=1, unsupported="drop"))


@pytest.mark.parametrize("value", ["maybe", None, True])
def test_unsupported_is_one_of_two_words(value: object) -> None:
    assert "unsupported: must be 'refuse' or 'drop'" in str(refused("openai", *ASK, unsupported=value))


@pytest.mark.parametrize(
    ("name", "near"),
    [("temprature", "'temperature'"), ("extra_bodi", "'extra_body'"), ("zzz", "extra_body={'zzz': ...}")],
)
def test_an_unknown_option_is_refused_with_the_nearest_name_or_the_way_out(name: str, near: str) -> None:
    error = refused("openai", *ASK, **{name: 1})
    assert f"{name}: openai/chat has no such option" in str(error)
    assert near in str(error)


@pytest.mark.parametrize("kind", PAIRS)
def test_an_option_that_is_none_removes_a_default(kind: str) -> None:
    provider = Provider(config(kind))
    assert "max_tokens" not in body_of(provider, ASK, max_tokens=None)
    if kind in TYPES and kind != "anthropic":
        sent = body_of(provider, ASK, stream=True, stream_options=None, temperature=None)
        assert sent.keys() <= {"model", "messages", "stream"}


def _write_pair(body: dict[str, Any], value: Any) -> None:
    body["pair"] = [value, value]


class Nested(ChatDialect):
    """A dialect whose options go into objects, or are written by a function."""

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **portable(top_p="generation.sampling.topP", temperature="generation.temperature"),
        "pair": Option(int, _write_pair),
    }


def test_a_place_may_be_inside_objects_or_be_written_by_a_function() -> None:
    dialect = Nested(config("openai"))
    made: Any = dialect.build_request_body(ASK, (), False, top_p=1, temperature=0.5, pair=2)
    assert made["generation"] == {"sampling": {"topP": 1}, "temperature": 0.5}
    assert made["pair"] == [2, 2]
    none: Any = dialect.build_request_body(ASK, (), False, top_p=None)
    assert none["generation"] == {"sampling": {}}


@for_all(("made", [5, "x", [], False]))
def test_a_place_inside_a_value_that_is_not_an_object_is_refused_with_its_field(made: object) -> None:
    option = Nested.OPTIONS["top_p"]
    with pytest.raises(InvalidRequestError, match=r"^generation\.sampling: must be an object"):
        option.write({"generation": {"sampling": made}}, 1)
    sent: Record = {"generation": None}
    option.write(sent, 1)
    assert sent == {"generation": {"sampling": {"topP": 1}}}


def test_a_dialect_used_directly_checks_its_options_too() -> None:
    with pytest.raises(InvalidRequestError, match="pear: "):
        Nested(config("openai")).build_request_body(ASK, (), False, pear=2)


# What every call may have.


def test_another_model_is_in_body_and_errors_and_not_kept_for_the_next_call() -> None:
    provider = Provider(config("openai"))
    for _ in range(2):
        assert body_of(provider, ASK, model="other")["model"] == "other"
    assert body_of(provider, ASK)["model"] == "some-model"


@pytest.mark.parametrize("model", ["", " ", 5, b"gpt", Raw(b'"gpt"')])
def test_a_model_that_is_no_name_is_refused(model: object) -> None:
    assert "model: " in str(refused("openai", *ASK, model=model))


def test_extra_headers_are_sent_with_this_call_only() -> None:
    provider = Provider(config("openai", extra_headers={"X-Title": "mine", "X-Other": "1"}))
    headers = provider.prepare(ASK, extra_headers={"X-Title": "yours"}).headers
    assert (headers["x-title"], headers["x-other"]) == ("yours", "1")
    assert provider.prepare(ASK).headers["x-title"] == "mine"


@for_all(
    ("kind", TYPES),
    (
        ("headers", "words"),
        [
            ({"authorization": "Bearer sk-secret"}, "'authorization' carries a key"),
            ({"X-API-Key": "sk-secret"}, "'X-API-Key' carries a key"),
            ({"api-key": "sk-secret"}, "'api-key' carries a key"),
            ({"Content-Length": "5"}, "'Content-Length' is set by the library"),
            ({"x y": "1"}, "'x y' is not a header name"),
            ({5: "1"}, "5 is not a header name"),
            ({"X-A": 5}, "'X-A' must be a str, not int"),
            ({"X-A": "a\r\nb"}, "'X-A' has a line break"),
        ],
    ),
)
def test_a_header_that_cannot_be_sent_is_refused_for_every_type(
    kind: str, headers: Mapping[Any, Any], words: str
) -> None:
    error = refused(kind, *ASK, extra_headers=headers)
    assert f"extra_headers: {words}" in str(error).replace("the value of ", "")
    assert "sk-secret" not in str(error)


def test_extra_body_is_merged_last_and_unchecked() -> None:
    extra = {"temperature": "hot", "new": {"a": 1}, "stream_options": {"x": 1}, "messages": None}
    sent = body(stream=True, temperature=1, extra_body=extra)
    assert sent["temperature"] == "hot"
    assert sent["new"] == {"a": 1}
    assert sent["stream_options"] == {"include_usage": True, "x": 1}
    assert "messages" not in sent


def test_extra_body_removes_a_field_inside_an_object_and_changes_no_argument() -> None:
    options: Record = {"metadata": {"a": "1", "b": "2"}}
    assert body(**options, extra_body={"metadata": {"a": None, "gone": None}})["metadata"] == {"b": "2"}
    assert options == {"metadata": {"a": "1", "b": "2"}}


@pytest.mark.parametrize("name", ["extra_body", "extra_headers"])
def test_what_is_added_must_be_a_mapping(name: str) -> None:
    none: Record = {name: None}
    assert f"{name}: must be a mapping, not list" in str(refused("openai", *ASK, **{name: []}))
    assert body(**none) == body()


def test_a_number_inside_an_option_must_be_finite_too() -> None:
    error = refused("openai", *ASK, logit_bias={"50256": [float("nan")]})
    assert "logit_bias" in str(error)
    assert "finite" in str(error)


# What every call may have.


def test_each_option_of_a_built_in_provider_is_a_typed_keyword() -> None:
    known = get_type_hints(Options)
    for kind, defaults in BUILT_IN.items():  # without those that other tests register
        for api in defaults.apis:
            assert dialect_named(f"{kind}/{api}").OPTIONS.keys() <= known.keys(), (kind, api)


def test_options_of_google_may_be_dropped_by_others_and_are_then_reported() -> None:
    safety = [{"category": "X", "threshold": "OFF"}]
    prepared = Provider(config("openai")).prepare(
        ASK, safety_settings=safety, labels={"team": "a"}, guardrailConfig={}, unsupported="drop"
    )
    assert [left.option for left in prepared.left_out] == ["safety_settings", "labels", "guardrailConfig"]
    assert prepared.body.keys().isdisjoint({"safety_settings", "labels", "guardrailConfig"})


def test_a_name_that_another_provider_knows_may_be_dropped_and_is_then_reported() -> None:
    prepared = Provider(config("openai")).prepare(ASK, provider={"order": ["a"]}, unsupported="drop")
    assert [left.option for left in prepared.left_out] == ["provider"]
    error = refused("openai", *ASK, provider={"order": ["a"]})
    assert "provider: openai/chat" in str(error)
    assert "unsupported='drop'" in str(error)


@pytest.mark.parametrize("kind", TYPES)
def test_an_option_without_a_place_that_is_none_asks_for_nothing(kind: str) -> None:
    plain = body(kind)
    assert body(kind, thinking=None, models=None, min_tokens=None) == plain


@for_all(("kind", TYPES), ("value", [0, 2, True, 1.0, "1"]))
def test_several_answers_are_refused_with_the_way_to_get_them(kind: str, value: object) -> None:
    error = refused(kind, *ASK, n=value)
    assert "n: must be 1" in str(error)
    assert "make one call for each answer" in str(error)
    assert "n: must be 1" in str(refused(kind, *ASK, n=value, unsupported="drop"))


@pytest.mark.parametrize("kind", TYPES)
def test_one_answer_is_what_every_call_gives(kind: str) -> None:
    assert body(kind, n=1).get("n", 1) == 1
    assert Provider(config(kind)).prepare(ASK, n=1, unsupported="drop").left_out == ()


def test_options_of_a_registered_provider_are_given_in_a_mapping() -> None:
    provider = Provider(config("openai"))
    prepared = provider.prepare(ASK, seed=1, options={"temperature": 0, "options": {"top_p": 1}})
    assert (prepared.body["seed"], prepared.body["temperature"], prepared.body["top_p"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 1, "options": {"seed": 1}}, "seed: is given twice"),
        ({"options": [1]}, "options: must be a mapping"),
        ({"options": {"seed": "x"}}, "seed: "),
        ({"options": {"stream": True}}, "stream: is not an option; call stream() for events, or complete()"),
        ({"timeout": 0}, "timeout: must be a number of seconds"),
        ({"timeout": True}, "timeout: must be a number of seconds"),
        ({"timeout": "5"}, "timeout: must be a number of seconds"),
        ({"timeout": float("inf")}, "timeout: must be a number of seconds"),
        ({"max_attempts": 0}, "max_attempts: must be an int of at least 1"),
        ({"max_attempts": True}, "max_attempts: must be an int of at least 1"),
        ({"extra_body": {"a": [{"b": float("nan")}]}}, "extra_body: has nan, which JSON does not have"),
        ({"structured_output": 1}, "structured_outputs"),
    ],
)
def test_what_every_call_may_have_is_checked_by_its_name(options: Record, words: str) -> None:
    assert words in str(refused("openai", *ASK, **options))


CLOCKS = ["connect", "write", "read", "event", "first_event", "total"]


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_calls_own_clock_is_what_its_driver_keeps(clock: str) -> None:
    option = "timeout" if clock == "total" else f"{clock}_timeout"
    provider = Provider(config("openai", **{f"{clock}_timeout": 60}))
    plain = provider.call(ASK).timeouts
    assert getattr(plain, clock) == 60
    for seconds in (2.5, None):
        given: Options = {option: seconds}  # type: ignore[misc]  # one of its names
        timeouts = provider.call(ASK, **given).timeouts
        changed = [clock, "first_event"] if clock == "event" else [clock]
        assert timeouts == structs.replace(plain, **dict.fromkeys(changed, seconds))


def test_until_the_first_event_the_event_clock_counts_unless_another_is_given() -> None:
    plain = Provider(config("openai"))
    assert plain.call(ASK, event_timeout=5).timeouts.first_event == 5
    assert plain.call(ASK, event_timeout=5, first_event_timeout=9).timeouts.first_event == 9
    patient = Provider(config("openai", first_event_timeout=900))
    assert patient.call(ASK, event_timeout=5).timeouts.first_event == 900
    assert Provider(config("openai", event_timeout=7)).config.first_event_timeout == 7
    assert config("openai").replace(event_timeout=8).first_event_timeout == 8


@pytest.mark.parametrize("clock", CLOCKS[:-1])
def test_a_clock_that_cannot_be_is_refused_by_its_name(clock: str) -> None:
    assert f"{clock}_timeout: must be a number of seconds" in str(
        refused("openai", *ASK, **{f"{clock}_timeout": -1})
    )


def test_options_that_hold_themselves_are_refused() -> None:
    within: dict[str, Any] = {"seed": 1}
    within["options"] = within
    alone: dict[str, Any] = {}
    alone["options"] = alone
    for options in (within, alone, {"options": {"options": {"top_p": 1}}}):
        with pytest.raises(InvalidRequestError, match=r"^(options|seed): "):
            Provider(config("openai")).prepare(ASK, options=options)
    with pytest.raises(InvalidRequestError, match=r"options: .*or itself; give one mapping"):
        Provider(config("openai")).call(ASK, options=alone)


@pytest.mark.parametrize("attempts", [1, 2, 5, None])
def test_a_call_may_set_how_often_it_is_sent(attempts: int | None) -> None:
    call = Provider(config("openai", max_attempts=4)).call(ASK, max_attempts=attempts)
    sent = attempts or 4
    _, steps = run(call, *[[Lost(REFUSED)]] * sent)
    assert len([step for step in steps if isinstance(step, Send)]) == sent


FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
FORM: Record = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object"}},
}
VALUES: Record = {
    "temperature": 0.5,
    "top_p": 0.97,
    "top_k": 5,
    "max_tokens": 100,
    "stop": "x",
    "seed": 1,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "logit_bias": {"1": -100},
    "logprobs": True,
    "top_logprobs": 3,
    "n": 1,
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": FORM,
    "verbosity": "low",
    "user": "u",
    "metadata": {"user_id": "u"},
    "service_tier": "auto",
    "reasoning_effort": "low",
    "reasoning_budget": 2_000,
    "cache": True,
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "prediction": {"type": "content", "content": "x"},
    "web_search_options": {},
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "store": True,
}
"""A value for every portable option."""

AS_IT_IS = {
    *(("cache", kind) for kind in ("azure", "ollama", "vllm")),
    *(("cache", kind) for kind in RESPONSES if kind != "openai/responses"),
    *(("n", kind) for kind in ("anthropic", "ollama", *RESPONSES)),
}
"""What every answer has without being asked: one text, and a prompt that is cached automatically."""


def test_every_portable_option_has_a_value_here() -> None:
    assert VALUES.keys() == get_type_hints(PortableOptions).keys()


DECIDED_LATER = {("reasoning_budget", "anthropic"), ("store", "openrouter/responses")}
"""What a type has a place for, and refuses for its newer models, or in this value."""


@for_all(("kind", PAIRS), ("name", VALUES))
def test_no_portable_option_is_passed_over_in_silence(kind: str, name: str) -> None:
    provider = Provider(config(kind))
    asked = [Message(Role.SYSTEM, "Be brief."), *ASK]
    beside: Record = {}
    if name == "top_logprobs" and "logprobs" in provider.dialect.OPTIONS:
        beside = {"logprobs": True}
    plain = body_of(provider, asked, [FUNCTION], **beside)
    option: Record = {name: VALUES[name]}
    if name in provider.dialect.OPTIONS and (name, kind) not in DECIDED_LATER:
        sent = body_of(provider, asked, [FUNCTION], **beside, **option)
        assert (sent != plain) is ((name, kind) not in AS_IT_IS)
        return
    if (name, kind) not in AS_IT_IS:
        with pytest.raises(InvalidRequestError, match=f"^{name}: "):
            provider.prepare(asked, [FUNCTION], **option)
    if (name, kind) != ("reasoning_budget", "anthropic"):
        prepared = provider.prepare(asked, [FUNCTION], stream=False, unsupported="drop", **option)
        assert [loss.option for loss in prepared.left_out] == ([] if (name, kind) in AS_IT_IS else [name])
        assert prepared.body == plain


@for_all(("name", sorted(VALUES.keys() - {"max_tokens", "n", "cache"})))
def test_openai_has_the_name_of_every_option_that_it_takes_in_its_own_field(name: str) -> None:
    provider = Provider(config("openai"))
    if name in provider.dialect.OPTIONS:
        option: Record = {name: VALUES[name]}
        beside: Record = {"logprobs": True} if name == "top_logprobs" else {}
        assert body_of(provider, ASK, [FUNCTION], **beside, **option)[name] == VALUES[name]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("openai", {"max_tokens": 5, "max_completion_tokens": 7}),
        ("azure", {"max_completion_tokens": 7, "max_tokens": 5}),
        ("anthropic", {"max_tokens": 5, "max_completion_tokens": 7}),
        ("ollama", {"max_tokens": 5, "max_completion_tokens": 7}),
        ("vllm", {"reasoning_budget": 5, "thinking_token_budget": 7}),
    ],
)
def test_two_names_of_one_field_that_differ_are_refused_and_equal_ones_are_one(
    kind: str, options: Record
) -> None:
    error = str(refused(kind, *ASK, **options))
    assert all(name in error for name in options)
    assert "give one of them" in error
    same = dict.fromkeys(options, 7)
    assert 7 in body(kind, **same).values()
    assert 7 in body(kind, **{**same, min(same): None}).values()


@for_all(
    ("reversed_", [False, True]),
    (
        ("kind", "options"),
        [
            ("anthropic", {"stop": "a", "stop_sequences": ["b"]}),
            ("anthropic", {"user": "a", "metadata": {"user_id": "b"}}),
            ("anthropic", {"reasoning_effort": "high", "output_config": {"effort": "low"}}),
            (
                "anthropic",
                {
                    "response_format": FORM,
                    "output_config": {"format": {"type": "json_schema", "schema": {"type": "array"}}},
                },
            ),
            ("anthropic", {"thinking": {"type": "disabled"}, "reasoning_budget": 2_000}),
            ("anthropic", {"thinking": {"type": "adaptive"}, "reasoning_effort": "none"}),
            ("anthropic", {"reasoning_effort": "none", "reasoning_budget": 2_000}),
            (
                "anthropic",
                {
                    "parallel_tool_calls": True,
                    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
                },
            ),
            ("openrouter", {"reasoning": {"max_tokens": 5}, "reasoning_budget": 10}),
            ("openrouter", {"reasoning_effort": "low", "reasoning": {"effort": "high"}}),
            ("openrouter", {"cache": "1h", "cache_control": {"type": "ephemeral", "ttl": "5m"}}),
            ("ollama", {"reasoning_effort": "low", "reasoning": {"effort": "high"}}),
            ("vllm", {"max_tokens": 5, "max_completion_tokens": 7}),
        ],
    ),
)
def test_two_options_that_contradict_each_other_in_one_field_are_refused(
    kind: str, options: Record, reversed_: bool
) -> None:
    pairs = [*options.items()]
    provider = Provider(config(kind, model="claude-opus-4-1"))
    for name, value in pairs:
        provider.prepare(ASK, [FUNCTION], **{name: value})
    with pytest.raises(InvalidRequestError, match="give one of them") as caught:
        provider.prepare(ASK, [FUNCTION], **dict(pairs[::-1] if reversed_ else pairs))
    for name, value in options.items():
        assert name in str(caught.value)
        assert f"{value!r:.80}" in str(caught.value)


@pytest.mark.parametrize("names", [("reasoning", "reasoning_budget"), ("reasoning_budget", "reasoning")])
def test_a_field_of_an_object_goes_beside_the_rest_whatever_their_order_and_changes_no_argument(
    names: tuple[str, str],
) -> None:
    given: Record = {"reasoning": {"exclude": True}, "reasoning_budget": 2_000}
    sent = body("openrouter", **{name: given[name] for name in names})
    assert sent["reasoning"] == {"exclude": True, "max_tokens": 2_000}
    assert given["reasoning"] == {"exclude": True}


@pytest.mark.parametrize(
    ("kind", "option", "words"),
    [
        ("openai", {"reasoning_effort": "hihg"}, "'none', 'minimal', 'low', 'medium', 'high'"),
        ("openai", {"verbosity": "loud"}, "use one of 'low', 'medium', 'high'"),
        ("anthropic", {"service_tier": "flex"}, "use one of 'auto', 'standard_only'"),
        ("anthropic", {"cache": "2h"}, "use one of '5m', '1h'"),
        ("anthropic", {"max_tokens": -1}, "-1 cannot be sent: Expected `int` >= 0"),
    ],
)
def test_a_word_that_is_not_known_is_refused_with_those_that_are(
    kind: str, option: Record, words: str
) -> None:
    assert words in str(refused(kind, *ASK, **option))


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_azure_has_openais_ranges_on_both_of_its_apis(api: str) -> None:
    provider = Provider(config("azure", api=api))
    with pytest.raises(InvalidRequestError, match="temperature"):
        provider.prepare(ASK, temperature=2.5)


def test_a_compatible_server_knows_developers_and_custom_tools() -> None:
    said = body_of(Provider(config("compatible")), [Message(Role.DEVELOPER, "Be brief."), *ASK])["messages"]
    assert said[0]["role"] == "developer"


def test_a_compatible_server_is_left_to_say_which_words_it_takes() -> None:
    provider = Provider(config("compatible"))
    assert body_of(provider, ASK, reasoning_effort="default")["reasoning_effort"] == "default"


@pytest.mark.parametrize("kind", ["openai", "azure", "openrouter", "vllm"])
@pytest.mark.parametrize("beside", [{}, {"logprobs": False}])
def test_alternatives_to_tokens_without_their_probabilities_are_refused(kind: str, beside: Record) -> None:
    error = str(refused(kind, *ASK, top_logprobs=2, **beside))
    assert error.startswith("top_logprobs: ")
    assert "logprobs=True" in error
    assert body(kind, top_logprobs=2, logprobs=True)["top_logprobs"] == 2


def test_ollama_takes_alternatives_to_tokens_alone() -> None:
    assert body("ollama", top_logprobs=2)["top_logprobs"] == 2


@pytest.mark.parametrize(("kind", "longest"), [("openai", 64), ("azure", 64), ("anthropic", 128)])
def test_a_tool_whose_name_the_provider_refuses_is_refused_with_one_that_would_do(
    kind: str, longest: int
) -> None:
    def offer(name: str) -> Record:
        return body_of(Provider(config(kind)), ASK, [{"type": "function", "function": {"name": name}}])

    for name in ("f g", "é", "a.b", "x" * (longest + 1)):
        with pytest.raises(InvalidRequestError, match=r"^tool 0: "):
            offer(name)
    with pytest.raises(InvalidRequestError, match="'f_g'"):
        offer("f g")
    assert offer("x" * longest)["tools"]


def test_a_compatible_server_is_left_to_say_how_tools_may_be_called() -> None:
    tool = {"type": "function", "function": {"name": "f.g"}}
    for provider in (
        Provider(config("vllm")),
        Provider(config("compatible")),
    ):
        assert body_of(provider, ASK, [tool])["tools"]


@pytest.mark.parametrize(
    ("kind", "fields", "option"),
    [
        ("anthropic", {"api_version": "2026-10-21"}, {"temperature": 1}),
        ("anthropic", {"api_version": "2026-10-21"}, {"top_p": 1, "top_k": 5}),
        ("anthropic", {"model": "claude-opus-5-5"}, {"reasoning_budget": 2_000}),
        ("anthropic", {}, {"response_format": {"type": "json_object"}}),
        ("anthropic", {}, {"metadata": {"a": "b"}}),
        ("openai", {}, {"cache": "1h"}),
        ("vllm", {}, {"cache": "5m"}),
    ],
)
def test_what_a_model_or_version_has_no_place_for_may_be_dropped_and_is_then_reported(
    kind: str, fields: Record, option: Record
) -> None:
    provider = Provider(config(kind, **fields))
    with pytest.raises(InvalidRequestError, match=f"^{next(iter(option))}: "):
        provider.prepare(ASK, **option)
    prepared = provider.prepare(ASK, unsupported="drop", seed=None, **option)
    assert prepared.body == provider.prepare(ASK).body
    assert [left.option for left in prepared.left_out] == [*option]
    assert all(left.why for left in prepared.left_out)


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("anthropic", {"temperature": 2}),
        ("anthropic", {"response_format": {"type": "nope"}}),
        ("anthropic", {"cache": "2h"}),
        ("openai", {"reasoning_effort": "hihg"}),
    ],
)
def test_a_malformed_value_is_not_dropped(kind: str, option: Record) -> None:
    [name] = option
    assert str(refused(kind, *ASK, unsupported="drop", **option)).startswith(f"{name}: ")


class Stubborn(ChatDialect):
    """A dialect that has no place for what was not asked for."""

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        raise UnsupportedOptionError("top_p", "is not known")


def test_an_option_that_was_not_given_cannot_be_dropped() -> None:
    register_provider("stubborn", Stubborn, ProviderDefaults(base_url="http://localhost/v1"))
    try:
        with pytest.raises(UnsupportedOptionError, match="top_p: is not known"):
            Provider(config("stubborn")).prepare(ASK, unsupported="drop")
    finally:
        del PROVIDER_DEFAULTS["stubborn"]
