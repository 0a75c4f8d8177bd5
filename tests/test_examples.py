"""The programs in `examples` do what they say, against a server on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import trio

from sansio import InternalServerError, Message, Role, ToolCall
from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.script import Ending
from tests.support import load_example
from transports import create_provider, create_sync_provider
from transports.testing.loopback import loopback_thread, serve_loopback

PATIENCE = 30.0


def test_fifty_answers_at_once() -> None:
    example = load_example("many_streams")
    fake = FakeProvider("openai", [Answer(text="a square")] * 60)
    with loopback_thread(fake) as server:
        config = server.config("openai")

        async def run(ask: Any, questions: list[str]) -> None:
            async with create_provider(config, api_key="key") as provider:
                assert await ask(provider, questions) == dict.fromkeys(questions, "a square")

        assert len(example.QUESTIONS) == 50
        trio.run(run, example.in_a_nursery, example.QUESTIONS)
        asyncio.run(run(example.in_a_task_group, example.QUESTIONS[:10]))
    assert len(fake.requests) == 60


def test_an_agent_with_a_tool_that_fails_and_a_saved_conversation(tmp_path: Path) -> None:
    example, path = load_example("agent"), tmp_path / "conversation.json"
    calls = (ToolCall("1", "weather", {"city": "Oz"}), ToolCall("2", "weather", {"city": "Paris"}))
    fake = FakeProvider(
        "openai",
        [
            Answer(tool_calls=calls),
            Answer(text="Take one."),
            Answer(text="Yes."),
        ],
    )
    with loopback_thread(fake) as server:

        async def run() -> list[str]:
            async with create_provider(server.config("openai"), api_key="key") as provider:
                return [await example.turn(provider, question, path) for question in ("Umbrella?", "Sure?")]

        assert anyio.run(run) == ["Take one.", "Yes."]
    saved = msgspec.json.decode(path.read_bytes(), type=list[Message])
    roles = "user assistant tool tool assistant user assistant"
    assert [message.role for message in saved] == [Role(role) for role in roles.split()]
    assert [(message.is_error, message.text) for message in saved[2:4]] == [
        (True, saved[2].text),
        (False, "rain, 14 degrees"),
    ]
    assert "no station in Oz" in saved[2].text


def test_a_plain_script(capsys: pytest.CaptureFixture[str]) -> None:
    example = load_example("script")
    fake = FakeProvider("openai", [Answer(text="Hello there."), Failure(status=400)])
    with (
        loopback_thread(fake) as server,
        create_sync_provider(server.config("openai"), api_key="key") as provider,
    ):
        example.main(provider, "Hi")
        assert capsys.readouterr().out.startswith("Hello there.\n")
        with pytest.raises(SystemExit, match="openai"):
            example.main(provider, "Hi")


class Browser:
    """What an ASGI server gives and takes for one browser. The test says when the browser leaves."""

    def __init__(self, path: str) -> None:
        self.scope = {"type": "http", "method": "GET", "path": path, "query_string": b"q=Hi", "headers": []}
        self.body = b""
        self.leaves = anyio.Event()
        self.reads = anyio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.body += message.get("body", b"")
        if b": keep-alive" in self.body and b"data:" in self.body:
            self.reads.set()


@pytest.mark.judges
@pytest.mark.anyio
class TestGateway:
    async def _serve(self, browser: Browser, provider: Any, seconds: float = 15) -> None:
        app = load_example("gateway").create_app(provider, seconds)
        await app(browser.scope, browser.receive, browser.send)

    async def test_forwards_an_answer_and_its_page_reads_it(self) -> None:
        pytest.importorskip("starlette")
        fake = FakeProvider("openai", [Answer(text="Hello there."), Failure(status=500)])
        async with serve_loopback(fake) as server:
            config = server.config("openai", max_attempts=1)
            async with create_provider(config, api_key="key") as provider:
                bodies = []
                for path in ("/answer", "/answer", "/"):
                    browser = Browser(path)
                    await self._serve(browser, provider)
                    bodies.append(browser.body.decode())
        lines = [line[6:] for line in bodies[0].splitlines() if line.startswith("data: ")]
        assert "".join(map(msgspec.json.decode, lines[:-1])) == "Hello there."
        assert bodies[0].endswith('event: end\ndata: "done"\n\n')
        assert bodies[1] == f'event: end\ndata: "{InternalServerError.__name__}"\n\n'
        assert 'new EventSource("/answer"' in bodies[2]

    async def test_keeps_a_browser_that_waits_alive_and_drops_the_call_when_it_leaves(self) -> None:
        pytest.importorskip("starlette")
        stuck = Broken(answer=Answer(text="one two three"), after=2, ending=Ending.HOLD)
        browser = Browser("/answer")
        async with (
            serve_loopback(FakeProvider("openai", [stuck])) as server,
            create_provider(server.config("openai"), api_key="key") as provider,
        ):
            with anyio.fail_after(PATIENCE):
                async with anyio.create_task_group() as group:
                    group.start_soon(self._serve, browser, provider, 0.001)
                    await browser.reads.wait()
                    assert server.client_closes == []
                    browser.leaves.set()
                await server.wait_client_closes(1)
        assert b"event: end" not in browser.body
