"""Streams over HTTP/2, all on one connection with TLS, from a server process."""

from __future__ import annotations

from msgspec.structs import replace

from benchmarks import end_to_end
from benchmarks.clients import http2_contenders
from benchmarks.measure import Case, Row, Scale

_COUNTS = (1, 50)
_MODES = ("bursts", "paced")


def _cases(scale: Scale) -> list[Case]:
    return [
        replace(case, row="http2", contenders=http2_contenders())
        for case in end_to_end.ROW.cases(scale)
        if case.text("mode") in _MODES and case.number("streams") in _COUNTS
    ]


ROW = Row("streams over HTTP/2, all on one connection", _cases, end_to_end.ROW.prepare, served="h2")
