"""Cohere's own API, version 2 of chat: the dialect of the pair `cohere/cohere`."""

from sansio.families.cohere.reader import CohereReader
from sansio.families.cohere.request import CohereDialect

__all__ = ["CohereDialect", "CohereReader"]
