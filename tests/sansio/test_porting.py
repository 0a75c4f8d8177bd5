"""A history adapted to another endpoint: each loss is reported, once."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AudioPart,
    Citation,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    JSONObject,
    LeftOut,
    Message,
    Part,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
    UnknownPart,
    port,
)
from sansio.checks import check_messages
from sansio.config import PROVIDER_DEFAULTS
from sansio.porting import in_order, port_tools
from sansio.providers import dialect_for, dialect_named
from tests.sansio.wires import ASK, TYPES, config
from tests.support import for_all

PAIRS = [(kind, api) for kind in TYPES for api in PROVIDER_DEFAULTS[kind].apis]
ORIGINS = [f"{kind}/{api}" for kind, api in PAIRS]


def answered(*parts: Part, origin: str | None = "anthropic/messages", **fields: Any) -> Message:
    return Message(Role.ASSISTANT, parts, origin=origin, **fields)


def ported(kind: str, *messages: Message) -> tuple[list[Message], list[LeftOut]]:
    return port(messages, dialect_named(kind))


def losses(report: list[LeftOut]) -> list[tuple[str, int | None, int | None]]:
    return [(left.what, left.message, left.part) for left in report]


FOREIGN: list[tuple[str, Part, Part | None, list[str]]] = [
    ("openai", ReasoningPart("Hm.", {"signature": "s"}), None, ["ReasoningPart"]),
    ("openai", ServerToolPart("web_search_tool_result", "s"), None, ["ServerToolPart"]),
    ("openai", UnknownPart("compaction", {"a": 1}), None, ["UnknownPart"]),
    ("openai", ImagePart(url="u"), None, ["ImagePart"]),
    ("openai", AudioPart(data=b"x", extra={"id": "a"}), None, ["AudioPart"]),
    (
        "openai",
        AudioPart(data=b"x", transcript="Hi.", extra={"id": "a"}),
        TextPart("Hi."),
        ["AudioPart: transcript sent as text"],
    ),
    ("openai", AudioPart(data=b"x", transcript=" "), None, ["AudioPart"]),
    ("openai", TextPart("a", extra={"x": 1, "y": 2}), TextPart("a"), ["extra: x, y"]),
    ("openai", TextPart("a", (Citation("u"),)), TextPart("a"), ["citations"]),
    ("openai", TextPart("a", (Citation("u"),), {"x": 1}), TextPart("a"), ["extra: x", "citations"]),
    ("openai", ToolCall("c", "f", extra={"caller": 1}), ToolCall("c", "f"), ["extra: caller"]),
    ("openai", RefusalPart("No."), RefusalPart("No."), []),
    ("anthropic", RefusalPart("No.", {"x": 1}), TextPart("No."), ["RefusalPart: sent as text", "extra: x"]),
    ("anthropic", ReasoningPart("Hm."), None, ["ReasoningPart"]),
    ("anthropic", TextPart(" "), None, ["TextPart"]),
    ("ollama", ReasoningPart("Hm.", {"signature": "s"}), ReasoningPart("Hm."), ["extra: signature"]),
    ("openai/responses", ReasoningPart("Hm.", {"signature": "s"}), None, ["ReasoningPart"]),
    ("openai/responses", TextPart("a", (Citation("u"),)), TextPart("a"), ["citations"]),
    ("openai/responses", RefusalPart("No."), RefusalPart("No."), []),
    ("ollama/responses", RefusalPart("No."), TextPart("No."), ["RefusalPart: sent as text"]),
]


@for_all((("kind", "part", "kept", "lost"), FOREIGN))
def test_a_part_of_another_provider_loses_what_only_that_provider_understands(
    kind: str, part: Part, kept: Part | None, lost: list[str]
) -> None:
    origin = "openai/chat" if kind == "anthropic" else "anthropic/messages"
    history = [*ASK, answered(TextPart("Hi"), part, origin=origin)]
    (_, message), report = ported(kind, *history)
    assert message == answered(TextPart("Hi"), *([] if kept is None else [kept]), origin=origin)
    assert losses(report) == [(what, 1, 1) for what in lost]


@for_all(
    ("kind", TYPES), ("origin", ["openai/chat", "openai/responses", None]), ("called", ["custom", "computer"])
)
def test_a_call_of_a_kind_that_the_target_does_not_have_is_a_functions_and_reported(
    kind: str, origin: str | None, called: str
) -> None:
    calls = (
        ToolCall("a", "f", {"input": "x"}, kind=called),
        InvalidToolCall("b", "f", "x", "cut", called),
        ToolCall("c", "g"),
    )
    results = [Message(Role.TOOL, "ok", tool_call_id=call_id) for call_id in "abc"]
    kept, report = ported(kind, *ASK, answered(*calls, origin=origin), *results)
    if called == "custom" and kind in ("openai", "azure"):
        assert (kept[1].parts, report) == (calls, [])
        return
    assert [part.kind for part in kept[1].parts if isinstance(part, ToolCall | InvalidToolCall)] == [
        "function"
    ] * 3
    assert losses(report) == [("kind", 1, 0), ("kind", 1, 1)]
    assert repr(called) in report[0].why


def test_sound_that_its_own_provider_does_not_take_back_goes_on_as_its_words() -> None:
    spoken = answered(AudioPart(data=b"x", transcript="Hi."), origin="openai/chat")
    (_, kept), report = ported("openai", *ASK, spoken)
    assert (
        kept
        == answered(TextPart("Hi."), origin="openai/chat")
        == Message(Role.ASSISTANT, "Hi.", origin="openai/chat")
    )
    assert losses(report) == [("AudioPart: transcript sent as text", 1, 0)]


def test_the_detail_of_an_image_is_reported_where_it_has_no_place() -> None:
    asked = Message(Role.USER, (ImagePart(url="https://e/a.png", detail="low"),))
    (kept,), report = ported("anthropic", asked)
    assert kept.parts == (ImagePart(url="https://e/a.png"),)
    assert losses(report) == [("detail", 0, 0)]
    for kind in set(TYPES) - {"anthropic"}:
        assert ported(kind, asked) == ([asked], [])


FIELDS: list[tuple[str, Role, Part, Part, str]] = [
    (
        "cohere",
        Role.USER,
        TextPart("Hi", (Citation(start=1, extra={"x": 1}),)),
        TextPart("Hi"),
        "citations",
    ),
    (
        "cohere",
        Role.ASSISTANT,
        TextPart("Hi", (Citation("u", "t", "q", 0, 2), Citation("u"))),
        TextPart("Hi", (Citation(start=0, end=2),)),
        "citations: url, title, quote",
    ),
    (
        "openai/responses",
        Role.ASSISTANT,
        TextPart("Hi", (Citation("u", quote="q", start=0, extra={"x": 1}),)),
        TextPart("Hi", (Citation("u", start=0, extra={"x": 1}),)),
        "citations: quote",
    ),
    (
        "anthropic",
        Role.ASSISTANT,
        TextPart("Hi", (Citation("u", start=0), Citation(end=2))),
        TextPart("Hi", (Citation("u"),)),
        "citations: start, end",
    ),
    ("google", Role.USER, ImagePart(url="u", detail="low"), ImagePart(url="u"), "detail"),
    ("google", Role.USER, DocumentPart(url="u", name="a"), DocumentPart(url="u"), "name"),
    ("openai", Role.USER, DocumentPart(file_id="f", name="a"), DocumentPart(file_id="f"), "name"),
    ("openai", Role.USER, AudioPart(data=b"x", transcript="Hi."), AudioPart(data=b"x"), "transcript"),
    ("bedrock", Role.USER, AudioPart(data=b"x", transcript="Hi."), AudioPart(data=b"x"), "transcript"),
    ("openai", Role.ASSISTANT, RefusalPart("No.", {"x": 1}), RefusalPart("No."), "extra: x"),
    (
        "deepseek",
        Role.ASSISTANT,
        ReasoningPart("Hm.", {"field": "reasoning", "signature": "s"}),
        ReasoningPart("Hm.", {"field": "reasoning"}),
        "extra: signature",
    ),
    (
        "minimax",
        Role.ASSISTANT,
        ReasoningPart("Hm.", {"field": "<think>", "closed": False, "signature": "s"}),
        ReasoningPart("Hm.", {"field": "<think>", "closed": False}),
        "extra: signature",
    ),
    ("ollama/ollama", Role.ASSISTANT, TextPart("Hi", extra={"x": 1}), TextPart("Hi"), "extra: x"),
    (
        "anthropic",
        Role.ASSISTANT,
        ServerToolPart("server_tool_use", "s", "f", {}, status="done"),
        ServerToolPart("server_tool_use", "s", "f", {}),
        "status",
    ),
    (
        "google",
        Role.ASSISTANT,
        ServerToolPart("executableCode", "s", "f", "1 + 1"),
        ServerToolPart("executableCode", "s", None, "1 + 1"),
        "name",
    ),
]
"""A type; a role; a part with a field that has no place there; what is sent; and the loss."""


@for_all((("kind", "role", "part", "kept", "lost"), FIELDS))
def test_a_field_that_the_endpoint_has_no_field_for_is_reported_though_the_application_wrote_it(
    kind: str, role: Role, part: Part, kept: Part, lost: str
) -> None:
    (_, message), report = ported(kind, *ASK, Message(role, (TextPart("See."), part)))
    assert message.parts == (TextPart("See."), kept)
    assert losses(report) == [(lost, 1, 1)]
    assert dialect_named(kind).origin in report[0].why
    assert ported(kind, *ASK, message) == ([*ASK, message], [])


def test_the_detail_of_an_image_of_another_provider_is_reported_too() -> None:
    shown = answered(
        TextPart("Hi"), ImagePart(data=b"x", detail="low", extra={"x": 1}), origin="another/chat"
    )
    (_, kept), report = ported("google", *ASK, shown)
    assert kept.parts == (TextPart("Hi"), ImagePart(data=b"x"))
    assert losses(report) == [("extra: x", 1, 1), ("detail", 1, 1)]


def test_fields_with_a_place_are_kept() -> None:
    sent: list[tuple[str, Role, Part]] = [
        ("mistral", Role.ASSISTANT, ReasoningPart("Hm.", {"field": "content", "x": 1})),
        ("deepseek", Role.ASSISTANT, ReasoningPart("Hm.", {"type": "reasoning.text", "signature": "s"})),
        (
            "deepseek",
            Role.ASSISTANT,
            ReasoningPart("Hm.", {"field": "reasoning", "reasoning_content": "So."}),
        ),
        ("openai", Role.ASSISTANT, AudioPart(data=b"x", transcript="Hi.", extra={"id": "a"})),
        ("openai", Role.USER, DocumentPart(data=b"x", name="a")),
        ("cohere", Role.ASSISTANT, TextPart("Hi", (Citation(start=0, extra={"x": 1}),))),
        ("google", Role.USER, TextPart("Hi", extra={"x": 1})),
        ("google", Role.ASSISTANT, ServerToolPart("toolCall", "s", "f", {})),
    ]
    for kind, role, part in sent:
        message = Message(role, (TextPart("See."), part))
        assert ported(kind, *ASK, message) == ([*ASK, message], [])


def test_a_part_that_is_left_out_is_one_loss_whatever_it_had() -> None:
    signed = answered(TextPart("", extra={"signature": "s"}), TextPart("Hi"), origin="openai/chat")
    _, report = ported("anthropic", *ASK, signed)
    assert losses(report) == [("TextPart", 1, 0)]


def test_the_reason_names_where_an_answer_is_from_and_where_it_goes() -> None:
    _, report = ported("openai", *ASK, answered(ReasoningPart("Hm.")))
    [loss] = report
    assert (loss.what, loss.message, loss.part) == ("ReasoningPart", 1, 0)
    assert "anthropic/messages" in loss.why
    assert "openai/chat" in loss.why


def test_fields_of_a_message_of_another_provider_are_one_loss() -> None:
    message = answered(TextPart("Hi"), extra={"container": {}, "x": 1})
    (_, kept), report = ported("openai", *ASK, message)
    assert kept.extra == {}
    assert losses(report) == [("extra: container, x", 1, None)]


def test_two_providers_of_one_family_are_two_origins() -> None:
    detail = ReasoningPart("Hm.", {"type": "reasoning.text"})
    message = answered(detail, TextPart("Hi"), origin="openrouter/chat")
    assert losses(ported("openai", *ASK, message)[1]) == [("ReasoningPart", 1, 0)]
    assert ported("openrouter", *ASK, message) == ([*ASK, message], [])


def test_an_accepted_origin_keeps_its_extras() -> None:
    class Cousin(type(dialect_named("openai"))):  # type: ignore[misc]  # a class that is known at run time
        ORIGINS = frozenset(("anthropic/messages",))

    message = answered(TextPart("Hi", extra={"x": 1}))
    assert port([message], Cousin()) == ([message], [])


def test_what_the_application_wrote_keeps_its_extras_and_unknown_parts() -> None:
    parts = (TextPart("Hi", extra={"cache_control": {}}), UnknownPart("x", {"a": 1}))
    history = [
        Message(Role.SYSTEM, parts, extra={"x": 1}),
        Message(Role.USER, parts, extra={"name": "Ann"}),
        Message(Role.ASSISTANT, parts, extra={"prefix": True}),
    ]
    for kind in TYPES:
        assert ported(kind, *history) == (history, [])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT])
def test_citations_that_cannot_be_sent_are_a_loss_though_the_application_wrote_them(
    kind: str, role: Role
) -> None:
    message = Message(role, (TextPart("Hi", (Citation("https://example.com"),)),))
    (kept,), report = ported(kind, message)
    takes_them = kind == "anthropic"
    assert bool(kept.citations) == takes_them
    assert losses(report) == ([] if takes_them else [("citations", 0, 0)])


def test_an_unanswered_invalid_call_is_left_out_everywhere() -> None:
    cut = InvalidToolCall("c", "f", "{", "cut")
    for origin in (None, "openai/chat", "anthropic/messages"):
        message = answered(TextPart("Hi"), cut, origin=origin)
        (_, kept, _), report = ported("openai", *ASK, message, *ASK)
        assert kept.content == "Hi"
        assert losses(report) == [("InvalidToolCall", 1, 1)]


@pytest.mark.parametrize("kind", TYPES)
def test_an_answered_invalid_call_keeps_later_turns_sendable(kind: str) -> None:
    cut = answered(InvalidToolCall("c", "f", "{", "cut"), origin=dialect_named(kind).origin)
    result = Message(Role.TOOL, "That was not JSON.", tool_call_id="c")
    history = [*ASK, cut, result, Message(Role.ASSISTANT, "Sorry."), *ASK]
    prepared = Provider(config(kind)).prepare(history)
    assert prepared.left_out == ()
    assert '"INVALID_JSON' in json.dumps(prepared.body).replace("\\", "")


def test_an_invalid_call_without_a_name_is_left_out_even_if_something_answers_it() -> None:
    message = answered(TextPart("Hi"), InvalidToolCall("c", "", "{", "no name"))
    _, report = ported("anthropic", *ASK, message, Message(Role.TOOL, "x", tool_call_id="c"))
    assert losses(report) == [("InvalidToolCall", 1, 1)]


def test_an_empty_answer_is_left_out_where_no_message_may_be_empty() -> None:
    for content in ("", " "):
        message = Message(Role.ASSISTANT, content, origin="openai/chat")
        kept, report = ported("anthropic", *ASK, message, *ASK)
        assert kept == [*ASK, *ASK]
        assert losses(report) == [("Message", 1, None)]
        assert ported("openai", *ASK, message, *ASK) == ([*ASK, message, *ASK], [])


def test_an_answer_that_loses_all_its_parts_is_left_out_too() -> None:
    message = answered(ReasoningPart("Hm."), origin="ollama/chat")
    kept, report = ported("anthropic", *ASK, message, *ASK)
    assert kept == [*ASK, *ASK]
    assert losses(report) == [("ReasoningPart", 1, 0), ("Message", 1, None)]


def test_that_a_tool_failed_is_left_out_where_it_has_no_place() -> None:
    call = answered(ToolCall("c", "f"), origin="openai/chat")
    failed = Message(Role.TOOL, "no", tool_call_id="c", is_error=True)
    _, report = ported("openai", *ASK, call, failed)
    assert losses(report) == [("is_error", 2, None)]
    assert "say in the text" in report[0].why
    assert ported("anthropic", *ASK, call, failed)[1] == []


def test_a_message_that_loses_nothing_is_the_same_object() -> None:
    message = answered(TextPart("Hi"), ToolCall("c", "f"), origin="openai/chat")
    (_, kept, _), _ = ported("anthropic", *ASK, message, Message(Role.TOOL, "x", tool_call_id="c"))
    assert kept is message


def test_a_call_knows_what_it_leaves_out_before_its_first_step() -> None:
    provider = Provider(config("openai"))
    history = [*ASK, answered(ReasoningPart("Hm."), TextPart("Hi")), *ASK]
    options: dict[str, Any] = {"top_k": 5, "unsupported": "drop"}
    prepared = provider.prepare(history, **options)
    assert provider.call(history, **options).left_out == prepared.left_out
    assert [left.what for left in prepared.left_out] == ["ReasoningPart", "option"]


# Any endpoint accepts any other provider's answers.

TEXTS = st.sampled_from(["Hi", "", " ", "世界"])
EXTRAS: st.SearchStrategy[JSONObject] = st.sampled_from(
    [{}, {"signature": "s"}, {"type": "reasoning.text"}, {"id": "x"}]
)
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextPart, TEXTS, st.sampled_from([(), (Citation("u"),)]), EXTRAS),
    st.builds(ReasoningPart, TEXTS, EXTRAS),
    st.builds(RefusalPart, TEXTS),
    st.builds(
        ToolCall,
        st.just(""),
        st.just("f"),
        st.sampled_from([{}, {"a": 1}]),
        st.none(),
        st.sampled_from(["function", "custom"]),
        EXTRAS,
    ),
    st.builds(InvalidToolCall, st.just(""), st.sampled_from(["f", ""]), TEXTS, st.just("cut")),
    st.just(ServerToolPart("server_tool_use", "s", "web_search", {})),
    st.builds(ImagePart, url=st.just("https://e/a.png"), extra=EXTRAS),
    st.builds(AudioPart, transcript=TEXTS, extra=EXTRAS),
    st.builds(UnknownPart, st.just("new"), EXTRAS),
)


@st.composite
def turns(draw: st.DrawFn, origin: str) -> list[Message]:
    """A turn: a question, an answer of this origin, and results of its calls."""
    parts: list[Part] = []
    results: list[Message] = []
    for number, part in enumerate(draw(st.lists(PARTS, max_size=4))):
        if isinstance(part, ToolCall | InvalidToolCall):
            call_id = f"call_{number}"
            kind = type(part)
            given = {name: getattr(part, name) for name in part.__struct_fields__} | {"id": call_id}
            if part.extra.get("id"):  # no server sends a second one
                given["extra"] = {}
            part = kind(**given)
            if isinstance(part, ToolCall) or (part.name and draw(st.booleans())):
                result = Message(Role.TOOL, "ok", tool_call_id=call_id, is_error=draw(st.booleans()))
                results.append(result)
        parts.append(part)
    answer = Message(Role.ASSISTANT, tuple(parts), origin=origin, extra=draw(EXTRAS))
    return [Message(Role.USER, "Hi"), answer, *results]


# The hosts of messages differ in quirks; the port laws sample the others.
TARGETS = [origin for origin in ORIGINS if origin not in ("openrouter/messages", "vllm/messages")]


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.data())
def test_the_history_of_any_pair_is_accepted_by_any_other(target: str, data: st.DataObject) -> None:
    history: list[Message] = []
    for origin in data.draw(st.lists(st.sampled_from(ORIGINS), min_size=1, max_size=3)):
        history += data.draw(turns(origin))
    history += ASK
    check_messages(history, continued=False)
    kind, _, api = target.partition("/")
    dialect = dialect_for(config(kind, api=api))
    kept, report = port(history, dialect)
    check_messages(kept, continued=False)
    body = dialect.build_request_body(kept, (), True)
    assert json.loads(json.dumps(body)) == body
    assert len(report) == len({(left.what, left.message, left.part) for left in report})
    assert all(left.what and left.why for left in report)
    again, nothing = port(kept, dialect)
    assert again == kept
    # A ported history is still reported for what the endpoint has no place for at all.
    assert {left.what for left in nothing} <= {"is_error"}


MISTRAL = Provider(config("mistral"))
STRANGE = "functions.get_weather:0"


@pytest.mark.parametrize("provider", [MISTRAL, Provider(config("anthropic"))])
def test_an_id_that_the_target_refuses_is_replaced_in_the_call_and_its_result(provider: Provider) -> None:
    calls = Message(Role.ASSISTANT, (TextPart("So."), ToolCall(STRANGE, "f"), ToolCall("abcDEF123", "g")))
    results = [Message(Role.TOOL, "1", tool_call_id=id) for id in ("abcDEF123", STRANGE)]
    (_, sent, first, second), report = port([*ASK, calls, *results], provider.dialect)
    new = sent.tool_calls[0].id
    assert re.fullmatch("[a-z0-9]{9}", new)
    assert [call.id for call in sent.tool_calls] == [new, "abcDEF123"]
    assert [first.tool_call_id, second.tool_call_id] == ["abcDEF123", new]
    assert [(left.what, left.message, left.part) for left in report] == [("id", 1, 1)]
    assert STRANGE in report[0].why
    assert new in report[0].why
    assert port([*ASK, calls, *results], provider.dialect)[0][1] == sent


def test_what_is_said_of_a_call_names_its_place_before_other_parts_were_left_out() -> None:
    thought = answered(ReasoningPart("Hm."), ToolCall("c1", "f", kind="custom"), origin="openai/chat")
    _, report = port([*ASK, thought, Message(Role.TOOL, "1", tool_call_id="c1")], MISTRAL.dialect)
    assert losses(report) == [("ReasoningPart", 1, 0), ("kind", 1, 1), ("id", 1, 1)]


def test_ids_go_unchanged_where_any_are_taken() -> None:
    call = Message(Role.ASSISTANT, (ToolCall(STRANGE, "f"),))
    history = [*ASK, call, Message(Role.TOOL, "1", tool_call_id=STRANGE)]
    assert port(history, Provider(config("openai")).dialect) == (history, [])


TWO = Message(Role.ASSISTANT, (ToolCall("a", "f"), ToolCall("b", "f")))
A, B = (Message(Role.TOOL, "ok", tool_call_id=id) for id in "ab")
MORE = Message(Role.USER, "And hurry.")


@pytest.mark.parametrize(
    ("given", "sent", "moved"),
    [
        ([TWO, B, A], [TWO, B, A], []),
        ([TWO, A, MORE, B], [TWO, A, B, MORE], [4]),
        ([TWO, MORE, A, MORE, B], [TWO, A, B, MORE, MORE], [3, 5]),
    ],
)
@pytest.mark.parametrize("kind", TYPES)
def test_a_result_behind_the_users_message_is_sent_behind_its_call(
    kind: str, given: list[Message], sent: list[Message], moved: list[int]
) -> None:
    provider = Provider(config(kind))
    prepared = provider.prepare([*ASK, *given])
    assert prepared.body == provider.prepare([*ASK, *sent]).body
    assert [left.message for left in prepared.left_out] == moved
    assert {left.what for left in prepared.left_out} <= {"order"}


@pytest.mark.parametrize(
    ("history", "index"),
    [
        ([A, *ASK, TWO, B], 0),
        ([*ASK, TWO, MORE, A], 1),
        ([*ASK, TWO, A, B, Message(Role.ASSISTANT, "Done."), A], 5),
        ([*ASK, TWO, A, MORE, B, A], 1),
    ],
)
def test_a_result_whose_place_is_not_clear_is_refused_where_it_is(history: list[Message], index: int) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Provider(config("openai")).prepare(history)
    assert f"message {index}: " in str(caught.value)


@pytest.mark.parametrize(
    ("given", "sent", "moved"),
    [
        ([*ASK, TWO, A, B, MORE], [*ASK, TWO, A, B, MORE], []),
        ([TWO, MORE, B], [TWO, B, MORE], [2]),
        ([TWO, MORE, B, B], [TWO, B, MORE, B], [2]),
        ([TWO, MORE, Message(Role.TOOL, "ok", tool_call_id="c")], None, []),
        ([TWO, A, B, MORE, A], None, []),
        ([TWO, MORE, Message(Role.ASSISTANT, "Hm."), A], None, []),
        ([A, TWO], None, []),
    ],
)
def test_only_a_result_of_the_last_turns_calls_is_moved(
    given: list[Message], sent: list[Message] | None, moved: list[int]
) -> None:
    ordered, report = in_order(given)
    assert ordered == (given if sent is None else sent)
    assert [(left.what, left.message, left.part, left.option) for left in report] == [
        ("order", index, None, None) for index in moved
    ]
    assert all("'b'" in left.why for left in report)


class Picky(type(dialect_named("openai"))):  # type: ignore[misc]  # a class that is known at run time
    """Refuses a text of one word, ids with a sign, and `strict`."""

    def misplaced(self, parts: Any) -> dict[int, str]:
        return {
            place: f"no {part.text}"
            for place, part in enumerate(parts)
            if getattr(part, "text", "") == "word"
        }

    def takes_call_id(self, call_id: str) -> bool:
        return "!" not in call_id

    def takes_strict(self) -> bool:
        return False


def test_a_part_that_is_misplaced_is_reported_at_its_place_in_the_original() -> None:
    cut = InvalidToolCall("x", "f", "{", "cut")
    parts = (cut, TextPart("word"), TextPart("Hi"), TextPart("word"), ToolCall("c!", "f"))
    answer = answered(*parts, origin="openai/chat")
    (_, kept, result), report = port([*ASK, answer, Message(Role.TOOL, "ok", tool_call_id="c!")], Picky())
    assert [(left.what, left.message, left.part) for left in report] == [
        ("InvalidToolCall", 1, 0),
        ("TextPart", 1, 1),
        ("TextPart", 1, 3),
        ("id", 1, 4),
    ]
    assert [left.why for left in report[1:3]] == ["no word"] * 2
    assert [type(part) for part in kept.parts] == [TextPart, ToolCall]
    assert kept.text == "Hi"
    assert kept.tool_calls[0].id == result.tool_call_id != "c!"
    own = Message(Role.ASSISTANT, (TextPart("word"), TextPart("Hi")))
    assert port([*ASK, own], Picky()) == ([*ASK, own], [])


def test_a_made_up_id_is_the_same_in_every_version_so_that_prompt_caches_match() -> None:
    call = Message(Role.ASSISTANT, (ToolCall(STRANGE, "f"), ToolCall("\ud800", "g")))
    results = [Message(Role.TOOL, "1", tool_call_id=part.id) for part in call.tool_calls]
    (_, sent, *_), _ = port([*ASK, call, *results], MISTRAL.dialect)
    assert [part.id for part in sent.tool_calls] == ["6xtz4jgu9", "fnykmcnx6"]


SCHEMA: JSONObject = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
NAMED_SCHEMA: JSONObject = {"type": "object", "properties": {"$schema": {"type": "string"}, "strict": {}}}


def test_fields_of_functions_that_an_endpoint_refuses_are_left_out() -> None:
    tools: list[Tool] = [
        {"type": "function", "function": {"name": "f", "parameters": NAMED_SCHEMA, "strict": False}},
        {"type": "function", "x": 1, "function": {"name": "g", "strict": True, "parameters": SCHEMA, "y": 2}},
        {"type": "function", "function": {"name": "h", "parameters": None}},
        {"type": "web_search", "strict": True},
        {"type": "custom", "custom": {"name": "c", "strict": True}},
    ]
    before = json.dumps(tools)
    sent, report = port_tools(tools, Picky())
    assert sent == [
        {"type": "function", "function": {"name": "f", "parameters": NAMED_SCHEMA}},
        {"type": "function", "x": 1, "function": {"name": "g", "parameters": {"type": "object"}, "y": 2}},
        *tools[2:],
    ]
    (loss,) = report
    assert (loss.what, loss.message, loss.part, loss.option) == ("strict of tool 1", None, None, None)
    assert loss.why == "openai/chat refuses this field"
    assert json.dumps(tools) == before
    assert port_tools(tools, dialect_named("openai")) == (tools, [])


def test_a_report_is_of_a_message_a_part_or_an_option_if_it_says_so() -> None:
    loss = LeftOut("a", "b")
    assert (loss.message, loss.part, loss.option) == (None, None, None)


@for_all((("kind", "part", "kept", "lost"), FOREIGN))
def test_each_loss_names_the_endpoint_that_the_request_goes_to(
    kind: str, part: Part, kept: Part | None, lost: list[str]
) -> None:
    origin = "openai/chat" if kind == "anthropic" else "anthropic/messages"
    dialect = dialect_named(kind)
    _, report = port([*ASK, answered(part, TextPart("Hi"), origin=origin)], dialect)
    plain = f"it is from {origin}, and the request goes to {dialect.origin}"
    assert all(
        left.why in (plain, "a blank text block is refused") or dialect.origin in left.why for left in report
    )
    assert len(report) == len(lost)


TOOL_ERRORS = [
    ("anthropic", "function", True),
    ("openai", "function", False),
    ("openai/responses", "function", False),
    ("openai/responses", "shell", True),
    ("openai/responses", "custom", False),
]


@pytest.mark.parametrize(("kind", "called", "sent"), TOOL_ERRORS)
def test_whether_a_tool_failed_is_sent_by_the_kind_of_its_call(kind: str, called: str, sent: bool) -> None:
    dialect = dialect_named(kind)
    calls = (ToolCall("c", "f", {"input": "x"}, kind=called), ToolCall("d", "f"))
    failed = [Message(Role.TOOL, "no", tool_call_id=call_id, is_error=True) for call_id in "cd"]
    _, report = port([*ASK, answered(*calls, origin=dialect.origin), *failed], dialect)
    plain = kind == "anthropic"
    assert [left.message for left in report] == [*([] if sent else [2]), *([] if plain else [3])]
    assert {left.what for left in report} <= {"is_error"}
    assert all(left.why.startswith(dialect.origin) for left in report)
