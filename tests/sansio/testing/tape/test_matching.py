"""Which recorded exchange a request gets, and how a request that gets none differs."""

from __future__ import annotations

import json

import pytest

from sansio import Body, End, Head, Request
from sansio.http import Input
from sansio.testing.tape import Remaining, TapeMismatchError, differences, read_tape
from tests.sansio.testing.tape.samples import asked, written
from tests.support import for_each

TAPED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "seed": 1, "stop": None}
URL = "https://api.example.com/v1/chat/completions"
LONG = "The same beginning, which is long enough, "


def body(**changed: object) -> bytes:
    return json.dumps(TAPED | changed).encode()


def found(request: Request, taped: Request | None = None) -> list[str]:
    (exchange,) = read_tape(written([], request=taped or asked(body()))).exchanges
    (other,) = read_tape(written([], request=request)).exchanges
    return differences(exchange.request, other.request)


@for_each(
    (
        (asked(body()), []),
        (asked(json.dumps(dict(reversed(TAPED.items())), indent=1).encode()), []),
        (asked(body(model="n")), ['body.model: the tape has "m", the request has "n"']),
        (asked(body(seed=1.0)), ["body.seed: the tape has 1, the request has 1.0"]),
        (asked(body(seed=True)), ["body.seed: the tape has 1, the request has true"]),
        (asked(body(stop={})), ["body.stop: the tape has null, the request has an object of 0"]),
        (asked(body(top=[1])), ["body.top: the tape has no such field, the request has a list of 1"]),
        (
            asked(body(messages=[{"role": "user"}, 2])),
            [
                'body.messages[0].content: the tape has "Hi", the request has no such field',
                "body.messages[1]: the tape has no such field, the request has 2",
            ],
        ),
        (asked(b"no json"), ['body: the tape has an object of 4, the request has "no json"']),
        (
            asked(b"[" * 100_000),
            ['body: the tape has an object of 4, the request has "' + "[" * 60 + '"...'],
        ),
        (
            asked(body(), url="https://api.example.com/v2"),
            [
                f'url: the tape has "{URL}", the request has "https://api.example.com/v2"',
            ],
        ),
        (
            Request.get(URL, (("accept", "*/*"),)),
            [
                'method: the tape has "POST", the request has "GET"',
                'header content-type: the tape has "application/json", the request has no such field',
                'header authorization: the tape has "[hidden]", the request has no such field',
                'header accept: the tape has no such field, the request has "*/*"',
                'body: the tape has an object of 4, the request has ""',
            ],
        ),
    )
)
def test_a_difference_is_told_by_its_field(case: tuple[Request, list[str]]) -> None:
    request, lines = case
    assert found(request) == lines


def test_of_long_texts_the_place_is_shown_where_they_differ() -> None:
    one, other = (asked(json.dumps([LONG + end]).encode()) for end in ("red" * 30, "green"))
    (line,) = found(other, one)
    assert line == (
        'body[0]: the tape has ..."ong enough, redredredredredredredredredredredredredredredred"..., '
        'the request has ..."ong enough, green"'
    )


def test_a_request_gets_the_first_equal_one_that_is_left() -> None:
    first: list[Input] = [Head(503), End()]
    second: list[Input] = [Head(200), Body(b"{}"), End()]
    remaining = Remaining(read_tape(written(first, second)).exchanges)
    assert [timed.value for timed in remaining.take(asked()).inputs] == first
    assert [timed.value for timed in remaining.take(asked()).inputs] == second
    with pytest.raises(TapeMismatchError, match="all of its 2 exchanges were asked for already"):
        remaining.take(asked())


def test_an_exchange_without_an_answer_comes_last() -> None:
    answered: list[Input] = [Head(200), End()]
    remaining = Remaining(read_tape(written([], answered)).exchanges)
    assert remaining.take(asked()).complete
    assert not remaining.take(asked()).complete


def test_the_nearest_request_is_shown_and_no_more_than_a_dozen_differences() -> None:
    near, far = asked(body()), asked(b"[]", url="https://other.example.com/")
    exchanges = [
        *read_tape(written([], request=far)).exchanges,
        *read_tape(written([], request=near)).exchanges,
        *read_tape(written([], request=far)).exchanges,
    ]
    remaining = Remaining(exchanges, "hello.jsonl")
    with pytest.raises(TapeMismatchError) as caught:
        remaining.take(asked(body(model="n")))
    assert "hello.jsonl has no answer to POST https://api.example.com" in str(caught.value)
    assert '- body.model: the tape has "m", the request has "n"' in str(caught.value)
    assert caught.value.should_retry is False
    assert "record the tape again" in str(caught.value)
    with pytest.raises(TapeMismatchError, match="- and 5 more"):
        remaining.take(asked(body(**{f"field{number}": number for number in range(17)})))


def test_an_empty_tape_says_so() -> None:
    with pytest.raises(TapeMismatchError, match=f"^tape has no answer to POST {URL}: it is empty"):
        Remaining([]).take(asked())
