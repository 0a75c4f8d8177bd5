"""Arguments of a call that arrive in pieces, each with the path of its place (`PartialArg` of Google's SDK).

Vertex sends them if `streamFunctionCallArguments` is set: `{"jsonPath": "$.a[0].b", "stringValue": "te",
"willContinue": true}`. The pieces of one text follow one another. They become JSON when the call ends.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TypeAlias

import msgspec
from msgspec import Struct

from sansio.errors import LimitExceededError, RemoteProtocolError
from sansio.jsontext import JSON, JSONObject

_STEP = re.compile(
    r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\[(?:'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)")\]""", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_VALUES = ("numberValue", "boolValue")

_Tree: TypeAlias = "dict[str, _Node] | list[_Node]"
_Node: TypeAlias = "_Tree | _Text | bool | int | float | None"


class _Text(Struct):
    """A text whose pieces arrive."""

    pieces: list[str]


class PartialArguments:
    """The arguments of one call so far.

    Args:
        max_depth: how deep the arguments may nest.
    """

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._root: dict[str, _Node] = {}

    def add(self, piece: JSONObject) -> None:
        """Add a piece.

        Raises:
            RemoteProtocolError: the piece's path cannot be read, leads into a value, or leaves out an item of
                a list.
            LimitExceededError: the path nests too deep.
        """
        path = piece.get("jsonPath")
        steps = _steps(path) if isinstance(path, str) else None
        if not steps:
            raise _no_place(path)
        if len(steps) > self._max_depth:
            raise LimitExceededError(
                f"a call's arguments nest deeper than {self._max_depth} levels", field="max_json_depth"
            )
        node: _Tree = self._root
        for step, after in pairwise(steps):
            inner = _at(node, step)
            if inner is None:
                inner = _begun(after)
                _set(node, step, inner, path)
            if not isinstance(inner, (dict, list)):
                raise _no_place(path)
            node = inner
        text = piece.get("stringValue")
        if isinstance(text, str):
            known = _at(node, steps[-1])
            if not isinstance(known, _Text):
                known = _Text([])
                _set(node, steps[-1], known, path)
            known.pieces.append(text)
        else:
            found = next((piece[name] for name in _VALUES if piece.get(name) is not None), None)
            _set(node, steps[-1], found if isinstance(found, (bool, int, float)) else None, path)

    def text(self, *, closed: bool) -> str:
        """The arguments as JSON.

        Args:
            closed: whether they are complete. If not, the last brace is left out, so that they do not look
                complete.
        """
        encoded = msgspec.json.encode(_plain(self._root)).decode()
        return encoded if closed else encoded[:-1]


def _steps(path: str) -> list[str | int] | None:
    """The names and indexes in a path; `None` if it cannot be read."""
    steps: list[str | int] = []
    at = 1
    if not path.startswith("$"):
        return None
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return None
        name, index, single, double = found.groups()
        quoted = single if double is None else double
        steps.append(int(index) if index else name or _ESCAPED.sub(r"\1", quoted))
        at = found.end()
    return steps


def _begun(step: str | int) -> _Tree:
    """An empty value that can hold a step: a list for an index, an object for a name."""
    return [] if isinstance(step, int) else {}


def _at(node: _Tree, step: str | int) -> _Node:
    if isinstance(node, dict):
        return node.get(step) if isinstance(step, str) else None
    return node[step] if isinstance(step, int) and step < len(node) else None


def _set(node: _Tree, step: str | int, value: _Node, path: JSON) -> None:
    if isinstance(node, dict) and isinstance(step, str):
        node[step] = value
    elif isinstance(node, list) and isinstance(step, int) and step <= len(node):
        node[step : step + 1] = [value]
    else:
        raise _no_place(path)


def _no_place(path: JSON) -> RemoteProtocolError:
    return RemoteProtocolError(f"a piece of a call's arguments has no place: jsonPath is {path!r:.80}")


def _plain(node: _Node) -> JSON:
    if isinstance(node, _Text):
        return "".join(node.pieces)
    if isinstance(node, dict):
        return {name: _plain(inner) for name, inner in node.items()}
    if isinstance(node, list):
        return [_plain(inner) for inner in node]
    return node
