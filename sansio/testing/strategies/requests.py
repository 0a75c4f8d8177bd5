"""Requests that every provider takes: conversations and tools."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from msgspec import Struct

from sansio import DocumentPart, ImagePart, Message, Role, TextPart, ToolCall
from sansio.content import ContentPart, Tool
from sansio.testing.strategies.values import JSON_TEXTS, NAMES, OBJECTS, TEXTS


class Asked(Struct, frozen=True):
    """What `Provider.call` is given.

    Args:
        messages: a conversation whose last word is the user's or a tool's.
        tools: in OpenAI's function format, each with a name of its own.
    """

    messages: list[Message]
    tools: list[Tool]


def requests() -> st.SearchStrategy[Asked]:
    """Conversations and tools that all six providers take.

    A system's or developer's word first or none; users' texts, images and documents; answers with text,
    reasoning and parallel tool calls, each with its result.
    """
    return _REQUESTS


_SAID = TEXTS.filter(lambda text: not text.isspace())
"""Anthropic refuses texts that are blank."""

_PARTS: st.SearchStrategy[ContentPart] = st.one_of(
    st.builds(TextPart, _SAID),
    st.builds(ImagePart, data=st.binary(max_size=8), detail=st.sampled_from((None, "low"))),
    st.builds(DocumentPart, data=st.binary(max_size=8), name=st.none() | NAMES),
)
_CONTENTS: st.SearchStrategy[str | tuple[ContentPart, ...]] = _SAID | st.lists(
    _PARTS, min_size=1, max_size=3
).map(tuple)

_PROPERTIES = st.dictionaries(NAMES, st.sampled_from(({"type": "string"}, {"type": "integer"})), max_size=2)


def _draw_tool(draw: st.DrawFn, name: str) -> Tool:
    parameters = {"type": "object", "properties": draw(_PROPERTIES)}
    function = {"name": name, "description": draw(TEXTS), "parameters": parameters}
    return {"type": "function", "function": function}


@st.composite
def _requests(draw: st.DrawFn) -> Asked:
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message(draw(st.sampled_from((Role.SYSTEM, Role.DEVELOPER))), draw(_SAID)))
    messages.append(Message(Role.USER, draw(_CONTENTS)))
    for turn in range(draw(st.integers(0, 3))):
        calls = _draw_calls(draw, turn)
        text = draw(TEXTS if calls else _SAID)
        messages.append(Message(Role.ASSISTANT, text, calls, reasoning=draw(st.just("") | TEXTS)))
        messages += _results(draw, calls) if calls else [Message(Role.USER, draw(_CONTENTS))]
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    return Asked(messages, [_draw_tool(draw, name) for name in names])


def _draw_calls(draw: st.DrawFn, turn: int) -> tuple[ToolCall, ...]:
    calls = []
    for position in range(draw(st.integers(0, 2))):
        call_id, name = f"{draw(NAMES)}_{turn}_{position}", draw(NAMES)
        if draw(st.booleans()):
            calls.append(ToolCall(call_id, name, draw(OBJECTS)))
        else:
            raw, arguments = draw(JSON_TEXTS)
            calls.append(ToolCall(call_id, name, arguments, raw))
    return tuple(calls)


def _results(draw: st.DrawFn, calls: Sequence[ToolCall]) -> list[Message]:
    results = [Message(Role.TOOL, draw(TEXTS), tool_call_id=call.id) for call in calls]
    return draw(st.permutations(results))


_REQUESTS = _requests()
