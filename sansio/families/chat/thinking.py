"""Reasoning between tags inside the text, as sent by servers that do not parse their model's output.

Sources: MiniMax, "OpenAI API" (the content has it and must be sent back whole); Perplexity, "Sonar Reasoning
Pro"; recorded answers of Hugging Face, Groq, llama.cpp and Ollama. In all of them the tag begins the text.
"""

from __future__ import annotations

from sansio.defaults import THINK_TAGS
from sansio.events import StreamEvent
from sansio.families.chat.reader import ChatReader

_END = "</think>"


class ThinkingReader(ChatReader):
    """Reads a text that begins with `<think>` as reasoning up to `</think>`, however the stream splits it.

    Only the tags are left out, so that the text can be sent back as it was received. This is a separate
    class so that other answers do not pay for it.
    """

    _held = ""  # the beginning of a tag, or of the text, that is not whole
    _awaited = THINK_TAGS  # the tag that may follow; empty when the reasoning is over, or there is none

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        # The fast path by a chunk's form is not used: it would not look for tags in the text.
        return self._receive_any(data, events, name)

    def _say(self, text: str, events: list[StreamEvent]) -> None:
        text, self._held = self._held + text, ""
        if self._awaited == THINK_TAGS:
            if len(text) < len(THINK_TAGS) and THINK_TAGS.startswith(text):
                self._held = text
                return
            # If the server sends reasoning in its own field, a tag is ordinary text.
            begins = text.startswith(THINK_TAGS) and not self._reasoning_field
            self._awaited = _END if begins else ""
            if begins:
                text = text[len(THINK_TAGS) :]
                self._reasoning_field = THINK_TAGS
                self._reasoning.extra = {"field": THINK_TAGS, "closed": False}
                self._answer.place(self._reasoning)  # it goes back before the text, also if it is empty
        if self._awaited:
            thought, closed, text = text.partition(_END)
            if closed:
                self._awaited = ""
                del self._reasoning.extra["closed"]
            else:
                self._held = _begun_tag(thought)
                thought = thought[: len(thought) - len(self._held)]
            self._answer.add(self._reasoning, thought, events)
        self._answer.add(self._text, text, events)

    def _flush(self, events: list[StreamEvent]) -> None:
        held, self._held = self._held, ""
        self._answer.add(self._reasoning if self._awaited == _END else self._text, held, events)
        super()._flush(events)


def _begun_tag(text: str) -> str:
    """The longest end of a text that may be the beginning of `</think>`."""
    end = text[text.rfind("<") :]  # without a "<", the last character, which begins no tag
    return end if _END.startswith(end) else ""
