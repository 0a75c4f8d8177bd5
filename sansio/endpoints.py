"""The endpoints of providers beside answers: token counts, the list of models, embeddings.

An `Endpoint` is a request, and a function that reads its JSON response. The families make endpoints;
`Provider` sends them like every call, with the same retries, errors and records.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from sansio.content import Usage
from sansio.errors import RemoteProtocolError
from sansio.jsontext import JSON, JSONObject
from sansio.times import read_date, read_rfc_3339

T_co = TypeVar("T_co", covariant=True)
V = TypeVar("V")

_MOST_PAGES = 100
"""Pages of one list. Providers have at most a few hundred models; a list that never ends is a fault."""


class NextPage(Struct, Generic[T_co], frozen=True):
    """The result of `Endpoint.read` for a page that is not the last. The next page is then requested.

    Args:
        query: added to the query of the endpoint's address, such as `"after_id=m"`; percent-encoded.
        read: makes the value, or another `NextPage`, from the next page.
    """

    query: str
    read: Callable[[JSONObject], T_co | NextPage[T_co]]


class Content(Struct, frozen=True):
    """The body of a request, already encoded.

    Args:
        type: the media type, for the header `content-type`.
        data: the bytes.
    """

    type: str
    data: bytes


class Endpoint(Struct, Generic[T_co], frozen=True):
    """A request whose response is a JSON object, or one for each page, and a function that reads it.

    Pass it to `Provider.fetch`.

    Args:
        url: the absolute address.
        read: makes the value, or a `NextPage`, from a response that is not an error. It raises
            `RemoteProtocolError` if the response is malformed.
        body: the JSON to post, or a `Content`; `None` for a GET, which has no body.
        once: whether the effect of the request must not be repeated, such as making a batch. Such a request
            is retried only if the provider has refused it (429, 503, 529), and never if its response was
            lost.
        own_error: whether `error` in a response is a field of the object, such as the reason why a batch
            failed. If not, it is the error of the request.
    """

    url: str
    read: Callable[[JSONObject], T_co | NextPage[T_co]]
    body: JSONObject | Content | None = None
    once: bool = False
    own_error: bool = False


class ModelInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider's description of one of its models. Facts that it does not report are `None`.

    Args:
        id: the name for requests.
        name: the name for people.
        created: when the model was made or released. This and all other times are seconds since 1970 (UTC);
            if the provider gives only a day, its beginning.
        context_window: the largest number of tokens that prompt and answer may have together, or the prompt
            alone, as the provider counts them.
        max_output: the largest number of tokens that an answer may have.
        lifecycle: the provider's own word, such as `"active"`, `"deprecated"` or `"retired"`.
        deprecated: since when the model is deprecated.
        retires: when the model stops answering, or stopped.
        extra: the provider's other fields.
    """

    id: str
    name: str | None = None
    created: float | None = None
    context_window: int | None = None
    max_output: int | None = None
    lifecycle: str | None = None
    deprecated: float | None = None
    retires: float | None = None
    extra: JSONObject = {}


class Embeddings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The embedding vectors of texts.

    Args:
        vectors: one vector for each text, in the order of the texts.
        model: the model, as the provider names it.
        usage: the tokens; `None` if the provider reported none.
        extra: the response's other fields.
    """

    vectors: tuple[tuple[float, ...], ...]
    model: str | None = None
    usage: Usage | None = None
    extra: JSONObject = {}


def rows_of(data: JSONObject, field: str = "data") -> list[JSONObject]:
    """The objects in a response's list.

    Args:
        field: where the list is.

    Raises:
        RemoteProtocolError: there is no list, or something else is in it.
    """
    rows = data.get(field)
    if not isinstance(rows, list):
        raise RemoteProtocolError(f"the response has no list {field!r}")
    objects = [row for row in rows if isinstance(row, dict)]
    if len(objects) != len(rows):
        raise RemoteProtocolError(f"the list {field!r} holds something that is not an object")
    return objects


def moment(value: JSON) -> float | None:
    """A time as providers write it: seconds since 1970, RFC 3339, or a day alone; else `None`."""
    if isinstance(value, str):
        seconds = read_rfc_3339(value)
        return read_date(value) if seconds is None else seconds
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -1e11 < value < 1e11 else None


class Row:
    """One object of a list, read field by field; `rest` is what was not read.

    Args:
        data: the object.
        ignored: fields that are not kept.
    """

    def __init__(self, data: JSONObject, ignored: Sequence[str] = ("object", "type")) -> None:
        self._data = data
        self._used = set(ignored)

    def text(self, *names: str) -> str | None:
        """The first of these fields that is a text, and not blank."""
        return self._first(names, lambda value: value if isinstance(value, str) and value.strip() else None)

    def count(self, *names: str) -> int | None:
        """The first of these fields that is an int greater than 0."""
        return self._first(names, lambda value: value if type(value) is int and value > 0 else None)

    def moment(self, *names: str) -> float | None:
        """The first of these fields that is a time (`moment`)."""
        return self._first(names, moment)

    @property
    def rest(self) -> JSONObject:
        """The fields that were not read, except nulls. An object that was read in part is included whole."""
        return {
            name: value for name, value in self._data.items() if name not in self._used and value is not None
        }

    def _first(self, names: Sequence[str], read: Callable[[JSON], V | None]) -> V | None:
        for name in names:
            value: JSON = self._data
            for step in name.split("."):  # dots lead into objects
                value = value.get(step) if isinstance(value, dict) else None
            if (found := read(value)) is not None:
                self._used.add(name)
                return found
        return None


def read_id(row: Row) -> str:
    """A model's id.

    Raises:
        RemoteProtocolError: it has none.
    """
    if (id_ := row.text("id")) is None:
        raise RemoteProtocolError("a model in the list has no id")
    return id_


def read_models(
    data: JSONObject,
    read: Callable[[Row], ModelInfo],
    cursor: str,
    before: tuple[ModelInfo, ...] = (),
    cursors: tuple[str, ...] = (),
    rows: str = "data",
    token: str = "",
) -> tuple[ModelInfo, ...] | NextPage[tuple[ModelInfo, ...]]:
    """The models of a list, which may have pages.

    A page's `has_more` says whether another page follows, and its `last_id` after which model that one
    begins; without `last_id`, it begins after the page's last model. Source: the pages of Anthropic's and
    OpenAI's own SDKs. If pages have tokens (`token`), another page follows as long as a page has the token of
    the next.

    Args:
        data: the response.
        read: reads one model.
        cursor: the query's parameter for the model after which a page begins, or for the page's token.
        before: the models of the earlier pages.
        cursors: the earlier values of this parameter.
        rows: the field that has the list.
        token: the field that has the next page's token; empty if there is none.

    Raises:
        RemoteProtocolError: the response is malformed; it repeats a page; or the pages do not end.
    """
    models = tuple(read(Row(row)) for row in rows_of(data, rows))
    listed = before + models
    if not data.get(token) if token else data.get("has_more") is not True:
        return listed
    last = data[token] if token else data.get("last_id") or (models[-1].id if models else None)
    if not isinstance(last, str) or last in cursors:
        raise RemoteProtocolError(
            f"the list has more models ({token or 'has_more'}), but none begin behind "
            f"{token or 'last_id'}, which is {last!r}"
        )
    if len(cursors) + 1 >= _MOST_PAGES:
        raise RemoteProtocolError(f"the list of models has more than {_MOST_PAGES} pages")
    from urllib.parse import urlencode  # late: `import sansio` needs no URLs, and most lists have one page

    return NextPage(
        urlencode({cursor: last}),
        partial(
            read_models,
            read=read,
            cursor=cursor,
            before=listed,
            cursors=(*cursors, last),
            rows=rows,
            token=token,
        ),
    )


def read_count(data: JSONObject) -> int:
    """The number of tokens in a response.

    Raises:
        RemoteProtocolError: it has none.
    """
    count = data.get("input_tokens")
    if type(count) is not int or count < 0:
        raise RemoteProtocolError(f"the response has no count of tokens: input_tokens is {count!r}")
    return count


def read_vectors(rows: Sequence[JSONObject], count: int) -> tuple[tuple[float, ...], ...]:
    """The vectors of an embeddings response in OpenAI's form, in the order of the texts.

    Args:
        rows: each with `embedding`, a list of numbers or base64 of little-endian 32-bit floats, and `index`,
            the place of its text. A row without an index belongs to the text at the same place.
        count: how many texts there were.

    Raises:
        RemoteProtocolError: a vector is missing, given twice, or cannot be read.
    """
    vectors: dict[int, tuple[float, ...]] = {}
    for place, row in enumerate(rows):
        index = row.get("index", place)
        if type(index) is not int or not 0 <= index < count or index in vectors:
            raise RemoteProtocolError(f"an embedding has the index {index!r}, out of {count} texts")
        vectors[index] = _vector(row.get("embedding"), index)
    if len(vectors) != count:
        raise RemoteProtocolError(f"the response has {len(vectors)} embeddings for {count} texts")
    return tuple(vectors[index] for index in range(count))


def _vector(value: JSON, index: int) -> tuple[float, ...]:
    if isinstance(value, str):
        try:
            data = binascii.a2b_base64(value, strict_mode=True)
        except (binascii.Error, ValueError):
            raise RemoteProtocolError(f"embedding {index} is not base64") from None
        if len(data) % 4:
            raise RemoteProtocolError(f"embedding {index} has {len(data)} bytes; floats have 4 each")
        return struct.unpack(f"<{len(data) // 4}f", data)
    try:
        return msgspec.convert(value, tuple[float, ...])
    except (msgspec.ValidationError, OverflowError):
        raise RemoteProtocolError(f"embedding {index} is neither a list of numbers nor base64") from None
