"""Anthropic's messages, and those of every host that serves the same API.

Wire facts: Anthropic's API reference, "Create a message", "Streaming messages" and "Errors".
"""

from sansio.families.messages.request import MessagesDialect

__all__ = ["MessagesDialect"]
