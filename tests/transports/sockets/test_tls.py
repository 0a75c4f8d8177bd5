"""Which certificates a transport trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from sansio.errors import ConfigError
from sansio.http import Request
from transports.sockets.tls import Trust

ORIGIN = ("https", "api.example", 443)
REQUEST = Request.post("http://localhost/v1", (), b"{}")


def test_trust_takes_a_context_or_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="only one of them") as caught:
        Trust(ssl.create_default_context(), str(tmp_path / "ca.pem"))
    assert caught.value.field == "ca_file"


def test_trust_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ConfigError, match=name) as caught:
            Trust(None, str(tmp_path / name))
        assert caught.value.field == "ca_file"


def test_trust_adds_the_file_to_the_authorities_of_the_system(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    own, system = Trust(None, str(tmp_path / "ca.pem")).context, Trust().context
    assert own.cert_store_stats()["x509_ca"] == system.cert_store_stats()["x509_ca"] + 1
    for context in (own, system):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_trust_makes_its_context_once() -> None:
    trust = Trust()
    assert trust.context is trust.context
