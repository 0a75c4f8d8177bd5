"""Requests that a provider answers within a day, at a lower price: its batch endpoints, pure."""

from sansio.batches.batches import Batches
from sansio.batches.codec import BatchCodec, Page, codec_for
from sansio.batches.job import BatchJob
from sansio.batches.reading import BatchReader
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
