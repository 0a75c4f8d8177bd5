"""Requests of Converse: what is written where, and what is refused before it is sent."""

from __future__ import annotations

import string
from typing import Any

import pytest

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    Role,
    ServerToolPart,
    StreamParser,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.converse import ConverseDialect
from sansio.families.fields import base64_text
from sansio.providers import dialect_named
from tests.sansio.families.converse.frames import CLAUDE, GPT, NOVA, Record, provider
from tests.sansio.wires import ASK, WEATHER
from tests.support import for_each

PNG = b"\x89PNG\r\n\x1a\n"
REDACTED: Record = {"redactedContent": "eA=="}


def body(messages: list[Message], tools: list[Record] | None = None, *, model: str = "m", **more: Any) -> Any:
    return provider(model).prepare(messages, tools, **more).body


def refusal(messages: list[Message], tools: list[Record] | None = None, **more: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        body(messages, tools, **more)
    return caught.value


def test_the_model_is_one_segment_of_the_path() -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"
    base = "https://bedrock-runtime.eu-west-1.amazonaws.com/model"
    quoted = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-lite-v1%3A0"
    assert provider(arn).prepare(ASK).url == f"{base}/{quoted}/converse-stream"
    assert provider(arn).prepare(ASK, stream=False).url == f"{base}/{quoted}/converse"
    assert "model" not in body(ASK)
    for step in (".", ".."):
        assert "model" in str(refusal(ASK, model=step))


def test_turns_alternate_and_results_are_in_the_user_s() -> None:
    calls = (ToolCall("a", "f", {"x": 1}), InvalidToolCall("b", "g", "{cut", "cut"))
    sent = body(
        [
            Message(Role.SYSTEM, "Be brief."),
            Message(Role.DEVELOPER, "Be kind."),
            Message(Role.USER, "Hi"),
            Message(Role.ASSISTANT, calls),
            Message(Role.TOOL, "1", tool_call_id="a", extra={"status": "success"}),
            Message(Role.TOOL, "", tool_call_id="b", is_error=True),
            Message(Role.USER, "Go on."),
            Message(Role.SYSTEM, "Be quick."),
        ],
        [WEATHER],
    )
    assert sent["system"] == [{"text": "Be brief."}, {"text": "Be kind."}]
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user", "system"]
    assert sent["messages"][1]["content"][1]["toolUse"]["input"] == {"INVALID_JSON": "{cut"}
    assert sent["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "a", "content": [{"text": "1"}], "status": "success"}},
        {"toolResult": {"toolUseId": "b", "content": [], "status": "error"}},
        {"text": "Go on."},
    ]


def test_an_answer_goes_back_as_it_was_and_blank_texts_are_left_out() -> None:
    parts = (
        ReasoningPart("Hm.", {"signature": "s"}),
        ReasoningPart("", REDACTED),
        ServerToolPart("server_tool_use", "t", "f", {}),
        TextPart("Hi"),
    )
    answer = Message(
        Role.ASSISTANT, (*parts, TextPart(" ")), origin="bedrock/converse", extra={"metrics": {}}
    )
    sent = body([*ASK, answer, *ASK], [WEATHER])["messages"][1]["content"]
    assert [next(iter(block)) for block in sent] == [
        "reasoningContent",
        "reasoningContent",
        "toolUse",
        "text",
    ]
    own = Message(Role.ASSISTANT, (TextPart(" "), TextPart("Hi")))
    assert body([*ASK, own, *ASK])["messages"][1]["content"] == [{"text": "Hi"}]


def test_tools_are_written_in_their_form() -> None:
    custom: Record = {"type": "custom", "custom": {"name": "shell", "description": "Runs."}}
    bare: Record = {"type": "function", "function": {"name": "f", "description": "", "strict": None}, "x": 1}
    own: Record = {"type": "systemTool", "systemTool": {"name": "nova_grounding"}}
    sent = body(ASK, [WEATHER, custom, bare, own])["toolConfig"]["tools"]
    weather = WEATHER["function"]
    assert sent[0]["toolSpec"] == {
        "name": weather["name"],
        "description": weather["description"],
        "inputSchema": {"json": weather["parameters"]},
    }
    assert sent[1]["toolSpec"]["inputSchema"]["json"]["required"] == ["input"]
    assert sent[2]["toolSpec"] == {
        "name": "f",
        "x": 1,
        "inputSchema": {"json": {"type": "object", "properties": {}}},
    }
    assert sent[3] == {"systemTool": {"name": "nova_grounding"}}


OTHER_TOOLS: list[tuple[Record, str]] = [
    ({"type": "web_search", "name": "w"}, "tool 0"),
    ({"name": "f", "input_schema": {}}, "parameters"),
    ({"type": "systemTool"}, '"systemTool": {...}'),
    ({"type": "systemTool", "systemTool": "nova_grounding"}, '"systemTool": {...}'),
    ({"type": "cachePoint"}, '"cachePoint": {...}'),
    ({"type": "function", "function": {"name": "a b"}}, "a_b"),
]


@for_each(OTHER_TOOLS)
def test_a_tool_of_another_form_is_refused(case: tuple[Record, str]) -> None:
    tool, words = case
    assert words in str(refusal(ASK, [tool]))


def test_documents_have_names_of_few_characters() -> None:
    parts = (
        DocumentPart(data=b"%PDF-1.7", name="my report.final_2 (a) [b]-c.pdf"),
        DocumentPart(data=b"x", media_type="text/plain"),
        UnknownPart("document", {"document": {"format": "txt", "source": {"text": "x"}}}),
    )
    result = Message(Role.TOOL, (DocumentPart(data=b"y", media_type="text/plain"),), tool_call_id="a")
    called = Message(Role.ASSISTANT, (ToolCall("a", "f", {}),))
    turns = body([Message(Role.USER, parts), called, result], [WEATHER])["messages"]
    named = [block["document"]["name"] for block in turns[0]["content"]]
    assert named == ["my report final_2 (a) [b]-c pdf", "Document 2", "Document 3"]
    assert turns[2]["content"][0]["toolResult"]["content"][0]["document"]["name"] == "Document 4"


SAME_NAMES: list[tuple[list[str | None], list[str]]] = [
    (["a.pdf", "a,pdf", "a pdf", "b"], ["a pdf", "a pdf 2", "a pdf 3", "b"]),
    (["Document 2", None, None], ["Document 2", "Document 3", "Document 4"]),
    ([None, "Document 1"], ["Document 1", "Document 1 2"]),
    (["x" * 200, "x" * 200], ["x" * 200, "x" * 198 + " 2"]),
    (["x" * 197 + " yz"] * 2, ["x" * 197 + " yz", "x" * 197 + " 2"]),
    (["a 2", "a", "a"], ["a 2", "a", "a 3"]),
]


@for_each(SAME_NAMES)
def test_no_two_documents_have_the_same_name(case: tuple[list[str | None], list[str]]) -> None:
    given, sent = case
    documents = [DocumentPart(data=b"x", media_type="text/plain", name=name) for name in given]
    result = Message(Role.TOOL, tuple(documents[1:]), tool_call_id="a")
    called = Message(Role.ASSISTANT, (ToolCall("a", "f", {}),))
    turns = body([Message(Role.USER, tuple(documents[:1])), called, result], [WEATHER])["messages"]
    blocks = [*turns[0]["content"], *turns[2]["content"][0]["toolResult"]["content"]]
    assert [block["document"]["name"] for block in blocks] == sent


@for_each([None, 5, "x", [5, None], [{"document": 5}], {"document": {}}])
def test_a_result_of_another_form_in_an_answer_is_sent_as_it_was(content: Any) -> None:
    block = {"toolResult": {"toolUseId": "1", "content": content}}
    whole: Any = {"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": "end_turn"}
    message = dialect_named("bedrock/converse").parse_response(whole)
    assert body([*ASK, message, *ASK], [WEATHER])["messages"][1]["content"] == [block]


def test_naming_a_document_changes_no_answer() -> None:
    document: Record = {"document": {"format": "txt", "name": "a.txt", "source": {"text": "x"}}}
    block: Record = {"toolResult": {"toolUseId": "1", "content": [document]}}
    whole: Any = {"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": "end_turn"}
    message = dialect_named("bedrock/converse").parse_response(whole)
    sent = body([*ASK, message, *ASK], [WEATHER])["messages"][1]["content"]
    assert sent[0]["toolResult"]["content"][0]["document"]["name"] == "a txt"
    (part,) = message.parts
    assert isinstance(part, ServerToolPart)
    assert part.output == [{"document": {"format": "txt", "name": "a.txt", "source": {"text": "x"}}}]


@for_each(["toolResult", "document"])
def test_an_extra_field_with_the_name_of_a_block_may_have_any_value(name: str) -> None:
    (turn,) = body([Message(Role.USER, (TextPart("a", extra={name: 5}),))], [WEATHER])["messages"]
    assert turn["content"] == [{"text": "a", name: 5}]


def test_calls_may_have_their_tools_in_the_extra_body() -> None:
    messages = [
        *ASK,
        Message(Role.ASSISTANT, (ToolCall("a", "f", {}),)),
        Message(Role.TOOL, "1", tool_call_id="a"),
    ]
    config = body(messages, [WEATHER])["toolConfig"]
    assert body(messages, extra_body={"toolConfig": config}) == body(messages, [WEATHER])
    assert "tools again" in str(refusal(messages))
    assert "tools again" in str(refusal(messages, [WEATHER], extra_body={"toolConfig": None}))
    odd: list[Any] = [5, [5], [{"content": 5}], [{"content": [5]}]]
    for value in odd:
        assert body(messages, extra_body={"messages": value})["messages"] == value


def test_files_are_sent_as_data_or_from_s3() -> None:
    url = f"data:image/png;base64,{base64_text(PNG)}"
    content = body([Message(Role.USER, (ImagePart(url=url), ImagePart(url="s3://b/k.png")))])
    assert content["messages"][0]["content"] == [
        {"image": {"format": "png", "source": {"bytes": base64_text(PNG)}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k.png"}}}},
    ]


MISPLACED: list[tuple[Role, Part, str]] = [
    (Role.USER, ImagePart(url="https://e/i.png"), "data"),
    (Role.USER, ImagePart(data=b"BM", media_type="image/bmp"), "image/png"),
    (Role.USER, AudioPart(data=b"x", media_type="audio/x"), "no AudioPart of audio/x; use one of audio/mpeg"),
    (
        Role.USER,
        DocumentPart(data=b"x", media_type="application/zip"),
        "no DocumentPart of application/zip; use one of application/pdf",
    ),
    (Role.USER, ReasoningPart("Hm."), "here"),
    (Role.USER, ToolCall("a", "f", {}), "assistant"),
    (Role.USER, TextPart("x", extra={"text": "y"}), "extra"),
    (Role.USER, ImagePart(data=PNG, extra={"format": "gif"}), "extra"),
    (Role.USER, TextPart(" "), "no text"),
    (Role.SYSTEM, ImagePart(data=PNG), "here"),
    (Role.DEVELOPER, ImagePart(data=PNG), "here"),
    (Role.ASSISTANT, RefusalPart("No."), "here"),
    (Role.ASSISTANT, AudioPart(transcript="Hi"), "here"),
]


@for_each(MISPLACED)
def test_a_part_that_cannot_be_sent_is_refused_with_its_place(case: tuple[Role, Part, str]) -> None:
    role, part, words = case
    error = refusal([Message(role, (part,)), *ASK])
    assert error.index == 0
    assert words in str(error)


@for_each(
    [
        ([Message(Role.SYSTEM, "Be brief.")], "user"),
        ([*ASK, Message(Role.ASSISTANT, "")], "needs"),
        ([Message(Role.USER, "Hi", extra={"name": "x"})], "name"),
    ]
)
def test_a_conversation_that_bedrock_refuses_is_refused_here(case: tuple[list[Message], str]) -> None:
    messages, words = case
    if words == "needs":  # an assistant's message without anything is left out, and reported
        assert body([*messages, *ASK])["messages"][0]["role"] == "user"
    else:
        assert words in str(refusal(messages))


@for_each(
    [
        (Message(Role.USER, (TextPart(" "), ImagePart(data=PNG))), "no text"),
        (Message(Role.ASSISTANT, (TextPart(" "), TextPart("\n"))), "no text"),
        (Message(Role.ASSISTANT, (RefusalPart("No."),), origin="bedrock/converse"), "RefusalPart"),
        (Message(Role.USER, (ToolCall("a", "f"),)), "part 0.* ToolCall here"),
        (Message(Role.USER, (InvalidToolCall("a", "f", "{", "cut"),)), "part 0.* InvalidToolCall here"),
        (Message(Role.TOOL, (RefusalPart("No."),), "a"), "message 1, part 0.* RefusalPart here"),
    ]
)
def test_what_porting_would_leave_out_the_dialect_itself_refuses(case: tuple[Message, str]) -> None:
    message, words = case
    with pytest.raises(InvalidRequestError, match=words):
        provider().dialect.build_request_body([*ASK, message], [], stream=False)


PLACED: list[Part] = [
    TextPart("x", extra={"text": "y"}),
    ImagePart(data=PNG, extra={"format": "gif"}),
    RefusalPart("No."),
]


@for_each(PLACED)
def test_the_message_and_the_part_that_are_refused_are_named(part: Part) -> None:
    error = refusal([*ASK, Message(Role.ASSISTANT, "Hi"), Message(Role.USER, (TextPart("a"), part)), *ASK])
    assert error.index == 2
    assert "message 2, part 1: " in str(error)


def test_a_document_may_be_given_by_a_data_url() -> None:
    document = DocumentPart(url="data:text/csv;base64,YSxi", name="t")
    (block,) = body([Message(Role.USER, (document,))])["messages"][0]["content"]
    assert block == {"document": {"format": "csv", "name": "t", "source": {"bytes": "YSxi"}}}


def test_an_extra_of_a_call_adds_nothing_to_its_arguments() -> None:
    call = Message(Role.ASSISTANT, (ToolCall("a", "f", {"x": 1}, extra={"input": {"y": 2}}),))
    error = refusal([*ASK, call, Message(Role.TOOL, "x", tool_call_id="a")])
    assert "input is in its extra" in str(error)


def test_an_extra_of_a_result_must_not_replace_what_is_typed() -> None:
    called = Message(Role.ASSISTANT, (ToolCall("a", "f", {}),))
    result = Message(Role.TOOL, "x", tool_call_id="a", is_error=True, extra={"status": "success"})
    assert "status" in str(refusal([*ASK, called, result]))


def test_reading_needs_no_config() -> None:
    dialect = ConverseDialect()
    assert "temperature" in dialect.options()
    assert StreamParser(dialect).receive_data(b"") == []


OLDER = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.mark.parametrize(
    ("model", "takes"), [(CLAUDE, True), (OLDER, False), (NOVA, False), (GPT, True), ("arn:x", True)]
)
def test_a_schema_goes_where_the_model_takes_one(model: str, takes: bool) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}
    sent = body(ASK, model=model, response_format=form)
    if takes:
        assert sent["outputConfig"]["textFormat"] == {
            "type": "json_schema",
            "structure": {"jsonSchema": {"name": "n", "schema": '{"type":"object"}'}},
        }
    else:
        assert sent["toolConfig"]["toolChoice"] == {"tool": {"name": "n"}}


def test_an_id_that_bedrock_refuses_is_replaced_in_call_and_result() -> None:
    called = Message(Role.ASSISTANT, (ToolCall("a b", "f", {}),), origin="openai/chat")
    prepared = provider().prepare([*ASK, called, Message(Role.TOOL, "x", tool_call_id="a b")], [WEATHER])
    sent: Any = prepared.body
    use, result = (turn["content"][0] for turn in sent["messages"][1:])
    assert use["toolUse"]["toolUseId"] == result["toolResult"]["toolUseId"] != "a b"
    assert [left.what for left in prepared.left_out] == ["id"]


def test_calls_and_results_are_refused_without_tools_as_bedrock_refuses_them() -> None:
    called = Message(Role.ASSISTANT, (ToolCall("a", "f", {}),), origin="openai/chat")
    history = [*ASK, called, Message(Role.TOOL, "x", tool_call_id="a")]
    said = str(refusal(history))
    assert "tools" in said
    assert "give" in said
    assert body(history, [WEATHER])["messages"][2]["content"][0]["toolResult"]["content"] == [{"text": "x"}]


USES: list[Record] = [{"input": {}}, {"output": []}]


@for_each(USES)
def test_uses_of_the_provider_s_tools_need_the_tools_too(fields: Record) -> None:
    used = Message(Role.ASSISTANT, (ServerToolPart("s", "t", "f", **fields),), origin="bedrock/converse")
    assert "tools again" in str(refusal([*ASK, used, *ASK]))
    assert body([*ASK, used, *ASK], [WEATHER])["toolConfig"]


@pytest.mark.parametrize("said", ["", " ", "\n", (TextPart(" "),)])
def test_a_tool_that_says_nothing_has_a_result_without_content(said: str | tuple[Part, ...]) -> None:
    called = Message(Role.ASSISTANT, (ToolCall("a", "f", {}),))
    sent = body([*ASK, called, Message(Role.TOOL, said, tool_call_id="a")], [WEATHER])
    assert sent["messages"][2]["content"] == [{"toolResult": {"toolUseId": "a", "content": []}}]


def test_a_blank_text_in_a_result_is_left_out() -> None:
    called = Message(Role.ASSISTANT, (ToolCall("a", "f", {}),))
    parts = (TextPart("\n"), TextPart("Sunny."))
    sent = body([*ASK, called, Message(Role.TOOL, parts, tool_call_id="a")], [WEATHER])
    assert sent["messages"][2]["content"][0]["toolResult"]["content"] == [{"text": "Sunny."}]


# The endpoints beside.


def test_tokens_are_counted_of_what_has_a_size() -> None:
    made = provider(CLAUDE)
    counted = made.dialect.count_tokens(body(ASK, [WEATHER], max_tokens=9))
    assert counted.url.endswith("/count-tokens")
    assert counted.body is not None
    sent: Any = counted.body
    inner: Any = sent["input"]
    assert inner["converse"].keys() == {"messages", "toolConfig"}
    assert counted.read({"inputTokens": 7}) == 7
    assert counted.read({"inputTokens": 0}) == 0
    wrongs: list[Any] = [-1, None, True, 1.5, "7"]
    for wrong in wrongs:
        with pytest.raises(RemoteProtocolError, match=f"inputTokens is {wrong!r}"):
            counted.read({"inputTokens": wrong})


def test_models_are_listed_by_the_control_plane() -> None:
    listed = provider().dialect.list_models()
    assert listed.url == "https://bedrock.eu-west-1.amazonaws.com/foundation-models"
    row: Record = {
        "modelId": "m",
        "modelName": "M",
        "modelLifecycle": {"status": "LEGACY"},
        "providerName": "p",
    }
    found: Any = listed.read({"modelSummaries": [row, 1]})
    assert [(model.id, model.name, model.lifecycle) for model in found] == [("m", "M", "LEGACY")]
    wrongs: list[Record] = [{}, {"modelSummaries": [{}]}]
    for wrong in wrongs:
        with pytest.raises(RemoteProtocolError):
            listed.read(wrong)


def test_a_model_of_the_list_has_its_lifecycle() -> None:
    row: Record = {
        "modelId": "m",
        "modelName": "M",
        "modelLifecycle": {"status": "LEGACY", "endOfLifeTime": "2026-01-01T00:00:00Z"},
        "providerName": "P",
    }
    (model,) = provider().dialect.list_models().read({"modelSummaries": [row]})  # type: ignore[misc]  # it has one page
    assert (model.id, model.name, model.lifecycle) == ("m", "M", "LEGACY")
    assert model.retires is not None
    assert model.extra["providerName"] == "P"


def test_a_malformed_tool_is_named_by_its_place() -> None:
    assert "tool 1" in str(refusal(ASK, [WEATHER, {"type": "custom", "custom": {"description": "a"}}]))


WRONG_PLACES: list[tuple[Role, Part]] = [
    (Role.USER, ReasoningPart("Hm.")),
    (Role.USER, RefusalPart("No.")),
    (Role.USER, ServerToolPart("s", "t", "f", {})),
    (Role.SYSTEM, ImagePart(data=PNG)),
    (Role.ASSISTANT, RefusalPart("No.")),
    (Role.ASSISTANT, DocumentPart(data=b"x", media_type="text/plain")),
]


@for_each(WRONG_PLACES)
def test_a_part_that_is_misplaced_is_named_with_its_place(case: tuple[Role, Part]) -> None:
    role, part = case
    before = [] if role is Role.SYSTEM else ASK
    error = refusal([*before, Message(role, (TextPart("Hi"), part)), *ASK])
    assert f"message {len(before)}, part 1" in str(error)
    assert type(part).__name__ in str(error)
    assert error.index == len(before)


@pytest.mark.parametrize(
    ("call_id", "taken"), [("aZ09_.:-", True), ("x" * 64, True), ("x" * 65, False), ("a b", False)]
)
def test_the_ids_of_calls_that_converse_takes(call_id: str, taken: bool) -> None:
    assert provider().dialect.takes_call_id(call_id) is taken


def test_a_name_has_no_other_signs_than_those_that_converse_takes() -> None:
    part = DocumentPart(data=b"x", media_type="text/plain", name="a:b<c>@d^e;f_é/g")
    (block,) = body([Message(Role.USER, (part,))])["messages"][0]["content"]
    assert block["document"]["name"] == "a b c d e f_ g"


def test_an_id_of_a_call_has_up_to_64_letters_digits_and_four_signs() -> None:
    dialect = ConverseDialect()
    for taken in (*string.ascii_letters, *string.digits, *"_.:-", "a" * 64):
        assert dialect.takes_call_id(taken), taken
    for refused in ("", "a" * 65, *"/ [`@{;,+\n", "é", "a b", "a\n"):
        assert not dialect.takes_call_id(refused), refused


def test_a_later_message_of_the_system_is_named_by_its_place() -> None:
    later = Message(Role.SYSTEM, (TextPart("a"), ImagePart(data=PNG)))
    error = refusal([*ASK, Message(Role.ASSISTANT, "Hi"), *ASK, later, *ASK])
    assert error.index == 3
    assert "message 3, part 1: " in str(error)
