"""`sansio-llm serve --fault`: the list of faults, those that cannot be had, and one that is served."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from sansio import APIConnectionError, Message, ProviderConfig, ProviderError, Role, StreamTruncatedError
from sansio.testing.faults import FAULTS
from tests.transports.cli.command import only_line, run
from transports import SocketTransport, create_sync_provider
from transports.cli.serve import served

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


def fail(address: str, transport: SocketTransport | None = None) -> ProviderError:
    config = ProviderConfig(type="ollama", model="m", base_url=address, max_attempts=1)
    with (
        create_sync_provider(config, transport=transport) as provider,
        pytest.raises(ProviderError) as caught,
    ):
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
        ("tls-expired", "'tls-expired' needs '--ca-file'"),
    ],
)
def test_an_unavailable_fault_is_a_usage_error(name: str, said: str) -> None:
    done = run("serve", "--fault", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in only_line(done.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "drip"], "'--ca-file' is only for a '--fault'"),
        ([], "'--ca-file' is only for a '--fault'"),
        (["--fault", "tls-expired"], "cannot be written: "),
    ],
)
def test_an_unusable_file_is_a_usage_error(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run("serve", *arguments, "--ca-file", str(tmp_path / "none" / "ca.pem"))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in only_line(done.stderr)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tls-expired", "its certificate has expired"),
        ("tls-wrong-name", "its certificate is for another address"),
        ("tls-unknown-ca", "its certificate is from an authority that is not trusted here"),
    ],
)
def test_a_certificate_that_a_client_refuses_for_one_reason_alone(
    name: str, said: str, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    with served(fault=name, ca_file=ca_file) as (server, _):
        address = server.base_url("ollama")
        assert address.startswith("https://127.0.0.1:")
        error = fail(address, SocketTransport(ca_file=str(ca_file)))
    assert isinstance(error, APIConnectionError)
    assert said in error.message


def test_an_unknown_authority_needs_no_file() -> None:
    with served(fault="tls-unknown-ca") as (server, _):
        assert "its certificate is from an authority" in fail(server.base_url("ollama")).message


def test_every_answer_has_the_fault() -> None:
    with served(type="ollama", fault="close-at-event:3") as (server, said):
        assert "It closes the connection after 3 events of a stream, or half of a whole answer." in said
        assert [line.split() for line in said.splitlines()[-2:]] == [
            ["ollama", server.base_url("ollama")],
            ["ollama/ollama", server.url],
        ]
        for _ in range(2):
            error = fail(server.base_url("ollama"))
            assert isinstance(error, StreamTruncatedError)
            assert error.partial is not None
            assert error.partial.text


def test_a_port_that_refuses() -> None:
    with served(fault="refuse") as (server, _):
        error = fail(server.base_url("ollama"))
    assert isinstance(error, APIConnectionError)
    assert "nothing listens there" in error.message


def test_a_port_that_speaks_no_tls() -> None:
    with served(fault="tls-plain") as (server, _):
        address = server.base_url("ollama")
        assert address.startswith("https://127.0.0.1:")
        error = fail(address)
    assert isinstance(error, APIConnectionError)
    assert "does not speak TLS" in error.message
