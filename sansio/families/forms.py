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
"""For each of Anthropic's block types: a field that only such a block has, and OpenAI's form of the same."""


def check_form(part: Part, index: int, number: int) -> None:
    """Refuse a block in Anthropic's form in a request of OpenAI's families.

    Args:
        part: the part.
        index: the index of its message in the conversation.
        number: the index of the part in the message.

    Raises:
        InvalidRequestError: the part has Anthropic's form. The error shows OpenAI's form for it.
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
