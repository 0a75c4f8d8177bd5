"""The corpus as files: one for each family of wires and each framing, and an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sansio.testing.corpus.case import FORMAT, Case
from sansio.testing.corpus.chat import chat
from sansio.testing.corpus.encoded import encoded
from sansio.testing.corpus.framing import events, lines
from sansio.testing.corpus.messages import messages
from sansio.testing.corpus.reframed import reframed
from sansio.testing.corpus.responses import responses

_BY_HAND: Mapping[str, Callable[[], Iterator[Case]]] = {
    "chat": chat,
    "messages": messages,
    "responses": responses,
    "sse": events,
    "ndjson": lines,
}
FAMILIES = tuple(_BY_HAND)
"""The names of the files, without their ending."""
_ABOUT: Mapping[str, str] = {
    "chat": "Chat completions, of OpenAI, Azure, OpenRouter, Ollama and vLLM",
    "messages": "Anthropic's messages",
    "responses": "OpenAI's responses",
    "sse": "Server-sent events alone, by the standard",
    "ndjson": "Lines of JSON alone",
}
_FRAMINGS = ("sse", "ndjson")
_INTRODUCTION = f"""# A corpus of streams of LLM providers

Written by `sansio-llm corpus`, format {FORMAT}. Each line of a `.jsonl` file is a case: the bytes of a
response in base64, places to cut them, and what they mean. All bytes are made up; none were recorded.

Read a file as UTF-8, split it at LF alone, and read each line as JSON. Feed your parser the body whole, then
cut at each list of `cuts`, then one byte at a time. Each time it must give what `expected` has. The fields
are documented in the project's `docs/corpus.md`.
"""


def cases(family: str) -> Sequence[Case]:
    """The cases of a file, in its order.

    Args:
        family: one of `FAMILIES`.

    Raises:
        KeyError: there is no such file.
    """
    by_hand = list(_BY_HAND[family]())
    return by_hand if family in _FRAMINGS else [*encoded(family), *reframed(family), *by_hand]


def corpus_files() -> dict[str, bytes]:
    """All files by name, the index first. The same bytes each time."""
    made = {family: cases(family) for family in _BY_HAND}
    files = {f"{family}.jsonl": b"".join(case.line() for case in listed) for family, listed in made.items()}
    return {"README.md": _index(made).encode(), **files}


def _index(made: Mapping[str, Sequence[Case]]) -> str:
    parts = [_INTRODUCTION, "| file | cases | |\n|---|---|---|"]
    parts += [f"| `{family}.jsonl` | {len(made[family])} | {_ABOUT[family]} |" for family in made]
    for family, listed in made.items():
        parts += ["", f"## {family}.jsonl", "", "| case | dialect | shows |", "|---|---|---|"]
        parts += [f"| `{case.name}` | `{case.dialect}` | {case.shows} |" for case in listed]
    return "\n".join(parts) + "\n"
