"""A content block of a Converse stream while it arrives: its start, and what its deltas add."""

from __future__ import annotations

from sansio import jsontext
from sansio.answers import AssembledCall, OpenPart, Pieces
from sansio.content import TextPart
from sansio.errors import RemoteProtocolError
from sansio.families.converse.parts import BESIDE
from sansio.families.fields import base64_bytes, base64_text
from sansio.jsontext import JSON, JSONObject


class OpenBlock:
    """An unfinished block.

    Args:
        kind: its kind, such as `"toolUse"`.
        start: its content in its first event.
    """

    __slots__ = ("_bytes", "_fields", "_input", "beside", "call", "kind", "part", "start")

    def __init__(self, kind: str, start: JSONObject) -> None:
        self.kind = kind
        self.start: JSONObject = dict(start)
        self.part: OpenPart | None = None
        """Its part, if it is text or reasoning."""
        self.call: AssembledCall | None = None
        """Its call, if the application runs the tool."""
        self.beside: JSONObject = {}
        """Fields that its events have beside the block."""
        self._fields: dict[str, Pieces] = {}
        self._input = Pieces()
        # Pieces of bytes, each encoded in base64: they must be decoded before they are joined.
        self._bytes: list[str] = []

    def add_field(self, name: str, value: JSON) -> None:
        """Add to a field of reasoning. A text continues the field; any other value replaces it."""
        if name == "redactedContent" and isinstance(value, str):
            self._bytes.append(value)
        elif isinstance(value, str):
            self._fields.setdefault(name, Pieces()).append(value)
        else:
            self.start[name] = value

    def add(self, kind: str, added: JSON) -> None:
        """Add a delta to a block that becomes a part only when it is complete."""
        inner = self.start.get(kind)
        if not isinstance(inner, dict):
            inner = {}
        if isinstance(added, list):  # the result of a tool that the provider ran
            known = inner.get("content")
            added = {"content": [*(known if isinstance(known, list) else ()), *added]}
        if not isinstance(added, dict):
            self.start[kind] = added
            return
        if kind == "toolUse" and isinstance(added.get("input"), str):
            self._input.append(str(added["input"]))
            added = {name: value for name, value in added.items() if name != "input"}
        match added:
            case {"source": {"bytes": str(piece)}} if kind == "image":
                self._bytes.append(piece)
        self.start[kind] = {**inner, **added}

    def fold(self) -> None:
        """See `Pieces.fold`."""
        for pieces in (*self._fields.values(), self._input):
            pieces.fold()

    def part_extra(self) -> JSONObject:
        """The `extra` of a part whose text arrived in pieces."""
        assert self.part is not None
        if self.part.kind is TextPart:
            return self.beside
        fields: JSONObject = {name: value for name, value in self.start.items() if name != self.kind}
        fields |= {name: pieces.whole() for name, pieces in self._fields.items()}
        if self._bytes:
            fields["redactedContent"] = _joined(self._bytes)
        return {**fields, BESIDE: self.beside} if self.beside else fields

    def whole(self, max_depth: int) -> JSONObject:
        """The block as it would be in a whole answer."""
        inner = self.start.get(self.kind)
        if isinstance(inner, dict):
            inner = dict(inner)
            if self._bytes:
                inner["source"] = {"bytes": _joined(self._bytes)}
            if self.kind == "toolUse":
                inner["input"] = self._given(max_depth, inner.get("input"))
            self.start[self.kind] = inner
        return {**self.start, **self.beside}

    def _given(self, max_depth: int, known: JSON) -> JSON:
        """The input of a tool that the provider runs."""
        text = self._input.whole()
        if not text.strip():
            return {} if known is None else known
        try:
            return jsontext.decode_object(text, max_depth)
        except RemoteProtocolError:
            return {"INVALID_JSON": text}


def _joined(pieces: list[str]) -> str:
    """Join bytes that arrived in pieces. If a piece is not base64, the pieces are joined as text."""
    known = [data for piece in pieces if (data := base64_bytes(piece)) is not None]
    if len(known) < len(pieces):
        return "".join(pieces)
    return base64_text(b"".join(known))
