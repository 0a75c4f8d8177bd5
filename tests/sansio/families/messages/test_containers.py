"""The container of a code execution goes back to Anthropic while it may be needed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sansio import JSONObject, Message, Part, Provider, Role, ServerToolPart, TextPart, ToolCall
from tests.sansio.wires import ASK, Record, body_of, config

RUNS = ServerToolPart("server_tool_use", "s", "code_execution", {"code": "1"})
RAN = ServerToolPart("code_execution_tool_result", "s", output={"type": "code_execution_result"})
CALL = ToolCall("a", "f")
FROM_CODE: JSONObject = {"caller": {"type": "code_execution_20260521", "tool_id": "s"}}
CALLED_BY_CODE = ToolCall("a", "f", extra=FROM_CODE)
RESULT = Message(Role.TOOL, "1", tool_call_id="a")


def answered(*parts: Part, container: object = None, origin: str | None = "anthropic/messages") -> Message:
    extra: JSONObject = {} if container is None else {"container": {"id": container, "expires_at": "t"}}  # type: ignore[dict-item]  # a wrong id is tested too
    return Message(Role.ASSISTANT, parts, extra=extra, origin=origin)


def container_sent(*messages: Message, **options: Any) -> object:
    """What the request names, the same after storage as JSON."""
    stored = msgspec.json.decode(msgspec.json.encode(messages), type=list[Message])
    sent = [
        body_of(Provider(config("anthropic")), history, **options).get("container")
        for history in (list(messages), stored)
    ]
    assert sent[0] == sent[1]
    return sent[0]


@pytest.mark.parametrize("code", [(RUNS, CALL), (RUNS, CALLED_BY_CODE), (RUNS, RAN, CALL)])
def test_the_last_answer_s_container_goes_back_with_its_results(code: tuple[Part, ...]) -> None:
    assert container_sent(*ASK, answered(*code, container="c1"), RESULT) == "c1"
    later = answered(ToolCall("b", "f"), container="c2")
    second = Message(Role.TOOL, "2", tool_call_id="b")
    assert container_sent(*ASK, answered(*code, container="c1"), RESULT, later, second) == "c2"


def test_it_goes_back_with_a_paused_answer_and_with_the_next_question() -> None:
    paused = answered(RUNS, container="c1")
    assert container_sent(*ASK, paused) == "c1"
    assert container_sent(*ASK, answered(RUNS, RAN, TextPart("1"), container="c1"), *ASK) == "c1"


def test_answers_to_one_question_share_it() -> None:
    first = answered(RUNS, RAN, CALL, container="c1")
    plain = answered(ToolCall("b", "f"))
    second = Message(Role.TOOL, "2", tool_call_id="b")
    assert container_sent(*ASK, first, RESULT, plain, second) == "c1"
    assert container_sent(*ASK, first, RESULT, answered(TextPart("So")), *ASK) == "c1"


@pytest.mark.parametrize(
    ("code", "container"),
    [
        ((TextPart("So"),), None),
        ((RUNS, RAN, TextPart("So")), None),
        ((RUNS, TextPart("So")), "c1"),
        ((ServerToolPart("server_tool_use", "s", "web_search"), TextPart("So")), None),
        ((ServerToolPart("server_tool_use", "s", "web_search", extra=FROM_CODE), TextPart("So")), "c1"),
        ((ServerToolPart("server_tool_use", "s", "bash_code_execution"), TextPart("So")), "c1"),
    ],
)
def test_one_of_an_older_question_goes_back_only_for_pending_code(
    code: tuple[Part, ...], container: str | None
) -> None:
    old = answered(RUNS, RAN, TextPart("1"), container="c1")
    assert container_sent(*ASK, old, *ASK, answered(*code), *ASK) == container


def test_only_an_answer_of_anthropic_has_one() -> None:
    given = answered(TextPart("So"), container="c1", origin="openrouter/chat")
    assert container_sent(*ASK, given, *ASK) is None


def test_a_container_without_an_id_is_none() -> None:
    assert container_sent(*ASK, answered(RUNS, CALL, container=1), RESULT) is None


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("c2", "c2"),
        (None, None),
        ({"id": "c2"}, {"id": "c2"}),
        ({"skills": []}, {"id": "c1", "skills": []}),
        ({"id": None, "skills": []}, {"id": None, "skills": []}),
    ],
)
def test_the_option_overrides_it(given: object, sent: Record | str | None) -> None:
    history = [*ASK, answered(RUNS, CALL, container="c1"), RESULT]
    assert container_sent(*history, container=given) == sent
