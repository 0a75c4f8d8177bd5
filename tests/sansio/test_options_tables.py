"""The options of a dialect of one's own: how a table writes them, and what contradicts what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from sansio import InvalidRequestError, Option, portable
from sansio.options import (
    EVERYWHERE,
    PORTABLE,
    UnsupportedOptionError,
    check_options,
    contradiction,
    listed,
    merge_extra,
    merged,
    narrowed,
    object_at,
    own,
    write_options,
)
from tests.support import for_each

Body = dict[str, Any]


def remove_heat(body: Body, value: object) -> None:
    body.pop("heat", None)


TABLE: dict[str, Option] = {
    "heat": Option(float, "heat"),
    "cold": Option(bool, remove_heat),
    "top": Option(int, "config.sampling.top"),
    "k": Option(int, "config.sampling.top"),
    "sampling": Option(dict, merged("config.sampling")),
    "config": Option(dict, "config"),
    "most": Option(int, "max_tokens", same="max_completion_tokens"),
    "limit": Option(int, "max_completion_tokens"),
    "object": Option(dict, "a.b.c"),
    "x": Option(int, "a.b.c.x"),
    "effort": Option(Literal["low", "high"] | list[Literal["none"]], "effort"),
}


def written(body: Body | None = None, **options: object) -> Body:
    """The body with some options, whatever their order."""
    results = []
    for pairs in (list(options.items()), list(options.items())[::-1]):
        made: Body = dict(body or {})
        write_options(made, dict(pairs), TABLE, "mine/chat")
        results.append(made)
    assert results[0] == results[1]
    return results[0]


WRITTEN: list[tuple[Body, Body, Body]] = [
    ({}, {}, {}),
    ({}, {"heat": 1.5}, {"heat": 1.5}),
    ({"heat": 1.0, "y": 2}, {"heat": None}, {"y": 2}),
    ({}, {"heat": None}, {}),
    ({"max_completion_tokens": 9}, {"heat": 1.5, "limit": None}, {"heat": 1.5}),
    ({"config": {"z": 1}, "max_tokens": 2}, {"config": {"y": 1}, "most": None}, {"config": {"y": 1}}),
    ({}, {"top": 3}, {"config": {"sampling": {"top": 3}}}),
    ({"config": {"z": 1}}, {"top": 3}, {"config": {"z": 1, "sampling": {"top": 3}}}),
    ({"config": {"sampling": {"top": 1, "z": 2}}}, {"top": None}, {"config": {"sampling": {"z": 2}}}),
    ({"config": {"z": 1}}, {"config": None, "top": 3}, {"config": {"sampling": {"top": 3}}}),
    ({}, {"config": {"z": 1}, "top": 3}, {"config": {"z": 1, "sampling": {"top": 3}}}),
    ({}, {"config": {"sampling": {"top": 3}}, "top": 3}, {"config": {"sampling": {"top": 3}}}),
    ({}, {"top": 3, "k": 3}, {"config": {"sampling": {"top": 3}}}),
    ({}, {"top": 3, "k": None}, {"config": {"sampling": {"top": 3}}}),
    ({}, {"sampling": {"z": 1}, "top": 3}, {"config": {"sampling": {"z": 1, "top": 3}}}),
    ({"config": {"sampling": {"z": 1}}}, {"sampling": {"y": 2}}, {"config": {"sampling": {"z": 1, "y": 2}}}),
    ({"config": {"sampling": {"z": 1}, "w": 0}}, {"sampling": None}, {"config": {"w": 0}}),
    ({}, {"most": 5, "limit": 5}, {"max_tokens": 5, "max_completion_tokens": 5}),
    (
        {"max_tokens": 9},
        {"limit": 5, "heat": 1.0},
        {"max_tokens": 9, "max_completion_tokens": 5, "heat": 1.0},
    ),
    ({}, {"object": {"x": 1}, "x": 1}, {"a": {"b": {"c": {"x": 1}}}}),
    ({"heat": 1.0}, {"cold": True, "limit": 1}, {"max_completion_tokens": 1}),
]


@for_each(WRITTEN)
def test_options_are_written_into_their_fields_in_any_order(case: tuple[Body, Body, Body]) -> None:
    body, options, wanted = case
    assert written(body, **options) == wanted


CONTRADICTIONS: list[tuple[Body, str]] = [
    ({"top": 1, "k": 2}, "config.sampling.top"),
    ({"config": {"sampling": {"top": 1}}, "top": 2}, "config.sampling.top"),
    ({"most": 1, "limit": 2}, "max_completion_tokens"),
    ({"object": {"x": 1}, "x": 2}, "a.b.c"),
    ({"object": {"y": 1}, "x": 2}, "a.b.c"),
    ({"heat": 1.0, "cold": True}, "heat"),
]


@for_each(CONTRADICTIONS)
def test_two_options_of_one_field_that_differ_are_refused_with_both(case: tuple[Body, str]) -> None:
    options, path = case
    for pairs in (list(options.items()), list(options.items())[::-1]):
        with pytest.raises(InvalidRequestError) as caught:
            write_options({"model": "m", "messages": []}, dict(pairs), TABLE, "mine/chat")
        (one, value), (other, others) = pairs
        why = f"since both set the field {path}; give one of them"
        assert caught.value.message in (
            f"{one}: {value!r} contradicts {other}={others!r}, {why}",
            f"{other}: {others!r} contradicts {one}={value!r}, {why}",
        )


def test_a_contradiction_shows_80_characters_of_each_value() -> None:
    error = contradiction("a", "x" * 100, "b", "y" * 100, "f.g")
    assert error.message == (
        f"a: '{'x' * 79} contradicts b='{'y' * 79}, since both set the field f.g; give one of them"
    )


@for_each([5, "x", [1], 0, ""])
def test_a_value_on_the_path_of_a_field_must_be_an_object(value: object) -> None:
    for body, path, field in (
        ({"a": value}, ("a",), "a"),
        ({"a": {"b": value}}, ("a", "b", "c"), "a.b"),
        ({"a": {"b": {"c": value}}}, ("a", "b", "c"), "a.b.c"),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            object_at(body, *path)
        assert caught.value.message.startswith(
            f"{field}: must be an object, not {value!r}, since another option"
        )


def test_objects_on_the_path_are_copies_and_made_if_they_are_missing() -> None:
    inner: Body = {"x": 1}
    body: Body = {"a": {"b": inner}, "n": None}
    object_at(body, "a", "b")["y"] = 2
    object_at(body, "n", "m")["z"] = 3
    assert body == {"a": {"b": {"x": 1, "y": 2}}, "n": {"m": {"z": 3}}}
    assert inner == {"x": 1}
    assert object_at(body) is body


def test_a_merged_object_merges_its_inner_objects_too() -> None:
    write = Option(dict, merged("thinking", "show", "more")).write
    body: Body = {"thinking": {"show": {"a": 1, "b": 2}, "more": 5, "other": {"c": 3}}}
    write(body, {"show": {"b": 0}, "more": {"d": 4}, "other": {"e": 5}})
    assert body == {"thinking": {"show": {"a": 1, "b": 0}, "more": {"d": 4}, "other": {"e": 5}}}
    write(body, {"show": 1})
    assert body["thinking"]["show"] == 1
    write(body, None)
    assert body == {}
    write(body, None)
    assert body == {}


def test_a_single_text_is_a_list_of_one_and_a_list_stays() -> None:
    write = Option(Any, listed("stop.words")).write
    body: Body = {}
    write(body, "END")
    assert body == {"stop": {"words": ["END"]}}
    write(body, ["a", "b"])
    assert body == {"stop": {"words": ["a", "b"]}}
    write(body, None)
    assert body == {"stop": {}}


def test_tables_are_made_of_names() -> None:
    made = own("a", "b", type=int)
    assert {name: (option.type, option.to, option.same) for name, option in made.items()} == {
        "a": (int, "a", ""),
        "b": (int, "b", ""),
    }
    assert own("a")["a"].type is Any
    where = portable(top_p="p", max_tokens="config.max")
    assert {name: option.to for name, option in where.items()} == {"top_p": "p", "max_tokens": "config.max"}
    assert where["top_p"].type == PORTABLE["top_p"]
    ranged = narrowed({**made, **where}, a=Annotated[int, Meta(ge=0)])
    assert ranged.keys() == {"a", "b", "top_p", "max_tokens"}
    assert (ranged["a"].to, ranged["b"], made["a"].type) == ("a", made["b"], int)
    with pytest.raises(InvalidRequestError, match=r"^a: -1 cannot be sent: Expected `int` >= 0$"):
        check_options({"a": -1}, ranged, "mine/chat")


def test_options_are_kept_left_out_or_refused() -> None:
    given = {"heat": 1.5, "top": None, "top_k": 5, "seed": None, "n": 1}
    assert check_options(given, TABLE, "mine/chat", "drop") == ({"heat": 1.5, "top": None}, ["top_k"])
    assert check_options({"n": 1, "seed": None}, TABLE, "mine/chat") == ({}, [])
    assert check_options({"n": 1}, own("n"), "mine/chat") == ({"n": 1}, [])
    assert check_options({"n": None}, own("n"), "mine/chat") == ({"n": None}, [])
    kept, left_out = check_options({"unknown": 1}, own("unknown"), "mine/chat", "drop")
    assert (kept, left_out) == ({"unknown": 1}, [])


REFUSED: list[tuple[Body, str]] = [
    ({"top_k": 5}, "top_k: mine/chat has no such option; leave it out, or pass unsupported='drop'"),
    ({"n": 2}, "n: must be 1, not 2: a call gives one answer; make one call for each answer"),
    ({"n": 0}, "n: must be 1, not 0"),
    ({"n": True}, "n: must be 1, not True"),
    ({"n": 1.0}, "n: must be 1, not 1.0"),
    ({"n": "1"}, "n: must be 1, not '1'"),
    (
        {"stream": True},
        "stream: is not an option; call stream() for events, or complete() for a whole answer",
    ),
    ({"haet": 1}, "haet: mine/chat has no such option; did you mean 'heat'?"),
    ({"extra_headrs": 1}, "extra_headrs: mine/chat has no such option; did you mean 'extra_headers'?"),
    (
        {"frequency_penalt": 1},
        "frequency_penalt: mine/chat has no such option; did you mean 'frequency_penalty'?",
    ),
    ({"qqq": 1}, "qqq: mine/chat has no such option; to send it unchecked, use extra_body={'qqq': ...}"),
    ({"heat": "x"}, "heat: 'x' cannot be sent: Expected `float`, got `str`"),
    ({"heat": float("nan")}, "heat: has nan, which JSON does not have"),
    ({"config": {"a": b"x"}}, "config: has a value of the type bytes"),
    ({"effort": "medium"}, "effort: 'medium' cannot be sent: Invalid enum value 'medium'; use one of "),
    ({"heat": "x" * 100}, f"heat: '{'x' * 79}… cannot be sent: "),
    ({"heat": "x" * 78}, f"heat: '{'x' * 78}' cannot be sent: "),
]


@for_each(REFUSED)
def test_an_option_that_cannot_be_sent_is_refused_with_the_remedy(case: tuple[Body, str]) -> None:
    options, words = case
    for unsupported in ("refuse", "drop"):
        if not (unsupported == "drop" and "top_k" in options):
            with pytest.raises(InvalidRequestError) as caught:
                check_options(options, TABLE, "mine/chat", unsupported)
            assert caught.value.message.startswith(words)
    with pytest.raises(InvalidRequestError) as caught:
        write_options({}, options, TABLE, "mine/chat")
    assert caught.value.message.startswith(words)


def test_all_words_that_a_type_takes_are_suggested() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_options({"effort": "medium"}, TABLE, "mine/chat")
    for word in ("'low'", "'high'", "'none'"):
        assert word in caught.value.message
    with pytest.raises(InvalidRequestError) as caught:
        check_options({"heat": "x"}, TABLE, "mine/chat")
    assert "use one of" not in caught.value.message


def test_extra_fields_are_merged_object_by_object() -> None:
    inner: Body = {"x": 1, "y": {"z": 2}}
    body: Body = {"a": inner, "b": 1, "c": {"d": 1}, "e": [1]}
    merge_extra(
        body, {"a": {"x": None, "y": {"w": 3}}, "b": None, "c": 5, "e": [2], "f": {"g": None}, "h": None}
    )
    assert body == {"a": {"y": {"z": 2, "w": 3}}, "c": 5, "e": [2], "f": {"g": None}}
    assert inner == {"x": 1, "y": {"z": 2}}
    merge_extra(body, {})
    with pytest.raises(InvalidRequestError, match=r"^extra_body: has nan"):
        merge_extra(body, {"a": [float("nan")]})
    assert "a" in body


def test_an_option_that_a_model_does_not_have_says_which_and_why() -> None:
    error = UnsupportedOptionError("heat", "the model has none; leave it out")
    assert (error.option, error.why) == ("heat", "the model has none; leave it out")
    assert error.message == "heat: the model has none; leave it out"


def test_what_every_call_may_have_is_of_no_dialect() -> None:
    assert {"model", "timeout", "max_attempts", "extra_headers", "extra_body", "unsupported", "options"} <= {
        *EVERYWHERE
    }
    with pytest.raises(InvalidRequestError, match="mine/chat has no such option"):
        check_options({"max_attempts": 1}, TABLE, "mine/chat", "drop")
