"""An import of the core loads no event loop, no sockets and no extra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

HEAVY = {
    "anyio",
    "trio",
    "asyncio",
    "httpcore",
    "httpcore2",
    "h2",
    "hpack",
    "typer",
    "rich",
    "prompt_toolkit",
    "hypothesis",
    "pytest",
    "transports",
}
IMPURE = {"socket", "ssl", "logging", "threading", "subprocess", "select", "selectors", "random", "tempfile"}


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after `statement` and had not before."""
    return {name.partition(".")[0] for name in modules_loaded_by(statement)}


def modules_loaded_by(statement: str) -> set[str]:
    """The same with all submodules."""
    program = (
        f"import sys, json; before = set(sys.modules); {statement}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("statement", ["import sansio", "from sansio import *", "import sansio.testing"])
def test_importing_the_core_loads_no_event_loop_no_socket_and_no_extra(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "sansio" in loaded
    assert loaded & (HEAVY | IMPURE) == set()


READ_HEAD = (
    "from sansio import HTTPExchange, Request; exchange = HTTPExchange(Request.post('http://h', (), b'')); "
    "exchange.receive_data(b'HTTP/1.{minor} 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')"
)


@pytest.mark.parametrize(
    ("statement", "needs"),
    [
        ("import sansio", {"sansio"}),
        ("from sansio import *", {"sansio", "msgspec"}),
        (READ_HEAD.format(minor=1), {"sansio", "msgspec"}),
        (READ_HEAD.format(minor=0), {"sansio", "msgspec", "h11"}),
    ],
    ids=["import", "all names", "plain head", "odd head"],
)
def test_the_core_needs_msgspec_and_for_odd_heads_h11_and_nothing_else(
    statement: str, needs: set[str]
) -> None:
    others = loaded_by(statement) - set(sys.stdlib_module_names)
    # msgspec imports typing_extensions if it is installed, but does not need it.
    assert others - {"typing_extensions"} == needs


FAMILIES = ("chat", "messages", "responses")
PROVIDERS = ("openrouter", "openai", "azure", "anthropic", "ollama", "vllm")


@pytest.mark.parametrize(
    ("statement", "loads"),
    [
        ("import sansio", set()),
        ("import sansio; sansio.ProviderConfig(type='ollama', model='m')", set()),
        ("import sansio; sansio.StreamParser('anthropic')", {"messages", "anthropic"}),
        ("import sansio; sansio.StreamParser('vllm')", {"chat", "vllm"}),
        ("import sansio; sansio.StreamParser('vllm/responses')", {"responses"}),
        ("import sansio; sansio.Provider(sansio.ProviderConfig())", {"chat", "openrouter"}),
        ("from sansio import ChatDialect", {"chat"}),
        ("from sansio import MessagesDialect", {"messages"}),
        ("from sansio import ResponsesDialect", {"responses"}),
    ],
)
def test_a_family_and_a_provider_are_loaded_when_a_dialect_of_them_is_used(
    statement: str, loads: set[str]
) -> None:
    loaded = modules_loaded_by(statement)
    families = {name for name in FAMILIES if f"sansio.families.{name}" in loaded}
    providers = {name for name in PROVIDERS if f"sansio.providers.{name}" in loaded}
    assert families | providers == loads


def test_a_url_is_taken_apart_by_what_is_loaded_with_the_first_config() -> None:
    assert "urllib.parse" not in modules_loaded_by("import sansio; sansio.StreamParser('openai')")
    assert "urllib.parse" in modules_loaded_by("import sansio; sansio.ProviderConfig()")


def test_the_default_transport_brings_no_event_loop_before_one_runs_and_nothing_of_the_command_line() -> None:
    statement = "from transports import AnyioTransport, create_provider"
    assert loaded_by(statement) & {"asyncio", "trio", "typer", "rich", "prompt_toolkit"} == set()


def test_a_call_under_trio_loads_no_asyncio() -> None:
    call = (
        "import anyio; from sansio import APIConnectionError, Message, Role; "
        "from transports import create_provider\n"
        "async def main():\n"
        "    config = {'type': 'vllm', 'model': 'm', 'base_url': 'http://localhost:1', 'max_attempts': 1}\n"
        "    async with create_provider(config) as provider:\n"
        "        try: await provider.complete([Message(Role.USER, 'Hello')])\n"
        "        except APIConnectionError: pass\n"
        "anyio.run(main, backend='trio')"
    )
    loaded = loaded_by(call)
    assert "trio" in loaded
    assert "asyncio" not in loaded
