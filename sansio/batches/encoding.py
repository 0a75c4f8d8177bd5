"""The requests of a submission, encoded and cut into batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from sansio.batches.codec import BatchCodec
from sansio.batches.state import BatchPart, BatchRequest
from sansio.checks import encode_body
from sansio.conversation import as_messages
from sansio.errors import InvalidRequestError
from sansio.options import ListOptions
from sansio.porting import LeftOut
from sansio.provider import Provider

_ENVELOPE = 4_096
"""Bytes that are reserved for what surrounds the requests of one batch."""


class _Line(Struct, frozen=True):
    """An encoded request, and what all requests of its batch have in common."""

    data: bytes
    model: str | None
    output_tool: str
    left_out: tuple[LeftOut, ...]


class Encoder:
    """Encodes requests as the provider's calls are encoded.

    Args:
        provider: the provider.
        codec: the codec of its batches.
    """

    def __init__(self, provider: Provider, codec: BatchCodec) -> None:
        self._provider = provider
        self._codec = codec

    def check(self, request: BatchRequest) -> tuple[LeftOut, ...]:
        """The parts of a request that are not sent.

        Raises:
            InvalidRequestError: the request cannot be sent.
            ConfigError: as `Provider.call`.
        """
        if (fault := self._id_fault(request.custom_id)) is not None:
            raise InvalidRequestError(f"custom_id: {request.custom_id!r:.80} {fault}")
        return self._line(request).left_out

    def encode(
        self,
        requests: Iterable[BatchRequest],
        on_left_out: Callable[[str, tuple[LeftOut, ...]], object] | None = None,
    ) -> list[tuple[BatchPart, list[bytes]]]:
        """Each batch that is to be made, and its lines.

        Args:
            requests: the requests of all batches.
            on_left_out: called for each request that is not sent whole.

        Raises:
            InvalidRequestError: a request cannot be sent; `index` says which.
            ConfigError: as `Provider.call`.
        """
        return self._split(self._encoded(requests, on_left_out))

    def _encoded(
        self,
        requests: Iterable[BatchRequest],
        on_left_out: Callable[[str, tuple[LeftOut, ...]], object] | None,
    ) -> Iterator[_Line]:
        places: dict[str, int] = {}
        index = -1
        for index, request in enumerate(requests):
            if not isinstance(request, BatchRequest):
                raise InvalidRequestError(
                    f"requests[{index}]: must be a BatchRequest, not {type(request).__name__}", index=index
                )
            where = f"requests[{index}] ({request.custom_id!r:.80})"
            if (fault := self._id_fault(request.custom_id)) is not None:
                raise InvalidRequestError(f"{where}: its custom_id {fault}", index=index)
            if (first := places.setdefault(request.custom_id, index)) != index:
                raise InvalidRequestError(
                    f"{where}: has the custom_id of requests[{first}]; give each its own", index=index
                )
            try:
                line = self._line(request)
            except InvalidRequestError as error:
                raise InvalidRequestError(f"{where}: {error.message}", index=index) from None
            if line.left_out and on_left_out is not None:
                on_left_out(request.custom_id, line.left_out)
            yield line
        if index < 0:
            raise InvalidRequestError("requests: is empty; give at least one")

    def _id_fault(self, custom_id: object) -> str | None:
        if not isinstance(custom_id, str):
            return f"must be a text, not {type(custom_id).__name__}"
        try:
            custom_id.encode()
        except UnicodeEncodeError:
            return "holds half a surrogate pair, which cannot be sent as UTF-8; use another name"
        return self._codec.id_fault(custom_id)

    def _line(self, request: BatchRequest) -> _Line:
        for name in request.options:
            if name in ListOptions.__annotations__:
                raise InvalidRequestError(f"{name}: is an option of the submission; give it there")
        messages = as_messages(request.messages)
        prepared = self._provider.prepare(
            messages, request.tools, stream=False, options=dict(request.options)
        )
        model = self._codec.model_of(prepared.body, request.options.get("model"))
        body = {name: value for name, value in prepared.body.items() if name != "stream"}
        body |= {} if model is None else {"model": model}
        data = encode_body(self._codec.line(request.custom_id, body), messages)
        if len(data) + _ENVELOPE > self._codec.MOST_BYTES:
            raise InvalidRequestError(
                f"it has {len(data)} bytes, and a whole batch may have {self._codec.MOST_BYTES}; "
                "send files by their id, or a shorter conversation"
            )
        model = model if self._codec.ONE_MODEL else None
        return _Line(data, model, prepared.output_tool, prepared.left_out)

    def _split(self, lines: Iterable[_Line]) -> list[tuple[BatchPart, list[bytes]]]:
        """The lines by batch. Equal requests give equal batches, so that a submission can be continued."""
        groups: dict[tuple[str | None, str], list[bytes]] = {}
        for line in lines:
            groups.setdefault((line.model, line.output_tool), []).append(line.data)
        parts: list[tuple[BatchPart, list[bytes]]] = []
        for (model, output_tool), group in groups.items():
            for chunk in self._cut(group):
                digest = hashlib.sha256(b"\n".join(chunk)).hexdigest()[:16]
                part = BatchPart(id="", count=len(chunk), digest=digest, model=model, output_tool=output_tool)
                parts.append((part, chunk))
        return parts

    def _cut(self, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
        most, room = self._codec.MOST_REQUESTS, self._codec.MOST_BYTES - _ENVELOPE
        chunk: list[bytes] = []
        size = 0
        for line in lines:
            if chunk and (len(chunk) == most or size + len(line) + 1 > room):
                yield chunk
                chunk, size = [], 0
            chunk.append(line)
            size += len(line) + 1
        yield chunk
