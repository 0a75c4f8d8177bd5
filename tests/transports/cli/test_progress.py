"""The bar of `sansio-llm batch`: rows, rate, tokens, failures and the time left, on a terminal alone."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from unittest.mock import patch

import pytest

from transports.bulk.files.rows import Source
from transports.bulk.files.run import Progress
from transports.cli.progress import shown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo-terminals")

SOURCE = Source("p.jsonl", 100, "0" * 64, 4_000)
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Standard error as a terminal, and what it has shown, which is known after its end."""
    import pty

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    master, slave = pty.openpty()
    seen = bytearray()

    def read() -> None:
        try:
            while data := os.read(master, 65_536):
                seen.extend(data)
        except OSError:  # the other side is closed
            pass

    reader = Thread(target=read)
    reader.start()
    try:
        with os.fdopen(slave, "w", encoding="utf-8") as stream, patch.object(sys, "stderr", stream):
            yield lambda: _CONTROLS.sub("", seen.decode())
    finally:
        reader.join()
        os.close(master)


def test_a_terminal_shows_rows_rate_tokens_failures_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal(monkeypatch) as seen, shown(SOURCE) as show:
        for rows in range(0, 3_000, 100):
            show(Progress(answered=rows, failed=7, input_tokens=1_000, output_tokens=rows))
    text = seen()
    assert re.search(r"\d+/4000\b", text)
    assert "2907/4000" in text
    assert re.search(r"\d\.\d rows/s", text)
    assert "3,900 tokens, 7 failed" in text
    assert re.search(r"\d:\d\d:\d\d", text)


def test_an_input_of_unknown_length_has_no_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as seen, shown(None) as show:
        show(Progress(answered=5, output_tokens=9))
    assert "5/?" in seen()
    assert "9 tokens, 0 failed" in seen()


def test_nothing_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for stream in (sys.stderr, None):
        with patch.object(sys, "stderr", stream), shown(SOURCE) as show:
            show(Progress(answered=1))
    assert capsys.readouterr() == ("", "")
