"""AWS Signature Version 4: a request, credentials and a time in, the signed request out.

Source: AWS's reference "Signature Version 4 signing process" (IAM user guide, "Create a signed AWS API
request"), and the test suite that AWS publishes for it.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from msgspec import structs

from sansio.credentials import Credentials
from sansio.http.messages import Headers, Request
from sansio.times import basic_time

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    )
)
"""Headers that are about one connection, and those that a transport or a proxy may add or change."""


def sign(request: Request, credentials: Credentials, *, region: str, service: str, now: float) -> Request:
    """Sign a request. The signature is valid for five minutes before and after a time.

    Args:
        request: the complete request. What is signed must not change afterwards. A signature that it has is
            replaced.
        credentials: the keys to sign with.
        region: AWS's name of the region, such as `"eu-west-1"`.
        service: AWS's name of the service, such as `"bedrock"`.
        now: wall-clock seconds since the epoch.
    """
    at = basic_time(now)
    added = [("x-amz-date", at)]
    if credentials.session_token is not None:
        added.append(("x-amz-security-token", credentials.session_token))
    replaced = {"authorization", *(name for name, _ in added)}
    kept = [(name, value) for name, value in request.headers if name.lower() not in replaced]
    headers = (*kept, *added)
    signed = _signed_headers(headers)
    names = ";".join(signed)
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    asked = _hash(_canonical(request, signed).encode("latin-1"))
    signature = _signature(credentials, scope, f"{_ALGORITHM}\n{at}\n{scope}\n{asked}")
    value = f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, "
    return structs.replace(request, headers=(*headers, ("authorization", f"{value}Signature={signature}")))


def _canonical(request: Request, signed: dict[str, str]) -> str:
    path, _, query = request.target.partition("?")
    lines = [f"{name}:{value}\n" for name, value in signed.items()]
    return "\n".join(
        (
            request.method,
            _canonical_path(path),
            _canonical_query(query),
            "".join(lines),
            ";".join(signed),
            _hash(request.body),
        )
    )


def _canonical_path(path: str) -> str:
    """The path without `.` and `..`, encoded a second time: all services except S3 require that."""
    from urllib.parse import quote  # loaded with the first request that is signed

    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    # A slash at the end is kept; one that only a dot step leaves there is not, as in botocore.
    end = "/" if steps and path.endswith("/") else ""
    return quote(f"/{'/'.join(steps)}{end}")


def _canonical_query(query: str) -> str:
    """The query, sorted by names and values. It is encoded already."""
    pairs = [tuple(pair.partition("=")[::2]) for pair in query.split("&") if pair]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _signed_headers(headers: Headers) -> dict[str, str]:
    """The headers that are signed, sorted by name. Runs of spaces become one space, and values of the same
    name are joined with commas."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower() not in _UNSIGNED:
            found.setdefault(name.lower(), []).append(" ".join(value.split()))
    return {name: ",".join(found[name]) for name in sorted(found)}


def _signature(credentials: Credentials, scope: str, text: str) -> str:
    signature = f"AWS4{credentials.secret_access_key}".encode()
    for step in (*scope.split("/"), text):
        signature = hmac.digest(signature, step.encode(), "sha256")
    return signature.hex()


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()
