"""What `check_parser` says of each broken parser, as in `goldens/breaches_parser.txt`.

The file has the breach that is found, and the smallest bytes that show it. To write it anew, run
`python -m tests.sansio.testing.parsers.test_breaches`; read what changed before you keep it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sansio.testing import Parser, Verdict, check_parser
from sansio.testing.parsers import laws_for
from tests.sansio.testing.parsers import plain
from tests.sansio.testing.showing import shortened

GOLDEN = Path(__file__).parents[1] / "goldens" / "breaches_parser.txt"
_OTHERS = re.compile(r"(?<= costs )\d+|(?<= times )\d+$|(?<=, line )\d+|\(the stream ended[^)]*\)")
"""What depends on the version of Python, on the lines of the broken parsers, and on words of other rooms."""
BROKEN: tuple[tuple[str, type[Parser], str], ...] = (
    ("reads", plain.Failing, "openai"),
    ("reads", plain.Shapeless, "openai"),
    ("reads", plain.Nameless, "openai"),
    ("truth", plain.Upper, "openai"),
    ("line-ends", plain.NoCarriageReturns, "openai"),
    ("byte-order-mark", plain.NoMark, "openai"),
    ("comments", plain.NoComments, "openai"),
    ("data-lines", plain.OneLine, "openai"),
    ("colons", plain.WithSpace, "openai"),
    ("new-kinds", plain.KnownFields, "openai"),
    ("cuts", plain.Pieces, "openai"),
    ("cuts", plain.Characters, "openai"),
    ("cuts", plain.Halves, "openai"),
    ("errors", plain.Partial, "openai"),
    ("no-lie", plain.Partial, "openai"),
    ("foreign", plain.Partial, "openai"),
    ("errors", plain.Deaf, "openai"),
    ("foreign", plain.guessing(b""), "openai"),
    ("foreign", plain.guessing(b"<html>"), "openai"),
    ("foreign", plain.guessing(b": keep-alive"), "openai"),
    ("foreign", plain.guessing(b"world"), "openai"),
    ("foreign", plain.guessing(b"[DONE]"), "openai"),
    ("end", plain.ReadsOn, "openai"),
    ("cut-calls", plain.Repairs, "openai"),
    ("end", plain.Doubles, "openai"),
    ("damage", plain.Trusts, "openai"),
    ("independent", plain.Shared, "openai"),
    ("independent", plain.Remembers, "openai"),
    ("independent", plain.Twins, "openai"),
    ("damage", plain.LongWinded, "openai"),
    ("cut-calls", plain.CallsLoosely, "openai"),
    ("linear", plain.Quadratic, "openai"),
    ("unfinished", plain.LastEvent, "sse"),
    ("reads", plain.Unnamed, "sse"),
    ("reads", plain.Listless, "sse"),
)


def breach(law: str, kind: type[Parser], dialect: str) -> Iterator[str]:
    """The breach of a law, and the bytes that show it."""
    plain.Remembers.cut.clear()
    plain.Shared.open.clear()
    found = check_parser(kind, dialect, laws=[law], tries=2)[law]
    known = laws_for(dialect)[law]
    assert (found.verdict, found.text, found.remedy) == (Verdict.FAILED, known.text, known.remedy)
    yield f"=== {kind.__name__}, {dialect}: {law}"
    yield f"{found.sample}: {_OTHERS.sub('#', found.message)}"
    yield f"shown by {shortened(found.shown)}"


def breaches() -> list[str]:
    return [line for case in BROKEN for line in breach(*case)]


def test_each_law_finds_what_is_written_down() -> None:
    assert breaches() == GOLDEN.read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in breaches()), "utf-8")
