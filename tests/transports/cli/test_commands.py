"""The command line with pipes: what is asked, and what goes where."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import msgspec
import pytest

from sansio import (
    PROVIDER_DEFAULTS,
    ContentDelta,
    FinishReason,
    InvalidToolCall,
    Message,
    ProviderConfig,
    Role,
    StreamComplete,
    ToolCall,
    Usage,
)
from sansio.testing import PROVIDER_TYPES, Answer, FakeProvider
from sansio.testing.script import OWN_TYPES
from tests.transports.cli.command import (
    KEY,
    TOLD,
    ask,
    body,
    interrupt,
    only_line,
    run,
    started,
)
from transports import create_sync_provider
from transports.cli.serve import served
from transports.testing.loopback import LoopbackThread, loopback_thread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are those of POSIX")


@pytest.mark.parametrize("loop", [(), ("--trio",)])
def test_a_fresh_machine_without_a_key_gets_an_answer(loop: tuple[str, ...]) -> None:
    done = run("chat", "What is 6 * 7?", *loop)
    assert (done.returncode, done.stdout) == (0, "That is 42.\n")
    notice, summary = done.stderr.splitlines()
    assert "fake provider answers, on http://127.0.0.1:" in notice
    assert "OPENROUTER_API_KEY" in notice
    assert re.search(r"\d+ tokens in, \d+ out, first token after \d\.\d\d s, \d\.\d\d s in all$", summary)


def test_a_blank_key_counts_as_missing() -> None:
    done = run("chat", "2 + 3", env={"OPENROUTER_API_KEY": " "})
    assert (done.returncode, done.stdout) == (0, "That is 5.\n")


def test_an_address_alone_means_openrouter_and_its_key() -> None:
    fake = FakeProvider("openrouter", key=KEY)
    with loopback_thread(fake) as server:
        where = ("--base-url", server.base_url("openrouter"))
        done = run("chat", "2 + 3", *where, env={"OPENROUTER_API_KEY": KEY})
    assert (done.returncode, done.stdout) == (0, "That is 5.\n")
    assert ("authorization", f"Bearer {KEY}") in fake.requests[-1].headers


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_the_prompt_comes_from_a_pipe(
    server: LoopbackThread, fake: FakeProvider, arguments: tuple[str, ...]
) -> None:
    done = ask(server, *arguments, stdin="two\nlines, ünïcode\r\n".encode())
    assert done.returncode == 0
    assert body(fake)["messages"] == [{"role": "user", "content": "two\nlines, ünïcode"}]


def test_a_prompt_and_a_pipe_are_joined(server: LoopbackThread, fake: FakeProvider) -> None:
    assert ask(server, "What is this?", stdin=b"  def f(): ...\n").returncode == 0
    assert body(fake)["messages"] == [{"role": "user", "content": "  def f(): ...\n\nWhat is this?"}]


def test_a_prompt_that_is_no_utf_8_is_refused() -> None:
    done = run("chat", stdin=b"caf\xe9")
    assert done.returncode == 2
    assert "byte 3" in only_line(done.stderr)


def test_reasoning_and_tool_calls_are_not_part_of_the_output() -> None:
    call = ToolCall("call_1", "get_weather", {"city": "Paris"})
    fake = FakeProvider("openrouter", [Answer(text="Let me see.", reasoning="Hm.", tool_calls=(call,))])
    with loopback_thread(fake) as server:
        where = ("--base-url", server.base_url("openrouter"))
        done = run("chat", "hi", *where, env={"OPENROUTER_API_KEY": KEY})
    assert done.stdout == "Let me see.\n"
    reasoning, calls, last = done.stderr.splitlines()
    assert reasoning == "Hm."
    assert calls == "[the model calls get_weather]"
    assert "ended by tool_calls" in last


@pytest.mark.parametrize("stream", [(), ("--no-stream",)])
def test_what_is_wrong_with_an_answer_is_shown(
    server: LoopbackThread, fake: FakeProvider, stream: tuple[str, ...]
) -> None:
    cut = InvalidToolCall("call_1", "remove", '{"path": "/tm', "")
    fake.script.append(Answer(refusal="I may not.", tool_calls=(cut,), finish_reason=FinishReason.LENGTH))
    done = ask(server, "hi", *stream)
    assert (done.returncode, done.stdout) == (0, "")
    assert "[the model calls remove]" in done.stderr
    assert "[the model refuses: I may not.]" in done.stderr
    assert "[the call of remove cannot be run: " in done.stderr
    assert "ended by length" in done.stderr


def test_no_stream_asks_for_the_answer_in_one_piece(server: LoopbackThread, fake: FakeProvider) -> None:
    usage = Usage(input_tokens=12, output_tokens=30, cached_tokens=3, reasoning_tokens=8)
    fake.script.append(Answer(text="One piece.", usage=usage))
    done = ask(server, "hi", "--no-stream")
    assert (done.returncode, done.stdout) == (0, "One piece.\n")
    assert body(fake).get("stream", False) is False
    summary = only_line(done.stderr)
    assert "openai gpt-4o: 12 tokens in (3 cached), 30 out (8 reasoning)" in summary
    assert "first token" not in summary


@pytest.mark.parametrize("stream", [(), ("--no-stream",)])
def test_json_lines_are_the_events(
    server: LoopbackThread, fake: FakeProvider, stream: tuple[str, ...]
) -> None:
    call = ToolCall("call_1", "get_weather", {"city": "Paris"})
    fake.script.append(Answer(text="Grüße, \x1b[31m und mehr", tool_calls=(call,)))
    done = ask(server, "hi", "--json", *stream)
    events = [msgspec.json.decode(line, type=TOLD) for line in done.stdout.splitlines()]
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert last.message.tool_calls[0].arguments == {"city": "Paris"}
    text = "".join(event.text for event in events if isinstance(event, ContentDelta))
    assert text == ("" if stream else last.message.text)
    assert (len(events) == 1) == bool(stream)


def test_a_type_is_asked_in_the_wire_family_that_is_named() -> None:
    with loopback_thread(FakeProvider("anthropic", [Answer(text="Hi")])) as server:
        where = ("--type", "vllm", "--api", "messages", "--base-url", f"{server.url}/v1")
        keyed = ("--api-key-env", "VLLM_KEY", "--model", "m")
        done = run("chat", "Hello", *where, *keyed, env={"VLLM_KEY": KEY})
    assert (done.returncode, done.stdout) == (0, "Hi\n")


def test_a_pipe_gets_the_text_as_the_model_wrote_it(server: LoopbackThread, fake: FakeProvider) -> None:
    fake.script.append(Answer(text="a\tb \x1b[31m [bold]c[/bold] :smile:\n"))
    assert ask(server, "hi").stdout == "a\tb \x1b[31m [bold]c[/bold] :smile:\n"


@pytest.mark.parametrize("wrapped", [True, False])
def test_options_go_before_the_file_of_the_configuration(
    server: LoopbackThread, fake: FakeProvider, tmp_path: Path, wrapped: bool
) -> None:
    inner = {
        "type": "openai",
        "api_key_env": "MY_OWN_VARIABLE",
        "model": "gpt-4o",
        "base_url": server.base_url("openai"),
    }
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"provider": inner} if wrapped else inner))
    options = ("--config", str(file), "--model", "o3", "--system", "Be brief.", "--reasoning")
    done = run("chat", "hi", *options, env={"MY_OWN_VARIABLE": KEY})
    assert done.returncode == 0, done.stderr
    asked = body(fake)
    assert asked["model"] == "o3"
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_names_the_commands(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(command in done.stdout for command in ("chat", "models", "providers", "serve", "parse"))


def test_providers_says_which_keys_are_set_and_shows_none() -> None:
    env = {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": " ", "AZURE_OPENAI_API_KEY": KEY}
    done = run("providers", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert KEY not in done.stdout
    rows = {line.split()[0]: line.split()[-2:] for line in done.stdout.splitlines()[1:]}
    assert rows["anthropic"] == ["ANTHROPIC_API_KEY", "set"]
    assert rows["azure"] == ["AZURE_OPENAI_API_KEY", "set"]
    assert rows["openai"][-1] == "OPENAI_API_KEY"
    assert rows["ollama"] == ["(no", "key)"]
    assert tuple(rows) == tuple(PROVIDER_DEFAULTS)
    told = [json.loads(line) for line in run("providers", "--json", env=env).stdout.splitlines()]
    assert {row["type"] for row in told if row["is_set"]} == {"anthropic", "azure"}


def test_serve_answers_as_all_types_until_ctrl_c() -> None:
    with started("serve") as process:
        lines = [process.stdout.readline().decode() for _ in range(10)]
        addresses = dict(line.split() for line in lines[1:])
        assert re.search(r"http://127\.0\.0\.1:\d+", lines[0])
        addresses = {name: url for name, url in addresses.items() if "/" not in name}
        assert tuple(addresses) == (*PROVIDER_TYPES, "cohere")
        for type, address in addresses.items():
            fields = {"deployment": "d", "api_version": "2024-10-21"} if type == "azure" else {"model": "m"}
            config = ProviderConfig.from_dict({"type": type, "base_url": address, **fields})
            with create_sync_provider(config, api_key="any") as provider:
                assert provider.complete([Message(Role.USER, "2 + 3")]).text == "That is 5."
                assert [model.id for model in provider.list_models()] == ["fake-model"]
            if "responses" in PROVIDER_DEFAULTS[type].apis:
                with create_sync_provider(config.replace(api="responses"), api_key="any") as provider:
                    assert provider.complete([Message(Role.USER, "2 + 3")]).text == "That is 5."
        interrupt(process)
        assert process.returncode == 130
        assert process.stderr.read() == b""


def test_at_each_url_that_serve_prints_a_client_gets_an_answer_and_the_models() -> None:
    with served() as (server, said):
        printed = dict(line.split() for line in said.splitlines()[1:])
        assert printed.keys() >= {*PROVIDER_TYPES, *OWN_TYPES, "ollama/ollama", "azure/messages"}
        for name, url in printed.items():
            type, _, api = name.partition("/")
            fields = {"region": "us-east-1"} if type == "bedrock" else {}
            fields |= {"api": api} if api else {}
            config = server.config(type, base_url=url, **fields)
            with create_sync_provider(config, api_key="k") as provider:
                assert provider.complete([Message(Role.USER, "Hi")]).text, name
                if name not in ("vertex", "azure/messages"):  # they have no list
                    assert provider.list_models(), name


def test_serve_as_one_type_on_a_port_that_is_taken(server: LoopbackThread) -> None:
    done = run("serve", "--type", "ollama", "--port", str(server.port))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {server.port}" in only_line(done.stderr)


def test_a_registered_type_is_available_after_importing_its_module(
    server: LoopbackThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "own_types.py").write_text(
        "from sansio import ChatDialect, ProviderDefaults, register_provider\n"
        f"defaults = ProviderDefaults(base_url={server.base_url('openai')!r}, api_key_env='OWN_KEY')\n"
        "register_provider('own', ChatDialect, defaults)\n"
    )
    arguments = ("--import", "own_types", "--type", "own", "--model", "gpt-4o", "What is 2 + 3?")
    try:
        done = run("chat", *arguments, env={"OWN_KEY": KEY})
    finally:
        del PROVIDER_DEFAULTS["own"]
    assert (done.returncode, done.stdout) == (0, "That is 5.\n")


def test_a_missing_module_is_a_usage_error() -> None:
    done = run("chat", "--import", "there_is_no_such_module", "Hi")
    assert "there_is_no_such_module" in only_line(done.stderr)
    assert done.returncode == 2


def test_version_is_that_of_the_distribution() -> None:
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"sansio-llm( \d+\.\d+\.\d+|, run from its source.*)\n", done.stdout)
