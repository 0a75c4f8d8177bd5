"""When calls may begin: limits on requests, tokens and concurrency, given or learnt from the provider."""

from sansio.limiter.limiter import Limiter
from sansio.limiter.values import Begin, Outcome, Rates, Ticket

__all__ = ["Begin", "Limiter", "Outcome", "Rates", "Ticket"]
