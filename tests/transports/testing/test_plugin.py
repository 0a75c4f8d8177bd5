"""The pytest plugin: tapes that are recorded and replayed, and the fake provider."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sansio import APIConnectionError, ProviderConfig
from sansio.testing import Answer
from sansio.testing.tape import read_tape
from tests.snippets import ROOT, blocks, section
from transports import AnyioTransport, SocketTransport, create_sync_provider
from transports.testing import plugin
from transports.testing.fixtures import FakeProviderFixture

pytest_plugins = ("pytester",)

PAGE = (ROOT / "docs" / "tapes.md").read_text("utf-8")
MEMORY = """
import pytest

from sansio.testing import FakeProvider
from transports import MemoryTransport, SyncMemoryTransport


@pytest.fixture
def llm_inner_transport():
    return MemoryTransport(FakeProvider())


@pytest.fixture
def llm_inner_sync_transport():
    return SyncMemoryTransport(FakeProvider())
"""
OTHERS = """
import os

import anyio
import pytest

from sansio import ProviderConfig
from transports import create_provider, create_sync_provider

CONFIG = ProviderConfig(type="openai", model="gpt-5.4")


@pytest.mark.parametrize("number", [3, 4])
def test_by_its_name(llm_tape, number):
    async def ask():
        key = llm_tape.api_key
        async with create_provider(CONFIG, transport=llm_tape.transport, api_key=key) as provider:
            return (await provider.complete(f"What is {number} + 0?")).text

    assert str(number) in anyio.run(ask)
    with pytest.raises(RuntimeError, match="not both"):
        llm_tape.sync_transport


def test_that_fails(llm_tape):
    key = llm_tape.api_key
    with create_sync_provider(CONFIG, transport=llm_tape.sync_transport, api_key=key) as provider:
        provider.complete("Hi")
    assert not llm_tape.recording


@pytest.mark.llm_tape("sum.jsonl")
def test_that_asks_something_else(llm_tape):
    if not llm_tape.recording:
        with create_sync_provider(CONFIG, transport=llm_tape.sync_transport, api_key="any-key") as provider:
            provider.complete(os.environ.get("ASKED", "What is 2 + 3?"))


@pytest.mark.llm_tape("sum.jsonl")
def test_that_asks_nothing(llm_tape):
    assert llm_tape.recording or llm_tape.transport.remaining
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose tests are those of the page, and others."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    page = "\n".join(source for _, source in blocks("python", section("Tests with pytest", PAGE)))
    pytester.makeconftest(MEMORY)
    pytester.makepyfile(test_page=page, test_others=OTHERS)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_inprocess("-p", "transports.testing.plugin", "-p", "no:cacheprovider", *arguments)


def test_tapes_are_recorded_once_and_then_replayed_without_a_key(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = run(suite, "test_others.py", "-k", "fails")
    missing.assert_outcomes(errors=1)
    missing.stdout.fnmatch_lines(
        ["*there is no tape *test_that_fails.jsonl; record it with --llm-record=once"]
    )

    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-key-of-a-person")
    run(suite, "--llm-record=once").assert_outcomes(passed=7, failed=1)
    tapes = suite.path / "tapes"
    recorded = {str(path.relative_to(tapes)): path.read_bytes() for path in tapes.rglob("*.jsonl*")}
    assert set(recorded) == {
        "sum.jsonl",
        str(Path("test_others", "test_by_its_name-3.jsonl")),
        str(Path("test_others", "test_by_its_name-4.jsonl")),
        str(Path("test_others", "test_that_fails.jsonl.new")),
    }
    assert not any(b"sk-the-real-key" in data for data in recorded.values())

    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("ASKED", "Something else")
    replayed = run(suite, "--llm-replay-cuts=byte", "--llm-record=none")
    # The tape that was not kept is missing, and one test passes but leaves its tape unused.
    replayed.assert_outcomes(passed=6, failed=1, errors=2)
    text = replayed.stdout.str()
    assert 'the tape has "What is 2 + 3?", the request has "Something else"' in text
    assert "did not use all exchanges of its tape" in text
    for name, data in recorded.items():
        assert (tapes / name).read_bytes() == data


def test_all_records_what_is_there_already(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-key-of-a-person")
    tape = suite.path / "tapes" / "sum.jsonl"
    tape.parent.mkdir()
    tape.write_text("no tape\n")
    tape.with_name("sum.jsonl.new").write_text("from an earlier run\n")
    run(suite, "--llm-record=all", "-k", "test_the_sum").assert_outcomes(passed=1, deselected=8 - 1)
    (exchange,) = read_tape(tape.read_bytes()).exchanges
    assert exchange.complete
    assert not tape.with_name("sum.jsonl.new").exists()


def test_the_project_declares_the_plugin() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][
        "pytest11"
    ]
    ((name, value),) = declared.items()
    assert EntryPoint(name, value, "pytest11").load() is plugin


def test_tapes_are_recorded_over_sockets_where_nothing_else_is_said() -> None:
    inner, sync_inner = (
        getattr(fixture, "__wrapped__", None) or fixture._get_wrapped_function()
        for fixture in (plugin.llm_inner_transport, plugin.llm_inner_sync_transport)
    )
    assert isinstance(inner(), AnyioTransport)
    assert isinstance(sync_inner(), SocketTransport)


@pytest.fixture
def fake() -> Iterator[FakeProviderFixture]:
    """What `fake_provider` gives."""
    given = FakeProviderFixture()
    yield given
    given.close()


def test_the_fake_provider_answers_in_memory_and_over_a_socket_and_fails_as_it_is_told(
    fake: FakeProviderFixture,
) -> None:
    config = ProviderConfig(type="openai", model="m", max_attempts=1)
    fake.answer("One", Answer(text="Two"))
    with create_sync_provider(config, transport=fake.sync_transport, api_key="any-key") as provider:
        assert provider.complete("Hi").text == "One"
    served = fake.config("openai", max_attempts=1)
    with create_sync_provider(served, api_key="any-key") as provider:
        assert provider.complete("Hi").text == "Two"
        fake.fault = "close-before-head"
        with pytest.raises(APIConnectionError, match="before it answered"):
            provider.complete("Hi")
    assert [payload["model"] for payload in fake.payloads[:3]] == ["m", served.model, served.model]
    fake.fault = "refuse"
    with (
        create_sync_provider(fake.config("openai", max_attempts=1), api_key="any-key") as provider,
        pytest.raises(APIConnectionError, match="nothing listens there"),
    ):
        provider.complete("Hi")
    with pytest.raises(ValueError, match="there is no TLS"):
        _ = fake.ssl_context
    with pytest.raises(ValueError, match="no such fault"):
        fake.fault = "refused-softly"


def test_a_fault_of_the_certificate_is_served_with_one(fake: FakeProviderFixture) -> None:
    pytest.importorskip("trustme")
    fake.fault = "tls-wrong-name"
    trusting = SocketTransport(ssl_context=fake.ssl_context)
    with (
        create_sync_provider(fake.config("openai"), transport=trusting, api_key="any-key") as provider,
        pytest.raises(APIConnectionError, match="certificate is for another"),
    ):
        provider.complete("Hi")
    trusting.close()
    fake.fault = None
    assert fake.server.url.startswith("http://")
