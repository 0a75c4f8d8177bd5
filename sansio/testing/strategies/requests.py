"""Requests that every provider accepts, and histories of every kind: conversations and tools."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from msgspec import Struct, structs

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
)
from sansio.content import Tool
from sansio.testing.script import OWN_TYPES, PROVIDER_TYPES
from sansio.testing.strategies.answers import messages
from sansio.testing.strategies.values import BYTES, JSON_TEXTS, NAMES, OBJECTS, TEXTS


class Asked(Struct, frozen=True):
    """The arguments of `Provider.call`.

    Args:
        messages: a conversation whose last message is the user's or a tool's.
        tools: in OpenAI's function format, with different names.
    """

    messages: list[Message]
    tools: list[Tool]


def requests() -> st.SearchStrategy[Asked]:
    """Conversations and tools that all six providers accept.

    They may begin with a system's or developer's message. They have users' texts and images, answers that
    the application wrote, whole answers of every provider, and a result for each call.
    """
    return _REQUESTS


def histories() -> st.SearchStrategy[list[Message]]:
    """Conversations with everything that a message may have: each passes `check_messages`.

    As `requests()`, but with media in every form, which not every provider accepts.
    """
    return _HISTORIES


_SAID = TEXTS.filter(lambda text: not text.isspace())
"""Anthropic refuses texts that are blank."""

_EXTRAS = st.sampled_from(({}, {"cache_control": {"type": "ephemeral"}}))

_PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextPart, _SAID),
    st.builds(ImagePart, data=BYTES, detail=st.sampled_from((None, "low"))),
)
_URLS = NAMES.map("https://example.com/{}".format)
_EVERY_PART: st.SearchStrategy[Part] = st.one_of(
    _PARTS,
    st.builds(TextPart, _SAID, extra=_EXTRAS),
    st.builds(ImagePart, url=_URLS, extra=_EXTRAS),
    st.builds(ImagePart, file_id=NAMES),
    st.builds(DocumentPart, data=BYTES, name=st.none() | NAMES),
    st.builds(DocumentPart, url=_URLS),
    st.builds(DocumentPart, file_id=NAMES, extra=_EXTRAS),
    st.builds(AudioPart, data=BYTES, media_type=st.sampled_from(("audio/wav", "audio/mpeg"))),
    st.builds(AudioPart, url=_URLS),
)


def _contents(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[str | tuple[Part, ...]]:
    return _SAID | st.lists(parts, min_size=1, max_size=3).map(tuple)


_PROPERTIES = st.dictionaries(NAMES, st.sampled_from(({"type": "string"}, {"type": "integer"})), max_size=2)


def _draw_tool(draw: st.DrawFn, name: str) -> Tool:
    parameters = {"type": "object", "properties": draw(_PROPERTIES)}
    function = {"name": name, "description": draw(TEXTS), "parameters": parameters}
    return {"type": "function", "function": function}


@st.composite
def _requests(draw: st.DrawFn) -> Asked:
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    return Asked(draw(_conversations(_PARTS)), [_draw_tool(draw, name) for name in names])


@st.composite
def _conversations(draw: st.DrawFn, parts: st.SearchStrategy[Part]) -> list[Message]:
    conversation: list[Message] = []
    contents = _contents(parts)
    if draw(st.booleans()):
        conversation.append(Message(draw(st.sampled_from((Role.SYSTEM, Role.DEVELOPER))), draw(_SAID)))
    conversation.append(Message(Role.USER, draw(contents)))
    for turn in range(draw(st.integers(0, 3))):
        answer = draw(_ANSWERS) if draw(st.booleans()) else _draw_own(draw)
        answer = _with_own_ids(answer, turn)
        conversation.append(answer)
        results = _draw_results(draw, answer)
        conversation += results or [Message(Role.USER, draw(contents))]
    return conversation


_HOMES = (*PROVIDER_TYPES, "openai/responses", "ollama/ollama", *OWN_TYPES)
_ANSWERS = st.sampled_from(_HOMES).flatmap(messages)
"""Answers of every wire family."""


def _draw_own(draw: st.DrawFn) -> Message:
    """An answer that the application wrote."""
    calls = [_draw_call(draw, number) for number in range(draw(st.integers(0, 2)))]
    texts = draw(st.lists(TEXTS if calls else _SAID, min_size=0 if calls else 1, max_size=2))
    return Message(Role.ASSISTANT, (*map(TextPart, texts), *calls))


def _draw_call(draw: st.DrawFn, number: int) -> ToolCall:
    call_id, name = f"{draw(NAMES)}-{number}", draw(NAMES)
    if draw(st.booleans()):
        return ToolCall(call_id, name, draw(OBJECTS))
    raw, arguments = draw(JSON_TEXTS)
    return ToolCall(call_id, name, arguments, raw)


def _with_own_ids(answer: Message, turn: int) -> Message:
    """The answer with ids that no other turn has: Anthropic refuses repeated ids."""
    parts = [
        structs.replace(part, id=f"{part.id}-{turn}")
        if isinstance(part, ToolCall | InvalidToolCall)
        else part
        for part in answer.parts
    ]
    return structs.replace(answer, content=tuple(parts))


def _draw_results(draw: st.DrawFn, answer: Message) -> Sequence[Message]:
    """A result for each call; those of invalid calls may be missing."""
    ids = [call.id for call in answer.tool_calls]
    ids += [call.id for call in answer.invalid_tool_calls if draw(st.booleans())]
    results = [
        Message(Role.TOOL, draw(_RESULTS), tool_call_id=call_id, is_error=draw(st.booleans()))
        for call_id in ids
    ]
    return draw(st.permutations(results))


_RESULTS: st.SearchStrategy[str | tuple[Part, ...]] = TEXTS | st.lists(
    st.builds(TextPart, _SAID), min_size=1, max_size=2
).map(tuple)

_REQUESTS = _requests()
_HISTORIES = _conversations(_EVERY_PART)
