"""What Anthropic refuses, and what it accepts."""

from __future__ import annotations

from typing import Any

import pytest

from sansio.testing import FakeProvider
from sansio.testing.wires.messages import sign
from tests.sansio.testing.asking import AUTH, HELLO, ask, body_for, message_in, request_for, said

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be kind."}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
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


@pytest.mark.parametrize("max_tokens", [-1, 1.5, "100", True])
def test_max_tokens_must_be_a_whole_number_of_0_at_least(max_tokens: object) -> None:
    assert refusal(max_tokens=max_tokens).startswith("max_tokens")
    assert is_taken(max_tokens=0)


def test_a_blank_model_and_a_stream_that_is_no_truth_value_are_refused() -> None:
    assert refusal(model=" ").startswith("model")
    assert refusal(stream="yes").startswith("stream")


@pytest.mark.parametrize("messages", [[], {}, "Hi"])
def test_messages_must_be_a_list_with_one_at_least(messages: object) -> None:
    assert refusal(messages).startswith("messages")


def test_a_system_message_at_the_beginning_is_refused_with_a_hint() -> None:
    assert "top-level field system" in refusal([SYSTEM, USER])
    assert is_taken(system="Be kind.")
    assert is_taken(system=[text("Be kind.")])


def test_a_system_message_follows_a_user_s_turn_and_is_last_or_before_the_assistant_s() -> None:
    turn = [USER, assistant(use()), user(result())]
    assert is_taken([USER, SYSTEM])
    assert is_taken([USER, SYSTEM, assistant(text("a")), USER])
    assert is_taken([*turn, SYSTEM])
    assert is_taken([USER, assistant({**use(), "type": "server_tool_use"}), SYSTEM])
    assert "must follow a 'user'" in refusal([USER, assistant(text("a")), SYSTEM])
    assert "must follow a 'user'" in refusal([USER, {"role": "assistant", "content": "a"}, SYSTEM])
    assert "followed by 'assistant'" in refusal([USER, SYSTEM, USER])
    assert "followed by 'assistant'" in refusal([USER, SYSTEM, SYSTEM])
    assert "text only" in refusal([USER, {"role": "system", "content": [IMAGE]}])


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("claude-opus-4-8", True),
        ("anthropic/claude-sonnet-5", True),
        ("claude-opus-4-7", False),
        ("claude-sonnet-4-20250514", False),
    ],
)
def test_models_before_4_8_take_no_late_system_message(model: str, taken: bool) -> None:
    assert is_taken([USER, SYSTEM], model=model) is taken
    if not taken:
        assert "not supported on this model" in refusal([USER, SYSTEM], model=model)


@pytest.mark.parametrize("role", ["tool", "developer", None])
def test_other_roles_are_refused(role: object) -> None:
    words = refusal([{"role": role, "content": "Hi"}])
    assert words.endswith(f"{role!r} is neither user, assistant nor system.")


def test_a_message_has_a_role_and_content_only() -> None:
    assert "messages.0.name: " in refusal([{**USER, "name": "Ann"}])
    assert "messages.1.name: " in refusal([USER, {**SYSTEM, "name": "Ann"}])
    assert is_taken([USER, {**SYSTEM, "clear_at": "never"}])


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
    assert is_taken([user({"type": "container_upload", "file_id": "f"}, text("What is it?"))])


PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}


@pytest.mark.parametrize(
    ("kind", "source", "words"),
    [
        ("image", {"type": "file", "file_id": "f"}, None),
        ("image", {"type": "base64", "media_type": "image/webp", "data": "AA=="}, None),
        ("image", {"type": "base64", "media_type": "image/tiff", "data": "AA=="}, "source.media_type"),
        ("image", {"type": "base64", "media_type": "image/png", "data": ""}, "source.data"),
        ("image", {"type": "text", "media_type": "text/plain", "data": "a"}, "source.type"),
        ("image", {"type": "url"}, "source.url"),
        ("image", None, "source.type"),
        ("document", PDF, None),
        ("document", {"type": "text", "media_type": "text/plain", "data": "a"}, None),
        ("document", {"type": "text", "media_type": "text/html", "data": "a"}, "source.media_type"),
        ("document", {"type": "content", "content": "a"}, None),
        ("document", {"type": "file", "file_id": 1}, None),
        ("document", {"type": "file"}, "source.file_id"),
    ],
)
def test_images_and_documents_name_a_source_that_is_read(
    kind: str, source: object, words: str | None
) -> None:
    block = {"type": kind, "source": source}
    for messages, path in (
        ([user(block)], "messages.0.content.0."),
        (
            [USER, assistant(use()), user({**result(), "content": [block]})],
            "messages.2.content.0.content.0.",
        ),
    ):
        if words is None:
            assert is_taken(messages)
        else:
            assert refusal(messages).startswith(path + words)


def test_a_tool_result_holds_no_calls() -> None:
    inside = {**result(), "content": [use("b")]}
    assert "messages.2.content.0.content.0.type" in refusal([USER, assistant(use()), user(inside)])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 1.5),
        ("temperature", "0"),
        ("top_p", -0.1),
        ("top_k", 1.5),
        ("stop_sequences", "x"),
        ("stop_sequences", [" "]),
        ("tool_choice", "auto"),
        ("tool_choice", {"type": "function"}),
        ("tool_choice", {"type": "none", "disable_parallel_tool_use": True}),
        ("metadata", {"a": 1}),
        ("service_tier", "default"),
        ("speed", "slow"),
        ("output_config", {"effort": "minimal"}),
        ("output_config", {"format": {"type": "json_object"}}),
        ("container", 1),
        ("cache_control", {"type": "ephemeral", "ttl": "2h"}),
        ("seed", 1),
        ("max_completion_tokens", 5),
    ],
)
def test_unknown_fields_wrong_types_and_ranges_are_refused_with_the_field(field: str, value: object) -> None:
    assert refusal(tools=[TOOL], **{field: value}).startswith(field)


def test_a_field_of_a_beta_needs_the_header_that_names_it() -> None:
    field = {"mcp_servers": [{"type": "url", "url": "u", "name": "n"}]}
    assert "anthropic-beta" in refusal(**field)
    beta = (*AUTH["anthropic"], ("anthropic-beta", "mcp-client-2026-09-15"))
    request = request_for("anthropic", body_for("anthropic", **field), headers=beta)
    assert FakeProvider("anthropic").respond(request).status == 200


def at_version(version: str, messages: object = HELLO, **fields: object) -> str | None:
    """The words with which a version of the API refuses a request; `None` if it takes it."""
    headers = (("x-api-key", "sk"), ("anthropic-version", version))
    request = request_for("anthropic", body_for("anthropic", messages, **fields), headers=headers)
    response = FakeProvider("anthropic").respond(request)
    return None if response.status == 200 else message_in("anthropic", said(response))


def test_the_versions_of_the_api() -> None:
    assert at_version("2023-06-01", temperature=0.5) is None
    assert at_version("2026-10-21") is None
    assert "no version" in str(at_version("2024-10-21"))
    for field in ("temperature", "top_p", "top_k"):
        assert str(at_version("2026-10-21", **{field: 1})).startswith(field)


def test_the_newer_version_has_no_documents_of_the_assistant_and_no_citations_of_the_user() -> None:
    cited = [user(text("a", citations=[{"type": "char_location"}]))]
    said_so = [USER, assistant({"type": "document", "source": PDF}), USER]
    for messages, place in ((cited, "messages.0.content.0.citations"), (said_so, "messages.1.content.0")):
        assert at_version("2023-06-01", messages) is None
        assert str(at_version("2026-10-21", messages)).startswith(place)
    assert (
        at_version("2026-10-21", [user(text("a", citations=[]), {"type": "document", "source": PDF})]) is None
    )


def test_a_tool_choice_needs_tools_and_names_one_of_them() -> None:
    assert "beside tools" in refusal(tool_choice={"type": "auto"})
    assert "no tool 'g'" in refusal(tools=[TOOL], tool_choice={"type": "tool", "name": "g"})
    assert is_taken(tools=[TOOL], tool_choice={"type": "tool", "name": "f"})


RUNS_CODE = {"type": "server_tool_use", "id": "s", "name": "code_execution", "input": {}}
CODE_RAN = {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {}}


@pytest.mark.parametrize(
    ("blocks", "needed"),
    [
        ((RUNS_CODE, use()), True),
        (({**use(), "caller": {"type": "code_execution_20260521", "tool_id": "s"}},), True),
        ((RUNS_CODE, CODE_RAN, use()), False),
        (({**RUNS_CODE, "name": "web_search"}, use()), False),
        (({**use(), "caller": {"type": "direct"}},), False),
    ],
)
def test_a_pending_code_execution_needs_its_container(blocks: tuple[Block, ...], needed: bool) -> None:
    messages = [USER, assistant(*blocks), user(result())]
    assert is_taken(messages, container="c")
    assert is_taken(messages, container={"id": "c"})
    without: tuple[object, ...] = (None, "", {"skills": []})
    for container in without:
        if needed:
            assert "container_id is required" in refusal(messages, container=container)
        else:
            assert is_taken(messages, container=container)


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
    assert "has no tool_use in the message before, or does not begin its message" in refusal(messages)


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
        ({}, "thinking"),
        ({"type": "enabled"}, "budget_tokens"),
        ({"type": "enabled", "budget_tokens": 1023}, ">= 1024"),
        ({"type": "adaptive", "budget_tokens": 2048}, "budget_tokens"),
        ({"type": "adaptive", "display": "all"}, "thinking.display"),
        ({"type": "enabled", "budget_tokens": 4096}, "greater than thinking.budget_tokens"),
    ],
)
def test_a_thinking_budget_is_1024_at_least_and_below_max_tokens(given: object, words: str) -> None:
    assert words in refusal(thinking=given)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "enabled", "budget_tokens": 1024},
        {"type": "adaptive", "display": "summarized"},
        {"type": "disabled"},
        {"type": "between_tools"},
    ],
)
def test_a_right_thinking_field_is_taken(given: object) -> None:
    assert is_taken(thinking=given)


def test_thinking_goes_with_neither_another_temperature_nor_a_forced_tool() -> None:
    on = {"type": "adaptive"}
    assert "temperature" in refusal(thinking=on, temperature=0)
    for choice in ({"type": "any"}, {"type": "tool", "name": TOOL["name"]}):
        assert "tool_choice: a tool must not be forced" in refusal(
            thinking=on, tools=[TOOL], tool_choice=choice
        )
    assert "top_k" in refusal(thinking=on, top_k=5)
    assert "top_p" in refusal(thinking=on, top_p=0.9)
    assert is_taken(thinking=on, temperature=1, top_p=0.95, tools=[TOOL], tool_choice={"type": "auto"})


@pytest.mark.parametrize(
    ("model", "budget", "adaptive"),
    [
        ("claude-3-7-sonnet-20250219", True, False),
        ("claude-haiku-4-5", True, False),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", True, False),
        ("claude-opus-4-6", True, True),
        ("claude-opus-4-7", False, True),
        ("claude-sonnet-5-5", False, True),
    ],
)
def test_which_model_takes_which_form_of_thinking(model: str, budget: bool, adaptive: bool) -> None:
    assert is_taken(model=model, thinking={"type": "enabled", "budget_tokens": 1024}) is budget
    assert is_taken(model=model, thinking={"type": "adaptive"}) is adaptive
    words = refusal(model=model, thinking={"type": "enabled", "budget_tokens": 1024}) if not budget else ""
    assert words.startswith("thinking.type" * (not budget))


@pytest.mark.parametrize(
    ("model", "taken"),
    [("claude-3-haiku-20240307", False), ("claude-sonnet-4-20250514", False), ("claude-opus-4-1", True)],
)
def test_which_model_takes_a_schema(model: str, taken: bool) -> None:
    form = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert is_taken(model=model, output_config=form) is taken
    assert "output_config.format" in refusal(model="claude-3-haiku-20240307", output_config=form)
    assert is_taken(model=model, output_config={"effort": "low"})


@pytest.mark.parametrize("signature", ["other", 7, " "])
def test_thinking_that_came_back_changed_is_refused(signature: object) -> None:
    answer = assistant(thinking("hmm", signature), text("a"))
    assert "signature is missing or does not fit" in refusal([USER, answer, USER])
    unsigned = {"type": "thinking", "thinking": "hmm"}
    assert "signature is missing or does not fit" in refusal([USER, assistant(unsigned, text("a")), USER])


def test_in_a_tool_loop_the_thinking_goes_back_first() -> None:
    on = {"type": "enabled", "budget_tokens": 1024}
    without = [USER, assistant(use()), user(result())]
    late = [USER, assistant(text("a"), thinking(), use()), user(result())]
    assert "must be thinking or redacted_thinking" in refusal(without, thinking=on)
    assert "must be thinking or redacted_thinking" in refusal(late, thinking=on)
    redacted = {"type": "redacted_thinking", "data": "abc"}
    assert is_taken([USER, assistant(thinking(), use()), user(result())], thinking=on)
    assert is_taken([USER, assistant(redacted, use()), user(result())], thinking=on)
    assert is_taken(without)
    assert is_taken(without, thinking={"type": "adaptive"})
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


def test_marks_inside_results_and_the_body_s_own_count_too() -> None:
    marked = [text("a", cache_control=CACHED)] * 3
    inside = {**result(), "content": marked, "cache_control": CACHED}
    loop = [USER, assistant(use()), user(inside)]
    assert is_taken(loop)
    assert "not 5" in refusal([*loop, user(text("a", cache_control=CACHED))])
    assert "not 5" in refusal(loop, cache_control=CACHED)


def test_thinking_and_deferred_tools_have_no_mark_and_a_mark_has_one_form() -> None:
    assert "cache_control" in refusal([USER, assistant({**thinking(), "cache_control": CACHED}), USER])
    assert "cache_control" in refusal(tools=[{**TOOL, "defer_loading": True, "cache_control": CACHED}])
    assert "cache_control" in refusal([user(text("a", cache_control={"type": "forever"}))])


def test_longer_cache_lifetimes_come_first() -> None:
    assert is_taken([user(text("a", cache_control=HOUR), text("b", cache_control=CACHED))])
    assert "1h must come before" in refusal(
        [user(text("a", cache_control=CACHED), text("b", cache_control=HOUR))]
    )


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ({}, "tools: "),
        (["f"], "tools"),
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


def test_a_data_url_is_no_address_of_an_image() -> None:
    source = {"type": "url", "url": "data:image/png;base64,QUJD"}
    assert "messages.0.content.0.source.url" in refusal([user({"type": "image", "source": source})])
    assert is_taken([user({"type": "image", "source": {"type": "url", "url": "https://a/b.png"}})])


@pytest.mark.parametrize("words", ["Once ", "Once\n"])
def test_a_last_assistant_message_must_not_end_in_white_space(words: str) -> None:
    assert "trailing whitespace" in refusal([USER, assistant(text(words))])
    assert "trailing whitespace" in refusal([USER, {"role": "assistant", "content": words}])
    assert is_taken([USER, assistant(text(words)), USER])
    assert is_taken([USER, assistant(text(words.strip()))])


def test_a_breakpoint_counts_wherever_it_is_among_other_blocks() -> None:
    marked = [block for word in "abcde" for block in (text(word), text(word, cache_control=CACHED))]
    assert is_taken([user(*marked[:-2])])
    assert "4 blocks may have it, not 5" in refusal([user(*marked)])
    late, early = text("b", cache_control=HOUR), text("a", cache_control=CACHED)
    assert is_taken([user(text("a"), late, text("c"), early)])
    assert "1h must come before" in refusal([user(text("a"), early, text("c"), late)])
