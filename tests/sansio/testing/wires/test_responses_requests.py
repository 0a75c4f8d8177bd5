"""Responses requests as the fake reads them: what its model sees, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sansio import Message, Part, Provider, ReasoningPart, Role, Send, UnknownPart
from sansio.http import Request
from sansio.testing import Answer, FakeProvider, FakeResponse
from sansio.testing.strategies import Asked, messages, requests
from sansio.testing.wires.responses_items import seal
from tests.sansio.testing.asking import AUTH, HOSTS, message_in, said
from tests.sansio.wires import Record, config
from tests.support import for_all

PATHS = {
    "openrouter": "/api/v1/responses",
    "openai": "/v1/responses",
    "azure": "/openai/v1/responses",
    "ollama": "/v1/responses",
    "vllm": "/v1/responses",
}
TYPES = tuple(PATHS)
for_every_type = pytest.mark.parametrize("type", TYPES)

CALL: Record = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT: Record = {"type": "function_call_output", "call_id": "c1", "output": "fine"}
THOUGHT: Record = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": seal("")}
HELLO: Record = {"role": "user", "content": "Good news everyone"}
F: Record = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}


def request_for(type: str, body: object, *, path: str = "", host: str = "") -> Request:
    url = (host or HOSTS.get(type, "http://127.0.0.1:1")) + (path or PATHS[type])
    return Request.post(url, AUTH[type], json.dumps(body).encode())


def ask(type: str, input: object = "Good news everyone", *, host: str = "", **fields: object) -> FakeResponse:
    """The answer of the type's own fake. Fields with the value None are left out."""
    given = {"model": "gpt-5", "input": input, **fields}
    body = {name: value for name, value in given.items() if value is not None}
    return FakeProvider(type).respond(request_for(type, body, host=host))


def refused(
    type: str, input: object = "Hello", status: int = 400, host: str = "", **fields: object
) -> Record:
    """The error object of a request that is refused."""
    response = ask(type, input, host=host, **fields)
    assert response.status == status, response.body
    error: Record = said(response)["error"]
    return error


def text_of(response: FakeResponse) -> str:
    assert response.status == 200, response.body
    output = said(response)["output"]
    return str(output[-1]["content"][0]["text"])


@for_every_type
def test_a_text_and_a_list_of_items_are_answered(type: str) -> None:
    assert "'Good news everyone'" in text_of(ask(type))
    blocks = [{"type": "input_text", "text": "Good news"}, {"type": "input_image", "image_url": "data:,"}]
    assert "'Good news'" in text_of(ask(type, [{"type": "message", "role": "user", "content": blocks}]))


def test_items_of_tools_that_the_server_runs_are_taken_back() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    assert ask("openai", [HELLO, search, {"role": "assistant", "content": "a"}, HELLO]).status == 200


def test_a_prompt_of_the_server_s_is_enough() -> None:
    assert ask("openai", None, prompt={"id": "pmpt_1"}).status == 200


@given(asked=requests(), stream=st.booleans(), data=st.data())
def test_what_the_library_builds_is_taken(asked: Asked, stream: bool, data: st.DataObject) -> None:
    type, home = data.draw(st.sampled_from(TYPES)), data.draw(st.sampled_from(TYPES))
    answer = data.draw(messages(f"{home}/responses"))
    assume(all(_is_taken_back(part) for message in (*asked.messages, answer) for part in message.parts))
    results = [Message(Role.TOOL, "fine", tool_call_id=call.id) for call in answer.all_tool_calls]
    history = [*asked.messages, answer, *results, Message(Role.USER, "And now?")]
    provider = Provider(config(f"{type}/responses", model="gpt-5", **_deployed(type)))
    step = provider.call(history, asked.tools, stream=stream).next_step()
    assert isinstance(step, Send)
    response = FakeProvider(type).respond(provider.authorize(step.request, "sk"))
    assert response.status == 200, response.body


def _is_taken_back(part: Part) -> bool:
    """Whether a server that keeps nothing takes it: no made-up item, and no reasoning that is not sealed."""
    if isinstance(part, ReasoningPart):
        return "encrypted_content" in json.dumps(part.extra)
    return not (isinstance(part, UnknownPart) and part.kind == "a_new_item")


def _deployed(type: str) -> Record:
    return {"deployment": "gpt-5"} if type == "azure" else {}


@for_every_type
def test_tools_are_called_and_their_results_told(type: str) -> None:
    (call,) = said(ask(type, "Please call f", tools=[F]))["output"]
    assert (call["type"], call["name"]) == ("function_call", "f")
    items = [
        HELLO,
        CALL,
        RESULT,
        {**CALL, "call_id": "c2"},
        {**RESULT, "call_id": "c2", "output": _texts("so", "so")},
    ]
    assert text_of(ask(type, items, tools=[F])) == "The tools answered: f said 'so so'."


def _texts(*texts: str) -> list[Record]:
    return [{"type": "input_text", "text": text} for text in texts]


def test_a_custom_tool_takes_the_message() -> None:
    (call,) = said(ask("openai", "Please call g", tools=[{"type": "custom", "name": "g"}]))["output"]
    assert (call["type"], call["input"]) == ("custom_tool_call", "Please call g")
    answered = [
        HELLO,
        {**call},
        {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "x"},
    ]
    assert text_of(ask("openai", answered)) == "The tools answered: g said 'x'."


CUSTOM_CALL: Record = {"type": "custom_tool_call", "call_id": "c1", "name": "g", "input": "x"}
CUSTOM_RESULT: Record = {"type": "custom_tool_call_output", "call_id": "c1", "output": "x"}


@pytest.mark.parametrize(("call", "result"), [(CALL, RESULT), (CUSTOM_CALL, CUSTOM_RESULT)])
def test_a_result_is_of_the_call_with_its_id_and_kind(call: Record, result: Record) -> None:
    def refused(*items: Record) -> tuple[str, str]:
        error = said(ask("openai", [HELLO, *items]))["error"]
        return error["param"], error["message"]

    other = {**result, "call_id": "c2"}
    wrong = CUSTOM_RESULT if call is CALL else RESULT
    for items, param, kind, call_id in (
        ((call, other), "input[2]", other["type"], "c2"),
        ((call, result, result), "input[3]", result["type"], "c1"),
        ((result, call), "input[1]", result["type"], "c1"),
        ((call, wrong), "input[2]", wrong["type"], "c1"),
        ((call,), "input", call["type"], "c1"),
        (({**call, "call_id": "c2"}, call, result), "input", call["type"], "c2"),
    ):
        where, words = refused(*items)
        assert where == param
        assert words.endswith(f" found for the {kind} with call_id {call_id}.")


SAID: Record = {"role": "assistant", "content": "Hi"}


@pytest.mark.parametrize(
    ("items", "taken"),
    [
        ([HELLO, THOUGHT, SAID, HELLO], True),
        ([HELLO, THOUGHT, THOUGHT, SAID], True),
        ([HELLO, THOUGHT, CALL, RESULT], True),
        ([HELLO, THOUGHT, THOUGHT, HELLO], False),
        ([HELLO, THOUGHT, THOUGHT], False),
    ],
)
def test_reasoning_leads_to_what_the_model_said(items: list[Record], taken: bool) -> None:
    response = ask("openai", items)
    if taken:
        assert response.status == 200
    else:
        words = "'rs_1' of type 'reasoning' was provided without its required following item"
        assert words in said(response)["error"]["message"]


REPEATED: Record = {
    "background": False,
    "instructions": "Be brief.",
    "max_output_tokens": 99,
    "max_tool_calls": 3,
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "reasoning": {"effort": "low", "summary": "auto"},
    "safety_identifier": "s",
    "store": False,
    "temperature": 0.5,
    "text": {"format": {"type": "text"}, "verbosity": "low"},
    "tool_choice": "none",
    "tools": [F],
    "top_p": 0.5,
    "truncation": "auto",
    "user": "u",
}


def test_a_response_repeats_its_request() -> None:
    response = said(ask("openai", [HELLO], **REPEATED))
    assert {name: response[name] for name in REPEATED} == REPEATED
    kept = FakeProvider("openai")
    body = {"model": "gpt-5", "input": [HELLO]}
    first = said(kept.respond(request_for("openai", body)))["id"]
    later = said(kept.respond(request_for("openai", {**body, "previous_response_id": first})))
    assert later["previous_response_id"] == first
    probable = said(ask("openai", [HELLO], include=["message.output_text.logprobs"], top_logprobs=2))
    assert probable["top_logprobs"] == 2


@pytest.mark.parametrize(
    ("block", "taken"),
    [
        ({"type": "input_file", "file_data": "data:application/pdf;base64,AAAA"}, True),
        ({"type": "input_file", "file_id": "f"}, True),
        ({"type": "input_file", "file_url": "https://e/a"}, True),
        ({"type": "input_file", "filename": "a"}, False),
        ({"type": "input_image", "image_url": "https://e/i", "detail": "auto"}, True),
        ({"type": "input_image", "file_id": "f", "detail": "auto"}, True),
        ({"type": "input_image", "detail": "auto"}, False),
    ],
)
def test_a_file_is_given_in_one_of_the_ways(block: Record, taken: bool) -> None:
    text: Record = {"type": "input_text", "text": "Hi"}
    response = ask("openai", [HELLO, {"role": "user", "content": [text, block]}])
    assert (response.status == 200) is taken
    if not taken:
        error = said(response)["error"]
        assert error["param"] == "input[1].content[1]"
        assert block["type"] in error["message"]


CHOICES: list[tuple[object, list[str]]] = [
    ("auto", []),
    ("none", []),
    ("required", ["f"]),
    ({"type": "function", "name": "g"}, ["g"]),
    ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}, ["g"]),
    ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]}, []),
    ({"type": "web_search"}, []),
]


@pytest.mark.parametrize(("choice", "called"), CHOICES)
def test_a_tool_choice_is_obeyed(choice: object, called: list[str]) -> None:
    tools = [F, {**F, "name": "g"}, {"type": "web_search"}]
    output = said(ask("openai", "Hello", tools=tools, tool_choice=choice))["output"]
    assert [item["name"] for item in output if item["type"] == "function_call"] == called


def test_ollama_knows_no_tool_choice() -> None:
    assert said(ask("ollama", "Hello", tools=[F], tool_choice="required"))["output"][0]["type"] == "message"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, "{}"),
        (
            {
                "type": "json_schema",
                "name": "n",
                "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            },
            '{"a":0}',
        ),
    ],
)
def test_the_answer_has_the_form_that_is_asked_for(form: Record, text: str | None) -> None:
    found = text_of(ask("openai", text={"format": form}))
    assert found == text if text else "You said" in found


def test_a_limit_cuts_the_answer() -> None:
    whole = said(ask("vllm", max_output_tokens=3))
    assert whole["incomplete_details"] == {"reason": "max_output_tokens"}


REASONING: list[tuple[str, Record, list[str] | None]] = [
    ("openai", {"effort": "low"}, []),
    ("openai", {"effort": "low", "summary": "auto"}, ["summary_text"]),
    ("openai", {"effort": "none", "summary": "auto"}, None),
    ("openrouter", {"enabled": True}, ["summary_text"]),
    ("openrouter", {"enabled": False}, None),
    ("ollama", {"effort": "medium"}, ["summary_text"]),
]


@pytest.mark.parametrize(("type", "asked", "texts"), REASONING)
def test_reasoning_is_given_as_it_is_asked_for(type: str, asked: Record, texts: list[str] | None) -> None:
    first = said(ask(type, reasoning=asked, include=["reasoning.encrypted_content"]))["output"][0]
    assert (first["type"] == "reasoning") == (texts is not None)
    if texts is not None:
        assert [text["type"] for text in first["summary"]] == texts
        assert first["encrypted_content"].startswith("fake")
    assert "encrypted_content" not in said(ask(type, reasoning=asked))["output"][0]


def test_the_response_repeats_the_request_s_fields() -> None:
    response = said(ask("openai", temperature=0.5, tools=[F], metadata={"a": "b"}, store=False))
    assert response["temperature"] == 0.5
    assert response["tools"] == [F]
    assert response["metadata"] == {"a": "b"}
    assert response["store"] is False


def test_an_answer_s_own_fields_count_for_more_than_the_request_s() -> None:
    fake = FakeProvider("openai", [Answer(text="a", extra={"temperature": 1})])
    response = fake.respond(request_for("openai", {"model": "m", "input": "a", "temperature": 0}))
    assert said(response)["temperature"] == 1


def saying(role: str, **block: object) -> Record:
    return {"input": [{"role": role, "content": [block]}]}


def with_call(*before: Record) -> Record:
    return {"input": [HELLO, *before, CALL, RESULT]}


SEALED: Record = {"type": "reasoning", "id": "rs_1", "encrypted_content": seal("")}
ALLOWED: Record = {"type": "allowed_tools", "mode": "none"}
NESTED: Record = {"type": "function", "function": {"name": "f"}}
REFUSED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"model": None}, "model", "missing_required_parameter"),
    ({"model": " "}, "model", "missing_required_parameter"),
    ({"input": None}, "input", "missing_required_parameter"),
    ({"input": []}, "input", "invalid_type"),
    ({"input": ["a"]}, "input[0]", "invalid_type"),
    ({"input": [{"role": "tool", "content": "a"}]}, "input[0].role", "invalid_value"),
    ({"input": [{"role": "user"}]}, "input[0]", "invalid_value"),
    (saying("user", type="text", text="a"), "input[0].content[0].type", "invalid_value"),
    (saying("assistant", type="input_text", text="a"), "input[0].content[0].type", "invalid_value"),
    (saying("user", type="input_image"), "input[0].content[0]", None),
    (saying("user", type="input_file"), "input[0].content[0]", None),
    ({"input": [{"role": "user", "content": "a", "name": "x"}]}, "input[0].name", "unknown_parameter"),
    ({"input": [{"type": "a_new_item"}]}, "input[0].type", "invalid_value"),
    ({"input": [HELLO, {**CALL, "arguments": {}}]}, "input[1].arguments", "invalid_value"),
    ({"input": [HELLO, {**CALL, "call_id": ""}]}, "input[1].call_id", "invalid_value"),
    ({"input": [HELLO, CALL]}, "input", None),
    ({"input": [HELLO, RESULT]}, "input[1]", None),
    ({"input": [HELLO, CALL, {**RESULT, "type": "custom_tool_call_output"}]}, "input[2]", None),
    ({"input": [HELLO, THOUGHT]}, "input", None),
    ({"input": [HELLO, THOUGHT, HELLO]}, "input", None),
    ({"input": [HELLO, CALL, THOUGHT, RESULT]}, "input", None),
    (with_call({**THOUGHT, "encrypted_content": "mine"}), "input", "invalid_encrypted_content"),
    (with_call(SEALED), "input[1]", "invalid_value"),
    ({"tools": "f"}, "tools", "invalid_type"),
    ({"tools": [{"name": "f"}]}, "tools[0].type", "invalid_value"),
    ({"tools": [{"type": "a_new_tool"}]}, "tools[0].type", "invalid_value"),
    ({"tools": [NESTED]}, "tools[0].name", "missing_required_parameter"),
    ({"tools": [{"type": "function", "name": "f g"}]}, "tools[0].name", "invalid_value"),
    ({"tools": [{"type": "function", "name": "f", "parameters": "x"}]}, "tools[0].parameters", None),
    ({"tool_choice": "required"}, "tool_choice", None),
    ({"tools": [F], "tool_choice": "any"}, "tool_choice", "invalid_value"),
    ({"tools": [F], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice", None),
    ({"tools": [F], "tool_choice": {"type": "custom", "name": "f"}}, "tool_choice", None),
    ({"tools": [F], "tool_choice": ALLOWED}, "tool_choice.mode", "invalid_value"),
    ({"max_output_tokens": 15}, "max_output_tokens", "invalid_value"),
    ({"max_tokens": 100}, "max_tokens", "unknown_parameter"),
    ({"messages": []}, "messages", "unknown_parameter"),
    ({"temperature": 3}, "temperature", "invalid_value"),
    ({"reasoning": {"effort": "huge"}}, "reasoning.effort", "invalid_value"),
    ({"reasoning": {"max_tokens": 5}}, "reasoning.max_tokens", "unknown_parameter"),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format", "invalid_value"),
    ({"include": ["everything"]}, "include[0]", "invalid_value"),
    ({"stream_options": {"include_obfuscation": False}}, "stream_options", None),
    ({"background": True, "store": False}, "background", None),
    ({"background_options": {"completion_window": "2h"}}, "background_options.completion_window", None),
    ({"previous_response_id": "resp_1"}, "previous_response_id", "previous_response_not_found"),
]  # fmt: skip


@for_all((("fields", "param", "code"), REFUSED))
def test_openai_refuses_what_is_wrong_and_names_it(fields: Record, param: str, code: str | None) -> None:
    for type in ("openai", "azure"):
        error = refused(type, **fields)
        assert (error["param"], error["code"]) == (param, code), error
        assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"conversation": "conv_1"}, "conversation"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input"),
        ({"input": [HELLO, {"type": "reasoning", "id": "rs_1", "summary": []}, CALL, RESULT]}, "input"),
    ],
)
def test_openai_answers_404_for_state_that_it_does_not_have(fields: Record, param: str) -> None:
    assert refused("openai", status=404, **fields)["param"] == param


def test_a_compatible_server_takes_fields_and_items_that_it_does_not_know() -> None:
    items = [HELLO, {"type": "a_new_item"}, {**CALL, "new": 1}, RESULT]
    assert ask("openai", items, host="http://127.0.0.1:1", new=1).status == 200
    assert refused("openai", [HELLO, CALL], host="http://127.0.0.1:1")["param"] == "input"


@pytest.mark.parametrize("type", ["ollama", "vllm"])
def test_local_servers_do_not_check_that_items_belong_together(type: str) -> None:
    thought = {"type": "reasoning", "summary": []}
    assert ask(type, [HELLO, CALL, thought, RESULT, RESULT]).status == 200


def test_ollama_takes_images_as_data_only_and_passes_over_state() -> None:
    image = {"type": "input_image", "image_url": "https://example.com/a.png"}
    assert refused("ollama", [{"role": "user", "content": [image]}])
    assert ask("ollama", previous_response_id="x", conversation="y", stream_options={}).status == 200


@pytest.mark.parametrize(
    "fields", [{"store": True}, {"previous_response_id": "a"}, {"background": True}, {"conversation": "a"}]
)
def test_openrouter_keeps_nothing(fields: Record) -> None:
    response = ask("openrouter", **fields)
    assert response.status == 400
    assert "keeps no responses" in message_in("openrouter", said(response))
    assert ask("openrouter", store=False).status == 200


def test_previous_response_and_conversation_exclude_each_other() -> None:
    fake = FakeProvider("openai")
    first = said(fake.respond(request_for("openai", {"model": "m", "input": "a"})))
    body = {"model": "m", "input": "a", "previous_response_id": first["id"], "conversation": "c"}
    assert b"mutually_exclusive_parameters" in fake.respond(request_for("openai", body)).body


def test_tokens_of_a_request_are_counted() -> None:
    def count(body: Record) -> FakeResponse:
        return FakeProvider("openai").respond(
            request_for("openai", {"model": "m", **body}, path="/v1/responses/input_tokens")
        )

    counted = said(count({"input": "one two three", "instructions": "four"}))
    assert counted == {"object": "response.input_tokens", "input_tokens": 4}
    assert b"unknown_parameter" in count({"input": "a", "stream": True}).body
    assert count({"input": []}).status == 400
