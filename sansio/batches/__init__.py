"""Requests that a provider answers within a day, at a lower price: its batch endpoints, pure."""

from sansio.batches.codec import BatchCodec, Page, codec_for
from sansio.batches.jobs import Batches, BatchJob, BatchReader
from sansio.batches.state import BatchPart, BatchRequest, BatchResult, BatchState, BatchStatus

__all__ = [
    "BatchCodec",
    "BatchJob",
    "BatchPart",
    "BatchReader",
    "BatchRequest",
    "BatchResult",
    "BatchState",
    "BatchStatus",
    "Batches",
    "Page",
    "codec_for",
]
