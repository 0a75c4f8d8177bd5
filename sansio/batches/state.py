"""The values of batches: requests, the state of what was submitted, results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

import msgspec
from msgspec import Struct, structs

from sansio.content import Message, Tool
from sansio.conversation import Messages
from sansio.errors import InvalidRequestError, ProviderError

BatchStatus: TypeAlias = Literal["running", "cancelling", "completed", "failed", "expired", "cancelled"]
"""The status of a batch. The last four are final: nothing more is answered."""

_WORKING: tuple[BatchStatus, ...] = ("running", "cancelling")

_SHARE_OF_AGE = 0.1
_SHORTEST_PAUSE = 15.0
_LONGEST_PAUSE = 600.0


class BatchRequest(Struct, frozen=True):
    """One request of a batch.

    Args:
        custom_id: your name for it, by which its result is found; unique within a batch.
        messages: the conversation, as for `Provider.call`.
        tools: in OpenAI's function format.
        options: as for `Provider.call`, such as `{"temperature": 0, "model": "m"}`; but neither clocks nor
            `max_attempts` nor `extra_headers`, which are the submission's.
    """

    custom_id: str
    messages: Messages
    tools: Sequence[Tool] | None = None
    options: Mapping[str, Any] = {}  # Any: an option may be of any type


class BatchResult(Struct, frozen=True):
    """The result of one request.

    Args:
        custom_id: the request's `custom_id`.
        outcome: the answer, or the error that the provider has instead. It is an `UnansweredError` if
            the request was not answered at all.
    """

    custom_id: str
    outcome: Message | ProviderError


class BatchPart(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One batch at the provider, as of its last known status.

    Args:
        id: the provider's name for it.
        status: the batch's status.
        said: the provider's own word for it.
        count: how many requests it has.
        digest: a hash of the requests as they were sent.
        answered: how many requests have an answer, as far as the provider counts.
        failed: how many have an error or none at all.
        model: the model of all its requests; `None` if they may have several.
        output_tool: as in `Prepared`.
        input_file: the provider's id of the file with the requests.
        output_file: the id of the file with the answers.
        error_file: the id of the file with the errors.
        error: why the whole batch failed, in the provider's words.
    """

    id: str
    count: int
    digest: str
    status: BatchStatus = "running"
    said: str = ""
    answered: int = 0
    failed: int = 0
    model: str | None = None
    output_tool: str = ""
    input_file: str | None = None
    output_file: str | None = None
    error_file: str | None = None
    error: str | None = None

    @property
    def finished(self) -> bool:
        """Whether its status is final."""
        return self.status not in _WORKING

    def cleaned(self, clean: Callable[[str], str]) -> Self:
        """The same with the provider's words changed by `clean`, which masks a key that they may echo."""
        return structs.replace(self, said=clean(self.said), error=self.error and clean(self.error))


class BatchState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is needed to continue with submitted batches: small, without a key, and storable as JSON.

    Args:
        origin: the provider type and api that it belongs to, such as `"openai/chat"`.
        submitted: when its first batch was made, in seconds since 1970 (UTC).
        parts: the batches, in the order in which they were made. There are several if the requests are too
            many for one, or name several models.
        making: a batch whose request was sent and has no response yet. If a stored state has one, the batch
            may have been made or not.
        left: how many batches of the submission were not begun.
        version: the version of this form.
    """

    origin: str
    submitted: float
    parts: tuple[BatchPart, ...]
    making: BatchPart | None = None
    left: int = 0
    version: Literal[1] = 1

    @property
    def whole(self) -> bool:
        """Whether all of its requests were submitted."""
        return self.making is None and not self.left

    @property
    def finished(self) -> bool:
        """Whether nothing more will be answered, so that the results can be read."""
        return self.making is None and all(part.finished for part in self.parts)

    def made(self, id: str | None) -> Self:
        """The state once it is known whether the batch in `making` was made.

        Args:
            id: the batch's id in the provider's list; `None` if it is not there, and so was not made.

        Raises:
            InvalidRequestError: no batch was being made.
        """
        part = self.making
        if part is None:
            raise InvalidRequestError("state: no batch was being made, so nothing is to be decided")
        if id is None:
            return structs.replace(self, making=None, left=self.left + 1)
        return structs.replace(self, making=None, parts=(*self.parts, structs.replace(part, id=id)))

    @property
    def count(self) -> int:
        """How many requests were submitted."""
        return sum(part.count for part in self.parts)

    @property
    def answered(self) -> int:
        """How many of them have an answer, as far as the provider counts before the end."""
        return sum(part.answered for part in self.parts)

    @property
    def failed(self) -> int:
        """How many of them have an error or no answer."""
        return sum(part.failed for part in self.parts)

    def pause(self, now: float) -> float:
        """Seconds after which it makes sense to ask for the status again.

        A tenth of the time since the submission, but 15 s to 10 minutes: the end of a small batch is noticed
        soon, and a batch that takes a day does not cost a thousand requests.

        Args:
            now: seconds since 1970 (UTC).
        """
        return min(max((now - self.submitted) * _SHARE_OF_AGE, _SHORTEST_PAUSE), _LONGEST_PAUSE)

    def to_json(self) -> str:
        """The state as a JSON object, to store it."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The state that `to_json` stored.

        Args:
            text: what `to_json` returned.

        Returns:
            The state, with which `Batches` continues.

        Raises:
            InvalidRequestError: the text is not such a state, or has another version.
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise InvalidRequestError(
                f"state: is not a BatchState of version 1: {error}; give what to_json() returned"
            ) from None
