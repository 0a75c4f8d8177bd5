"""Passes the records of what was sent and received to a raw log."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import assert_never

from sansio.errors import ConfigError
from sansio.steps import ChunkRecord, Record, RequestRecord, ResponseRecord
from transports.driving.keys import Secret, clean_json
from transports.interface import RawLog

_METHODS = ("on_request", "on_response", "on_chunk")


def check_raw_log(raw_log: RawLog | None) -> RawLog | None:
    """Check that an object has the methods of a raw log, and return it.

    Raises:
        ConfigError: a method is missing, or is async: nothing would await it, so it would never run.
    """
    for name in _METHODS if raw_log is not None else ():
        method = getattr(raw_log, name, None)
        if not callable(method):
            raise ConfigError(
                f"raw_log: {type(raw_log).__name__} has no method {name}; it needs {', '.join(_METHODS)}",
                field="raw_log",
            )
        if iscoroutinefunction(method) or iscoroutinefunction(type(method).__call__):
            raise ConfigError(
                f"raw_log: {name} is async, and would never run; make it a plain function, which may start "
                "a task or put the record into a queue",
                field="raw_log",
            )
    return raw_log


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
