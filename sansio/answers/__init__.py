"""One answer put together from its parts: what the reader of every wire family builds with."""

from sansio.answers.answer import Answer, OpenPart
from sansio.answers.pieces import Pieces
from sansio.answers.toolcalls import AssembledCall, ToolCallAssembler, wrap_invalid

__all__ = ["Answer", "AssembledCall", "OpenPart", "Pieces", "ToolCallAssembler", "wrap_invalid"]
