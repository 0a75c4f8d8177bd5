"""What Anthropic refuses, and what it accepts."""

from __future__ import annotations

from typing import Any

import pytest

from sansio.testing import FakeProvider
from sansio.testing.wires.messages import sign
from tests.sansio.testing.asking import HELLO, ask, body_for, message_in, request_for, said

USER = {"role": "user", "content": "Hi"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
CACHED = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
Block = dict[str, Any]


def user(*blocks: Block) -> Block:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Block) -> Block:
    return {"role": "assistant", "content": list(blocks)}


def text(words: object, **extra: object) -> Block:
    return {"type": "text", "text": words, **extra}


def use(call_id: str = "toolu_1") -> Block:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {}}


def result(call_id: str = "toolu_1") -> Block:
    return {"type": "tool_result", "tool_use_id": call_id, "content": "done"}


def thinking(words: str = "hmm", signature: object = None) -> Block:
    return {"type": "thinking", "thinking": words, "signature": signature or sign(words)}


def refusal(messages: object = HELLO, **fields: object) -> str:
    """The message of a refused request, in Anthropic's shape."""
    response = ask("anthropic", messages, **fields)
    body = said(response)
    assert response.status == 400, body
    assert (body["type"], body["error"]["type"]) == ("error", "invalid_request_error")
    assert body["request_id"].startswith("req_")
    return message_in("anthropic", body)


def is_taken(messages: object = HELLO, **fields: object) -> bool:
    response = ask("anthropic", messages, **fields)
    return response.status == 200


def test_the_version_header_is_required_after_the_key() -> None:
    fake = FakeProvider("anthropic")
    response = fake.respond(request_for("anthropic", headers=(("x-api-key", "sk"),)))
    assert response.status == 400
    assert "anthropic-version" in message_in("anthropic", said(response))
    assert fake.respond(request_for("anthropic", headers=())).status == 401


@pytest.mark.parametrize("field", ["model", "max_tokens", "messages"])
def test_model_max_tokens_and_messages_are_required(field: str) -> None:
    body = body_for("anthropic")
    del body[field]
    response = FakeProvider("anthropic").respond(request_for("anthropic", body))
    assert response.status == 400
    assert f"{field}: the field is required" in message_in("anthropic", said(response))


@pytest.mark.parametrize("max_tokens", [0, -1, 1.5, "100", True])
def test_max_tokens_must_be_a_whole_number_of_1_at_least(max_tokens: object) -> None:
    assert "max_tokens" in refusal(max_tokens=max_tokens)


def test_a_blank_model_and_a_stream_that_is_no_truth_value_are_refused() -> None:
    assert refusal(model=" ").startswith("model")
    assert refusal(stream="yes").startswith("stream")


@pytest.mark.parametrize("messages", [[], {}, "Hi"])
def test_messages_must_be_a_list_with_one_at_least(messages: object) -> None:
    assert refusal(messages).startswith("messages")


def test_a_system_role_among_the_messages_is_refused_with_a_hint() -> None:
    words = refusal([{"role": "system", "content": "Be kind."}, USER])
    assert "'system' is neither user nor assistant" in words
    assert "top-level" in words
    assert is_taken(system="Be kind.")
    assert is_taken(system=[text("Be kind.")])


@pytest.mark.parametrize("role", ["tool", "developer", None])
def test_other_roles_are_refused(role: object) -> None:
    words = refusal([{"role": role, "content": "Hi"}])
    assert words.endswith(f"{role!r} is neither user nor assistant.")


def test_the_first_message_is_the_user_s() -> None:
    assert "first message" in refusal([{"role": "assistant", "content": "Hi"}, USER])


@pytest.mark.parametrize("content", ["", [], None, 1])
def test_content_must_not_be_empty_but_in_a_last_answer(content: object) -> None:
    assert "messages.0" in refusal([{"role": "user", "content": content}])
    assert is_taken([USER, {"role": "assistant", "content": ""}])


@pytest.mark.parametrize("words", ["", "  \n", None])
def test_empty_text_blocks_are_refused_everywhere(words: object) -> None:
    assert "must not be empty" in refusal([user(text(words))])
    assert "must not be empty" in refusal(system=[text(words)])
    inside = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text(words)]}
    assert "must not be empty" in refusal([USER, assistant(use()), user(inside)])


@pytest.mark.parametrize("block", [{}, "Hi", {"type": 1}])
def test_a_block_must_have_a_type(block: Any) -> None:
    assert "messages.0.content.0.type" in refusal([{"role": "user", "content": [block]}])


def test_blocks_of_other_types_pass() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    assert is_taken([user(image, text("What is it?"))])


@pytest.mark.parametrize(
    "messages",
    [
        [USER, assistant(use())],
        [USER, assistant(use()), USER],
        [USER, assistant(use("toolu_1"), use("toolu_2")), user(result("toolu_2"))],
        [USER, assistant(use("toolu_1"), use("toolu_2")), user(result("toolu_2")), user(result("toolu_1"))],
    ],
)
def test_tool_use_without_its_results_in_the_next_message_is_refused(messages: object) -> None:
    assert "tool_use ids without tool_result blocks right after: toolu_1" in refusal(messages)


@pytest.mark.parametrize(
    "messages",
    [
        [user(result())],
        [USER, assistant(text("a")), user(result())],
        [USER, assistant(use()), user(result("toolu_2"))],
        [USER, assistant(use()), user(result(), result())],
        [USER, assistant(use()), user(text("Here:"), result())],
        [USER, assistant(result()), USER],
    ],
)
def test_a_tool_result_that_answers_no_tool_use_or_is_not_first_is_refused(messages: object) -> None:
    assert "has no tool_use in the message before, or is not at the beginning" in refusal(messages)


def test_tool_use_ids_are_unique_in_the_conversation() -> None:
    again = [USER, assistant(use()), user(result()), assistant(use()), user(result())]
    assert "must be unique" in refusal(again)
    assert "must be unique" in refusal([USER, assistant(use(), use()), user(result())])


def test_results_may_be_followed_by_text_and_come_in_any_order() -> None:
    calls = assistant(text("I call."), use("toolu_1"), use("toolu_2"))
    assert is_taken([USER, calls, user(result("toolu_2"), result("toolu_1"), text("And now?"))])


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "", "name": "f", "input": {}},
        {"type": "tool_use", "id": "a", "name": "f", "input": "{}"},
    ],
)
def test_a_tool_use_block_needs_an_id_and_an_object(block: Block) -> None:
    assert "must have an id and an input that is an object" in refusal(
        [USER, assistant(block), user(result())]
    )


def test_a_tool_result_must_name_its_tool_use() -> None:
    assert "tool_use_id" in refusal([USER, assistant(use()), user({"type": "tool_result"})])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "on"}, "thinking.type"),
        ({}, "thinking.type"),
        ({"type": "enabled"}, "thinking.budget_tokens"),
        ({"type": "enabled", "budget_tokens": 1023}, "at least 1024"),
        ({"type": "enabled", "budget_tokens": 4096}, "greater than thinking.budget_tokens"),
    ],
)
def test_a_thinking_budget_is_1024_at_least_and_below_max_tokens(given: object, words: str) -> None:
    assert words in refusal(thinking=given)


@pytest.mark.parametrize(
    "given", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}, {"type": "disabled"}]
)
def test_a_right_thinking_field_is_taken(given: object) -> None:
    assert is_taken(thinking=given)


def test_thinking_goes_with_neither_another_temperature_nor_a_forced_tool() -> None:
    on = {"type": "adaptive"}
    assert "temperature" in refusal(thinking=on, temperature=0)
    assert "tool_choice" in refusal(thinking=on, tools=[TOOL], tool_choice={"type": "any"})
    assert is_taken(thinking=on, temperature=1, tools=[TOOL], tool_choice={"type": "auto"})


@pytest.mark.parametrize("signature", ["other", 7, " "])
def test_thinking_that_came_back_changed_is_refused(signature: object) -> None:
    answer = assistant(thinking("hmm", signature), text("a"))
    assert "signature is missing or does not fit" in refusal([USER, answer, USER])
    unsigned = {"type": "thinking", "thinking": "hmm"}
    assert "signature is missing or does not fit" in refusal([USER, assistant(unsigned, text("a")), USER])


def test_in_a_tool_loop_the_thinking_goes_back_first() -> None:
    on = {"type": "adaptive"}
    without = [USER, assistant(use()), user(result())]
    late = [USER, assistant(text("a"), thinking(), use()), user(result())]
    assert "must be thinking or redacted_thinking" in refusal(without, thinking=on)
    assert "must be thinking or redacted_thinking" in refusal(late, thinking=on)
    redacted = {"type": "redacted_thinking", "data": "abc"}
    assert is_taken([USER, assistant(thinking(), use()), user(result())], thinking=on)
    assert is_taken([USER, assistant(redacted, use()), user(result())], thinking=on)
    assert is_taken(without)
    assert is_taken([USER, assistant(text("a")), USER], thinking=on)


def test_four_blocks_may_have_cache_control() -> None:
    marked = [text("a", cache_control=CACHED)] * 3
    assert is_taken([user(*marked)], system=[text("a", cache_control=CACHED)])
    assert "cache_control: 4 blocks" in refusal([user(*marked)] * 2)


def test_marks_on_the_system_and_on_tools_count_among_the_four() -> None:
    marked = [text("a", cache_control=CACHED)] * 3
    tools = [{**TOOL, "cache_control": CACHED}]
    assert is_taken([user(*marked)], tools=tools)
    assert "cache_control: 4 blocks may have it, not 5" in refusal(
        [user(*marked)], tools=tools, system=[text("a", cache_control=CACHED)]
    )


def test_longer_cache_lifetimes_come_first() -> None:
    assert is_taken([user(text("a", cache_control=HOUR), text("b", cache_control=CACHED))])
    assert "1h must come before" in refusal(
        [user(text("a", cache_control=CACHED), text("b", cache_control=HOUR))]
    )


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ({}, "must be a list"),
        ([{"input_schema": {"type": "object"}}], "tools.0.name"),
        ([{"name": "a b", "input_schema": {"type": "object"}}], "tools.0.name"),
        ([TOOL, {"name": "g"}], "tools.1.input_schema"),
        ([{"type": "function", "function": {"name": "f"}}], "no tool of the type 'function'"),
        ([TOOL, TOOL], "unique"),
    ],
)
def test_malformed_tools_are_refused(tools: object, words: str) -> None:
    assert words in refusal(tools=tools)


def test_the_server_s_own_tools_are_taken_beside_others() -> None:
    assert is_taken(tools=[{"type": "web_search_20250305", "name": "web_search"}, {"type": "custom", **TOOL}])


@pytest.mark.parametrize("field", ["system", "messages", "tools"])
def test_the_prompt_s_tokens_are_those_of_system_messages_and_tools(field: str) -> None:
    def counted(**fields: Any) -> int:
        return int(said(ask("anthropic", **{"messages": [USER], **fields}))["usage"]["input_tokens"])

    words = "one two three"
    more: dict[str, Any] = {
        "system": words,
        "messages": [user(text("Hi"), text(words))],
        "tools": [{**TOOL, "description": words}],
    }
    plain: dict[str, Any] = {"system": "", "messages": [user(text("Hi"))], "tools": [TOOL]}
    assert counted(**{**plain, field: more[field]}) >= counted(**plain) + 3
