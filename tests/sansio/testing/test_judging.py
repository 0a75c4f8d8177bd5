"""The order in which laws are tried, and which are not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec import Struct

from sansio.testing import Result, Verdict
from sansio.testing.judging.trying import try_each


class Rule(Struct, frozen=True):
    """A law that is kept unless its text says that it is broken."""

    name: str
    text: str = "kept"
    basic: bool = False
    needs: tuple[str, ...] = ()


BOOK = {
    rule.name: rule
    for rule in (Rule("first", basic=True), Rule("opens"), Rule("reads", needs=("opens",)), Rule("ends"))
}


def judge(rule: Rule) -> Result:
    verdict = Verdict.FAILED if rule.text == "broken" else Verdict.PASSED
    return Result(rule.name, rule.text, verdict)


def verdicts(
    *broken: str, laws: tuple[str, ...] | None = None, without: Mapping[str, str] | None = None
) -> list[tuple[str, Verdict, str]]:
    book = BOOK | {name: Rule(name, "broken", BOOK[name].basic) for name in broken}
    return [(each.law, each.verdict, each.message) for each in try_each(book, judge, laws, without or {})]


def test_all_are_tried_in_the_order_of_the_book_and_some_are_selected() -> None:
    assert verdicts() == [(name, Verdict.PASSED, "") for name in BOOK]
    assert verdicts(laws=("ends", "opens")) == [("opens", Verdict.PASSED, ""), ("ends", Verdict.PASSED, "")]


def test_behind_a_basic_law_that_is_broken_none_is_tried() -> None:
    why = "because of first; fix it first"
    rest = [(name, Verdict.NOT_TRIED, why) for name in ("opens", "reads", "ends")]
    assert verdicts("first") == [("first", Verdict.FAILED, ""), *rest]


def test_a_law_is_not_tried_without_those_that_it_needs() -> None:
    passed = ("first", Verdict.PASSED, "")
    last = ("ends", Verdict.PASSED, "")
    untried = ("reads", Verdict.NOT_TRIED, "because of opens; fix it first")
    assert verdicts("opens") == [passed, ("opens", Verdict.FAILED, ""), untried, last]
    declared = ("opens", Verdict.DECLARED, "it waits")
    untried = ("reads", Verdict.NOT_TRIED, "because of opens, which is declared")
    assert verdicts(without={"opens": "it waits"}) == [passed, declared, untried, last]


@pytest.mark.parametrize(
    ("without", "why"),
    [
        ({"nope": "no such thing"}, "'nope': no such law; use some of first, "),
        ({"first": "it cannot"}, "every other law depends on it"),
        ({"ends": " "}, "give the reason"),
    ],
)
def test_what_cannot_be_declared_is_refused(without: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        verdicts(without=without)


def test_progress_is_reported_before_each_law_that_is_tried() -> None:
    seen: list[object] = []

    def attempt(rule: Rule) -> Result:
        seen.append(rule.name)
        return judge(rule)

    chosen = ("opens", "reads", "ends")
    try_each(BOOK, attempt, chosen, {"opens": "it waits"}, lambda *told: seen.append(told))
    assert seen == [("ends", 3, 3), "ends"]
