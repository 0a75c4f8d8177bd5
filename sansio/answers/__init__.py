"""Assembles one answer from its parts. The reader of every wire family uses it."""

from sansio.answers.answer import Answer, OpenPart
from sansio.answers.pieces import Pieces
from sansio.answers.toolcalls import AssembledCall, ToolCallAssembler, wrap_invalid

__all__ = ["Answer", "AssembledCall", "OpenPart", "Pieces", "ToolCallAssembler", "wrap_invalid"]
