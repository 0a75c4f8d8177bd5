"""Responses: OpenAI's newer API, and every server that is compatible with it.

Wire facts: the types of OpenAI's SDK (`types/responses`), and recorded answers of a dozen servers.
"""

from sansio.families.responses.dialect import ResponsesDialect

__all__ = ["ResponsesDialect"]
