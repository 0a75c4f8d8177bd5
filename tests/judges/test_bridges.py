"""The bridges among the examples, under the real packages: a model for pydantic-ai and a plugin for `llm`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sansio import PROVIDER_DEFAULTS, ToolCall, Usage
from sansio.testing import Answer, Failure, FakeProvider
from sansio.testing.script import Outcome
from tests.judges.sdks import package
from tests.support import load_example
from transports import MemoryTransport, create_provider
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.judges

PLUGIN = Path(__file__).resolve().parents[2] / "examples" / "llm-sansio"
WEATHER = Answer(reasoning="Look.", tool_calls=(ToolCall("call_1", "weather", {"city": "Paris"}),))
COUNTS = Usage(input_tokens=9, output_tokens=2)


def agent(fake: FakeProvider, **given: Any) -> Any:
    """An agent of pydantic-ai over a fake provider."""
    model = load_example("pydantic_ai_model").SansioModel(
        create_provider(
            {"type": fake.type, "model": "m", "max_attempts": 1},
            transport=MemoryTransport(fake),
            api_key="key",
        )
    )
    return package("pydantic_ai").Agent(model, **given)


@pytest.fixture
def anyio_backend() -> str:
    """pydantic-ai runs under asyncio alone."""
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("type", ["openai", "anthropic"])
class TestPydanticAI:
    async def test_calls_tools_and_gives_back_the_answer_that_called_them(self, type: str) -> None:
        package("pydantic_ai")
        fake = FakeProvider(type, [WEATHER, Answer(text="Take an umbrella.", usage=COUNTS)])

        def weather(city: str) -> str:
            return f"rain in {city}"

        asked = agent(fake, instructions="Be brief.", tools=[weather])
        result = await asked.run("Do I need an umbrella?", model_settings={"max_tokens": 2000})
        assert result.output == "Take an umbrella."
        assert (result.response.usage.input_tokens, result.response.usage.output_tokens) == (9, 2)
        called = fake.requests[-1].body.decode()
        assert all(text in called for text in ("Be brief.", "rain in Paris", "2000"))

        saved = package("pydantic_ai.messages").ModelMessagesTypeAdapter
        history = saved.validate_json(saved.dump_json(result.all_messages()))
        await asked.run("Sure?", message_history=history)
        sent, before = (msgspec.json.decode(request.body)["messages"] for request in fake.requests[:0:-1])
        assert sent[: len(before)] == before
        assert ("signature" in str(before)) == (type == "anthropic")

    async def test_streams_text_and_gives_objects(self, type: str) -> None:
        package("pydantic_ai")
        called = ToolCall("call_1", "final_result", {"city": "Paris", "height": 330})
        fake = FakeProvider(type, [Answer(text="Hello there."), Answer(tool_calls=(called,))])
        async with agent(fake).run_stream("Hello") as stream:
            pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
        assert len(pieces) > 1
        assert "".join(pieces) == "Hello there."
        assert (await agent(fake, output_type=_tower()).run("The tower?")).output.height == 330

    async def test_a_status_is_the_error_of_pydantic_ai(self, type: str) -> None:
        errors = package("pydantic_ai.exceptions")
        with pytest.raises(errors.ModelHTTPError) as caught:
            await agent(FakeProvider(type, [Failure(status=503)])).run("Hello")
        assert caught.value.status_code == 503


def _tower() -> Any:
    return package("pydantic").create_model("Tower", city=(str, ...), height=(int, ...))


def test_the_llm_command_asks_and_goes_on_with_a_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plugin is registered as `llm` does it: by the entry point that its own project names."""
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "")
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    cli, plugins = package("llm.cli"), package("llm.plugins")
    runner = package("click.testing").CliRunner()
    plugins.load_plugins()
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text("utf-8"))["project"]
    ((name, module),) = project["entry-points"]["llm"].items()
    plugins.pm.register(load_example(f"llm-sansio/{module}"), name=name)

    script: list[Outcome] = [
        Answer(text="Hello.", usage=COUNTS),
        Answer(text="Yes."),
        Failure(status=400, message="No such."),
    ]
    with loopback_thread(FakeProvider("anthropic", script)) as server:

        def ask(*words: str) -> Any:
            options = ["-o", "model", "claude-sonnet-5-5", "-o", "base_url", server.url, *words]
            return runner.invoke(cli.cli, ["-m", "sansio/anthropic", *options])

        assert ask("Hi", "-s", "Be brief.", "-u").stdout == "Hello.\n"
        assert ask("Sure?", "-c").stdout == "Yes.\n"
        failed = ask("Again")
        assert (failed.exit_code, "No such." in failed.output) == (1, True)
        sent = server.provider.requests[1].body.decode()
    assert all(text in sent for text in ("Be brief.", '"Hi"', '"Hello."', '"Sure?"'))
    assert {f"sansio/{type}" for type in PROVIDER_DEFAULTS} <= set(package("llm").get_model_aliases())
