"""`sansio-llm batch --provider-batch`: rows that a provider answers within a day, each once."""

from __future__ import annotations

import csv
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from sansio import Request
from sansio.testing import Answer, BatchScript, Ending, Failure, FakeProvider, FakeResponse, Outcome
from tests.sansio.batches.small import small
from tests.support import run_each
from tests.transports.cli.command import KEY, PATIENCE, environment, only_line, run, started, wait_until
from tests.transports.cli.test_batch import lines, write
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")

VARIABLES = {f"{type.upper()}_API_KEY": KEY for type in ("openai", "anthropic", "openrouter")} | {"K": KEY}


class Other(FakeProvider):
    """A fake whose responses to some requests are others.

    Attributes:
        responses: to the requests whose method and target end so.
    """

    responses: dict[tuple[str, str], FakeResponse]

    def respond(self, request: Request) -> FakeResponse:
        for (method, end), response in self.responses.items():
            if request.method == method and request.target.endswith(end):
                self.requests.append(request)
                return response
        return super().respond(request)


class Desk:
    """A folder with prompts, and a server that answers them."""

    def __init__(self, folder: Path, server: LoopbackThread, type: str, name: str = "a.jsonl") -> None:
        self.type = type
        self.server = server
        self.source = folder / "p.jsonl"
        self.output = folder / name
        self.failures = folder / f"{name}.failures.jsonl"
        self.about = folder / f"{name}.batch.json"

    @property
    def where(self) -> tuple[str, ...]:
        return ("--type", self.type, "--base-url", self.server.base_url(self.type), "--model", "m")

    def batch(self, *arguments: str) -> CompletedProcess[str]:
        return run("batch", str(self.source), "-o", str(self.output), *self.where, *arguments, env=VARIABLES)

    def visit(self, what: str, *arguments: str) -> CompletedProcess[str]:
        return self.batch("--provider-batch", what, *arguments)

    def made(self) -> int:
        """How many batches were made."""
        return sum(
            request.method == "POST" and request.target.endswith("/batches")
            for request in self.server.provider.requests
        )


@contextmanager
def desk(folder: Path, fake: FakeProvider, type: str = "openai", name: str = "a.jsonl") -> Iterator[Desk]:
    folder.mkdir(exist_ok=True)
    with loopback_thread(fake) as server:
        yield Desk(folder, server, type, name)


ROWS: list[object] = [
    {"custom_id": "with / and ä, " + "x" * 80, "prompt": "What is 2 + 3?"},
    "no json\n",
    {"custom_id": "refused", "messages": [{"role": "user", "content": "Hi"}]},
    {"prompt": "Hello"},
]


def test_rows_are_submitted_looked_at_and_fetched(tmp_path: Path) -> None:
    def test(type: str) -> None:
        script: list[Outcome] = [
            Answer(text="5"),
            Failure(status=400, message="not this"),
            Answer(text="Hello."),
        ]
        fake = FakeProvider(type, script, batches=BatchScript(looks=1, reverse=True))
        with desk(tmp_path / type, fake, type) as at:
            write(at.source, *ROWS)
            begun = at.visit("submit")
            assert begun.returncode == 1
            assert "3 rows submitted in 1 batch (batch_1), 1 failed" in only_line(begun.stderr)
            assert [row["line"] for row in lines(at.failures)] == [2]
            early = at.visit("fetch")
            assert early.returncode == 1
            assert "batch_1 is in_progress: 0 of 3" in only_line(early.stderr)
            assert [row["line"] for row in lines(at.failures)] == [2]
            status = at.visit("status")
            assert status.returncode == 0
            assert "2 of 3 answered, 1 failed" in only_line(status.stderr)
            for after in ("2 rows answered, 2 failed", "2 answered before, 2 failed"):
                done = at.visit("fetch")
                assert done.returncode == 1
                assert after in only_line(done.stderr)
                assert {row["custom_id"]: row["text"] for row in lines(at.output)} == {
                    ROWS[0]["custom_id"]: "5",  # type: ignore[index]  # it is a row
                    "4": "Hello.",
                }
                assert len(lines(at.output)) == 2
                failed = {row["custom_id"]: row["error"]["message"] for row in lines(at.failures)}
                assert failed.keys() == {"2", "refused"}
                assert "not this" in failed["refused"]
            assert at.made() == 1
            assert KEY not in at.about.read_text()

    run_each(("openai", "anthropic"), test)


def test_what_has_no_answer_is_submitted_again_or_asked_by_calls(tmp_path: Path) -> None:
    script: list[Outcome] = [Answer(text="A"), Failure(status=400), Failure(status=400)]
    fake = FakeProvider("openai", script)
    with desk(tmp_path, fake) as at:
        write(at.source, *({"custom_id": name, "prompt": name} for name in "abc"))
        assert at.visit("submit").returncode == 0
        assert at.visit("fetch").returncode == 1
        assert "--resume" in only_line(at.visit("submit").stderr)
        fake.script.extend([Answer(text="B"), Failure(status=400)])
        again = at.visit("submit", "--resume")
        assert "2 rows submitted in 1 batch (batch_2)" in only_line(again.stderr)
        assert at.visit("fetch").returncode == 1
        fake.script.append(Answer(text="C"))
        assert at.batch("--resume").returncode == 0
        assert at.visit("fetch").returncode == 0
        nothing = at.visit("submit", "--resume")
    assert "no row is left" in only_line(nothing.stderr)
    assert {row["custom_id"]: row["text"] for row in lines(at.output)} == {"a": "A", "b": "B", "c": "C"}
    assert len(lines(at.output)) == 3
    assert not at.failures.exists()


def test_what_would_be_paid_for_twice_is_refused(tmp_path: Path) -> None:
    with desk(tmp_path, FakeProvider("openai", batches=BatchScript(looks=1))) as at:
        write(at.source, {"prompt": "a"})
        for visit in ("status", "fetch"):
            assert "nothing was submitted" in only_line(at.visit(visit).stderr)
            assert not at.output.exists()
            at.output.touch()
            assert "nothing was submitted" in only_line(at.visit(visit).stderr)
            at.output.unlink()
        assert at.visit("submit").returncode == 0
        twice = at.visit("submit", "--resume")
        assert "submitted already: 1 batch (batch_1)" in only_line(twice.stderr)
        plain = at.batch("--resume")
        assert "--provider-batch fetch" in only_line(plain.stderr)
        undecided = at.visit("status", "--made", "batch_1")
        assert "no batch was being made" in only_line(undecided.stderr)
        write(at.source, {"prompt": "b"})
        foreign = at.visit("fetch")
        assert "input" in only_line(foreign.stderr)
        assert {each.returncode for each in (twice, plain, undecided, foreign)} == {1}
        assert at.made() == 1
        assert not at.output.read_bytes()


def test_a_table_is_written_once_its_answers_are_fetched(tmp_path: Path) -> None:
    schema = write(tmp_path / "s.json", {"type": "object", "properties": {"size": {"type": "integer"}}})
    fake = FakeProvider("openai", [Answer(text='{"size": 3}'), Answer(text="no json")])
    with desk(tmp_path, fake, name="a.csv") as at:
        write(at.source, {"town": "Bath"}, {"town": "Ely"})
        how = ("--template", "How large is {town}?", "--schema", str(schema), "--option", "read_timeout=50")
        assert at.visit("submit", *how).returncode == 0
        assert at.visit("status", *how).returncode == 0
        assert not at.output.exists()
        assert at.visit("fetch", *how).returncode == 1
    with at.output.open(newline="") as file:
        assert [(row["custom_id"], row["size"]) for row in csv.DictReader(file)] == [("1", "3")]
    (failed,) = lines(at.failures)
    assert (failed["line"], failed["text"]) == (2, "no json")


def test_what_is_not_sent_of_a_row_is_said(tmp_path: Path) -> None:
    with desk(tmp_path, FakeProvider(), "anthropic") as at:
        write(at.source, {"prompt": "a"})
        how = ("--option", "seed=1", "--option", "unsupported=drop")
        begun = at.visit("submit", *how)
        assert "1 row not sent whole, such as line 1: seed" in begun.stderr
        assert "see left_out" in only_line(at.visit("fetch", *how).stderr)
        (row,) = lines(at.output)
        assert [loss["option"] for loss in row["left_out"]] == ["seed"]
        at.output = tmp_path / "b.jsonl"
        assert "1 not sent whole" in only_line(at.batch(*how).stderr)
        assert lines(at.output)[0]["left_out"] == row["left_out"]


def test_a_row_that_cannot_be_sent_fails_alone_or_stops_all(tmp_path: Path) -> None:
    with desk(tmp_path, FakeProvider(), "anthropic") as at:
        write(at.source, {"prompt": "a"}, {"messages": []}, {"prompt": "b"})
        strict = at.visit("submit", "--strict")
        assert "1 row cannot be sent" in only_line(strict.stderr)
        assert at.made() == 0
        assert "2 rows submitted" in only_line(at.visit("submit").stderr)
        assert at.visit("fetch").returncode == 1
        assert [(row["line"], "message" in row["error"]["message"]) for row in lines(at.failures)] == [
            (2, True)
        ]


def test_rows_without_a_result_are_failures_with_the_reason(tmp_path: Path) -> None:
    def test(type: str) -> None:
        fake = FakeProvider(type, batches=BatchScript(ending="expired", answered=1))
        with desk(tmp_path / type, fake, type) as at:
            write(at.source, *({"prompt": name} for name in "abc"))
            assert at.visit("submit").returncode == 0
            assert at.visit("fetch").returncode == 1
            assert [row["custom_id"] for row in lines(at.output)] == ["1"]
            failed = lines(at.failures)
            assert {row["line"]: row["error"]["code"] for row in failed} == {2: "expired", 3: "expired"}

    run_each(("openai", "openrouter"), test)


def test_no_file_has_the_key_that_a_provider_echoes(tmp_path: Path) -> None:
    words = f'{{"data": [{{"message": "no {KEY}"}}]}}'
    fake = Other("openai", [Failure(status=400, message=f"not {KEY}")])
    failed = f'{{"id": "batch_1", "status": "failed", "errors": {words}}}'.encode()
    fake.responses = {}
    with desk(tmp_path, fake) as at:
        write(at.source, {"prompt": "a"})
        assert at.visit("submit").returncode == 0
        assert at.visit("fetch").returncode == 1
        assert at.visit("submit", "--resume").returncode == 0
        fake.responses[("GET", "/batches/batch_2")] = FakeResponse(pieces=(failed.replace(b"_1", b"_2"),))
        status = at.visit("status")
    assert "no [key]" in only_line(status.stderr)
    assert "no [key]" in at.about.read_text()
    assert not [path for path in tmp_path.iterdir() if KEY in path.read_text()]


def test_a_submission_that_broke_off_between_two_batches_goes_on(tmp_path: Path) -> None:
    small()
    fake = Other("small")
    fake.responses = {}
    with desk(tmp_path, fake, "small") as at:
        write(at.source, *({"prompt": name} for name in "abcde"))
        fake.responses[("POST", "/batches")] = FakeResponse(status=403)
        assert "403" in only_line(at.visit("submit").stderr)
        refusing = fake.responses.pop(("POST", "/batches"))
        assert "3 batches not made" in only_line(at.visit("status").stderr)
        made = {"left": 2}

        def refuse_third(request: Request) -> FakeResponse:
            if request.method == "POST" and request.target.endswith("/batches"):
                if not made["left"]:
                    return refusing
                made["left"] -= 1
            return FakeProvider.respond(fake, request)

        fake.respond = refuse_third  # type: ignore[method-assign]  # as another server would
        assert "403" in only_line(at.visit("submit").stderr)
        assert "--resume" in only_line(at.visit("submit").stderr)
        made["left"] = 9
        done = at.visit("submit", "--resume")
        assert "5 rows submitted in 3 batches (batch_1, batch_2, batch_3)" in only_line(done.stderr)
        assert at.visit("fetch").returncode == 0
        assert Counter(row["custom_id"] for row in lines(at.output)) == Counter("12345")


def test_what_was_submitted_can_be_fetched_without_the_rest(tmp_path: Path) -> None:
    small()
    fake = Other("small")
    fake.responses = {}
    with desk(tmp_path, fake, "small") as at:
        write(at.source, *({"prompt": name} for name in "abc"))
        fake.responses[("POST", "/batches")] = FakeResponse(status=500)
        lost = at.visit("submit")
        assert "may have been made" in only_line(lost.stderr)
        doubtful = at.visit("fetch")
        assert "2 rows in the file file-1" in only_line(doubtful.stderr)
        fake.responses.clear()
        assert at.visit("submit", "--made", "none").returncode == 0
        assert at.visit("fetch").returncode == 0
    assert len(lines(at.output)) == 3


def test_a_submission_that_is_killed_while_a_batch_is_made_is_decided_by_a_person(tmp_path: Path) -> None:
    held = FakeResponse(ending=Ending.HOLD, silent=True)
    fake = Other("openai")
    fake.responses = {("POST", "/batches"): held}
    with desk(tmp_path, fake) as at:
        write(at.source, {"prompt": "a"}, {"prompt": "b"})
        command = ("batch", str(at.source), "-o", str(at.output), *at.where, "--provider-batch", "submit")
        with started(*command, env=environment(**VARIABLES)) as process:
            wait_until(at.made, process)
            rival = at.visit("submit")
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
        assert "another process" in only_line(rival.stderr)
        fake.responses.clear()
        for visit in ("submit", "status", "fetch"):
            refused = only_line(at.visit(visit, *(("--resume",) if visit == "submit" else ())).stderr)
            assert "2 rows in the file file-1" in refused
            assert "--made" in refused
        assert at.made() == 1
        state = at.about.read_text()
        assert at.visit("submit", "--made", "none").returncode == 0
        assert at.made() == 2
        at.about.write_text(state)  # the other way: the batch is in the list
        assert at.visit("status", "--made", "batch_1").returncode == 0
        assert at.visit("fetch").returncode == 0
    assert len(lines(at.output)) == 2


def test_a_fetch_that_is_killed_is_fetched_again_with_every_answer_once(tmp_path: Path) -> None:
    class Halting(FakeProvider):
        """Its first download of results stops in the middle of a line, and stays open."""

        downloads = 0

        def respond(self, request: Request) -> FakeResponse:
            given = super().respond(request)
            if not request.target.endswith("/content"):
                return given
            self.downloads += 1
            half = (given.body[: len(given.body) // 2 + 20],)
            return FakeResponse(pieces=half, ending=Ending.HOLD) if self.downloads == 1 else given

    with desk(tmp_path, Halting("openai")) as at:
        write(at.source, *({"prompt": str(number)} for number in range(100)))
        assert at.visit("submit").returncode == 0
        command = ("batch", str(at.source), "-o", str(at.output), *at.where, "--provider-batch", "fetch")
        with started(*command, env=environment(**VARIABLES)) as process:
            wait_until(lambda: at.output.stat().st_size > 4_000, process)
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
        before = at.output.read_bytes()
        at.output.write_bytes(before + b'{"custom_id": "torn')
        done = at.visit("fetch")
        assert done.returncode == 0
        assert "incomplete last line" in done.stderr
    assert at.output.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    assert Counter(row["custom_id"] for row in lines(at.output)) == Counter(str(n) for n in range(1, 101))


def test_what_does_not_go_with_a_provider_s_batch_is_refused(tmp_path: Path) -> None:
    source = str(write(tmp_path / "p.jsonl", {"prompt": "a"}))
    output = tmp_path / "a.jsonl"
    ollama = ("--type", "ollama", "--model", "m", "--base-url", "http://127.0.0.1:1")
    openai = ("--type", "openai", "--model", "m")

    def test(case: tuple[tuple[str, ...], int, str]) -> None:
        arguments, status, words = case
        done = run("batch", *arguments, "-o", str(output), env=VARIABLES)
        assert (done.returncode, words in only_line(done.stderr)) == (status, True), done.stderr
        assert not output.exists()

    submit = ("--provider-batch", "submit")
    run_each(
        [
            ((source, *ollama, *submit), 1, "openai, azure"),
            ((source, *ollama, *submit), 1, "anthropic"),
            ((source, *openai, *submit, "--rpm", "5"), 2, "--rpm"),
            ((source, *openai, *submit, "--max-cost", "5"), 2, "--max-cost"),
            ((source, *openai, "--made", "none"), 2, "--made"),
            (("-", *openai, *submit), 2, "--provider-batch"),
            ((source, *openai, "--provider-batch", "later"), 2, "submit"),
        ],
        test,
    )
    fake = run("batch", source, "-o", str(output), *submit)
    assert (fake.returncode, "sansio-llm serve" in only_line(fake.stderr)) == (1, True)
