"""`check_dialect` on a dialect that is right, and on many that are wrong in one way each."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    FinishReason,
    Limits,
    Message,
    ProviderConfig,
    ProviderDefaults,
    Role,
    Usage,
    register_provider,
)
from sansio.testing import Report, Sample, Verdict, check_dialect
from sansio.testing.dialects import LAWS
from tests.sansio.testing.dialects import broken
from tests.sansio.testing.dialects.broken import BROKEN
from tests.sansio.testing.dialects.lines import (
    CUT,
    FAILING,
    IGNORED,
    LINES,
    SAMPLES,
    STREAM,
    LineDialect,
    lines,
)

EIGHT = (
    broken.CutsLines,
    broken.ReadsOn,
    broken.LosesUsage,
    broken.RepairsCalls,
    broken.TakesAnything,
    broken.KeepsBytes,
    broken.DropsSignatures,
    broken.BelievesTheServer,
)
"""Broken dialects that all laws are tried on: the first that fails is the one that they break."""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    register_provider("lines", LineDialect, ProviderDefaults(base_url="http://localhost:1"))
    yield
    del PROVIDER_DEFAULTS["lines"]


def check(
    kind: type[LineDialect], *laws: str, samples: list[Sample] | None = None, **given: object
) -> Report:
    return check_dialect(
        kind,
        SAMPLES if samples is None else samples,
        ignored=IGNORED,
        laws=laws or None,
        tries=3,
        **given,  # type: ignore[arg-type]  # keywords of one test each
    )


def test_a_dialect_that_is_right_keeps_all_laws() -> None:
    golden = Message(
        Role.ASSISTANT,
        "Hi.",
        finish_reason=FinishReason.STOP,
        raw_finish_reason="done",
        usage=Usage(input_tokens=1),
    )
    data = lines({"say": "Hi."}, {"end": "done", "tokens": [1, 0]})
    known = Sample(name="golden.ndjson", data=data, content_type=LINES, golden=golden)
    report = check(LineDialect, samples=[*SAMPLES, *FAILING, known])
    assert report.ok, str(report)
    assert {result.verdict for result in report.results} == {Verdict.PASSED}
    assert [result.law for result in report.results] == list(LAWS)
    assert str(report).startswith(f"LineDialect (lines/lines), seed 0: {len(LAWS)} passed\n")


@pytest.mark.parametrize("kind", EIGHT)
def test_a_broken_dialect_is_caught_by_the_law_that_it_breaks(kind: type[LineDialect]) -> None:
    report = check(kind, *(law for law in LAWS if law != "linear"))  # which costs as much as all others
    assert not report.ok
    first = report.failures[0]
    assert first.law == BROKEN[kind]
    assert first.remedy
    assert first.message.strip(" .:;")
    assert first.message in str(report)


def test_a_breach_says_how_the_bytes_were_cut() -> None:
    single, large = (check(kind, "cuts") for kind in (broken.LosesSingleBytes, broken.LosesLargePieces))
    assert single["cuts"].message.startswith("byte by byte, it ends in")
    assert large["cuts"].message.startswith("cut at random, it ends in")


def test_a_breach_is_shown_by_few_bytes_with_the_place_of_an_exception() -> None:
    found = check(broken.BelievesTheServer, "damage")["damage"]
    assert found.sample == "all.ndjson"
    assert len(found.shown) < 100
    assert "TypeError" in found.message
    assert "_Hasty.read, line" in found.message


def test_a_breach_that_a_change_of_a_field_shows_is_shown_by_the_changed_bytes() -> None:
    found = check(broken.KeepsTwice, "one-place")["one-place"]
    assert found.shown.strip()
    assert all(found.shown not in sample.data for sample in SAMPLES)


def test_what_raises_is_judged_by_one_law() -> None:
    report = check(broken.TrustsJSON, "damage", "cuts", "events", "storage", "one-end")
    assert [result.law for result in report.failures] == ["damage"]


def test_if_samples_cannot_be_read_no_other_law_is_tried() -> None:
    report = check(broken.CannotBeMade)
    assert [result.law for result in report.failures] == ["reads"]
    assert {result.verdict for result in report.results[1:]} == {Verdict.NOT_TRIED}
    assert "LookupError (no such thing) in CannotBeMade.__init__, line" in report["reads"].message


def test_a_sample_that_fails_must_fail_and_any_other_must_not() -> None:
    wrong = [Sample(name="wrong", data=STREAM.data, content_type=LINES, fails=True)]
    assert "read as an answer" in check(LineDialect, "reads", samples=wrong)["reads"].message
    cut = [Sample(name="cut", data=CUT.data, content_type=LINES)]
    assert "reading failed" in check(LineDialect, "reads", samples=cut)["reads"].message


class NarrowDialect(LineDialect):
    """Its framer takes short lines only."""

    def __init__(self, config: ProviderConfig | None = None, limits: Limits | None = None) -> None:
        super().__init__(config)
        self.limits = Limits(max_event_bytes=200)


def test_of_a_sample_with_unsound_framing_the_frames_before_it_count() -> None:
    long = Sample(name="long", data=STREAM.data + b"[" * 300, content_type=LINES, fails=True)
    assert check(NarrowDialect, "nothing-lost", "damage", samples=[STREAM, long]).ok


def test_bytes_that_are_not_utf_8_are_read_as_the_dialect_reads_them() -> None:
    stream = b'{"say": "Hi\xff"}\n{"end": "done"}\n'
    whole = b'{"parts": [{"say": "Hi\xff"}], "end": "done"}'
    samples = [
        Sample(name="a.ndjson", data=stream, content_type=LINES),
        Sample(name="a.json", data=whole, content_type="application/json"),
    ]
    report = check(LineDialect, "reads", "nothing-lost", "events", "damage", "goes-back", samples=samples)
    assert report.ok, str(report)


def test_a_whole_answer_with_an_error_in_it_is_an_error() -> None:
    body = b'{"parts": [{"say": "Hi"}], "end": "done", "error": {"message": "Busy."}}'
    samples = [Sample(name="a.json", data=body, content_type="application/json", fails=True)]
    assert check(LineDialect, "reads", samples=samples).ok


def test_a_golden_is_compared_field_by_field() -> None:
    golden = Message(Role.ASSISTANT, "Ho.", origin="lines/lines")
    sample = Sample(name="a", data=SAMPLES[1].data, content_type=LINES, golden=golden)
    found = check(LineDialect, "golden", samples=[sample])["golden"]
    assert (found.verdict, found.sample) == (Verdict.FAILED, "a")
    assert "content is 'Hi.', not 'Ho.'" in found.message


def test_a_request_must_hold_the_answer_as_its_golden_says() -> None:
    sample = Sample(name="a", data=SAMPLES[1].data, content_type=LINES, request={"say": "Ho."})
    found = check(LineDialect, "goes-back", samples=[sample])["goes-back"]
    assert 'the request has no {"say":"Ho."}' in found.message


def test_a_field_is_ignored_or_not_returned_by_the_author_s_list() -> None:
    ignored = {**IGNORED, ".tokens[]": "they are not told"}
    assert check_dialect(broken.LosesUsage, SAMPLES, laws=["nothing-lost"], ignored=ignored).ok
    kept = [Sample(name="a", data=lines({"say": "Hi.", "sign": "x"}, {"end": "done"}), content_type=LINES)]
    assert not check(broken.DropsSignatures, "goes-back", samples=kept).ok
    assert check(broken.DropsSignatures, "goes-back", samples=kept, not_returned={".sign": "it is old"}).ok


def test_requests_are_built_with_the_config_that_is_given_or_that_of_the_type() -> None:
    config = ProviderConfig(type="lines", model="m", base_url="http://localhost:2")
    assert check(LineDialect, "goes-back", config=config)["goes-back"].verdict is Verdict.PASSED
    del PROVIDER_DEFAULTS["lines"]
    found = check(LineDialect, "goes-back")["goes-back"]
    register_provider("lines", LineDialect, ProviderDefaults())
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "no config was given" in found.message
    assert check(LineDialect, "goes-back")["goes-back"].verdict is Verdict.NOT_APPLICABLE  # it has no URL


def test_a_law_that_applies_to_no_sample_says_why() -> None:
    wholes = [sample for sample in SAMPLES if sample.is_whole]
    report = check(LineDialect, samples=wholes)
    assert report["cuts"].verdict is Verdict.NOT_APPLICABLE
    assert report["cuts"].message == "no sample is a stream"
    assert report["cut-calls"].verdict is Verdict.NOT_APPLICABLE
    assert all(each.message for each in report.results if each.verdict is Verdict.NOT_APPLICABLE)


def test_a_law_that_is_declared_is_not_tried() -> None:
    report = check(broken.LosesUsage, "reads", "nothing-lost", without={"nothing-lost": "it is old"})
    assert report.ok
    assert report["nothing-lost"].verdict is Verdict.DECLARED
    assert report["nothing-lost"].message == "it is old"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"samples": []}, "there are none"),
        ({"laws": ["nope"]}, "'nope': no such law; use some of reads"),
        ({"without": {"nope": "x"}}, "'nope': no such law"),
        ({"without": {"cuts": " "}}, "'cuts' cannot be declared: give the reason"),
        ({"without": {"reads": "x"}}, "'reads' cannot be declared: every other law depends on it"),
    ],
)
def test_what_cannot_be_asked_is_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_dialect(LineDialect, **{"samples": SAMPLES, **given})  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_report_and_another_seed_other_cuts() -> None:
    data = json.dumps({"say": "Hi. " * 50}).encode() + b"\n" + lines({"end": "done"})
    samples = [Sample(name="a", data=data, content_type=LINES)]
    first, again = (str(check(broken.CutsLines, "cuts", samples=samples, seed=3)) for _ in range(2))
    assert first == again
    assert check_dialect(LineDialect, samples, seed=4, tries=2).subject.endswith("seed 4")


def test_samples_that_are_long_are_cut_into_larger_pieces() -> None:
    data = lines({"say": "x" * 17_000}, {"end": "done"})
    assert check(LineDialect, "cuts", samples=[Sample(name="long", data=data, content_type=LINES)]).ok


def test_long_bytes_are_shortened_in_the_table() -> None:
    data = lines({"say": "x" * 900}, {"end": "full"})
    wrong = Sample(name="a", data=data, content_type=LINES, fails=True)
    assert f"... ({len(data)} bytes)" in str(check(LineDialect, "reads", samples=[wrong]))
