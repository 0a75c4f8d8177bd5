"""Chat completions: OpenAI's, and those of every server that is compatible with them.

Wire facts: OpenAI's API reference, "Create chat completion" and "Chat completion chunk".
"""

from sansio.families.chat.dicts import from_openai, to_openai
from sansio.families.chat.request import ChatDialect

__all__ = ["ChatDialect", "from_openai", "to_openai"]
