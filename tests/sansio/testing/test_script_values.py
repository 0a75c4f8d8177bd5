"""The names and defaults of the values that scripts are written with."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from sansio import Citation, ContentDelta, PartComplete, TextPart, ToolCall, ToolCallDelta
from sansio.testing import PROVIDER_TYPES, Answer, Broken, Ending, Failure, FakeProvider, FakeResponse
from tests.sansio.testing.asking import request_for

REASONING = {"type": "reasoning_text", "text": "Hm."}
VALUES: list[Any] = [
    Answer(),
    Failure(status=500),
    Broken(answer=Answer(), after=0),
    FakeResponse(),
]


def test_there_is_a_fake_for_the_six_types() -> None:
    assert PROVIDER_TYPES == ("openrouter", "openai", "azure", "anthropic", "ollama", "vllm")


def test_a_server_with_plain_reasoning_takes_it_back_and_others_do_not() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [REASONING]}
    turn = {"role": "user", "content": "Hi"}
    request = request_for("openai", {"model": "m", "input": [turn, thought, turn]}, path="/v1/responses")
    assert FakeProvider("lmstudio/responses").respond(request).status == 200
    assert FakeProvider("xai/responses").respond(request).status == 404  # OpenAI looks for what it has kept


def test_each_ending_has_its_name() -> None:
    assert {ending.name: ending.value for ending in Ending} == {
        "FINISH": "finish",
        "DROP": "drop",
        "HOLD": "hold",
    }


def test_what_is_left_out_of_an_outcome_is_what_a_provider_does_mostly() -> None:
    assert structs.asdict(Answer()) == {
        "parts": (),
        "text": "",
        "reasoning": "",
        "tool_calls": (),
        "refusal": None,
        "finish_reason": None,
        "raw_finish_reason": None,
        "usage": None,
        "extra": {},
        "headers": (),
    }
    failure = structs.asdict(Failure(status=500))
    assert failure.pop("message").strip()
    assert failure == {
        "status": 500,
        "error_type": None,
        "code": None,
        "param": None,
        "headers": (),
        "gateway": False,
    }
    assert structs.asdict(Broken(answer=Answer(), after=1)) == {
        "answer": Answer(),
        "after": 1,
        "failure": None,
        "ending": Ending.FINISH,
    }
    assert structs.asdict(FakeResponse()) == {
        "status": 200,
        "headers": (),
        "pieces": (),
        "ending": Ending.FINISH,
        "silent": False,
    }


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_an_outcome_is_made_by_names_and_stays_as_it_was_made(value: Any) -> None:
    with pytest.raises(TypeError):
        type(value)(*structs.astuple(value))
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_a_message_has_a_model_and_an_id_only_if_they_are_given() -> None:
    message = Answer().to_message()
    assert (message.model, message.response_id) == (None, None)
    (last,) = Answer().to_events()
    assert structs.asdict(last) == {"message": message}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two", ["one ", "two"]),
        ("  one \n two  three ", ["  one \n ", "two  ", "three "]),
        (" \n\t ", [" \n\t "]),
        ("", []),
    ],
)
def test_a_word_takes_the_white_space_around_it_along(text: str, pieces: list[str]) -> None:
    assert Answer(text=text).to_deltas() == [ContentDelta(piece) for piece in pieces]


def test_arguments_come_in_pieces_of_8_characters() -> None:
    raw = '{"city":"Paris"}...'
    deltas = Answer(tool_calls=(ToolCall("1", "f", {}, raw),)).to_deltas()
    assert deltas[1:] == [ToolCallDelta(0, '{"city":'), ToolCallDelta(0, '"Paris"}'), ToolCallDelta(0, "...")]


def test_what_no_delta_can_say_is_said_at_the_end_of_a_part() -> None:
    part = TextPart("Hi", (Citation("https://e/"),))
    assert Answer(parts=(part,)).to_deltas() == [ContentDelta("Hi", 0), PartComplete(0, part)]
