"""What an import costs: CPU time and resident memory, each in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measure import Case, Contender, Metrics, Row, Run, Scale, SkippedError
from benchmarks.resident import resident

_ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = """
import time
before = time.process_time()
{statement}
after = time.process_time()
print(after - before, after, flush=True)
input()
"""
_CONTENDERS = (
    Contender("msgspec, h11", options={"import": "import msgspec, h11"}),
    Contender("nothing", options={"import": "pass"}),
    Contender("sansio", options={"import": "import sansio"}),
    Contender(
        "transports, with AnyioTransport",
        options={"import": "from transports import AnyioTransport, create_provider"},
    ),
    Contender(
        "transports, with SocketTransport",
        options={"import": "from transports import SocketTransport, create_sync_provider"},
    ),
    Contender("anyio, with its asyncio", options={"import": "import anyio, anyio._backends._asyncio"}),
    Contender("httpcore2", "httpcore2", {"import": "import httpcore2"}),
    Contender("httpx2", "httpx2", {"import": "import httpx2"}),
    Contender("aiohttp", "aiohttp", {"import": "import aiohttp"}),
    Contender("openai", "openai", {"import": "import openai"}),
    Contender("anthropic", "anthropic", {"import": "import anthropic"}),
    Contender("pydantic-ai", "pydantic_ai", {"import": "import pydantic_ai"}),
    Contender("litellm", "litellm", {"import": "import litellm"}),
)


def _cases(scale: Scale) -> list[Case]:
    return [
        Case(
            row="imports",
            name="an import in a fresh interpreter",
            units={"import": "ms of CPU", "process": "ms of CPU", "resident": "MB"},
            contenders=_CONTENDERS,
            rounds=scale.rounds,
            options={},
        )
    ]


def _prepare(case: Case, contender: Contender) -> Run:
    if contender.peer and find_spec(contender.peer) is None:
        raise SkippedError(f"{contender.peer} is not installed")
    program = _PROGRAM.format(statement=contender.options["import"])
    _import(program)  # compiles modules that are not compiled yet

    def run() -> Metrics:
        return _import(program)

    return run


def _import(program: str) -> Metrics:
    # Litellm's import would otherwise fetch a file from the network.
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or only this project is compiled each time
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=_ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        spent, whole = map(float, process.stdout.readline().split())
        held = resident(process.pid)
        process.communicate("\n")
    return {"import": spent * 1e3, "process": whole * 1e3, "resident": held / 1e6}


ROW = Row("what an import costs in a fresh interpreter", _cases, _prepare)
