"""A program that uses `multiprocessing`, with a provider that each process makes or inherits."""

from __future__ import annotations

import multiprocessing
import sys

from sansio import Message, ProviderConfig, Role
from transports import SyncProvider, create_sync_provider

_PROVIDERS: dict[str, SyncProvider] = {}


def check(url: str, first: int) -> None:
    if url not in _PROVIDERS:
        config = ProviderConfig(type="openai", model="m", base_url=url, max_attempts=1)
        _PROVIDERS[url] = create_sync_provider(config, api_key="any")
    for number in range(first, first + 10):
        text = _PROVIDERS[url].complete([Message(Role.USER, f"What is {number} + 0?")]).text
        assert f"That is {number}." in text, (number, text)


if __name__ == "__main__":
    check(sys.argv[1], 1_000)
    for method, workers in (("fork", 2), ("forkserver", 1), ("spawn", 1)):
        with multiprocessing.get_context(method).Pool(workers) as pool:
            pool.starmap(check, [(sys.argv[1], 2_000), (sys.argv[1], 3_000)], chunksize=1)
        check(sys.argv[1], 4_000)
