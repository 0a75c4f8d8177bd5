"""`sansio-llm models`: the table, JSON lines, and warnings of models that retire soon."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from sansio.testing import PROVIDER_TYPES, FakeProvider, FakeResponse
from tests.transports.cli.command import KEY, only_line, run
from transports.cli.tables import table_text
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")

DAY = 86_400


def rows(*models: dict[str, object]) -> FakeResponse:
    body = json.dumps({"object": "list", "data": models}).encode()
    return FakeResponse(headers=(("content-type", "application/json"),), pieces=(body,))


def day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def test_without_a_key_the_fake_s_model_is_listed() -> None:
    done = run("models")
    assert done.returncode == 0
    head, row = done.stdout.splitlines()
    assert head.split() == ["id", "name", "context", "output", "created", "lifecycle", "retires"]
    assert row.split() == ["fake-model", "Fake", "model", "131,072", "8,192", "2026-01-01"]
    assert "fake provider" in only_line(done.stderr)


@pytest.mark.parametrize("type", [type for type in PROVIDER_TYPES if type not in ("azure", "openrouter")])
def test_a_type_alone_is_enough_since_the_list_needs_no_model(type: str) -> None:
    with loopback_thread(FakeProvider()) as server:
        where = ("--type", type, "--base-url", server.base_url(type), "--api-key-env", "MY_KEY")
        done = run("models", *where, "--json", env={"MY_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "fake-model"


def test_an_api_with_a_list_of_its_own_is_asked_for_it() -> None:
    with loopback_thread(FakeProvider("ollama", models=["small"])) as server:
        address = server.base_url("ollama").removesuffix("/v1")
        done = run("models", "--type", "ollama", "--api", "ollama", "--base-url", address, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "small"


def test_a_config_in_a_file_is_enough(tmp_path: Path) -> None:
    with loopback_thread(FakeProvider()) as server:
        file = tmp_path / "azure.json"
        fields = {"type": "azure", "base_url": server.base_url("azure"), "deployment": "d"}
        file.write_text(json.dumps({"provider": {**fields, "api_version": "2024-10-21"}}))
        done = run("models", "--config", str(file), env={"AZURE_OPENAI_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert "generally-available" in done.stdout


def test_a_model_that_retires_within_60_days_is_named_and_no_other() -> None:
    # Half a day later than the whole days, so that the test may take a while.
    now = time.time() + DAY / 2
    listed = rows(
        {"id": "soon", "retires_at": int(now + 30 * DAY)},
        {"id": "later", "retires_at": int(now + 60 * DAY)},
        {"id": "gone", "retires_at": int(now - 2 * DAY), "created": 1e10},
        {"id": "stays", "name": "[bold]\x1b[1m", "created": 9e10},
    )
    with loopback_thread(FakeProvider("vllm", [listed])) as server:
        done = run("models", "--type", "vllm", "--base-url", server.base_url("vllm"))
    assert done.returncode == 0, done.stderr
    first, second = done.stderr.splitlines()
    assert f"soon retires on {day(now + 30 * DAY)}, in 30 days" in first
    assert f"gone was retired on {day(now - 2 * DAY)}" in second
    assert day(now + 60 * DAY) in done.stdout
    assert "[bold]\\x1b[1m" in done.stdout


def test_a_provider_s_error_is_one_line() -> None:
    with loopback_thread(FakeProvider("openai", key="another")) as server:
        where = ("--type", "openai", "--base-url", server.base_url("openai"))
        done = run("models", *where, env={"OPENAI_API_KEY": KEY})
    assert done.returncode == 1
    assert "401" in only_line(done.stderr)
    assert KEY not in done.stderr


def test_a_terminal_gets_a_table_in_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = table_text({"id": "fold", "created": "left"}, [("x" * 60, "2026-01-01")], is_terminal=True)
    assert shown.count("x") == 60
    assert max(map(len, shown.splitlines())) == 40
