"""The pages for those who come from another package: what they show of it does what ours beside it does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sansio.testing import FakeProvider
from tests.judges.sdks import package
from tests.snippets import ROOT, blocks, run_down
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.judges

CLIENTS = {"openai": "OpenAI", "anthropic": "Anthropic"}


@pytest.mark.parametrize(("name", "path"), [("openai", "/v1"), ("anthropic", "")])
def test_each_pair_of_examples_prints_the_same(
    name: str, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package(name)
    page = ROOT / "docs" / f"from-{name}.md"
    for _ in run_down(page):
        pass
    ours = capsys.readouterr().out

    opening = blocks("python", page.read_text("utf-8"))[0][1]
    theirs: dict[str, Any] = {"__name__": name}
    exec(compile(opening, page.name, "exec", dont_inherit=True), theirs)
    with loopback_thread(FakeProvider(name, theirs["script"])) as server:
        monkeypatch.setenv(f"{name.upper()}_BASE_URL", server.url + path)
        monkeypatch.setenv(f"{name.upper()}_API_KEY", "key")
        for _, source in blocks("py", page.read_text("utf-8")):
            exec(compile(source, page.name, "exec", dont_inherit=True), theirs)
        theirs["client"].close()

    assert capsys.readouterr().out == ours
    assert "Take an umbrella.\n330\n" in ours


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_the_errors_of_the_other_package_are_there_with_those_statuses(name: str) -> None:
    page = (ROOT / "docs" / f"from-{name}.md").read_text("utf-8")
    lefts = re.findall(r"^\| (.*) \| .* \|$", page, re.MULTILINE)
    errors = package(f"{name}._exceptions")
    named = {word for left in lefts for word in re.findall(r"`(\w+Error)`", left)}
    assert len(named) > 10
    assert not {word for word in named - {"TypeError", "ValueError"} if not hasattr(errors, word)}

    found = {pair for left in lefts for pair in re.findall(r"`(\w+Error)` \((\d{3})\)", left)}
    assert len(found) >= 7
    http, client = package("httpx2"), getattr(package(name), CLIENTS[name])(api_key="key")
    with client:
        for kind, status in found:
            response = http.Response(int(status), request=http.Request("POST", "https://example.com"))
            error = client._make_status_error("", body=None, response=response)
            assert (type(error).__name__, status) == (kind, status)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_the_numbers_of_the_other_package_are_those_of_the_page(name: str) -> None:
    constants = package(f"{name}._constants")
    page = (ROOT / "docs" / f"from-{name}.md").read_text("utf-8")

    assert f"`max_retries={constants.DEFAULT_MAX_RETRIES}`" in page
    assert f"waits {constants.INITIAL_RETRY_DELAY} s, 1 s, … up to {constants.MAX_RETRY_DELAY:g} s" in page
    limits = constants.DEFAULT_TIMEOUT
    assert f"`timeout={limits.read:g}`, for each read; {limits.connect:g} s to connect" in page
    assert f"`{name}` package, version {package(name).__version__.partition('.')[0]}." in page
