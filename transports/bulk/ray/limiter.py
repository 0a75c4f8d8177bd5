"""The limiter that all workers of a cluster share: an actor."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any
from uuid import uuid4

import ray

from sansio import ConfigError, Rates
from transports.bulk.leased import LeasedLimiter, LeaseServer
from transports.bulk.leases import Holding, Leave

_NAMESPACE = "sansio-llm"
_WORKERS = count()
"""Of this process, numbered."""


class _Office:
    """The actor. Ray runs its coroutines in one event loop."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._server = LeaseServer(rates)

    async def exchange(self, said: Holding) -> Leave:
        return await self._server.exchange(said)

    async def rates(self) -> Rates:
        return self._rates

    async def counts(self) -> tuple[int, int, int]:
        leases = self._server.leases
        return leases.workers, leases.running, leases.waiting


class ClusterLimiter:
    """One limiter for all workers that use one provider with one key, wherever in the cluster they run.

    It is an actor that does for a cluster what `SharedLimiter` does for one process. Workers ask it to
    permit many requests at once. A refusal that one of them gets slows all down, and the requests of a
    worker that died are given back. If the actor itself dies, Ray restarts it, and it learns the limits
    again. Ray must be running (`ray.init()`). The limiter may be passed to tasks and actors.

    Args:
        rates: the limits that are known beforehand. The others are learnt from the provider.
        name: shares the limiter with all jobs of the cluster that use this name, until `close`. Default: the
            limiter belongs to this job, and ends with it.

    Raises:
        ConfigError: a limiter of this name has other rates.

    Example:
        limiter = ClusterLimiter(Rates(requests_per_minute=500, tokens_per_minute=200_000))
    """

    def __init__(self, rates: Rates | None = None, *, name: str | None = None) -> None:
        rates = rates if rates is not None else Rates()
        how: dict[str, Any] = {"num_cpus": 0, "max_restarts": -1, "max_concurrency": 10_000}
        if name is not None:
            how |= {"name": name, "namespace": _NAMESPACE, "lifetime": "detached", "get_if_exists": True}
        office: Any = ray.remote(**how)(_Office)  # Any: Ray makes an actor's methods while the program runs
        self._actor: Any = office.remote(rates)
        if name is not None:
            has: object = ray.get(self._actor.rates.remote())
            if has != rates:
                raise ConfigError(
                    f"rates: the limiter {name!r} has {has}; use these, or another name, or close it",
                    field="rates",
                )

    def worker(self, *, concurrency: int) -> LeasedLimiter:
        """A `CallLimiter` for the process that calls this. It needs an event loop of asyncio.

        Args:
            concurrency: how many requests of this process run at the same time at most.
        """
        context = ray.get_runtime_context()
        # An actor that Ray restarts keeps its id, and makes its stages in the same order. So the requests of
        # its predecessor are given back at once.
        place = f"{context.get_actor_id() or context.get_worker_id()} {next(_WORKERS)}"
        return LeasedLimiter(self._exchange, place=place, life=uuid4().hex, concurrency=concurrency)

    def counts(self) -> tuple[int, int, int]:
        """How many workers have requests, how many requests run, and how many wait."""
        counts: tuple[int, int, int] = ray.get(self._actor.counts.remote())
        return counts

    def close(self) -> None:
        """End the limiter for all its users."""
        ray.kill(self._actor)

    async def _exchange(self, said: Holding) -> Leave:
        # As a future of threads: Ray's own awaitable belongs to the loop that Ray runs the actor in.
        reply: Leave = await asyncio.wrap_future(self._actor.exchange.remote(said).future())
        return reply
