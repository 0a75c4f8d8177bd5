"""Ollama's own API, `/api/chat`: the dialect of the pair `ollama/ollama`."""

from sansio.families.ollama.reader import OllamaReader
from sansio.families.ollama.request import OllamaDialect

__all__ = ["OllamaDialect", "OllamaReader"]
