"""How long a call may wait, and for what. A driver keeps these clocks; no machine here has one."""

from __future__ import annotations

from msgspec import Struct


class Timeouts(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """The clocks of one call, each in seconds. `None` switches one off.

    Args:
        connect: to connect, TLS included.
        write: until the provider accepts some more of the request, while it is sent.
        read: to receive the complete response head, then each further byte.
        event: while a stream sends bytes but its answer does not advance.
        first_event: the same, until the call's first event.
        total: for the whole call.
    """

    connect: float | None = None
    write: float | None = None
    read: float | None = None
    event: float | None = None
    first_event: float | None = None
    total: float | None = None


NO_TIMEOUTS = Timeouts()
