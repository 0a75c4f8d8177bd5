"""The parser that is checked: the methods that it must have, and the results of its reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from sansio.testing.judging.law import raised


class Parser(Protocol):
    """The interface of a parser for `check_parser`: it reads one stream. Both methods may raise errors."""

    def feed(self, data: bytes, /) -> object:
        """Take the next bytes of the body.

        Args:
            data: any number of bytes, cut anywhere.

        Returns:
            Anything; it is ignored.
        """
        ...

    def close(self) -> object:
        """Take the end of the body.

        Returns:
            For a dialect, `(text, calls)`; each call is `(name, arguments)`, with the arguments as an object
            or as their JSON text. For `sse`, a list of `(event, data)` or `(event, data, id)`.
        """
        ...


Factory: TypeAlias = Callable[[], Parser]
"""Makes the parser of one stream."""

Shape: TypeAlias = Callable[[object], object]
"""Converts the result of `close()` to a comparable form; raises `ValueError` if the result is wrong."""


class Heard(Struct, frozen=True):
    """The result of reading a stream, in a comparable form."""

    value: object

    def __str__(self) -> str:
        return f"gives {self.value!r:.300}"


class Refused(Struct, frozen=True):
    """A stream that the parser refused.

    Args:
        error: the exception, in a few words.
        expected: it is an error that callers expect.
    """

    error: str
    expected: bool

    def __str__(self) -> str:
        return f"raised {self.error:.300}"


Outcome: TypeAlias = Heard | Refused

ACCIDENTS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    RecursionError,
    StopIteration,
    SystemError,
    TypeError,
)
"""Exceptions that show a bug in the parser, unless its author says that callers expect them."""


def hear(
    factory: Factory, shape: Shape, errors: tuple[type[Exception], ...], pieces: Sequence[bytes]
) -> Outcome:
    """Read one stream.

    Args:
        errors: exceptions that callers expect. Empty: all except `ACCIDENTS`.
    """
    try:
        parser = factory()
        for piece in pieces:
            parser.feed(piece)
        found = parser.close()
    except Exception as error:
        expected = isinstance(error, errors) if errors else not isinstance(error, ACCIDENTS)
        return Refused(raised(error), expected)
    try:
        return Heard(shape(found))
    except ValueError as error:
        return Refused(f"nothing, but {error}", False)
