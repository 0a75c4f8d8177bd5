"""What `check_dialect` says of each broken dialect, as in `goldens/breaches_dialect.txt`.

The file has the breach that is found, and the smallest bytes that show it. To write it anew, run
`python -m tests.sansio.testing.dialects.test_breaches`; read what changed before you keep it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import structs

from sansio import PROVIDER_DEFAULTS, Message, ProviderDefaults, register_provider
from sansio.testing import Sample, Verdict, check_dialect
from sansio.testing.dialects import LAWS
from tests.sansio.testing.dialects import broken
from tests.sansio.testing.dialects.broken import BROKEN
from tests.sansio.testing.dialects.lines import IGNORED, LINES, SAMPLES, LineDialect, lines
from tests.sansio.testing.showing import shortened

GOLDEN = Path(__file__).parents[1] / "goldens" / "breaches_dialect.txt"
_OTHERS = re.compile(r"(?<=Error )\(.*\) in (?=JSON|_)|(?<=, line )\d+|(?<= costs )\d+|(?<= times )\d+(?=: )")
"""What depends on the version of Python, and on the lines of the broken dialects."""


WORDS = "A long text, of which only the beginning is shown. " * 20
TEXT = lines({"say": WORDS, "sign": "x"}, {"end": "done"})
LINE = Sample(name="line", data=TEXT, content_type=LINES)
WHOLE = Sample(
    name="whole",
    data=json.dumps({"parts": [{"say": WORDS}], "end": "done"}).encode(),
    content_type="application/json",
)
OTHERS: list[tuple[type[LineDialect], str, Sample]] = [
    (LineDialect, "reads", structs.replace(LINE, fails=True)),
    (LineDialect, "reads", structs.replace(LINE, data=TEXT[:40])),
    (LineDialect, "golden", structs.replace(LINE, golden=Message("assistant", WORDS.upper()))),
    (LineDialect, "golden", structs.replace(WHOLE, golden=Message("assistant", WORDS, model="m"))),
    (LineDialect, "goes-back", structs.replace(LINE, request={"say": WORDS.upper()})),
    (broken.CompletesOtherWords, "events", structs.replace(LINE, data=lines({"say": WORDS}), fails=True)),
    (broken.DropsSignatures, "goes-back", LINE),
    (broken.Shares, "independent", WHOLE),
    *((kind, "foreign", LINE) for kind in broken.FOREIGN),
]
"""Breaches that a sample shows alone, or that the samples of the other dialects do not have."""


def breach(kind: type[LineDialect], law: str, samples: Sequence[Sample] = SAMPLES) -> Iterator[str]:
    """The breach of a law, and the bytes that show it."""
    report = check_dialect(kind, samples, ignored=IGNORED, laws=["reads", law], tries=3)
    assert [result.law for result in report.failures] == [law]
    found = report[law]
    assert (found.verdict, found.text, found.remedy) == (Verdict.FAILED, LAWS[law].text, LAWS[law].remedy)
    yield f"=== {kind.__name__}: {law}"
    yield f"{found.sample}: {_OTHERS.sub('#', found.message)}"
    yield f"shown by {shortened(found.shown)}"


def breaches() -> list[str]:
    register_provider("lines", LineDialect, ProviderDefaults(base_url="http://localhost:1"))
    try:
        found = [line for kind, law in BROKEN.items() for line in breach(kind, law)]
        return found + [line for kind, law, sample in OTHERS for line in breach(kind, law, [sample])]
    finally:
        del PROVIDER_DEFAULTS["lines"]


def test_each_law_finds_what_is_written_down() -> None:
    assert breaches() == GOLDEN.read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in breaches()), "utf-8")
