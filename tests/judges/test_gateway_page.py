"""The page of the gateway's example in a real browser: Chromium without a window, driven by Selenium."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from sansio.testing import Answer, Broken, FakeProvider
from sansio.testing.script import Ending, Outcome
from tests.judges.sdks import package
from tests.support import load_example
from transports import create_provider
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.judges

PATIENCE = 120.0
SOONER = 50.0
"""Less than the minute after which Chromium itself ends the connections of a page that was left."""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """Chromium of the distribution; skips where it, its driver or Selenium is not installed."""
    driver = package("selenium.webdriver")
    service = package("selenium.webdriver.chrome.service")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("no browser is installed: apt-get install chromium chromium-driver")
    options = driver.ChromeOptions()
    options.binary_location = chromium
    # Without a sandbox, which root may not have, and with few processes, whose start takes most of the time.
    for switch in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-extensions",
    ):
        options.add_argument(f"--{switch}")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    window = driver.Chrome(options=options, service=service.Service(chromedriver))
    try:
        yield window
    finally:
        window.quit()


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address at which hypercorn serves an app, from a thread, while the context lasts."""
    hypercorn, config = package("hypercorn.asyncio"), package("hypercorn.config").Config()
    with socket.socket() as listening, start_blocking_portal("asyncio") as portal:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config.bind, config.graceful_timeout, config.errorlog = [f"fd://{listening.detach()}"], 0, None
        port = socket.socket(fileno=int(config.bind[0][5:]))
        host, number = port.getsockname()
        port.detach()
        stop = portal.call(anyio.Event)

        async def run() -> None:
            await hypercorn.serve(app, config, shutdown_trigger=stop.wait, mode="asgi")

        running = portal.start_task_soon(run)
        try:
            yield f"http://{host}:{number}"
        finally:
            portal.call(stop.set)
            running.result(PATIENCE)


def test_the_page_shows_the_answer_and_leaving_it_drops_the_call(browser: Any, tmp_path: Path) -> None:
    package("starlette")
    wait = package("selenium.webdriver.support.ui").WebDriverWait(browser, PATIENCE, poll_frequency=0.05)
    stuck = Broken(answer=Answer(text="one two three"), after=2, ending=Ending.HOLD)
    script: list[Outcome] = [Answer(text="Hello <b>there</b>."), stuck]
    with loopback_thread(FakeProvider("openai", script)) as upstream:
        provider = create_provider(upstream.config("openai"), api_key="key")
        with served(load_example("gateway").create_app(provider, 0.05)) as address:

            def shown() -> tuple[str, str]:
                return tuple(browser.find_element("id", name).text for name in ("state", "text"))

            browser.get(f"{address}/?q=Hi")
            wait.until(lambda _: shown() == ("done", "Hello <b>there</b>."))
            browser.get(f"{address}/?q=Count")
            wait.until(lambda _: shown()[0] == "streaming" and shown()[1].startswith("one two"))
            browser.save_screenshot(str(tmp_path / "streaming.png"))
            assert (upstream.connections, upstream.client_closes) == (1, [])
            browser.get("about:blank")
            upstream.wait_client_closes(1, SOONER)
