"""AWS Signature Version 4, pure: the time is an argument.

Source: AWS Identity and Access Management user guide, "Signature Version 4 for API requests".
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

from sansio import ConfigError, Headers, Request, header

_SIGNED = ("content-type", "host", "x-amz-date", "x-amz-security-token")


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of one day, region and service.

    Args:
        date: as `20150830`.
    """
    key = f"AWS4{secret}".encode()
    for step in (date, region, service, "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


def signature_headers(request: Request, key: str, region: str, service: str, now: float) -> Headers:
    """The headers that sign a request.

    Args:
        key: `ACCESS:SECRET`, or `ACCESS:SECRET:TOKEN` for temporary keys.
        now: seconds since the epoch.

    Raises:
        ConfigError: the key has another form.
    """
    access, _, rest = key.partition(":")
    secret, _, token = rest.partition(":")
    if not access or not secret:
        del key, access, secret, rest, token  # a traceback that shows locals must not show them
        raise ConfigError("the key must have the form ACCESS:SECRET", field="api_key_env")
    at = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    added: Headers = (("x-amz-date", at), *((("x-amz-security-token", token),) if token else ()))
    all_headers = (*request.headers, *added)
    signed = [(name, value) for name in _SIGNED if (value := header(all_headers, name)) is not None]
    names = ";".join(name for name, _ in signed)
    path, _, query = request.target.partition("?")
    canonical = [
        request.method,
        quote(path, safe="/~"),  # what is encoded already is encoded once more
        "&".join(sorted(query.split("&"))),
        *(f"{name}:{' '.join(value.split())}" for name, value in signed),
        "",
        names,
        hashlib.sha256(request.body).hexdigest(),
    ]
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}"
    signature = hmac.digest(signing_key(secret, at[:8], region, service), text.encode(), "sha256").hex()
    credential = f"Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return (*added, ("authorization", f"AWS4-HMAC-SHA256 {credential}"))
