"""Rows on a Ray cluster of this machine: each is answered once, whatever dies, within one limit for all."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sansio import ProviderConfig, Rates, Request
from sansio.testing import FakeProvider, FakeResponse
from tests.judges.sdks import package
from tests.snippets import ROOT, run_down
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = [
    pytest.mark.judges,
    # Ray and Dask warn of what comes in later versions, and leave sockets and processes to the system.
    pytest.mark.filterwarnings("ignore"),
]

KEY = "sk-loopback-2f8a91c7"
ROWS, FILES = 10_000, 50
EMPTY = 1_000  # each such row has no prompt
HANGS = 300.0  # seconds without any request


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of this machine: two workers take half of it, and reading and writing the other half."""
    module = package("ray")
    package("ray.data")
    with pytest.MonkeyPatch.context() as patch:  # the workers inherit it
        patch.setenv("RAY_TEST_KEY", KEY)
        patch.setenv("OPENAI_API_KEY", KEY)
        # A machine with much else to do is slow, and not dead.
        patch.setenv("RAY_worker_register_timeout_seconds", str(int(HANGS)))
        patch.setenv("RAY_health_check_failure_threshold", "60")
        start(module)
        yield module
        module.shutdown()
        gc.collect()  # what Ray leaves to the system is warned of here, where that is ignored


def start(ray: Any) -> None:
    """Start a cluster. Ray gives itself 30 seconds, and leaves its processes where that is too short."""
    for left in reversed(range(3)):
        before = below()
        try:
            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        except Exception as error:  # Ray raises no narrower one
            for number in below().keys() - before.keys():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            if not left:
                pytest.skip(f"Ray does not start on this machine: {error}")
        else:
            return


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackThread]:
    with loopback_thread(FakeProvider("openai", key=KEY)) as served:
        yield served


def config(server: LoopbackThread) -> ProviderConfig:
    return server.config("openai", api_key_env="RAY_TEST_KEY")


def ask(ray: Any, rows: Any, server: LoopbackThread, **how: Any) -> Any:  # Any: of Ray
    from transports.bulk.ray import AskRows, ClusterLimiter

    given = {"config": config(server), "limiter": ClusterLimiter(), **how}
    return rows.map_batches(
        AskRows,
        fn_constructor_kwargs=given,
        compute=ray.data.ActorPoolStrategy(size=2),
        num_cpus=0.5,
        batch_format="pyarrow",
        batch_size=100,
    )


def below() -> dict[int, str]:
    """The processes below this one, with their titles."""
    parents: dict[int, int] = {}
    titles: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it has ended
                number, status = int(entry.name), (entry / "stat").read_text()
                titles[number] = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                parents[number] = int(status.rpartition(")")[2].split()[1])

    def is_ours(number: int) -> bool:
        while number > 1:
            number = parents.get(number, 0)
            if number == os.getpid():
                return True
        return False

    return {number: title for number, title in titles.items() if is_ours(number)}


def workers() -> list[int]:
    """The processes in which Ray has a stage that asks."""
    return sorted(number for number, title in below().items() if "AskRows" in title)


def watch(job: threading.Thread, server: LoopbackThread) -> None:
    """Wait for a job. It hangs if no request arrives for long."""
    seen, since = -1, time.monotonic()
    while job.is_alive():
        job.join(1.0)
        now = len(server.provider.requests)
        if now != seen:
            seen, since = now, time.monotonic()
        assert time.monotonic() - since < HANGS, f"no request after {seen}"


@pytest.fixture(scope="module")
def written(ray: Any, server: LoopbackThread, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """10,000 rows of Parquet and their answers. One of two workers was killed in the middle."""
    arrow, parquet = package("pyarrow"), package("pyarrow.parquet")
    folder = tmp_path_factory.mktemp("rows")
    rows, answers = folder / "rows", folder / "answers"
    rows.mkdir()
    for file in range(FILES):
        numbers = range(file * ROWS // FILES, (file + 1) * ROWS // FILES)
        prompts = [f"What is {number} + 1?" if number % EMPTY else None for number in numbers]
        ids = [f"row {number}" for number in numbers]
        parquet.write_table(
            arrow.table({"custom_id": ids, "prompt": arrow.array(prompts, arrow.string())}),
            rows / f"{file}.parquet",
        )
    failures: list[BaseException] = []

    def run() -> None:
        try:
            resume(ray, server, rows, answers)
        except BaseException as error:  # of a thread, whose failures are raised nowhere else
            failures.append(error)

    job = threading.Thread(target=run, daemon=True)
    began = time.monotonic()
    job.start()
    killed = False
    while job.is_alive() and not killed:
        time.sleep(0.05)
        assert time.monotonic() - began < HANGS or server.provider.requests
        if len(server.provider.requests) >= ROWS // 3:
            os.kill(workers()[0], signal.SIGKILL)
            killed = True
    watch(job, server)
    print(f"{ROWS} rows in {time.monotonic() - began:.1f} s, {len(server.provider.requests)} requests")
    assert not failures
    assert killed
    return rows, answers


def resume(ray: Any, server: LoopbackThread, rows: Path, answers: Path, **how: Any) -> None:
    from transports.bulk.ray import unanswered

    left = unanswered(ray.data.read_parquet(str(rows)), str(answers), **how)
    small = left.repartition(
        target_num_rows_per_block=ROWS // FILES
    )  # so that a dead worker's work is little
    ask(ray, small, server).write_parquet(str(answers))


def read(answers: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        package("ray.data").read_parquet(str(answers)).to_pandas().to_dict("records")
    )
    return found


def check(rows: list[dict[str, Any]]) -> None:
    """Each row is there once, with its answer or its reason."""
    assert sorted(row["custom_id"] for row in rows) == sorted(f"row {number}" for number in range(ROWS))
    for row in rows:
        number = int(row["custom_id"].removeprefix("row "))
        if number % EMPTY:
            assert row["text"] == f"That is {number + 1}."
            assert row["finish_reason"] == "stop"
            assert row["output_tokens"] > 0
        else:
            assert "needs one of prompt" in row["error"]


def test_all_rows_are_there_once_though_a_worker_was_killed(written: tuple[Path, Path]) -> None:
    check(read(written[1]))


def test_what_is_written_is_not_asked_again_and_a_torn_file_is(
    ray: Any, server: LoopbackThread, written: tuple[Path, Path]
) -> None:
    rows, answers = written
    files = sorted(answers.glob("*.parquet"))
    parquet = package("pyarrow.parquet")
    gone = parquet.read_table(files[0]).to_pylist() + parquet.read_table(files[1]).to_pylist()
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-100])
    before = len(server.provider.requests)
    resume(ray, server, rows, answers)
    assert len(server.provider.requests) - before == sum(row["error"] is None for row in gone)
    check(read(answers))
    assert [path.name for path in answers.glob("*.torn")] == [f"_{files[1].name}.torn"]
    asked = len(server.provider.requests)
    resume(ray, server, rows, answers, again=True)  # what has no prompt fails again, unsent
    assert len(server.provider.requests) == asked
    assert len(read(answers)) == ROWS + ROWS // EMPTY


def test_the_values_of_a_schema_are_columns(ray: Any, server: LoopbackThread) -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
    rows = ray.data.from_items([{"id": number, "town": "Rome"} for number in range(3)])
    answers = ask(
        ray, rows, server, key="id", keep=["town"], template="How large is {town}?", schema=schema
    ).take_all()
    assert sorted(row["id"] for row in answers) == [0, 1, 2]
    assert all(row["town"] == "Rome" and row["size"] is not None and row["error"] is None for row in answers)


def test_what_was_not_sent_is_a_column(ray: Any, server: LoopbackThread) -> None:
    rows = ray.data.from_items([{"id": 1, "prompt": "2 + 3"}])
    options = {"top_k": 3, "unsupported": "drop"}
    (answer,) = ask(ray, rows, server, key="id", options=options).take_all()
    assert answer["error"] is None
    assert [loss["option"] for loss in json.loads(answer["left_out"])] == ["top_k"]


def test_a_key_that_is_refused_ends_the_job_at_once_and_is_never_shown(
    ray: Any, server: LoopbackThread
) -> None:
    from transports.bulk.ray import PassedKey

    before = len(server.provider.requests)
    key = "-".join(["sk", "refused", "77d1f0"])  # the lines of this test are shown, too
    rows = ray.data.range(ROWS, override_num_blocks=FILES)
    how = {"key": "id", "template": "What is {id} + 1?", "api_key": PassedKey(key)}
    with pytest.raises(Exception, match="AuthenticationError") as caught:
        ask(ray, rows, server, **how).materialize()
    assert len(server.provider.requests) - before < 1_000
    assert "401" in str(caught.value)
    assert key not in f"{caught.value} {how} {caught.getrepr(showlocals=False)}"


class Timed(FakeProvider):
    """Notes when each request arrives."""

    def __init__(self) -> None:
        super().__init__("openai")
        self.times: list[float] = []

    def respond(self, request: Request) -> FakeResponse:
        self.times.append(time.monotonic())
        return super().respond(request)


def test_two_workers_together_keep_the_limit(ray: Any) -> None:
    from transports.bulk.ray import ClusterLimiter

    timed = Timed()
    limiter = ClusterLimiter(Rates(requests_per_minute=1_200))
    with loopback_thread(timed) as server:
        rows = ray.data.range(200, override_num_blocks=8)
        began = time.monotonic()
        how = {"key": "id", "template": "What is {id} + 1?", "limiter": limiter}
        assert ask(ray, rows, server, **how).count() == 200
    # 20 in a second, and those of half a second at once. A slow machine takes longer, and never less.
    assert len(timed.times) == 200
    assert timed.times[-1] - began >= (200 - 11) / 20


def test_jobs_share_a_limiter_by_its_name(ray: Any) -> None:
    from sansio import ConfigError
    from transports.bulk.ray import ClusterLimiter

    rates = Rates(requests_per_minute=60)
    first, second = ClusterLimiter(rates, name="shared"), ClusterLimiter(rates, name="shared")
    assert first.counts() == second.counts() == (0, 0, 0)
    with pytest.raises(ConfigError, match="'shared' has"):
        ClusterLimiter(name="shared")
    first.close()


def test_the_examples_of_the_page_run(
    ray: Any, server: LoopbackThread, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package("dask.dataframe")
    with loopback_thread(FakeProvider("openai")) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.base_url("openai"))
        for _ in run_down(ROOT / "docs" / "cluster.md"):
            pass
    said = capsys.readouterr().out
    assert "3 rows to ask\n0 rows to ask\n3 answers\n" in said
    assert "1 PassedKey('***')\n" in said
    assert said.endswith("3 towns, 3 answered\n")
