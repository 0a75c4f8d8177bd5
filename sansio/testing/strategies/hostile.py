"""Streams that no provider should send, but some do: valid streams, damaged at every level."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TypeAlias

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from sansio.jsontext import JSON
from sansio.testing.records import (
    BOM,
    Record,
    data_of,
    read_lines,
    read_records,
    spread,
    with_data,
    write,
)
from sansio.testing.script import PROVIDER_TYPES, spoken
from sansio.testing.strange import STRANGE
from sansio.testing.strategies.answers import events
from sansio.testing.strategies.frames import FRAMED, hostile_frames
from sansio.testing.strategies.framing import ENDS, SPACES
from sansio.testing.wire import encode_events

_Path: TypeAlias = tuple[str | int, ...]
"""Keys and positions that lead from a JSON value to one inside it."""
_DEEPEST_PATH = 32
"""Deeper than any dialect's own JSON; a record damaged twice may nest too deep for recursion."""

_WRONG_JSON: tuple[tuple[bytes, ...], ...] = (
    (b"null", b"true", b"false", b"0", b"-1", b"1.5", b'""', b'"text"', b"[]", b"{}", b"[[]]", b"[null]"),
    (b"[{}]", b'{"":{}}', b'{"index":0,"index":1}', b'{"type":"text","text":null}', b'[{"type":"thinking"}]'),
    (b"1e400", b"-1e400", b"1e-400", b"-0", b"9" * 19, b"9" * 400, b"9" * 5_000, b"0." + b"1" * 400),
    (b"[" * 100 + b"]" * 100, b"[" * 3_000 + b"]" * 3_000, b'{"a":' * 200 + b"1" + b"}" * 200),
    (rb'"\ud800"', rb'"\udc00\ud800"', rb'"\u0000"'),
)  # fmt: skip
"""What may replace a value of another type, by kind."""
_NO_JSON: tuple[tuple[bytes, ...], ...] = (
    (b"NaN", b"tru", rb'"\x"', b"01", b"+1", b"", b"{", b"]", b",", b'{"a":1,}', b"undefined", b"'text'"),
    (b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\n"', b'"', b"[" * 3_000),
)  # fmt: skip
"""What may replace a value, and is not valid JSON."""

_STRANGE_BYTES = (
    b"\0", b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\n\r\n", BOM, b"\xff", b"\xc3", b"\xe2\x82",
    b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\xc2\x85", b":", b" ", b'"', b"\\", b"{", b"}",
    b"data:", b"data: [DONE]\n\n", b"\x1b[2J", b"x" * 300,
)  # fmt: skip


class Hostility(Struct, frozen=True):
    """The kinds of damage to a stream. The fields are the switches of `hostile_streams`."""

    wrong_types: bool = True
    bad_json: bool = True
    strangers: bool = True
    reordered: bool = True
    bad_bytes: bool = True
    bad_utf8: bool = True
    bom: bool = True
    line_ends: bool = True


def hostile_streams(
    dialect: str,
    *,
    wrong_types: bool = True,
    bad_json: bool = True,
    strangers: bool = True,
    reordered: bool = True,
    bad_bytes: bool = True,
    bad_utf8: bool = True,
    bom: bool = True,
    line_ends: bool = True,
) -> st.SearchStrategy[bytes]:
    """Damaged streams. Some still make a whole answer, since not everything in a stream is needed.

    A provider's valid stream has its events cut out, doubled, reordered, or spliced with those of another
    answer or another provider, with comments, control records and error objects; any position of its
    JSON may hold a wrong type, a huge number, deep nesting, half a surrogate pair or invalid JSON; lines
    end in every way, byte order marks and invalid UTF-8 are anywhere; and bytes are cut, doubled, inserted
    or changed. Each switch turns one kind of damage off, but for streams of binary frames.

    Args:
        wrong_types: values of JSON are replaced by others, huge and deep ones among them, or are missing.
        bad_json: values are replaced by text that is not JSON.
        strangers: there are events of other answers and providers, error objects and odd records.
        reordered: events are missing, doubled or in another order.
        bad_bytes: bytes are cut, doubled, inserted or changed, which may damage all else.
        bad_utf8: the stream may have bytes that are not UTF-8.
        bom: byte order marks may begin the stream.
        line_ends: lines may end in CR LF or CR, also mixed; otherwise there is no CR.

    Raises:
        ValueError: there is no fake for the dialect.
    """
    if spoken(dialect)[1] in FRAMED:
        return hostile_frames(dialect, hostile_json, hostile_bytes)
    return _hostile_streams(
        dialect,
        Hostility(wrong_types, bad_json, strangers, reordered, bad_bytes, bad_utf8, bom, line_ends),
    )


def _wrong(hostility: Hostility) -> st.SearchStrategy[bytes | None]:
    """What replaces a value; `None` removes it."""
    rows = (_WRONG_JSON if hostility.wrong_types else ()) + (_NO_JSON if hostility.bad_json else ())
    return st.one_of(*([st.none()] if hostility.wrong_types else []), *map(st.sampled_from, rows))


_ALL = Hostility()
_WRONG = _wrong(_ALL)


@st.composite
def hostile_json(draw: st.DrawFn, text: bytes, wrong: st.SearchStrategy[bytes | None] = _WRONG) -> bytes:
    """A JSON text with one of its positions replaced or removed.

    Args:
        wrong: what replaces it; `None` removes it.
    """
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text  # it was already damaged
    path = draw(st.sampled_from(list(_paths(value))))
    return msgspec.json.encode(_replaced(value, path, draw(wrong)))


@st.composite
def hostile_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of any format with some of them cut, doubled, inserted or changed."""
    for _ in range(draw(st.integers(1, 2))):
        data = draw(st.sampled_from(_BYTE_DAMAGES))(draw, data)
    return data


@cache
@st.composite
def _hostile_streams(draw: st.DrawFn, type: str, hostility: Hostility) -> bytes:
    return draw(damaged(type, _drawn_records(draw, type), hostility))


@st.composite
def damaged(draw: st.DrawFn, type: str, records: list[Record], hostility: Hostility = _ALL) -> bytes:
    """A stream of these records, damaged.

    Args:
        type: the records that are spliced in are mostly from an answer of this type.
    """
    damages = _record_damages(hostility)
    for _ in range(draw(st.sampled_from((4, 1, 2, 3, 6)))):
        draw(st.sampled_from(damages))(draw, type, records)
    space, line_end = draw(SPACES), draw(ENDS)
    api = spoken(type)[1]
    if api == "ollama":
        stream = b"".join(data_of(record) + line_end for record in records)
    elif api == "gemini" and draw(_SELDOM):  # one list, as without `alt=sse`
        stream = b"[" + (b"," + line_end).join(map(data_of, records)) + b"]"
    elif draw(_SELDOM):
        stream = b"".join(write(record, draw(ENDS), draw(SPACES)) for record in records)
    else:
        stream = b"".join(write(record, line_end, space) for record in records)
    if hostility.bad_bytes and draw(st.booleans()):
        stream = draw(hostile_bytes(stream))
    if not hostility.bad_utf8:
        stream = stream.decode("utf-8", "ignore").encode()
    if not hostility.line_ends:
        stream = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return stream if hostility.bom else _MARKS.sub(b"", stream)


_MARKS = re.compile(rb"\A(?:\xef\xbb\xbf)+")
"""Byte order marks that begin a stream."""
_SELDOM = st.integers(0, 7).map(lambda number: number == 0)


def _drawn_records(draw: st.DrawFn, type: str) -> list[Record]:
    """The events of an answer of a type, or its lines."""
    read = read_lines if spoken(type)[1] == "ollama" else read_records
    return read(encode_events(type, draw(events(type))))


def _place(draw: st.DrawFn, records: list[Record]) -> int:
    """Where one of the records begins; 0 if other damage has left no record."""
    return draw(st.integers(0, max(0, len(records) - 1)))


def _drop(draw: st.DrawFn, type: str, records: list[Record]) -> None:
    start = _place(draw, records)
    del records[start : start + draw(st.integers(1, 3))]


def _double(draw: st.DrawFn, type: str, records: list[Record]) -> None:
    start = _place(draw, records)
    records[start:start] = records[start : start + draw(st.integers(1, 3))]


def _move(draw: st.DrawFn, type: str, records: list[Record]) -> None:
    start = _place(draw, records)
    moved = records[start : start + 1]
    del records[start : start + 1]
    end = draw(st.integers(0, len(records)))
    records[end:end] = moved


def _splice(draw: st.DrawFn, type: str, records: list[Record]) -> None:
    other = draw(st.just(type) | st.sampled_from(PROVIDER_TYPES))
    piece = _drawn_records(draw, other)
    at = draw(st.integers(0, len(records)))
    start = _place(draw, piece)
    records[at:at] = piece[start : start + draw(st.integers(1, len(piece)))]


def _put_in(draw: st.DrawFn, type: str, records: list[Record]) -> None:
    records.insert(draw(st.integers(0, len(records))), draw(st.sampled_from(STRANGE)))


def _spread_out(draw: st.DrawFn, type: str, records: list[Record]) -> None:
    records[:] = map(spread, records)


def _damage_json(
    draw: st.DrawFn,
    type: str,
    records: list[Record],
    *,
    wrong: st.SearchStrategy[bytes | None],
) -> None:
    """Damage one position of one record's JSON."""
    places = [at for at, record in enumerate(records) if data_of(record).startswith(b"{")]
    if places:
        at = draw(st.sampled_from(places))
        records[at] = with_data(records[at], draw(hostile_json(data_of(records[at]), wrong)))


def _paths(value: JSON, path: _Path = ()) -> Iterator[_Path]:
    """Every position in a JSON value, its root first, except those inside very deep nesting."""
    yield path
    if len(path) == _DEEPEST_PATH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _paths(inner, (*path, position))


def _replaced(value: JSON, path: _Path, wrong: bytes | None) -> object:
    """The value with `wrong` at the path; `None` removes the field."""
    if not path:
        return {} if wrong is None else msgspec.Raw(wrong)
    key, *rest = path
    inner = tuple(rest)
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name != key or inner or wrong is not None}
        return {n: _replaced(item, inner, wrong) if n == key else item for n, item in kept.items()}
    assert isinstance(value, list)
    return [
        _replaced(item, inner, wrong) if position == key else item
        for position, item in enumerate(value)
        if position != key or inner or wrong is not None
    ]


_Damage: TypeAlias = Callable[[st.DrawFn, str, list[Record]], None]


@cache
def _record_damages(hostility: Hostility) -> Sequence[_Damage]:
    """The damages that may be done to the records. The most common ones are listed more than once."""
    damages: list[_Damage] = []
    if hostility.wrong_types or hostility.bad_json:
        damages += [partial(_damage_json, wrong=_wrong(hostility))] * 3
    if hostility.strangers:
        damages += [_put_in, _splice, _put_in]
    if hostility.reordered:
        damages += [_double, _drop, _move]
    return [*damages, _spread_out]


def _cut_off(draw: st.DrawFn, stream: bytes) -> bytes:
    return stream[: draw(st.integers(0, len(stream)))]


def _cut_out(draw: st.DrawFn, stream: bytes) -> bytes:
    start = draw(st.integers(0, len(stream)))
    return stream[:start] + stream[start + draw(st.integers(1, 50)) :]


def _insert(draw: st.DrawFn, stream: bytes) -> bytes:
    at = draw(st.just(0) | st.integers(0, len(stream)))
    return stream[:at] + draw(st.sampled_from(_STRANGE_BYTES) | st.binary(max_size=4)) + stream[at:]


def _change(draw: st.DrawFn, stream: bytes) -> bytes:
    at = draw(st.integers(0, len(stream)))
    return stream[:at] + draw(st.binary(min_size=1, max_size=1)) + stream[at + 1 :]


def _repeat(draw: st.DrawFn, stream: bytes) -> bytes:
    start = draw(st.integers(0, len(stream)))
    end = start + draw(st.integers(1, 200))
    return stream[:end] + stream[start:end] * draw(st.integers(1, 5)) + stream[end:]


_BYTE_DAMAGES: tuple[Callable[[st.DrawFn, bytes], bytes], ...] = (
    _cut_off,
    _insert,
    _change,
    _cut_out,
    _repeat,
)
