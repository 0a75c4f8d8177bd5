"""The streams of the official SDKs, over a transport in memory.

They read a response, so all pieces are kept until `close()`, and are then read as they were cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from benchmarks.decode_peers import anthropic_client, openai_client
from benchmarks.measure import peer

# Any: the SDKs need not be installed where this is type-checked.

_MESSAGES = [{"role": "user", "content": "Go on."}]
_pieces: list[bytes] = []
"""The response to the next request."""


def _respond(request: Any) -> Any:
    return peer("httpx2").Response(
        200, headers={"content-type": "text/event-stream"}, content=iter(list(_pieces)), request=request
    )


@cache
def _client(make: Callable[[Callable[[Any], Any]], Any]) -> Any:
    """One client for all streams: to make one takes longer than to read many streams."""
    return make(_respond)


class _Parser:
    def __init__(self) -> None:
        self._fed: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Keep a piece."""
        self._fed.append(data)

    def _asked(self, make: Callable[[Callable[[Any], Any]], Any]) -> Any:
        """The client, which answers its next request with the pieces."""
        _pieces[:] = self._fed
        return _client(make)


class OpenAIChunks(_Parser):
    """`create(stream=True)`: the SDK gives chunks, and their deltas are joined here."""

    def close(self) -> tuple[str, list[tuple[str, str]]]:
        """The joined deltas."""
        client = self._asked(openai_client)
        text, calls = "", dict[int, list[str]]()
        for chunk in client.chat.completions.create(model="m", messages=_MESSAGES, stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for call in choice.delta.tool_calls or ():
                    known = calls.setdefault(call.index, ["", ""])
                    known[0] += call.function.name or ""
                    known[1] += call.function.arguments or ""
        return text, [(name, arguments) for name, arguments in calls.values()]


class OpenAIStream(_Parser):
    """`chat.completions.stream()`: the SDK joins the deltas."""

    def close(self) -> tuple[str, list[tuple[str, str]]]:
        """The final completion."""
        client = self._asked(openai_client)
        with client.chat.completions.stream(model="m", messages=_MESSAGES) as stream:
            message = stream.get_final_completion().choices[0].message
        calls: Sequence[Any] = message.tool_calls or ()
        return message.content or "", [(call.function.name, call.function.arguments) for call in calls]


class AnthropicStream(_Parser):
    """`messages.stream()`: the SDK joins the deltas."""

    def close(self) -> tuple[str, list[tuple[str, object]]]:
        """The final message."""
        client = self._asked(anthropic_client)
        with client.messages.stream(model="m", max_tokens=9, messages=_MESSAGES) as stream:
            content = stream.get_final_message().content
        text = "".join(block.text for block in content if block.type == "text")
        return text, [(block.name, block.input) for block in content if block.type == "tool_use"]
