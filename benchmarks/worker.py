"""Contenders in separate processes: none pays for what another has imported or keeps alive.

A worker receives a case and a contender, then any number of requests to run, as JSON lines on its standard
input. It writes one reply to each on its original standard output.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO

import msgspec
from msgspec import Struct

from benchmarks.measure import Case, CaseResult, Contender, Metrics, Run, SkippedError, interleave, pin
from benchmarks.rows import row


class Prepare(Struct, frozen=True, tag="prepare"):
    """Make a contender ready for a case."""

    case: Case
    contender: Contender


class Go(Struct, frozen=True, tag="go"):
    """Run the contender once."""


class Reply(Struct, frozen=True):
    """The reply to a request.

    Args:
        metrics: what a run measured.
        skipped: why the contender cannot take part.
    """

    metrics: Metrics = {}
    skipped: str | None = None


class Worker:
    """One worker process, as seen by the measuring process.

    Args:
        python: its interpreter, with the packages that the contender needs.
        under: a command that runs the interpreter, such as `("valgrind",)`.
    """

    def __init__(self, python: str = sys.executable, under: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*under, python, "-W", "ignore", "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # The order of sets and dicts must not differ between two runs that are compared.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )

    def prepare(self, case: Case, contender: Contender) -> None:
        """Make a contender ready.

        Raises:
            SkippedError: it cannot take part.
            RuntimeError: the process has ended; its traceback went to the standard error.
        """
        self._ask(Prepare(case, contender))

    def run(self) -> Metrics:
        """Run the contender once; raises as `prepare`."""
        return self._ask(Go())

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()

    def _ask(self, command: Prepare | Go) -> Metrics:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(msgspec.json.encode(command) + b"\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended, and so has its output
        line = stdout.readline()
        if not line:
            raise RuntimeError("a benchmark's process ended before its work: see its traceback above")
        reply = msgspec.json.decode(line, type=Reply)
        if reply.skipped is not None:
            raise SkippedError(reply.skipped)
        return reply.metrics


class Workers:
    """The workers of one row, one for each contender, started when they are needed.

    Args:
        pythons: other interpreters for some peers, by the peer's import name.
    """

    def __init__(self, pythons: Mapping[str, str]) -> None:
        self._pythons = pythons
        self._workers: dict[str, Worker] = {}
        self._stack = ExitStack()

    def measure(self, case: Case) -> CaseResult:
        """Run all contenders of a case in turn."""
        runs: dict[str, Run] = {}
        skipped: dict[str, str] = {}
        for contender in case.contenders:
            if case.fresh:
                runs[contender.name] = self._fresh_run(case, contender)
                continue
            worker = self._worker(contender)
            try:
                worker.prepare(case, contender)
            except SkippedError as error:
                skipped[contender.name] = str(error)
            else:
                runs[contender.name] = worker.run
        return interleave(case, runs, skipped)

    def close(self) -> None:
        """End them all."""
        self._stack.close()
        self._workers.clear()

    def _worker(self, contender: Contender) -> Worker:
        worker = self._workers.get(contender.name)
        if worker is None:
            worker = self._workers[contender.name] = self._start(contender)
            self._stack.callback(worker.close)
        return worker

    def _fresh_run(self, case: Case, contender: Contender) -> Run:
        def run() -> Metrics:
            worker = self._start(contender)
            try:
                worker.prepare(case, contender)
                return worker.run()
            finally:
                worker.close()

        return run

    def _start(self, contender: Contender) -> Worker:
        return Worker(self._pythons.get(contender.peer, sys.executable))


@contextmanager
def workers(pythons: Mapping[str, str]) -> Iterator[Workers]:
    """Workers for one row, ended with the block."""
    made = Workers(pythons)
    try:
        yield made
    finally:
        made.close()


def _serve(commands: IO[bytes], replies: IO[bytes]) -> None:
    decoder = msgspec.json.Decoder(Prepare | Go)
    contender = Contender("")
    run: Run | None = None
    for line in commands:
        try:
            match decoder.decode(line):
                case Prepare(case=case, contender=contender):
                    run = row(case.row).prepare(case, contender)
                    reply = Reply()
                case Go():
                    assert run is not None, "a worker must be prepared before it runs"
                    reply = Reply(run())
        except SkippedError as error:
            reply = Reply(skipped=str(error))
        except Exception as error:
            if not contender.peer:
                raise
            # A peer that fails or gives a wrong answer must not end the run of the others.
            reply = Reply(skipped=f"failed: {type(error).__name__}: {error}"[:500])
        replies.write(msgspec.json.encode(reply) + b"\n")
        replies.flush()


if __name__ == "__main__":
    pin(0)
    with os.fdopen(os.dup(1), "wb") as channel:
        os.dup2(2, 1)  # what libraries print must not get between the replies
        _serve(sys.stdin.buffer, channel)
