"""What a provider's batch endpoints are: the requests to them, and how their responses are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct, structs

from sansio.batches.state import BatchPart, BatchResult, BatchStatus
from sansio.config import PROVIDER_DEFAULTS
from sansio.content import Message
from sansio.endpoints import Content, Endpoint
from sansio.errors import InvalidRequestError, ProviderError, RemoteProtocolError, UnansweredError
from sansio.families.base import Dialect
from sansio.families.fields import text_or_none
from sansio.jsontext import JSON, JSONObject

_REASONS = {
    "expired": "the batch expired before it was answered",
    "cancelled": "the batch was cancelled before it was answered",
    "failed": "the batch failed",
    "missing": "the provider has no result for it",
}
_UNANSWERED = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
"""The codes that OpenAI has for requests that were not answered, and the reason."""


class Page(Struct, frozen=True):
    """A page of results.

    Args:
        rows: one for each result.
        cursor: the value with which to request the next page; `None` for the last.
    """

    rows: tuple[JSONObject, ...]
    cursor: str | None = None


class BatchCodec(ABC):
    """The batch endpoints of one provider type. Holds no state.

    A subclass is named by `ProviderDefaults.batches`.

    Args:
        dialect: the provider's dialect, bound to its config.

    Raises:
        InvalidRequestError: the dialect's wire family has no batches here.
    """

    ENDPOINTS: ClassVar[Mapping[str, str]]
    """The endpoint that a batch names for its requests, by the wire family."""
    MOST_REQUESTS: ClassVar[int]
    """How many requests one batch may have."""
    MOST_BYTES: ClassVar[int]
    """How many bytes one batch may have, as it is sent."""
    ONE_MODEL: ClassVar[bool] = True
    """Whether all requests of a batch must name the same model."""
    STATUSES: ClassVar[Mapping[str, BatchStatus]] = {
        "cancelling": "cancelling",
        "completed": "completed",
        "failed": "failed",
        "expired": "expired",
        "cancelled": "cancelled",
    }
    """The statuses by the provider's words; by default OpenAI's words. Unknown words count as running, so
    that a new word does not end the wait for a batch."""

    def __init__(self, dialect: Dialect) -> None:
        if dialect.API not in self.ENDPOINTS:
            raise no_batches(dialect)
        self.dialect = dialect
        self.endpoint = self.ENDPOINTS[dialect.API]

    def id_fault(self, custom_id: str) -> str | None:
        """Why the provider refuses a `custom_id`, as words to put after it; `None` if it accepts the id."""
        return None if custom_id.strip() else "is blank; give each request a different name"

    def model_of(self, body: JSONObject, asked: str | None) -> str | None:
        """The model that a request's body must name.

        Args:
            body: the body that a call would send.
            asked: the request's option `model`.
        """
        return text_or_none(body.get("model"))

    @abstractmethod
    def line(self, custom_id: str, body: JSONObject) -> JSONObject:
        """One request of a batch."""

    def upload(self, lines: Sequence[bytes]) -> Endpoint[str] | None:
        """Upload a file of requests; the result is the file's id. `None` if batches have no files."""
        return None

    @abstractmethod
    def url(self, *steps: str) -> str:
        """The address of the batches, or one below it, such as `"b1", "cancel"`."""

    @abstractmethod
    def body(self, part: BatchPart, lines: Sequence[bytes]) -> JSONObject | Content:
        """The body to post to make a batch.

        Args:
            part: what is known about it, with the id of its `input_file` if it has one.
            lines: its requests, encoded.
        """

    def create(self, part: BatchPart, lines: Sequence[bytes]) -> Endpoint[BatchPart]:
        """Make a batch; the arguments are those of `body`."""
        return self._about(part, self.url(), self.body(part, lines), once=True)

    def look(self, part: BatchPart) -> Endpoint[BatchPart]:
        """Ask for the status of a batch."""
        return self._about(part, self.url(part.id))

    def cancel(self, part: BatchPart) -> Endpoint[BatchPart]:
        """Ask the provider to stop answering a batch.

        Raises:
            InvalidRequestError: the provider has no endpoint for it.
        """
        return self._about(part, self.url(part.id, "cancel"), {})

    def files(self, part: BatchPart) -> tuple[str, ...]:
        """The addresses of the files with a finished batch's results, one line for each result."""
        return ()

    def page(self, part: BatchPart, cursor: str | None) -> Endpoint[Page] | None:
        """A page of a finished batch's results; `None` if they are in files."""
        return None

    def requests_file(self, part: BatchPart) -> str | None:
        """The address of the file with the requests, one per line, with a `custom_id`; else `None`."""
        return None

    @abstractmethod
    def read_batch(self, part: BatchPart, data: JSONObject) -> BatchPart:
        """What a response says about a batch.

        Raises:
            RemoteProtocolError: the response is malformed.
        """

    def read_row(self, part: BatchPart, row: JSONObject) -> Message | ProviderError:
        """The outcome in a row of results; by default in OpenAI's form."""
        error, response = row.get("error"), row.get("response")
        if isinstance(error, dict) and (why := _UNANSWERED.get(str(error.get("code")))) is not None:
            return self.unanswered(part, why, text_or_none(error.get("message")))
        if isinstance(response, dict):
            status, request_id = response.get("status_code"), text_or_none(response.get("request_id"))
            return self.answer(part, response.get("body"), status if type(status) is int else 200, request_id)
        if isinstance(error, dict):
            return self.dialect.build_error(error, 200, row)
        return RemoteProtocolError("the result has neither a response nor an error")

    def counted(self, part: BatchPart, data: JSONObject) -> BatchPart:
        """The part with the id, the status and the counts of a response in OpenAI's form.

        Raises:
            RemoteProtocolError: as `updated`.
        """
        counts = data.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        answered, failed = number(counts.get("completed")), number(counts.get("failed"))
        return structs.replace(self.updated(part, data, data.get("status")), answered=answered, failed=failed)

    def result(self, part: BatchPart, row: JSONObject) -> BatchResult:
        """One row of results.

        Raises:
            RemoteProtocolError: the row does not say to which request it belongs.
        """
        custom_id = row.get("custom_id")
        if not isinstance(custom_id, str):
            raise self.dialect.error_in(row) or RemoteProtocolError(
                f"a row of the results of batch {part.id} has no custom_id"
            )
        outcome = self.read_row(part, row)
        if isinstance(outcome, ProviderError):
            outcome = outcome.with_context(
                provider=self.dialect.TYPE, model=part.model or self.dialect.config.model
            )
        return BatchResult(custom_id, outcome)

    def answer(
        self, part: BatchPart, body: JSON, status: int = 200, request_id: str | None = None
    ) -> Message | ProviderError:
        """The outcome in a whole response, read like that of a call."""
        dialect = self.dialect.with_output_tool(part.output_tool)
        try:
            if not isinstance(body, dict):
                raise RemoteProtocolError("the response in the results is not a JSON object")
            if status >= 400:
                raise dialect.parse_error(status, (), msgspec.json.encode(body).decode())
            if (error := dialect.error_in(body)) is not None:
                raise error
            message = dialect.parse_response(body)
        except ProviderError as error:
            return error.with_context(request_id=request_id or error.request_id)
        return message if request_id is None else structs.replace(message, request_id=request_id)

    def unanswered(
        self, part: BatchPart, why: str | None = None, words: str | None = None
    ) -> UnansweredError:
        """The error of a request that has no answer.

        Args:
            why: the error's `code`. Default: by the batch's status.
            words: the provider's own words. Default: those about the whole batch.
        """
        why = why or (part.status if part.status in _REASONS else "missing")
        words = words or part.error
        said = f"{_REASONS[why]}: {words}" if words else _REASONS[why]
        return UnansweredError(
            f"batch {part.id}: {said}",
            code=why,
            provider_message=words,
            provider=self.dialect.TYPE,
            model=part.model or self.dialect.config.model,
        )

    def _about(
        self, part: BatchPart, url: str, body: JSONObject | Content | None = None, *, once: bool = False
    ) -> Endpoint[BatchPart]:
        """A request whose response is the batch. Why a batch failed is a field of that response."""
        return Endpoint(url, partial(self.read_batch, part), body, once=once, own_error=True)

    def updated(self, part: BatchPart, data: JSONObject, said: JSON) -> BatchPart:
        """The part with the id and the status in a response.

        Raises:
            APIStatusError: the response is an error.
            RemoteProtocolError: the response lacks one of them, or has the id of another batch.
        """
        found = data.get("id")
        if not isinstance(found, str) or not found or part.id not in ("", found):
            asked = f"batch {part.id}" if part.id else "a new batch"
            raise self.dialect.error_in(data) or RemoteProtocolError(
                f"the response is not about {asked}: its id is {found!r}"
            )
        if not isinstance(said, str):
            raise RemoteProtocolError(f"the response has no status of batch {found}, but {said!r}")
        return structs.replace(part, id=found, said=said, status=self.STATUSES.get(said, "running"))


def quoted(*steps: str) -> str:
    """Steps of a path. An id is the provider's own word, and must not lead to another address."""
    return "/".join([quote(step, safe="") for step in steps])


def number(value: JSON) -> int:
    """A count in a response; 0 if the value is not a count."""
    return value if type(value) is int and value > 0 else 0


def codec_for(dialect: Dialect) -> BatchCodec:
    """The codec of a provider's batch endpoints.

    Raises:
        InvalidRequestError: the provider has no batch endpoints.
    """
    address = PROVIDER_DEFAULTS[dialect.config.type].batches
    if address is None:
        raise no_batches(dialect)
    module, _, name = address.partition(":")
    kind = getattr(import_module(module), name)
    if not (isinstance(kind, type) and issubclass(kind, BatchCodec)):
        raise InvalidRequestError(f"batches: {address} is not a BatchCodec")
    return kind(dialect)


def no_batches(dialect: Dialect) -> InvalidRequestError:
    """The error of a provider without batches, which names those that have them."""
    types = [name for name, defaults in PROVIDER_DEFAULTS.items() if defaults.batches is not None]
    return InvalidRequestError(
        f"batches: {dialect.origin} has no endpoint for them; these types have: {', '.join(types)}"
    )
