"""A provider of small batches."""

from __future__ import annotations

from sansio import Profile, ProviderConfig, register_provider
from sansio.batches.files import OpenAIBatches


class SmallBatches(OpenAIBatches):
    """Two requests a batch, and few bytes."""

    MOST_REQUESTS = 2
    MOST_BYTES = 4_096 + 400


SMALL = Profile(
    base_url="https://small.example.com/v1",
    api_key_env="K",
    batches="tests.sansio.batches.small:SmallBatches",
)


def small() -> ProviderConfig:
    """The config of a type whose batches have two requests each."""
    register_provider("small", SMALL)
    return ProviderConfig(type="small", model="m")
