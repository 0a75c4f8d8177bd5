"""`sansio-llm batch`: the rows of a file, each answered once."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
import msgspec
import typer

from sansio import ConfigError, Provider, ProviderConfig, Rates
from transports.bulk.files.answers import check_columns, write_table
from transports.bulk.files.failures import Failures
from transports.bulk.files.journal import Journal
from transports.bulk.files.later import LaterBatch
from transports.bulk.files.prompts import Prompt, PromptReader
from transports.bulk.files.rows import Source, kind_of, read_rows, source_of
from transports.bulk.files.run import Batch, Prices, Progress
from transports.bulk.gate import SharedLimiter
from transports.cli.inputs import typed_options
from transports.cli.progress import shown
from transports.cli.provider_batch import Visit, check_alone, check_there, check_visit, perform
from transports.cli.settings import (
    Api,
    Imports,
    Location,
    Project,
    Region,
    chooses,
    known_type,
    located,
    open_provider,
    read_config,
)
from transports.cli.terminal import counted, tell


def batch(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="The file with a prompt in each row: .csv, .parquet, or else JSON lines. '-' reads "
            "JSON lines from "
            "standard input.",
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file for the answers: .csv, .parquet, or else JSON lines.",
        ),
    ],
    failures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file for rows without an answer, as JSON lines. Default: OUTPUT.failures.jsonl.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue an output that exists: ask only the rows without an answer."),
    ] = False,
    provider_batch: Annotated[
        Visit | None,
        typer.Option(
            help="Use the provider's batch endpoints, which answer within a day at a lower price. 'submit' "
            "sends the rows, 'status' shows how many are answered, 'fetch' writes the answers."
        ),
    ] = None,
    made: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Needed if a submission broke off while the provider made a batch: that batch's id, or "
            "'none' if the provider does not list it.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Check all rows first, and send nothing if one of them is invalid."),
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The prompt for every row, with the row's fields in braces, such as 'Summarise: {text}'.",
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A JSON schema that each answer must follow. Its properties become columns of a table.",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, help="How many calls run at the same time at most.")
    ] = 64,
    rpm: Annotated[
        float | None,
        typer.Option(help="How many calls are sent per minute at most. Default: what the provider allows."),
    ] = None,
    tpm: Annotated[
        float | None,
        typer.Option(help="How many tokens are used per minute at most. Default: what the provider allows."),
    ] = None,
    retries: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="How often a failed call is tried again at most. Default: the configuration's max_attempts, "
            "less one.",
        ),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            help="The cost in US dollars after which no more rows are asked; calls that are running finish. "
            "Default: no limit."
        ),
    ] = None,
    prices: Annotated[
        str | None,
        typer.Option(
            metavar="IN,OUT",
            help="The prices of a million prompt tokens and a million answer tokens in US dollars, such as "
            "0.25,2, for a provider that does not state the cost.",
        ),
    ] = None,
    type: Annotated[
        str | None,
        typer.Option(callback=known_type, help="The provider's type, such as openai. Default: openrouter."),
    ] = None,
    api: Api = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="The model's id. Default: the type's, if it has one."),
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="The API's base URL. Default: the type's.")] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            help="The environment variable that holds the API key. Default: the type's.", metavar="NAME"
        ),
    ] = None,
    region: Region = None,
    project: Project = None,
    location: Location = None,
    system: Annotated[
        str | None, typer.Option("--system", "-s", help="The system message for rows that have none.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="An option of every call, such as temperature=0.2; may be repeated.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A JSON file with the provider's configuration. Options given here override it.",
        ),
    ] = None,
    imports: Imports = None,
) -> int:
    """Ask the rows of a file; see `sansio-llm batch --help`.

    Returns:
        The exit status: 0 if every row has an answer, otherwise 1.

    Raises:
        ProviderError: the configuration is invalid, or no row can succeed.
        OSError: a file cannot be read or written.
        typer.BadParameter: an option is invalid.
    """
    given: dict[str, object] = {
        "type": type,
        "api": api,
        "model": model,
        "base_url": base_url,
        "api_key_env": api_key_env,
        "region": region,
    }
    fields = {name: value for name, value in given.items() if value is not None}
    if config is not None:
        fields = {**read_config(config), **fields}
    fields = located(fields, base_url=base_url, project=project, location=location)
    is_real = config is not None or chooses(fields)
    form = None if schema is None else _schema(schema)
    if kind_of(output) != "jsonl":
        check_columns(form)
    costs = _prices(prices)
    path = None if str(file) == "-" else file
    source = None if path is None else source_of(path)
    if path is None and (resume or provider_batch is not None):
        raise typer.BadParameter(
            "standard input cannot be compared with the input of the first run; name a file",
            param_hint="--resume" if resume else "--provider-batch",
        )
    if provider_batch is not None:
        check_alone(is_real, {"--rpm": rpm, "--tpm": tpm, "--max-cost": max_cost})
    elif made is not None:
        raise typer.BadParameter("is only for --provider-batch", param_hint="--made")
    with open_provider(fields, "asyncio", is_real=is_real) as provider:
        given_options = typed_options(option or (), provider.config)
        files = _Files(path, output, failures)
        files.check()
        batches = None if provider_batch is None else provider.batches
        plain = Provider(provider.config)
        reader = PromptReader(plain, template=template, system=system, keep_model=model is None)
        about = _about(provider.config, source, is_real, template, system, form, given_options)
        goes_on = check_there(provider_batch, files.journal) or resume
        with (
            Journal(files.journal, about, resume=goes_on) as answers,
            Failures(files.failures) as failed_rows,
        ):
            if answers.repaired:
                tell(
                    f"an incomplete last line of {files.journal} was removed "
                    f"({counted(answers.repaired, 'byte')})"
                )
            check_visit(provider_batch, answers, made=made, resume=resume)
            has_schema = form is not None
            work = Batch(
                reader, answers, failed_rows.write, has_schema=has_schema, prices=costs, max_cost=max_cost
            )
            options = given_options if form is None else {**given_options, "response_format": form}
            if strict and provider_batch in (None, Visit.SUBMIT):
                _refuse_malformed(work, files, failed_rows, plain, options)
            if retries is not None:
                options = {**options, "max_attempts": retries + 1}
            rows = failed_rows.begin(read_rows(path))
            if provider_batch is None or batches is None:
                limiter = SharedLimiter(Rates(requests_per_minute=rpm, tokens_per_minute=tpm))
                with shown(source) as show:
                    run = partial(work.run, options=options, limiter=limiter, concurrency=concurrency)
                    anyio.run(run, provider, rows, show)
            else:
                later = LaterBatch(work, answers, batches, options)
                status = perform(provider_batch, later, rows, source, files.failures)
                if status is not None:
                    return status
        if files.is_table and not work.is_spent:
            write_table(files.journal, output, form)
    return _summary(work, files)


class _Files:
    """The files of a batch.

    Args:
        source: the input; `None` is standard input.
        output: the file for the answers.
        failures: the file for rows without an answer. Default: beside the output, with the suffix
            `.failures.jsonl`.
    """

    def __init__(self, source: Path | None, output: Path, failures: Path | None) -> None:
        self.source = source
        self.output = output
        self.is_table = kind_of(output) != "jsonl"
        # A table cannot be extended row by row, so its answers are first collected in a file beside it.
        self.journal = output.with_name(output.name + ".journal.jsonl") if self.is_table else output
        self.failures = failures or output.with_name(output.name + ".failures.jsonl")

    def check(self) -> None:
        """Refuse to overwrite a table that another batch has written.

        Raises:
            ConfigError: the table exists, and no journal of this batch does.
        """
        if self.is_table and self.output.exists() and not self.journal.exists():
            raise ConfigError(f"{self.output} exists already; name another output", field="output")


def _about(
    config: ProviderConfig,
    source: Source | None,
    is_real: bool,
    template: str | None,
    system: str | None,
    form: object,
    options: object,
) -> dict[str, Any]:
    """What the answers depend on; a later run with `--resume` must have the same."""
    about: dict[str, Any] = {
        "input": None
        if source is None
        else {"name": source.name, "bytes": source.bytes, "sha256": source.sha256},
        "type": config.type if is_real else "fake",
        "api": config.api,
        "model": config.model,
        "template": template,
        "system": system,
        "schema": form,
        "options": options,
    }
    if is_real:
        about["base_url"] = config.base_url
    return about


def _schema(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise typer.BadParameter(f"{str(file)!r}: {error.strerror}", param_hint="--schema") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} is not a JSON schema: {error}", param_hint="--schema") from None


def _prices(text: str | None) -> Prices | None:
    if text is None:
        return None
    try:
        first, second = map(float, text.split(","))
        if not (0 <= first < float("inf") and 0 <= second < float("inf")):
            raise ValueError
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}: give two prices in US dollars for a million tokens, such as 0.25,2",
            param_hint="--prices",
        ) from None
    return Prices(first, second)


def _refuse_malformed(
    work: Batch, files: _Files, failures: Failures, provider: Provider, options: dict[str, Any]
) -> None:
    """Check the whole input before anything is sent.

    Raises:
        ConfigError: a row is invalid.
        typer.BadParameter: the input can be read only once.
    """
    if files.source is None:
        raise typer.BadParameter("standard input can be read only once; name a file", param_hint="--strict")

    def prepare(prompt: Prompt) -> None:
        asked = prompt.request
        provider.prepare(asked.messages, asked.tools, stream=False, options={**options, **asked.options})

    work.check(failures.begin(read_rows(files.source)), prepare)
    if count := work.progress.failed:
        raise ConfigError(
            f"{counted(count, 'row')} cannot be sent, so nothing was sent; {files.failures} says why",
            field="input",
        )
    work.progress = Progress()


def _summary(work: Batch, files: _Files) -> int:
    now = work.progress
    parts = [f"{counted(now.answered, 'row')} answered"]
    if now.skipped:
        parts.append(f"{now.skipped:,} answered before")
    if now.failed:
        parts.append(f"{now.failed:,} failed, see {files.failures}")
    if now.cut:
        parts.append(f"{now.cut:,} not sent whole, see left_out in {files.journal}")
    parts.append(counted(now.input_tokens + now.output_tokens, "token"))
    if now.cost:
        parts.append(f"${now.cost:.4f}")
    tell(", ".join(parts))
    if work.is_cost_unknown:
        tell(
            "the provider does not state the cost, so --max-cost cannot be checked: add --prices and --resume"
        )
    elif work.is_spent:
        tell(f"--max-cost is reached: to continue {files.output}, use --resume with a higher --max-cost")
    return 1 if now.failed or work.is_spent else 0
