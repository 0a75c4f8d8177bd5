"""`sansio-llm check-dialect`: every law of the library on a custom dialect, with samples from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sansio import Dialect, Message
from transports.cli.judge import judge
from transports.cli.loading import load, pairs

_TYPES = {
    ".sse": "text/event-stream",
    ".ndjson": "application/x-ndjson",
    ".bin": "application/vnd.amazon.eventstream",
    ".json": "application/json",
}
"""The suffixes of sample files, with the content type of each."""
_FIELDS = "fields.json"
_GOLDEN = ".golden.json"
_REQUEST = ".request.json"
_BESIDE = (_GOLDEN, _REQUEST)
"""The suffix of files that hold a sample's meaning."""
_MODULE = "MODULE:CLASS"


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    """The author's lists of fields: each field's path, with the reason."""

    ignored: dict[str, str] = {}
    not_returned: dict[str, str] = {}


def check_dialect(
    dialect: Annotated[
        str, typer.Argument(metavar=_MODULE, help="The dialect's class, such as my_module:MyDialect.")
    ],
    samples: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Answers of the wire: *.sse, *.ndjson and *.bin are streams, *.json are whole answers. "
            "NAME.error.sse must fail; NAME.golden.json is the message of NAME, and NAME.request.json what "
            "the next request has for it. fields.json lists fields that are ignored or not returned.",
        ),
    ],
    *,
    law: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Try only this law; may be repeated. Default: all laws."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=REASON",
            help="A law that the dialect is known to break, and the reason; may be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="A number that decides where streams are cut and how they are damaged.")
    ] = 0,
    tries: Annotated[
        int, typer.Option(min=1, help="How many times each sample is cut, and how many times damaged.")
    ] = 20,
) -> None:
    """Try every law on a dialect; see `sansio-llm check-dialect --help`.

    Raises:
        typer.BadParameter: the dialect, a sample or a law does not exist.
        typer.Exit: a law is broken, or the output was closed.
    """
    from sansio import testing  # lazily: only this command needs the laws

    kind = load(dialect, _MODULE, "my_module:MyDialect", "a dialect")
    if not (isinstance(kind, type) and issubclass(kind, Dialect)):
        raise typer.BadParameter(f"{dialect!r} is not a Dialect class", param_hint=_MODULE)
    if not samples.is_dir():
        raise typer.BadParameter(f"{str(samples)!r} is not a folder", param_hint="FOLDER")
    fields = _Fields()
    found: list[testing.Sample] = []
    for path in sorted(samples.iterdir()):
        if path.name == _FIELDS:
            fields = _read(path, _Fields)
        elif path.suffix in _TYPES and not path.name.endswith(_BESIDE):
            found.append(_sample(path))
    declared = pairs(without)
    judge(
        lambda progress: testing.check_dialect(
            kind,
            found,
            ignored=fields.ignored,
            not_returned=fields.not_returned,
            laws=law or None,
            without=declared,
            seed=seed,
            tries=tries,
            progress=progress,
        )
    )


def _sample(path: Path) -> Any:  # Any: a sample, whose module is loaded lazily
    from sansio.testing import Sample

    beside = {end: path.with_name(path.name.partition(".")[0] + end) for end in _BESIDE}
    golden, request = beside[_GOLDEN], beside[_REQUEST]
    return Sample(
        name=path.name,
        data=path.read_bytes(),
        content_type=_TYPES[path.suffix],
        fails=path.stem.endswith(".error"),
        golden=_read(golden, Message) if golden.exists() else None,
        request=_read(request, object) if request.exists() else None,
    )


def _read(path: Path, kind: Any) -> Any:  # Any: what the file's JSON is read as
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        raise typer.BadParameter(f"{path.name}: {error}", param_hint="FOLDER") from None
