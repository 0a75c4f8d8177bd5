"""`Limiter` against a small model: any order of asking, beginning, ending, withdrawing and waiting."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sansio import Begin, Limiter, Outcome, RateLimit, Rates, Ticket, Wait

KEYS = ("a", "b", "c")
SECONDS = st.sampled_from((0.0, 0.01, 0.5, 3.0, 30.0, 61.0)) | st.floats(0, 100)
SAID = st.builds(
    RateLimit,
    limit=st.none() | st.integers(0, 50),
    remaining=st.none() | st.integers(0, 60),
    reset=st.none() | st.floats(0, 1e9),
    window=st.sampled_from((None, 1.0, 60.0, 86_400.0)),
)
SAYS = st.dictionaries(
    st.sampled_from(("requests", "tokens", "input_tokens", "output_tokens_day", "images")), SAID, max_size=2
)
LONGEST = 200_000.0
"""Seconds: no wait is longer, whatever the provider says of a day's limits."""


@dataclass
class Running:
    """A request under way, or one that is over: when it began, and its tokens."""

    ticket: Ticket
    time: float
    tokens: float


@dataclass
class Model:
    """What should be."""

    rates: Rates
    queues: dict[str, list[Ticket]] = field(default_factory=lambda: {key: [] for key in KEYS})
    running: list[Running] = field(default_factory=list)
    begun: list[Running] = field(default_factory=list)
    held_until: float = 0.0
    passed_over: dict[str, dict[str, int]] = field(default_factory=lambda: {key: {} for key in KEYS})

    @property
    def waiting(self) -> int:
        return sum(map(len, self.queues.values()))


class LimiterModel(RuleBasedStateMachine):
    @initialize(
        requests=st.none() | st.integers(1, 30) | st.floats(0.5, 200),
        tokens=st.none() | st.integers(1, 300),
        concurrency=st.none() | st.integers(1, 6),
    )
    def begin(self, requests: float | None, tokens: int | None, concurrency: int | None) -> None:
        rates = Rates(requests_per_minute=requests, tokens_per_minute=tokens, concurrency=concurrency)
        self.limiter = Limiter(rates)
        self.model = Model(rates)
        self.now = 1_000.0

    @rule(key=st.sampled_from(KEYS), tokens=st.integers(1, 120), count=st.integers(1, 5))
    def ask(self, key: str, tokens: int, count: int) -> None:
        for _ in range(count):
            self.model.queues[key].append(self.limiter.ask(key, tokens))

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(count=st.integers(1, 8))
    def step(self, count: int) -> None:
        for _ in range(count):
            match self.limiter.next_step(self.now):
                case Begin(ticket=ticket):
                    self.check_begin(ticket)
                case Wait(seconds=seconds):
                    assert 0 < seconds < LONGEST
                    return
                case None:
                    self.check_none()
                    return

    @precondition(lambda self: self.model.waiting)
    @rule()
    def every_wait_ends(self) -> None:
        for _ in range(3):
            match self.limiter.next_step(self.now):
                case Begin(ticket=ticket):
                    self.check_begin(ticket)
                    return
                case Wait(seconds=seconds):
                    assert 0 < seconds < LONGEST
                    self.now += seconds
                case None:
                    self.check_none()
                    return
        raise AssertionError("a wait is followed by more waits")

    @precondition(lambda self: self.model.running)
    @rule(
        data=st.data(),
        refused=st.booleans(),
        retry_after=st.none() | st.floats(0, 1_000),
        says=SAYS,
        known=st.booleans(),
    )
    def end(
        self,
        data: st.DataObject,
        refused: bool,
        retry_after: float | None,
        says: dict[str, RateLimit],
        known: bool,
    ) -> None:
        each = data.draw(st.sampled_from(self.model.running), "which")
        self.model.running.remove(each)
        tokens: int | None = 0 if refused else each.ticket.tokens if known else None
        outcome = Outcome(
            refused=refused, retry_after=retry_after, rate_limits=says, input_tokens=0, output_tokens=tokens
        )
        self.limiter.end(each.ticket, outcome, self.now)
        if refused:
            each.tokens = 0
            self.model.held_until = max(self.model.held_until, self.now + (retry_after or 0))
            queue = self.model.queues[str(each.ticket.key)]
            queue.insert(0, self.limiter.ask(each.ticket.key, each.ticket.tokens, again=True))

    @precondition(lambda self: self.model.waiting)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        queue = self.model.queues[data.draw(st.sampled_from([k for k, q in self.model.queues.items() if q]))]
        ticket = data.draw(st.sampled_from(queue), "which")
        queue.remove(ticket)
        if not queue:
            self.model.passed_over[str(ticket.key)].clear()
        assert self.limiter.withdraw(ticket)
        assert not self.limiter.withdraw(ticket)

    @invariant()
    def counts_agree(self) -> None:
        assert self.limiter.running == len(self.model.running)
        assert self.limiter.waiting == self.model.waiting
        speed = self.limiter.speed(self.now)
        assert speed is None or 0 < speed < math.inf
        assert self.limiter.held(self.now) >= self.model.held_until - self.now - 1e-9

    def check_begin(self, ticket: Ticket) -> None:
        model, rates, key = self.model, self.model.rates, str(ticket.key)
        assert self.now >= model.held_until, "a refusal holds everybody"
        assert model.queues[key].pop(0) == ticket, "a key keeps its order"
        assert rates.concurrency is None or len(model.running) < rates.concurrency
        recent = [each for each in model.begun if each.time > self.now - 60]
        if rates.requests_per_minute is not None:
            assert len(recent) <= max(0, rates.requests_per_minute - 1) + 1e-6
        if rates.tokens_per_minute is not None:
            cost = min(ticket.tokens, rates.tokens_per_minute)
            assert sum(each.tokens for each in recent) + cost <= rates.tokens_per_minute + 1e-6
        for other, passed in model.passed_over.items():
            if model.queues[other] and other != key:
                passed[key] = passed.get(key, 0) + 1
                assert passed[key] <= 1, "keys take turns"
            else:
                passed.clear()
        started = Running(ticket, self.now, ticket.tokens)
        model.running.append(started)
        model.begun.append(started)

    def check_none(self) -> None:
        model = self.model
        full = model.rates.concurrency is not None and len(model.running) >= model.rates.concurrency
        assert full or not model.waiting, "nothing begins, and no wait would change that"


LimiterModel.TestCase.settings = settings(stateful_step_count=20)
TestLimiterModel = LimiterModel.TestCase
