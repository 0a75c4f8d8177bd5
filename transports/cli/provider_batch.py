"""`sansio-llm batch --provider-batch`: a batch that the provider answers within a day.

The command runs once to submit the rows, any number of times to show the status, and once to fetch the
answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import anyio
import typer

from sansio import BatchPart, BatchState, ConfigError
from transports.bulk.files.journal import Journal
from transports.bulk.files.later import LaterBatch
from transports.bulk.files.rows import BadRow, Source
from transports.cli.progress import shown
from transports.cli.terminal import counted, tell

NONE = "none"
_MOST_IDS = 3


class Visit(Enum):
    """What one run of the command does with the provider's batches."""

    SUBMIT = "submit"
    STATUS = "status"
    FETCH = "fetch"


def check_alone(is_real: bool, limits: Mapping[str, float | None]) -> None:
    """Refuse options that do not apply to a provider's batches.

    Args:
        is_real: whether a real provider is chosen.
        limits: the options that only limit calls, with the value given for each; `None` if none was.

    Raises:
        ConfigError: no real provider is chosen.
        typer.BadParameter: one of the limits was given.
    """
    if not is_real:
        raise ConfigError(
            "--provider-batch needs a provider that keeps batches when this command has ended; choose a real "
            "one with --type and its key, or run `sansio-llm serve` and give its --base-url",
            field="type",
        )
    for name, value in limits.items():
        if value is not None:
            raise typer.BadParameter("does not apply to a provider's batch; leave it out", param_hint=name)


def check_there(visit: Visit | None, output: Path) -> bool:
    """Whether a visit continues an output. That output must exist, so that a mistyped name creates no files.

    Raises:
        ConfigError: the output does not exist.
    """
    if visit is None or visit is Visit.SUBMIT:
        return False
    if not output.exists():
        raise _nothing(output)
    return True


def check_visit(visit: Visit | None, journal: Journal, *, made: str | None, resume: bool) -> None:
    """Check what was submitted for an output before anything is sent or written.

    Args:
        visit: what the run does; `None` sends the rows as calls.
        journal: the output's journal.
        made: the id of the batch that was being made when a submission broke off, or `NONE` if it was not
            made.
        resume: whether to continue the output.

    Raises:
        ConfigError: rows would be paid for twice, or nothing was submitted.
        InvalidRequestError: `made` is given, but no batch was being made.
    """
    output, submission = journal.path, journal.submission
    if made is not None:
        if submission is None:
            raise ConfigError(f"{output}: nothing was submitted for it, so leave --made out", field="made")
        journal.keep(submission.state.made(None if made == NONE else made))
        submission = journal.submission
    if submission is None:
        if visit in (Visit.STATUS, Visit.FETCH):
            raise _nothing(output)
        return
    state = submission.state
    if (part := state.making) is not None:
        raise ConfigError(
            f"{output}: the submission broke off while the provider made a batch of {_of(part)}; "
            f"{_known(state)}. Look at the provider's list of batches: if that batch is there, give --made "
            f"with its id, otherwise --made {NONE}. Until then, nothing is submitted or fetched",
            field="output",
        )
    if visit in (Visit.STATUS, Visit.FETCH) or submission.fetched or not state.parts:
        return
    if visit is None:
        raise ConfigError(
            f"{output} waits for the provider's batches: {_known(state)}. Fetch their answers first, with "
            "--provider-batch fetch; otherwise you would pay for its rows twice",
            field="output",
        )
    if state.whole:
        raise ConfigError(
            f"{output}: its rows were submitted already: {_known(state)}. See how far they are with "
            "--provider-batch status",
            field="output",
        )
    if not resume:
        raise ConfigError(
            f"{output}: its submission broke off: {_known(state)}, and {state.left} more to be made. To "
            "continue, add --resume",
            field="output",
        )


def _nothing(output: Path) -> ConfigError:
    return ConfigError(
        f"{output}: nothing was submitted for it; run --provider-batch submit first", field="output"
    )


def perform(
    visit: Visit,
    later: LaterBatch,
    rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]],
    source: Source | None,
    failures: Path,
) -> int | None:
    """Do what the visit says, and print the state of the provider's batches.

    Args:
        visit: what to do.
        later: the batch.
        rows: the rows of the input, with their numbers.
        source: the input; `None` if it is standard input.
        failures: the file of rows without an answer.

    Returns:
        The exit status; `None` if all answers were fetched, so that the batch is complete.

    Raises:
        ProviderError: a request to the provider failed. The batches that were made are stored, and the
            answers that were received are written.
        OSError: a file cannot be written.
    """
    match visit:
        case Visit.SUBMIT:
            return _submit(later, rows, failures)
        case Visit.STATUS:
            return _tell_state(anyio.run(later.look))
        case Visit.FETCH:
            with shown(source) as show:
                state = anyio.run(partial(later.fetch, rows, show))
            return None if state.finished else _tell_state(state)
        case _:
            assert_never(visit)


def _submit(later: LaterBatch, rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]], failures: Path) -> int:
    done = anyio.run(later.submit, rows)
    for line, losses in list(done.losses.items())[:1]:
        what = f"{losses[0].option or losses[0].what}, since {losses[0].why}"
        tell(f"{counted(len(done.losses), 'row')} not sent whole, such as line {line}: {what}")
    failed = later.progress.failed
    rest = f", {failed:,} failed, see {failures}" if failed else ""
    if done.state is None:
        tell(f"no row is left to submit{rest}")
    else:
        tell(
            f"{counted(done.state.count, 'row')} submitted in {_known(done.state)}{rest}; --provider-batch "
            "status shows how far they are, and --provider-batch fetch writes the answers"
        )
    return 1 if failed else 0


def _tell_state(state: BatchState) -> int:
    """Print how far the batches are. Returns the exit status: 0 if all are finished, otherwise 1."""
    for part in state.parts:
        words = f": {part.error}" if part.error else ""
        tell(
            f"batch {part.id} is {part.said or part.status}: {part.answered:,} of {part.count:,} answered, "
            f"{part.failed:,} failed{words}"
        )
    if state.left:
        tell(f"{counted(state.left, 'batch')} not made; to continue, run --provider-batch submit --resume")
    return 0 if state.finished else 1


def _of(part: BatchPart) -> str:
    return counted(part.count, "row") + (f" in the file {part.input_file}" if part.input_file else "")


def _known(state: BatchState) -> str:
    ids = [part.id for part in state.parts]
    if not ids:
        return "no other batch was made"
    more = f" and {len(ids) - _MOST_IDS:,} more" if len(ids) > _MOST_IDS else ""
    return f"{counted(len(ids), 'batch')} ({', '.join(ids[:_MOST_IDS])}{more})"
