"""The pages about the command line are true: their commands run, and print what is below them."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from sansio.testing import FakeProvider
from tests.snippets import ROOT, blocks
from tests.transports.cli.command import run
from transports.testing.loopback import loopback_thread

PAGE = (ROOT / "docs" / "command-line.md").read_text("utf-8")
STREAM = 'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def test_its_commands_print_what_is_below_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    [(_, tools)] = blocks("python", PAGE)
    files = {"notes.txt": "Buy milk.\n", "stream.txt": STREAM, "my_tools.py": tools}
    for name, text in files.items():
        Path(name).write_text(text)
    assert _examples(PAGE, files) >= 8


def test_the_commands_of_the_page_about_batches_print_what_is_below_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "batch.md").read_text("utf-8")
    [(_, prompts)] = blocks("json", page)
    Path("prompts.jsonl").write_text(prompts)
    with loopback_thread(FakeProvider("openai")) as server:
        real = {"type": "openai", "model": "gpt-5.4", "base_url": server.base_url("openai")}
        Path("provider.json").write_text(json.dumps(real))
        assert _examples(page, {}, OPENAI_API_KEY="any-key") == 5
    options = {word.rstrip(".") for word in run("batch", "--help").stdout.split() if word.startswith("--")}
    assert not [name for name in options - _OF_CHAT if f"`{name}" not in page and f" {name} " not in page]


_OF_CHAT = {
    f"--{name}"
    for name in (
        "help", "type", "api", "base-url", "api-key-env", "config", "import", "region", "project", "location",
    )
}  # fmt: skip
"""Options that the page about `chat` has."""


def _examples(page: str, files: dict[str, str], **variables: str) -> int:
    """Run the commands of a page with these variables, and count them."""
    examples = "".join(text for _, text in blocks("console", page)).split("$ sansio-llm ")[1:]
    for example in examples:
        command, _, printed = example.partition("\n")
        command, _, file = command.partition(" < ")
        done = run(*shlex.split(command), stdin=files[file].encode() if file else b"", env=variables)
        notice, _, rest = done.stderr.partition("\n")
        said = rest if "a fake provider answers" in notice else done.stderr
        assert (done.stdout or said) == printed, command
    return len(examples)


def test_it_has_every_command_and_every_option_of_chat() -> None:
    commands = [words[1] for line in run("--help").stdout.splitlines() if len(words := line.split()) > 2]
    named = [name for name in commands if f"`{name}`" in PAGE]
    assert len(set(named) - {"sansio-llm"}) == 10
    options = {word.rstrip(".") for word in run("chat", "--help").stdout.split() if word.startswith("--")}
    assert not [name for name in options - {"--help", "--keep", "--no-reasoning"} if f"`{name}" not in PAGE]
