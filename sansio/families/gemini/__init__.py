"""Google's Gemini: `generateContent` of the Gemini API and of Vertex.

Wire facts: the Gemini API's reference, Google's SDK (google-genai 3.6), and recorded traffic of both hosts.
"""

from sansio.families.gemini.dialect import GeminiDialect

__all__ = ["GeminiDialect"]
"""For subclasses; the registry loads it by its type."""
