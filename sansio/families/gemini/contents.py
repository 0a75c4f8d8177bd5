"""A conversation as Gemini's `contents`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sansio.content import (
    ASSISTANT,
    TOOL,
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.errors import InvalidRequestError
from sansio.families.base import Dialect
from sansio.families.fields import with_extra
from sansio.families.gemini.parts import CALL, SIGNATURE, made_up_id, wire_of
from sansio.families.media import with_true_type
from sansio.jsontext import JSON, JSONObject

SYSTEM_ROLES = (Role.SYSTEM, Role.DEVELOPER)
_OWN_RESPONSE = "response"
"""The field of a tool message's `extra` that is sent in place of its text."""

SKIPPED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""Sent as the signature of a call that Gemini did not make: "skip_thought_signature_validator".

Gemini 3 refuses a turn whose first call has no signature, which calls of other models and of applications
cannot have. Sources: Google's page "Thought signatures", on calls that the model did not make; recorded
requests.
"""

_Call = ToolCall | InvalidToolCall


class Contents:
    """Writes the messages of one request.

    Args:
        dialect: decides which parts can be sent, and is named in errors.
        signed: whether the model wants each turn's first call to be signed.
        files_in_results: whether a result may contain files. If not, they follow it.
    """

    def __init__(self, dialect: Dialect, *, signed: bool, files_in_results: bool) -> None:
        self._dialect = dialect
        self._signed = signed
        self._files_in_results = files_in_results

    def system(self, messages: Sequence[Message]) -> JSONObject | None:
        """The messages before all others, as the instruction; `None` if there are none."""
        parts: list[JSON] = []
        for index, message in enumerate(messages):
            if message.role not in SYSTEM_ROLES:
                break
            for number, part in enumerate(message.parts):
                if not isinstance(part, (TextPart, UnknownPart)):
                    raise self._dialect.cannot_send(part, index, number, "in a system message; give its text")
            parts += self._parts(message, index)
        return {"parts": parts} if parts else None

    def contents(self, messages: Sequence[Message]) -> list[JSONObject]:
        """The other messages. The results of one turn are one content, in the order of their calls."""
        contents: list[JSONObject] = []
        calls: dict[str, _Call] = {}
        order: list[str] = []
        results: list[tuple[int, list[JSONObject]]] = []
        leading = True
        for index, message in enumerate(messages):
            role = message.role
            leading = leading and role in SYSTEM_ROLES
            if role in SYSTEM_ROLES:
                if not leading:
                    raise InvalidRequestError(
                        f"message {index}: {self._dialect.origin} takes system messages only before all "
                        "others; move it there, or say it in a user's message",
                        index=index,
                    )
                continue
            if role is not TOOL and results:
                contents.append(_together(results))
                results = []
            if role is TOOL:
                call = calls[str(message.tool_call_id)]
                results.append((order.index(call.id), self._result(message, index, call)))
            elif role is ASSISTANT:
                calls = {call.id: call for call in message.all_tool_calls}
                order = list(calls)
                contents.append({"role": "model", "parts": [*self._answer(message, index)]})
            else:
                contents.append({"role": "user", "parts": [*self._parts(message, index)]})
        if results:
            contents.append(_together(results))
        return contents

    def _answer(self, message: Message, index: int) -> list[JSONObject]:
        parts = self._parts(message, index)
        first = next((part for part in parts if CALL in part), None)
        if self._signed and first is not None and not first.get(SIGNATURE):
            first[SIGNATURE] = SKIPPED
        return parts

    def _parts(self, message: Message, index: int) -> list[JSONObject]:
        """The parts of a message, checked if the application wrote it."""
        own = message.origin is None
        if own and message.extra and message.role is not TOOL:
            raise InvalidRequestError(
                f"message {index}: {', '.join(message.extra)} is in its extra, and a message has a role and "
                f"parts only on {self._dialect.TYPE}; leave it out, or give it to a part",
                index=index,
            )
        parts: list[JSONObject] = []
        for number, part in enumerate(message.parts):
            if own:
                self._check(part, message, index, number)
                if isinstance(part, (ImagePart, AudioPart, DocumentPart)):
                    part = with_true_type(part)
            if (wire := wire_of(part)) is None:
                raise self._dialect.cannot_send(part, index, number, _INSTEAD.get(type(part), ""))
            parts.append(wire)
        if not parts and message.role is not TOOL:
            raise InvalidRequestError(
                f"message {index} has no text, which {self._dialect.TYPE} refuses; leave the message out or "
                "say something",
                index=index,
            )
        return parts

    def _check(self, part: Part, message: Message, index: int, number: int) -> None:
        """Refuse what only an answer can have, and an `extra` that would replace what typed fields say."""
        if isinstance(part, ReasoningPart) and message.role is not ASSISTANT:
            raise self._dialect.cannot_send(part, index, number)
        if part.extra:
            typed = wire_of(msgspec.structs.replace(part, extra={}))
            if typed is not None and isinstance(call := typed.get(CALL), dict):
                typed[CALL] = {**call, "args": None}  # no further fields belong in a call's arguments
            self._dialect.check_extra(typed, part.extra, index, number)

    def _result(self, message: Message, index: int, call: _Call) -> list[JSONObject]:
        """A tool's message: the response, and the files that are not part of it."""
        said: JSON = {"error" if message.is_error else "output": message.text}
        extra = dict(message.extra)
        if not message.content and _OWN_RESPONSE in extra:
            said = extra.pop(_OWN_RESPONSE)
        inner: JSONObject = {"id": call.id, "name": call.name, _OWN_RESPONSE: said}
        if made_up_id(call):
            del inner["id"]
        for number, part in enumerate(message.parts):
            if not isinstance(part, (TextPart, ImagePart, AudioPart, DocumentPart, UnknownPart)):
                raise self._dialect.cannot_send(part, index, number)
        files: list[JSONObject] = [part for part in self._parts(message, index) if "text" not in part]
        if files and self._files_in_results:
            inner["parts"] = list[JSON](files)
            files = []
        self._dialect.check_extra({**inner, "id": None}, extra, index)
        return [{"functionResponse": with_extra(inner, extra)}, *files]


def _together(results: list[tuple[int, list[JSONObject]]]) -> JSONObject:
    """The results of one turn. Calls without an id are matched by their order."""
    ordered = [parts for _, parts in sorted(results, key=lambda result: result[0])]
    return {"role": "user", "parts": [part for parts in ordered for part in parts]}


_INSTEAD: dict[type[Part], str] = {
    TextPart: "without text; leave it out",
    AudioPart: "without its sound; give what is said as a TextPart",
}
"""Why a part that has no form here is refused, and what to do."""
