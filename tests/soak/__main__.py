"""`python -m tests.soak [MINUTES]`: mixed calls and faults, 200 at once, and what they leave behind."""

from __future__ import annotations

import argparse
from functools import partial

import anyio

from tests.soak.drivers import NAMES, driver
from tests.soak.soak import soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=30.0)
    parser.add_argument("--transport", choices=NAMES, default="anyio")
    parser.add_argument("--backend", choices=("asyncio", "trio"), default="asyncio")
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with driver(given.transport) as make:
        run = partial(soak, make, 60 * given.minutes, at_once=given.at_once, seed=given.seed)
        print(anyio.run(run, backend=given.backend))


if __name__ == "__main__":
    main()
