"""One provider's part in a stream. A stream with fallbacks has several such legs, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Struct

from sansio import Fetch, Provider, ProviderError
from transports.driving.keys import KeySource
from transports.interface import RawLog
from transports.observing.base import Asked, Observer

TransportT = TypeVar("TransportT")


class Leg(Struct, Generic[TransportT], frozen=True):
    """One provider's call, and the objects that are needed to perform it.

    Args:
        provider: signs the requests.
        call: a new call.
        transport: sends the requests.
        keys: returns the key of each attempt.
        raw_log: receives everything sent and received; the call must be made with `record=True` then.
        observed: the observer of the call, and the description of the call for it.
    """

    provider: Provider
    call: Fetch[object]
    transport: TransportT
    keys: KeySource
    raw_log: RawLog | None = None
    observed: tuple[Observer, Asked] | None = None


class Fallbacks(Struct, Generic[TransportT], frozen=True):
    """The providers that are asked when the ones before them fail.

    Args:
        legs: functions that make the legs of the next providers, each when it is asked.
        moves_on: decides whether an error leads to the next provider.
        on_fallback: called with the leg that failed, its error, and the next leg.
    """

    legs: tuple[Callable[[], Leg[TransportT]], ...]
    moves_on: Callable[[ProviderError], bool]
    on_fallback: Callable[[Leg[TransportT], ProviderError, Leg[TransportT]], object]
