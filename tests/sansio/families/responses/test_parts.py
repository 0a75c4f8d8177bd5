"""Items of a response as parts, and parts as items: each function undoes the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Part,
    ReasoningPart,
    RefusalPart,
    RemoteProtocolError,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.responses.parts import item_of, items_of, parts_of
from tests.sansio.wires import Record
from tests.support import RESPONSES_CORPUS, for_all

Item = dict[str, Any]  # Any: JSON


def text_block(text: str = "Hi", **more: Any) -> Item:
    return {"type": "output_text", "text": text, "annotations": [], **more}


def message(*blocks: Item, **more: Any) -> Item:
    return {"type": "message", "role": "assistant", "content": list(blocks), "id": "msg_1", **more}


def reasoning(**more: Any) -> Item:
    return {"type": "reasoning", "summary": [], "id": "rs_1", **more}


WEB = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2}
FILE = {"type": "file_citation", "file_id": "f", "filename": "a.pdf", "index": 3}
PATCH: Item = {"type": "create_file", "path": "a", "diff": "+x"}

ITEMS: list[Item] = [
    message(text_block(), status="completed", phase="commentary"),
    message(text_block("Hi"), text_block("again"), text_block("")),
    message(text_block(annotations=[WEB, FILE, {"type": "new", "start_index": True, "url": None}])),
    message(text_block(annotations="odd"), text_block(annotations=[5])),
    message(text_block(logprobs=[{"token": "Hi", "logprob": -0.1}], x=None)),
    message({"type": "refusal", "refusal": "No.", "x": 1}),
    message({"type": ["x"], "text": "Hi"}, text_block(annotations=[{"type": ["x"], "title": "t"}])),
    message({"type": "output_audio", "data": "b3"}, text_block()),
    message({"type": "text", "text": "Hi", "annotations": []}),
    message(text_block(), role="tool"),
    {"type": "message", "id": "msg_1", "role": "assistant", "content": [], "status": "incomplete"},
    {"type": "message", "id": "msg_1", "role": "assistant"},
    reasoning(),
    reasoning(content=[], encrypted_content="x", status=None),
    reasoning(content=None),
    reasoning(summary=[{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B", "x": 1}]),
    reasoning(summary=[{"type": "summary_text", "text": ""}]),
    reasoning(content=[{"type": "reasoning_text", "text": "raw"}], summary=[{"type": "new", "text": "A"}]),
    reasoning(summary=None, content=[{"type": "reasoning_text", "text": "", "x": 1}]),
    {
        "type": "function_call",
        "call_id": "c",
        "name": "f",
        "arguments": '{"a": 1}',
        "id": "fc",
        "status": "x",
    },
    {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "free text", "namespace": "n"},
    {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": ""},
    {"type": "computer_call", "call_id": "c", "action": {"type": "wait"}, "pending_safety_checks": []},
    {"type": "computer_call", "call_id": "c", "actions": [{"type": "wait"}, {"type": "screenshot"}]},
    {"type": "apply_patch_call", "call_id": "c", "operation": PATCH, "status": "completed"},
    {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}, "environment": {"type": "local"}},
    {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}, "environment": None},
    {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"]}},
    {
        "type": "shell_call",
        "id": "sh",
        "call_id": "c",
        "action": {"commands": ["ls"]},
        "environment": {"type": "container_reference", "container_id": "y"},
    },
    {"type": "shell_call_output", "id": "sho", "call_id": "c", "output": [], "max_output_length": None},
    {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}},
    {"type": "web_search_call", "id": "ws", "name": "web_search", "arguments": "{}", "call_id": ""},
    {"type": "web_search_call", "id": "ws", "action": "text", "arguments": "{}"},
    {"type": "x_search_call", "id": "xs", "name": "x_search", "arguments": "{}", "status": "completed"},
    {"type": "file_search_call", "id": "fs", "queries": ["a"], "results": None},
    {"type": "code_interpreter_call", "id": "ci", "code": "1", "outputs": [], "container_id": "c"},
    {"type": "image_generation_call", "id": "ig", "result": "aWdp", "output_format": "webp", "size": "1x1"},
    {"type": "image_generation_call", "id": "ig", "result": "aWdp", "output_format": "svg"},
    {"type": "image_generation_call", "id": "ig", "result": "aWdp"},
    {"type": "image_generation_call", "id": "ig", "result": "no base64", "revised_prompt": "p"},
    {"type": "image_generation_call", "id": "ig", "result": None, "error": {"message": "no"}},
    {"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": [], "error": None},
    {"type": "mcp_call", "id": "m", "server_label": "s", "name": "f", "arguments": "{}", "output": None},
    {"type": "mcp_approval_request", "id": "m", "server_label": "s", "name": "f", "arguments": "{}"},
    {"type": "mcp_approval_response", "id": "m", "approval_request_id": "r", "approve": True},
    {"type": "tool_search_call", "id": "ts", "call_id": None, "execution": "server", "arguments": {}},
    {"type": "tool_search_output", "id": "ts", "call_id": "c", "tools": [{"type": "function"}]},
    {"type": "program", "id": "p", "call_id": "c", "code": "1", "fingerprint": "f"},
    {"type": "program_output", "id": "p", "call_id": "c", "result": "1", "status": "completed"},
    {"type": "compaction", "id": "cmp", "encrypted_content": "x"},
    {"type": "something_new", "a": None},
    {"a": 1},
]


@for_all(("item", ITEMS))
def test_an_item_comes_back_from_its_parts(item: Item) -> None:
    assert items_of(parts_of(item)) == [item]


@given(items=st.lists(st.sampled_from(ITEMS), max_size=6), number=st.integers(0, 9))
def test_items_come_back_in_order_also_when_their_parts_were_stored(items: list[Item], number: int) -> None:
    own = [{**item, "id": f"{place}-{number}"} for place, item in enumerate(items)]
    parts = tuple(part for item in own for part in parts_of(item))
    stored = msgspec.json.decode(msgspec.json.encode(parts), type=tuple[Part, ...])
    assert stored == parts
    assert items_of(stored) == own


def recorded_items() -> Iterator[tuple[str, list[Item]]]:
    """The lists of items of the recorded answers, finished ones alone."""
    for path in sorted(RESPONSES_CORPUS.glob("rspr*.resp.json")):
        yield path.name, json.loads(path.read_bytes())["output"]
    for path in sorted(RESPONSES_CORPUS.glob("*.sse")):
        yield path.name, list(finished_items(path))


def finished_items(path: Path) -> Iterator[Item]:
    for line in path.read_bytes().splitlines():
        if line.startswith(b"data: {") and b'"response.output_item.done"' in line[:400] + line[-400:]:
            yield json.loads(line[6:])["item"]


def normal(item: Item) -> Item:
    """Without what is equal to its absence."""
    if item["type"] == "message":
        blocks = [{**block, "annotations": block.get("annotations") or []} for block in item["content"]]
        for block in blocks:
            if not block.get("logprobs"):
                block.pop("logprobs", None)
            if block["type"] == "refusal":
                del block["annotations"]
        return {**item, "content": blocks}
    if item["type"] == "function_call" and item.get("status") == "incomplete":
        return {**item, "arguments": json.dumps({"INVALID_JSON": item["arguments"]}, separators=(",", ":"))}
    return item


@pytest.mark.skipif(not RESPONSES_CORPUS.exists(), reason=f"there is no corpus at {RESPONSES_CORPUS}")
def test_recorded_items_come_back_as_they_were() -> None:
    for name, items in recorded_items():
        parts = [part for item in items for part in parts_of(item)]
        assert items_of(parts) == [normal(item) for item in items], name


@pytest.mark.parametrize(
    ("item", "parts"),
    [
        (
            message(text_block("Hi", annotations=[WEB, FILE]), phase="final_answer"),
            (
                TextPart(
                    "Hi",
                    (
                        Citation("u", "t", None, 0, 2, {"type": "url_citation"}),
                        Citation(None, "a.pdf", extra={"type": "file_citation", "file_id": "f", "index": 3}),
                    ),
                    {"item": {"id": "msg_1", "phase": "final_answer"}},
                ),
            ),
        ),
        (
            message(
                text_block(
                    annotations=[{"type": "container_file_citation", "filename": "b", "container_id": "c"}]
                )
            ),
            (
                TextPart(
                    "Hi",
                    (Citation(None, "b", extra={"type": "container_file_citation", "container_id": "c"}),),
                    {"item": {"id": "msg_1"}},
                ),
            ),
        ),
        (
            message({"type": "refusal", "refusal": "No."}),
            (RefusalPart("No.", {"item": {"id": "msg_1"}}),),
        ),
        (
            message({"type": "output_audio", "data": "b3"}),
            (
                UnknownPart(
                    "output_audio",
                    {"item": {"id": "msg_1"}, "content": {"type": "output_audio", "data": "b3"}},
                ),
            ),
        ),
        (
            reasoning(
                summary=[{"type": "summary_text", "text": "A"}],
                content=[{"type": "reasoning_text", "text": "raw"}],
            ),
            (
                ReasoningPart("A", {"item": {"id": "rs_1"}}),
                ReasoningPart("raw", {"item": {"id": "rs_1"}, "field": "content"}),
            ),
        ),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x", "id": "ctc"},
            (ToolCall("c", "f", {"input": "x"}, kind="custom", extra={"id": "ctc"}),),
        ),
        (
            {"type": "apply_patch_call", "call_id": "c", "operation": PATCH},
            (ToolCall("c", "apply_patch", PATCH, json.dumps(PATCH, separators=(",", ":")), "apply_patch"),),
        ),
        (
            {"type": "shell_call_output", "id": "sho", "call_id": "c", "output": [1], "status": "completed"},
            (ServerToolPart("shell_call_output", "c", output=[1], status="completed", extra={"id": "sho"}),),
        ),
        (
            {"type": "web_search_call", "id": "ws", "name": "web_search", "arguments": "{}"},
            (ServerToolPart("web_search_call", "ws", "web_search", "{}"),),
        ),
        (
            {"type": "image_generation_call", "id": "ig", "result": "aWdp", "output_format": "svg"},
            (
                ImagePart(
                    data=b"igi",
                    media_type="image/svg+xml",
                    extra={"type": "image_generation_call", "id": "ig", "output_format": "svg"},
                ),
            ),
        ),
        (
            {"type": "compaction", "id": "cmp"},
            (UnknownPart("compaction", {"type": "compaction", "id": "cmp"}),),
        ),
    ],
)
def test_an_item_is_read_as_these_parts(item: Item, parts: tuple[Part, ...]) -> None:
    assert parts_of(item) == parts


@pytest.mark.parametrize(
    ("kind", "id", "given", "gave"),
    [
        ("web_search_call", "id", "action", "results"),
        ("x_search_call", "id", "arguments", "output"),
        ("file_search_call", "id", "queries", "results"),
        ("code_interpreter_call", "id", "code", "outputs"),
        ("image_generation_call", "id", "revised_prompt", "result"),
        ("mcp_list_tools", "id", "", "tools"),
        ("mcp_call", "id", "arguments", "output"),
        ("mcp_approval_request", "id", "arguments", ""),
        ("mcp_approval_response", "approval_request_id", "", "approve"),
        ("tool_search_call", "call_id", "arguments", ""),
        ("tool_search_output", "call_id", "", "tools"),
        ("program", "call_id", "code", ""),
        ("program_output", "call_id", "", "result"),
        ("shell_call_output", "call_id", "", "output"),
    ],
)
def test_what_a_tool_of_the_providers_was_given_and_gave(kind: str, id: str, given: str, gave: str) -> None:
    named: Item = {name: [name] for name in (given, gave) if name}
    (part,) = parts_of({"type": kind, id: "x", **named})
    assert part == ServerToolPart(
        kind, "x", input=[given] if given else None, output=[gave] if gave else None
    )


def test_a_call_whose_arguments_were_cut_goes_back_inside_an_object() -> None:
    (call,) = parts_of({"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a'})
    assert isinstance(call, InvalidToolCall)
    (item,) = items_of([call])
    assert json.loads(str(item["arguments"])) == {"INVALID_JSON": '{"a'}
    patch = InvalidToolCall("c", "apply_patch", "{", "cut", "apply_patch")
    assert items_of([patch])[0]["operation"] == {"INVALID_JSON": "{"}
    custom = InvalidToolCall("c", "f", "free", "cut", "custom")
    assert items_of([custom])[0]["input"] == "free"


def test_what_a_server_left_out_of_a_call_is_made_up() -> None:
    (call,) = parts_of({"type": "function_call", "name": "f", "arguments": {"a": 1}, "call_id": None})
    assert isinstance(call, ToolCall)
    assert call.id
    assert call.arguments == {"a": 1}
    (nameless,) = parts_of({"type": "function_call", "call_id": "c", "name": None})
    assert isinstance(nameless, InvalidToolCall)
    (idle,) = parts_of({"type": "local_shell_call", "call_id": "c"})
    assert items_of([idle]) == [{"type": "local_shell_call", "call_id": "c", "action": {}}]


def test_an_edited_call_goes_back_as_edited() -> None:
    item: Item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}', "id": "fc"}
    (call,) = parts_of(item)
    edited = msgspec.structs.replace(call, arguments={"a": 2})
    assert items_of([edited]) == [{**item, "arguments": '{"a":2}'}]
    blank = ToolCall("c", "f")
    assert items_of([blank])[0]["arguments"] == "{}"


def test_neighbours_of_one_item_are_one_item_and_others_are_not() -> None:
    one: Item = {"item": {"id": "1"}}
    other: Item = {"item": {"id": "2"}}
    parts: list[Part] = [
        TextPart("a", extra=one),
        RefusalPart("b", one),
        TextPart("c", extra=other),
        ToolCall("x", "f"),
    ]
    assert [item.get("id") for item in items_of([*parts, TextPart("d", extra=other)])] == [
        "1",
        "2",
        None,
        "2",
    ]
    # The same fields do not make reasoning and text one item.
    assert [item["type"] for item in items_of([ReasoningPart("a", one), TextPart("b", extra=one)])] == [
        "reasoning",
        "message",
    ]


def test_parts_of_another_wire_become_items_without_an_id() -> None:
    assert items_of([ReasoningPart("Hm."), TextPart("a", (Citation("u", "t"),)), RefusalPart("b")]) == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [
                text_block("a", annotations=[{"type": "url_citation", "url": "u", "title": "t"}]),
                {"type": "refusal", "refusal": "b"},
            ],
        },
    ]
    odd: Item = {"item": "no object", "content": 5}
    assert items_of([UnknownPart("x", odd)]) == [{"type": "message", "role": "assistant", "content": [{}]}]


@pytest.mark.parametrize(
    "part",
    [
        AudioPart(transcript="Hi"),
        DocumentPart(data=b"x"),
        ImagePart(data=b"x"),
        ImagePart(url="u", extra={"type": "image_generation_call"}),
        ServerToolPart("web_search_tool_result", "x"),
    ],
)
def test_what_no_answer_has_is_no_item(part: Part) -> None:
    assert item_of(part) is None
    with pytest.raises(ValueError, match=type(part).__name__):
        items_of([part])


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"type": "message", "content": "text"}, "content is not a list"),
        ({"type": "message", "content": ["text"]}, "block of content"),
        ({"type": "message", "content": [{"type": "output_text", "text": 5}]}, "text of a block"),
        ({"type": "message", "content": [{"type": "refusal", "refusal": []}]}, "refusal of a block"),
        ({"type": "reasoning", "summary": {}}, "summary is not a list"),
        ({"type": "function_call", "call_id": 5, "name": "f"}, "call_id or name"),
        ({"type": "custom_tool_call", "call_id": "c", "name": []}, "call_id or name"),
    ],
)
def test_an_item_of_another_shape_is_refused(item: Item, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        parts_of(item)


TEXT: Record = {"type": "output_text", "text": "Hi", "annotations": []}
SUMMARY: Record = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
RAW: Record = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
MESSAGE: Record = {"type": "message", "content": [TEXT]}
OWN: list[tuple[Record, Record, Record]] = [
    (MESSAGE, {"role": "assistant"}, {}),
    (MESSAGE, {"role": "assistant", "id": "m", "own": 1}, {"id": "m", "own": 1}),
    (MESSAGE, {"role": "critic", "id": "m"}, {"role": "critic", "id": "m"}),
    (MESSAGE, {"phase": "final"}, {"phase": "final"}),
    (SUMMARY, {"id": "r"}, {"id": "r"}),
    (SUMMARY, {"content": None, "id": "r"}, {"content": None, "id": "r"}),
    (RAW, {"own": 1}, {"own": 1}),
]


@pytest.mark.parametrize(("item", "more", "own"), OWN)
def test_a_part_of_an_item_has_its_other_fields(item: Record, more: Record, own: Record) -> None:
    whole = {**item, **more}
    for part in parts_of(whole):
        assert part.extra["item"] == own
    said = {"role": "assistant", **whole} if item is MESSAGE else whole
    assert items_of(parts_of(whole)) == [said]


def test_a_shell_in_the_servers_container_is_the_servers_tool() -> None:
    given: Record = {"commands": ["ls"]}
    environment: Record = {"type": "container_reference", "container_id": "y"}
    item: Record = {"type": "shell_call", "call_id": "c", "action": given, "environment": environment}
    assert parts_of(item) == (
        ServerToolPart("shell_call", "c", input=given, extra={"environment": environment}),
    )
