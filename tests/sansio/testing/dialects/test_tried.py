"""What each law of `check_dialect` lets a dialect read and write, as in `goldens/tried_dialect.txt`.

The file has all streams, bodies and requests of a check of three small samples. To write it anew, run
`python -m tests.sansio.testing.dialects.test_tried`; read what changed before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sansio import PROVIDER_DEFAULTS, ProviderConfig, ProviderDefaults, register_provider
from sansio.testing import Sample, check_dialect
from sansio.testing.dialects import LAWS
from tests.sansio.testing.dialects.heard import HearingDialect
from tests.sansio.testing.dialects.lines import LINES, lines

GOLDEN = Path(__file__).parents[1] / "goldens" / "tried_dialect.txt"
WHOLE = b'{"parts":[{"say":"Hi"}],"end":"done"}'
SAMPLES = [
    Sample(name="text", data=lines({"say": "Hi", "n": 1}, {"end": "done"}), content_type=LINES),
    Sample(
        name="call",
        data=lines({"call": "c", "name": "f"}, {"with": '{"a":1}'}, {"end": "done"}),
        content_type=f"{LINES}; charset=utf-8",
    ),
    Sample(name="whole", data=WHOLE, content_type="application/json"),
    Sample(name="the same as a line", data=WHOLE, content_type=LINES),
]
ERROR = Sample(name="error", data=b'{"error":{}}', content_type="application/json", fails=True)


def tried(law: str) -> Iterator[str]:
    """What is read and written for one law."""
    log = HearingDialect.LOG
    log.clear()
    config = ProviderConfig(type="lines", model="m")
    report = check_dialect(HearingDialect, SAMPLES, laws=[law], config=config, tries=2, seed=1)
    yield f"=== {law}: {report[law].verdict.value}"
    yield from map(str, log)
    log.clear()
    report = check_dialect(HearingDialect, [ERROR], laws=[law], config=config, tries=0)
    yield f"of an error alone: {report[law].verdict.value} {report[law].message}".rstrip()
    log.clear()


def all_tried() -> list[str]:
    register_provider("lines", HearingDialect, ProviderDefaults(base_url="http://localhost:1"))
    try:
        return [line for law in LAWS for line in tried(law)]
    finally:
        del PROVIDER_DEFAULTS["lines"]


def test_each_law_tries_what_is_written_down() -> None:
    assert all_tried() == GOLDEN.read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in all_tried()), "utf-8")
