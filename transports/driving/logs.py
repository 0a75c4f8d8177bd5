"""The few records that streams write with the standard `logging`, to the logger `transports`.

A retry is `INFO`: the call may still succeed. A fallback is `WARNING`: a provider has failed, and its error
may not be visible elsewhere. The error of a failed call is raised and not logged. A record has the kind of an
error, its status and its request id, but neither the provider's words, which may repeat a prompt, nor a key.
"""

from __future__ import annotations

from sansio import ProviderConfig, ProviderError

_LOGGER = "transports"


def log_retry(error: ProviderError, seconds: float) -> None:
    """Log that an attempt failed, and that another one follows after some seconds."""
    import logging  # late: it takes a while to import, and most calls never need it

    logging.getLogger(_LOGGER).info(
        "attempt %d failed with %s; the next one is in %.3g s", error.attempts or 1, _named(error), seconds
    )


def log_fallback(error: ProviderError, config: ProviderConfig) -> None:
    """Log that a provider failed, and that another one is asked."""
    import logging  # late: see above

    logging.getLogger(_LOGGER).warning(
        "%s; asking %s %s instead", _named(error), config.type, config.model or config.deployment
    )


def _named(error: ProviderError) -> str:
    known = [type(error).__name__]
    if error.status is not None:
        known.append(f"status {error.status}")
    if error.request_id is not None:
        known.append(f"request id {error.request_id!r}")
    where = " ".join(word for word in (error.provider, error.model) if word)
    return f"{', '.join(known)} of {where or 'a provider'}"
