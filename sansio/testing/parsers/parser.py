"""The parser that is checked: what it must offer, and what it made of bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from sansio.testing.judging.law import raised


class Parser(Protocol):
    """One stream's parser. An error is an exception of either method."""

    def feed(self, data: bytes, /) -> object:
        """Take the next bytes of the body. What it returns is ignored."""
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
"""Makes what `close()` returns comparable; a `ValueError` says what is wrong with it."""


class Heard(Struct, frozen=True):
    """What a parser made of a stream, in a comparable form."""

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
        errors: those that callers expect. None: all but `ACCIDENTS`.
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
