"""Requests of Cohere's chat, and the endpoints beside them."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    AudioPart,
    Citation,
    ConfigError,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    JSONObject,
    Message,
    NextPage,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.wires import ASK, WEATHER, Record, config, refusal_of, sent
from tests.support import for_all

KIND = "cohere"
PLAN: JSONObject = {"field": "tool_plan"}
PNG = b"\x89PNG\r\n\x1a\n"


def provider(**fields: Any) -> Provider:
    return Provider(config(KIND, **fields))


def body(*messages: Message, tools: list[Record] | None = None, **options: Any) -> Record:
    return provider().prepare(messages or ASK, tools, **options).body


def test_where_it_is_and_which_addresses_are_refused() -> None:
    made = provider()
    assert made.prepare(ASK).url == "https://api.cohere.com/v2/chat"
    assert made.config.key_variables == ("CO_API_KEY", "COHERE_API_KEY")
    for end in ("/v1", "/v2", "/v2/chat", "/compatibility/v1"):
        with pytest.raises(ConfigError, match=r"write base_url='https://api\.cohere\.ai'") as caught:
            provider(base_url=f"https://api.cohere.ai{end}")
        assert ("type='compatible'" in str(caught.value)) is (end == "/compatibility/v1")


def test_a_conversation_in_its_form() -> None:
    call = ToolCall("a", "f", {"x": 1}, '{"x": 1}', extra={"new": 1})
    span = Citation(start=0, end=2, extra={"text": "Hi", "sources": [], "type": "TEXT_CONTENT"})
    of_thinking: JSONObject = {"start": 0, "end": 1, "type": "THINKING_CONTENT"}
    of_plan: JSONObject = {"start": 0, "end": 1, "type": "PLAN"}
    answer = Message(
        "assistant",
        [
            ReasoningPart("Hm.", {"citations": [of_thinking], "new": 1}),
            TextPart("Hi", (span, Citation())),
            ReasoningPart("I will ", {**PLAN, "citations": [of_plan]}),
            ReasoningPart("call f.", PLAN),
            call,
            ToolCall("b", "g"),
        ],
        origin="cohere/cohere",
    )
    text = DocumentPart(data=b"text", media_type="text/plain")
    named = DocumentPart(data=b"text", media_type="text/plain", name="n.txt")
    image = ImagePart(data=PNG, media_type="image/jpeg", detail="low", extra={"image_url": {"new": 1}})
    given = sent(
        KIND,
        Message("developer", "Be brief."),
        Message("user", [TextPart("See"), image, ImagePart(url="https://e/x.png"), named]),
        answer,
        Message("tool", "one", "a"),
        Message("tool", [TextPart("two"), text, named, UnknownPart("x", {"type": "x"})], "b"),
        Message("assistant", "Done.", origin="cohere/cohere"),
        Message("user", "So?", extra={"new": True}),
    )
    function = {"name": "f", "arguments": '{"x": 1}'}
    assert given == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low", "new": 1},
                },
                {"type": "image_url", "image_url": {"url": "https://e/x.png"}},
                {"type": "text", "text": "n.txt\n\ntext"},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm.", "new": 1}, {"type": "text", "text": "Hi"}],
            "tool_plan": "I will call f.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": function, "new": 1},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
            "citations": [
                of_thinking,
                {"start": 0, "end": 2, **span.extra, "content_index": 1},
                {"content_index": 1},
                of_plan,
            ],
        },
        {"role": "tool", "content": "one", "tool_call_id": "a"},
        {
            "role": "tool",
            "content": [
                {"type": "text", "text": "two"},
                {"type": "document", "document": {"data": {"text": "text"}}},
                {"type": "document", "document": {"data": {"text": "text", "title": "n.txt"}}},
                {"type": "x"},
            ],
            "tool_call_id": "b",
        },
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "So?", "new": True},
    ]


def test_an_invalid_call_that_was_answered_goes_back_inside_an_object() -> None:
    wrong = InvalidToolCall("a", "f", "{", "it is cut")
    given = sent(KIND, *ASK, Message("assistant", [wrong]), Message("tool", "no JSON", "a"))
    assert given[1]["tool_calls"][0]["function"]["arguments"] == '{"INVALID_JSON":"{"}'


def test_a_call_without_arguments_goes_back_with_an_empty_object() -> None:
    for call in (ToolCall("a", "f", {}, ""), ToolCall("a", "f", {}, " "), ToolCall("a", "f")):
        given = sent(KIND, *ASK, Message("assistant", [call]), Message("tool", "1", "a"))
        assert given[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


def test_a_plan_whose_calls_were_cut_is_left_out() -> None:
    plan, cut = ReasoningPart("I will.", PLAN), InvalidToolCall("a", "f", "{", "cut")
    answer = Message("assistant", (plan, cut), origin="cohere/cohere")
    prepared = provider().prepare([*ASK, answer, *ASK])
    assert [loss.what for loss in prepared.left_out] == ["InvalidToolCall", "ReasoningPart", "Message"]
    messages: Any = prepared.body["messages"]
    assert [message["role"] for message in messages] == ["user", "user"]
    said = Message("assistant", (plan, TextPart("Hi")), origin="cohere/cohere")
    assert provider().prepare([*ASK, said, *ASK]).left_out == ()


def test_answers_of_others_lose_their_reasoning_and_empty_ones_are_left_out() -> None:
    foreign = Message("assistant", [ReasoningPart("Hm."), RefusalPart("No.")], origin="anthropic/messages")
    empty = Message("assistant", "", origin="openai/chat")
    sound = Message("assistant", [TextPart("Hi"), ImagePart(data=PNG)], origin="cohere/cohere")
    prepared = provider().prepare([*ASK, foreign, *ASK, empty, *ASK, sound, *ASK])
    messages: Any = prepared.body["messages"]
    assert [message["role"] for message in messages].count("assistant") == 2
    lost = [loss.what for loss in prepared.left_out]
    assert lost == ["ReasoningPart", "RefusalPart: sent as text", "Message", "ImagePart"]


@for_all(
    (
        ("role", "part", "word"),
        [
            ("user", ImagePart(file_id="f"), "data"),
            ("system", ImagePart(data=PNG), "in a message of the role system; put it into a user's message"),
            ("user", AudioPart(data=b"x"), "TextPart"),
            ("user", DocumentPart(data=b"%PDF-"), "TextPart"),
            ("user", ReasoningPart("Hm."), "leave it out"),
            ("user", TextPart("Hi", extra={"text": "b"}), "text"),
            ("assistant", RefusalPart("No."), "TextPart"),
            ("assistant", TextPart("Hi", extra={"type": "b"}), "type"),
            ("assistant", ReasoningPart("Hm.", {"thinking": "b"}), "thinking"),
            ("assistant", ToolCall("a", "f", extra={"id": "b"}), "id"),
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
    with pytest.raises(InvalidRequestError, match="citations"):
        body(*ASK, Message("assistant", "Hi", extra={"citations": []}), *ASK)


def test_options_under_coheres_names() -> None:
    documents: list[Any] = ["a", {"id": "b", "data": {}}]
    given = body(
        temperature=1.5,
        top_p=0.9,
        top_k=40,
        max_tokens=10,
        seed=1,
        stop="END",
        frequency_penalty=0.1,
        presence_penalty=0.2,
        logprobs=True,
        documents=documents,
        citation_options={"mode": "FAST"},
        safety_mode="STRICT",
        priority=1,
        cache=True,
    )
    assert {name: value for name, value in given.items() if name not in ("model", "messages", "stream")} == {
        "temperature": 1.5,
        "p": 0.9,
        "k": 40,
        "max_tokens": 10,
        "seed": 1,
        "stop_sequences": ["END"],
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "logprobs": True,
        "documents": documents,
        "citation_options": {"mode": "FAST"},
        "safety_mode": "STRICT",
        "priority": 1,
    }


SCHEMA = {"type": "json_object", "json_schema": {"a": 1}}
OTHER: Record = {"type": "function", "function": {"name": "other"}}
FORCED: Record = {"type": "function", "function": {"name": "get_weather"}}
BOTH: Record = {"tools": [WEATHER, OTHER]}


def allowed(*tools: Record, **more: Any) -> Record:
    """A choice of some of the tools, in OpenAI's form."""
    return {"type": "allowed_tools", "allowed_tools": {"tools": [*tools], **more}}


@for_all(
    (
        ("options", "fields"),
        [
            ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
            ({"reasoning_effort": None, "reasoning_budget": None}, {"thinking": None}),
            ({"reasoning_budget": 9}, {"thinking": {"type": "enabled", "token_budget": 9}}),
            ({"thinking": {"type": "enabled"}}, {"thinking": {"type": "enabled"}}),
            ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
            ({"response_format": SCHEMA}, {"response_format": SCHEMA}),
            ({"response_format": None}, {"response_format": None}),
            ({"response_format": {"type": "json_schema", "schema": {"a": 1}}}, {"response_format": SCHEMA}),
            (
                {
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {"name": "x", "strict": True, "schema": {"a": 1}},
                    }
                },
                {"response_format": SCHEMA},
            ),
            ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
            ({"tool_choice": "auto"}, {"tool_choice": None}),
            ({"tool_choice": None}, {"tool_choice": None}),
            ({"tool_choice": {"type": "auto"}}, {"tool_choice": None}),
            ({"tool_choice": {"type": "none"}}, {"tool_choice": "NONE"}),
            ({"tool_choice": {"type": "any"}}, {"tool_choice": "REQUIRED"}),
            ({"tool_choice": "required"}, {"tool_choice": "REQUIRED"}),
            ({"tool_choice": "NONE"}, {"tool_choice": "NONE"}),
            ({"tool_choice": "none"}, {"tool_choice": "NONE"}),
            ({"tool_choice": "any"}, {"tool_choice": "REQUIRED"}),
            ({"tool_choice": "REQUIRED"}, {"tool_choice": "REQUIRED"}),
            (
                {"tool_choice": {"type": "tool", "name": "other"}},
                {"tool_choice": "REQUIRED", "tools": [OTHER]},
            ),
            ({"tool_choice": allowed(OTHER, FORCED, mode="required")}, BOTH | {"tool_choice": "REQUIRED"}),
            ({"tool_choice": allowed(FORCED)}, {"tool_choice": None, "tools": [WEATHER]}),
            ({"response_format": {"type": "text"}}, {"response_format": {"type": "text"}}),
            ({"max_completion_tokens": 5}, {"max_tokens": 5}),
            ({"stop_sequences": ["END"]}, {"stop_sequences": ["END"]}),
            ({"strict_tools": True}, {"strict_tools": True}),
            ({"safety_mode": "CONTEXTUAL"}, {"safety_mode": "CONTEXTUAL"}),
            ({"safety_mode": "OFF"}, {"safety_mode": "OFF"}),
            (
                {"reasoning_budget": 9, "thinking": {"x": 1}},
                {"thinking": {"x": 1, "type": "enabled", "token_budget": 9}},
            ),
            ({"tool_choice": FORCED}, {"tool_choice": "REQUIRED", "tools": [WEATHER]}),
            (
                {
                    "tool_choice": {
                        "type": "allowed_tools",
                        "allowed_tools": {"mode": "auto", "tools": [OTHER]},
                    }
                },
                {"tool_choice": None, "tools": [OTHER]},
            ),
        ],
    )
)
def test_an_option_is_sent_as_its_field(options: Record, fields: Record) -> None:
    given = body(tools=[WEATHER, OTHER], **options)
    assert {name: given.get(name) for name in fields} == fields
    if "x" not in (options.get("thinking") or ()):
        assert refusal_of(provider(), ASK, [WEATHER, OTHER], **options) == ""


@for_all(
    (
        ("options", "word"),
        [
            ({"reasoning_effort": "high"}, "reasoning_budget"),
            ({"response_format": {"type": "json_schema"}}, "give a class"),
            ({"response_format": {"type": "json_schema", "json_schema": "x"}}, "give a class"),
            ({"response_format": {"type": "grammar", "schema": {}}}, "'grammar'.*give a class"),
            ({"tool_choice": {"type": "function", "function": "f"}}, "names no tool"),
            ({"tool_choice": allowed({"type": "mcp"}), "tools": [WEATHER]}, "names no tool"),
            ({"reasoning_budget": 0}, "0"),
            ({"temperature": -0.1}, "0"),
            ({"max_tokens": -1}, "0"),
            ({"max_completion_tokens": -1}, "0"),
            ({"stop": [*"abcdef"]}, "5"),
            ({"stop_sequences": [*"abcdef"]}, "5"),
            ({"tool_choice": "must"}, "required"),
            ({"tool_choice": "required"}, "give tools"),
            ({"tool_choice": FORCED}, "there is no tool"),
            ({"tool_choice": {"type": "function", "name": "f"}}, "function"),
            ({"tool_choice": {"type": "mcp"}, "tools": [WEATHER]}, "'mcp'.* names no tool"),
            ({"top_k": 501}, "500"),
            ({"frequency_penalty": -1}, "0"),
            ({"safety_mode": "NONE"}, "CONTEXTUAL"),
            ({"user": "me"}, "unsupported='drop'"),
        ],
    )
)
def test_an_option_that_cannot_be_is_refused_by_name(options: Record, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word) as caught:
        body(**options)
    assert next(iter(options)) in str(caught.value)


@for_all(("options", [{"temperature": 0}, {"max_tokens": 0}, {"stop": [*"abcde"]}, {"reasoning_budget": 1}]))
def test_an_option_with_one_end_is_taken_up_to_it(options: Record) -> None:
    assert refusal_of(provider(), ASK, **options) == ""


@for_all(
    (
        "options",
        [
            {"response_format": {"type": "x" * 5_000}},
            {"tool_choice": {"type": "x" * 5_000}, "tools": [WEATHER]},
        ],
    )
)
def test_what_is_refused_is_shown_in_part(options: Record) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body(**options)
    assert "xxx" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_refused_is_not_padded() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body(response_format={"type": "x"})
    assert "  " not in str(caught.value)
    with pytest.raises(InvalidRequestError) as caught:
        body(tool_choice={"type": "x"}, tools=[WEATHER])
    assert "  " not in str(caught.value)


def test_reasoning_in_the_config_is_thinking_unless_the_call_says_otherwise() -> None:
    thinks = provider(reasoning=True)
    assert thinks.prepare(ASK).body["thinking"] == {"type": "enabled"}
    assert thinks.prepare(ASK, reasoning_effort="none").body["thinking"] == {"type": "disabled"}


def test_strict_is_said_once_for_all_tools() -> None:
    strict: Record = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {}}}
    loose: Record = {"type": "function", "function": {"name": "g", "strict": False}}
    given = body(tools=[strict, loose, {"type": "own"}])
    assert given["strict_tools"] is True
    assert [tool.get("function") for tool in given["tools"]] == [
        {"name": "f", "parameters": {}},
        {"name": "g"},
        None,
    ]
    assert "strict_tools" not in body(tools=[loose])


def test_the_list_of_models_has_pages() -> None:
    listing = provider().dialect.list_models()
    assert listing.url == "https://api.cohere.com/v1/models?page_size=1000"
    page = listing.read(
        {"models": [{"name": "a", "context_length": 8, "finetuned": False}], "next_page_token": "t&"}
    )
    assert isinstance(page, NextPage)
    assert page.query == "page_token=t%26"
    models = page.read({"models": [{"name": "b"}]})
    assert isinstance(models, tuple)
    assert [(model.id, model.context_window, model.extra) for model in models] == [
        ("a", 8, {"finetuned": False}),
        ("b", None, {}),
    ]
    wrongs: list[Record] = [{"models": [], "next_page_token": token} for token in ("t&", 5)]
    for wrong in wrongs:
        with pytest.raises(RemoteProtocolError, match="next_page_token"):
            page.read(wrong)
    with pytest.raises(RemoteProtocolError, match="name"):
        listing.read({"models": [{}]})


def test_tokens_are_those_of_the_texts() -> None:
    made = provider()
    unread = UnknownPart("x", {"type": "x"})
    plan = Message(
        "assistant",
        [unread, ReasoningPart("I will.", PLAN), ReasoningPart("Hm."), TextPart("Hi")],
        origin="cohere/cohere",
    )
    prepared = made.prepare([Message("user", [TextPart("a"), TextPart("b")]), plan, Message("user", "c")])
    asked = made.dialect.count_tokens(prepared.body)
    assert (asked.url, asked.body) == (
        "https://api.cohere.com/v1/tokenize",
        {"model": "some-model", "text": "a\nb\nI will.\nHm.\nHi\nc"},
    )
    assert asked.read({"tokens": [1, 2, 3]}) == 3
    with pytest.raises(RemoteProtocolError, match="tokens"):
        asked.read({})


def test_embeddings_of_documents() -> None:
    asked = provider().dialect.embed(["a", "b"], 2)
    assert (asked.url, asked.body) == (
        "https://api.cohere.com/v2/embed",
        {
            "model": "some-model",
            "texts": ["a", "b"],
            "input_type": "search_document",
            "embedding_types": ["float"],
            "output_dimension": 2,
        },
    )
    meta: Record = {"billed_units": {"input_tokens": 2}}
    vectors: Record = {"float": [[1, 2], [3, 4]]}
    given = asked.read({"id": "e", "embeddings": vectors, "texts": ["a", "b"], "meta": meta})
    assert not isinstance(given, NextPage)
    assert (given.vectors, given.extra) == (((1, 2), (3, 4)), {"id": "e", "meta": meta})
    assert given.usage is not None
    assert given.usage.input_tokens == 2
    bare = asked.read({"embeddings": vectors})
    assert not isinstance(bare, NextPage)
    assert bare.usage is None
    wrongs: list[Record] = [{}, {"embeddings": {}}, {"embeddings": {"float": [[1]]}}]
    for wrong in wrongs:
        with pytest.raises(RemoteProtocolError, match="embeddings"):
            asked.read(wrong)


def test_a_tool_of_free_text_may_be_forced() -> None:
    note: Record = {"type": "custom", "custom": {"name": "note", "description": "Notes."}}
    given = body(tools=[WEATHER, note], tool_choice={"type": "custom", "custom": {"name": "note"}})
    assert [tool["function"]["name"] for tool in given["tools"]] == ["note"]
    assert given["tool_choice"] == "REQUIRED"


WRONG: Record = {
    "stop_sequences": "END",
    "documents": "a",
    "citation_options": "FAST",
    "safety_mode": "strict",
    "strict_tools": "yes",
    "priority": "first",
    "thinking": "enabled",
    "logprobs": 3,
    "max_completion_tokens": "5",
    "cache": "yes",
}


@for_all(("name", WRONG))
def test_an_option_of_another_type_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InvalidRequestError, match=name):
        body(**{name: WRONG[name]})


@for_all(
    (
        ("name", "least", "most"),
        [("top_p", 0, 1), ("top_k", 0, 500), ("frequency_penalty", 0, 1), ("presence_penalty", 0, 1)],
    )
)
def test_an_option_with_a_range_is_taken_up_to_its_ends_by_the_fake_too(
    name: str, least: int, most: int
) -> None:
    fractions = name != "top_k"
    for value in (least, most, *([0.5] if fractions else ())):
        options: Record = {name: value}
        assert refusal_of(provider(), ASK, **options) == ""
    for value in (least - 1, most + 1, *([most + 0.5] if fractions else ())):
        options = {name: value}
        with pytest.raises(InvalidRequestError, match=name):
            body(**options)


def test_the_fields_of_a_message_are_no_extra_of_one() -> None:
    for name in ("role", "content", "tool_plan", "tool_calls", "tool_call_id", "citations"):
        for role in ("user", "assistant"):
            with pytest.raises(InvalidRequestError, match=name) as caught:
                body(*ASK, Message(role, "Hi", extra={name: []}), *ASK)
            assert caught.value.index == 1
        called = Message("assistant", [ToolCall("a", "f")], extra={name: []})
        with pytest.raises(InvalidRequestError, match=name):
            body(*ASK, called, Message("tool", "1", "a"))


CALLS = (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {}))
TEXT = DocumentPart(data=b"text", media_type="text/plain", name="n.txt")


@for_all(
    (
        "messages",
        [
            [Message("system", "Be brief."), Message("developer", [TextPart("Be kind.")]), *ASK],
            [Message("user", [TextPart("See"), ImagePart(data=PNG), TEXT])],
            [*ASK, Message("assistant", [ReasoningPart("Hm."), TextPart("Hi")]), *ASK],
            [
                *ASK,
                Message("assistant", [ReasoningPart("I will.", PLAN), *CALLS]),
                Message("tool", "1", "a"),
                Message("tool", [TextPart("2"), TEXT], "b"),
            ],
        ],
    )
)
def test_cohere_takes_a_conversation_as_it_is_sent(messages: list[Message]) -> None:
    assert refusal_of(provider(), messages) == ""


def test_a_block_of_a_new_kind_goes_back_and_a_document_keeps_its_other_fields() -> None:
    new = UnknownPart("new", {"type": "new", "x": 1})
    prepared = provider().prepare(
        [*ASK, Message("assistant", [TextPart("Hi"), new], origin="cohere/cohere"), *ASK]
    )
    messages: Any = prepared.body["messages"]
    assert prepared.left_out == ()
    assert messages[1]["content"][1] == {"type": "new", "x": 1}
    document = DocumentPart(data=b"text", media_type="text/plain", extra={"x": 1})
    (_, _, result) = sent(KIND, *ASK, Message("assistant", CALLS[:1]), Message("tool", [document], "a"))
    assert result["content"] == [{"type": "document", "document": {"data": {"text": "text"}}, "x": 1}]
    assert sent(KIND, Message("user", [document]))[0]["content"] == [{"type": "text", "text": "text", "x": 1}]
    extra = TextPart("Hi", extra={"x": 1})
    assert sent(KIND, *ASK, Message("assistant", [extra]), *ASK)[1]["content"] == [
        {"type": "text", "text": "Hi", "x": 1}
    ]


def test_a_citation_of_thinking_names_its_block_where_it_is_not_the_first() -> None:
    of_thinking: JSONObject = {"start": 0, "end": 1}
    thought = ReasoningPart("Hm.", {"citations": [of_thinking]})
    cases: list[tuple[list[Part], JSONObject]] = [
        ([thought, TextPart("a")], of_thinking),
        ([TextPart("a"), thought], {**of_thinking, "content_index": 1}),
    ]
    for parts, wanted in cases:
        answer = Message("assistant", parts, origin="cohere/cohere")
        assert sent(KIND, *ASK, answer, *ASK)[1]["citations"] == [wanted]


def test_an_id_of_the_request_in_a_header_goes_before_that_in_the_body() -> None:
    dialect = provider().dialect
    headers = (("x-request-id", "h"),)
    assert dialect.parse_error(400, headers, '{"id": "r", "message": "no"}').request_id == "h"
    assert dialect.parse_error(400, (), '{"id": "r", "message": "no"}').request_id == "r"
    assert dialect.parse_error(400, (), '{"id": 5, "message": "no"}').request_id is None


def test_its_own_answer_goes_back_with_its_invalid_calls_if_they_have_results() -> None:
    parts: list[Part] = [ReasoningPart("I will.", PLAN), InvalidToolCall("a", "f", "{", "cut")]
    answer = Message("assistant", parts, origin="cohere/cohere")
    prepared = provider().prepare([*ASK, answer, Message("tool", "no", "a")])
    assert prepared.left_out == ()
    messages: Any = prepared.body["messages"]
    assert [call["id"] for call in messages[1]["tool_calls"]] == ["a"]


def test_vectors_have_as_many_dimensions_as_the_model_gives_them_by_default() -> None:
    body_: Any = provider().dialect.embed(["a"]).body
    assert "output_dimension" not in body_


@for_all(
    (
        "part",
        [ToolCall("a", "f"), InvalidToolCall("a", "f", "{", "cut"), ReasoningPart("Hm."), RefusalPart("No.")],
    )
)
def test_the_dialect_itself_refuses_what_only_an_answer_has(part: Part) -> None:
    for role in ("user", "system", "tool"):
        message = Message(role, [TextPart("Hi"), part], "a" if role == "tool" else None)
        with pytest.raises(InvalidRequestError, match=f"message 1, part 1.*{type(part).__name__}") as caught:
            provider().dialect.build_request_body([*ASK, message], [], False)
        assert caught.value.index == 1
