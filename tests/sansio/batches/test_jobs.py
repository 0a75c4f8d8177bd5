"""Batches as machines, against the fake of every type that has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    BadRequestError,
    BatchPart,
    BatchRequest,
    BatchResult,
    BatchState,
    InvalidRequestError,
    LocalProtocolError,
    Lost,
    Message,
    NotFoundError,
    Profile,
    Provider,
    ProviderConfig,
    ProviderError,
    RemoteProtocolError,
    Role,
    Send,
    UnansweredError,
    Wait,
    register_provider,
)
from sansio.batches.files import OpenAIBatches
from sansio.http import Request
from sansio.testing import Answer, BatchScript, Ending, Failure, FakeProvider, FakeResponse
from sansio.testing.script import Broken
from tests.sansio.batches.driving import (
    FILES,
    KINDS,
    batches,
    config_of,
    drive,
    perform,
    read,
    requests,
    stored,
    timed,
)
from tests.sansio.exchanges import RESET
from tests.support import for_each

NAMES = st.lists(st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True), min_size=1, max_size=4, unique=True)
JSON = (("content-type", "application/json"),)
COMPLETED = BatchScript()


class SmallBatches(OpenAIBatches):
    """Two requests a batch, and few bytes."""

    MOST_REQUESTS = 2
    MOST_BYTES = 4_096 + 400


SMALL = Profile(
    base_url="https://small.example.com/v1",
    api_key_env="K",
    batches="tests.sansio.batches.test_jobs:SmallBatches",
)


@pytest.fixture(autouse=True, scope="module")
def small() -> ProviderConfig:
    register_provider("small", SMALL)
    register_provider("odd", Profile(base_url="https://odd.example.com/v1", batches="json:JSONDecoder"))
    return ProviderConfig(type="small", model="m")


def fake_of(kind: str, script: BatchScript = COMPLETED, outcomes: Sequence[Any] = ()) -> FakeProvider:
    return FakeProvider(KINDS[kind]["type"], outcomes, batches=script)


def said(results: Sequence[BatchResult]) -> dict[str, str]:
    """The text or the kind of error of each result, which must be one for each name."""
    found = {
        result.custom_id: result.outcome.text
        if isinstance(result.outcome, Message)
        else type(result.outcome).__name__
        for result in results
    }
    assert len(found) == len(results)
    return found


@given(
    kind=st.sampled_from([*KINDS]),
    names=NAMES,
    looks=st.integers(0, 2),
    reverse=st.booleans(),
    data=st.data(),
)
def test_every_request_has_its_own_result_once_in_whatever_order_they_arrive(
    kind: str, names: list[str], looks: int, reverse: bool, data: st.DataObject
) -> None:
    good = [data.draw(st.booleans()) for _ in names]
    script = [
        Answer(text=f"It is {name}.") if well else Failure(status=400, message="no")
        for name, well in zip(names, good, strict=True)
    ]
    fake = fake_of(kind, BatchScript(looks=looks, reverse=reverse), script)
    machine = batches(config_of(kind))
    state = stored(perform(machine.submit(requests(*names)), fake))
    assert (state.count, state.finished) == (len(names), False)
    while not state.finished:
        state = stored(perform(machine.status(state), fake))
    assert (state.answered, state.failed) == (sum(good), len(names) - sum(good))
    expected = {
        name: f"It is {name}." if well else "BadRequestError" for name, well in zip(names, good, strict=True)
    }
    assert said(read(machine.results(state), fake.respond)) == expected


@for_each([*KINDS])
def test_an_answer_and_its_request_are_those_of_a_call(kind: str) -> None:
    config = config_of(kind)
    fake = fake_of(kind, outcomes=[Answer(text="Hi")])
    asked = BatchRequest("a", [{"role": "user", "content": "Hello"}], options={"temperature": 0.5})
    state = perform(batches(config).wait(perform(batches(config).submit([asked]), fake)), fake)
    (result,) = read(batches(config).results(state), fake.respond)
    assert isinstance(result.outcome, Message)
    assert result.outcome.origin == Provider(config).dialect.origin
    assert result.outcome.usage is not None
    sent = fake.requests[0].body.decode()
    body = Provider(config).prepare("Hello", stream=False, temperature=0.5).body
    named = {"model": "gpt"} if kind == "azure" else {}
    for name, value in {**body, **named}.items():
        assert f'"{name}":{json.dumps(value, separators=(",", ":"))}' in sent or name == "stream"


ENDINGS = {"expired": "expired", "cancelled": "cancelled"}


@for_each([(kind, ending) for kind in KINDS for ending in (*ENDINGS, "missing")])
def test_a_request_that_got_no_answer_is_reported(case: tuple[str, str]) -> None:
    kind, ending = case
    over = "completed" if ending == "missing" else ending
    script = BatchScript(ending=over, answered=1)  # type: ignore[arg-type]  # one of the endings
    fake, machine = fake_of(kind, script), batches(config_of(kind))
    state = perform(machine.wait(perform(machine.submit(requests("a", "b", "c")), fake)), fake)
    reader = machine.results(state)
    results = read(reader, fake.respond)
    if kind.startswith("openrouter"):  # which names no request that it did not answer
        for _ in range(2):
            with pytest.raises(UnansweredError, match="2 of its 3 requests") as caught:
                reader.next_call()
            assert caught.value.code == ending
        assert {*said(results)} == {"a"}
        return
    assert {*said(results)} == {"a", "b", "c"}
    errors = [result.outcome for result in results if isinstance(result.outcome, UnansweredError)]
    why = "expired" if kind == "anthropic" and ending == "missing" else ending
    assert [error.code for error in errors] == [why, why]
    assert errors[0].provider == KINDS[kind]["type"]
    assert "another batch" in errors[0].advice()


@for_each(FILES)
def test_a_batch_that_failed_says_why_for_each_request(kind: str) -> None:
    fake, machine = fake_of(kind, BatchScript(ending="failed")), batches(config_of(kind))
    state = perform(machine.wait(perform(machine.submit(requests("a", "b")), fake)), fake)
    assert state.parts[0].status == "failed"
    results = read(machine.results(state), fake.respond)
    assert said(results) == {"a": "UnansweredError", "b": "UnansweredError"}
    assert all("asks for a failure" in str(result.outcome) for result in results)


def test_a_failed_batch_without_a_file_of_requests_raises_why() -> None:
    fake, machine = fake_of("openrouter", BatchScript(ending="failed")), batches(config_of("openrouter"))
    state = perform(machine.wait(perform(machine.submit(requests("a")), fake)), fake)
    with pytest.raises(UnansweredError, match="asks for a failure") as caught:
        read(machine.results(state), fake.respond)
    assert caught.value.code == "failed"


@for_each([kind for kind in KINDS if not kind.startswith("openrouter")])
def test_a_batch_is_cancelled_unless_it_is_over(kind: str) -> None:
    fake, machine = fake_of(kind, BatchScript(looks=3, answered=1)), batches(config_of(kind))
    state = perform(machine.cancel(perform(machine.submit(requests("a", "b")), fake)), fake)
    assert state.parts[0].status == "cancelling"
    asked = len(fake.requests)
    assert perform(machine.cancel(state), fake).parts[0].status == "cancelling"
    assert len(fake.requests) == asked + 1  # it is not asked twice
    state = perform(machine.wait(state), fake)
    assert state.parts[0].status == "cancelled"
    assert perform(machine.cancel(state), fake) == state
    assert said(read(machine.results(state), fake.respond))["b"] == "UnansweredError"


def test_openrouter_cancels_nothing() -> None:
    machine = batches(config_of("openrouter"))
    state = perform(machine.submit(requests("a")), fake_of("openrouter"))
    with pytest.raises(InvalidRequestError, match="openrouter has no endpoint"):
        machine.cancel(state)


def test_requests_are_split_by_the_limits_and_by_model(small: ProviderConfig) -> None:
    fake, machine = FakeProvider("small"), batches(small)
    listed = [*requests("a", "b", "c"), *requests("d", "e", model="other")]
    states: list[BatchState] = []
    state = perform(machine.submit(listed, on_state=states.append), fake)
    assert [(part.count, part.model) for part in state.parts] == [(2, "m"), (1, "m"), (2, "other")]
    assert [len(each.parts) for each in states] == [1, 2, 3]
    state = perform(machine.wait(state), fake)
    assert {*said(read(machine.results(state), fake.respond))} == {*"abcde"}


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_no_batch_is_larger_than_its_limit_and_the_order_is_kept(sizes: list[int]) -> None:
    machine = batches(ProviderConfig(type="small", model="m"))
    fake = FakeProvider("small")
    listed = [BatchRequest(str(index), "x" * size) for index, size in enumerate(sizes)]
    perform(machine.submit(listed), fake)
    order: list[str] = []
    for request in fake.requests:
        if request.target.endswith("/files"):
            file = request.body.partition(b"jsonl\r\n\r\n")[2].partition(b"\r\n--")[0]
            rows = [json.loads(line) for line in file.splitlines()]
            assert len(rows) <= 2
            assert len(file) <= 400 + 4_096
            order += [row["custom_id"] for row in rows]
    assert order == [str(index) for index in range(len(sizes))]


def test_anthropic_takes_several_models_in_one_batch() -> None:
    machine, fake = batches(config_of("anthropic")), fake_of("anthropic")
    listed = [*requests("a"), *requests("b", model="claude-opus-5")]
    state = perform(machine.submit(listed), fake)
    assert [(part.count, part.model) for part in state.parts] == [(2, None)]


def test_a_submission_that_broke_off_goes_on_where_it_was(small: ProviderConfig) -> None:
    fake, machine = FakeProvider("small"), batches(small)
    listed = requests("a", "b", "c", "d")
    states: list[BatchState] = []

    def respond(request: Request) -> FakeResponse:
        broken = len(states) == 1 and request.target.endswith("/batches")
        return FakeResponse(status=400) if broken else fake.respond(request)

    with pytest.raises(BadRequestError):
        timed(machine.submit(listed, on_state=states.append), respond)
    (before,) = states
    state = perform(machine.submit(listed, stored(before)), fake)
    assert [part.count for part in state.parts] == [2, 2]
    assert state.parts[0] == before.parts[0]
    assert perform(machine.submit(listed, state), fake) == state
    made = [request for request in fake.requests if request.target.endswith("/batches")]
    assert len(made) == 2


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a", "x", "c"], "part 0, batch batch_1, has other requests"), (["a", "b"], "has 2 batches")],
)
def test_a_state_of_other_requests_is_refused(small: ProviderConfig, names: list[str], said: str) -> None:
    machine = batches(small)
    state = perform(machine.submit(requests("a", "b", "c")), FakeProvider("small"))
    with pytest.raises(InvalidRequestError, match=said):
        machine.submit(requests(*names), state)


MANY = BatchRequest("a", "x" * 500)


@pytest.mark.parametrize(
    ("listed", "said", "index"),
    [
        ([], "is empty", None),
        ([{"custom_id": "a"}], "must be a BatchRequest, not dict", 0),
        ([*requests("a", "b", "a")], r"requests\[2\] \('a'\): has the custom_id of requests\[0\]", 2),
        ([*requests("a", " ")], "is blank", 1),
        ([BatchRequest(1, "hi")], "must be a text, not int", 0),  # type: ignore[arg-type]  # as given
        ([BatchRequest("\ud800", "hi")], "half a surrogate pair", 0),
        ([*requests("a"), BatchRequest("b", [])], r"requests\[1\] \('b'\): .*message", 1),
        ([*requests("a", timeout=1)], "timeout: is an option of the submission", 0),
        ([*requests("a", temperature="hot")], "temperature", 0),
        ([*requests("b"), MANY], "whole batch may have 4496", 1),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused_by_its_index(
    small: ProviderConfig, listed: list[Any], said: str, index: int | None
) -> None:
    with pytest.raises(InvalidRequestError, match=said) as caught:
        batches(small).submit(listed)
    assert caught.value.index == index


@pytest.mark.parametrize("custom_id", ["", "a b", "ä", "a" * 65, "a\n"])
def test_anthropic_s_form_of_a_custom_id_is_kept(custom_id: str) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 64 letters") as caught:
        batches(config_of("anthropic")).submit(requests("ok", custom_id))
    assert caught.value.index == 1


@pytest.mark.parametrize(
    "config",
    [
        ProviderConfig(type="ollama", model="m"),
        ProviderConfig(type="azure", api="messages", model="m", base_url="https://r.example.com/anthropic"),
    ],
    ids=["ollama", "azure messages"],
)
def test_a_provider_without_batches_is_refused(config: ProviderConfig) -> None:
    with pytest.raises(InvalidRequestError, match=r"batches: .* has no endpoint"):
        batches(config)


def test_what_is_no_codec_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="json:JSONDecoder is not a BatchCodec"):
        batches(ProviderConfig(type="odd", model="m"))


def test_a_state_is_for_its_own_provider_alone() -> None:
    state = perform(batches(config_of("openai")).submit(requests("a")), fake_of("openai"))
    other = batches(config_of("groq"))
    for method in (other.status, other.wait, other.cancel, other.results):
        with pytest.raises(InvalidRequestError, match="must be a BatchState of groq/chat"):
            method(state)
    with pytest.raises(InvalidRequestError, match=r"must be a BatchState of groq/chat .*not 'a text'"):
        other.status("a text")  # type: ignore[arg-type]  # as given
    with pytest.raises(InvalidRequestError, match=r"batch batch_1 is not finished \(in_progress\)"):
        batches(config_of("openai")).results(state)


@pytest.mark.parametrize("pause", [0, -1, float("inf"), float("nan")])
def test_a_pause_is_a_positive_number(pause: float) -> None:
    machine = batches(config_of("openai"))
    state = perform(machine.submit(requests("a")), fake_of("openai"))
    with pytest.raises(InvalidRequestError, match="pause"):
        machine.wait(state, pause=pause)


def test_waiting_looks_less_often_as_time_goes_by() -> None:
    time = [0.0]
    machine = batches(config_of("openai"), now=lambda: time[0])
    fake = fake_of("openai", BatchScript(looks=6))
    state = perform(machine.submit(requests("a")), fake)
    seen: list[BatchState] = []

    def look(state: BatchState) -> None:
        seen.append(state)
        time[0] += 60 * 4 ** len(seen)

    final, waits = timed(machine.wait(state, look), fake.respond)
    assert final.finished
    assert final == seen[-1]
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(24)
    assert waits[-1] == 600
    assert timed(machine.wait(final), fake.respond) == (final, [])
    assert perform(machine.status(final), fake) == final


def test_the_pause_can_be_given() -> None:
    machine, fake = batches(config_of("openai")), fake_of("openai", BatchScript(looks=2))
    state = perform(machine.submit(requests("a")), fake)
    assert timed(machine.wait(state, pause=0.5), fake.respond)[1] == [0.5, 0.5]


class Counting:
    """The fake of OpenAI, whose batches are answered in another way each time."""

    def __init__(self, *responses: FakeResponse) -> None:
        self.fake = fake_of("openai")
        self.responses = [*responses]
        self.made = 0

    def respond(self, request: Request) -> FakeResponse:
        if request.target.endswith("/batches"):
            self.made += 1
            if self.responses:
                return self.responses.pop(0)
        return self.fake.respond(request)


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_batch_that_was_refused_for_now_is_made_by_another_attempt(status: int) -> None:
    server = Counting(FakeResponse(status=status))
    state, _ = timed(batches(config_of("openai")).submit(requests("a")), server.respond)
    assert (state.count, server.made) == (1, 2)


@pytest.mark.parametrize(
    ("response", "unsure"),
    [
        (FakeResponse(status=500), True),
        (FakeResponse(status=504), True),
        (FakeResponse(headers=JSON, pieces=(b"{",)), True),
        (FakeResponse(headers=JSON, pieces=(b"{}",)), True),
        (FakeResponse(status=400), False),
        (FakeResponse(status=401), False),
    ],
)
def test_a_batch_that_may_have_been_made_is_not_made_again(response: FakeResponse, unsure: bool) -> None:
    server = Counting(response)
    with pytest.raises(ProviderError) as caught:
        timed(batches(config_of("openai")).submit(requests("a")), server.respond)
    assert server.made == 1
    assert ("may have been made" in caught.value.advice()) == unsure


def test_a_batch_is_made_on_a_fresh_connection_and_a_lost_response_is_not_asked_for_again() -> None:
    job = batches(config_of("anthropic")).submit(requests("a"))
    call = job.next_step()
    assert not isinstance(call, Wait)
    assert call is not None
    with pytest.raises(LocalProtocolError):
        job.next_step()
    with pytest.raises(LocalProtocolError):
        job.result()
    step = call.next_step()
    assert isinstance(step, Send)
    assert step.fresh
    stale = RESET.with_context()
    stale.reused = True
    call.receive(Lost(stale))
    assert call.next_step() is None
    assert job.next_step() is None
    assert job.next_step() is None
    with pytest.raises(ProviderError) as caught:
        job.result()
    assert "may have been made" in caught.value.advice()


def test_a_driver_may_pass_the_failure_in_its_own_words() -> None:
    job = batches(config_of("openai")).submit(requests("a"))
    call = job.next_step()
    assert not isinstance(call, Wait)
    assert call is not None
    drive(call, lambda request: FakeResponse(status=401))
    assert job.next_step(APIStatusError("[key]")) is None
    with pytest.raises(APIStatusError, match=r"\[key\]"):
        job.result()


def finished(kind: str, **fields: Any) -> BatchState:
    """The state of a batch of two requests that is over."""
    origin = Provider(config_of(kind)).dialect.origin
    part = BatchPart(id="b", count=2, digest="", status="completed", **fields)
    return BatchState(origin=origin, submitted=0.0, parts=(part,))


def lines(*rows: object) -> FakeResponse:
    return FakeResponse(pieces=(b"".join(json.dumps(row).encode() + b"\n" for row in rows),))


GOOD = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"response": {"status_code": 200, "body": GOOD}}, Message),
        ({"response": {"body": GOOD}, "error": None}, Message),
        (
            {"response": {"status_code": 200, "request_id": "r", "body": {"error": {"code": 404}}}},
            NotFoundError,
        ),
        ({"response": {"status_code": 400, "body": {"error": {"message": "no"}}}}, BadRequestError),
        ({"response": {"status_code": 200, "body": "text"}}, RemoteProtocolError),
        ({"response": {"status_code": 200, "body": {"choices": 1}}}, RemoteProtocolError),
        ({"response": None, "error": {"code": "server_error", "message": "no"}}, APIStatusError),
        ({"response": None, "error": {"code": "batch_expired"}}, UnansweredError),
        ({"response": None, "error": None}, RemoteProtocolError),
    ],
)
def test_a_row_is_an_answer_or_its_error(row: dict[str, Any], kind: type) -> None:
    machine = batches(config_of("openai"))
    state = finished("openai", output_file="o")
    rows = lines({"custom_id": "a", **row}, {"custom_id": "b", **row})
    results = read(machine.results(state), lambda request: rows)
    assert [result.custom_id for result in results] == ["a", "b"]
    for result in results:
        assert isinstance(result.outcome, kind)
        if isinstance(result.outcome, ProviderError):
            assert result.outcome.provider == "openai"


ANTHROPIC_GOOD = {
    "type": "succeeded",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"},
}


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (ANTHROPIC_GOOD, Message),
        ({"type": "succeeded"}, RemoteProtocolError),
        ({"type": "errored", "error": {"type": "error", "error": {"type": "api_error"}}}, APIStatusError),
        ({"type": "errored"}, RemoteProtocolError),
        ({"type": "new"}, RemoteProtocolError),
        ({"type": 1}, RemoteProtocolError),
        ({"type": "canceled"}, UnansweredError),
        ({"type": "expired"}, UnansweredError),
        (None, RemoteProtocolError),
    ],
)
def test_a_row_of_anthropic_s_is_an_answer_or_its_error(result: object, kind: type) -> None:
    rows = lines({"custom_id": "a", "result": result}, {"custom_id": "b", "result": result})
    found = read(batches(config_of("anthropic")).results(finished("anthropic")), lambda request: rows)
    assert [isinstance(each.outcome, kind) for each in found] == [True, True]


@given(st.permutations(range(4)), st.binary(max_size=20))
def test_a_damaged_row_hides_no_other_and_a_repeated_one_counts_once(order: list[int], damage: bytes) -> None:
    row = json.dumps({"custom_id": "a", "result": ANTHROPIC_GOOD}).encode()
    rows = [row, row.replace(b'"a"', b'"b"'), row, damage.replace(b"\n", b"")]
    body = FakeResponse(pieces=(b"\n".join(rows[place] for place in order),))
    found = read(batches(config_of("anthropic")).results(finished("anthropic")), lambda request: body)
    assert sorted(result.custom_id for result in found) == ["a", "b"]


def test_a_row_that_belongs_to_no_request_is_named_where_a_result_is_missing() -> None:
    machine = batches(config_of("anthropic"))
    rows = lines({"custom_id": "a", "result": ANTHROPIC_GOOD}, {"result": ANTHROPIC_GOOD})
    reader = machine.results(finished("anthropic"))
    assert [result.custom_id for result in read(reader, lambda request: rows)] == ["a"]
    with pytest.raises(UnansweredError, match=r"1 of its 2 requests .* has no custom_id") as caught:
        reader.next_call()
    assert caught.value.code == "missing"


def test_the_results_end_with_the_error_of_a_download_that_failed() -> None:
    machine = batches(config_of("openai"))
    reader = machine.results(finished("openai", output_file="o", error_file="e"))
    call = reader.next_call()
    assert call is not None
    with pytest.raises(LocalProtocolError):
        reader.next_call()
    drive(call, lambda request: FakeResponse(status=404))
    for _ in range(2):
        with pytest.raises(NotFoundError):
            reader.next_call()


def test_the_requests_are_read_where_results_are_missing() -> None:
    machine = batches(config_of("openai"))
    state = finished("openai", input_file="i", output_file="o")
    answers = {
        "o": lines({"custom_id": "a", "response": {"body": GOOD}}),
        "i": lines({"custom_id": "a"}, {"custom_id": None}, {"custom_id": "b"}),
    }
    found = read(machine.results(state), lambda request: answers[request.target.split("/")[3]])
    assert said(found) == {"a": "Hi", "b": "UnansweredError"}


def page(rows: list[object], **more: object) -> FakeResponse:
    said = {"object": "list", "data": rows, **more}
    return FakeResponse(headers=JSON, pieces=(json.dumps(said).encode(),))


def test_a_list_of_pages_that_repeats_one_is_an_error() -> None:
    reader = batches(config_of("openrouter")).results(finished("openrouter"))
    same = page([{"custom_id": "a", "response": {"body": GOOD}}, {}], has_more=True, next_cursor="2")
    results = read(reader, lambda request: same)
    assert [result.custom_id for result in results] == ["a"]
    with pytest.raises(RemoteProtocolError, match="repeat the page '2'"):
        reader.next_call()


def test_a_page_that_does_not_say_where_the_next_one_begins_is_an_error() -> None:
    reader = batches(config_of("openrouter")).results(finished("openrouter"))
    with pytest.raises(RemoteProtocolError, match="next_cursor"):
        read(reader, lambda request: page([], has_more=True))


def test_a_finished_batch_without_its_results_is_an_error() -> None:
    reader = batches(config_of("openrouter")).results(finished("openrouter"))
    with pytest.raises(NotFoundError):
        read(reader, lambda request: FakeResponse(status=404))


def test_a_batch_that_ended_before_it_had_results_has_none() -> None:
    state = finished("openrouter")
    part = BatchPart(id="b", count=2, digest="", status="expired")
    reader = batches(config_of("openrouter")).results(
        BatchState(origin=state.origin, submitted=0.0, parts=(part,))
    )
    with pytest.raises(UnansweredError, match="2 of its 2"):
        read(reader, lambda request: FakeResponse(status=404))


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("openai", {"status": "completed"}, "not about batch b: its id is None"),
        ("openai", {"error": {"message": "overloaded", "code": 503}}, "as HTTP 503.*overloaded"),
        ("openai", {"id": "other", "status": "completed"}, "its id is 'other'"),
        ("openai", {"id": "b"}, "no status of batch b"),
        ("mistral", {"id": "b", "status": 1}, "no status of batch b"),
        ("anthropic", {"id": "b", "status": "ended"}, "no status of batch b"),
    ],
)
def test_a_response_that_is_about_no_batch_is_an_error(kind: str, data: object, said: str) -> None:
    origin = Provider(config_of(kind)).dialect.origin
    part = BatchPart(id="b", count=1, digest="")
    job = batches(config_of(kind)).status(BatchState(origin=origin, submitted=0.0, parts=(part,)))
    response = FakeResponse(headers=JSON, pieces=(json.dumps(data).encode(),))
    with pytest.raises(ProviderError, match=said):
        timed(job, lambda request: response)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("openai", {"status": "pondering", "request_counts": None, "errors": []}),
        ("openai", {"status": "in_progress", "request_counts": {"completed": "1"}, "errors": {"data": [1]}}),
        ("mistral", {"status": "QUEUED", "errors": "none"}),
        ("openrouter", {"status": "finalizing", "request_counts": [], "error": "none"}),
        ("anthropic", {"processing_status": "archiving", "request_counts": []}),
    ],
)
def test_a_word_or_a_form_that_is_new_does_not_end_a_batch(kind: str, data: dict[str, Any]) -> None:
    origin = Provider(config_of(kind)).dialect.origin
    part = BatchPart(id="b", count=1, digest="")
    job = batches(config_of(kind)).status(BatchState(origin=origin, submitted=0.0, parts=(part,)))
    response = FakeResponse(headers=JSON, pieces=(json.dumps({"id": "b", **data}).encode(),))
    state, _ = timed(job, lambda request: response)
    assert (state.finished, state.answered) == (False, 0)


def test_a_file_without_an_id_is_an_error() -> None:
    response = FakeResponse(headers=JSON, pieces=(b'{"object": "file"}',))
    with pytest.raises(RemoteProtocolError, match="no id of the file"):
        timed(batches(config_of("openai")).submit(requests("a")), lambda request: response)


def test_an_id_of_the_provider_s_cannot_lead_to_another_address() -> None:
    state = finished("openai", output_file="../models?x=1")
    call = batches(config_of("openai")).results(state).next_call()
    assert call is not None
    step = call.next_step()
    assert isinstance(step, Send)
    assert step.request.target == "/v1/files/..%2Fmodels%3Fx%3D1/content"


def test_an_answer_that_is_no_json_or_was_cut_is_an_error_of_its_own_row() -> None:
    for kind in ("openai", "anthropic"):
        outcomes = [
            Broken(answer=Answer(text="one two three"), after=1, ending=Ending.FINISH),
            Answer(text="Hi"),
        ]
        fake, machine = fake_of(kind, outcomes=outcomes), batches(config_of(kind))
        state = perform(machine.wait(perform(machine.submit(requests("a", "b")), fake)), fake)
        results = read(machine.results(state), fake.respond)
        assert {*said(results)} == {"a", "b"}
        assert said(results)["b"] == "Hi"
        assert isinstance({r.custom_id: r.outcome for r in results}["a"], ProviderError)


def test_an_answer_asked_for_as_a_forced_tool_is_text_in_the_results() -> None:
    form = {
        "type": "json_schema",
        "json_schema": {
            "name": "city",
            "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
        },
    }
    config = ProviderConfig(type="anthropic", model="claude-3-haiku-20240307")
    asked = BatchRequest("a", [Message(Role.USER, "Hi")], options={"response_format": form})
    fake = FakeProvider("anthropic")
    machine = batches(config)
    state = stored(perform(machine.wait(perform(machine.submit([asked]), fake)), fake))
    assert state.parts[0].output_tool == "city"
    (result,) = read(machine.results(state), fake.respond)
    assert isinstance(result.outcome, Message)
    assert result.outcome.tool_calls == ()


def test_a_custom_dialect_needs_openai_s_addresses() -> None:
    from tests.sansio.batches.bare import Bare

    with pytest.raises(InvalidRequestError, match="batches"):
        OpenAIBatches(Bare(ProviderConfig(type="openai", model="m")))
