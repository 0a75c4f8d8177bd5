"""What the fake's two wires of Amazon Bedrock's runtime share: frames, errors, and the model in the path.

Sources: the reference of Amazon Bedrock's runtime ("Converse", "InvokeModel"), and recorded traffic.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

import msgspec

from sansio.http import Headers
from sansio.jsontext import JSONObject
from sansio.testing.eventstream import encode_frame
from sansio.testing.script import Failure

_PATH = re.compile(r"/model/([^/]+)/(?:converse|invoke|count-tokens)")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ERROR_TYPES = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    405: "UnknownOperationException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


def model_of(path: str) -> str:
    """The model that a path names; empty if it names none."""
    found = _PATH.search(path)
    return unquote(found[1]) if found else ""


def asks_for_stream(path: str) -> bool:
    """Whether a path is for a streamed answer."""
    return path.endswith("-stream")


def frame(kind: str, record: JSONObject) -> bytes:
    """One event as a frame, padded as Bedrock pads it."""
    payload = msgspec.json.encode(record)
    padding = _LETTERS[: hashlib.sha256(payload).digest()[0] % len(_LETTERS)]
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, msgspec.json.encode({**record, "p": padding}))


def exception(failure: Failure) -> bytes:
    """The failure inside a stream, whose type begins with a small letter there."""
    named = _error_type(failure)
    kind = named[:1].lower() + named[1:]
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return encode_frame(headers, msgspec.json.encode({"message": failure.message}))


def encode_error(failure: Failure, request_id: str) -> JSONObject:
    """The failure as Bedrock's JSON object; its type is in a header (`error_headers`)."""
    return {"message": failure.message}


def error_headers(failure: Failure, request_id: str) -> Headers:
    """The headers of an error status: its type, and the request's id."""
    kind = f"{_error_type(failure)}:http://internal.amazon.com/coral/"
    return ("x-amzn-errortype", kind), ("x-amzn-requestid", request_id)


def _error_type(failure: Failure) -> str:
    usual = "InternalServerException" if failure.status >= 500 else "ValidationException"
    return failure.error_type or _ERROR_TYPES.get(failure.status, usual)
