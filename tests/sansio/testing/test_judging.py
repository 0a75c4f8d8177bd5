"""The order in which laws are tried, and which are not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import pytest
from msgspec import Struct

from sansio.testing import Result, Sample, Verdict
from sansio.testing.judging.law import Law, applies, demand, law
from sansio.testing.judging.seeded import Seeded
from sansio.testing.judging.trying import try_each, try_laws
from sansio.testing.judging.work import work_of


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


class Shelf(Struct, frozen=True):
    """What laws work with: samples, in parts of two bytes."""

    samples: tuple[Sample, ...] = (Sample(name="one", data=b"abcdef"),)

    def parts(self, sample: Sample) -> list[bytes]:
        return [sample.data[at : at + 2] for at in range(0, len(sample.data), 2)]


@law("there is no d", "leave it out")
def no_such_letter(bench: Shelf, sample: Sample) -> None:
    applies(sample.data != b"none", "there is nothing")
    demand(b"d" not in sample.data, f"there is a d in {sample.data!r}")


@law("all is well", "do it well", basic=True, shrinks=False, samples=lambda bench: bench.samples[:1])
def well(bench: Shelf, sample: Sample) -> None:
    demand(b"d" not in sample.data, "no", b"shown")


def tried(known: Law[Shelf], *data: bytes, content_type: str = "text/event-stream") -> Result:
    samples = tuple(
        Sample(name=f"{at}", data=each, content_type=content_type) for at, each in enumerate(data)
    )
    (result,) = try_laws({known.name: known}, Shelf(samples), None, {})
    return result


def test_a_law_is_made_of_the_function_that_checks_it() -> None:
    first = no_such_letter
    assert (first.name, first.text, first.remedy) == ("no-such-letter", "there is no d", "leave it out")
    assert (first.basic, first.shrinks, first.needs) == (False, True, ())
    assert (well.name, well.basic, well.shrinks) == ("well", True, False)
    shelf = Shelf((*Shelf().samples, Sample(name="two", data=b"")))
    assert (first.samples(shelf), well.samples(shelf)) == (shelf.samples, shelf.samples[:1])


def test_a_breach_is_shown_by_the_parts_that_it_needs() -> None:
    found = tried(no_such_letter, b"ab", b"abcdef")
    assert found == Result(
        "no-such-letter", "there is no d", Verdict.FAILED, "there is a d in b'cd'", "1", b"cd", "leave it out"
    )
    whole = tried(no_such_letter, b"abcdef", content_type="application/json")
    assert whole.shown == b"abcdef"
    unshrunk = tried(well, b"abcdef")
    assert (unshrunk.message, unshrunk.shown) == ("no", b"shown")


def test_at_most_24_smaller_samples_are_tried() -> None:
    seen: list[bytes] = []

    @law("it is whole", "leave it")
    def whole(bench: Shelf, sample: Sample) -> None:
        seen.append(sample.data)
        demand(sample.data != b"x" * 200, "it is whole")

    assert tried(whole, b"x" * 200).shown == b"x" * 200
    assert len(seen) == 1 + 24
    assert [len(data) for data in seen[:8]] == [200, 100, 100, 150, 150, 150, 150, 176]


def test_a_law_without_any_sample_to_judge_does_not_apply() -> None:
    found = tried(no_such_letter, b"none", b"none")
    text = "there is no d"
    assert found == Result("no-such-letter", text, Verdict.NOT_APPLICABLE, "there is nothing")
    assert tried(no_such_letter, b"none", b"a") == Result("no-such-letter", text, Verdict.PASSED)
    assert tried(no_such_letter) == Result("no-such-letter", text, Verdict.NOT_APPLICABLE)
    book = {"no-such-letter": no_such_letter}
    (declared,) = try_laws(book, Shelf(), None, {"no-such-letter": "it is old"})
    assert declared == Result("no-such-letter", text, Verdict.DECLARED, "it is old")


def test_progress_and_names_of_laws_are_those_of_the_book() -> None:
    seen: list[tuple[str, int, int]] = []
    book = {law.name: law for law in (no_such_letter, well)}
    found = try_laws(book, Shelf(), ["well"], {}, lambda *told: seen.append(told))
    assert [result.law for result in found] == ["well"]
    assert seen == [("well", 1, 1)]
    with pytest.raises(ValueError, match=r"'gone': no such law; use some of no-such-letter, well$"):
        try_laws(book, Shelf(), ["well", "gone"], {})


def test_what_raises_breaks_the_law_and_says_where() -> None:
    @law("it runs", "make it run")
    def runs(bench: Shelf, sample: Sample) -> None:
        raise LookupError("gone")

    found = tried(runs, b"ab")
    assert found.verdict is Verdict.FAILED
    assert found.message.startswith("it raised LookupError (gone) in ")
    assert "runs, line " in found.message
    assert found.shown == b""


def test_choices_depend_on_all_of_the_seed_alone() -> None:
    def made(*seed: object) -> list[int]:
        choices = Seeded(*seed)
        return [choices.below(1_000) for _ in range(8)]

    assert made(1, "a") == made(1, "a")
    others = [made(1, "a"), made(2, "a"), made(1, "b"), made(1), made(1, "a", None)]
    assert len({tuple(each) for each in others}) == len(others)
    assert len(set(made(1, "a"))) > 4


def test_a_choice_is_any_of_those_below_a_limit() -> None:
    assert {Seeded(n).below(6) for n in range(200)} == set(range(6))
    assert {Seeded(n).below(limit) for n in range(20) for limit in (1, 0, -3)} == {0}
    assert {Seeded(n).choose("abc") for n in range(50)} == set("abc")
    assert 2**62 < max(Seeded(n).below(2**80) for n in range(50)) < 2**64


def test_bytes_are_cut_into_two_to_seven_pieces_at_any_place() -> None:
    cuts = [Seeded(n).cut(b"abcd") for n in range(500)]
    assert all(b"".join(pieces) == b"abcd" for pieces in cuts)
    assert {len(pieces) for pieces in cuts} == set(range(2, 8))
    assert {len(pieces[0]) for pieces in cuts} == {len(pieces[-1]) for pieces in cuts} == set(range(5))


def test_work_is_calls_and_the_bytes_and_characters_that_they_are_given() -> None:
    def take(*given: object, text: object = None) -> None:
        pass

    def nothing() -> None:
        pass

    def calling(run: Callable[[], object]) -> int:
        return work_of(run) - work_of(nothing)

    assert work_of(nothing) >= 1
    assert calling(lambda: take(text="x" * 10)) == 11
    assert calling(lambda: take(text=b"x" * 7)) == 8
    assert calling(lambda: take(text=bytearray(5))) > 5
    assert calling(lambda: take(text=12345)) == 1
    assert calling(lambda: len("abc")) == 1


def test_after_work_is_counted_the_profiler_is_as_it_was() -> None:
    empty: dict[str, int] = {}
    before = sys.getprofile()
    with pytest.raises(LookupError):
        work_of(lambda: empty["gone"])
    assert sys.getprofile() is before
