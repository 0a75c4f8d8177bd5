"""What a law is, and how its check reports that it is broken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from transports.testing.loopback import LoopbackThread, loopback_thread

if TYPE_CHECKING:
    from transports.testing.conformance.bench import Bench

Check: TypeAlias = "Callable[[Bench], Awaitable[None]]"
Serve: TypeAlias = Callable[[], AbstractContextManager[LoopbackThread]]


class BrokenLawError(Exception):
    """The transport broke the law; the message says how."""


class NotApplicableError(Exception):
    """The law does not apply to the transport; the message says what is missing."""


class Law(Struct, frozen=True):
    """Something that every transport must do.

    Args:
        name: in kebab case.
        text: the law, in one line.
        check: tests it.
        wire: it is about connections; it does not apply to in-process transports.
        tasks: it is about tasks of an event loop; it does not apply to blocking transports.
        basic: if it is broken, no other law can be judged.
        serve: starts the server for the test.
    """

    name: str
    text: str
    check: Check
    wire: bool = False
    tasks: bool = False
    basic: bool = False
    serve: Serve = loopback_thread


def law(
    text: str, *, wire: bool = False, tasks: bool = False, basic: bool = False, serve: Serve = loopback_thread
) -> Callable[[Check], Law]:
    """Make a law of the function that checks it, and of its name. The arguments are those of `Law`."""

    def made(check: Check) -> Law:
        name = getattr(check, "__name__", "").replace("_", "-")
        return Law(name, text, check, wire, tasks, basic, serve)

    return made


def demand(kept: object, message: str) -> None:
    """Check one condition of a law.

    Raises:
        BrokenLawError: `kept` is false.
    """
    if not kept:
        raise BrokenLawError(message)


def told(error: BaseException) -> str:
    """An error in a few words, to quote in a message."""
    words = getattr(error, "message", None) or str(error)
    return f"{type(error).__name__} ({words})" if words else type(error).__name__
