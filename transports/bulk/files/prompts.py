"""Reads one row of an input as a request with its id.

A row is a mapping of names and values: an object of JSON lines, or a row of a table. It has one of

- `prompt`: a text,
- `messages`: a conversation, as dicts of OpenAI's form,
- `body`, with `url`: a line of a batch file of OpenAI's form,
- `params`: an entry of a batch of Anthropic's form,

and may have `custom_id`, a text; without it, the row's number is its id. With a template, any row is a
prompt. All other fields of a row are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sansio import CallRequest, InvalidRequestError, Message, Provider, Role, as_messages
from sansio.content import Tool
from sansio.translate import read_request

_KINDS = ("prompt", "messages", "body", "params")
_ENDPOINTS = {"chat/completions": "chat", "responses": "responses", "messages": "messages"}
"""The endings of a line's `url`, and the wire family of its body for each."""


class Place(Struct, frozen=True, kw_only=True):
    """A row of the input.

    Args:
        line: the row's number, counted from 1.
        custom_id: the row's id in the output. Default: its number.
    """

    line: int
    custom_id: str


class Prompt(Place, frozen=True, kw_only=True):
    """A row that can be asked.

    Args:
        request: the request.
    """

    request: CallRequest


class Malformed(Place, frozen=True, kw_only=True):
    """A row that cannot be asked.

    Args:
        error: what is wrong with the row, and what to write instead.
    """

    error: str


class PromptReader:
    """Makes prompts from rows.

    Args:
        provider: the provider that will answer; lines of other providers' batch files are translated for it.
        template: makes the prompt from the row's fields, such as `"Summarise: {text}"`.
        system: a system message, for rows that have none.
        keep_model: whether to ask the model that a `body` or `params` names.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        template: str | None = None,
        system: str | None = None,
        keep_model: bool = True,
    ) -> None:
        self._provider = provider
        self._template = template
        self._system = system
        self._keep_model = keep_model

    def read(self, line: int, row: Mapping[str, Any]) -> Prompt | Malformed:
        """Read one row as a prompt.

        Args:
            line: the row's number, counted from 1.
            row: its values by name.

        Returns:
            The prompt; or a `Malformed` that says what is wrong with the row.
        """
        custom_id = row.get("custom_id")
        if custom_id is None:
            custom_id = str(line)
        if not isinstance(custom_id, str) or not custom_id:
            error = f"custom_id: must be a text that is not empty, not {custom_id!r:.80}"
            return Malformed(line=line, custom_id=str(line), error=error)
        try:
            return Prompt(line=line, custom_id=custom_id, request=self.request(row))
        except InvalidRequestError as error:
            return Malformed(line=line, custom_id=custom_id, error=error.message)

    def request(self, row: Mapping[str, Any]) -> CallRequest:
        """Read the request of a row, whatever its id.

        Raises:
            InvalidRequestError: the row cannot be asked.
        """
        if self._template is not None:
            return CallRequest(self._with_system([Message(Role.USER, _filled(self._template, row))]))
        given = [name for name in _KINDS if row.get(name) is not None]
        if len(given) != 1:
            has = f"has {' and '.join(given)}" if given else f"has none; it has {_names(row)}"
            raise InvalidRequestError(
                f"a row needs one of {', '.join(_KINDS)}, or a template, and this one {has}"
            )
        (kind,) = given
        match kind:
            case "prompt":
                if not isinstance(row["prompt"], str):
                    raise InvalidRequestError(f"prompt: must be a text, not {type(row['prompt']).__name__}")
                return CallRequest(self._with_system([Message(Role.USER, row["prompt"])]))
            case "messages":
                return CallRequest(self._with_system(as_messages(row["messages"])))
            case "params":
                return self._of_family("messages", row["params"], kind)
            case _:
                return self._of_family(_family(row.get("url")), row["body"], kind)

    def _of_family(self, api: str, body: object, name: str) -> CallRequest:
        if not isinstance(body, dict):
            raise InvalidRequestError(f"{name}: must be an object, not {type(body).__name__}")
        asked = read_request(api, body, self._provider)
        if asked.left_out:
            first = asked.left_out[0]
            raise InvalidRequestError(
                f"{name}: {first.option or first.what} cannot be asked here: {first.why}"
            )
        options: dict[str, Any] = dict(asked.options)
        if asked.model is not None and self._keep_model:
            options["model"] = asked.model
        tools: list[Tool] | None = asked.tools or None
        return CallRequest(self._with_system(asked.messages), tools, options)

    def _with_system(self, messages: list[Message]) -> list[Message]:
        if self._system is None or any(message.role is Role.SYSTEM for message in messages):
            return messages
        return [Message(Role.SYSTEM, self._system), *messages]


def _family(url: object) -> str:
    for end, api in _ENDPOINTS.items():
        if isinstance(url, str) and url.rstrip("/").endswith(end):
            return api
    ends = ", ".join(f"/v1/{end}" for end in _ENDPOINTS)
    raise InvalidRequestError(f"url: a row with a body needs one of {ends}, not {url!r:.80}")


def _filled(template: str, row: Mapping[str, Any]) -> str:
    try:
        return template.format_map(row)
    except KeyError as error:
        raise InvalidRequestError(f"the template needs {error}, and the row has {_names(row)}") from None
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise InvalidRequestError(f"the template cannot be filled: {error}") from None


def _names(row: Mapping[str, Any]) -> str:
    return ", ".join(row) or "no values"
