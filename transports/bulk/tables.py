"""A table of rows to ask, and the table of their answers, both of Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sansio import CallResult, ConfigError, InvalidRequestError, RemoteProtocolError
from transports.bulk.columns import AnswerColumns, arrow_column, pyarrow, value_of
from transports.bulk.files.rows import table_rows

_LEFT_OUT, _ERROR = "left_out", "error"


class TableForm:
    """The columns of the input and of the output.

    The output has the key, the columns to keep, those of the answers, `left_out` and `error`.

    Args:
        key: the column that identifies each row.
        keep: other columns of the input to copy to the answers.
        schema: the JSON schema that the answers follow; its properties become columns.

    Raises:
        ConfigError: two columns would have the same name.
    """

    def __init__(
        self, key: str, *, keep: Sequence[str] = (), schema: Mapping[str, Any] | None = None
    ) -> None:
        self._key = key
        self._kept = (key, *keep)
        self._has_schema = schema is not None
        self._columns = AnswerColumns(schema, (*self._kept, _LEFT_OUT, _ERROR))
        for name in self._kept:
            if self._kept.count(name) > 1 or name in self._columns.kinds or name in (_LEFT_OUT, _ERROR):
                raise ConfigError(
                    f"keep: {name!r} is the name of another column of the answers; "
                    "rename it in the input, such as with rename_columns",
                    field="keep",
                )

    def rows(self, table: Any) -> list[Mapping[str, Any]]:  # Any: pyarrow has no types
        """The rows of a table.

        Raises:
            ConfigError: it is not a table of Arrow, or lacks a column.
        """
        if not isinstance(table, pyarrow("lib").Table):
            raise ConfigError(
                f"a batch is {type(table).__name__}; call map_batches with batch_format='pyarrow'",
                field="batch_format",
            )
        missing = [name for name in self._kept if name not in table.column_names]
        if missing and table.num_rows:
            raise ConfigError(
                f"the rows have no column {', '.join(missing)}; they have {', '.join(table.column_names)}. "
                "key= names the column that tells the rows apart, and keep= those to keep",
                field="key" if self._key in missing else "keep",
            )
        return list(table_rows(table))

    def check(self, row: Mapping[str, Any]) -> None:
        """Check a row before it is asked.

        Raises:
            InvalidRequestError: its key is null, so that its answer could not be assigned to it.
        """
        if row[self._key] is None:
            raise InvalidRequestError(f"{self._key}: is null; each row needs its own")

    def answers(self, table: Any, results: Sequence[CallResult[int, Any]]) -> Any:  # Any: as above
        """The table of answers.

        Args:
            table: the table of the rows.
            results: one for each row, in their order.
        """
        if not results:
            return table
        cells = [self._cells(result) for result in results]
        columns = {name: table.column(name) for name in self._kept}
        for at, (name, kind) in enumerate(self._columns.kinds.items()):
            columns[name] = arrow_column([row[at] for row in cells], kind)
        columns[_LEFT_OUT] = arrow_column([result.left_out or None for result in results], "text")
        columns[_ERROR] = arrow_column([row[-1] for row in cells], "text")
        return pyarrow("lib").table(columns)

    def _cells(self, result: CallResult[int, Any]) -> list[Any]:
        error, value = result.error, None
        if result.answer is None:
            assert error is not None
            return [*[None] * len(self._columns.kinds), f"{type(error).__name__}: {error.message}"]
        if self._has_schema:
            try:
                value = value_of(result.answer)
            except RemoteProtocolError as wrong:  # it was paid for, so all else of it is kept
                error = wrong
        said = None if error is None else f"{type(error).__name__}: {error.message}"
        return [*self._columns.cells(result.answer, value), said]


def without_keys(table: Any, key: str, known: Any) -> Any:  # Any: as above
    """The rows of a table whose keys are not among the known ones.

    Args:
        table: the rows.
        key: the column of the keys.
        known: the known keys, as an array of Arrow.

    Raises:
        ConfigError: the keys are not of the same type.
    """
    arrow, compute = pyarrow("lib"), pyarrow("compute")
    if not table.num_rows or not len(known):
        return table
    if key not in table.column_names:
        raise ConfigError(
            f"the rows have no column {key}; they have {', '.join(table.column_names)}", field="key"
        )
    column = table.column(key)
    try:
        known = known.cast(column.type)
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError):
        raise ConfigError(
            f"key: {key} is {column.type} in the input and {known.type} in the output; cast one of them",
            field="key",
        ) from None
    return table.filter(compute.invert(compute.is_in(column, value_set=known)))
