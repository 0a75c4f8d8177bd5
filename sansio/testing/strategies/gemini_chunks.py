"""Chunks of Gemini, changed into others that mean the same, and written as one list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec
from hypothesis import strategies as st

from sansio.families.gemini.parts import CALL
from sansio.jsontext import JSON
from sansio.testing.strategies.calls import SELDOM

_Chunk: TypeAlias = dict[str, Any]  # Any: JSON in the form of the encoder


def vary(draw: st.DrawFn, chunks: Sequence[bytes]) -> list[bytes]:
    """The chunks of an answer in another form that means the same.

    Arguments of calls arrive in pieces, as Vertex sends them; several parts are in one chunk; and counts
    arrive early, or behind the finish reason.
    """
    varied: list[_Chunk] = []
    for data in chunks:
        for chunk in _in_pieces(draw, msgspec.json.decode(data)):
            joins = draw(SELDOM)
            if varied and joins:
                _merge(varied[-1], chunk)
            else:
                varied.append(chunk)
    if (usage := varied[-1].get("usageMetadata")) is not None:
        where = draw(st.sampled_from(("last", "early", "late")))
        if where == "late":
            del varied[-1]["usageMetadata"]
            blank = {"content": {"role": "model"}, "index": 0}
            varied.append({"candidates": [blank], "usageMetadata": usage})
        elif where == "early":
            counted = usage if len(varied) == 1 else {"promptTokenCount": usage["promptTokenCount"] + 1}
            varied[0]["usageMetadata"] = counted
    return [*map(msgspec.json.encode, varied)]


def listed(draw: st.DrawFn, chunks: Sequence[bytes], *, line_ends: bool) -> bytes:
    """The chunks as one list, as they arrive without `alt=sse`.

    Args:
        line_ends: lines may end in CR LF.
    """
    between = draw(st.sampled_from((b",", b" , ", b"\n,\n", *([b",\r\n"] if line_ends else []))))
    indent = draw(st.sampled_from((-1, 0, 2)))
    return b"[%b]\n" % between.join(msgspec.json.format(chunk, indent=indent) for chunk in chunks)


def _merge(chunk: _Chunk, following: _Chunk) -> None:
    """Put what a chunk has into the one before it, which has a candidate as it has."""
    [candidate], [more] = chunk["candidates"], following["candidates"]
    parts = [*candidate["content"]["parts"], *more["content"]["parts"]]
    candidate |= {**more, "content": {**more["content"], "parts": parts}}
    chunk |= {**following, "candidates": [candidate]}


def _in_pieces(draw: st.DrawFn, chunk: _Chunk) -> Iterator[_Chunk]:
    """The chunk; or, of a call, the chunks of its beginning, the pieces of its arguments and its end."""
    parts = [part for candidate in chunk.get("candidates", ()) for part in candidate["content"]["parts"]]
    arguments = parts[0][CALL]["args"] if parts and CALL in parts[0] else {}
    if not arguments or not _has_places(arguments) or draw(SELDOM):
        yield chunk
        return
    [part] = parts
    inner = {name: value for name, value in part[CALL].items() if name != "args"}
    pieces = list(_pieces(arguments, "$", _names(draw), draw(st.integers(1, 5))))
    more = {"willContinue": True}
    yield _with(chunk, {**part, CALL: {**inner, **more}})
    for piece in pieces[:-1]:
        yield _with(chunk, {CALL: {"partialArgs": [piece], **more}})
    ends_itself = draw(st.booleans())
    yield _with(chunk, {CALL: {"partialArgs": [pieces[-1]], **({} if ends_itself else more)}})
    if not ends_itself:
        yield _with(chunk, {CALL: {}})


def _with(chunk: _Chunk, part: JSON) -> _Chunk:
    content = {"parts": [part], "role": "model"}
    return {**chunk, "candidates": [{"content": content, "index": 0}]}


def _has_places(value: JSON) -> bool:
    """Whether each value in it has a path: an empty object or list has no piece."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return bool(value) and all(map(_has_places, inner))
    return True


def _names(draw: st.DrawFn) -> Callable[[str], str]:
    """How names are written in paths."""
    quote = draw(st.sampled_from("'\""))

    def name(text: str) -> str:
        if quote == "'" and text and not set(text) & set(".[]"):
            return f".{text}"
        escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
        return f"[{quote}{escaped}{quote}]"

    return name


def _pieces(value: JSON, path: str, name: Callable[[str], str], size: int) -> Iterator[_Chunk]:
    """The pieces of a value, in order."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _pieces(inner, path + name(key), name, size)
        case list():
            for place, inner in enumerate(value):
                yield from _pieces(inner, f"{path}[{place}]", name, size)
        case str():
            for at in range(0, len(value) or 1, size):
                more = {"willContinue": True} if at + size < len(value) else {}
                yield {"jsonPath": path, "stringValue": value[at : at + size], **more}
        case None:
            yield {"jsonPath": path, "nullValue": "NULL_VALUE"}
        case bool():
            yield {"jsonPath": path, "boolValue": value}
        case _:
            yield {"jsonPath": path, "numberValue": value}
