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


BOTOCORES = [
    ("/example/", "84fd7cf62093ec942c0fbedafb172c5767e59ec03beff85f3fde389d833304f1"),
    ("/example", "1b502c0a1f744cbcc4aa50636cde1d8d91eb78ca6a9e6410be2babb4b6d21156"),
    ("/./example", "1b502c0a1f744cbcc4aa50636cde1d8d91eb78ca6a9e6410be2babb4b6d21156"),
    ("/a//b", "885ecd979f5b5a0ec826c11e3d0266e45d305982a6f5539ae0c0b0f7100afe7d"),
    ("/a/b/.", "885ecd979f5b5a0ec826c11e3d0266e45d305982a6f5539ae0c0b0f7100afe7d"),
    ("/a/b/", "ca895fe052888dec051cc48db55577fdb60632a8e83cfaef2dfa44abbee3aac8"),
    ("/a/./b/..", "32620aa7ba5447c262791ab34311d3b4e515b763375940b33ce7408725482bfb"),
    ("/a/../../b", "2982da8be162c4ffa440b6309e9579a003d1ce1dd3baf7a53b7f716e55447ef0"),
    ("/model/eu.x%3A0/converse", "8cb0cd1473319109e51d769f8dc2d948bc8994d9fab7fe1c57ed26478014c33f"),
    ("/~a-b_c.d", "32c7016c2a1ff6576fda6b2891ba2798f0fea46057fb7045280d1404477ea6a8"),
    ("/x?", "c9f2858658d6bae194082770db381a778bee3302cd37d01888f9372cf3f95dfa"),
    ("/?b=2&a=1", "4a12e99dc43719a07cbe0a5c29154703136ee7a72cb7ec8a22e187d1d558a4c3"),
    ("/?a=2&a=1", "4356a011c1d8808ee22e5dc3cf19569ef46cee9348652e15ff346774b7901c49"),
    ("/?a", "de185b2c59cb8c6b4c858f619237703cd81f30ad57e5a967e99a3217e4c2af5c"),
    ("/?a=b=c&a!=1", "2575a45d8511437986fa1145ed92328426f221f81540c56578566365308eb9f6"),
    ("/?A=1&a=1", "4a0696f4ecce750ea400455ff80c669973efbf11a8bb152826c83498930e8241"),
    ("/?a=&b=%20", "6e7114ea80535d8e2224da79095982c8d57ff0047568d22791630400cb0b15e3"),
]
"""Targets of requests with a body, and what botocore 1.44.8 signs for them."""


@for_each(BOTOCORES)
def test_a_signature_is_the_one_that_botocore_makes(vector: tuple[str, str]) -> None:
    target, signature = vector
    asked = request_of("POST", target, ("content-type", "application/json"), body=b'{"a":1}')
    assert signature_of(asked) == ("content-type;host;x-amz-date", signature)


UNSIGNED = (
    "accept-encoding", "Authorization", "Connection", "content-length", "Expect", "TE", "transfer-encoding",
    "upgrade", "User-Agent", "X-Amzn-Trace-Id",
)  # fmt: skip


@for_each(UNSIGNED)
def test_a_header_of_one_connection_or_of_a_proxy_is_sent_unsigned(name: str) -> None:
    plain = signature_of(request_of("POST", "/"))
    assert signature_of(request_of("POST", "/", (name, "x"))) == plain
    assert signature_of(request_of("POST", "/", (f"{name}-x", "x"))) != plain


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
