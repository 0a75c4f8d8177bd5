"""Continue a dataset whose answers are partly written."""

from __future__ import annotations

from functools import partial
from typing import Any

import ray
from ray.data import Dataset

from sansio import ConfigError
from transports.bulk.columns import pyarrow
from transports.bulk.tables import without_keys

_TORN = ".torn"


def unanswered(
    dataset: Dataset, path: str, *, key: str = "custom_id", again: bool = False, filesystem: Any = None
) -> Dataset:
    """The rows of a dataset whose keys are not yet in what `write_parquet` wrote.

    The rows of a file cannot be read if its writer was killed before the file was complete. Such a file is
    renamed to `_NAME.torn`, so that readers of the folder ignore it. So nothing else may write to the folder
    meanwhile.

    Args:
        dataset: the whole input.
        path: the folder of the answers. If it does not exist yet, all rows are unanswered.
        key: the column that identifies the rows.
        again: whether to ask failed rows again. A row may then have two answers: read the one without an
            `error`.
        filesystem: a filesystem of pyarrow, as for `write_parquet`. Default: the one that the path names.

    Raises:
        ConfigError: a column is missing, or the keys are not of the same type.
        OSError: the folder cannot be read.
    """
    known = ray.put(_written(path, key, again, filesystem))
    return dataset.map_batches(partial(_unwritten, key=key, known=known), batch_format="pyarrow")


def _unwritten(table: Any, *, key: str, known: Any) -> Any:  # Any: pyarrow has no types
    return without_keys(table, key, ray.get(known))


def _written(path: str, key: str, again: bool, filesystem: Any) -> Any:  # Any: as above
    """The keys of all files, as an array of Arrow."""
    arrow, compute, parquet, fs = (pyarrow(name) for name in ("lib", "compute", "parquet", "fs"))
    if filesystem is None:
        filesystem, path = fs.FileSystem.from_uri(path) if "://" in path else (fs.LocalFileSystem(), path)
    found = filesystem.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    keys: list[Any] = []
    for info in found:
        if not info.is_file or not info.base_name.endswith(".parquet"):
            continue
        with filesystem.open_input_file(info.path) as opened:
            try:
                file = parquet.ParquetFile(opened)
            except arrow.ArrowInvalid:  # the file's end is missing, which says where everything else is
                folder = info.path[: -len(info.base_name)]
                filesystem.move(info.path, f"{folder}_{info.base_name}{_TORN}")
                continue
            columns = [key, *(["error"] if again else [])]
            if not {*columns} <= {*file.schema_arrow.names}:
                raise ConfigError(
                    f"{info.path} has no column {' and '.join(columns)}; it is not one of AskRows",
                    field="key",
                )
            table = file.read(columns)
        if again:
            table = table.filter(compute.is_null(table.column("error")))
        keys += table.column(key).chunks
    return arrow.chunked_array(keys).combine_chunks() if keys else arrow.array([], arrow.string())
