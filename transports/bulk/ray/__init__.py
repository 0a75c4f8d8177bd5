"""Many calls on a Ray cluster: a stage for `Dataset.map_batches`, its workers' limiter, and resuming."""

from transports.bulk.ray.keys import PassedKey
from transports.bulk.ray.limiter import ClusterLimiter
from transports.bulk.ray.resuming import unanswered
from transports.bulk.ray.stage import AskRows

__all__ = ["AskRows", "ClusterLimiter", "PassedKey", "unanswered"]
