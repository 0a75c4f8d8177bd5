"""Requests of Ollama's own API, and the endpoints beside them."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from sansio import (
    AudioPart,
    ConfigError,
    DocumentPart,
    Embeddings,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    Usage,
)
from sansio.options import OllamaOptions
from tests.sansio.wires import ASK, WEATHER, Record, config, refusal_of, sent
from tests.support import for_all

KIND = "ollama/ollama"
MORE: Any = {"function": {"arguments": {"y": 2}}}
PNG = b"\x89PNG\r\n\x1a\n"


def provider(**fields: Any) -> Provider:
    return Provider(config(KIND, **fields))


def body(*messages: Message, tools: list[Record] | None = None, **options: Any) -> Record:
    return provider().prepare(messages or ASK, tools, **options).body


def test_where_it_is_and_which_addresses_are_refused() -> None:
    assert provider().prepare(ASK).url == "http://localhost:11434/api/chat"
    cloud = provider(base_url="https://ollama.com", api_key_env="OLLAMA_API_KEY")
    assert (cloud.prepare(ASK).url, cloud.config.auth_method) == ("https://ollama.com/api/chat", "bearer")
    for end in ("/v1", "/api", "/api/chat"):
        with pytest.raises(ConfigError, match="write base_url='http://gpu:11434'") as caught:
            provider(base_url=f"http://gpu:11434{end}")
        assert caught.value.field == "base_url"


def test_a_conversation_in_its_form() -> None:
    call, other = ToolCall("a", "f", {"x": 1}, extra={"function": {"new": 1}}), ToolCall("b", "g")
    answer = Message(
        "assistant",
        [ReasoningPart("Hm."), TextPart("Hi"), call, other, ImagePart(data=PNG)],
        origin=KIND,
    )
    picture: list[Part] = [
        TextPart("See"),
        ImagePart(data=PNG),
        TextPart("this"),
        ImagePart(url="data:image/png;base64,iVBORw=="),
    ]
    given = sent(
        KIND,
        Message("developer", "Be brief."),
        Message("user", [*picture, DocumentPart(data=b"text", media_type="text/plain", name="n.txt")]),
        answer,
        Message("tool", "one", "a"),
        Message("tool", "two", "b"),
        Message("user", "So?", extra={"new": True}),
    )
    assert given == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": "See\n\nthis\n\nn.txt\n\ntext",
            "images": ["iVBORw0KGgo=", "iVBORw=="],
        },
        {
            "role": "assistant",
            "content": "Hi",
            "thinking": "Hm.",
            "images": ["iVBORw0KGgo="],
            "tool_calls": [
                {"id": "a", "function": {"name": "f", "arguments": {"x": 1}, "new": 1}},
                {"id": "b", "function": {"name": "g", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "one", "tool_name": "f", "tool_call_id": "a"},
        {"role": "tool", "content": "two", "tool_name": "g", "tool_call_id": "b"},
        {"role": "user", "content": "So?", "new": True},
    ]


def test_an_invalid_call_that_was_answered_goes_back_inside_an_object() -> None:
    wrong = InvalidToolCall("a", "f", "{", "it is cut")
    given = sent(KIND, *ASK, Message("assistant", [wrong]), Message("tool", "no JSON", "a"))
    assert given[1]["tool_calls"][0]["function"]["arguments"] == {"INVALID_JSON": "{"}


def test_an_answer_of_ours_goes_back_whole_and_one_of_another_provider_with_its_reasoning() -> None:
    unread = UnknownPart("image", {"image": "?"})
    own = Message("assistant", [TextPart("Hi"), unread], origin=KIND)
    assert sent(KIND, *ASK, own, *ASK)[1]["images"] == ["?"]
    foreign = Message(
        "assistant",
        [ReasoningPart("Hm.", {"signature": "s"}), RefusalPart("No.")],
        origin="anthropic/messages",
    )
    prepared = provider().prepare([*ASK, foreign, *ASK])
    messages: Any = prepared.body["messages"]
    assert messages[1] == {"role": "assistant", "content": "No.", "thinking": "Hm."}
    assert [loss.what for loss in prepared.left_out] == ["extra: signature", "RefusalPart: sent as text"]
    other = Message(
        "assistant", [TextPart("Hi"), ServerToolPart("s"), ImagePart(url="https://e/x.png")], origin=KIND
    )
    kinds = [loss.what for loss in provider().prepare([*ASK, other, *ASK]).left_out]
    assert kinds == ["ServerToolPart", "ImagePart"]


@for_all(
    (
        ("role", "part", "word"),
        [
            ("user", ImagePart(url="https://e/x.png"), "data"),
            ("user", ImagePart(file_id="f"), "data"),
            ("user", AudioPart(data=b"x"), "TextPart"),
            ("user", DocumentPart(data=b"%PDF-"), "TextPart"),
            ("user", UnknownPart("x", {"type": "x"}), "UnknownPart"),
            ("user", TextPart("Hi", extra={"cache_control": {}}), "cache_control"),
            ("assistant", RefusalPart("No."), "TextPart"),
            ("assistant", ToolCall("a", "f", extra={"id": "b"}), "id"),
            ("assistant", ToolCall("a", "f", extra={"function": {"name": "g"}}), "function.name"),
            (
                "assistant",
                ToolCall("a", "f", {"x": 1}, extra={"function": {"arguments": {"y": 2}}}),
                "arguments",
            ),
        ],
    )
)
def test_what_has_no_place_is_refused_with_its_place(role: Any, part: Part, word: str) -> None:
    messages = [*ASK, Message(role, [TextPart("Hi"), part]), Message("tool", "x", "a")]
    with pytest.raises(InvalidRequestError, match=f"message 1, part 1.*{word}") as caught:
        provider().prepare(messages if isinstance(part, ToolCall) else messages[:2])
    assert caught.value.index == 1


@pytest.mark.parametrize("source", [{"data": b"%PDF-"}, {"url": "https://e/a.pdf"}, {"file_id": "f"}])
def test_a_document_that_no_message_may_have_is_refused_with_the_advice_to_give_its_text(source: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"application/pdf.*TextPart") as caught:
        provider().prepare([Message("user", [DocumentPart(**source)])])
    assert "user's message" not in str(caught.value)
    by_address = DocumentPart(url="https://e/a.txt", media_type="text/plain")
    with pytest.raises(InvalidRequestError, match="give its data"):
        provider().prepare([Message("user", [by_address])])


def test_an_extra_of_a_message_must_not_replace_a_typed_field() -> None:
    with pytest.raises(InvalidRequestError, match="images"):
        body(Message("user", "Hi", extra={"images": []}))


def test_options_are_where_ollama_reads_them() -> None:
    assert body(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        max_tokens=10,
        seed=1,
        stop="END",
        frequency_penalty=0.1,
        presence_penalty=0.2,
        num_ctx=8_192,
        min_p=0.1,
        use_mmap=False,
        keep_alive="5m",
        shift=False,
        cache=True,
    ) == {
        "model": "some-model",
        "messages": [{"role": "user", "content": ASK[0].text}],
        "stream": True,
        "options": {
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 40,
            "num_predict": 10,
            "seed": 1,
            "stop": ["END"],
            "frequency_penalty": 0.1,
            "presence_penalty": 0.2,
            "num_ctx": 8_192,
            "min_p": 0.1,
            "use_mmap": False,
        },
        "keep_alive": "5m",
        "shift": False,
    }


@for_all(
    (
        ("options", "fields"),
        [
            ({"reasoning_effort": "none"}, {"think": False}),
            ({"reasoning_effort": "minimal"}, {"think": "low"}),
            ({"reasoning_effort": "xhigh"}, {"think": "max"}),
            ({"reasoning_effort": None}, {"think": None}),
            ({"think": "medium"}, {"think": "medium"}),
            ({"think": False}, {"think": False}),
            ({"logprobs": True, "top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
            ({"logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
            ({"logprobs": None, "top_logprobs": None}, {"logprobs": None, "top_logprobs": None}),
            ({"logprobs": False}, {"logprobs": False, "top_logprobs": None}),
            ({"response_format": {"type": "json_object"}}, {"format": "json"}),
            ({"response_format": {"type": "text"}}, {"format": None}),
            ({"response_format": None}, {"format": None}),
            ({"response_format": {"type": "json_schema", "schema": {"a": 1}}}, {"format": {"a": 1}}),
            (
                {
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {"name": "x", "schema": {"a": 1}},
                    }
                },
                {"format": {"a": 1}},
            ),
            ({"format": "json"}, {"format": "json"}),
        ],
    )
)
def test_an_option_is_sent_as_its_field(options: Record, fields: Record) -> None:
    assert {name: body(**options).get(name) for name in fields} == fields


@for_all(
    (
        ("options", "word"),
        [
            ({"reasoning_effort": "much"}, "minimal"),
            ({"think": "much"}, "medium"),
            ({"response_format": {"type": "json_schema"}}, "format="),
            ({"response_format": {"type": "grammar"}}, "give a class"),
            ({"response_format": {"type": "grammar", "schema": {}}}, "give a class"),
            ({"response_format": {"type": "json_schema", "json_schema": "x"}}, "give a class"),
            ({"response_format": {"type": "text"}, "format": "json"}, "format"),
            ({"response_format": {"type": "json_object"}, "format": {"type": "object"}}, "format"),
            ({"response_format": {"type": "json_schema", "schema": {"a": 1}}, "format": "json"}, "format"),
            ({"tool_choice": "auto"}, "tool_choice"),
            ({"num_ctx": "big"}, "num_ctx"),
            ({"num_ctxx": 1}, "num_ctx"),
        ],
    )
)
def test_an_option_that_cannot_be_is_refused_by_name(options: Record, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word) as caught:
        body(**options)
    assert next(iter(options)) in str(caught.value)


def test_reasoning_in_the_config_is_thinking_unless_the_call_says_otherwise() -> None:
    thinks = provider(reasoning=True)
    assert thinks.prepare(ASK).body["think"] is True
    assert thinks.prepare(ASK, think="low").body["think"] == "low"
    assert thinks.prepare(ASK, reasoning_effort="none").body["think"] is False


def test_tools_are_openais_and_custom_ones_functions() -> None:
    custom = {"type": "custom", "custom": {"name": "free"}}
    tools = body(tools=[WEATHER, custom])["tools"]
    assert tools[0] == WEATHER
    assert tools[1]["function"]["parameters"]["required"] == ["input"]
    with pytest.raises(InvalidRequestError, match="parameters"):
        body(tools=[{"name": "f", "input_schema": {}}])


def test_the_list_of_models_and_embeddings_are_its_own() -> None:
    dialect = provider().dialect
    listing = dialect.list_models()
    assert listing.url == "http://localhost:11434/api/tags"
    (model,) = listing.read({"models": [{"name": "a:latest", "model": "a", "size": 3}]})  # type: ignore[misc]  # no page follows
    assert (model.id, model.name, model.extra) == ("a", "a:latest", {"size": 3})
    with pytest.raises(RemoteProtocolError, match="models"):
        listing.read({"data": []})
    with pytest.raises(RemoteProtocolError, match="name"):
        listing.read({"models": [{}]})
    asked = dialect.embed(["a", "b"], 2)
    assert (asked.url, asked.body) == (
        "http://localhost:11434/api/embed",
        {"model": "some-model", "input": ["a", "b"], "dimensions": 2},
    )
    answered: Record = {
        "model": "e",
        "embeddings": [[1, 2], [3, 4]],
        "prompt_eval_count": 5,
        "total_duration": 6,
    }
    given = asked.read(answered)
    assert isinstance(given, Embeddings)
    assert (given.vectors, given.extra) == (((1, 2), (3, 4)), {"total_duration": 6})
    assert given.usage is not None
    assert given.usage.input_tokens == 5
    bare = dialect.embed(["a"]).read({"embeddings": [[1]]})
    assert isinstance(bare, Embeddings)
    assert bare.usage is None
    wrongs: list[Record] = [{}, {"embeddings": [[1]]}]
    for wrong in wrongs:
        with pytest.raises(RemoteProtocolError, match="embeddings"):
            asked.read(wrong)
    with pytest.raises(InvalidRequestError, match="count_tokens"):
        dialect.count_tokens({})


AT_THE_TOP = ("think", "format", "keep_alive", "truncate", "shift")
OF_THE_RUN: Record = {"min_p": 0.5, "repeat_penalty": 1.1, "num_predict": 5}
"""Options of the model's run that other servers have too."""
OTHER_VALUES: Record = {"typical_p": 0.5, "use_mmap": True, "format": "json", "keep_alive": "5m"}


def test_each_option_is_at_the_top_or_of_the_models_run_and_of_its_type() -> None:
    for name in get_type_hints(OllamaOptions):
        value = OTHER_VALUES.get(name, True if name in AT_THE_TOP else 5)
        given = body(**{name: value})
        assert (given if name in AT_THE_TOP else given["options"])[name] == value
        wrong: Record = {name: ["x"]}
        with pytest.raises(InvalidRequestError, match=name):
            body(**wrong)
    for name, value in OF_THE_RUN.items():
        assert body(**{name: value})["options"] == {name: value}
        wrong = {name: "x"}
        with pytest.raises(InvalidRequestError, match=name):
            body(**wrong)


@for_all(("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"]))
def test_each_effort_is_one_that_ollama_knows(effort: str) -> None:
    nearest: Record = {"none": False, "minimal": "low", "xhigh": "max"}
    assert body(reasoning_effort=effort)["think"] == nearest.get(effort, effort)
    assert refusal_of(provider(), ASK, reasoning_effort=effort) == ""


@for_all(
    (
        "options",
        [
            {"think": "low"},
            {"think": "medium"},
            {"think": "high"},
            {"think": "max"},
            {"logprobs": 3},
            {"top_logprobs": 3},
            {"keep_alive": -1},
            {"keep_alive": 0.5},
            {"format": {"type": "object"}},
            {"response_format": {"type": "json_object"}},
            {"max_completion_tokens": 5},
        ],
    )
)
def test_ollama_takes_an_option_as_it_is_sent(options: Record) -> None:
    assert refusal_of(provider(), ASK, **options) == ""
    if "max_completion_tokens" in options:
        assert body(**options)["options"] == {"num_predict": 5}


WRONG: Record = {"think": "much", "top_logprobs": "3", "keep_alive": [5], "cache": 5, "shift": 5}


@for_all(("name", WRONG))
def test_an_option_of_another_type_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InvalidRequestError, match=name):
        body(**{name: WRONG[name]})


def test_the_fields_of_a_message_are_no_extra_of_one() -> None:
    for name in ("role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"):
        with pytest.raises(InvalidRequestError, match=name) as caught:
            body(*ASK, Message("user", "Hi", extra={name: []}))
        assert caught.value.index == 1


def test_the_fields_of_an_answer_that_no_message_has_are_not_sent() -> None:
    answer = Message("assistant", "Hi", origin=KIND, extra={"total_duration": 5})
    assert sent(KIND, *ASK, answer, *ASK)[1] == {"role": "assistant", "content": "Hi"}


def test_all_extra_fields_of_a_part_are_named() -> None:
    part = TextPart("Hi", extra={"one": 1, "two": 2})
    with pytest.raises(InvalidRequestError, match="one, two"):
        body(Message("user", [part]))


@for_all(
    (
        ("row", "name"),
        [
            ({"name": "m", "size": 5}, "m"),
            ({"model": "m", "size": 5}, None),
            ({"name": "n", "model": "m", "size": 5}, "n"),
        ],
    )
)
def test_a_model_of_the_list_may_have_either_name(row: Record, name: str | None) -> None:
    listed = provider().dialect.list_models().read({"models": [row]})
    assert isinstance(listed, tuple)
    assert [(model.id, model.name, model.extra) for model in listed] == [("m", name, {"size": 5})]


def test_vectors_have_as_many_dimensions_as_the_model_gives_them_by_default() -> None:
    assert provider().dialect.embed(["a"]).body == {"model": "some-model", "input": ["a"]}


def test_vectors_have_their_model_and_the_tokens_that_they_cost() -> None:
    data: Record = {"model": "m", "embeddings": [[1, 2]], "prompt_eval_count": 3, "total_duration": 5}
    found = provider().dialect.embed(["a"]).read(data)
    assert found == Embeddings(
        vectors=((1, 2),), model="m", usage=Usage(input_tokens=3), extra={"total_duration": 5}
    )
