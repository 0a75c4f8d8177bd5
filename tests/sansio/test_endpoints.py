"""How lists of models and embeddings are read, whatever the provider sends."""

from __future__ import annotations

import base64
import math
import re
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    PROVIDER_DEFAULTS,
    Embeddings,
    Fetch,
    InvalidRequestError,
    ModelInfo,
    Provider,
    RemoteProtocolError,
)
from sansio.endpoints import Endpoint, Row, moment, read_count, read_id, read_models, read_vectors, rows_of
from sansio.jsontext import JSON, JSONObject
from tests.sansio.wires import ASK, config
from tests.support import for_each

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
VECTORS = st.lists(st.lists(FLOATS, max_size=5), max_size=5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


@given(VECTORS, st.data())
def test_vectors_have_the_order_of_the_texts_in_base64_and_as_numbers(
    vectors: list[list[float]], data: st.DataObject
) -> None:
    rows: list[JSONObject] = [
        {"index": index, "embedding": packed(vector) if data.draw(st.booleans()) else [*vector]}
        for index, vector in enumerate(vectors)
    ]
    shuffled = data.draw(st.permutations(rows))
    assert read_vectors(shuffled, len(vectors)) == tuple(map(tuple, vectors))


@given(VALUES, VALUES)
def test_whatever_is_in_a_row_gives_a_vector_or_an_error_of_the_protocol(index: JSON, value: JSON) -> None:
    try:
        (vector,) = read_vectors([{"index": index, "embedding": value}], 1)
    except RemoteProtocolError:
        return
    assert all(isinstance(number, float) for number in vector)


def test_rows_without_an_index_have_the_order_of_the_texts() -> None:
    assert read_vectors([{"embedding": [1]}, {"embedding": [2.5]}], 2) == ((1.0,), (2.5,))


def test_a_vector_may_hold_what_a_float_can() -> None:
    ((first, second),) = read_vectors([{"embedding": packed([math.inf, math.nan])}], 1)
    assert first == math.inf
    assert math.isnan(second)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "0 embeddings for 2"),
        ([{"index": 0, "embedding": []}], "1 embeddings for 2"),
        ([{"index": 0, "embedding": []}, {"index": 0, "embedding": []}], "index 0"),
        ([{"index": 2, "embedding": []}], "index 2"),
        ([{"index": -1, "embedding": []}], "index -1"),
        ([{"index": True, "embedding": []}], "index True"),
        ([{"embedding": "AAAA"}], "3 bytes"),
        ([{"embedding": "no base64"}], "not base64"),
        ([{"embedding": "ä"}], "not base64"),
        ([{"embedding": ["1"]}], "neither"),
        ([{"embedding": [True]}], "neither"),
        ([{"embedding": [10**400]}], "neither"),
        ([{}], "neither"),
    ],
)
def test_a_missing_or_unreadable_vector_is_an_error(rows: list[JSONObject], said: str) -> None:
    with pytest.raises(RemoteProtocolError, match=said):
        read_vectors(rows, 2)


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": {}}, {"data": [{}, 1]}])
def test_a_response_without_a_list_of_objects_is_an_error(data: JSONObject) -> None:
    with pytest.raises(RemoteProtocolError, match="data"):
        rows_of(data)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0.0),
        (1_767_225_600, 1_767_225_600.0),
        (1.5, 1.5),
        ("2026-01-01T00:00:00Z", 1_767_225_600.0),
        ("2026-01-01", 1_767_225_600.0),
        ("2026-13-01", None),
        ("soon", None),
        ("", None),
        (True, None),
        (None, None),
        (10**400, None),
        (1e300, None),
        (99_999_999_999.5, 99_999_999_999.5),
        (-99_999_999_999.5, -99_999_999_999.5),
        (100_000_000_000, None),
        (-100_000_000_000, None),
        ([], None),
    ],
)
def test_a_time_is_seconds_since_1970_however_it_is_written(value: JSON, seconds: float | None) -> None:
    assert moment(value) == seconds


def test_a_field_that_cannot_be_read_stays_in_the_rest_and_the_next_one_counts() -> None:
    said: JSONObject = {"id": "m", "object": "model", "a": "many", "b": {"c": 3}, "d": None}
    row = Row({**said, "e": -1, "f": " ", "g": "x"})
    assert row.count("a", "b.c") == 3
    assert row.count("e", "absent.deeper") is None
    assert row.text("f", "g") == "x"
    assert row.moment("a") is None
    assert read_id(row) == "m"
    assert row.rest == {"a": "many", "b": {"c": 3}, "e": -1, "f": " "}


def test_a_row_s_kind_is_ignored_unless_something_else_is_said() -> None:
    said: JSONObject = {"object": "model", "type": "model", "x": 1}
    assert Row(said).rest == {"x": 1}
    assert Row(said, ignored=()).rest == said
    assert Row(said, ignored=("x",)).rest == {"object": "model", "type": "model"}


NAMES = st.text(st.characters(exclude_characters="."))  # dots lead inwards


@given(st.dictionaries(NAMES, VALUES))
def test_no_field_of_a_row_is_lost(data: JSONObject) -> None:
    row = Row(data)
    read = {name for name in data if row.text(name) is not None or row.moment(name) is not None}
    kept = {name for name, value in data.items() if value is not None} - {"object", "type"}
    assert set(row.rest) == kept - read


@pytest.mark.parametrize("data", [{}, {"id": ""}, {"id": 3}, {"id": None}])
def test_a_model_without_an_id_is_an_error(data: JSONObject) -> None:
    with pytest.raises(RemoteProtocolError, match="id"):
        read_id(Row(data))


def test_a_count_is_read() -> None:
    assert read_count({"input_tokens": 0}) == 0
    assert read_count({"input_tokens": 17, "context_management": None}) == 17


@pytest.mark.parametrize("value", [None, -1, 1.5, True, "3"])
def test_a_count_that_is_not_one_is_an_error(value: bool | int | float | str | None) -> None:
    with pytest.raises(RemoteProtocolError, match="input_tokens"):
        read_count({"input_tokens": value})


PAIRS = [(type, api) for type, row in PROVIDER_DEFAULTS.items() for api in row.apis]
ENDPOINTS: dict[str, Any] = {"list_models": (), "count_tokens": (ASK,), "embed": (["a"],)}


def ask_endpoint(kind: str, method: str) -> object:
    return getattr(Provider(config(kind)), method)(*ENDPOINTS[method])


@for_each([(f"{type}/{api}", method) for type, api in PAIRS for method in ENDPOINTS], at_once=200)
def test_a_provider_without_an_endpoint_names_a_type_that_has_one(case: tuple[str, str]) -> None:
    kind, method = case
    try:
        assert isinstance(ask_endpoint(kind, method), Fetch)
    except InvalidRequestError as error:
        said = re.fullmatch(rf"{method}: {kind} has no endpoint for it; .*such as (\S+)", error.message)
        assert said
        assert isinstance(ask_endpoint(said[1], method), Fetch)


def test_an_endpoint_is_asked_without_a_body_and_may_be_asked_again_unless_it_says_otherwise() -> None:
    plain = Endpoint("https://e.example/models", read_count)
    assert (plain.body, plain.once, plain.own_error) == (None, False, False)
    bare = ModelInfo(id="m")
    assert (bare.name, bare.created, bare.context_window, bare.max_output) == (None, None, None, None)
    assert (bare.lifecycle, bare.deprecated, bare.retires, bare.extra) == (None, None, None, {})
    vectors = Embeddings(vectors=())
    assert (vectors.model, vectors.usage, vectors.extra) == (None, None, {})


@pytest.mark.parametrize(
    ("value", "read"), [(1, 1), (0, None), (-1, None), (True, None), (1.0, None), ("1", None)]
)
def test_a_count_in_a_row_is_a_whole_number_above_0(value: JSON, read: int | None) -> None:
    row = Row({"a": value})
    assert row.count("a") == read
    assert row.rest == ({} if read else {"a": value})


def test_what_a_blank_field_says_is_in_the_next_one() -> None:
    row = Row({"a": "", "b": " \n", "c": None, "d": 5, "e": {"f": "x"}})
    assert row.text("a", "b", "c", "d", "e", "e.g", "e.f.g", "e.f") == "x"


@pytest.mark.parametrize("token", ["", "next"])
def test_a_list_of_pages_ends(token: str) -> None:
    def page(number: int) -> JSONObject:
        rows: list[JSON] = [{"id": f"m{number}"}]
        return {"data": rows, "next": f"t{number}"} if token else {"data": rows, "has_more": True}

    def read(row: Row) -> ModelInfo:
        return ModelInfo(id=read_id(row))

    following: Any = read_models(page(0), read, "after", token=token)
    for number in range(1, 99):
        assert following.query == f"after={'t' if token else 'm'}{number - 1}"
        following = following.read(page(number))
    listed = following.read({"data": []})
    assert [model.id for model in listed] == [f"m{number}" for number in range(99)]
    with pytest.raises(RemoteProtocolError, match="more than 100 pages"):
        following.read(page(99)).read(page(100))
    said = r"\(next\), .* behind next, .* 't98'" if token else r"\(has_more\), .* behind last_id, .* 'm98'"
    with pytest.raises(RemoteProtocolError, match=said):
        following.read(page(98))
    if not token:
        with pytest.raises(RemoteProtocolError, match="which is None"):
            following.read({"data": [], "has_more": True})
        first: Any = read_models({"data": [], "has_more": True, "last_id": "z"}, read, "after")
        assert first.query == "after=z"
