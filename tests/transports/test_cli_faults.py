"""`sansio-llm serve --fault`: the list of faults, those that cannot be had, and one that is served."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sansio import APIConnectionError, Message, ProviderConfig, ProviderError, Role, StreamTruncatedError
from sansio.testing.faults import FAULTS
from tests.transports.command import interrupt, only_line, run, started
from transports import create_sync_provider

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, str]]:
    """What the command says first, and the base URL for the type ollama."""
    with started("serve", "--type", "ollama", *arguments) as process:
        said, address = (process.stdout.readline().decode() for _ in range(2))
        yield said, address.split()[1]
        interrupt(process)
        assert process.returncode == 130
        assert process.stderr.read() == b""


def fail(address: str) -> ProviderError:
    config = ProviderConfig(type="ollama", model="m", base_url=address, max_attempts=1)
    with create_sync_provider(config) as provider, pytest.raises(ProviderError) as caught:
        list(provider.stream([Message(Role.USER, "Hello")]))
    return caught.value


def test_list_names_each_fault_and_what_the_server_does() -> None:
    done = run("serve", "--fault", "list")
    assert (done.returncode, done.stderr) == (0, "")
    told = dict(re.split(r" {2,}", line) for line in done.stdout.splitlines())
    assert told == {fault.name + (":N" if fault.number else ""): fault.about for fault in FAULTS.values()}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("reset-afte", "did you mean reset-before-head or "),
        ("no-such-thing", "did you mean no-content"),
        ("xyz", "'xyz': no such fault; '--fault list' lists them all"),
        ("reset-after:x", "must be a number"),
        ("drip:3", "drip: takes no number"),
        ("tls-expired", "needs a certificate, and none is made here"),
    ],
)
def test_a_fault_that_cannot_be_had_is_a_usage_error(name: str, said: str) -> None:
    done = run("serve", "--fault", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in only_line(done.stderr)


def test_every_answer_has_the_fault() -> None:
    with served("--fault", "close-at-event:3") as (said, address):
        assert "It closes the connection after 3 events of a stream, or half of a whole answer." in said
        for _ in range(2):
            error = fail(address)
            assert isinstance(error, StreamTruncatedError)
            assert error.partial is not None
            assert error.partial.text


def test_a_port_that_refuses() -> None:
    with served("--fault", "refuse") as (_, address):
        error = fail(address)
    assert isinstance(error, APIConnectionError)
    assert "nothing listens there" in error.message


def test_a_port_that_speaks_no_tls() -> None:
    with served("--fault", "tls-plain") as (_, address):
        assert address.startswith("https://127.0.0.1:")
        error = fail(address)
    assert isinstance(error, APIConnectionError)
    assert "does not speak TLS" in error.message
