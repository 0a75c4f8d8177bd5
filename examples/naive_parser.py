"""A naive parser of chat-completion streams, with the bugs of a first attempt."""

import json


class NaiveParser:
    """Feed it a stream's bytes; `close` gives the text and the tool calls."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: dict[int, list[str]] = {}

    def feed(self, data: bytes) -> None:
        for line in data.decode().splitlines():
            if not line.startswith("data: ") or line == "data: [DONE]":
                continue
            chunk = json.loads(line[6:])
            if "error" in chunk:
                raise ValueError(chunk["error"]["message"])
            delta = chunk["choices"][0]["delta"]
            self.text += delta.get("content") or ""
            for call in delta.get("tool_calls", []):
                known = self.calls.setdefault(call["index"], ["", ""])
                known[0] += call["function"].get("name", "")
                known[1] += call["function"]["arguments"]

    def close(self) -> tuple[str, list[object]]:
        return self.text, [(name, json.loads(arguments)) for name, arguments in self.calls.values()]
