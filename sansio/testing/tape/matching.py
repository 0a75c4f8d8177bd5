"""Finds the exchange on a tape that has a request, and says how a request differs from one on the tape."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from sansio.errors import TransportError
from sansio.http import Request
from sansio.jsontext import JSON
from sansio.testing.tape.reading import RecordedExchange
from sansio.testing.tape.redaction import Redaction, SentRequest

_MOST = 12
"""How many differences a message shows."""
_WIDTH = 60  # characters of a value
_BEFORE = 12  # characters of two long texts that are shown before the first one that differs


class TapeMismatchError(TransportError):
    """A tape has no answer to a request. `str()` says, field by field, how the request differs from the most
    similar one on the tape. It is never retried."""

    hint = "If the request is right, record the tape again; otherwise restore what the tape has."


class Remaining:
    """The exchanges of a tape that were not asked for yet.

    A request gets the first exchange whose request is equal: same method, same URL, same headers, same body.
    Two JSON bodies are equal if their values are, whatever the order of names. Values that are hidden on the
    tape are not compared, and neither is `content-length`, which follows from the body.

    Args:
        exchanges: the tape's exchanges, in order.
        name: the tape's name, for errors.
        shown: the value that was passed when the tape was recorded; see `Redaction`.

    Attributes:
        exchanges: the remaining exchanges.
    """

    def __init__(
        self, exchanges: Sequence[RecordedExchange], name: str = "tape", shown: frozenset[str] = frozenset()
    ) -> None:
        # An exchange without any input is not an answer. It is used only if there is no other.
        self.exchanges = sorted(exchanges, key=lambda each: len(each.inputs) == 1 and not each.complete)
        self._name = name
        self._shown = shown
        self._size = len(exchanges)

    def take(self, request: Request) -> RecordedExchange:
        """The exchange for a request, which is then used up.

        Raises:
            TapeMismatchError: no remaining exchange has this request.
        """
        asked = Redaction(request, self._shown).request
        nearest: list[str] | None = None
        for place, exchange in enumerate(self.exchanges):
            found = differences(exchange.request, asked)
            if not found:
                return self.exchanges.pop(place)
            if nearest is None or _distance(found) < _distance(nearest):
                nearest = found
        what = f"{self._name} has no answer to {asked.method} {asked.url}"
        if nearest is None:
            how = (
                f": all of its {self._size} exchanges were asked for already"
                if self._size
                else ": it is empty"
            )
        else:
            more = len(nearest) - _MOST
            lines = nearest[:_MOST] + ([f"and {more} more"] if more > 0 else [])
            how = ". The request nearest to it differs in\n" + "\n".join(f"- {line}" for line in lines)
        raise TapeMismatchError(what + how, should_retry=False)


def _distance(lines: list[str]) -> tuple[int, int]:
    """How different two requests are. Another address counts for more than any other body."""
    return sum(not line.startswith("body") for line in lines), len(lines)


def differences(taped: SentRequest, asked: SentRequest) -> list[str]:
    """How a request differs from one on a tape, a line for each field; empty if it does not."""
    if taped == asked:
        return []
    pairs = [_Pair("method", taped.method, asked.method), _Pair("url", taped.url, asked.url)]
    names = dict.fromkeys(name for name, _ in (*taped.headers, *asked.headers) if name != "content-length")
    for name in names:
        ours, theirs = (
            [value for key, value in request.headers if key == name] for request in (taped, asked)
        )
        pairs += [_Pair(f"header {name}", *values) for values in zip_longest(ours, theirs, fillvalue=_ABSENT)]
    if taped.body != asked.body:
        pairs.append(_Pair("body", _parsed(taped.body), _parsed(asked.body)))
    return _compare(pairs)


class _Absent:
    """There is no value."""


_ABSENT = _Absent()


class _Pair(NamedTuple):
    """A field, on the tape and in the request."""

    path: str
    taped: JSON | _Absent
    asked: JSON | _Absent


def _parsed(body: bytes) -> JSON:
    """A body's JSON, or its text if it is not JSON."""
    try:
        value: JSON = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")
    return value


def _compare(pairs: list[_Pair]) -> list[str]:
    """A line for each pair that differs, and each that differs inside."""
    lines: list[str] = []
    left = pairs[::-1]  # a list, since values may nest deeper than Python recurses
    while left:
        path, taped, asked = left.pop()
        if isinstance(taped, dict) and isinstance(asked, dict):
            left += [
                _Pair(f"{path}.{name}", taped.get(name, _ABSENT), asked.get(name, _ABSENT))
                for name in reversed(dict.fromkeys((*taped, *asked)))
            ]
        elif isinstance(taped, list) and isinstance(asked, list):
            inner = zip_longest(taped, asked, fillvalue=_ABSENT)
            left += [_Pair(f"{path}[{place}]", *pair) for place, pair in enumerate(inner)][::-1]
        elif type(taped) is not type(asked) or taped != asked:
            lines.append(f"{path}: {_told(taped, asked)}")
    return lines


def _told(taped: JSON | _Absent, asked: JSON | _Absent) -> str:
    start = 0
    if isinstance(taped, str) and isinstance(asked, str):
        same = next(
            (at for at, (one, other) in enumerate(zip(taped, asked, strict=False)) if one != other),
            min(len(taped), len(asked)),
        )
        start = max(0, same - _BEFORE) if max(len(taped), len(asked)) > _WIDTH else 0
    if isinstance(asked, _Absent):
        return f"the tape has {_shown(taped, start)}, the request has no such field"
    if isinstance(taped, _Absent):
        return f"the tape has no such field, the request has {_shown(asked, start)}"
    return f"the tape has {_shown(taped, start)}, the request has {_shown(asked, start)}"


def _shown(value: JSON | _Absent, start: int) -> str:
    """A value as JSON, shortened; a text from its character number `start` on."""
    if isinstance(value, str):
        text = msgspec.json.encode(value[start : start + _WIDTH]).decode()
        before = "..." if start else ""
        return before + text + ("..." if len(value) > start + _WIDTH else "")
    if isinstance(value, (dict, list)):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)}"
    return msgspec.json.encode(value).decode()
