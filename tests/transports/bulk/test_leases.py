"""One limiter for workers elsewhere: its messages may be lost, late or doubled, and its workers may die."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import AuthenticationError, Outcome, Rates
from transports.bulk.leased import LeasedLimiter, LeaseServer
from transports.bulk.leases import Desk, Holding, Leases, Leave

PLACES = ("a", "b")
BUSY = Outcome(refused=True, retry_after=20.0)


class Net:
    """Workers and their limiter, with all messages and replies that are on their way."""

    def __init__(self, rates: Rates, most: int = 4) -> None:
        self.leases = Leases(rates)
        self.now = 0.0
        self.most = most
        self.lives = 0
        self.desks: dict[str, Desk] = {}
        self.running: dict[str, set[int]] = {}
        self.asked: dict[str, list[int]] = {}
        self.begun: list[tuple[str, int]] = []
        self.said: list[tuple[Desk, Holding]] = []
        self.replies: list[tuple[Desk, Leave]] = []
        for place in PLACES:
            self.start(place)

    def start(self, place: str) -> None:
        self.lives += 1
        self.desks[place] = Desk(place, str(self.lives), self.most)
        self.running[place], self.asked[place] = set(), []

    def place_of(self, desk: Desk) -> str | None:
        return next((place for place, each in self.desks.items() if each is desk), None)

    def deliver(self, at: int, *, doubled: bool = False) -> None:
        desk, said = self.said[at % len(self.said)]
        if not doubled:
            self.said.pop(at % len(self.said))
        self.leases.hear(said, self.now)
        self.leases.advance(self.now)
        self.replies.append((desk, self.leases.reply(said)))

    def return_reply(self, at: int) -> None:
        desk, leave = self.replies.pop(at % len(self.replies))
        begun = desk.hear(leave)
        place = self.place_of(desk)
        if place is not None:  # the dead send nothing
            assert not self.running[place].intersection(begun)
            self.running[place].update(begun)
            self.begun += [(place, request) for request in begun]
            assert len(self.running[place]) <= self.most

    def act(self, name: str, number: int) -> None:
        place = PLACES[number % len(PLACES)]
        desk, running = self.desks[place], self.running[place]
        match name:
            case "ask":
                self.asked[place].append(desk.ask(10, again=number % 3 == 0))
            case "withdraw" if self.asked[place]:
                request = self.asked[place].pop(number % len(self.asked[place]))
                desk.withdraw(request)
                running.discard(request)
            case "end" if running:
                request = running.pop()
                self.asked[place].remove(request)
                desk.end(request, Outcome(input_tokens=1, output_tokens=1))
            case "say":
                self.said.append((desk, desk.say()))
            case "deliver" if self.said:
                self.deliver(number)
            case "double" if self.said:
                self.deliver(number, doubled=True)
            case "lose" if self.said:
                self.said.pop(number % len(self.said))
            case "return" if self.replies:
                self.return_reply(number)
            case "forget" if self.replies:
                self.replies.pop(number % len(self.replies))
            case "die":
                self.start(place)

    def settle(self) -> None:
        """All that is on its way is lost, and from here on nothing is."""
        self.said.clear()
        self.replies.clear()
        for _ in range(200):
            self.now += 0.5
            for desk in self.desks.values():
                self.said.append((desk, desk.say()))
                self.deliver(-1)
                self.return_reply(-1)
            for place in PLACES:
                while self.running[place]:
                    self.act("end", PLACES.index(place))
            if not any(desk.is_open for desk in self.desks.values()):
                return
        raise AssertionError("a request that waits is never given leave")


ACTIONS = (
    ["ask"] * 3
    + ["say"] * 2
    + ["deliver", "return"] * 3
    + ["end", "withdraw", "double", "lose", "forget", "die"]
)


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 9)), max_size=60), st.integers(1, 3))
def test_whatever_is_lost_or_dies_each_request_begins_once_and_nothing_is_left(
    actions: Sequence[tuple[str, int]], concurrency: int
) -> None:
    net = Net(Rates(concurrency=concurrency))
    for name, number in actions:
        net.act(name, number)
        assert net.leases.running <= concurrency
        if not any(name == "die" for name, _ in actions):  # the limiter learns of it with the next message
            assert sum(map(len, net.running.values())) <= concurrency
    net.settle()
    assert (net.leases.running, net.leases.waiting, net.leases.workers) == (0, 0, 0)


def message(place: str, number: int, requests: Sequence[int] = (), **parts: object) -> Holding:
    said = {"place": place, "life": f"{place}1", "number": number, "running": (), "ended": (), **parts}
    return Holding(waiting=tuple((request, 10, False) for request in requests), **said)  # type: ignore[arg-type]  # by name


def ask(leases: Leases, said: Holding, now: float) -> tuple[int, ...]:
    leases.hear(said, now)
    leases.advance(now)
    return leases.reply(said).begun


def test_one_message_has_leave_for_many_requests() -> None:
    leases = Leases(Rates(concurrency=15))
    assert ask(leases, message("a", 0, range(10)), 0.0) == tuple(range(10))
    assert ask(leases, message("b", 0, range(10)), 0.0) == tuple(range(5))


def test_what_a_dead_worker_held_comes_back_when_it_is_started_again_or_is_silent_for_long() -> None:
    leases = Leases(Rates(concurrency=2))
    assert ask(leases, message("a", 0, [0, 1]), 0.0) == (0, 1)
    assert ask(leases, message("b", 0, [0]), 1.0) == ()
    assert ask(leases, message("a", 0, [0], life="a2"), 2.0) == (0,)
    leases.advance(3.0)
    assert leases.reply(message("b", 0, [0])).begun == (0,)
    for second in range(3, 40):
        leases.hear(message("b", second, running=(0,)), float(second))
        leases.advance(float(second))
    assert (leases.running, leases.workers) == (1, 1)


def test_a_refusal_that_one_worker_gets_holds_all() -> None:
    leases = Leases()
    assert ask(leases, message("a", 0, [0]), 0.0) == (0,)
    assert ask(leases, message("a", 1, ended=((0, BUSY),)), 1.0) == ()
    assert leases.held(1.0) == pytest.approx(20)
    assert ask(leases, message("b", 0, [0]), 2.0) == ()
    assert leases.advance(21.1)[1] == {"b"}
    assert leases.reply(message("b", 0, [0])).begun == (0,)


def test_a_minute_has_no_more_than_the_limit_whoever_asks() -> None:
    leases = Leases(Rates(requests_per_minute=120))
    times: list[float] = []
    desks = [Desk(place, place, 8) for place in PLACES]
    for desk in desks:
        for _ in range(200):
            desk.ask(10)
    for tick in range(300):
        now = tick / 2
        for desk in desks:
            said = desk.say()
            begun = desk.hear(Leave(number=said.number, begun=ask(leases, said, now), pause=0.0))
            times += [now] * len(begun)
            for request in begun:
                desk.end(request, Outcome())
    assert len(times) >= 290  # all of two and a half minutes
    assert all(late - early >= 60 for early, late in zip(times, times[120:], strict=False))


def test_the_more_workers_there_are_the_seldomer_each_one_speaks() -> None:
    leases = Leases(Rates(concurrency=1))
    pauses = [leases.reply(message("0", 0, [0])).pause]
    for place in range(200):
        ask(leases, message(str(place), 0, [0]), 0.0)
    pauses.append(leases.reply(message("0", 0, [0])).pause)
    assert pauses == [0.01, 0.2]


@pytest.mark.anyio
async def test_tasks_of_two_workers_share_what_is_allowed() -> None:
    server = LeaseServer(Rates(concurrency=3))
    under_way = most = done = 0

    async def call(limiter: LeasedLimiter) -> None:
        nonlocal under_way, most, done
        ticket = await limiter.enter(tokens=5)
        under_way += 1
        most = max(most, under_way)
        await anyio.lowlevel.checkpoint()
        under_way -= 1
        done += 1
        limiter.leave(ticket, Outcome())

    with anyio.fail_after(60):
        async with (
            LeasedLimiter(server.exchange, place="a", life="1", concurrency=8) as first,
            LeasedLimiter(server.exchange, place="b", life="2", concurrency=8) as second,
        ):
            async with anyio.create_task_group() as group:
                for number in range(60):
                    group.start_soon(call, (first, second)[number % 2])
            while server.leases.workers:  # noqa: ASYNC110 - the last message goes out after the last call
                await anyio.sleep(0.001)
    assert (done, most) == (60, 3)
    assert (server.leases.running, server.leases.waiting) == (0, 0)


@pytest.mark.anyio
async def test_one_who_is_cancelled_gives_up_its_place_and_one_who_is_stopped_gets_the_error() -> None:
    server = LeaseServer(Rates(concurrency=1))
    with anyio.fail_after(60):
        async with LeasedLimiter(server.exchange, place="a", life="1", concurrency=8) as limiter:
            held = await limiter.enter()
            with anyio.move_on_after(0.05) as scope:
                await limiter.enter()
            assert scope.cancelled_caught
            async with anyio.create_task_group() as group:
                group.start_soon(refused, limiter)
                while not server.leases.waiting:  # noqa: ASYNC110 - a limiter has no event for it
                    await anyio.sleep(0.001)
                limiter.stop(AuthenticationError("no"))
            await refused(limiter)
            limiter.leave(held, Outcome())
            while server.leases.workers:  # noqa: ASYNC110 - as above
                await anyio.sleep(0.001)


async def refused(limiter: LeasedLimiter) -> None:
    with pytest.raises(AuthenticationError):
        await limiter.enter()


@pytest.mark.anyio
async def test_a_limiter_that_is_started_anew_goes_on_and_one_that_is_gone_is_an_error() -> None:
    servers = [LeaseServer(), LeaseServer()]
    lost: list[Holding] = []

    async def exchange(said: Holding) -> Leave:
        if servers and not lost and said.number:
            lost.append(said)
            del servers[0]
        if not servers:
            raise ConnectionError("gone")
        return await servers[0].exchange(said)

    with anyio.fail_after(60):
        async with LeasedLimiter(exchange, place="a", life="1", concurrency=8, patience=0.5) as limiter:
            for _ in range(3):
                limiter.leave(await limiter.enter(), Outcome())
            assert lost
            servers.clear()
            with pytest.raises(RuntimeError, match="gone; it ends with the job"):
                await limiter.enter()


@pytest.mark.anyio
async def test_all_who_wait_get_leave_when_the_time_comes() -> None:
    server = LeaseServer()
    entered: list[str] = []

    async def call(limiter: LeasedLimiter, name: str) -> None:
        ticket = await limiter.enter()
        entered.append(name)
        limiter.leave(ticket, Outcome())

    with anyio.fail_after(60):
        async with (
            LeasedLimiter(server.exchange, place="a", life="1", concurrency=8) as first,
            LeasedLimiter(server.exchange, place="b", life="2", concurrency=8) as second,
        ):
            first.leave(await first.enter(), Outcome(refused=True, retry_after=0.2))
            while server.leases.workers:  # noqa: ASYNC110 - as above
                await anyio.sleep(0.001)
            async with anyio.create_task_group() as group:
                for limiter, name in ((first, "a"), (second, "b")):
                    group.start_soon(call, limiter, name)
    assert sorted(entered) == ["a", "b"]
