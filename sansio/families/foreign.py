"""Recognise the family that a JSON object belongs to, to explain an endpoint that speaks another family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio.config import PROVIDER_DEFAULTS
from sansio.errors import RemoteProtocolError
from sansio.jsontext import JSONObject

if TYPE_CHECKING:
    from sansio.families.base import Dialect

_MESSAGES = frozenset((
    "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta",
    "content_block_stop",
))  # fmt: skip

_TYPES = {
    "chat": "compatible",
    "responses": "compatible",
    "messages": "anthropic",
    "gemini": "google",
    "ollama": "ollama",
    "cohere": "cohere",
}
"""For each family, a provider type that speaks it at any address. The error recommends it if the type in the
config does not speak the family."""
_COHERES = frozenset(("message-start", "content-start", "content-delta", "tool-plan-delta", "message-end"))


def family_of(record: JSONObject) -> str | None:
    """The api of a whole answer, or of a frame of a stream; `None` if it has no family's marks.

    Sources: the types of the SDKs of OpenAI (`ChatCompletion`, `ChatCompletionChunk`, `Response`,
    `ResponseStreamEvent`), Anthropic (`Message`, `RawMessageStreamEvent`), Ollama (`ChatResponse`),
    Cohere (`V2ChatResponse`, `V2ChatStreamResponse`) and Google (`GenerateContentResponse`).
    """
    kind, thing = record.get("type"), record.get("object")
    if isinstance(record.get("choices"), list) or thing in ("chat.completion", "chat.completion.chunk"):
        return "chat"
    if isinstance(record.get("candidates"), list):
        return "gemini"
    if thing == "response" or (isinstance(kind, str) and kind.startswith("response.")):
        return "responses"
    if isinstance(kind, str) and kind in _MESSAGES:
        return "messages"
    if kind == "message" and isinstance(record.get("content"), list) and "stop_reason" in record:
        return "messages"
    if isinstance(record.get("done"), bool) and isinstance(record.get("message"), dict):
        return "ollama"
    if isinstance(kind, str) and kind in _COHERES:
        return "cohere"
    if isinstance(record.get("message"), dict) and "finish_reason" in record:
        return "cohere"
    return None


def foreign_error(record: JSONObject, api: str, dialect: Dialect) -> RemoteProtocolError | None:
    """The error for an answer of another family; `None` if the record has no other family's marks.

    Args:
        record: a frame, or a whole answer, that this family cannot read.
        api: this family.
        dialect: its type may speak the other family, too; then another `api` is enough.
    """
    found = family_of(record)
    if found is None or found == api:
        return None
    row = PROVIDER_DEFAULTS.get(dialect.TYPE)
    named = f"api={found!r}"
    if row is None or found not in row.apis:
        named = f"type={_TYPES[found]!r}, {named}, and the base_url of the server's {found} API,"
    return RemoteProtocolError(
        f"these are the bytes of the {found} API, and the {api} API was expected",
        hint=f"Write {named} in the config; or a base_url whose server speaks {api}.",
    )
