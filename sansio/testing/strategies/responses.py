"""Responses of OpenAI's newer API: valid ones, as items and as streams, and damaged streams."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from sansio.jsontext import JSONObject
from sansio.testing.records import read_records, write
from sansio.testing.strategies.framing import ENDS, SPACES
from sansio.testing.strategies.hostile import damaged
from sansio.testing.strategies.values import COUNTS, JSON_TEXTS, NAMES, OBJECTS, TEXTS
from sansio.testing.wires.responses_records import response_events, response_object, write_events


class ResponseStream(Struct, frozen=True):
    """A response, whole and as the stream of events that gives it.

    Args:
        response: the whole response.
        records: the stream's events.
        frames: the same as bytes, one server-sent event each.
    """

    response: JSONObject
    records: list[JSONObject]
    frames: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """The stream."""
        return b"".join(self.frames)


# Any: JSON of many forms, which no type of a strategy says.
_STATUS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(({}, {"status": "completed"}))
_LISTS = st.lists(OBJECTS, max_size=2)

_ANNOTATIONS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.one_of(
        st.builds(
            lambda url, title, start: {
                "type": "url_citation",
                "url": url,
                "title": title,
                "start_index": start,
                "end_index": start + 1,
            },
            NAMES,
            TEXTS,
            st.integers(0, 100),
        ),
        st.builds(
            lambda name: {"type": "file_citation", "file_id": name, "filename": name, "index": 0}, NAMES
        ),
    ),
    max_size=2,
)
_SELDOM = st.integers(0, 3).map(lambda number: number == 0)


@st.composite
def _text(draw: st.DrawFn) -> dict[str, Any]:
    annotations = draw(_ANNOTATIONS) if draw(_SELDOM) else []
    return {"type": "output_text", "text": draw(TEXTS | st.just("")), "annotations": annotations}


_REFUSALS = TEXTS.map(lambda said: {"type": "refusal", "refusal": said})


def _texts(kind: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(TEXTS.map(lambda said: {"type": kind, "text": said}), max_size=2)


_MESSAGES = st.builds(
    lambda content, status, phase: {
        "type": "message",
        "role": "assistant",
        "content": content,
        **status,
        **phase,
    },
    st.lists(_text() | _REFUSALS, min_size=1, max_size=2),
    _STATUS,
    st.sampled_from(({}, {"phase": "commentary"}, {"phase": "final_answer"})),
)
_REASONING = st.builds(
    lambda summary, raw, sealed: {
        "type": "reasoning",
        "summary": summary,
        **({"content": raw} if raw else {}),
        **({"encrypted_content": sealed} if sealed else {}),
    },
    _texts("summary_text"),
    _texts("reasoning_text"),
    st.none() | NAMES,
)
_CALLS = st.builds(
    lambda name, text, more: {
        "type": "function_call",
        "name": name,
        "arguments": text,
        "status": "completed",
        **more,
    },
    NAMES,
    JSON_TEXTS.map(lambda pair: pair[0]) | st.just('{"a'),
    st.sampled_from(({}, {"namespace": "n"}, {"caller": {"type": "direct"}})),
)
_CUSTOM = st.builds(
    lambda name, text: {"type": "custom_tool_call", "name": name, "input": text}, NAMES, TEXTS | st.just("")
)
_BUILT_IN = st.one_of(
    OBJECTS.map(lambda action: {"type": "local_shell_call", "action": action}),
    OBJECTS.map(lambda action: {"type": "shell_call", "action": action, "environment": {"type": "local"}}),
    OBJECTS.map(lambda patch: {"type": "apply_patch_call", "operation": patch}),
    _LISTS.map(lambda actions: {"type": "computer_call", "actions": actions}),
)
_HOSTED = st.one_of(
    st.builds(lambda action: {"type": "web_search_call", "action": action}, OBJECTS),
    st.builds(lambda code: {"type": "code_interpreter_call", "code": code, "outputs": []}, TEXTS),
    st.builds(lambda tools: {"type": "mcp_list_tools", "server_label": "s", "tools": tools}, _LISTS),
    st.builds(
        lambda name, text: {"type": "mcp_call", "name": name, "arguments": text, "output": "x"}, NAMES, TEXTS
    ),
    st.builds(lambda sealed: {"type": "compaction", "encrypted_content": sealed}, NAMES),
    st.builds(lambda fields: {**fields, "type": "a_new_kind"}, OBJECTS),
    st.just({"type": "image_generation_call", "result": "aWdp", "output_format": "webp"}),
)


@st.composite
def response_items(draw: st.DrawFn) -> list[JSONObject]:
    """The output of a valid response: items of every kind in any order, each with its own ids."""
    found: list[JSONObject] = []
    for number in range(draw(st.integers(0, 3))):
        kinds = st.sampled_from((_MESSAGES, _REASONING, _MESSAGES, _CALLS, _CUSTOM, _BUILT_IN, _HOSTED))
        item = draw(kinds.flatmap(lambda strategy: strategy))
        item["id"] = f"item_{number}"
        if item["type"].endswith("_call") and item["type"] in _ANSWERED:
            item["call_id"] = f"call_{number}"
        found.append(item)
    return found


_ANSWERED = (
    "function_call",
    "custom_tool_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "computer_call",
)

_ENDS: st.SearchStrategy[dict[str, Any]] = st.sampled_from((
    {},
    {},
    {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
))  # fmt: skip


@st.composite
def _usage(draw: st.DrawFn) -> JSONObject:
    cached, reasoning = draw(COUNTS), draw(COUNTS)
    given, output = cached + draw(COUNTS), reasoning + draw(COUNTS)
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": given + output,
    }


@st.composite
def response_streams(draw: st.DrawFn) -> ResponseStream:
    """Valid responses, each with its stream as OpenAI writes it."""
    more = {**draw(_ENDS), "usage": draw(st.none() | _usage())}
    response = response_object(draw(response_items()), response_id=draw(NAMES), model=draw(NAMES), **more)
    records = response_events(response, piece=draw(st.integers(1, 8)))
    return ResponseStream(response, records, write_events(records))


@st.composite
def hostile_response_streams(draw: st.DrawFn) -> bytes:
    """Damaged streams of responses, as `hostile_streams`."""
    return draw(damaged("openai", read_records(draw(response_streams()).frames)))


@st.composite
def reframed(draw: st.DrawFn, stream: ResponseStream) -> bytes:
    """The stream's bytes as any other server might frame them, also without names."""
    named = draw(st.booleans())
    end, space = draw(ENDS), draw(SPACES)
    records = [
        [field for field in record if named or field[0] != b"event"] for record in read_records(stream.frames)
    ]
    return b"".join(write(record, end, space) for record in records)
