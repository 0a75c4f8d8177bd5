"""Passes to a raw log what was sent and received."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from sansio.steps import ChunkRecord, Record, RequestRecord, ResponseRecord
from transports.driving.keys import Secret, clean_json
from transports.interface import RawLog


def dispatch(records: Iterable[Record], raw_log: RawLog, secret: Secret | None) -> None:
    """Pass each record to the log as new plain dicts, with the key masked.

    Args:
        secret: the key of the attempt. A server may have echoed it.
    """
    for record in records:
        match record:
            case RequestRecord(endpoint=endpoint, payload=payload):
                raw_log.on_request(endpoint, clean_json(payload, secret))
            case ResponseRecord(status=status, body=body):
                # An error's body is read up to a limit only, which may lie inside an echoed key.
                raw_log.on_response(status, clean_json(body, secret, cut=not 200 <= status < 300))
            case ChunkRecord(chunk=chunk):
                raw_log.on_chunk(clean_json(chunk, secret))
            case _:
                assert_never(record)
