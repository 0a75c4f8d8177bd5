"""The fake provider that answers the commands if no provider and no key are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sansio.testing import FakeProvider
from transports.cli.terminal import tell
from transports.driving.facade import AsyncProvider, create_provider
from transports.testing.loopback import loopback_thread

_PACE = 0.02  # seconds between two words, so that a person sees the answer stream


@contextmanager
def fake_provider(options: Mapping[str, object], loop: str) -> Iterator[AsyncProvider]:
    """A provider that asks the fake server, which runs in this process while the context lasts.

    Args:
        options: the fields of `ProviderConfig` that were given on the command line.
        loop: the event loop's name, `"asyncio"` or `"trio"`.
    """
    with loopback_thread(FakeProvider(), delay=_PACE, backend=loop) as server:
        config = server.config("openrouter", **options)
        tell(
            f"no provider or key was given, so a fake provider answers, on {server.url}; "
            f"for a real one, set {config.api_key_env} or see --help"
        )
        yield create_provider(config, api_key="the fake provider takes any key")
