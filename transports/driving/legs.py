"""What a stream needs to ask one provider. A stream with fallbacks has several, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sansio import Fetch, Provider, ProviderError
from transports.driving.keys import KeySource
from transports.interface import RawLog
from transports.observing.base import Asked, Observer

TransportT = TypeVar("TransportT")


@dataclass(frozen=True)
class Leg(Generic[TransportT]):
    """One provider's call, and what it takes to make it.

    Args:
        provider: signs the requests.
        call: freshly made.
        transport: sends the requests.
        keys: asked once per attempt.
        raw_log: receives everything sent and received; the call was then made with `record=True`.
        observed: who watches the call, and what it asks for.
    """

    provider: Provider
    call: Fetch[object]
    transport: TransportT
    keys: KeySource
    raw_log: RawLog | None = None
    observed: tuple[Observer, Asked] | None = None


@dataclass(frozen=True)
class Fallbacks(Generic[TransportT]):
    """The providers that are asked when the ones before them fail.

    Args:
        legs: each makes its call when its turn comes.
        moves_on: whether an error is one that the next provider may not have.
        on_fallback: is called with the leg that failed, its error, and the next leg.
    """

    legs: tuple[Callable[[], Leg[TransportT]], ...]
    moves_on: Callable[[ProviderError], bool]
    on_fallback: Callable[[Leg[TransportT], ProviderError, Leg[TransportT]], object]
