"""The limiter: rates that are given and rates that are learnt, by example."""

from __future__ import annotations

import pytest

from sansio import (
    APIConnectionError,
    APIStatusError,
    Begin,
    ConfigError,
    FallbackError,
    Limiter,
    LocalProtocolError,
    Message,
    Outcome,
    ProviderError,
    RateLimit,
    RateLimitError,
    Rates,
    ResponseInfo,
    Role,
    Ticket,
    Usage,
    Wait,
)

USED = Usage(input_tokens=7, output_tokens=2)
SAYS = {"requests": RateLimit(10, 9)}


def begin(limiter: Limiter, now: float, most: int = 10_000) -> list[Ticket]:
    """All that may begin now, at most so many."""
    begun: list[Ticket] = []
    while len(begun) < most and isinstance(step := limiter.next_step(now), Begin):
        begun.append(step.ticket)
    return begun


def ready(limiter: Limiter, now: float) -> float:
    """When the next ticket may begin, in seconds from now."""
    step = limiter.next_step(now)
    assert isinstance(step, Wait)
    return step.seconds


def asked(count: int, rates: Rates | None = None, tokens: int = 0) -> Limiter:
    limiter = Limiter(rates)
    for _ in range(count):
        limiter.ask(tokens=tokens)
    return limiter


def test_requests_begin_evenly_and_not_more_than_the_rate_in_a_minute() -> None:
    limiter = asked(500, Rates(requests_per_minute=120))
    times, now = [], 0.0
    while now < 180:
        times += [now] * len(begin(limiter, now))
        now += ready(limiter, now)
    assert len(times) == pytest.approx(360, abs=3)
    assert max(sum(1 for each in times if at <= each < at + 1) for at in range(180)) <= 4
    assert max(sum(1 for each in times if at <= each < at + 60) for at in range(120)) <= 120


def test_a_request_larger_than_a_whole_minute_waits_for_an_empty_one() -> None:
    limiter = asked(2, Rates(tokens_per_minute=100), tokens=1_000)
    assert len(begin(limiter, 0.0)) == 1
    assert ready(limiter, 0.0) == pytest.approx(599, abs=1)
    assert len(begin(limiter, 600.0)) == 1


def test_tokens_are_charged_by_what_they_cost_in_the_end() -> None:
    for cost, wait in ((50, 29), (100, 59), (200, 119)):
        limiter = asked(1, Rates(tokens_per_minute=100), tokens=100)
        limiter.ask(tokens=10)
        (first,) = begin(limiter, 0.0)
        limiter.end(first, Outcome(input_tokens=cost, output_tokens=0), 1.0)
        assert ready(limiter, 1.0) == pytest.approx(wait, abs=1)


def test_what_a_request_cost_that_left_the_minute_does_not_matter() -> None:
    limiter = asked(3, Rates(tokens_per_minute=100), tokens=10)
    first, *_ = begin(limiter, 0.0, 1)
    begin(limiter, 100.0, 1)
    limiter.end(first, Outcome(input_tokens=1_000, output_tokens=0), 101.0)
    assert ready(limiter, 101.0) < 20


def test_a_request_that_is_refused_costs_no_tokens_and_teaches_nothing_of_them() -> None:
    limiter = asked(1, Rates(tokens_per_minute=100), tokens=100)
    (first,) = begin(limiter, 0.0)
    limiter.end(first, Outcome(refused=True, retry_after=1.0, input_tokens=0, output_tokens=0), 0.0)
    limiter.ask(tokens=100)
    assert ready(limiter, 0.0) == pytest.approx(1, abs=0.01)
    assert len(begin(limiter, 1.1)) == 1
    limiter.ask(tokens=100)
    assert ready(limiter, 1.1) == pytest.approx(60, abs=0.1)


def test_how_far_estimates_are_off_is_learnt() -> None:
    limiter = asked(400, Rates(tokens_per_minute=60_000), tokens=100)
    now, begun = 0.0, 0
    while begun < 200:
        for ticket in begin(limiter, now):
            begun += 1
            limiter.end(ticket, Outcome(input_tokens=900, output_tokens=100), now)
        now += ready(limiter, now)
    assert now == pytest.approx(200, abs=10)  # one a second, at 1,000 tokens each


def test_all_concurrency_in_use_is_no_wait() -> None:
    limiter = asked(3, Rates(concurrency=2))
    first, _ = begin(limiter, 0.0)
    assert limiter.next_step(0.0) is None
    limiter.end(first, Outcome(), 1.0)
    assert len(begin(limiter, 1.0)) == 1


def test_the_keys_take_turns_and_a_request_that_was_refused_goes_first() -> None:
    limiter = Limiter(Rates(concurrency=1))
    a = [limiter.ask("a") for _ in range(3)]
    b = [limiter.ask("b") for _ in range(2)]
    refused = limiter.ask("b", again=True)
    order = []
    for _ in range(6):
        (ticket,) = begin(limiter, 0.0)
        order.append(ticket)
        limiter.end(ticket, Outcome(), 0.0)
    assert order == [a[0], refused, a[1], b[0], a[2], b[1]]


def test_a_ticket_ends_once_and_only_after_it_began() -> None:
    limiter = Limiter()
    ticket = limiter.ask()
    with pytest.raises(LocalProtocolError, match="not begun"):
        limiter.end(ticket, Outcome(), 0.0)
    begin(limiter, 0.0)
    assert not limiter.withdraw(ticket)
    limiter.end(ticket, Outcome(), 0.0)
    with pytest.raises(LocalProtocolError, match="ended"):
        limiter.end(ticket, Outcome(), 0.0)
    assert (limiter.running, limiter.waiting) == (0, 0)


def test_what_a_response_says_is_left_is_used_and_no_more() -> None:
    limiter = asked(200)
    first, *_ = begin(limiter, 0.0, 10)
    # Ten of a hundred a minute have begun; the first says that 90 were left when it began.
    limiter.end(first, Outcome(rate_limits={"requests": RateLimit(60, 30, 30.0)}), 0.0)
    now, begun = 10.0, 0  # it grows by one a second
    begun = len(begin(limiter, now))
    assert begun == 30 - 9 + 10
    assert ready(limiter, now) == pytest.approx(1, abs=0.01)


def test_a_response_to_an_earlier_request_is_overruled() -> None:
    limiter = asked(10)
    old, new = begin(limiter, 0.0, 2)
    limiter.end(new, Outcome(rate_limits={"requests": RateLimit(60, 0, 60.0)}), 1.0)
    limiter.end(old, Outcome(rate_limits={"requests": RateLimit(60, 60, 0.0)}), 1.0)
    assert len(begin(limiter, 1.0)) == 1  # what grew back in the second
    assert ready(limiter, 1.0) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "said", "waits"),
    [
        ("requests_minute", RateLimit(60, 0, window=60.0), 1.0),
        ("requests_day", RateLimit(14_400, 0, window=86_400.0), 6.0),
        ("requests", RateLimit(60, 0), 1.0),
        ("requests", RateLimit(100, 0, 1_000.0), 10.0),
        ("requests", RateLimit(1, 0, 1e12), 86_400.0),
        ("tokens", RateLimit(60, 0), 10.0),
        ("input_tokens", RateLimit(60, 0), 9.0),
        ("tokens_prompt", RateLimit(60, 0), 9.0),
        ("output_tokens", RateLimit(60, 0), 1.0),
        ("tokens_generated", RateLimit(60, 0), 1.0),
        ("tokens", RateLimit(5, 0), 60.0),
        ("images", RateLimit(60, 0), 0.0),
        ("requests", RateLimit(0, 0), 0.0),
        ("requests", RateLimit(60), 0.0),
        ("requests", RateLimit(60, 99), 0.0),
    ],
)
def test_each_kind_of_limit_is_charged_for_what_it_counts(kind: str, said: RateLimit, waits: float) -> None:
    limiter = Limiter()
    for now in range(0, 20_000, 100):  # until it is learnt what such a request costs
        limiter.ask(tokens=10)
        (ticket,) = begin(limiter, float(now))
        limiter.end(ticket, Outcome(input_tokens=9, output_tokens=1), float(now))
    limiter.ask(tokens=10)
    (ticket,) = begin(limiter, 30_000.0)
    outcome = Outcome(input_tokens=9, output_tokens=1, rate_limits={kind: said})
    limiter.end(ticket, outcome, 30_000.0)
    limiter.ask(tokens=10)
    step = limiter.next_step(30_000.0)
    assert (step.seconds if isinstance(step, Wait) else 0.0) == pytest.approx(waits, rel=1e-3)


def test_a_limit_that_is_for_a_shorter_time_than_it_seems_is_forgotten() -> None:
    limiter = asked(200)
    first, *_, last = begin(limiter, 0.0, 20)
    says = Outcome(rate_limits={"requests": RateLimit(5, 4, 0.5)})
    limiter.end(first, says, 1.0)  # more than the whole limit began since, and some is left
    assert len(begin(limiter, 1.0)) > 10
    limiter.end(last, says, 1.0)
    assert len(begin(limiter, 2.0)) > 10


@pytest.mark.parametrize("field", ["requests_per_minute", "tokens_per_minute", "concurrency"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "1", 0.0])
def test_a_rate_that_cannot_be_names_its_field(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"{field}: must be") as caught:
        Rates(**{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_a_rate_may_have_a_fraction() -> None:
    assert Rates(requests_per_minute=0.5, tokens_per_minute=1.5).requests_per_minute == 0.5


def test_a_concurrency_is_a_whole_number() -> None:
    with pytest.raises(ConfigError, match="concurrency"):
        Rates(concurrency=2.5)  # type: ignore[arg-type]


BUSY = RateLimitError(
    "busy", status=429, retry_after=3.0, response=ResponseInfo(status=429, rate_limits=SAYS)
)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (None, Outcome()),
        (Message(Role.ASSISTANT, "x"), Outcome()),
        (
            Message(Role.ASSISTANT, "x", usage=Usage(input_tokens=7, output_tokens=2)),
            Outcome(input_tokens=7, output_tokens=2),
        ),
        (BUSY, Outcome(refused=True, retry_after=3.0, rate_limits=SAYS, input_tokens=0, output_tokens=0)),
        (APIStatusError("x", status=529), Outcome(refused=True, input_tokens=0, output_tokens=0)),
        (APIStatusError("x", status=500, retry_after=9.0), Outcome()),
        (APIConnectionError("lost"), Outcome()),
        (RateLimitError("spent", status=429, code="insufficient_quota"), Outcome()),
        (
            FallbackError.of((BUSY, RateLimitError("x", status=429, retry_after=1.0))),
            Outcome(refused=True, retry_after=1.0, input_tokens=0, output_tokens=0),
        ),
        (
            FallbackError.of((BUSY, RateLimitError("x", status=429))),
            Outcome(refused=True, input_tokens=0, output_tokens=0),
        ),
    ],
)
def test_what_an_end_says(result: Message | ProviderError | None, outcome: Outcome) -> None:
    assert Outcome.of(result) == outcome


def test_a_response_of_a_success_has_its_limits() -> None:
    response = ResponseInfo(status=200, rate_limits=SAYS)
    assert Outcome.of(Message(Role.ASSISTANT, "x"), response).rate_limits == SAYS
    assert Outcome.of(None, response).rate_limits == SAYS


def test_a_ticket_that_is_withdrawn_leaves_no_trace() -> None:
    limiter = Limiter()
    first, second = limiter.ask("a"), limiter.ask("a")
    assert limiter.withdraw(first)
    assert begin(limiter, 0.0) == [second]
    assert limiter.withdraw(limiter.ask("b"))
    assert not limiter.withdraw(first)
    assert (limiter.waiting, limiter.next_step(0.0)) == (0, None)


def test_a_limit_behind_one_that_counts_something_else_is_learnt_too() -> None:
    limiter = asked(5)
    (first,) = begin(limiter, 0.0, 1)
    said = {
        "images": RateLimit(5, 0),
        "tokens": RateLimit(None, 5),
        "input_tokens": RateLimit(5, None),
        "requests": RateLimit(60, 0, 60.0),
    }
    limiter.end(first, Outcome(rate_limits=said), 0.0)
    assert ready(limiter, 0.0) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("known", [{"input_tokens": 5}, {"output_tokens": 5}, {}])
def test_a_cost_of_which_a_part_is_unknown_changes_no_charge(known: dict[str, int]) -> None:
    limiter = asked(2, Rates(tokens_per_minute=100), tokens=100)
    (first,) = begin(limiter, 0.0)
    limiter.end(first, Outcome(**known), 0.0)  # type: ignore[arg-type]  # fields by name
    assert ready(limiter, 0.0) == pytest.approx(60.0, abs=0.1)


def test_a_new_limiter_is_neither_slow_nor_held() -> None:
    limiter = Limiter()
    assert (limiter.speed(0.0), limiter.held(0.0), limiter.waiting, limiter.running) == (None, 0.0, 0, 0)
    assert limiter.rates == Rates()
    tickets = [limiter.ask("a", 5), limiter.ask()]
    assert [(ticket.number, ticket.key, ticket.tokens) for ticket in tickets] == [(0, "a", 5), (1, None, 0)]
    assert (limiter.waiting, limiter.running) == (2, 0)
    assert begin(limiter, 0.0) == tickets
    assert (limiter.waiting, limiter.running) == (0, 2)
    assert limiter.next_step(0.0) is None


def test_what_a_request_cost_is_not_taken_for_what_began_after_it() -> None:
    limiter = Limiter()
    limiter.ask(tokens=10)
    limiter.ask(tokens=40)
    (first,) = begin(limiter, 0.0, 1)
    said = {"tokens": RateLimit(100, 40, 60.0)}  # one token a second grows back
    limiter.end(first, Outcome(input_tokens=50, output_tokens=0, rate_limits=said), 0.0)
    # An estimate of 40 is expected to cost 50, after a sixteenth of the first one's error was learnt.
    assert ready(limiter, 0.0) == pytest.approx(10.0, abs=0.01)
    assert len(begin(limiter, 10.1)) == 1
