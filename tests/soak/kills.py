"""A batch that is killed at random moments, again and again: `python -m tests.soak.kills 50`.

Each time `sansio-llm batch` begins with a new output, is killed by SIGKILL at a random moment, as often as
that moment is before its end, and is resumed until it ends. Then every row has one answer, and no answer that
was in the output after a kill has changed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from sansio.testing import FakeProvider
from transports.testing.loopback import LoopbackThread, loopback_thread

ROOT = Path(__file__).parents[2]
_LONGEST = 1.5
"""Seconds until a kill, at most. A process needs about half of one before it asks."""


class Report(Struct):
    """What became of some batches.

    Args:
        batches: how many batches were run to their end.
        kills: how many kills hit a batch before its end.
        torn: how many kills left an incomplete last line.
        rows: how many rows were answered.
    """

    batches: int = 0
    kills: int = 0
    torn: int = 0
    rows: int = 0


def kill_batches(batches: int, *, rows: int = 500, seed: int = 0) -> Report:
    """Run batches that are killed.

    Args:
        batches: how many batches.
        rows: how many rows each batch has.
        seed: decides the moments of the kills.

    Raises:
        AssertionError: an answer was lost, doubled or changed.
    """
    report, chance = Report(), random.Random(seed)
    with TemporaryDirectory() as folder, loopback_thread(FakeProvider(), delay=0.001) as server:
        source = Path(folder, "prompts.jsonl")
        source.write_text("".join(f'{{"prompt": "{number}"}}\n' for number in range(rows)))
        for number in range(batches):
            _run(source, Path(folder, f"{number}.jsonl"), server, chance, report)
            report.batches += 1
            report.rows += rows
    return report


def _run(source: Path, output: Path, server: LoopbackThread, chance: random.Random, report: Report) -> None:
    where = ("--type", "openai", "--base-url", server.base_url("openai"), "--model", "m")
    command = [
        sys.executable,
        "-m",
        "transports",
        "batch",
        str(source),
        "-o",
        str(output),
        "--concurrency",
        "8",
        *where,
    ]
    before = b""
    while True:
        resume = ["--resume"] if before else []
        with subprocess.Popen(
            [*command, *resume],
            cwd=ROOT,
            env={**os.environ, "OPENAI_API_KEY": "any-key"},
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                status: int | None = process.wait(chance.uniform(0, _LONGEST))
            except subprocess.TimeoutExpired:
                process.kill()
                status = None
        data = output.read_bytes() if output.exists() else b""
        assert data.startswith(before), "an answer that was there has changed"
        if status is not None:
            break
        report.kills += 1
        report.torn += bool(data) and not data.endswith(b"\n")
        before = data[: data.rfind(b"\n") + 1]
    assert status == 0, f"the batch ended with {status}"
    ids = Counter(json.loads(line)["custom_id"] for line in data.splitlines())
    assert ids == Counter(map(str, range(1, source.read_bytes().count(b"\n") + 1)))


def main() -> None:
    """Run the command with the process's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.kills")
    parser.add_argument("batches", type=int, nargs="?", default=50)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    given = parser.parse_args()
    print(f"seed {given.seed}")
    print(kill_batches(given.batches, rows=given.rows, seed=given.seed))


if __name__ == "__main__":
    main()
