"""Requests of Responses: messages as items, answers as they were received, and what has no place."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.wires import ASK, RESPONSES, WEATHER, Record, body_of, config, refused

OPENAI = "openai/responses"
USER = Message(Role.USER, "Go on.")


def items(*messages: Message, kind: str = OPENAI, **options: Any) -> list[Record]:
    """The items of a request's input."""
    found = body_of(Provider(config(kind)), messages, **options)["input"]
    assert isinstance(found, list)
    return found


def blocks(*parts: Part, kind: str = OPENAI, role: Role = Role.USER) -> list[Record]:
    (item,) = items(Message(role, parts), kind=kind)
    assert item["role"] == role
    return list(item["content"])


def answered(*parts: Part, origin: str | None = OPENAI, **fields: Any) -> Message:
    return Message(Role.ASSISTANT, parts, origin=origin, **fields)


# What the application says.


@pytest.mark.parametrize("kind", RESPONSES)
def test_messages_of_every_role_are_items_in_their_places(kind: str) -> None:
    late = Message(Role.SYSTEM, "Be long.")
    said = [Message(Role.SYSTEM, "Be brief."), *ASK, Message(Role.ASSISTANT, "Sunny."), late, USER]
    assert [(item["role"], item["content"]) for item in items(*said, kind=kind)] == [
        (message.role, message.content) for message in said
    ]


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_developer_is_one_where_the_server_knows_it(kind: str) -> None:
    (item, _) = items(Message(Role.DEVELOPER, "Be brief."), *ASK, kind=kind)
    chat = kind in ("ollama/responses", "vllm/responses")
    assert item == {"role": "system" if chat else "developer", "content": "Be brief."}


def test_text_images_and_files_are_content() -> None:
    mark: Record = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    assert blocks(
        TextPart("Look.", extra=mark),
        ImagePart(url="https://example.com/a.png", detail="low"),
        ImagePart(data=b"\xff\xd8\xff", extra=mark),
        ImagePart(file_id="file-1"),
        DocumentPart(data=b"%PDF-", name="a.pdf"),
        DocumentPart(data=b"a,b", media_type="text/csv"),
        DocumentPart(url="https://example.com/a.pdf"),
        DocumentPart(file_id="file-2", extra={"detail": "high"}),
    ) == [
        {"type": "input_text", "text": "Look.", **mark},
        {"type": "input_image", "detail": "low", "image_url": "https://example.com/a.png"},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/jpeg;base64,/9j/", **mark},
        {"type": "input_image", "detail": "auto", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        {"type": "input_file", "filename": "document", "file_data": "data:text/csv;base64,YSxi"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "file_id": "file-2", "detail": "high"},
    ]


@pytest.mark.parametrize("kind", ["ollama/responses", "vllm/responses"])
def test_where_there_are_no_files_a_text_document_is_text(kind: str) -> None:
    text = DocumentPart(data=b"a,b", media_type="text/csv", name="a.csv")
    assert blocks(text, kind=kind) == [{"type": "input_text", "text": "a.csv\n\na,b"}]
    error = refused(kind, Message(Role.USER, (TextPart("x"), DocumentPart(data=b"%PDF-"))))
    assert str(error).startswith("message 0, part 1: ")
    assert error.index == 0


def test_ollama_takes_an_images_data_only() -> None:
    (image,) = blocks(ImagePart(data=b"\x89PNG\r\n\x1a\n"), kind="ollama/responses")
    assert image["image_url"].startswith("data:image/png;base64,")
    error = str(refused("ollama/responses", Message(Role.USER, (ImagePart(url="https://example.com/a"),))))
    assert "give its data instead" in error


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (AudioPart(data=b"RIFF"), "give what is said as a TextPart"),
        (AudioPart(url="https://example.com/a.mp3"), "give what is said as a TextPart"),
        (TextPart("a", (Citation("u"),)), "TextPart with citations"),
        (ReasoningPart("Hm."), "ReasoningPart"),
        (ServerToolPart("item_reference", "msg_1"), "ServerToolPart"),
        (TextPart("a", extra={"text": "b"}), "text is in its extra"),
        (ImagePart(url="https://example.com/a", extra={"image_url": "b"}), "image_url is in its extra"),
        (UnknownPart("image", {"type": "image", "source": {}}), "is Anthropic's form"),
    ],
)
def test_a_part_that_no_content_can_be_is_refused_with_its_place(part: Part, words: str) -> None:
    error = refused(OPENAI, USER, Message(Role.USER, (TextPart("a"), part)))
    assert str(error).startswith("message 1, part 1: ")
    assert words in str(error)
    assert error.index == 1


@pytest.mark.parametrize(
    "kind",
    [
        *("additional_tools", "compaction", "compaction_trigger", "computer_call_output"),
        *("configuration_update", "item_reference", "mcp_approval_response", "tool_search_output"),
    ],
)
def test_an_item_that_only_an_application_writes_is_in_no_message(kind: str) -> None:
    item: Record = {"type": kind, "id": "a"}
    sent = items(Message(Role.USER, (TextPart("a"), UnknownPart(kind, item))))
    assert sent[-1] == item
    assert len(sent) == 2


def test_items_of_the_applications_own_are_between_its_words() -> None:
    approval: Record = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    more = ServerToolPart("mcp_approval_response", "mcpr_2", output=False)
    trigger: Record = {"type": "compaction_trigger"}
    said = Message(
        Role.USER,
        (
            TextPart("Yes."),
            UnknownPart("mcp_approval_response", approval),
            more,
            TextPart("Go"),
            UnknownPart("image", {"type": "image", "id": "i"}),
            UnknownPart("compaction_trigger", trigger),
        ),
        extra={"status": "completed"},
    )
    yes: Record = {"type": "input_text", "text": "Yes."}
    go: list[Record] = [{"type": "input_text", "text": "Go"}, {"type": "image", "id": "i"}]
    assert items(said) == [
        {"role": "user", "content": [yes], "status": "completed"},
        approval,
        {**approval, "approval_request_id": "mcpr_2", "approve": False},
        {"role": "user", "content": go, "status": "completed"},
        trigger,
    ]


@pytest.mark.parametrize("name", ["role", "content", "type"])
def test_a_messages_extra_does_not_replace_what_typed_fields_say(name: str) -> None:
    for role in (Role.USER, Role.ASSISTANT):
        error = refused(OPENAI, USER, Message(role, "a", extra={name: "x"}))
        assert f"message 1: {name} is in its extra" in str(error)


# What the assistant said.


def test_what_the_application_puts_into_an_assistants_mouth_is_short_where_it_is_text() -> None:
    said = answered(TextPart("a"), TextPart("b"), ToolCall("c1", "f", {"x": 1}), TextPart("c"), origin=None)
    assert items(*ASK, said, Message(Role.TOOL, "1", tool_call_id="c1"))[1:] == [
        {"role": "assistant", "content": "ab"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x":1}'},
        {"role": "assistant", "content": "c"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
    ]
    commented = Message(Role.ASSISTANT, "Hm.", extra={"phase": "commentary"})
    assert items(*ASK, commented)[1] == {"role": "assistant", "content": "Hm.", "phase": "commentary"}
    no: Record = {"type": "refusal", "refusal": "No."}
    assert items(*ASK, answered(RefusalPart("No."), origin=None))[1] == {
        "type": "message",
        "role": "assistant",
        "content": [no],
    }


@pytest.mark.parametrize(
    ("role", "part"),
    [
        (Role.ASSISTANT, ToolCall("c1", "f")),
        (Role.USER, UnknownPart("compaction_trigger", {"type": "compaction_trigger"})),
    ],
)
def test_fields_of_a_message_that_is_none_on_the_wire_are_refused(role: Role, part: Part) -> None:
    results = [result(text="1")] if role is Role.ASSISTANT else []
    error = refused(OPENAI, *ASK, Message(role, (part,), extra={"phase": "commentary"}), *results)
    assert "message 1: its extra has phase" in str(error)
    assert error.index == 1


def test_an_answer_goes_back_as_it_was_received() -> None:
    phase: Record = {"id": "msg_1", "status": "completed", "phase": "final_answer"}
    sealed: Record = {"id": "rs_1", "encrypted_content": "gAAA"}
    answer = answered(
        ReasoningPart("Hm.", {"item": sealed}),
        ServerToolPart("web_search_call", "ws_1", None, {"type": "search", "query": "q"}, None, "completed"),
        TextPart(
            "It is 330 m.", (Citation("u", "t", start=0, end=2),), {"item": phase, "logprobs": [{"a": 1}]}
        ),
        UnknownPart("compaction", {"type": "compaction", "encrypted_content": "x"}),
    )
    assert items(*ASK, answer, USER)[1:-1] == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], **sealed},
        {
            "type": "web_search_call",
            "id": "ws_1",
            "action": {"type": "search", "query": "q"},
            "status": "completed",
        },
        {
            "type": "message",
            "role": "assistant",
            **phase,
            "content": [
                {
                    "type": "output_text",
                    "text": "It is 330 m.",
                    "annotations": [
                        {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2}
                    ],
                    "logprobs": [{"a": 1}],
                }
            ],
        },
        {"type": "compaction", "encrypted_content": "x"},
    ]


SEALED = ReasoningPart("", {"item": {"id": "rs_1", "encrypted_content": "gAAA"}})


OTHER = ReasoningPart("Hm.", {"item": {"id": "rs_2", "encrypted_content": "gAAB"}})


@pytest.mark.parametrize("kind", [OPENAI, "azure/responses", "openrouter/responses"])
def test_reasoning_that_led_to_nothing_is_left_out_and_reported(kind: str) -> None:
    cut = InvalidToolCall("c1", "f", '{"a', "it is cut")
    provider = Provider(config(kind))
    for answer, kept, lost in (
        (answered(SEALED, origin=kind), 0, [("ReasoningPart", 0), ("Message", None)]),
        (
            answered(SEALED, TextPart("a"), SEALED, SEALED, origin=kind),
            2,
            [("ReasoningPart", 2), ("ReasoningPart", 3)],
        ),
        (
            answered(SEALED, cut, origin=kind),
            0,
            [("InvalidToolCall", 1), ("ReasoningPart", 0), ("Message", None)],
        ),
        (answered(SEALED, OTHER, TextPart("a"), origin=kind), 3, []),
    ):
        prepared = provider.prepare([*ASK, answer, USER])
        assert [(loss.what, loss.part) for loss in prepared.left_out] == lost
        assert len(items(*ASK, answer, USER, kind=kind)) == kept + 2


@pytest.mark.parametrize("kind", ["ollama/responses", "vllm/responses"])
def test_open_reasoning_needs_no_follower(kind: str) -> None:
    thought = ReasoningPart("Hm.", {"item": {"id": "rs_1"}, "field": "content"})
    (_, item, _) = items(*ASK, answered(thought, origin=kind), USER, kind=kind)
    assert item["content"] == [{"type": "reasoning_text", "text": "Hm."}]


@pytest.mark.parametrize(
    ("parts", "place", "words"),
    [
        ((TextPart("a"), ImagePart(url="https://example.com/a")), 1, "put it into a user's message"),
        ((AudioPart(data=b"RIFF"),), 0, "give what is said as a TextPart"),
        ((DocumentPart(file_id="file-1"),), 0, "put it into a user's message"),
        ((ServerToolPart("server_tool_use", "s"),), 0, "give what the tool found as a TextPart"),
        ((ReasoningPart("Hm."), TextPart("a")), 0, "append the answer that it is from"),
        ((TextPart("a"), SEALED), 1, "ReasoningPart"),
        ((UnknownPart("tool_use", {"type": "tool_use", "input": {}}),), 0, "is Anthropic's form"),
        ((TextPart("a", extra={"text": "b"}),), 0, "text is in its extra"),
        ((ToolCall("c1", "f", extra={"call_id": "c2"}),), 0, "call_id is in its extra"),
    ],
)
def test_what_no_item_can_say_is_refused_in_an_assistants_message_with_its_place(
    parts: tuple[Part, ...], place: int, words: str
) -> None:
    results = [Message(Role.TOOL, "1", tool_call_id=part.id) for part in parts if isinstance(part, ToolCall)]
    error = refused(OPENAI, *ASK, answered(*parts, origin=None), *results, USER)
    assert str(error).startswith(f"message 1, part {place}: ")
    assert words in str(error)
    assert error.index == 1


def test_reasoning_that_the_application_kept_goes_with_its_item() -> None:
    assert items(*ASK, answered(SEALED, TextPart("a"), origin=None))[1:] == [
        {"type": "reasoning", "summary": [], "id": "rs_1", "encrypted_content": "gAAA"},
        {"role": "assistant", "content": "a"},
    ]


def test_an_empty_answer_is_left_out_and_reported() -> None:
    prepared = Provider(config(OPENAI)).prepare([*ASK, Message(Role.ASSISTANT, " "), USER])
    assert [(loss.what, loss.message) for loss in prepared.left_out] == [("Message", 1)]
    assert [item["role"] for item in items(*ASK, Message(Role.ASSISTANT, ""), USER)] == ["user", "user"]


# What tools gave.


def result_of(call: ToolCall, result: Message, kind: str = OPENAI) -> Record:
    return items(*ASK, answered(call, origin=None), result, kind=kind)[-1]


def result(*parts: Part, text: str = "", **fields: Any) -> Message:
    return Message(Role.TOOL, parts or text, tool_call_id="c1", **fields)


@pytest.mark.parametrize(("kind", "type_"), [("function", "function_call"), ("custom", "custom_tool_call")])
def test_a_result_is_text_or_content(kind: str, type_: str) -> None:
    call = ToolCall("c1", "f", {"input": "x"}, kind=kind)
    assert result_of(call, result(text="18 °C")) == {
        "type": f"{type_}_output",
        "call_id": "c1",
        "output": "18 °C",
    }
    seen = result_of(call, result(TextPart("Look."), ImagePart(file_id="file-1"), extra={"id": "fco_1"}))
    assert seen["output"] == [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "detail": "auto", "file_id": "file-1"},
    ]
    assert seen["id"] == "fco_1"


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("shell", {"commands": ["ls"]}, {"action": {"commands": ["ls"]}}),
        ("local_shell", {"type": "exec"}, {"action": {"type": "exec"}, "status": "completed"}),
        ("apply_patch", {"path": "a"}, {"operation": {"path": "a"}, "status": "completed"}),
        (
            "computer",
            {"type": "wait"},
            {"action": {"type": "wait"}, "status": "completed", "pending_safety_checks": []},
        ),
    ],
)
def test_a_call_of_a_built_in_tool_from_elsewhere_says_what_it_must(
    kind: str, arguments: Record, said: Record
) -> None:
    call = answered(ToolCall("c1", kind, arguments, kind=kind, extra={"id": "x"}), origin="azure/responses")
    shown = result(ImagePart(file_id="f")) if kind == "computer" else result(text="a")
    assert items(*ASK, call, shown)[1] == {"type": f"{kind}_call", "call_id": "c1", **said}


def test_results_of_built_in_tools_have_their_own_forms() -> None:
    shell = ToolCall("c1", "shell", {"commands": ["ls", "rm"]}, kind="shell")
    ended: Record = {"outcome": {"type": "timeout"}, "stderr": "no"}
    assert result_of(shell, result(TextPart("a\n"), TextPart("", extra=ended), is_error=True)) == {
        "type": "shell_call_output",
        "call_id": "c1",
        "output": [
            {"stdout": "a\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 1}},
            {"stdout": "", **ended},
        ],
    }
    local = ToolCall("c1", "local_shell", {"type": "exec", "command": ["ls"]}, kind="local_shell")
    assert result_of(local, result(text="a")) == {
        "type": "local_shell_call_output",
        "id": "c1",
        "output": "a",
    }
    patch = ToolCall("c1", "apply_patch", {"type": "delete_file", "path": "a"}, kind="apply_patch")
    assert result_of(patch, result(text="gone", is_error=True)) == {
        "type": "apply_patch_call_output",
        "call_id": "c1",
        "status": "failed",
        "output": "gone",
    }
    click = ToolCall("c1", "computer", {"type": "screenshot"}, kind="computer")
    checks: Record = {"acknowledged_safety_checks": [{"id": "s"}]}
    assert result_of(click, result(ImagePart(url="https://example.com/a.png"), extra=checks)) == {
        "type": "computer_call_output",
        "call_id": "c1",
        "output": {"type": "computer_screenshot", "image_url": "https://example.com/a.png"},
        **checks,
    }


@pytest.mark.parametrize(
    ("kind", "parts", "words"),
    [
        ("computer", (TextPart("a"),), "message 2: the result of a call of the computer is one ImagePart"),
        ("shell", (ImagePart(file_id="f"),), "message 2, part 0: "),
        ("shell", (TextPart("a", extra={"stdout": "b"}),), "stdout is in its extra"),
        ("local_shell", (TextPart("a"), TextPart("b", extra={"x": 1})), "message 2, part 1: "),
        ("apply_patch", (ImagePart(file_id="f"),), "message 2, part 0: "),
        ("function", (AudioPart(data=b"RIFF"),), "message 2, part 0: "),
    ],
)
def test_a_result_in_another_form_is_refused_with_its_place(
    kind: str, parts: tuple[Part, ...], words: str
) -> None:
    call = ToolCall("c1", kind, {"type": "screenshot"}, kind=kind)
    error = refused(OPENAI, *ASK, answered(call, origin=None), result(*parts))
    assert words in str(error)
    assert error.index == 2


def test_a_results_extra_does_not_replace_what_typed_fields_say() -> None:
    error = refused(OPENAI, *ASK, answered(ToolCall("c1", "f"), origin=None), result(extra={"output": "x"}))
    assert "message 2: output is in its extra" in str(error)
    shell = answered(ToolCall("c1", "shell", {"commands": []}, kind="shell"), origin=None)
    error = refused(OPENAI, *ASK, shell, result(TextPart("a"), TextPart("b", extra={"stdout": "x"})))
    assert "message 2, part 1: stdout is in its extra" in str(error)


@pytest.mark.parametrize(("kind", "said"), [("shell", True), ("apply_patch", True), ("function", False)])
def test_that_a_tool_failed_is_said_where_its_result_has_a_place_for_it(kind: str, said: bool) -> None:
    call = answered(ToolCall("c1", kind, {"commands": []}, kind=kind))
    prepared = Provider(config(OPENAI)).prepare([*ASK, call, result(text="x", is_error=True)])
    assert [loss.what for loss in prepared.left_out] == ([] if said else ["is_error"])


def test_a_call_of_a_built_in_tool_becomes_a_functions_where_there_are_none() -> None:
    call = answered(ToolCall("c1", "shell", {"commands": ["ls"]}, kind="shell"))
    prepared = Provider(config("vllm/responses")).prepare([*ASK, call, result(text="a", is_error=True)])
    assert [loss.what for loss in prepared.left_out] == ["kind", "is_error"]
    _, sent, given = items(*ASK, call, result(text="a"), kind="vllm/responses")
    assert (sent["type"], sent["arguments"]) == ("function_call", '{"commands":["ls"]}')
    assert given == {"type": "function_call_output", "call_id": "c1", "output": "a"}


# What the server has.


def test_only_what_is_new_is_sent_behind_a_response_that_the_server_has() -> None:
    call = ToolCall("c1", "sql", {"input": "x"}, kind="custom")
    history = [*ASK, answered(call, response_id="resp_1"), result(text="1"), USER]
    assert items(*history, previous_response_id="resp_1") == [
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
        {"role": "user", "content": "Go on."},
    ]
    assert len(items(*history, previous_response_id="resp_0")) == 4
    error = refused(
        OPENAI,
        *history[:2],
        result(text="1"),
        answered(TextPart("a"), response_id="resp_2"),
        previous_response_id="resp_2",
    )
    assert "previous_response_id: message 3 is that response" in str(error)
    assert error.index == 3


@pytest.mark.parametrize("held", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_results_alone_go_on_with_calls_that_the_server_has(held: Record) -> None:
    typed = result(text="1", extra={"type": "custom_tool_call_output"})
    assert items(typed, **held) == [{"type": "custom_tool_call_output", "call_id": "c1", "output": "1"}]
    assert items(result(text="1"), USER, **held)[0]["type"] == "function_call_output"
    done: Record = {"type": "apply_patch_call_output"}
    assert items(result(text="1", extra=done), **held)[0]["status"] == "completed"
    error = refused(OPENAI, result(text="1", extra={"type": "tool_result"}), **held)
    assert "message 0: type is 'tool_result' in its extra; use one of function_call_output" in str(error)


def test_without_the_servers_state_a_result_needs_its_call() -> None:
    assert "answers no call" in str(refused(OPENAI, result(text="1")))
    later = [result(text="1"), answered(ToolCall("c2", "f")), result(text="2")]
    error = refused(OPENAI, *later, previous_response_id="resp_1")
    assert error.index == 2
    assert "answers no call" in str(refused("ollama/responses", result(text="1")))


# The whole request.


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_request_has_its_model_and_says_whether_it_streams(kind: str) -> None:
    provider = Provider(config(kind))
    assert "stream" not in body_of(provider, ASK)
    streamed = body_of(provider, ASK, [WEATHER], stream=True)
    assert streamed["stream"] is True
    assert streamed["model"] == ("gpt-4o" if kind == "azure/responses" else "some-model")
    assert body_of(provider, ASK, model="other")["model"] == "other"


def test_options_change_no_argument() -> None:
    given: Record = {"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}, "include": ["a"]}
    body_of(Provider(config(OPENAI)), ASK, reasoning_effort="low", response_format={"type": "text"}, **given)
    assert given == {"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}, "include": ["a"]}


def test_content_may_be_a_dict_in_the_wires_own_form() -> None:
    block: Record = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"}
    body = Provider(config(OPENAI)).prepare([{"role": "user", "content": [block]}]).body
    assert body["input"] == [{"role": "user", "content": [block]}]


def test_the_laws_of_the_conversation_hold_here_too() -> None:
    with pytest.raises(InvalidRequestError, match="no tool result follows"):
        items(*ASK, answered(ToolCall("c1", "f")), USER)
