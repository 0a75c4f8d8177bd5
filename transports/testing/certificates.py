"""Certificates for the loopback server, sound ones and ones that a client must refuse.

They are made by trustme, which whoever asks for one must have installed.
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
    """Whether trustme is there."""
    return find_spec("trustme") is not None


def make_authority() -> trustme.CA:
    """An authority that nobody trusts yet; `cert_pem` is what a client needs to do so."""
    import trustme  # an extra of its own, which loads a library for cryptography

    return trustme.CA()


def certified(authority: trustme.CA, flaw: Flaw | None = None) -> ssl.SSLContext:
    """A server's context for 127.0.0.1.

    Args:
        authority: signs the certificate, but for the flaw `"unknown-ca"`.
        flaw: what is wrong with it; nothing, where it is `None`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer = make_authority() if flaw == "unknown-ca" else authority
    name = "other.example" if flaw == "wrong-name" else "127.0.0.1"
    ended = _ENDED if flaw == "expired" else None
    began = None if ended is None else ended - datetime.timedelta(1)
    issuer.issue_cert(name, not_before=began, not_after=ended).configure_cert(context)
    return context
