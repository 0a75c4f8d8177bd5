"""Content in the form of another family, which the application gave as dicts."""

from __future__ import annotations

from sansio.content import Part, UnknownPart
from sansio.errors import InvalidRequestError

_ANTHROPICS = {
    "image": ("source", '{"type": "image_url", "image_url": {"url": "https://..."}}, or an ImagePart'),
    "document": ("source", '{"type": "file", "file": {"file_id": "file-1"}}, or a DocumentPart'),
    "tool_use": ("input", "the call under the message's tool_calls, or a ToolCall"),
    "tool_result": ("tool_use_id", '{"role": "tool", "tool_call_id": "call_1", "content": "18 °C"}'),
}
"""Anthropic's blocks, by the type and a field that only they have, and OpenAI's form of the same."""


def check_form(part: Part, index: int, number: int) -> None:
    """Refuse a block of Anthropic's in a request of OpenAI's families.

    Args:
        index: the message's place in the conversation.
        number: the part's place in the message.

    Raises:
        InvalidRequestError: it names the part, and the form that says the same.
    """
    if not isinstance(part, UnknownPart) or (form := _ANTHROPICS.get(part.kind)) is None:
        return
    field, shape = form
    if field in part.extra:
        raise InvalidRequestError(
            f"message {index}, part {number}: a block of the type {part.kind!r} with {field} is "
            f"Anthropic's form; write {shape}",
            index=index,
        )
