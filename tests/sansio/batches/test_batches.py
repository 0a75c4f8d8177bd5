"""Batches as machines, against the fake of every type that has them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    APIStatusError,
    BadRequestError,
    BatchJob,
    BatchState,
    InvalidRequestError,
    LocalProtocolError,
    Lost,
    ProviderError,
    Send,
    UnansweredError,
    Wait,
)
from sansio.http import Request
from sansio.testing import Answer, BatchScript, Failure, FakeProvider, FakeResponse
from tests.sansio.batches.driving import (
    FILES,
    KINDS,
    batches,
    config_of,
    drive,
    fake_of,
    perform,
    read,
    requests,
    said,
    stored,
    timed,
)
from tests.sansio.batches.small import small
from tests.sansio.exchanges import RESET
from tests.support import for_each

JSON = (("content-type", "application/json"),)

NAMES = st.lists(st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True), min_size=1, max_size=4, unique=True)


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
    results = read(machine.results(state), fake.respond)
    assert said(results) == expected
    errors = [result.outcome for result in results if isinstance(result.outcome, ProviderError)]
    model = "gpt" if "deployment" in KINDS[kind] else "m"
    assert {(error.provider, error.model) for error in errors} <= {(KINDS[kind]["type"], model)}


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


def test_a_submission_that_broke_off_goes_on_where_it_was() -> None:
    machine, fake = batches(small()), FakeProvider("small")
    listed = requests("a", "b", "c", "d")
    states: list[BatchState] = []

    def respond(request: Request) -> FakeResponse:
        broken = len(states) == 3 and request.target.endswith("/batches")
        return FakeResponse(status=400) if broken else fake.respond(request)

    with pytest.raises(BadRequestError):
        timed(machine.submit(listed, on_state=states.append), respond)
    before = states[-1]
    assert (before.making, before.left, before.whole) == (None, 1, False)
    state = perform(machine.submit(listed, stored(before)), fake)
    assert [part.count for part in state.parts] == [2, 2]
    assert state.parts[0] == before.parts[0]
    assert perform(machine.submit(listed, state), fake) == state
    made = [request for request in fake.requests if request.target.endswith("/batches")]
    assert len(made) == 2


@for_each([*KINDS])
def test_a_submission_that_was_killed_leaves_a_state_with_the_batch_that_may_have_been_made(
    kind: str,
) -> None:
    machine, fake = batches(config_of(kind)), fake_of(kind)
    listed = requests("a", "b")
    states: list[BatchState] = []
    made = perform(machine.submit(listed, on_state=states.append), fake)
    doubtful = stored(states[0])
    assert doubtful.making is not None
    assert (doubtful.making.id, doubtful.count, doubtful.finished, doubtful.whole) == ("", 0, False, False)
    assert (doubtful.making.input_file is not None) == (kind in FILES)
    with pytest.raises(InvalidRequestError, match=r"of 2 requests.*made\(its id\)") as caught:
        machine.submit(listed, doubtful)
    assert (" in the file " in caught.value.message) is (kind in FILES)
    found = doubtful.made(made.parts[0].id)
    assert found.whole
    assert found.parts[0].id == made.parts[0].id
    assert said(read(machine.results(perform(machine.wait(found), fake)), fake.respond)).keys() == {"a", "b"}
    again = perform(machine.submit(listed, doubtful.made(None)), fake)
    assert (again.whole, again.count, again.parts[0].id) == (True, 2, "batch_2")


def test_each_batch_of_a_submission_is_looked_at_and_cancelled() -> None:
    machine, fake = batches(small()), FakeProvider("small", batches=BatchScript(looks=4))
    state = perform(machine.submit(requests("a", "b", "c", "d", "e")), fake)
    names = [part.id for part in state.parts]
    assert len(names) == 3
    for look in (machine.status, machine.cancel, machine.wait):
        state = perform(look(state), fake)
        assert [part.id for part in state.parts] == names
        assert [part.count for part in state.parts] == [2, 2, 1]
    assert state.finished


def test_a_batch_that_may_have_been_made_has_no_results_and_is_decided_once() -> None:
    machine = batches(small())
    states: list[BatchState] = []
    perform(machine.submit(requests("a", "b", "c"), on_state=states.append), FakeProvider("small"))
    with pytest.raises(InvalidRequestError, match="of 1 requests in the file file-2 may have been made"):
        machine.results(states[2])
    with pytest.raises(InvalidRequestError, match="no batch was being made"):
        states[1].made(None)
    with pytest.raises(InvalidRequestError, match="has no batch"):
        machine.status(states[0].made(None))


def test_the_words_of_a_provider_are_cleaned_before_they_are_in_a_state() -> None:
    fake, machine = fake_of("openai", BatchScript(ending="failed")), batches(config_of("openai"))
    states: list[BatchState] = []
    job = machine.wait(perform(machine.submit(requests("a")), fake), on_state=states.append)
    while (step := job.next_step(clean=lambda text: text.replace("script", "[key]"))) is not None:
        if not isinstance(step, Wait):
            drive(step, fake.respond)
    assert "The [key] of the fake" in str(job.result().parts[0].error)
    assert states[-1] == job.result()


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a", "x", "c"], "part 0, batch batch_1, has other requests"), (["a", "b"], "has 2 batches")],
)
def test_a_state_of_other_requests_is_refused(names: list[str], said: str) -> None:
    machine = batches(small())
    state = perform(machine.submit(requests("a", "b", "c")), FakeProvider("small"))
    with pytest.raises(InvalidRequestError, match=said):
        machine.submit(requests(*names), state)


def test_a_state_is_for_its_own_provider_alone() -> None:
    state = perform(batches(config_of("openai")).submit(requests("a")), fake_of("openai"))
    other = batches(config_of("groq"))
    for method in (other.status, other.wait, other.cancel, other.results):
        with pytest.raises(InvalidRequestError, match="must be a BatchState of groq/chat"):
            method(state)
    with pytest.raises(InvalidRequestError, match=r"must be a BatchState of groq/chat, not 'a text'"):
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
        (FakeResponse(status=499), False),
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


@for_each(["openai", "openrouter", "anthropic"])
def test_each_request_has_the_headers_of_its_job_and_leaves_records_if_they_are_wanted(kind: str) -> None:
    fake = fake_of(kind, BatchScript(looks=2))
    quiet, machine = batches(config_of(kind)), batches(config_of(kind), record=True)

    def asked(call: Any, *, recorded: bool = True) -> None:
        before = len(fake.requests)
        drive(call, fake.respond)
        (request,) = fake.requests[before:]
        assert ("x-job", "7") in request.headers
        assert bool(call.take_records()) is recorded

    def performed(job: BatchJob, *, recorded: bool = True) -> BatchState:
        while (step := job.next_step()) is not None:
            if not isinstance(step, Wait):
                asked(step, recorded=recorded)
        return job.result()

    headers = {"x-job": "7"}
    state = performed(machine.submit(requests("a"), extra_headers=headers))
    state = performed(machine.status(state, extra_headers=headers))
    if kind != "openrouter":
        performed(machine.cancel(state, extra_headers=headers))
    state = performed(machine.wait(state, extra_headers=headers))
    assert performed(quiet.submit(requests("a"), extra_headers=headers), recorded=False).count == 1
    for of in (quiet, machine):
        reader = of.results(state, extra_headers=headers)
        call = reader.next_call()
        assert call is not None
        asked(call, recorded=of is machine)
