"""What a law of transports is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from transports.testing.loopback import LoopbackThread, loopback_thread

if TYPE_CHECKING:
    from transports.testing.conformance.bench import Bench

Check: TypeAlias = "Callable[[Bench], Awaitable[None]]"
Serve: TypeAlias = Callable[[], AbstractContextManager[LoopbackThread]]


class WrongKindError(TypeError):
    """The transport is blocking where an async one is checked, or the reverse."""


class Law(Struct, frozen=True):
    """Something that every transport must do.

    Args:
        name: the law's name, in kebab case.
        text: the law, in one line.
        check: tests the law.
        wire: whether it is about connections, so that it does not apply to in-process transports.
        tasks: whether it is about tasks of an event loop, so that it does not apply to blocking transports.
        basic: whether no later law can be judged if this one is broken.
        needs: names of earlier laws; if one of them is broken, this law cannot be judged.
        serve: starts the server for the test.
    """

    name: str
    text: str
    check: Check
    wire: bool = False
    tasks: bool = False
    basic: bool = False
    needs: Collection[str] = ()
    serve: Serve = loopback_thread


def law(
    text: str,
    *,
    wire: bool = False,
    tasks: bool = False,
    basic: bool = False,
    needs: Collection[str] = (),
    serve: Serve = loopback_thread,
) -> Callable[[Check], Law]:
    """Make a law of the function that checks it, and of its name. The arguments are those of `Law`."""

    def made(check: Check) -> Law:
        name = getattr(check, "__name__", "").replace("_", "-")
        return Law(name, text, check, wire, tasks, basic, needs, serve)

    return made


def told(error: BaseException) -> str:
    """An error in a few words, to quote in a message."""
    words = getattr(error, "message", None) or str(error)
    return f"{type(error).__name__} ({words})" if words else type(error).__name__
