"""The chat in Textual among the examples, driven by Textual's own pilot."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from sansio.testing import Answer, Broken, Failure, FakeProvider
from sansio.testing.script import Ending, Outcome
from tests.judges.sdks import package
from tests.support import load_example
from transports import create_provider
from transports.testing.loopback import serve_loopback

pytestmark = [pytest.mark.judges, pytest.mark.anyio]

PATIENCE = 60.0


@pytest.fixture
def anyio_backend() -> str:
    """Textual runs under asyncio alone."""
    return "asyncio"


async def test_shows_answers_and_failures_and_escape_drops_the_call() -> None:
    widgets = package("textual.widgets")
    stuck = Broken(answer=Answer(text="one two three"), after=2, ending=Ending.HOLD)
    script: list[Outcome] = [
        Answer(text="**Hello** there."),
        Failure(status=400, message="No [such]."),
        stuck,
    ]
    async with serve_loopback(FakeProvider("openai", script)) as server:
        provider = create_provider(server.config("openai"), api_key="key")
        app = load_example("textual_chat").Chat(provider)

        async with app.run_test() as pilot:

            def answers() -> list[Any]:
                return list(app.query(widgets.Markdown))

            async def ask(question: str) -> None:
                await pilot.press(*question, "enter")
                with anyio.fail_after(PATIENCE):
                    await pilot.pause()

            await ask("Hi")
            await app.workers.wait_for_complete()
            assert answers()[0].source == "**Hello** there."
            assert [message.text for message in app.history] == ["Hi", "**Hello** there."]
            await ask("Bad")
            await app.workers.wait_for_complete()
            assert "No [such]." in str(app.query_one(".failed").render())
            await ask("Count")
            with anyio.fail_after(PATIENCE):
                while len(answers()) < 3 or not answers()[2].source.startswith("one two"):
                    await pilot.pause(0.01)
                closed = len(server.client_closes)
                await pilot.press("escape")
                await server.wait_client_closes(closed + 1)
            assert len(app.history) == 2
