"""`python -m tests.pages [PAGE ...]`: follows pages of `docs` to the letter, in fresh environments.

A page has its own folder and virtual environment, in which this project is installed from its wheel. Pages
that install no more than the project share an environment. Down the page, each `pip install` and each block
of `sh` is run as it is written, each `console` block must print what is below its commands, and the `python`
blocks run in one process. There is no key, and nothing of this checkout except `examples`, which the pages
name.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.snippets import ROOT

PAGES = (
    *("embedding", "command-line", "from-openai", "from-anthropic", "tapes", "check-parser", "corpus"),
    *(
        "tutorial",
        "configuration",
        "content",
        "tools",
        "structured",
        "retries",
        "endpoints",
        "network",
        "machines",
    ),
    *("moving", "resuming", "anthropic", "gemini", "bedrock", "ollama", "cohere", "responses", "providers"),
    *("batches", "bulk", "translate", "faults", "custom-dialect"),
)
STATUSES = {"check-parser examples.naive_parser": 1}
"""Commands whose status is not 0: it breaks laws, as its page says."""
NOT_HERE = {"pip install -e": "a checkout", "ANTHROPIC_API_KEY": "a key", "npm install": "Node 22"}
"""What a block of `sh` has in it that cannot be run everywhere, and what that needs."""
FILES = {
    "notes.txt": "Buy milk.\n",
    "stream.txt": 'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
}
"""Files that a reader of the page is assumed to have."""
_BASE = "pip install sansio-llm"
"""What a reader of any page has done."""
_STEP = re.compile(r"^```(python|sh|console)\n(.*?)^```$|`(pip install [^`]+)`", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"`(\w+\.py)` in the working folder\n$")

_FOLLOW = """
import importlib, json, subprocess, sys

page, steps = json.load(sys.stdin)
space = {"__name__": page}
for kind, line, source in steps:
    print(f"{page}:{line} {kind}", flush=True)
    if kind == "python":
        importlib.invalidate_caches()
        exec(compile("\\n" * (line - 1) + source, page, "exec", dont_inherit=True), space)
    elif kind == "sh":
        subprocess.run(["bash", "-euo", "pipefail", "-c", source], check=True, stdin=subprocess.DEVNULL)
    else:
        for example in source.split("$ ")[1:]:
            command, _, printed = example.partition("\\n")
            done = subprocess.run(command, shell=True, capture_output=True, text=True)
            shown = done.stdout or done.stderr.partition("\\n")[2]  # below the notice of the fake provider
            assert shown == printed, f"{command}: {shown!r}"
"""
"""The program that runs in the fresh environment."""


def read(page: Path) -> list[tuple[str, int, str]]:
    """What a reader of the page does, in order: the kind, the line, and what is run or printed."""
    text = page.read_text("utf-8")
    found = []
    for match in _STEP.finditer(text):
        kind, source = (match[1], match[2]) if match[1] else ("sh", match[3])
        line = text.count("\n", 0, match.start()) + (2 if match[1] else 1)
        named = _NAMED.search(text[: match.start()])
        needs = [what for words, what in NOT_HERE.items() if words in source]
        status = next((status for words, status in STATUSES.items() if words in source), 0)
        if status:
            source = f"({source}) || [ $? = {status} ]\n"
        if named is not None:
            kind, source = "sh", f"cat > {named[1]} <<'END'\n{source}END\n"
        elif kind == "sh" and needs:
            kind, source = "sh", f"echo 'left out: it needs {needs[0]}'"
        found.append((kind, line, source))
    return found


def follow(name: str, wheels: Path, shared: Path) -> tuple[int, str]:
    """Follow a page.

    Args:
        wheels: the folder with the wheels of all that is installed.
        shared: an environment that has the project, for a page that installs no more.

    Returns:
        The exit status, and all that was printed.
    """
    begin = time.monotonic()
    steps = read(ROOT / "docs" / f"{name}.md")
    with tempfile.TemporaryDirectory(prefix=f"page-{name}-") as made:
        folder = Path(made)
        for file, text in FILES.items():
            (folder / file).write_text(text)
        shutil.copytree(ROOT / "examples", folder / "examples")
        home = shared
        if any(source.startswith("pip install ") for _, _, source in steps):
            home = folder / ".venv"
            make_environment(home)
            steps = [("sh", 0, _BASE), *steps]
        done = subprocess.run(
            [str(home / "bin" / "python"), "-c", _FOLLOW],
            cwd=folder,
            env=_environment(folder, home, wheels),
            input=json.dumps((f"{name}.md", steps)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, f"{done.stdout}{name}: {time.monotonic() - begin:.0f} s\n"


def make_environment(home: Path) -> None:
    """A virtual environment with a `pip`."""
    venv.create(home)
    # A pip for each environment would take most of the time, so that of this one installs into it.
    pip = home / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip --python "{home}/bin/python" "$@"\n')
    pip.chmod(0o755)


def _environment(folder: Path, home: Path, wheels: Path) -> dict[str, str]:
    """The variables of a reader who has no keys, and no conversation that was kept."""
    known = ("LANG", "PIP_CONFIG_FILE", "SSL_CERT_FILE")
    return {
        **{name: os.environ[name] for name in known if name in os.environ},
        "PATH": f"{home}/bin:{os.environ['PATH']}",
        "HOME": str(folder),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_QUIET": "1",
        "PYTHONPATH": str(folder),  # the working folder, as for a program that is in it
    }


def wanted(names: list[str]) -> list[str]:
    """What the pages install, with the checkout in place of the published project."""
    lines = [source for name in names for _, _, source in read(ROOT / "docs" / f"{name}.md")]
    found = {
        word
        for line in "\n".join([_BASE, *lines]).splitlines()
        if line.startswith("pip install ")
        for word in shlex.split(line)[2:]
    }
    return [word.replace("sansio-llm", str(ROOT)) for word in sorted(found)]


def main(names: list[str]) -> int:
    """Follow the pages, two at a time; 1 if one of them is not true."""
    with tempfile.TemporaryDirectory(prefix="pages-") as made:
        wheels = Path(made)
        # All wheels are fetched once: the pages are about this project, not about the network.
        fetch = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", made, *wanted(names))
        subprocess.run(fetch, check=True)
        shared = wheels / "shared"
        make_environment(shared)
        base = [str(shared / "bin" / "pip"), *shlex.split(_BASE)[1:]]
        subprocess.run(base, env=_environment(wheels, shared, wheels), check=True)
        with ThreadPoolExecutor(2) as pool:
            ends = dict(zip(names, pool.map(lambda name: follow(name, wheels, shared), names), strict=True))
    for name, (status, printed) in ends.items():
        print(f"{'FAILED' if status else 'followed'}: docs/{name}.md")
        print(printed if status else printed.splitlines()[-1], flush=True)
    return int(any(status for status, _ in ends.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(PAGES)))
