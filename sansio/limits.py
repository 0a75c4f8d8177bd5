"""How much of a peer's data a machine accepts: sizes, counts and depths. Each limit is defined here, once."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Limits on a peer's data. A machine that meets more stops reading with a `LimitExceededError`.

    Every default is far above what a well-behaved provider sends. The limits bound the memory and the time
    that a faulty or hostile peer can cost.

    Args:
        max_header_bytes: the largest size of a response's head, and of one chunk's size line. This and the
            next three are in bytes (defaults: 64 KiB, 16 MiB, 64 MiB, 64 KiB).
        max_event_bytes: the largest size of one frame of a stream (the data of a server-sent event), and of
            one line.
        max_answer_bytes: the largest size of an answer's body, decoded.
        max_error_bytes: how much of an error's body is read; the rest is ignored.
        max_tool_calls: the largest number of tool calls in one answer (default: 1,024).
        max_json_depth: how deep the peer's JSON may nest (default: 256 levels).
    """

    max_header_bytes: int = 65_536
    max_event_bytes: int = 16_777_216
    max_answer_bytes: int = 67_108_864
    max_error_bytes: int = 65_536
    max_tool_calls: int = 1_024
    max_json_depth: int = 256


DEFAULT_LIMITS = Limits()
