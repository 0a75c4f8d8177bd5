"""The steps that a call asks its driver to do, and the records that it makes for raw logs."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from sansio.http import Request
from sansio.jsontext import JSONObject


class Send(Struct, frozen=True):
    """The step to open an exchange and send a request.

    Args:
        request: the request; the driver signs it with `Provider.authorize`.
        fresh: whether the exchange must use a new connection.
    """

    request: Request
    fresh: bool = False


class Wait(Struct, frozen=True, gc=False):
    """The step to wait before the next one.

    Args:
        seconds: how long to wait.
    """

    seconds: float


Step: TypeAlias = Send | Wait


class RequestRecord(Struct, frozen=True):
    """A record of a request that was sent.

    Args:
        endpoint: the URL, which never contains the key.
        payload: the JSON of the body; empty if the request has no body.
    """

    endpoint: str
    payload: JSONObject


class ResponseRecord(Struct, frozen=True):
    """A record of a whole response, or of the body of an error.

    Args:
        status: the HTTP status.
        body: the JSON of the body; `{"text": ...}` if the body is not a JSON object, and `{}` if it is read
            line by line.
    """

    status: int
    body: JSONObject


class ChunkRecord(Struct, frozen=True):
    """A record of one frame of a stream.

    Args:
        chunk: the JSON of the frame; `{"text": ...}` if the frame is not a JSON object.
    """

    chunk: JSONObject


Record: TypeAlias = RequestRecord | ResponseRecord | ChunkRecord
