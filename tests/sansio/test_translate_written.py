"""What a client of each family is sent for the same answers, as in `goldens/written.txt`.

`python -m tests.sansio.test_translate_written` writes the file anew; read what changed before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sansio import APIStatusError, FinishReason, StreamFailed, TextPart, ToolCall, Usage
from sansio.testing import Answer
from sansio.translate import AnswerHead, AnswerTranslator, write_answer, write_error
from tests.sansio.testing.test_wire_goldens import CUT, RICH

GOLDEN = Path(__file__).parent / "goldens" / "written.txt"
APIS = ("chat", "messages", "responses")
USAGE = Usage(input_tokens=9, output_tokens=4, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
ANSWERS: dict[str, Answer] = {
    "rich": RICH,
    "cut": CUT,
    "paused": Answer(text="Hi", finish_reason=FinishReason.PAUSE, usage=USAGE),
    "two calls": Answer(tool_calls=(ToolCall("a", "f", {"a": 1}, '{ "a": 1 }'), ToolCall("b", "g", {}))),
    "two texts": Answer(parts=(TextPart("One. "), TextPart("Two."))),
}
ERROR = APIStatusError("HTTP 429", status=429, error_type="rate_limit_error", provider_message="Too fast.")


def lines(api: str, name: str, answer: Answer, *, usage: bool) -> Iterator[str]:
    """A stream and a whole answer, and what is left out of each."""
    head = AnswerHead(model="mine", response_id="id-1", created=7, include_usage=usage)
    translator = AnswerTranslator(api, head)
    yield f"=== {api}, {name}{', with its usage' if usage else ''}"
    for event in answer.to_events():
        yield from translator.write(event).decode().splitlines()
    yield str([(each.what, each.part) for each in translator.left_out])
    if usage:
        whole = write_answer(api, answer.to_message(), head)
        yield whole.body.decode()
        yield str([(each.what, each.part) for each in whole.left_out])


def failing(api: str) -> Iterator[str]:
    yield f"=== {api}, failing"
    translator = AnswerTranslator(api, AnswerHead(model="mine", response_id="id-1"))
    for event in (*Answer(text="Hi").to_deltas(), StreamFailed(ERROR)):
        yield from translator.write(event).decode().splitlines()
    error = write_error(api, ERROR)
    yield f"{error.status} {error.body.decode()}"


def written() -> Iterator[str]:
    for api in APIS:
        for name, answer in ANSWERS.items():
            for usage in (True, False) if name == "paused" else (True,):
                yield from lines(api, name, answer, usage=usage)
        yield from failing(api)


def test_answers_are_written_as_they_are_written_down() -> None:
    assert list(written()) == GOLDEN.read_text("utf-8").splitlines()


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in written()), "utf-8")
