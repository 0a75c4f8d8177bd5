"""Tapes: what was sent and received, as structures, as lines of a file, and played to a call.

The format is pure here, bytes in and bytes out. `transports.testing.recording` writes such files while calls
are made, and `transports.testing.replaying` answers from them.
"""

from sansio.testing.tape.cutting import Cuts, recut
from sansio.testing.tape.lines import FORMAT, ExchangeLog, encode_session
from sansio.testing.tape.matching import Remaining, TapeMismatchError, differences
from sansio.testing.tape.player import play
from sansio.testing.tape.reading import RecordedExchange, Tape, Timed, read_tape
from sansio.testing.tape.redaction import HIDDEN, Redaction, SentRequest

__all__ = [
    "FORMAT",
    "HIDDEN",
    "Cuts",
    "ExchangeLog",
    "RecordedExchange",
    "Redaction",
    "Remaining",
    "SentRequest",
    "Tape",
    "TapeMismatchError",
    "Timed",
    "differences",
    "encode_session",
    "play",
    "read_tape",
    "recut",
]
