"""What a law is, and how its check says that it is broken."""

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
    """The transport did what the law forbids; the message says what, in plain words."""


class NotApplicableError(Exception):
    """The transport has nothing that the law is about; the message says what is missing."""


class Law(Struct, frozen=True):
    """Something that every transport owes.

    Args:
        name: in kebab case.
        text: the law, one line.
        check: tries it.
        wire: it is about connections, which a transport within the process has not.
        tasks: it is about tasks of an event loop, which a blocking transport has not.
        basic: where it is broken, no other can be judged.
        serve: starts the server that it is tried against.
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
    """Go on only where the law is kept.

    Raises:
        BrokenLawError: it is not.
    """
    if not kept:
        raise BrokenLawError(message)


def told(error: BaseException) -> str:
    """An error in a few words, for a message."""
    words = getattr(error, "message", None) or str(error)
    return f"{type(error).__name__} ({words})" if words else type(error).__name__
