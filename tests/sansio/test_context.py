"""A conversation kept within a window: system messages and the newest whole turns."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Provider,
    ReasoningPart,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
    fit_context,
)
from sansio.context import estimate_tokens
from tests.sansio.wires import body_of, config, read

CALL = ToolCall("a", "f", {})
TURNS = st.lists(
    st.sampled_from(
        [
            (Message(Role.USER, "Hi"),),
            (Message(Role.USER, "Hi"), Message(Role.ASSISTANT, "Hello")),
            (
                Message(Role.USER, "?"),
                Message(Role.ASSISTANT, (CALL,)),
                Message(Role.TOOL, "ok", tool_call_id="a"),
                Message(Role.ASSISTANT, "Done."),
            ),
        ]
    ),
    max_size=6,
)
FRONT = st.lists(
    st.sampled_from([Message(Role.SYSTEM, "Be brief."), Message(Role.DEVELOPER, "Ja.")]), max_size=2
)


def ten(message: Message) -> int:
    """Every message has ten tokens."""
    return 10


@given(FRONT, TURNS, st.integers(0, 200), st.integers(0, 50))
def test_the_front_and_as_many_of_the_newest_turns_as_fit(
    front: list[Message], turns: list[tuple[Message, ...]], window: int, reserve: int
) -> None:
    messages = [*front, *(message for turn in turns for message in turn)]
    room = window - reserve - 10 * len(front)
    fitting = 0
    for turn in reversed(turns):
        if sum(len(each) for each in turns[len(turns) - fitting :]) * 10 + 10 * len(turn) > room:
            break
        fitting += 1
    if reserve > window:
        with pytest.raises(InvalidRequestError, match=f"reserve: {reserve} is more than .* {window} tokens"):
            fit_context(messages, window, reserve=reserve, count=ten)
        return
    if room < 0 or (turns and not fitting):
        with pytest.raises(InvalidRequestError, match=f"exceed {window - reserve} tokens"):
            fit_context(messages, window, reserve=reserve, count=ten)
        return
    fitted = fit_context(messages, window, reserve=reserve, count=ten)
    kept = list(fitted.messages)
    assert [*messages[: len(front)], *fitted.left_out, *kept[len(front) :]] == messages
    assert kept == [*front, *(message for turn in turns[len(turns) - fitting :] for message in turn)]
    assert kept is not messages


@given(FRONT, TURNS.filter(bool), st.integers(30, 300))
def test_what_is_kept_can_be_sent(
    front: list[Message], turns: list[tuple[Message, ...]], window: int
) -> None:
    messages = [*front, *(message for turn in turns for message in turn)]
    try:
        kept = list(fit_context(messages, window).messages)
    except InvalidRequestError:
        return
    assert body_of(Provider(config("openai")), kept)


def test_a_conversation_that_does_not_begin_with_a_user_is_one_turn() -> None:
    messages = [Message(Role.ASSISTANT, "Hello"), Message(Role.USER, "Hi")]
    assert list(fit_context(messages, 20, count=ten).messages) == messages
    assert list(fit_context(messages, 19, count=ten).messages) == messages[1:]


def test_a_turn_is_kept_with_all_that_follows_it_or_not_at_all() -> None:
    old = [Message(Role.USER, "Hi"), Message(Role.ASSISTANT, "Hello")]
    new = [
        Message(Role.USER, "?"),
        Message(Role.ASSISTANT, (CALL,)),
        Message(Role.TOOL, "ok", tool_call_id="a"),
    ]
    system = Message(Role.SYSTEM, "Be brief.")
    assert list(fit_context([system, *old, *new], 60, count=ten).messages) == [system, *old, *new]
    assert list(fit_context([system, *old, *new], 59, count=ten).messages) == [system, *new]
    assert list(fit_context([system, *old, *new], 40, count=ten).messages) == [system, *new]
    with pytest.raises(InvalidRequestError, match="exceed 39 tokens"):
        fit_context([system, *old, *new], 39, count=ten)


def test_system_messages_alone_are_kept_once() -> None:
    front = [Message(Role.SYSTEM, "Be brief."), Message(Role.DEVELOPER, "Ja.")]
    assert list(fit_context(front, 100).messages) == front


def test_an_empty_conversation_is_kept_empty() -> None:
    assert fit_context([], 10).messages == ()


def test_the_error_names_a_remedy() -> None:
    with pytest.raises(InvalidRequestError, match="use a model with a larger context window"):
        fit_context([Message(Role.USER, "x" * 1000)], 100)


@pytest.mark.parametrize("value", [-1, 1.5, "100", True, None])
@pytest.mark.parametrize("name", ["context_window", "reserve"])
def test_a_number_of_tokens_is_an_int_of_0_at_least(name: str, value: Any) -> None:
    given: dict[str, Any] = {"context_window": 100, "reserve": 0, name: value}
    with pytest.raises(InvalidRequestError, match=f"^{name}: .* an int of at least 0"):
        fit_context("Hi", **given)


def test_each_text_of_an_answer_with_thinking_is_counted_once_out_of_storage_too() -> None:
    blocks = [
        {"type": "thinking", "thinking": "x" * 3_000, "signature": "s" * 300},
        {"type": "text", "text": "y" * 300},
    ]
    answer = read("anthropic", {"content": blocks, "stop_reason": "end_turn"})
    stored = msgspec.json.decode(msgspec.json.encode(answer), type=Message)
    assert estimate_tokens(stored) == estimate_tokens(answer)
    assert 3_600 // 3 <= estimate_tokens(answer) <= 3_600 // 3 + 20


@given(st.text(st.characters(), max_size=40))  # half a pair of surrogates among them
def test_an_estimate_goes_by_bytes_and_errs_on_the_safe_side(text: str) -> None:
    size = len(text.encode("utf-8", "replace"))
    assert estimate_tokens(Message(Role.USER, text)) == 8 + -(-size // 3)
    assert estimate_tokens(Message(Role.USER, (TextPart(text),))) == estimate_tokens(Message(Role.USER, text))


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        (Message(Role.USER, ""), 8),
        (Message(Role.USER, (ImagePart(url="u"), DocumentPart(data=b"x"), TextPart("abc"))), 8 + 1 + 3200),
        (Message(Role.USER, (AudioPart(data=b"x"),)), 8 + 1600),
        (Message(Role.USER, (ImagePart(url="u"), TextPart("abcd"))), 8 + 2 + 1600),
        (Message(Role.USER, (DocumentPart(data=b"x"), TextPart("abc"))), 8 + 1 + 1600),
        (Message(Role.USER, (TextPart("abc"), TextPart("def"))), 8 + 2),
        (Message(Role.ASSISTANT, (ToolCall("a", "f", {"n": 1}),)), 8 + 3),
        (Message(Role.ASSISTANT, (ToolCall("a", "f", {"n": "世"}),)), 8 + 4),
        (Message(Role.ASSISTANT, (InvalidToolCall("a", "f", "{世", "cut"),)), 8 + 2),
        (Message(Role.ASSISTANT, (ReasoningPart("世界", {"a": 1}),)), 8 + 5),
        (Message(Role.ASSISTANT, (RefusalPart("No."),)), 8 + 1),
        (Message(Role.ASSISTANT, (ServerToolPart("x", "s", "f", {}),)), 8 + 6),
        (Message(Role.ASSISTANT, (UnknownPart("x", {"a": 1}),)), 8 + 3),
    ],
)
def test_all_that_is_sent_is_counted(message: Message, tokens: int) -> None:
    assert estimate_tokens(message) == tokens


@pytest.mark.parametrize("count", [5, "x", None])
def test_a_counter_that_is_no_function_is_refused_with_what_is_expected(count: Any) -> None:
    with pytest.raises(InvalidRequestError, match="count: must be a function that takes a Message"):
        fit_context("Hi", 100, count=count)


@pytest.mark.parametrize("given", ["x", None, 1.5, -1, True])
def test_a_counter_that_gives_no_number_of_tokens_is_refused(given: Any) -> None:
    with pytest.raises(InvalidRequestError, match="count: must return a number of tokens, an int"):
        fit_context("Hi", 100, count=lambda message: given)


def test_a_long_value_of_a_counter_is_cut_in_the_error() -> None:
    with pytest.raises(InvalidRequestError) as raised:
        fit_context("Hi", 100, count=lambda message: "x" * 10_000)  # type: ignore[arg-type, return-value]  # wrong on purpose
    assert len(str(raised.value)) < 200


def test_half_a_pair_of_surrogates_counts_as_one_byte() -> None:
    assert estimate_tokens(Message(Role.USER, "\ud800" * 30)) == 8 + 10


def test_more_reserve_than_window_is_refused_with_both_numbers() -> None:
    with pytest.raises(
        InvalidRequestError, match=r"reserve: 101 is more than .* of 100 tokens; reserve less"
    ):
        fit_context("Hi", 100, reserve=101)
    assert fit_context("", 100, reserve=92).messages
    with pytest.raises(InvalidRequestError, match="exceed 7 tokens"):
        fit_context("", 100, reserve=93)


def test_the_front_may_be_all_and_may_be_too_much() -> None:
    front = [Message(Role.SYSTEM, "x"), Message(Role.DEVELOPER, "y")]
    assert fit_context(front, 20, count=ten).messages == tuple(front)
    fitted = fit_context([*front, Message(Role.USER, "a"), Message(Role.SYSTEM, "b")], 40, count=ten)
    assert (len(fitted.messages), fitted.left_out) == (4, ())
    with pytest.raises(InvalidRequestError, match="exceed 19 tokens"):
        fit_context(front, 19, count=ten)


def test_messages_are_counted_from_the_newest_until_one_does_not_fit() -> None:
    seen: list[str] = []

    def count(message: Message) -> int:
        seen.append(message.text)
        return 10

    history = [Message(Role.USER, str(number)) for number in range(5)]
    fitted = fit_context([Message(Role.SYSTEM, "s"), *history], 35, count=count)
    assert [message.text for message in fitted.messages] == ["s", "3", "4"]
    assert [message.text for message in fitted.left_out] == ["0", "1", "2"]
    assert seen == ["s", "4", "3", "2"]
