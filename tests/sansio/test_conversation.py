"""Messages as applications have them: a text, dicts in OpenAI's form, lists and iterators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sansio import (
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    Role,
    TextPart,
    as_messages,
    fit_context,
    port,
)
from tests.sansio.wires import ASK, TYPES, body_of, config

DICT = {"role": "user", "content": "What is the weather in Paris?"}


@pytest.mark.parametrize("kind", TYPES)
def test_a_text_a_dict_and_a_message_are_the_same_conversation(kind: str) -> None:
    provider = Provider(config(kind))
    body = body_of(provider, ASK)
    for given in (ASK[0].text, [DICT], (DICT,), iter([DICT]), iter(ASK)):
        assert provider.prepare(given, stream=False).body == body


def test_an_iterator_is_read_once() -> None:
    read: list[int] = []

    def source() -> Iterator[Message]:
        for number in range(3):
            read.append(number)
            yield Message("user", str(number))

    call = Provider(config("openai")).call(source())
    assert read == [0, 1, 2]
    assert call.left_out == ()


def test_messages_and_dicts_may_be_mixed_and_are_not_changed() -> None:
    messages: list[Message | Mapping[str, object]] = [ASK[0], DICT]
    assert as_messages(messages) == [ASK[0], ASK[0]]
    assert messages == [ASK[0], DICT]


def test_every_function_that_takes_messages_takes_dicts() -> None:
    assert fit_context([DICT], 1_000).messages == tuple(ASK)
    assert port(iter([DICT]), Provider(config("openai")).dialect) == (ASK, [])


@pytest.mark.parametrize(
    "bad", [5, None, DICT, ASK[0], ["Hello"], [[DICT]], [{"role": "usr", "content": ""}]]
)
def test_another_shape_is_refused_with_the_right_one(bad: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        as_messages(bad)
    assert "'Hello'" in str(caught.value) or '"Hello"' in str(caught.value)
    assert caught.value.index == (0 if isinstance(bad, list) else None)


def test_bytes_are_refused_with_how_to_decode_them() -> None:
    with pytest.raises(InvalidRequestError, match=r"messages: .*decode\(\)"):
        as_messages(b"Hello")  # type: ignore[arg-type]  # the mistake that is tested


def test_a_message_takes_its_role_as_text_and_its_parts_as_a_list() -> None:
    parts: list[Part] = [TextPart("Look:"), ImagePart(url="https://example.com/a.png")]
    assert Message("user", parts) == Message(Role.USER, tuple(parts))
    assert Message("assistant", [TextPart("Hi")]).content == "Hi"


@pytest.mark.parametrize(
    ("bad", "name"),
    [(DICT, "dict"), (ASK[0], "Message"), (5, "int"), (None, "NoneType"), (object(), "object")],
)
def test_what_is_not_a_list_is_named_by_its_type(bad: Any, name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        as_messages(bad)
    for form in ("[Message('user', 'Hello')]", "[{'role': 'user', 'content': 'Hello'}]"):
        assert form in caught.value.message
    assert caught.value.message.endswith(f" {name}")
    assert caught.value.index is None


@pytest.mark.parametrize("wrap", [list, tuple, iter])
def test_an_item_that_is_not_a_message_is_refused_at_its_position(wrap: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        as_messages(wrap([ASK[0], DICT, 5]))
    assert caught.value.index == 2
    assert caught.value.message.startswith("message 2: ")
    with pytest.raises(InvalidRequestError, match="bytes"):
        as_messages(bytearray(b"x"))  # type: ignore[arg-type]  # the mistake that is tested
