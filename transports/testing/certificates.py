"""Certificates for the loopback server: valid ones, and ones that a client must refuse.

trustme makes them; it must be installed.
"""

from __future__ import annotations

import datetime
import ssl
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sansio.testing.faults import Flaw

if TYPE_CHECKING:
    import trustme

_ENDED = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def can_certify() -> bool:
    """Whether trustme is installed."""
    return find_spec("trustme") is not None


def make_authority() -> trustme.CA:
    """A new authority. A client trusts it with its `cert_pem`."""
    import trustme  # lazily: an extra, which imports a cryptography library

    return trustme.CA()


def certified(authority: trustme.CA, flaw: Flaw | None = None) -> ssl.SSLContext:
    """A server's context for 127.0.0.1.

    Args:
        authority: signs the certificate, except with the flaw `"unknown-ca"`.
        flaw: what is wrong with it; `None` for nothing.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer = make_authority() if flaw == "unknown-ca" else authority
    name = "other.example" if flaw == "wrong-name" else "127.0.0.1"
    ended = _ENDED if flaw == "expired" else None
    began = None if ended is None else ended - datetime.timedelta(1)
    issuer.issue_cert(name, not_before=began, not_after=ended).configure_cert(context)
    return context
