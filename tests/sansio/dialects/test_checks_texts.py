"""What each refusal of a request says, word for word: a person has nothing else to go by."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import (
    ImagePart,
    InvalidRequestError,
    Message,
    Provider,
    Role,
    TextPart,
    ToolCall,
    fit_context,
)
from tests.sansio.texts import Deed, refusal
from tests.sansio.wires import ASK, WEATHER, config


def asked(*messages: object, kind: str = "openai", tools: object = None, **options: Any) -> Deed:
    return lambda: Provider(config(kind)).call(messages, tools, **options)  # type: ignore[arg-type]  # refused


def said(*content: object, **fields: Any) -> Message:
    return Message(Role.USER, *content, **fields)  # type: ignore[arg-type]  # what is refused


def calling(*calls: object) -> Message:
    return Message(Role.ASSISTANT, "", calls)  # type: ignore[arg-type]  # what is refused


CALL = ToolCall("a", "f", {})
CALLS = "message 0: a ToolCall needs an id and a name, both text, and a dict of arguments"
REQUESTS: dict[str, Deed] = {
    "messages must be a list of Message, not one Message": lambda: Provider(config("openai")).call(
        ASK[0]  # type: ignore[arg-type]  # what is refused
    ),
    "the message list is empty: give at least one message": asked(),
    "message 0 is a dict, not a sansio.Message": asked({"role": "user"}),
    "message 0: role must be a Role, such as Role.USER, not 'user'": asked(Message("user", "x")),  # type: ignore[arg-type]  # what is refused
    "message 0: content must be a str or a tuple of parts, not int": asked(said(5)),
    "message 0: content must be a str or a tuple of TextPart, ImagePart and DocumentPart, not of str": asked(
        said(("a",))
    ),
    "message 0: a TextPart's text must be a str": asked(said((TextPart(5),))),  # type: ignore[arg-type]  # what is refused
    "message 0: an ImagePart needs either url or data, text or bytes": asked(said((ImagePart(),))),
    "message 0: tool_calls must be a tuple of ToolCall": asked(calling("f")),
    "message 0: only an assistant's message has tool calls": asked(said("x", tool_calls=(CALL,))),
    "message 0: two of its tool calls have the same id": asked(calling(CALL, CALL)),
    CALLS: asked(calling(ToolCall("a", "", {}))),
    "message 0: no tool result follows for the calls 'a', 'b'; append one for each, an error text where the "
    "tool failed": asked(calling(CALL, ToolCall("b", "f", {}))),
    "message 1: the tool result for 'b' answers no call of the assistant's turn before it; append the answer "
    "itself before its tool results": asked(calling(CALL), Message(Role.TOOL, "x", tool_call_id="b")),
    'tool 0 has no name; tools have the form {"type": "function", "function": {"name": …, "description": …, '
    '"parameters": …}}': asked(*ASK, tools=[{"type": "function"}]),
    "tool 0, 'f', is not in OpenAI's chat format: put its name, description and parameters under "
    '"function"': asked(*ASK, tools=[{"type": "function", "name": "f", "parameters": {}}]),
    "tools 0 and 1 are both named 'get_weather'": asked(*ASK, tools=[WEATHER, WEATHER]),
    "top_p: nan cannot be sent; give a finite number": asked(*ASK, top_p=float("nan")),
    "message 0 holds half a surrogate pair, which cannot be sent as UTF-8; clean the text with "
    "text.encode('utf-8', 'replace').decode()": asked(said("\ud800")),
    "a tool or an option holds half a surrogate pair, which cannot be sent as UTF-8; clean the text with "
    "text.encode('utf-8', 'replace').decode()": asked(*ASK, user="\ud800"),
    "a tool, an option or a part's extra is no JSON: <why>": asked(*ASK, user=object()),
    "message 0: ollama takes images as data only, not by url": asked(
        said((ImagePart(url="https://h/i.png"),)), kind="ollama"
    ),
    "anthropic needs a user's message beside the system's": asked(
        Message(Role.SYSTEM, "Be brief."), kind="anthropic"
    ),
    "message 1: anthropic takes system messages only before all others": asked(
        *ASK, Message(Role.SYSTEM, "Be brief."), kind="anthropic"
    ),
    "message 0 has no text, which anthropic refuses; leave the message out or say something": asked(
        said(" "), kind="anthropic"
    ),
    "max_tokens: must be greater than 1024 with reasoning=True, since the thinking counts against it": (
        lambda: Provider(config("anthropic", reasoning=True)).call(ASK, max_tokens=1024)
    ),
    "the system messages and the newest turn alone exceed 5 tokens; shorten them, or use a model with a "
    "larger context window": lambda: fit_context(ASK, 9, reserve=4),
}


@pytest.mark.parametrize("text", REQUESTS)
def test_a_request_is_refused_with_these_words(text: str) -> None:
    error = refusal(text, REQUESTS[text])
    assert isinstance(error, InvalidRequestError)
    of_message = text.startswith("message ")
    assert error.index == (int(text.split()[1].strip(":")) if of_message else None)
