"""AWS's signatures: vectors of the test suite that AWS publishes, and what a signature depends on."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import Credentials, Request, header
from sansio.signing import sign
from sansio.times import basic_time, read_basic_time
from tests.support import for_each

KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
"""The keys of AWS's own examples."""
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
HOST = (("host", "example.amazonaws.com"),)
SUITE = os.environ.get("SANSIO_AWS4_SUITE", "")
"""The folder `tests/unit/auth/aws4_testsuite` of botocore's source distribution."""


def request_of(method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Request:
    return Request(method, "https", "example.amazonaws.com", 443, target, (*headers, *HOST), body)


def signature_of(request: Request, keys: Credentials = KEYS) -> tuple[str, str]:
    """The names of the headers that are signed, and the signature."""
    signed = sign(request, keys, region="us-east-1", service="service", now=NOW)
    assert header(signed.headers, "x-amz-date") == "20150830T123600Z"
    value = header(signed.headers, "authorization")
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        r"SignedHeaders=(.*), Signature=([0-9a-f]{64})",
        value or "",
    )
    assert found is not None, value
    return found[1], found[2]


VECTORS = [
    ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("GET", "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("GET", "//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    (
        "GET",
        "/?Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
]


@for_each(VECTORS)
def test_a_signature_is_the_one_that_aws_publishes(vector: tuple[str, str, str]) -> None:
    method, target, signature = vector
    assert signature_of(request_of(method, target)) == ("host;x-amz-date", signature)


def test_equal_headers_are_a_list_and_runs_of_spaces_count_as_one() -> None:
    values = ("value2", "value2", "value1")
    listed = request_of("GET", "/", *[("My-Header1", value) for value in values])
    names, signature = signature_of(listed)
    assert (names, signature) == (
        "host;my-header1;x-amz-date",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    )
    assert signature_of(request_of("GET", "/", ("my-header1", " value2,value2,value1 "))) == (
        names,
        signature,
    )
    spaced = signature_of(request_of("GET", "/", ("a", "b   c")))
    assert spaced == signature_of(request_of("GET", "/", ("a", " b c ")))


def test_a_session_token_is_sent_and_signed() -> None:
    keys = Credentials(KEYS.access_key_id, KEYS.secret_access_key, "token")
    signed = sign(request_of("GET", "/"), keys, region="us-east-1", service="service", now=NOW)
    assert header(signed.headers, "x-amz-security-token") == "token"
    assert signature_of(request_of("GET", "/"), keys)[0] == "host;x-amz-date;x-amz-security-token"


def test_what_a_proxy_may_change_is_not_signed_and_an_old_signature_is_replaced() -> None:
    plain = signature_of(request_of("GET", "/"))
    changing = (("User-Agent", "x"), ("accept-encoding", "identity"), ("connection", "close"))
    assert signature_of(request_of("GET", "/", *changing)) == plain
    again = sign(
        sign(request_of("GET", "/"), KEYS, region="eu-west-1", service="other", now=NOW + 1),
        KEYS,
        region="us-east-1",
        service="service",
        now=NOW,
    )
    assert [name for name, _ in again.headers] == ["host", "x-amz-date", "authorization"]
    assert plain[1] in str(header(again.headers, "authorization"))


@given(st.integers(0, 253_402_300_799))
def test_a_moment_in_the_basic_form_is_read_back(seconds: int) -> None:
    text = basic_time(seconds)
    assert text == datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ").zfill(16)
    assert read_basic_time(text) == seconds
    assert basic_time(seconds + 0.9) == text
    assert read_basic_time(text[:-1]) is None


# Judges.


def suite() -> Iterator[Path]:
    return (path for path in sorted(Path(SUITE).rglob("*.req")) if SUITE)


def read_case(path: Path) -> tuple[Request, Credentials]:
    """A request of the suite, as our requests are: its target in ASCII, its headers not folded."""
    head, _, body = path.read_text("utf-8").replace("\r\n", "\n").partition("\n\n")
    first, *lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
    method, _, rest = first.partition(" ")
    target, _, _ = rest.rpartition(" ")
    headers = [tuple(line.split(":", 1)) for line in lines if line]
    given = tuple((name, value) for name, value in headers if name.lower() != "x-amz-date")
    found = re.search(
        r"^x-amz-security-token:(.*)$", path.with_suffix(".creq").read_text("utf-8"), re.MULTILINE
    )
    token = found[1] if found else None
    known = tuple(pair for pair in given if pair[0].lower() != "x-amz-security-token")
    place, _, query = target.partition("?")
    # The suite encodes once what our targets have encoded already, and `sign` encodes again.
    ascii_target = place + (f"?{quote(query, safe='=&%-_.~+/')}" if query else "")
    request = Request(method, "https", "example.amazonaws.com", 443, ascii_target, known, body.encode())
    return request, Credentials(KEYS.access_key_id, KEYS.secret_access_key, token)


@pytest.mark.judges
@pytest.mark.skipif(not SUITE, reason="SANSIO_AWS4_SUITE names no folder of botocore's source distribution")
def test_the_whole_suite_of_aws() -> None:
    cases = list(suite())
    assert len(cases) > 30
    different = []
    for path in cases:
        request, keys = read_case(path)
        signed = sign(request, keys, region="us-east-1", service="service", now=NOW)
        wanted = path.with_suffix(".authz").read_text("utf-8").strip()
        found = header(signed.headers, "authorization")
        if found != wanted:
            different.append(path.stem)
    assert different == []


@pytest.mark.judges
@given(
    path=st.lists(st.text(min_size=1, max_size=8).filter(lambda s: s not in (".", "..")), max_size=3),
    query=st.dictionaries(st.text("abc", min_size=1), st.text("xyz%", max_size=3), max_size=3),
    body=st.binary(max_size=20),
)
def test_botocore_gives_the_same_signature(path: list[str], query: dict[str, str], body: bytes) -> None:
    try:
        auth = importlib.import_module("botocore.auth")
        requests = importlib.import_module("botocore.awsrequest")
        credentials = importlib.import_module("botocore.credentials")
    except ImportError:
        pytest.skip("botocore is not installed: pip install 'sansio-llm[judges]'")
    target = "/" + "/".join(quote(step, safe="") for step in path)
    if query:
        target += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    ours = sign(
        msgspec.structs.replace(request_of("POST", target, ("content-type", "application/json")), body=body),
        KEYS,
        region="us-east-1",
        service="bedrock",
        now=NOW,
    )
    theirs = requests.AWSRequest(
        "POST", f"https://example.amazonaws.com{target}", {"content-type": "application/json"}, body
    )
    theirs.context["timestamp"] = "20150830T123600Z"
    signer = auth.SigV4Auth(
        credentials.Credentials(KEYS.access_key_id, KEYS.secret_access_key), "bedrock", "us-east-1"
    )
    theirs.headers["X-Amz-Date"] = "20150830T123600Z"
    text = signer.string_to_sign(theirs, signer.canonical_request(theirs))
    assert signer.signature(text, theirs) in str(header(ours.headers, "authorization"))
