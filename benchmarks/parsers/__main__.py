"""`python -m benchmarks.parsers [NAME]`: checks the parsers of other projects that are installed."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from benchmarks.parsers import events, sdks
from sansio.testing import Parser, check_parser

_PARSERS: tuple[tuple[str, type[Parser], str, str, str], ...] = (
    ("openai", sdks.OpenAIChunks, "openai", "openai", "OpenAIError"),
    ("openai", sdks.OpenAIStream, "openai", "openai", "OpenAIError"),
    ("anthropic", sdks.AnthropicStream, "anthropic", "anthropic", "AnthropicError"),
    ("httpx-sse", events.HttpxSSE, "sse", "httpx", "HTTPError"),
    ("httpx2", events.Httpx2, "sse", "httpx2", "HTTPError"),
)
"""The package, the parser, its dialect, and the base of the errors that callers expect."""


def main(wanted: str) -> int:
    """Print the reports; 2 if no such package is installed."""
    found = 0
    for package, parser, dialect, module, error in _PARSERS:
        if wanted in ("", package):
            try:
                print(f"{package} {version(package)}")
            except PackageNotFoundError:
                print(f"{package} is not installed: pip install 'sansio-llm[bench]'")
                continue
            expected = getattr(import_module(module), error)
            print(check_parser(parser, dialect, errors=(expected,)), end="\n\n", flush=True)
            found += 1
    return 0 if found else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
