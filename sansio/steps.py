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
    """A request was sent."""

    endpoint: str
    payload: JSONObject


class ResponseRecord(Struct, frozen=True):
    """A whole response, or the body of an error, was received."""

    status: int
    body: JSONObject


class ChunkRecord(Struct, frozen=True):
    """One frame of a stream was received."""

    chunk: JSONObject


Record: TypeAlias = RequestRecord | ResponseRecord | ChunkRecord
