"""`sansio-llm batch`: the rows of a file are answered once each, whatever happens."""

from __future__ import annotations

import csv
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from sansio import Request
from sansio.testing import Answer, Ending, Failure, FakeProvider, FakeResponse
from tests.transports.cli.command import KEY, PATIENCE, environment, only_line, run, started, wait_until
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


def batch(server: LoopbackThread, *arguments: str | Path, stdin: bytes = b"") -> CompletedProcess[str]:
    where = ("--type", "openai", "--base-url", server.base_url("openai"), "--model", "gpt-4o")
    return run("batch", *map(str, arguments), *where, stdin=stdin, env={"OPENAI_API_KEY": KEY})


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_row_is_answered_and_malformed_ones_are_failures(tmp_path: Path) -> None:
    source = write(
        tmp_path / "p.jsonl",
        {"custom_id": "a", "prompt": "What is 2 + 3?"},
        "not json\n",
        {"prompt": "Hello"},
        {"custom_id": "a", "prompt": "Again"},
    )
    output = tmp_path / "a.jsonl"
    with loopback_thread(FakeProvider()) as server:
        done = batch(server, source, "-o", output, "-s", "Be brief.", "--option", "temperature=0.5")
    assert done.returncode == 1
    answers = {row["custom_id"]: row for row in lines(output)}
    assert answers.keys() == {"a", "3"}
    assert answers["a"].keys() == {"custom_id", "text", "message", "usage"}
    assert "5" in answers["a"]["text"]
    failures = lines(tmp_path / "a.jsonl.failures.jsonl")
    assert [(row["line"], row["custom_id"]) for row in failures] == [(2, "2"), (4, "a")]
    assert "line 1" in failures[1]["error"]["message"]
    assert "2 rows answered, 2 failed" in only_line(done.stderr)


def test_a_resumed_batch_asks_only_what_has_no_answer(tmp_path: Path) -> None:
    source = write(tmp_path / "p.jsonl", *({"custom_id": name, "prompt": name} for name in "abc"))
    output = tmp_path / "a.jsonl"
    fake = FakeProvider()
    with loopback_thread(fake) as server:
        assert batch(server, source, "-o", output).returncode == 0
        text = output.read_bytes()
        output.write_bytes(text[:-20])  # as a crash would tear it
        fake.requests.clear()
        assert "--resume" in only_line(batch(server, source, "-o", output).stderr)
        done = batch(server, source, "-o", output, "--resume")
    assert len(fake.requests) == 1
    assert done.returncode == 0
    assert "1 row answered, 2 answered before" in done.stderr
    assert Counter(row["custom_id"] for row in lines(output)) == Counter("abc")


def test_strict_sends_nothing_if_a_row_cannot_be_asked(tmp_path: Path) -> None:
    source = write(tmp_path / "p.jsonl", {"prompt": "Hello"}, {"messages": []})
    fake = FakeProvider()
    with loopback_thread(fake) as server:
        done = batch(server, source, "-o", tmp_path / "a.jsonl", "--strict")
    assert done.returncode == 1
    assert "1 row cannot be sent" in only_line(done.stderr)
    assert not fake.requests
    assert [row["line"] for row in lines(tmp_path / "a.jsonl.failures.jsonl")] == [2]


def test_a_key_that_is_refused_stops_the_batch_at_once(tmp_path: Path) -> None:
    source = write(tmp_path / "p.jsonl", *({"prompt": str(number)} for number in range(500)))
    fake = FakeProvider(key="another")
    with loopback_thread(fake) as server:
        done = batch(server, source, "-o", tmp_path / "a.jsonl", "--concurrency", "4")
    assert done.returncode == 1
    assert "401" in only_line(done.stderr)
    assert KEY not in done.stderr
    assert len(fake.requests) <= 4


def test_a_failure_is_a_row_of_its_own_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = write(tmp_path / "p.jsonl", {"prompt": "a"}, {"prompt": "b"})
    fake = FakeProvider(script=[Failure(status=400), Answer(text="yes")])
    with loopback_thread(fake) as server:
        done = batch(server, source, "-o", tmp_path / "a.jsonl", "--concurrency", "1", "--retries", "0")
    assert done.returncode == 1
    assert [row["text"] for row in lines(tmp_path / "a.jsonl")] == ["yes"]
    (failed,) = lines(tmp_path / "a.jsonl.failures.jsonl")
    assert (failed["error"]["status"], failed["error"]["attempts"]) == (400, 1)


def test_a_cost_that_is_reached_begins_no_more_rows(tmp_path: Path) -> None:
    source = write(tmp_path / "p.jsonl", *({"prompt": str(number)} for number in range(50)))
    fake = FakeProvider()
    limits = ("--concurrency", "1", "--max-cost", "0.000001")
    with loopback_thread(fake) as server:
        done = batch(server, source, "-o", tmp_path / "a.jsonl", *limits, "--prices", "1,1")
        unknown = batch(server, source, "-o", tmp_path / "b.jsonl", *limits)
    assert done.returncode == unknown.returncode == 1
    assert len(fake.requests) < 20
    assert "--max-cost is reached" in done.stderr
    assert "--prices" in unknown.stderr


def test_a_table_in_and_a_table_out_with_the_schema_s_columns(tmp_path: Path) -> None:
    source = tmp_path / "p.csv"
    source.write_text("custom_id,town\na,Bath\nb,Ely\n")
    schema = write(tmp_path / "s.json", {"type": "object", "properties": {"size": {"type": "integer"}}})
    answers = [Answer(text='{"size": 3}'), Answer(text="no json")]
    fake = FakeProvider(script=answers)
    output = tmp_path / "a.csv"
    how = ("--template", "How large is {town}?", "--schema", str(schema), "--concurrency", "1")
    with loopback_thread(fake) as server:
        done = batch(server, source, "-o", output, *how)
        assert done.returncode == 1
        asked = json.loads(fake.requests[0].body)
        fake.script.append(Answer(text='{"size": 5}'))
        again = batch(server, source, "-o", output, *how, "--resume")
    assert again.returncode == 0
    assert asked["messages"][0]["content"] == "How large is Bath?"
    assert asked["response_format"]["type"] == "json_schema"
    with output.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["custom_id"], row["size"]) for row in found] == [("a", "3"), ("b", "5")]


def test_standard_input_is_json_lines(tmp_path: Path) -> None:
    with loopback_thread(FakeProvider()) as server:
        done = batch(server, "-", "-o", tmp_path / "a.jsonl", stdin=b'{"prompt": "Hello"}\n')
        resumed = batch(server, "-", "-o", tmp_path / "a.jsonl", "--resume")
    assert done.returncode == 0
    assert len(lines(tmp_path / "a.jsonl")) == 1
    assert resumed.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--prices", "1"), "--prices"),
        (("--prices", "1,-1"), "--prices"),
        (("--schema", "no-such-file"), "--schema"),
        (("--concurrency", "0"), "--concurrency"),
        (("--type", "opnai"), "opnai"),
    ],
)
def test_an_option_that_cannot_be_is_named(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    source = write(tmp_path / "p.jsonl", {"prompt": "Hello"})
    done = run("batch", str(source), "-o", str(tmp_path / "a.jsonl"), *arguments)
    assert done.returncode == 2
    assert words in only_line(done.stderr)
    assert not (tmp_path / "a.jsonl").exists()


class Halting(FakeProvider):
    """Answers so many requests, and none of those that follow until `answers` is raised."""

    answers = 40

    def respond(self, request: Request) -> FakeResponse:
        given = super().respond(request)
        held = len(self.requests) > self.answers
        return FakeResponse(ending=Ending.HOLD, silent=True) if held else given


def test_a_killed_batch_is_resumed_with_every_answer_once(tmp_path: Path) -> None:
    source = write(tmp_path / "p.jsonl", *({"prompt": str(number)} for number in range(100)))
    output = tmp_path / "a.jsonl"
    fake = Halting()
    with loopback_thread(fake) as server:
        where = ("--type", "openai", "--base-url", server.base_url("openai"), "--model", "gpt-4o")
        command = ("batch", str(source), "-o", str(output), *where, "--concurrency", "4")
        with started(*command, env=environment(OPENAI_API_KEY=KEY)) as process:
            wait_until(lambda: output.exists() and output.stat().st_size > 2_000, process)
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
        before = output.read_bytes()
        fake.answers = sys.maxsize
        assert batch(server, source, "-o", output, "--concurrency", "4", "--resume").returncode == 0
    assert output.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    assert Counter(row["custom_id"] for row in lines(output)) == Counter(str(n) for n in range(1, 101))
