"""Structured answers: what is requested, and which answers are accepted or refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import (
    FinishReason,
    InvalidRequestError,
    Message,
    OutputFormatError,
    Provider,
    RefusalPart,
    Role,
    TextPart,
    parse_answer,
    response_format,
    strict_schema,
)
from sansio.jsontext import JSON, JSONObject
from sansio.structured import is_schema, output_tool, schema_of, without_added_nulls
from tests.sansio.wires import ASK, TYPES, WEATHER, config
from tests.support import for_all


@dataclass
class Line:
    what: str
    price: float = 1.0
    note: str | None = None
    kind: Literal["part", "work"] = "part"


@dataclass
class Invoice:
    number: int
    lines: list[Line]
    day: date = date(2026, 1, 1)
    replaces: Invoice | None = None
    pair: tuple[int, Line] | None = None
    labels: list[str] = field(default_factory=list)


class Point(msgspec.Struct, tag=True):
    x: int
    y: int = 0


class Circle(msgspec.Struct, tag=True):
    radius: int
    y: int | None = 5


class Drawing(msgspec.Struct):
    shapes: list[Point | Circle]


class City(TypedDict, total=False):
    name: str


@dataclass
class Counts:
    by_name: dict[str, int]


def answered(value: object, **fields: Any) -> Message:
    text = value if isinstance(value, str) else json.dumps(value)
    return Message(Role.ASSISTANT, text, finish_reason=FinishReason.STOP, **fields)


def asked(kind: type) -> dict[str, Any]:
    inner = response_format(kind)["json_schema"]
    assert isinstance(inner, dict)
    return inner


def objects_in(schema: object) -> list[dict[str, Any]]:
    """Every schema of an object, wherever it is."""
    if isinstance(schema, list):
        return [found for inner in schema for found in objects_in(inner)]
    if not isinstance(schema, dict):
        return []
    found = [found for inner in schema.values() for found in objects_in(inner)]
    return [schema, *found] if isinstance(schema.get("properties"), dict) else found


@pytest.mark.parametrize("kind", [Invoice, Drawing, City])
def test_what_is_asked_for_is_strict(kind: type) -> None:
    form = asked(kind)
    assert (form["name"], form["strict"], form["schema"]["type"]) == (kind.__name__, True, "object")
    objects = objects_in(form["schema"])
    assert objects
    for schema in objects:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    assert '"default"' not in json.dumps(form)


def test_a_reference_has_nothing_beside_it() -> None:
    reference: JSONObject = {"$ref": "#/$defs/A", "description": "an A"}
    strict = strict_schema({"type": "object", "properties": {"a": reference}, "required": ["a"]})
    assert strict["properties"]["a"] == {"anyOf": [{"$ref": "#/$defs/A"}], "description": "an A"}


def test_a_choice_that_may_be_left_out_has_null_among_its_own() -> None:
    own: list[JSON] = [{"type": "integer"}, {"type": "boolean"}]
    strict = strict_schema({"type": "object", "properties": {"a": {"anyOf": own, "title": "A"}}})
    assert strict["properties"]["a"] == {"anyOf": [*own, {"type": "null"}], "title": "A"}


def test_a_mapping_of_any_keys_is_not_strict_and_is_read() -> None:
    assert asked(Counts)["strict"] is False
    assert parse_answer(answered({"by_name": {"a": 1}}), Counts).value == Counts({"a": 1})


LINES = st.builds(Line, st.text(), st.floats(0, 10), st.none() | st.text(), st.sampled_from(["part", "work"]))
INVOICES = st.recursive(
    st.builds(Invoice, st.integers(), st.lists(LINES, max_size=2)),
    lambda inner: st.builds(
        Invoice,
        st.integers(),
        st.lists(LINES, max_size=2),
        st.dates(),
        inner,
        st.none() | st.tuples(st.integers(), LINES),
        st.lists(st.text(), max_size=2),
    ),
    max_leaves=3,
)


@given(INVOICES)
def test_a_value_that_the_model_writes_whole_is_read_back(invoice: Invoice) -> None:
    message = answered(msgspec.json.encode(invoice).decode())
    parsed = parse_answer(message, Invoice)
    assert parsed.value == invoice
    assert parsed.message is message


def test_null_takes_the_place_of_what_may_be_left_out() -> None:
    line = {"what": "screws", "price": None, "note": None, "kind": None}
    said = {"number": 1, "lines": [line], "day": None, "replaces": None, "pair": [2, line], "labels": None}
    value = parse_answer(answered(said), Invoice).value
    assert value == Invoice(1, [Line("screws")], pair=(2, Line("screws")))


def test_of_several_structures_the_keys_say_which() -> None:
    said = {"shapes": [{"type": "Point", "x": 1, "y": None}, {"type": "Circle", "radius": 2, "y": None}]}
    assert parse_answer(answered(said), Drawing).value == Drawing([Point(1), Circle(2, None)])


def test_what_the_schema_does_not_know_stays() -> None:
    schema: JSONObject = {"type": "object", "properties": {"a": {"type": "string"}, "b": True}}
    values: list[JSON] = [
        {"c": None},
        {"a": {"c": None}, "b": None},
        {"a": "x", "b": {"c": None}},
        [None],
        None,
    ]
    for value in values:
        assert without_added_nulls(value, schema) == value


TAKES_NULL: list[JSONObject] = [{"type": "null"}, {"type": ["string", "null"]}, {"enum": [1, None]}, {}]
TAKES_NONE: list[JSONObject] = [{"type": "string"}, {"type": ["string", "integer"]}, {"enum": [1]}]


@for_all(
    (("inner", "kept"), [*((each, True) for each in TAKES_NULL), *((each, False) for each in TAKES_NONE)]),
    ("form", ["plain", "$ref", "anyOf", "oneOf", "allOf", "$ref of anyOf", "anyOf of $ref"]),
)
def test_null_stays_where_a_property_takes_it(inner: JSONObject, kept: bool, form: str) -> None:
    other: JSONObject = {"type": "integer"} if inner else {}
    choices: JSONObject = {form.split()[-1]: [other, inner]}
    reference: JSONObject = {"$ref": "#/$defs/P"}
    forms: dict[str, tuple[JSONObject, JSONObject]] = {
        "plain": (inner, inner),
        "$ref": (reference, inner),
        "$ref of anyOf": (reference, choices),
        "anyOf of $ref": ({"anyOf": [other, reference]}, inner),
    }
    own, named = forms.get(form, (choices, inner))
    schema: JSONObject = {"type": "object", "properties": {"a": own}, "$defs": {"P": named}}
    assert without_added_nulls({"a": None}, schema) == ({"a": None} if kept else {})
    assert without_added_nulls({"a": None}, {**schema, "required": ["a"]}) == {"a": None}
    inside: JSONObject = {"type": "array", "items": {"type": "object", "properties": {"a": own}}}
    assert without_added_nulls([{"a": None}], {**inside, "$defs": {"P": named}}) == [
        {"a": None} if kept else {}
    ]


@pytest.mark.parametrize(
    ("said", "path", "reason"),
    [
        ("Sure! {}", "$", "JSON"),
        ({"number": "one", "lines": []}, "$.number", "int"),
        ({"number": 1, "lines": [{"what": 2}]}, "$.lines[0].what", "str"),
        ({"lines": []}, "$", "number"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_its_text_and_path(
    said: object, path: str, reason: str
) -> None:
    message = answered(said)
    with pytest.raises(OutputFormatError, match=reason) as raised:
        parse_answer(message, Invoice)
    assert raised.value.field == path
    assert raised.value.partial is message


def test_an_answer_that_was_cut_names_the_remedy() -> None:
    message = msgspec.structs.replace(answered('{"number": 1, "li'), finish_reason=FinishReason.LENGTH)
    with pytest.raises(OutputFormatError, match="max_tokens"):
        parse_answer(message, Invoice)


def test_a_refusal_is_named_as_one() -> None:
    message = Message(Role.ASSISTANT, (RefusalPart("I cannot."),))
    with pytest.raises(OutputFormatError, match="I cannot"):
        parse_answer(message, Invoice)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(int, "int"), (list, "list"), (list[Invoice], "list"), (complex, "complex"), (int | str, r"int \| str")],
)
def test_what_is_no_object_is_refused_by_its_name(kind: Any, name: str) -> None:
    words = f"response_format: {name} (is not an object|has no JSON schema)"
    with pytest.raises(InvalidRequestError, match=words):
        response_format(kind)


class Model:
    """What a pydantic model can do, without pydantic."""

    def __init__(self, **fields: object) -> None:
        self.fields = fields

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {
            "$ref": "#/$defs/M",
            "$defs": {"M": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        }

    @classmethod
    def model_validate(cls, value: dict[str, object]) -> Model:
        if not isinstance(value.get("a", 0), int):
            raise UnfitError("1 validation error")
        return cls(**value)


class UnfitError(ValueError):
    def errors(self) -> list[dict[str, object]]:
        return [{"loc": ("a", 0), "msg": "not a number"}]


def test_a_pydantic_model_is_known_by_what_it_can_do() -> None:
    assert asked(Model)["schema"]["properties"] == {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}
    assert "$defs" not in schema_of(Model)
    assert parse_answer(answered({"a": None}), Model).value.fields == {}
    with pytest.raises(OutputFormatError, match="not a number") as raised:
        parse_answer(answered({"a": "x"}), Model)
    assert raised.value.field == "$.a[0]"


# What is asked for, by the provider and the model.


def old_claude(**fields: Any) -> Provider:
    return Provider(config("anthropic", model="claude-sonnet-4-20250514", **fields))


def deepseek() -> Provider:
    return Provider(config("deepseek"))


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_asked_for_as_its_schema(kind: str) -> None:
    provider = Provider(config(kind))
    by_type = provider.prepare(ASK, response_format=Invoice).body
    assert by_type == provider.prepare(ASK, response_format=response_format(Invoice)).body
    assert by_type == provider.prepare(ASK, options={"response_format": Invoice}).body
    assert "tools" not in by_type


@pytest.mark.parametrize("provider", [old_claude(), deepseek()], ids=["claude", "deepseek"])
def test_without_schemas_it_is_asked_for_as_one_forced_tool(provider: Provider) -> None:
    body: Any = provider.prepare(ASK, response_format=Invoice).body
    asked: Any = response_format(Invoice)
    (tool,), choice = body["tools"], body["tool_choice"]
    schema = asked["json_schema"]["schema"]
    assert tool in (
        {"name": "Invoice", "input_schema": schema},
        {"type": "function", "function": {"name": "Invoice", "parameters": schema}},
    )
    assert choice in (
        {"type": "tool", "name": "Invoice", "disable_parallel_tool_use": True},
        {"type": "function", "function": {"name": "Invoice"}},
    )
    assert "response_format" not in body
    assert "output_config" not in body


def test_a_schema_by_hand_names_the_tool_or_it_has_a_name_of_its_kind() -> None:
    schema: JSONObject = {"type": "object", "properties": {}}
    named: JSONObject = {"name": "bill", "description": "A bill.", "schema": schema}
    body: Any = deepseek().prepare(ASK, response_format={"type": "json_schema", "json_schema": named}).body
    assert body["tools"][0]["function"] == {"name": "bill", "description": "A bill.", "parameters": schema}
    body = old_claude().prepare(ASK, response_format={"type": "json_schema", "schema": schema}).body
    assert body["tools"] == [{"name": "answer", "input_schema": schema}]


LOOSE: JSONObject = {"title": "A bill", "type": "object", "properties": {"n": {"type": "integer"}}}
STRICT: JSONObject = {**LOOSE, "required": ["n"], "additionalProperties": False}


@pytest.mark.parametrize(
    "schema", [LOOSE, STRICT, {"$ref": "#/$defs/n", "$defs": {"n": LOOSE}}, {"anyOf": [STRICT]}]
)
def test_the_schema_of_an_object_may_be_given_alone(schema: JSONObject) -> None:
    wrapped: Any = response_format(schema)["json_schema"]
    assert wrapped["schema"] == schema
    for kind in TYPES:
        body = Provider(config(kind)).prepare(ASK, response_format=schema).body
        by_hand = {"type": "json_schema", "json_schema": wrapped}
        assert body == Provider(config(kind)).prepare(ASK, response_format=by_hand).body


@for_all(
    ("kind", ["json_schema", "array", "string", "number", "integer", "boolean", "null"]), ("type", TYPES)
)
def test_a_schema_of_anything_but_an_object_is_refused_here(type: str, kind: str) -> None:
    with pytest.raises(InvalidRequestError, match="response_format") as caught:
        Provider(config(type)).prepare(ASK, response_format={"type": kind})
    assert "schema" in str(caught.value)


def test_a_schema_is_strict_if_it_has_the_form_of_strict_and_is_named_by_its_title() -> None:
    loose, strict = response_format(LOOSE), response_format(STRICT)
    assert loose["json_schema"] == {"name": "A_bill", "schema": LOOSE, "strict": False}
    assert strict["json_schema"] == {"name": "A_bill", "schema": STRICT, "strict": True}


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "text"}])
def test_other_forms_are_sent_as_they_are(form: JSONObject) -> None:
    body = deepseek().prepare(ASK, response_format=form).body
    assert body["response_format"] == form
    assert "tools" not in body


def test_a_tool_of_the_form_goes_alone() -> None:
    with pytest.raises(InvalidRequestError, match=r"response_format: .*leave out tools"):
        deepseek().call(ASK, [WEATHER], response_format=Invoice)
    with pytest.raises(InvalidRequestError, match=r"response_format: .*leave out tool_choice"):
        old_claude().call(ASK, response_format=Invoice, tool_choice="auto")


def test_a_tool_of_the_form_is_not_forced_beside_thinking() -> None:
    provider = old_claude(reasoning=True)
    with pytest.raises(InvalidRequestError, match=r"response_format: .*reasoning_effort='none'"):
        provider.call(ASK, response_format=Invoice)
    body = provider.prepare(ASK, response_format=Invoice, reasoning_effort="none").body
    assert body["thinking"] == {"type": "disabled"}


@for_all(
    (
        ("model", "native"),
        [
            ("claude-3-5-sonnet-20241022", False),
            ("us.anthropic.claude-3-haiku-20240307-v1:0", False),
            ("claude-sonnet-4-20250514", False),
            ("claude-opus-4-0", False),
            ("claude-opus-4", False),
            ("anthropic/claude-3.7-sonnet:thinking", False),
            ("anthropic/claude-sonnet-4.0", False),
            ("claude-3-opus-20240229", False),
            ("claude-4-sonnet-20250514", False),
            ("claude-haiku-3", False),
            ("anthropic/claude-opus-4.1", True),
            ("claude-opus-41", True),
            ("claude-opus-4-10", True),
            ("claude-30-opus", True),
            ("my-claude-3", True),
            ("claude-opus-4-1", True),
            ("claude-opus-4-1-20250805", True),
            ("claude-sonnet-4-5-20250929", True),
            ("claude-haiku-5-5", True),
            ("claude-sonnet-35", True),
            ("another-model", True),
        ],
    )
)
def test_which_models_of_anthropic_take_a_schema(model: str, native: bool) -> None:
    body = Provider(config("anthropic")).prepare(ASK, response_format=Invoice, model=model).body
    assert ("output_config" in body, "tools" in body) == (native, not native)


def test_the_next_call_of_the_provider_is_an_ordinary_one() -> None:
    provider = deepseek()
    provider.call(ASK, response_format=Invoice)
    assert provider.dialect.output_tool == ""


@pytest.mark.parametrize("form", [list[int], Invoice | None, "json", 5, object()])
def test_what_is_neither_a_class_nor_a_mapping_is_refused_with_what_is(form: Any) -> None:
    for kind in ("openai", "anthropic"):
        with pytest.raises(InvalidRequestError, match=r"response_format: .*dataclass"):
            Provider(config(kind)).call(ASK, response_format=form)


@pytest.mark.parametrize("keyword", ["properties", "$ref", "$defs", "anyOf", "additionalProperties"])
def test_a_schema_is_known_by_one_of_its_keywords(keyword: str) -> None:
    assert is_schema({keyword: {}})
    assert is_schema({"type": "object", keyword: {}})
    assert not is_schema({"type": "json_object", keyword: {}})


def test_an_object_with_free_keys_is_not_strict() -> None:
    closed: JSONObject = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    free: JSONObject = {"type": "object"}
    for inner, strict in ((closed, True), (free, False)):
        schema: JSONObject = {**closed, "properties": {"a": inner}, "required": ["a"]}
        asked: Any = response_format(schema)["json_schema"]
        assert asked["strict"] is strict


def test_definitions_under_their_older_name_are_made_strict_too() -> None:
    inner: JSONObject = {"type": "object", "properties": {"type": {"type": "integer"}}}
    strict: Any = strict_schema({"type": "object", "properties": {}, "definitions": {"default": inner}})
    assert strict["definitions"]["default"]["required"] == ["type"]


@dataclass
class Tree:
    name: str
    under: list[Tree] = field(default_factory=list)


def test_a_type_that_refers_to_itself_has_its_own_definition_and_another_has_none() -> None:
    assert schema_of(Line) == {
        "title": "Line",
        "type": "object",
        "properties": {
            "what": {"type": "string"},
            "price": {"type": "number", "default": 1.0},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "kind": {"enum": ["part", "work"], "default": "part"},
        },
        "required": ["what"],
    }
    tree = schema_of(Tree)
    assert set(tree) == {"title", "type", "properties", "required", "$defs"}
    assert tree["$defs"]["Tree"]["properties"] == tree["properties"]
    assert set(schema_of(Drawing)["$defs"]) == {"Point", "Circle"}


def test_a_name_has_at_most_64_letters_digits_and_lines() -> None:
    """What OpenAI accepts as the name of a format."""
    for char in map(chr, range(0x20, 0x180)):
        kept = char if char.isascii() and (char.isalnum() or char in "_-") else "_"
        form = response_format({**STRICT, "title": f"a{char}b"})
        assert form["json_schema"]["name"] == f"a{kept}b"  # type: ignore[index, call-overload]  # it is JSON
    for title, name in (("x" * 70, "x" * 64), ("", "answer"), (None, "answer"), (5, "5")):
        assert response_format({**STRICT, "title": title})["json_schema"]["name"] == name  # type: ignore[index, call-overload]  # it is JSON
    assert response_format({**STRICT})["json_schema"]["name"] == "A_bill"  # type: ignore[index, call-overload]  # it is JSON
    nameless = {key: value for key, value in STRICT.items() if key != "title"}
    assert response_format(nameless)["json_schema"]["name"] == "answer"  # type: ignore[index, call-overload]  # it is JSON


PARAMETERS: JSONObject = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("asked", "function"),
    [
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "description": "d", "schema": PARAMETERS, "x": 1},
            },
            {"name": "n", "description": "d", "parameters": PARAMETERS},
        ),
        (
            {"type": "json_schema", "json_schema": {"schema": PARAMETERS}},
            {"name": "answer", "parameters": PARAMETERS},
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "", "schema": PARAMETERS}},
            {"name": "answer", "parameters": PARAMETERS},
        ),
        ({"type": "json_schema", "name": "n", "schema": PARAMETERS}, {"name": "n", "parameters": PARAMETERS}),
        ({"type": "json_schema", "json_schema": {"name": "n"}}, None),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": "x"}}, None),
        ({"type": "json_schema", "json_schema": "n"}, None),
        ({"type": "json_schema"}, None),
        ({"type": "json_object", "schema": PARAMETERS}, None),
        ({"schema": PARAMETERS}, None),
    ],
)
def test_only_a_schema_becomes_a_tool(asked: JSONObject, function: JSONObject | None) -> None:
    wanted = None if function is None else (function["name"], {"type": "function", "function": function})
    assert output_tool(asked) == wanted


STRICT_FORMS: list[tuple[JSONObject, JSONObject]] = [
    ({"type": "string", "default": "x"}, {"type": "string"}),
    (
        {"type": "array", "items": {"type": "integer", "default": 1}},
        {"type": "array", "items": {"type": "integer"}},
    ),
    (
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "null"}}},
        {
            "type": "object",
            "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "b": {"type": "null"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    ),
    (
        {"type": "object", "properties": {"a": {"type": "string", "description": "d", "title": "t"}}},
        {
            "type": "object",
            "properties": {
                "a": {"description": "d", "title": "t", "anyOf": [{"type": "string"}, {"type": "null"}]}
            },
            "required": ["a"],
            "additionalProperties": False,
        },
    ),
    (
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}], "minLength": 1}}},
        {
            "type": "object",
            "properties": {
                "a": {"anyOf": [{"anyOf": [{"type": "string"}], "minLength": 1}, {"type": "null"}]}
            },
            "required": ["a"],
            "additionalProperties": False,
        },
    ),
    ({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}),
    (
        {"$ref": "#/$defs/A", "$defs": {"default": {"type": "string", "default": "x"}}},
        {"anyOf": [{"$ref": "#/$defs/A"}], "$defs": {"default": {"type": "string"}}},
    ),
    (
        {"type": "object", "properties": {"default": {"type": "string"}}, "required": ["default"]},
        {
            "type": "object",
            "properties": {"default": {"type": "string"}},
            "required": ["default"],
            "additionalProperties": False,
        },
    ),
    (
        {"enum": [{"x": 1}, 1, [2]], "type": ["integer", "null"]},
        {"enum": [{"x": 1}, 1, [2]], "type": ["integer", "null"]},
    ),
]


@for_all((("schema", "strict"), STRICT_FORMS))
def test_the_strict_form_of_a_schema(schema: JSONObject, strict: JSONObject) -> None:
    before = msgspec.json.encode(schema)
    assert strict_schema(schema) == strict
    assert msgspec.json.encode(schema) == before


@for_all(
    (
        ("schema", "strict"),
        [
            ({"type": "object", "additionalProperties": True}, False),
            ({"type": "object", "additionalProperties": {"type": "string"}}, False),
            ({"type": "object", "additionalProperties": False}, True),
            ({"type": "string"}, True),
            ({"anyOf": [{"type": "string"}, {"type": "object"}]}, False),
            ({"type": "array", "items": {"type": "object"}}, False),
            ({"$ref": "#/$defs/A"}, True),
            ({"enum": [{"type": "object"}]}, True),
            ({"type": "string", "default": {"type": "object"}}, None),
        ],
    )
)
def test_a_schema_with_an_object_of_free_keys_is_not_strict(schema: JSONObject, strict: bool | None) -> None:
    whole: JSONObject = {**STRICT, "properties": {"n": schema}}
    asked: Any = response_format(whole)["json_schema"]
    assert asked["schema"] == whole
    assert asked["strict"] is bool(strict)  # a default alone is against the strict form, too


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf", "prefixItems"])
def test_each_schema_of_a_list_becomes_strict(keyword: str) -> None:
    loose: JSONObject = {"type": "object", "properties": {"a": {"type": "string"}}}
    strict = strict_schema(
        {"type": "object", "properties": {"n": {keyword: [loose, True]}}, "required": ["n"]}
    )
    assert strict["properties"]["n"] == {keyword: [strict_schema(loose), True]}
    assert strict_schema(loose)["additionalProperties"] is False


def test_nulls_are_kept_where_tuples_and_lists_of_objects_take_them() -> None:
    inner: JSONObject = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "null"}}}
    said: JSON = {"a": None, "b": None}
    schemas: list[JSONObject] = [
        {"prefixItems": [inner, {}], "items": inner},
        {"anyOf": [{"type": "string"}, {"prefixItems": [inner, {}], "items": inner}]},
        {"oneOf": [{"prefixItems": [inner, {}], "items": inner}]},
    ]
    for schema in schemas:
        assert without_added_nulls([said, said, said, said], schema) == [
            {"b": None},
            said,
            {"b": None},
            {"b": None},
        ]
    assert without_added_nulls([said], {"type": "array"}) == [said]
    assert without_added_nulls([said, said], {"prefixItems": [inner]}) == [{"b": None}, said]


def test_an_answer_that_does_not_fit_has_its_providers_names() -> None:
    message = answered("{", origin="openai/chat", model="gpt-5.4", request_id="req_1")
    with pytest.raises(OutputFormatError) as caught:
        parse_answer(message, Invoice)
    error = caught.value
    assert (error.provider, error.model, error.request_id) == ("openai", "gpt-5.4", "req_1")
    with pytest.raises(OutputFormatError) as caught:
        parse_answer(answered("{"), Invoice)
    assert (caught.value.provider, caught.value.model, caught.value.request_id) == (None, None, None)


@pytest.mark.parametrize("text", ["\ud800", "[" * 100_000, "", "null x"])
def test_a_text_of_any_kind_is_an_answer_or_an_error_with_its_reason(text: str) -> None:
    with pytest.raises(OutputFormatError, match=r"at \$: it is not JSON"):
        parse_answer(Message(Role.ASSISTANT, text), Invoice)


def test_a_refusal_beside_an_answer_is_not_the_reason() -> None:
    parts = (TextPart('{"name": "Rome"}'), RefusalPart("Not more."))
    assert parse_answer(Message(Role.ASSISTANT, parts), City).value == {"name": "Rome"}


class Strict(Model):
    """A pydantic model whose values have several faults."""

    @classmethod
    def model_validate(cls, value: dict[str, object]) -> Model:
        raise ManyError


class ManyError(ValueError):
    def errors(self) -> list[dict[str, object]]:
        return [{"loc": ("a", 0, "b"), "msg": "the first"}, {"loc": (), "msg": "the second"}]


def test_of_several_faults_the_first_is_named() -> None:
    with pytest.raises(OutputFormatError, match="the first") as caught:
        parse_answer(answered({"a": 1}), Strict)
    assert caught.value.field == "$.a[0].b"
    assert "the second" not in str(caught.value)
