"""Samples damaged at every level: their bytes, the fields of their frames, and the order of these."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec
from msgspec import Struct, structs

from sansio.jsontext import JSON
from sansio.testing.dialects.fields import all_paths_in, change_at
from sansio.testing.dialects.reading import Frame
from sansio.testing.judging.sample import Sample
from sansio.testing.judging.seeded import Seeded

_WRONG: tuple[JSON, ...] = (
    None, True, False, 0, -1, 2**70, 1.5, "", "text", "\ud800", [], {}, [None], [[]], [{}], {"": []},
    {"type": "text", "text": None}, {"index": "0"},
)  # fmt: skip
_WRONG_TYPES: tuple[JSON, ...] = (None, 7, [None], {"": 0})
_PIECES = (
    b"\0", b"\r", b"\n", b"\n\n", b"\xff", b"\xc3", b"\xed\xa0\x80", b'"', b"\\", b"{", b"}", b"[", b",",
    b":", b"null", b"-1", b"9" * 30, b"data: ", b"data: [DONE]\n\n", b"event: error\n", b"{}\n", b"<html>",
    b"[" * 400,
)  # fmt: skip


class Damaged(Struct, frozen=True):
    """A sample that was damaged.

    Args:
        sample: the sample; its bytes are damaged unless `frames` is given.
        frames: the damaged frames, if the bytes are not damaged.
    """

    sample: Sample
    frames: Sequence[Frame] | None = None

    @property
    def shown(self) -> bytes:
        """The bytes, or the frames line by line."""
        if self.frames is None:
            return self.sample.data
        return b"\n".join(frame.data for frame in self.frames)


def paths_of(frames: Sequence[Frame]) -> set[str]:
    """The paths of all values in the frames' JSON."""
    values = [frame.value for frame in frames]
    return {path for value in values if value is not None for path in all_paths_in(value)}


def wrongly_typed(sample: Sample, frames: Sequence[Frame], known: Collection[str] = ()) -> Iterator[Damaged]:
    """The sample with a value of another type in place of each field, one after the other.

    Args:
        known: paths of fields that are left as they are.
    """
    values = [frame.value for frame in frames]
    for path in sorted(paths_of(frames).difference(known)):
        for wrong in _WRONG_TYPES:
            yield Damaged(
                sample,
                [_with(frame, value, path, wrong) for frame, value in zip(frames, values, strict=True)],
            )


def _with(frame: Frame, value: JSON, path: str, wrong: JSON) -> Frame:
    changed = value if value is None else change_at(value, path, lambda _: wrong)
    return frame if changed == value else structs.replace(frame, data=msgspec.json.encode(changed))


def damaged(sample: Sample, frames: Sequence[Frame], choices: Seeded) -> Damaged:
    """One to three damages to the bytes of a sample, or to its frames."""
    times = 1 + choices.below(3)
    if not frames or choices.below(2):
        data = sample.data
        for _ in range(times):
            data = choices.choose(_TO_BYTES)(data, choices)
        return Damaged(structs.replace(sample, data=data))
    changed = list(frames)
    for _ in range(times):
        at = choices.below(len(changed))
        way = choices.below(8)
        if way == 0 and len(changed) > 1:
            del changed[at]
        elif way == 1:
            changed.insert(at, changed[choices.below(len(changed))])
        elif isinstance(value := changed[at].value, dict):
            wrong = json.dumps(_wrong_at(value, choices), ensure_ascii=True)
            changed[at] = structs.replace(changed[at], data=wrong.encode())
    return Damaged(sample, changed)


def _wrong_at(value: JSON, choices: Seeded) -> JSON:
    """The value with something else at any one place, or without a field."""
    if isinstance(value, dict) and value and choices.below(5):
        name = choices.choose(sorted(value))
        if not choices.below(6):
            return {key: inner for key, inner in value.items() if key != name}
        return {**value, name: _wrong_at(value[name], choices)}
    if isinstance(value, list) and value and choices.below(5):
        at = choices.below(len(value))
        return [*value[:at], _wrong_at(value[at], choices), *value[at + 1 :]]
    return choices.choose(_WRONG)


def _insert(data: bytes, choices: Seeded) -> bytes:
    at = choices.below(len(data) + 1)
    return data[:at] + choices.choose(_PIECES) + data[at:]


def _delete(data: bytes, choices: Seeded) -> bytes:
    at = choices.below(len(data) + 1)
    return data[:at] + data[at + choices.choose((1, 1, 2, 40)) :]


def _replace(data: bytes, choices: Seeded) -> bytes:
    at = choices.below(len(data) + 1)
    return data[:at] + bytes([choices.below(256)]) + data[at + 1 :]


def _cut_off(data: bytes, choices: Seeded) -> bytes:
    return data[: choices.below(len(data) + 1)]


def _double(data: bytes, choices: Seeded) -> bytes:
    start, end = sorted((choices.below(len(data) + 1), choices.below(len(data) + 1)))
    return data[:end] + data[start:]


_TO_BYTES: Sequence[Callable[[bytes, Seeded], bytes]] = (
    _insert,
    _insert,
    _delete,
    _replace,
    _cut_off,
    _double,
)
