"""Tool calls are distinguished whatever index, id and name a server gives its deltas."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import InvalidToolCall, StreamComplete, StreamEvent, ToolCall, ToolCallDelta, ToolCallStarted
from sansio.answers.toolcalls import ToolCallAssembler, wrap_invalid
from tests.sansio.wires import (
    DONE,
    Record,
    answer,
    block,
    check_agreement,
    chunk,
    claude,
    completion,
    failure,
    parse,
    read,
    sse,
    started,
    stopped,
    tool_chunk,
)
from tests.support import for_all


@dataclass(frozen=True)
class Manner:
    """How a server names the call that a delta belongs to."""

    index: str
    id: str
    name: str
    trailing: bool
    """One more delta without arguments ends each call."""
    mixed: bool
    """The calls' deltas are interleaved, one of each."""


def _is_clear(manner: Manner) -> bool:
    """Whether a reader can distinguish the calls at all."""
    if manner.index == "own":
        return True
    if manner.index == "new for each delta" and (manner.id != "each delta" or manner.name != "first delta"):
        return False
    return not manner.mixed or (manner.id == "each delta" and manner.name == "first delta")


MANNERS = st.builds(
    Manner,
    index=st.sampled_from(["own", "from 1", "always 0", "missing", "new for each delta"]),
    id=st.sampled_from(["first delta", "each delta", "then blank", "missing"]),
    name=st.sampled_from(["first delta", "each delta"]),
    trailing=st.booleans(),
    mixed=st.booleans(),
).filter(_is_clear)
ARGUMENTS = st.dictionaries(
    st.text(max_size=3),
    st.text('ab{}[]"\\\u2028é', max_size=6) | st.integers() | st.lists(st.none(), max_size=2),
)
CALLS = st.lists(st.tuples(st.sampled_from(["read", "write"]), ARGUMENTS), min_size=1, max_size=4)


def _deltas(place: int, name: str, pieces: list[str], manner: Manner) -> list[Record]:
    texts = ["", *pieces, ""] if manner.trailing else pieces
    deltas = []
    for at, text in enumerate(texts):
        delta: Record = {"function": {"arguments": text}}
        if manner.index != "missing":
            delta["index"] = {"own": place, "from 1": place + 1, "always 0": 0}.get(manner.index)
        if at == 0 and manner.id != "missing":
            delta["id"] = f"call_{place}"
        elif manner.id != "missing" and manner.id != "first delta":
            delta["id"] = f"call_{place}" if manner.id == "each delta" else ""
        if at == 0 or manner.name == "each delta":
            delta["function"]["name"] = name
        deltas.append(delta)
    return deltas


def _in_turn(lists: list[list[Record]]) -> list[Record]:
    longest = max(map(len, lists))
    return [deltas[at] for at in range(longest) for deltas in lists if at < len(deltas)]


@given(manner=MANNERS, calls=CALLS, cuts=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_each_call_gets_its_own_arguments(
    manner: Manner, calls: list[tuple[str, Record]], cuts: list[int]
) -> None:
    texts = [json.dumps(arguments, ensure_ascii=False) for _, arguments in calls]
    size = cuts[0]
    lists = [
        _deltas(place, name, [text[at : at + size] for at in range(0, len(text), size)], manner)
        for place, ((name, _), text) in enumerate(zip(calls, texts, strict=True))
    ]
    deltas = _in_turn(lists) if manner.mixed else [delta for each in lists for delta in each]
    if manner.index == "new for each delta":
        deltas = [{**delta, "index": at} for at, delta in enumerate(deltas)]
    events = parse("openai", [sse(*(chunk({"tool_calls": [delta]}) for delta in deltas)), DONE])
    check_agreement(events)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    message = last.message
    assert message.invalid_tool_calls == ()
    assert [(call.name, call.arguments) for call in message.tool_calls] == calls
    assert [call.raw_arguments for call in message.tool_calls] == texts
    assert len({call.id for call in message.tool_calls}) == len(calls)
    if manner.id != "missing":
        assert [call.id for call in message.tool_calls] == [f"call_{at}" for at in range(len(calls))]


def _calls(*deltas: Record, kind: str = "openai") -> list[tuple[str, str, str | None]]:
    message = answer(kind, sse(*deltas), DONE)
    assert message.invalid_tool_calls == ()
    return [(call.id, call.name, call.raw_arguments) for call in message.tool_calls]


def test_pain_11_repeated_index_0_with_new_ids_is_several_calls() -> None:
    deltas = [tool_chunk('{"n": 1}', id="a", name="f"), tool_chunk('{"n": 2}', id="b", name="f")]
    assert _calls(*deltas) == [("a", "f", '{"n": 1}'), ("b", "f", '{"n": 2}')]


def test_pain_11_interleaved_deltas_of_a_repeated_index_0_are_distinguished_by_id() -> None:
    deltas = [
        tool_chunk("", id="a", name="f"),
        tool_chunk("", id="b", name="f"),
        tool_chunk('{"n":', id="a"),
        tool_chunk('{"n":', id="b"),
        tool_chunk(" 1}", id="a"),
        tool_chunk(" 2}", id="b"),
    ]
    assert _calls(*deltas) == [("a", "f", '{"n": 1}'), ("b", "f", '{"n": 2}')]


def test_pain_11_calls_of_a_repeated_index_0_without_ids_are_distinguished_by_closed_arguments() -> None:
    deltas = [tool_chunk('{"n": 1}', name="f"), tool_chunk('{"n": 2}', name="f"), tool_chunk("{}", name="g")]
    assert [raw for _, _, raw in _calls(*deltas)] == ['{"n": 1}', '{"n": 2}', "{}"]


def test_pain_11_a_missing_index_goes_by_id_and_order() -> None:
    deltas = [
        tool_chunk("", index=None, id="a", name="f"),
        tool_chunk('{"n"', index=None),
        tool_chunk(": 1}", index=None),
        tool_chunk('{"n": 2}', index=None, id="b", name="f"),
    ]
    assert _calls(*deltas) == [("a", "f", '{"n": 1}'), ("b", "f", '{"n": 2}')]


@pytest.mark.parametrize("later", ["", None])
def test_pain_11_blank_ids_after_the_first_delta_change_nothing(later: str | None) -> None:
    deltas = [tool_chunk("{", id="a", name="f"), tool_chunk("}", id=later)]
    if later is None:
        deltas[1]["choices"][0]["delta"]["tool_calls"][0]["id"] = None
    assert _calls(*deltas) == [("a", "f", "{}")]


def test_pain_11_two_calls_of_one_id_get_two_ids() -> None:
    for second in (1, 0):
        calls = _calls(
            tool_chunk("{}", id="a", name="f", index=0), tool_chunk("{}", id="a", name="g", index=second)
        )
        assert calls[0][0] == "a"
        assert len({call[0] for call in calls}) == 2


def test_pain_11_two_calls_of_one_id_without_an_index_keep_their_arguments_apart() -> None:
    deltas = [
        tool_chunk("", id="a", name="f", index=None),
        tool_chunk('{"n": 1}', id="a", index=None),
        tool_chunk("", id="a", name="g", index=None),
        tool_chunk('{"n": 2}', id="a", index=None),
    ]
    assert [call[1:] for call in _calls(*deltas)] == [("f", '{"n": 1}'), ("g", '{"n": 2}')]


def test_a_late_id_belongs_to_its_call() -> None:
    events = parse("openai", [sse(tool_chunk(name="f"), tool_chunk("{}", id="late")) + DONE])
    assert events[:2] == [ToolCallStarted(0, "late", "f"), ToolCallDelta(0, "{}")]


def test_an_id_that_comes_after_a_call_was_handed_out_does_not_change_it() -> None:
    events = parse("openai", [sse(tool_chunk("{", name="f"), tool_chunk("}", id="late")) + DONE])
    assert isinstance(events[0], ToolCallStarted)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert [call.id for call in last.message.tool_calls] == [events[0].id]


def test_a_late_name_starts_the_call_with_all_that_came_before() -> None:
    events = parse(
        "openai", [sse(tool_chunk('{"a"', id="a"), tool_chunk(": 1}"), tool_chunk(name="f")) + DONE]
    )
    assert events[:2] == [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, '{"a": 1}')]
    check_agreement(events)


def test_a_name_repeated_to_the_end_makes_no_ghost_call() -> None:
    deltas = [tool_chunk('{"n": 1}', id="a", name="f"), tool_chunk("", id="", name="f")]
    assert _calls(*deltas) == [("a", "f", '{"n": 1}')]
    deltas = [tool_chunk('{"n": 1}', id="a", name="f"), tool_chunk("\n", id="a", name="f")]
    assert _calls(*deltas) == [("a", "f", '{"n": 1}\n')]


def test_another_name_is_another_call_though_index_and_id_are_not() -> None:
    deltas = [tool_chunk("", name="f"), tool_chunk("", name="g"), tool_chunk('{"n": 2}')]
    assert [call[1:] for call in _calls(*deltas)] == [("f", ""), ("g", '{"n": 2}')]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    "raw",
    [
        r'{"a": "}"}',
        r'{"a": "\"}", "b": "\\\\"}',
        '{"a": {"b": [{}, [1]]}, "c": []}',
        '{"a": ["{", "]", "["]}',
    ],
)
def test_only_what_closes_the_object_ends_a_call_that_has_no_id(raw: str, size: int) -> None:
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    deltas = [tool_chunk(piece, name="f") for piece in [*pieces, *pieces]]
    assert [call[1:] for call in _calls(*deltas)] == [("f", raw), ("f", raw)]


def test_an_escape_outside_of_any_text_hides_no_end() -> None:
    message = answer("openai", sse(tool_chunk("\\{}", name="f"), tool_chunk("{}", name="f")), DONE)
    assert [call.raw_arguments for call in message.invalid_tool_calls] == ["\\{}"]
    assert [call.raw_arguments for call in message.tool_calls] == ["{}"]


def test_ids_that_change_in_mid_call_do_not_split_it() -> None:
    deltas = [tool_chunk('{"n":', id="a", name="f"), tool_chunk(" 1}", id="b")]
    assert _calls(*deltas) == [("a", "f", '{"n": 1}')]


def test_a_call_begun_by_its_id_alone_has_no_name_and_is_invalid() -> None:
    message = answer("openai", sse(tool_chunk("{}", id="a", name="f"), tool_chunk("{}", id="b")), DONE)
    assert [call.id for call in message.tool_calls] == ["a"]
    assert [(call.id, call.name, call.reason) for call in message.invalid_tool_calls] == [
        ("b", "", "the call has no name")
    ]


def test_calls_are_counted_from_0_in_the_order_in_which_they_start() -> None:
    deltas = [
        tool_chunk("{}", index=4, id="w"),
        tool_chunk("{}", index=5, id="x"),
        tool_chunk("", index=6, name="f"),
        tool_chunk("{}", index=7, id="b", name="g"),
        tool_chunk(index=4, name="h"),
    ]
    events = parse("openai", [sse(*deltas) + DONE])
    starts = [event for event in events if isinstance(event, ToolCallStarted)]
    assert [(start.index, start.name) for start in starts] == [(0, "f"), (1, "g"), (2, "h")]
    check_agreement(events)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert [call.name for call in last.message.tool_calls] == ["f", "g", "h"]
    assert [call.id for call in last.message.invalid_tool_calls] == ["x"]


def test_several_whole_calls_in_one_chunk() -> None:
    delta = {
        "tool_calls": [
            {"id": "a", "function": {"name": "f", "arguments": '{"n": 1}'}},
            {"id": "b", "function": {"name": "f", "arguments": '{"n": 2}'}},
        ]
    }
    assert _calls(chunk(delta)) == [("a", "f", '{"n": 1}'), ("b", "f", '{"n": 2}')]


def test_arguments_sent_as_an_object_are_text_again() -> None:
    assert _calls(tool_chunk({"n": {"m": 1}}, id="a", name="f")) == [("a", "f", '{"n":{"m":1}}')]


@pytest.mark.parametrize("raw", ["", " \n", "null", " null "])
def test_pain_12_blank_arguments_are_an_empty_object(raw: str) -> None:
    message = answer("openai", sse(tool_chunk(raw, id="a", name="f"), chunk({}, "tool_calls")))
    assert [(call.arguments, call.raw_arguments) for call in message.tool_calls] == [({}, raw)]


def test_pain_12_missing_arguments_are_an_empty_object() -> None:
    delta = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}, {"index": 1, "id": "b"}]}
    message = answer("openai", sse(chunk(delta), chunk({}, "tool_calls")))
    assert [call.arguments for call in message.tool_calls] == [{}]
    assert [call.id for call in message.invalid_tool_calls] == ["b"]


@pytest.mark.parametrize(
    "raw", ['{"path":"/tmp","force":tr', '{"a": 1', "[]", "4 + 4", '"x"', "{}{}", "{'a': 1}"]
)
def test_arguments_that_are_not_a_json_object_make_an_invalid_call_with_their_text(raw: str) -> None:
    good, bad = tool_chunk('{"n": 1}', id="a", name="f"), tool_chunk(raw, id="b", name="g", index=1)
    message = answer("openai", sse(good, bad, chunk({"content": "on"}), chunk({}, "tool_calls")), DONE)
    assert [call.id for call in message.tool_calls] == ["a"]
    (invalid,) = message.invalid_tool_calls
    assert (invalid.id, invalid.name, invalid.raw_arguments) == ("b", "g", raw)
    assert "not a JSON object" in invalid.reason
    assert message.text == "on"


def test_pain_01_no_call_of_a_cut_stream_is_whole() -> None:
    error = failure(parse("openai", [sse(tool_chunk('{"n": 1}', id="a", name="f"))]))
    assert error.partial is not None
    assert error.partial.tool_calls == ()
    assert [call.raw_arguments for call in error.partial.invalid_tool_calls] == ['{"n": 1}']


def test_arguments_too_deep_make_an_invalid_call_and_no_crash() -> None:
    raw = '{"a":' * 300 + "1" + "}" * 300
    message = answer("openai", sse(tool_chunk(raw, id="a", name="f")), DONE)
    assert message.tool_calls == ()
    assert "deeper than 256" in message.invalid_tool_calls[0].reason


def test_half_a_surrogate_pair_in_the_arguments_is_no_crash() -> None:
    data = json.dumps(tool_chunk(r'{"a": "\ud800"}', id="a", name="f"))
    message = answer("openai", sse(data), DONE)
    assert [call.arguments for call in message.tool_calls] == [{"a": "\ufffd"}]


def test_other_fields_of_a_call_stay_with_it_valid_or_not() -> None:
    google = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    deltas = [tool_chunk("{}", id="a", name="f"), tool_chunk("{", id="b", name="f", index=1)]
    for delta in deltas:
        delta["choices"][0]["delta"]["tool_calls"][0] |= google
    message = answer("openai", sse(*deltas, tool_chunk("{", id="c", name="f", index=2)), DONE)
    assert [call.extra for call in message.tool_calls] == [google]
    assert [call.extra for call in message.invalid_tool_calls] == [google, {}]


def test_more_than_the_allowed_calls_is_a_limit() -> None:
    deltas = [tool_chunk("{}", id=f"c{at}", name="f", index=at) for at in range(3)]
    assert len(answer("openai", sse(*deltas), DONE, max_tool_calls=3).tool_calls) == 3
    error = failure(parse("openai", [sse(*deltas), DONE], max_tool_calls=2))
    assert error.field == "max_tool_calls"
    assert error.partial is not None
    assert len(error.partial.invalid_tool_calls) == 2


def test_arguments_without_an_index_or_an_id_are_the_last_call_s() -> None:
    message = answer(
        "openai",
        sse(
            tool_chunk('{"a":1}', index=0, id="call_1", name="f"),
            tool_chunk("", index=1, id="call_2", name="g"),
            tool_chunk('{"b":2}', index=None),
            chunk({}, "tool_calls"),
        ),
    )
    assert [(call.id, call.arguments) for call in message.tool_calls] == [
        ("call_1", {"a": 1}),
        ("call_2", {"b": 2}),
    ]


def test_a_name_that_is_repeated_is_that_of_the_arguments_behind_it() -> None:
    deltas = [tool_chunk('{"a":1}', name="f"), tool_chunk(name="f"), tool_chunk('{"b":2}')]
    assert [call[1:] for call in _calls(*deltas)] == [("f", '{"a":1}'), ("f", '{"b":2}')]


# The ids of calls that have none.


def ids(count: int, **more: str) -> list[str]:
    """The ids of an answer's calls, none of which has its own."""
    chunks = [tool_chunk("{}", index=index, name="f") for index in range(count)]
    stream = sse(*({**piece, **more} for piece in chunks), chunk({}, "tool_calls")) + DONE
    return [call.id for call in answer("openai", stream, max_tool_calls=2_000).tool_calls]


def test_each_of_very_many_calls_has_its_own_id_of_nine_letters_and_digits_as_mistral_takes_it() -> None:
    made = ids(1_300)
    assert len(set(made)) == 1_296  # 36 by 36, then repeated
    assert made[:4] == made[1_296:]
    assert all(re.fullmatch("[0-9a-z]{9}", call_id) for call_id in made)


def test_ids_are_the_same_for_the_same_answer_and_others_for_another() -> None:
    assert ids(3) == ids(3)
    assert not set(ids(3)) & set(ids(3, id="chat-2"))


@pytest.mark.parametrize("arguments", ["", "null", "{}", None])
def test_a_call_of_a_whole_answer_without_an_id_gets_one_whatever_its_arguments(
    arguments: str | None,
) -> None:
    called: Record = {"type": "function", "function": {"name": "f", "arguments": arguments}}
    message = read("openai", completion({"tool_calls": [called]}, "tool_calls"))
    assert [(call.name, call.arguments) for call in message.tool_calls] == [("f", {})]
    assert message.tool_calls[0].id


@pytest.mark.parametrize("arguments", ['{"a":1}', None])
@pytest.mark.parametrize("kind", ["openai", "openai, cut", "anthropic"])
def test_a_call_that_never_had_an_id_starts_at_the_end_of_its_answer_at_the_latest(
    kind: str, arguments: str | None
) -> None:
    if kind == "anthropic":
        pieces = [{"type": "input_json_delta", "partial_json": arguments}] if arguments else []
        stream = claude(
            started(), *block(0, {"type": "tool_use", "name": "f"}, *pieces), *stopped("tool_use")
        )
    else:
        end = b"" if kind.endswith("cut") else DONE
        stream = sse(tool_chunk(arguments, name="f"), chunk({}, "tool_calls")) + end
    begun, *deltas, last = parse(kind.partition(",")[0], [stream])
    assert isinstance(begun, ToolCallStarted)
    assert (begun.index, begun.name) == (0, "f")
    assert deltas == ([ToolCallDelta(0, arguments)] if arguments else [])
    assert isinstance(last, StreamComplete)
    assert [call.id for call in last.message.tool_calls] == [begun.id]


def test_of_free_text_only_the_last_call_may_be_cut_at_the_limit() -> None:
    calls = ToolCallAssembler()
    first, last = (calls.find(index, f"call_{index}", "f") for index in range(2))
    for call in (first, last):
        call.kind = "custom"
        calls.add(call, "text", [])
    assert isinstance(calls.finish(first, whole=True, cut=True), ToolCall)
    assert isinstance(calls.finish(last, whole=True, cut=True), InvalidToolCall)
    assert calls.finish(last, whole=True) == ToolCall("call_1", "f", {"input": "text"}, None, "custom")


def test_an_id_that_is_sent_again_is_not_another_call() -> None:
    calls = ToolCallAssembler()
    call = calls.find(0, "call_1", "f")
    assert calls.find(0, "call_1", "") is call
    assert calls.find(None, "", "") is call
    assert call.id == "call_1"


@given(st.lists(st.sampled_from(["{", '"a":', " ", "{}", "}", '"}"', ","]), max_size=30), st.data())
def test_arguments_are_closed_whenever_their_pieces_were_joined(
    pieces: list[str], data: st.DataObject
) -> None:
    """Pieces are joined in between, which saves memory."""
    folded, plain = (ToolCallAssembler().find(0, "call_1", "f") for _ in range(2))
    for piece in pieces:
        folded.parts.append(piece)
        plain.parts.append(piece)
        if data.draw(st.booleans()):
            folded.fold()
        if data.draw(st.booleans()):
            assert folded.is_closed() == plain.is_closed()
    assert folded.is_closed() == plain.is_closed()
    assert folded.parts.whole() == plain.parts.whole() == "".join(pieces)


def test_ids_that_arrive_after_the_names_are_those_of_their_calls() -> None:
    deltas = [
        tool_chunk(name="f", index=0),
        tool_chunk("{}", id="a", index=0),
        tool_chunk(name="g", index=1),
        tool_chunk("{}", id="b", index=1),
    ]
    assert _calls(*deltas) == [("a", "f", "{}"), ("b", "g", "{}")]
    assert _calls(deltas[0], deltas[2], deltas[1], deltas[3]) == [("a", "f", "{}"), ("b", "g", "{}")]


@for_all(("folds", product((False, True), repeat=4)), ("looks", product((False, True), repeat=4)))
def test_arguments_are_closed_by_their_last_brace_whatever_was_joined_before(
    folds: tuple[bool, ...], looks: tuple[bool, ...]
) -> None:
    call = ToolCallAssembler().find(0, "call_1", "f")
    for piece, fold, look in zip(('{"a":', "{}", ' , "}": "', '"}'), folds, looks, strict=True):
        call.parts.append(piece)
        if look:
            assert call.is_closed() == (piece == '"}')
        if fold:
            call.fold()
            if look:
                assert call.is_closed() == (piece == '"}')
    assert call.is_closed()


@pytest.mark.parametrize(
    ("raw", "closed"),
    [
        ("", False),
        ("{", False),
        ("{}", True),
        ("[]", True),
        ("}", True),
        ("{}{", True),
        ('{} {"a": [', True),
        ('"}"', False),
        ('{"a": "\\\\"}', True),
        ('{"a": "\\"}', False),
        ('{"a": [1, {"b": 2}]', False),
        ('{"a": [1, {"b": 2}]}', True),
    ],
)
def test_the_brace_that_closes_the_object_is_found_at_every_cut(raw: str, closed: bool) -> None:
    for at in range(len(raw) + 1):
        call = ToolCallAssembler().find(0, "call_1", "f")
        for piece in (raw[:at], raw[at:]):
            if piece:
                call.parts.append(piece)
                call.is_closed()
        assert call.is_closed() is closed


def test_each_invalid_call_says_why_and_keeps_its_text_and_fields() -> None:
    def finished(
        raw: str, *, name: str = "f", kind: str = "function", whole: bool = True, cut: bool = False
    ) -> Any:
        calls = ToolCallAssembler()
        call = calls.find(0, "call_1", name)
        call.kind, call.extra = kind, {"x": 1}
        calls.add(call, raw, [])
        part = calls.finish(call, whole=whole, cut=cut)
        assert (part.id, part.name, part.kind, part.extra) == ("call_1", name, kind, {"x": 1})  # type: ignore[union-attr]  # it is a call
        return part

    for raw, fields, words in (
        ("{}", {"whole": False}, "broke off before the call was complete"),
        ("{}", {"name": ""}, "has no name"),
        ("some", {"kind": "custom", "cut": True}, "text may be incomplete"),
        ("{", {}, "not a JSON object: "),
        ("[1]", {}, "not a JSON object: "),
        ("{}", {"cut": True}, "before the call's arguments"),
        ("", {"cut": True}, "before the call's arguments"),
    ):
        invalid = finished(raw, **fields)
        assert isinstance(invalid, InvalidToolCall)
        assert words in invalid.reason
        assert invalid.raw_arguments == raw
    for raw, fields, arguments in (
        ("some", {"kind": "custom"}, {"input": "some"}),
        ('{"a": 1}', {"cut": True}, {"a": 1}),
        ("null", {}, {}),
    ):
        valid = finished(raw, **fields)
        assert isinstance(valid, ToolCall)
        assert valid.arguments == arguments
        assert valid.raw_arguments == (None if fields.get("kind") else raw)


def test_arguments_behind_closed_ones_belong_to_the_same_call_if_no_name_comes_again() -> None:
    for between in ([], [tool_chunk("")], [tool_chunk(" ")]):
        stream = sse(tool_chunk('{"a":1}', name="f"), *between, tool_chunk('{"b":2}'))
        (invalid,) = answer("openai", stream, DONE).invalid_tool_calls
        assert invalid.raw_arguments.replace(" ", "") == '{"a":1}{"b":2}'
    late = sse(tool_chunk('{"a":1}', id="a"), tool_chunk(name="f"), tool_chunk('{"b":2}'))
    (invalid,) = answer("openai", late, DONE).invalid_tool_calls
    assert (invalid.name, invalid.raw_arguments) == ("f", '{"a":1}{"b":2}')


def test_a_call_that_arrives_whole_is_always_another_one() -> None:
    calls = ToolCallAssembler()
    events: list[StreamEvent] = []
    calls.find(0, "a", "f")
    whole = [
        ToolCall("a", "f", {"n": 1}, '{"n": 1}', "function", {"x": 1}),
        ToolCall("", "f", {}, None, "function", {"y": 2}),
        ToolCall("b", "g", {"input": "text"}, None, "custom", {"z": 3}),
    ]
    for call in whole:
        calls.take(call, events)
    made = [event for event in events if isinstance(event, ToolCallStarted)]
    assert [(event.name, event.kind) for event in made] == [
        ("f", "function"),
        ("f", "function"),
        ("f", "function"),
        ("g", "custom"),
    ]
    assert [event.arguments for event in events if isinstance(event, ToolCallDelta)] == [
        '{"n": 1}',
        "{}",
        "text",
    ]
    assert made[0].id == "a"
    assert made[3].id == "b"
    assert len({event.id for event in made}) == 4


def test_a_delta_without_id_and_name_is_added_at_once_only_to_a_call_that_has_started() -> None:
    calls = ToolCallAssembler()
    events: list[StreamEvent] = []
    assert not calls.add_more(0, "{", events)
    assert not calls.add_more(None, "{", events)
    call = calls.find(0, "a", "")
    calls.add(call, "", events)
    assert not calls.add_more(0, "{", events)
    calls.add(calls.find(0, "a", "f"), "", events)
    assert calls.add_more(0, "{", events)
    assert calls.add_more(0, "", events)
    assert calls.add_more(0, "}", events)
    assert not calls.add_more(1, "{", events)
    assert events == [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{"), ToolCallDelta(0, "}")]
    assert calls.finish(call, whole=True) == ToolCall("a", "f", {}, "{}")


def test_made_up_ids_are_the_same_in_every_version() -> None:
    """Prompt caches and recorded conversations go by them."""
    calls = ToolCallAssembler()
    assert calls.id_seed == ""
    made = []
    for seed in ("", "chat-1", "\ud800"):
        calls.id_seed = seed
        for _ in range(2):
            events: list[StreamEvent] = []
            calls.take(ToolCall("", "f"), events)
            assert isinstance(events[0], ToolCallStarted)
            made.append(events[0].id)
    assert made == ["000000000", "000000010", "0fe0pgk20", "0fe0pgk30", "0rusxio40", "0rusxio50"]


def test_at_the_end_each_call_has_an_id_and_those_with_a_name_have_started() -> None:
    calls = ToolCallAssembler()
    events: list[StreamEvent] = []
    made = [calls.find(index, "", name) for index, name in enumerate(("", "f", "", "g"))]
    assert [(call.number, call.index, call.id) for call in made] == [(number, -1, "") for number in range(4)]
    calls.add(made[0], "{}", events)
    assert events == []
    calls.flush(events)
    assert [(event.index, event.name) for event in events if isinstance(event, ToolCallStarted)] == [
        (0, "f"),
        (1, "g"),
    ]
    assert len({call.id for call in made} - {""}) == 4
    assert calls.waiting() == [made[0], made[2]]
    calls.flush(events)
    assert len(events) == 2


def test_the_text_of_an_invalid_call_goes_into_an_object_where_only_objects_are_taken() -> None:
    """Anthropic, "Fine-grained tool streaming"."""
    assert wrap_invalid(InvalidToolCall("a", "f", '{"x": 1', "cut")) == {"INVALID_JSON": '{"x": 1'}
