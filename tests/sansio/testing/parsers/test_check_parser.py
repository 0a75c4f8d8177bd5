"""`check_parser` on parsers that are right, and on many that are wrong in one way each."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

import pytest

from sansio.testing import Parser, Report, Verdict, check_dialect, check_parser
from sansio.testing.parsers import laws_for
from sansio.testing.parsers.formats import format_of
from tests.sansio.testing.parsers import plain


@pytest.mark.parametrize(("kind", "dialect"), [(plain.Ours, "openai"), (plain.Decoder, "sse")])
def test_a_right_parser_passes_every_law(kind: type[Parser], dialect: str) -> None:
    report = check_parser(kind, dialect, tries=1)
    assert report.ok, str(report)
    assert {result.law for result in report.results} == set(laws_for(dialect))
    assert {result.verdict for result in report.results} == {Verdict.PASSED}


def test_another_dialect_has_streams_of_its_own() -> None:
    laws = ("truth", "no-lie", "cut-calls", "errors")
    assert check_parser(plain.OursOfAnthropic, "anthropic", laws=(*laws, "damage"), tries=1).ok
    assert not check_parser(plain.OursOfAnthropic, "openai", laws=laws, tries=1).ok


def shown(kind: type[Parser], law: str, dialect: str = "openai") -> bytes:
    return check_parser(kind, dialect, laws=[law], tries=2)[law].shown


def test_the_smallest_input_is_shown() -> None:
    assert shown(plain.NoMark, "byte-order-mark").startswith(b"\xef\xbb\xbfdata: {")
    assert shown(plain.Trusts, "damage") == b'"choices":null'
    assert len(shown(plain.Characters, "cuts")) < 300
    assert shown(plain.LastEvent, "unfinished", "sse") == b"data:"


@pytest.mark.parametrize("check", [check_parser, check_dialect])
def test_a_check_tries_twenty_ways_by_default(check: Callable[..., Report]) -> None:
    parameters = signature(check).parameters
    assert (parameters["tries"].default, parameters["seed"].default) == (20, 0)


def test_where_no_plain_stream_is_read_nothing_else_is_tried() -> None:
    report = check_parser(plain.Failing, "openai")
    assert {result.verdict for result in report.results[1:]} == {Verdict.NOT_TRIED}
    assert report.subject == "Failing (openai), seed 0"


@pytest.mark.parametrize("kind", [plain.Strict, plain.Verbatim])
def test_a_parser_may_refuse_what_is_not_valid_or_give_its_text(kind: type[Parser]) -> None:
    assert check_parser(kind, "openai", laws=["end", "cut-calls"], tries=1).ok


def test_a_parser_of_events_need_not_give_ids() -> None:
    assert check_parser(plain.WithoutIds, "sse", laws=["truth"]).ok


def test_the_errors_that_callers_expect_are_named_or_any_that_show_no_bug() -> None:
    def damage(*errors: type[Exception]) -> Report:
        return check_parser(plain.NoMark, "openai", laws=["damage"], tries=0, errors=errors)

    assert damage().ok
    assert "it raised" in damage(KeyError)["damage"].message


def test_a_law_is_declared_with_its_reason() -> None:
    report = check_parser(plain.Upper, "openai", laws=["truth"], without={"truth": "it shouts"})
    assert report["truth"].verdict is Verdict.DECLARED
    assert report["truth"].message == "it shouts"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"dialect": "nope"}, "nope"),
        ({"laws": ["nope"]}, "'nope': no such law"),
        ({"dialect": "sse", "laws": ["no-lie"]}, "'no-lie': no such law"),
        ({"without": {"reads": "never"}}, "'reads' cannot be declared"),
    ],
)
def test_wrong_arguments_are_value_errors(given: dict[str, object], named: str) -> None:
    arguments = {"dialect": "openai", **given}
    with pytest.raises(ValueError, match=named):
        check_parser(plain.Ours, **arguments)  # type: ignore[arg-type]  # wrong on purpose


def test_the_streams_of_a_check_mean_what_their_names_say() -> None:
    def meanings(dialect: str) -> dict[str, object]:
        form = format_of(dialect)
        found = {sample.name: form.meaning(sample.data) for sample in form.samples()}
        return {name: None if heard is None else heard.value for name, heard in found.items()}

    paris, rome = ({"city": city, "days": days} for city, days in (("Paris", 2), ("Rome", 1)))
    answers: dict[str, object] = {
        "text": ("Hello there.", []),
        "letters": ('Grüße 🌍 "quoted" \\ \u2028 \x85\ndata: [DONE]\n\n日本', []),
        "usage": ("Hello.", []),
        "reasoning": ("Hello.", []),
        "call": ("", [("weather", paris)]),
        "calls": ("I look.", [("weather", paris), ("weather", rome)]),
        "no arguments": ("", [("now", {})]),
        "length": ("", []),
        "error": None,
    }
    assert meanings("openai") == meanings("anthropic") == answers
    assert meanings("sse") == {
        "one": (("message", "hello", ""),),
        "two lines": (("message", "one\ntwo", ""),),
        "named": (("x", "1", ""), ("message", "2", "")),
        "no data": (("message", "1", ""),),
        "empty data": (("message", "", ""), ("message", "", ""), ("message", "1", "")),
        "ids": tuple(("message", str(n), id) for n, id in enumerate(("7", "7", "", ""), 1)),
        "fields": (("message", " two spaces", ""),),
        "letters": (("message", "Grüße 🌍 \u2028 \x85 \x0b : 日本", ""), ("message", "{}", "")),
    }
    sizes = [len(sample.data) for sample in format_of("openai").samples()]
    assert sizes == sorted(sizes)
