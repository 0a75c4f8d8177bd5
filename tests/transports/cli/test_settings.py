"""How the command finds a provider: the native wires, regions, and projects on Vertex."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sansio.testing import FakeProvider
from tests.support import run_each
from tests.transports.cli.command import KEY, body, only_line, run
from transports.cli.settings import located
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")

NO_REGION = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
NO_PROJECT = {"GOOGLE_CLOUD_PROJECT": "", "GOOGLE_CLOUD_LOCATION": ""}
KEYS = {
    **dict.fromkeys(("GEMINI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "CO_API_KEY"), KEY),
    "GOOGLE_OAUTH_ACCESS_TOKEN": KEY,
}


def test_chat_speaks_the_native_wires_over_a_socket() -> None:
    fake = FakeProvider()
    with loopback_thread(fake) as server:

        def answers(case: tuple[str, ...]) -> None:
            where = ("--base-url", server.base_url("ollama/ollama" if case[0] == "ollama" else case[0]))
            for more in ((), ("--no-stream",)):
                asked = ("2 + 3", "--type", *case, "--model", "any", *where, "--no-keep", *more)
                done = run("chat", *asked, env={**KEYS, **NO_REGION})
                assert (done.returncode, done.stdout) == (0, "That is 5.\n"), done.stderr
                assert KEY not in done.stderr

        native = [
            ("google",),
            ("bedrock", "--region", "eu-west-1"),
            ("cohere",),
            ("ollama", "--api", "ollama"),
        ]
        run_each(native, answers)
    assert all(b"2 + 3" in request.body for request in fake.requests)
    assert "generationConfig" not in body(fake, 0)


def test_a_missing_region_or_key_is_one_line_with_the_option_and_the_variable() -> None:
    bedrock = ("--type", "bedrock", "--model", "m")
    vertex = ("--type", "vertex", "--model", "m")

    def is_refused(case: tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]) -> None:
        arguments, env, named = case
        done = run("chat", "hi", *arguments, env={**NO_REGION, **NO_PROJECT, **env})
        assert (done.returncode, done.stdout) == (1, "")
        line = only_line(done.stderr)
        assert all(word in line for word in named), line

    run_each(
        [
            (bedrock, KEYS, ("--region", "AWS_REGION")),
            (bedrock, {**KEYS, "AWS_REGION": "Nowhere!"}, ("--region", "'Nowhere!'")),
            ((*bedrock, "--region", "Nowhere!"), KEYS, ("region: 'Nowhere!'",)),
            ((*bedrock, "--region", "eu-west-1"), {}, ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID")),
            (vertex, KEYS, ("--project", "GOOGLE_CLOUD_PROJECT")),
            ((*vertex, "--project", "p"), {}, ("GOOGLE_OAUTH_ACCESS_TOKEN",)),
        ],
        is_refused,
    )


def test_a_project_that_no_provider_takes_is_a_usage_error() -> None:
    def is_refused(case: tuple[tuple[str, ...], str]) -> None:
        arguments, named = case
        done = run("models", *arguments, env=KEYS)
        assert done.returncode == 2
        assert named in only_line(done.stderr)

    there = ("--type", "vertex", "--base-url", "http://localhost:1")
    run_each(
        [
            (("--project", "p"), "--project"),
            (("--type", "openai", "--location", "eu"), "--location"),
            ((*there, "--project", "p"), "--base-url"),
        ],
        is_refused,
    )


def test_an_address_on_vertex_is_made_of_options_before_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def address(
        project: str | None = None, location: str | None = None, *, base_url: str | None = None, **fields: str
    ) -> object:
        given = {"type": "vertex", **fields, **({} if base_url is None else {"base_url": base_url})}
        return located(given, base_url=base_url, project=project, location=location).get("base_url")

    for name in NO_PROJECT:
        monkeypatch.delenv(name, raising=False)
    assert "//aiplatform.googleapis.com/v1/projects/p/locations/global/" in str(address("p"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "q")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "us-east1")
    assert "//us-east1-aiplatform.googleapis.com/v1/projects/q/locations/us-east1/" in str(address())
    assert "/projects/p/locations/eu/" in str(address("p", "eu"))
    assert address(base_url="http://here") == "http://here"
    assert located(
        {"base_url": "http://file", "type": "vertex"}, base_url=None, project=None, location=None
    ) == {
        "base_url": "http://file",
        "type": "vertex",
    }
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"type": "vertex", "model": "m", "base_url": "http://localhost:1"}))
    done = run("chat", "hi", "--config", str(file), "--project", "p", "--location", "a b", env=KEYS)
    assert done.returncode == 1
    assert "base_url" in only_line(done.stderr)
