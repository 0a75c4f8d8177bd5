"""Responses, streamed and whole: each kind of item, and the quirks of the servers that send them."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    Citation,
    ContentDelta,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Part,
    PartComplete,
    ReasoningDelta,
    ReasoningPart,
    RefusalDelta,
    RefusalPart,
    RemoteProtocolError,
    ServerToolPart,
    StreamEvent,
    StreamTruncatedError,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
)
from tests.sansio.families.responses.frames import (
    added,
    answer,
    call,
    completed,
    created,
    deltas,
    done,
    event,
    message,
    parse,
    partial,
    reading,
    reasoning,
    response,
    text,
    whole,
)
from tests.sansio.wires import Record, failure, sse
from tests.support import for_all

WEB: Record = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2}
SEARCH: Record = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"query": "x"}}


def test_a_text_with_its_item() -> None:
    events = parse([
        created(),
        added(message(status="in_progress", phase="final_answer")),
        event("content_part.added", part={"type": "output_text", "text": ""}),
        text("Hel"),
        text("lo"),
        event("output_text.done", text="Hello"),
        event("content_part.done", part={"type": "output_text", "text": "Hello"}),
        done(message("Hello", status="completed", phase="final_answer")),
        completed(message("Hello", status="completed")),
    ])  # fmt: skip
    assert deltas(events) == [ContentDelta("Hel"), ContentDelta("lo")]
    said = answer(added(message()), text("Hello"), done(message("Hello", phase="final_answer")), completed())
    assert said.parts == (TextPart("Hello", extra={"item": {"id": "msg_1", "phase": "final_answer"}}),)
    assert (said.response_id, said.model, said.raw_finish_reason) == ("resp_1", "m", "completed")
    assert said.finish_reason is FinishReason.STOP


def test_a_whole_response_is_the_same_as_its_stream() -> None:
    output = [
        reasoning("Hm.", "Well.", encrypted_content="x"),
        message("One.", "Two."),
        SEARCH,
        call('{"a": 1}'),
    ]
    streamed = answer(
        created(),
        added(reasoning()),
        event("reasoning_summary_text.delta", summary_index=0, delta="Hm."),
        event("reasoning_summary_text.delta", summary_index=1, delta="Well."),
        done(output[0]),
        added(message(), 1),
        text("One.", 1),
        text("Two.", 1, 1),
        done(output[1], 1),
        added({**SEARCH, "status": "in_progress", "action": None}, 2),
        event("web_search_call.searching", 2),
        done(SEARCH, 2),
        added(call(), 3),
        event("function_call_arguments.delta", 3, delta='{"a":'),
        event("function_call_arguments.delta", 3, delta=" 1}"),
        done(output[3], 3),
        completed(*output),
    )
    assert streamed == whole(*output)
    assert streamed.reasoning == "Hm.Well."
    assert streamed.text == "One.Two."
    assert streamed.finish_reason is FinishReason.TOOL_CALLS


def test_reasoning_of_both_kinds() -> None:
    item = reasoning("Short.", content=[{"type": "reasoning_text", "text": "Long."}])
    events = parse([
        added(reasoning()),
        event("reasoning_summary_text.delta", summary_index=0, delta="Sho"),
        event("reasoning_summary_text.delta", summary_index=0, delta="rt."),
        event("reasoning_text.delta", content_index=0, delta="Lo"),
        event("reasoning_text.delta", content_index=0, delta="ng."),
        event("reasoning_text.done", content_index=0, text="Long."),
        done(item),
        completed(),
    ])  # fmt: skip
    assert deltas(events) == [
        ReasoningDelta("Sho", 0),
        ReasoningDelta("rt.", 0),
        ReasoningDelta("Lo", 1),
        ReasoningDelta("ng.", 1),
    ]
    assert whole(item).parts == (
        ReasoningPart("Short.", {"item": {"id": "rs_1"}}),
        ReasoningPart("Long.", {"item": {"id": "rs_1"}, "field": "content"}),
    )


def test_a_refusal() -> None:
    item = {**message(), "content": [{"type": "refusal", "refusal": "No, I"}]}
    events = parse([
        added(message()),
        event("refusal.delta", content_index=0, delta="No,"),
        event("refusal.delta", content_index=0, delta=" I"),
        event("refusal.done", content_index=0, refusal="No, I"),
        done(item),
        completed(),
    ])  # fmt: skip
    assert deltas(events) == [RefusalDelta("No,"), RefusalDelta(" I")]
    said = whole(item)
    assert said.parts == (RefusalPart("No, I", {"item": {"id": "msg_1"}}),)
    assert said.finish_reason is FinishReason.REFUSAL


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "completed"}, FinishReason.STOP),
        ({"status": "complete"}, FinishReason.STOP),
        ({"status": "cancelled"}, FinishReason.ERROR),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            FinishReason.LENGTH,
        ),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_messages"}}, FinishReason.LENGTH),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            FinishReason.CONTENT_FILTER,
        ),
        ({"status": "incomplete", "incomplete_details": {"reason": "new"}}, FinishReason.OTHER),
    ],
)
def test_the_status_or_its_reason_is_the_finish_reason(fields: Record, reason: FinishReason) -> None:
    assert whole(message("Hi"), **fields).finish_reason is reason


@pytest.mark.parametrize(
    ("kind", "item", "part"),
    [
        ("output_text", message(), TextPart),
        ("refusal", message(), RefusalPart),
        ("summary_text", reasoning(), ReasoningPart),
        ("reasoning_text", reasoning(), ReasoningPart),
    ],
)
def test_a_part_begins_where_it_is_added(kind: str, item: Record, part: type[Part]) -> None:
    place = "summary" if kind == "summary_text" else "content"
    begun = event(f"{place}_part.added", part={"type": kind, "text": ""}, **{f"{place}_index": 0})
    (found,) = answer(added(item), begun, completed()).parts
    assert type(found) is part


def test_a_function_and_a_custom_call() -> None:
    custom = {"type": "custom_tool_call", "id": "ctc", "call_id": "c2", "name": "g", "input": "free text"}
    events = parse([
        added(call(namespace="n")),
        event("function_call_arguments.delta", delta='{"a"'),
        event("function_call_arguments.delta", delta=": 1}"),
        event("function_call_arguments.done", arguments='{"a": 1}'),
        done(call('{"a": 1}', namespace="n")),
        added({**custom, "input": ""}, 1),
        event("custom_tool_call_input.delta", 1, delta="free "),
        event("custom_tool_call_input.done", 1, input="free text"),
        done(custom, 1),
        completed(),
    ])  # fmt: skip
    assert deltas(events) == [
        ToolCallStarted(0, "call_1", "f"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(0, ": 1}"),
        ToolCallStarted(1, "c2", "g", 1, "custom"),
        ToolCallDelta(1, "free "),
        ToolCallDelta(1, "text"),
    ]
    assert whole(call('{"a": 1}', namespace="n"), custom).parts == (
        ToolCall("call_1", "f", {"a": 1}, '{"a": 1}', extra={"id": "fc", "namespace": "n"}),
        ToolCall("c2", "g", {"input": "free text"}, kind="custom", extra={"id": "ctc"}),
    )


@pytest.mark.parametrize("records", [
    [event("function_call_arguments.done", arguments='{"a": 1}'), done(call('{"a": 1}'))],
    [event("function_call_arguments.delta", delta='{"a": 1}')],
    [event("function_call_arguments.delta", delta='{"a"'), done(call('{"a": 1}'))],
    [done(call('{"a": 1}'))],
    [done(call('{"a": 1}')), done(call('{"a": 1}')), event("function_call_arguments.delta", delta="x")],
    [event("function_call_arguments.delta", delta='{"a": 1}'), done(call('{"other": 1}'))],
])  # fmt: skip
def test_arguments_in_one_piece_in_several_and_without_deltas(records: list[Record]) -> None:
    (found,) = answer(added(call()), added(call()), *records, completed()).parts
    assert isinstance(found, ToolCall)
    assert found.arguments == {"a": 1}


@pytest.mark.parametrize("number", [3, None])
def test_what_follows_an_item_in_anothers_place_is_of_the_second(number: int | None) -> None:
    said = event("reasoning_summary_text.delta", summary_index=0, delta="a", sequence_number=number)
    found = answer(said, added(reasoning()), said, completed())
    assert [part.text for part in found.parts if isinstance(part, ReasoningPart)] == ["a", "a"]


@pytest.mark.parametrize("number", [3, None])
def test_a_delta_adds_to_a_call_of_its_kind_alone(number: int | None) -> None:
    custom: Record = {"type": "custom_tool_call", "id": "c", "call_id": "c", "name": "g", "input": ""}
    arguments = event("function_call_arguments.delta", delta="{}", sequence_number=number)
    begun, nameless = answer(added(custom), arguments, completed()).all_tool_calls
    assert isinstance(begun, ToolCall)
    assert begun.arguments == {"input": ""}
    assert nameless.raw_arguments == "{}"


@pytest.mark.parametrize("name", ["delta", "done"])
@pytest.mark.parametrize("kind", ["custom_tool_call_input", "function_call_arguments"])
def test_arguments_whose_item_never_ends(kind: str, name: str) -> None:
    item = call() if kind == "function_call_arguments" else call(type="custom_tool_call", input="")
    record = event(f"{kind}.{name}", delta="{}", input="{}", arguments="{}", sequence_number=None)
    events = parse([added(item), record])
    assert deltas(events)[1:] == [ToolCallDelta(0, "{}")]


def test_a_built_in_tools_call_is_started_before_its_action_is_known() -> None:
    item: Record = {"type": "shell_call", "id": "sh", "call_id": "c", "action": {"commands": ["ls"]}}
    events = parse([
        added({**item, "action": None}),
        event("shell_call_command.added", command_index=0, command=""),
        event("shell_call_command.delta", command_index=0, delta="ls"),
        event("shell_call_output_content.delta", command_index=0, delta={"stdout": "x"}),
        done(item),
        completed(),
    ])  # fmt: skip
    assert deltas(events) == [
        ToolCallStarted(0, "c", "shell", 0, "shell"),
        ToolCallDelta(0, '{"commands":["ls"]}'),
    ]
    hosted = {**item, "environment": {"type": "container_reference"}}
    (said,) = answer(added(item), done(hosted), completed()).parts
    assert isinstance(said, ToolCall)  # started as the application's, and not taken back


def test_a_tool_of_the_providers_keeps_its_place() -> None:
    events = parse([
        added({**SEARCH, "status": "in_progress"}),
        added(message(), 1),
        text("Hi", 1),
        done(SEARCH),
        done(message("Hi"), 1),
        completed(),
    ])  # fmt: skip
    search = ServerToolPart("web_search_call", "ws", input={"query": "x"}, status="completed")
    assert deltas(events) == [ContentDelta("Hi", 1), PartComplete(0, search)]


def test_what_a_tool_of_the_providers_was_given_is_kept_if_the_stream_breaks_off() -> None:
    code = {"type": "code_interpreter_call", "id": "ci", "code": "", "status": "in_progress"}
    mcp = {"type": "mcp_call", "id": "m", "name": "f", "arguments": ""}
    found = partial(
        added(code),
        event("code_interpreter_call_code.delta", delta="print("),
        event("code_interpreter_call_code.delta", delta="1"),
        added(mcp, 1),
        event("mcp_call_arguments.delta", 1, delta="{"),
        event("mcp_call_arguments.delta", 7, delta="of no item"),
    )
    assert found.parts == (
        ServerToolPart("code_interpreter_call", "ci", input="print(1", status="in_progress"),
        ServerToolPart("mcp_call", "m", "f", "{"),
    )


def test_an_image_and_an_item_that_is_not_known() -> None:
    image = {"type": "image_generation_call", "id": "ig", "result": "aWdp", "output_format": "webp"}
    new = {"type": "something_new", "id": "x"}
    events = parse([
        added({"type": "image_generation_call", "id": "ig"}),
        event("image_generation_call.partial_image", partial_image_b64="aWdp"),
        done(image),
        done(new, 1),
        completed(),
    ])  # fmt: skip
    given = [each for each in events if isinstance(each, PartComplete)]
    assert [type(each.part) for each in given] == [ImagePart, UnknownPart]
    assert whole(image, new).parts == tuple(each.part for each in given)


def test_citations_are_given_when_the_item_is_finished() -> None:
    cited = message("Hi")
    cited["content"][0]["annotations"] = [WEB]
    events = parse([
        added(message()),
        text("Hi"),
        event("output_text.annotation.added", content_index=0, annotation=WEB, annotation_index=0),
        done(cited),
        completed(),
    ])  # fmt: skip
    citation = Citation("u", "t", None, 0, 2, {"type": "url_citation"})
    part = TextPart("Hi", (citation,), {"item": {"id": "msg_1"}})
    assert deltas(events) == [ContentDelta("Hi"), PartComplete(0, part)]
    # The finished item may lack them.
    added_only = [event("output_text.annotation.added", content_index=0, annotation=WEB), text("Hi")]
    assert answer(*added_only, done(message("Hi")), completed()).parts == (part,)


def test_log_probabilities_are_with_their_text() -> None:
    one, other = {"token": "H", "logprob": -0.1}, {"token": "i", "logprob": -0.2}
    records = [added(message()), text("H", logprobs=[one]), text("i", logprobs=[other])]
    finished = message("Hi")
    finished["content"][0]["logprobs"] = [{**one, "bytes": [72]}]
    for item, kept in ((message("Hi"), [one, other]), (finished, finished["content"][0]["logprobs"])):
        said = answer(*records, done(item), completed())
        assert said.parts[0].extra["logprobs"] == kept
        assert said.logprobs == {"content": kept}


def test_content_that_is_not_known_is_a_part_once() -> None:
    item = {**message("Hi"), "content": [*message("Hi")["content"], {"type": "output_audio", "data": "b3"}]}
    block: Record = {"item": {"id": "msg_1"}, "content": {"type": "output_audio", "data": "b3"}}
    said = answer(
        added(message()),
        text("Hi"),
        event("content_part.done", content_index=1, part={"type": "output_audio", "data": "b3"}),
        done(item),
        completed(),
    )
    assert said.parts == (TextPart("Hi", extra={"item": {"id": "msg_1"}}), UnknownPart("output_audio", block))


# Quirks of servers.


@pytest.mark.parametrize("output", [[], None])
def test_an_empty_output_at_the_end_says_nothing(output: object) -> None:
    end = completed(output=output)
    assert answer(added(message()), text("Hi"), done(message("Hi")), end).text == "Hi"


def test_finished_items_count_for_more_than_the_output_at_the_end() -> None:
    said = answer(done(message("Hi")), completed(message("Other", id="msg_9")))
    assert said.text == "Hi"
    said = answer(done(message("Hi")), completed(call("{}"), message("Hi")))
    assert [type(part) for part in said.parts] == [TextPart, ToolCall]


def test_an_item_that_was_not_finished_is_taken_from_the_output_at_the_end() -> None:
    listed = {"type": "mcp_list_tools", "id": "l", "server_label": "s", "tools": [{"name": "f"}]}
    begun = [added({**listed, "tools": []}), added(message(), 1), text("Hi", 1)]
    said = answer(*begun, done(message("Hi"), 1), completed(listed, message("Hi")))
    assert said.parts[0] == ServerToolPart(
        "mcp_list_tools", "l", output=[{"name": "f"}], extra={"server_label": "s"}
    )
    # Without one, what began is what there is.
    said = answer(*begun, completed())
    assert said.parts[0] == ServerToolPart("mcp_list_tools", "l", output=[], extra={"server_label": "s"})
    assert said.parts[1] == TextPart("Hi", extra={"item": {"id": "msg_1"}})


def test_an_output_at_the_end_that_is_numbered_in_another_way_is_matched_by_its_ids() -> None:
    begun = [added(call(call_id="c1", name="f")), added(call(call_id="c2", name="g", id="fc2"), 1)]
    said = answer(*begun, completed(call('{"b": 2}', "c2", "g", id="fc2"), message("?", id="new")))
    assert [part.arguments for part in said.tool_calls] == [{}, {"b": 2}]
    assert said.text == ""  # not all items were found, so the rest may be they


def test_the_last_encryption_of_an_item_counts() -> None:
    sealed = {"type": "program", "id": "p", "call_id": "c", "code": "1", "fingerprint": "old"}
    compaction = {"type": "compaction", "id": "cmp", "encrypted_content": "old"}
    first = [reasoning(encrypted_content="old"), sealed, compaction, message("Hi")]
    last = [
        reasoning(encrypted_content="new", id="rotated"),
        {**sealed, "fingerprint": "new"},
        {**compaction, "encrypted_content": "new"},
        message("Hi"),
    ]
    events = parse([*[done(item, at) for at, item in enumerate(first)], completed(*last)])
    given = {each.index: each.part for each in events if isinstance(each, PartComplete)}
    assert given[0] == ReasoningPart("", {"item": {"id": "rs_1", "encrypted_content": "new"}})
    assert given[1].extra["fingerprint"] == "new"
    assert given[2].extra["encrypted_content"] == "new"
    # Where the end says nothing, what was finished counts.
    assert answer(done(first[0]), completed()).parts[0].extra == {
        "item": {"id": "rs_1", "encrypted_content": "old"}
    }


def test_ids_may_change_with_every_event() -> None:
    said = answer(
        created(id="r1"),
        added(message(id="a")),
        text("Hi", item_id="b"),
        done(message("Hi", id="c")),
        completed(message("Hi", id="d"), id="r2"),
    )
    assert said.parts == (TextPart("Hi", extra={"item": {"id": "c"}}),)
    assert said.response_id == "r2"


def test_a_message_inside_an_open_reasoning_item() -> None:
    raw: Record = {"content": [{"type": "reasoning_text", "text": "Hm."}]}
    said = answer(
        added(reasoning()),
        added(message(), 1),
        text("Hi", 1),
        event("reasoning_text.delta", content_index=0, delta="Hm."),
        done(message("Hi"), 1),
        done(reasoning(**raw)),
        completed(),
    )
    assert [type(part) for part in said.parts] == [ReasoningPart, TextPart]
    assert said == answer(done(reasoning(**raw)), done(message("Hi"), 1), completed())


def test_content_that_is_counted_from_one() -> None:
    said = answer(added(message()), text("Hi", 0, 1), text("!", 0, 1), done(message("Hi!")), completed())
    assert said.parts == (TextPart("Hi!", extra={"item": {"id": "msg_1"}}),)
    said = answer(added(message()), text("b", 0, 1), done(message("", "b")), completed())
    assert [part.text for part in said.parts if isinstance(part, TextPart)] == ["b", ""]


def test_texts_that_the_finished_item_does_not_have_were_said() -> None:
    said = answer(added(message()), text("a"), text("b", 0, 1), done(message("a")), completed())
    assert [part.text for part in said.parts if isinstance(part, TextPart)] == ["a", "b"]
    assert {str(part.extra) for part in said.parts} == {"{'item': {'id': 'msg_1'}}"}
    said = answer(added(message()), text("a"), done(message("other")), completed())
    assert said.text == "a"


def test_a_text_without_deltas() -> None:
    said = answer(event("output_text.done", content_index=0, text="Hi"), done(message("Hi")), completed())
    assert said == answer(done(message("Hi")), completed())
    late = [done(message("Hi")), event("output_text.done", content_index=0, text="Hi")]
    assert answer(*late, event("output_text.done", content_index=0), completed()).text == "Hi"


@for_all(
    (
        ("name", "place", "field"),
        [
            ("output_text", "content_index", "text"),
            ("refusal", "content_index", "refusal"),
            ("reasoning_summary_text", "summary_index", "text"),
            ("reasoning_text", "content_index", "text"),
        ],
    ),
    ("number", [0, 1]),
)
def test_a_whole_text_that_no_delta_gave_is_taken_where_it_ends(
    name: str, place: str, field: str, number: int
) -> None:
    piece = event(f"{name}.delta", **{place: number}, delta="Hi")
    whole: Record = {place: number, field: "Hi"}
    end = event(f"{name}.done", **whole)
    assert deltas(parse([created(), end])) == deltas(parse([created(), piece])) != []
    assert partial(created(), end).parts == partial(created(), piece, end).parts


PIECES = [
    ("output_text", "content_index"),
    ("reasoning_summary_text", "summary_index"),
    ("reasoning_text", "content_index"),
    ("refusal", "content_index"),
    ("function_call_arguments", None),
    ("custom_tool_call_input", None),
]


def test_each_piece_is_of_its_own_place_whether_its_event_is_plain_or_not() -> None:
    def read(*, plain: bool) -> tuple[list[StreamEvent], int]:
        reader = reading().open_stream()
        events: list[StreamEvent] = []
        number = 0
        for turn in range(3):
            for name, place in PIECES:
                for at, inner in product((0, 1), (0, 1)):
                    number += 1
                    piece: Record = {} if place is None else {place: inner}
                    piece |= {"sequence_number": number if plain else None}
                    record = event(f"{name}.delta", at, delta=f"{name} {at} {inner} {turn} ", **piece)
                    assert not reader.receive(json.dumps(record).encode(), events)
        return events, reader.progress

    plain, progress = read(plain=True)
    assert (plain, progress) == read(plain=False)
    assert progress == 3 * 4 * len(PIECES)
    texts: dict[tuple[type, int], set[str]] = {}
    for each in plain:
        if isinstance(each, ContentDelta | ReasoningDelta | RefusalDelta):
            texts.setdefault((type(each), each.part), set()).add(each.text.rpartition(" ")[0][:-2])
    assert all(len(said) == 1 for said in texts.values())
    assert len(texts) == 4 * 4


def test_an_item_whose_beginning_was_left_out() -> None:
    said = answer(
        event("reasoning_summary_text.delta", summary_index=0, delta="Hm."),
        text("Hi", 1),
        event("function_call_arguments.delta", 2, delta="{}"),
        done(reasoning("Hm.")),
        done(message("Hi"), 1),
        done(call("{}"), 2),
        completed(),
    )
    assert said == whole(reasoning("Hm."), message("Hi"), call("{}"))


def test_a_call_that_never_gets_a_name_is_invalid() -> None:
    (found,) = answer(event("function_call_arguments.delta", delta="{}"), completed()).parts
    assert isinstance(found, InvalidToolCall)


def test_text_after_its_item_is_another_items() -> None:
    said = answer(added(message()), done(message("a")), text("b"), completed())
    assert [part.text for part in said.parts if isinstance(part, TextPart)] == ["a", "b"]


def test_items_that_all_have_the_same_number() -> None:
    first, second = call('{"a": 1}'), call('{"a": 2}', "call_2", id="fc2")
    said = answer(added(call()), done(first), added({**second, "arguments": ""}), done(second), completed())
    assert [part.arguments for part in said.tool_calls] == [{"a": 1}, {"a": 2}]
    assert [part.id for part in said.tool_calls] == ["call_1", "call_2"]


def test_a_message_without_content_goes_back_as_it_was() -> None:
    item = message(status="incomplete")
    assert whole(item).parts == (UnknownPart("message", item),)
    assert whole(message("")).parts == (TextPart("", extra={"item": {"id": "msg_1"}}),)


def test_an_event_that_says_nothing_here() -> None:
    ignored = [{"type": "keepalive"}, "", "   ", event("new.kind"), "[DONE]", {}, {"type": 5}, done({})]
    assert answer(*ignored, done(message("Hi")), completed(), "[DONE]").text == "Hi"


def test_padding_numbers_and_fields_beside_the_response() -> None:
    said = answer(
        text("Hi", obfuscation="abc", sequence_number=4, item_id="x", logprobs=[]),
        text("!", something_new=1),
        {**completed(message("Hi!")), "copilot_usage": {"a": 1}},
    )
    assert said.text == "Hi!"
    assert said.extra == {"copilot_usage": {"a": 1}}


def test_the_responses_own_fields_are_kept_and_those_of_the_request_are_not() -> None:
    said = whole(
        message("Hi"),
        service_tier="default",
        content_filters=[{"blocked": False}],
        conversation={"id": "conv"},
        moderation=None,
        metadata={},
        created_at=1,
        instructions="x",
        tools=[{"type": "function"}],
        reasoning={"effort": "low"},
        store=False,
    )
    assert said.service_tier == "default"
    assert said.extra == {
        "service_tier": "default",
        "content_filters": [{"blocked": False}],
        "conversation": {"id": "conv"},
    }
    assert whole(reasoning="Hm.").extra == {"reasoning": "Hm."}  # mistral.rs


@pytest.mark.parametrize(
    ("more", "raw", "finish"),
    [
        ({}, "completed", FinishReason.STOP),
        ({"status": "complete"}, "complete", FinishReason.STOP),
        ({"status": None}, "completed", FinishReason.STOP),
        ({"status": "cancelled"}, "cancelled", FinishReason.ERROR),
        ({"status": "queued"}, "queued", FinishReason.OTHER),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "max_output_tokens",
            FinishReason.LENGTH,
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
            FinishReason.CONTENT_FILTER,
        ),
        ({"status": "incomplete", "incomplete_details": {"a": 1}}, "incomplete", FinishReason.OTHER),
    ],
)
def test_why_an_answer_ended(more: dict[str, Any], raw: str, finish: FinishReason) -> None:
    said = whole(message("Hi"), **more)
    assert (said.raw_finish_reason, said.finish_reason) == (raw, finish)
    end = {"type": "response.incomplete", "response": response(message("Hi"), **more)}
    assert (answer(end).finish_reason is finish) is (more.get("status", "x") is not None)


def test_a_call_that_was_cut_is_invalid() -> None:
    cut: Record = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    (found,) = whole(call('{"a'), **cut).parts
    assert isinstance(found, InvalidToolCall)
    (found,) = whole({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"}, **cut).parts
    assert isinstance(found, InvalidToolCall)


def test_a_stream_without_one_of_its_ends_is_truncated() -> None:
    for records in ([], [created()], [created(), done(message("Hi"))], [done(message("Hi")), "[DONE]"]):
        assert type(failure(parse(records))) is StreamTruncatedError
    found = partial(added(message(phase="commentary")), text("H"), added(call(), 1), added(reasoning(), 2))
    assert found.parts[0] == TextPart("H", extra={"item": {"id": "msg_1", "phase": "commentary"}})
    assert found.invalid_tool_calls
    assert found.parts[2] == ReasoningPart("", {"item": {"id": "rs_1"}})
    assert partial(added(message())).parts == ()


@given(pieces=st.lists(st.text("ab", min_size=1), max_size=4), number=st.integers(0, 2))
def test_deltas_joined_are_the_text_whatever_pieces_they_arrive_in(pieces: list[str], number: int) -> None:
    joined = "".join(pieces)
    said = answer(
        added(message()), *[text(piece, 3, number) for piece in pieces], done(message(joined), 3), completed()
    )
    assert said.text == joined


# Shapes that are refused.


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (text(5), "delta is not text"),  # type: ignore[arg-type]  # a shape that is refused
        (event("output_text.delta", content_index="0", delta="x"), "content_index"),
        (event("output_text.delta", output_index=True, delta="x"), "output_index"),
        (event("output_item.added", item=[]), "item is not an object"),
        ({"type": "response.completed", "response": []}, "response is not an object"),
        (done({"type": "message", "content": "x"}), "content is not a list"),
        ("{", "JSON"),
        ("5", "JSON"),
    ],
)
def test_an_event_of_another_shape_is_refused(record: object, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words):
        raise failure(parse([record, created()]))


def test_a_response_without_output_is_no_answer() -> None:
    with pytest.raises(RemoteProtocolError, match="no output"):
        reading().parse_response({"id": "resp_1"})


def test_a_long_answer_is_folded() -> None:
    reader = reading().open_stream()
    code = {"type": "code_interpreter_call", "id": "ci", "code": ""}
    for record in (added(message()), text("a"), text("b"), added(code, 1)):
        reader.receive(sse(record)[6:], [])
    piece = event("code_interpreter_call_code.delta", 1, delta="1")
    for record in (piece, text("c"), piece):
        reader.receive(sse(record)[6:], [])
        reader.fold()
    partial = reader.partial()
    assert partial.text == "abc"
    assert partial.parts[1] == ServerToolPart("code_interpreter_call", "ci", input="11")
