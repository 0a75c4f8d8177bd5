"""`sansio-llm batch --provider-batch`: a batch that the provider answers within a day, in three visits."""

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
from transports.cli.terminal import tell

NONE = "none"
_MOST_IDS = 3


class Visit(Enum):
    """What is done with the provider's batches."""

    SUBMIT = "submit"
    STATUS = "status"
    FETCH = "fetch"


def check_alone(is_real: bool, limits: Mapping[str, float | None]) -> None:
    """Refuse what does not go with a provider's batches.

    Args:
        is_real: whether a provider is named.
        limits: by the option, what was given for it.

    Raises:
        ConfigError: no provider is named.
        typer.BadParameter: a limit is given that only calls have.
    """
    if not is_real:
        raise ConfigError(
            "--provider-batch needs a provider whose batches outlive this command; name one that has a key, "
            "or serve a fake one with `sansio-llm serve`",
            field="type",
        )
    for name, value in limits.items():
        if value is not None:
            raise typer.BadParameter("a provider's batch has no such limit; leave it out", param_hint=name)


def check_there(visit: Visit | None, output: Path) -> bool:
    """Whether a visit goes on with an output, which then must be there: a wrong name makes no files.

    Raises:
        ConfigError: it is not.
    """
    if visit is None or visit is Visit.SUBMIT:
        return False
    if not output.exists():
        raise _nothing(output)
    return True


def check_visit(visit: Visit | None, journal: Journal, *, made: str | None, resume: bool) -> None:
    """Look at what was submitted for an output before anything is sent or written.

    Args:
        visit: `None` asks the rows by calls.
        journal: of the output.
        made: the id of the batch that was being made when a submission broke off, or `NONE`.
        resume: go on with what there is.

    Raises:
        ConfigError: it would be paid for twice, or there is nothing to visit.
        InvalidRequestError: no batch was being made.
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
            f"{output}: the submission broke off while a batch was being made, of {_of(part)}; "
            f"{_known(state)}. Look at the provider's list of batches: if it is there, write --made and its "
            f"id, otherwise --made {NONE}. Without it, nothing is submitted or fetched",
            field="output",
        )
    if visit in (Visit.STATUS, Visit.FETCH) or submission.fetched or not state.parts:
        return
    if visit is None:
        raise ConfigError(
            f"{output} waits for batches of the provider ({_known(state)}); get their answers with "
            "--provider-batch fetch first, or its rows are paid for twice",
            field="output",
        )
    if state.whole:
        raise ConfigError(
            f"{output}: its rows were submitted already ({_known(state)}); look at them with "
            "--provider-batch status",
            field="output",
        )
    if not resume:
        raise ConfigError(
            f"{output}: its submission broke off ({_known(state)}, {state.left} were not made); go on by "
            "--resume",
            field="output",
        )


def _nothing(output: Path) -> ConfigError:
    return ConfigError(
        f"{output}: nothing was submitted for it; write --provider-batch submit first", field="output"
    )


def perform(
    visit: Visit,
    later: LaterBatch,
    rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]],
    source: Source | None,
    failures: Path,
) -> int | None:
    """Make a visit, and print the state that it found.

    Args:
        visit: which.
        later: the batch.
        rows: of the input, with their numbers.
        source: the input.
        failures: the file of rows without an answer.

    Returns:
        The exit status; `None` if all answers were fetched, so that the batch is over.

    Raises:
        ProviderError: a request to the provider failed. What was made is stored, and what was received is
            written.
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
        tell(f"{_counted(len(done.losses), 'row')} not sent whole, such as line {line}: {what}")
    failed = later.progress.failed
    rest = f", {failed:,} failed, see {failures}" if failed else ""
    if done.state is None:
        tell(f"no row is left to submit{rest}")
    else:
        tell(
            f"{_counted(done.state.count, 'row')} submitted in {_known(done.state)}{rest}; ask how far they "
            "are with --provider-batch status, and for the answers with fetch"
        )
    return 1 if failed else 0


def _tell_state(state: BatchState) -> int:
    """Say how far batches are; 0 if they are finished."""
    for part in state.parts:
        words = f": {part.error}" if part.error else ""
        tell(
            f"batch {part.id} is {part.said or part.status}: {part.answered:,} of {part.count:,} answered, "
            f"{part.failed:,} failed{words}"
        )
    if state.left:
        tell(f"{_counted(state.left, 'batch')} not made; go on with --provider-batch submit --resume")
    return 0 if state.finished else 1


def _of(part: BatchPart) -> str:
    return _counted(part.count, "row") + (f" in the file {part.input_file}" if part.input_file else "")


def _known(state: BatchState) -> str:
    ids = [part.id for part in state.parts]
    if not ids:
        return "no other batch was made"
    more = f" and {len(ids) - _MOST_IDS:,} more" if len(ids) > _MOST_IDS else ""
    return f"{_counted(len(ids), 'batch')} ({', '.join(ids[:_MOST_IDS])}{more})"


def _counted(count: int, what: str) -> str:
    ending = "" if count == 1 else "es" if what.endswith("ch") else "s"
    return f"{count:,} {what}{ending}"
