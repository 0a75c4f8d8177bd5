"""Pages of the site that are made of files elsewhere, so that each is written once. A hook of `mkdocs.yml`.

The README is the first page. The reference has every public name, below the module that defines it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any  # Any: what mkdocs gives

ROOT = Path(__file__).resolve().parents[1]
HERE = "https://github.com/sansio-llm/sansio-llm/blob/main/"
PAGES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
}
REFERENCE = {
    "sansio": "sansio",
    "transports": "transports",
    "testing": "sansio.testing",
    "transports-testing": "transports.testing",
}
"""The pages of the reference, with the package whose public names each has."""

_LINK = re.compile(r"(\]\(|^\[[^\]]+\]: )([^)\s]+)", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages. Called by mkdocs before it reads any."""
    from mkdocs.structure.files import File

    made = {uri: with_links_of_the_site((ROOT / name).read_text("utf-8")) for uri, name in PAGES.items()}
    made |= {f"reference/{page}.md": reference(package) for page, package in REFERENCE.items()}
    for uri, text in made.items():
        files.append(File.generated(config, uri, content=text))
    return files


def with_links_of_the_site(text: str) -> str:
    """A page of the root whose links lead to pages of the site, where there is one, or to the repository."""
    pages = {name: uri for uri, name in PAGES.items()}

    def moved(match: re.Match[str]) -> str:
        path, mark, anchor = match[2].removeprefix(HERE).partition("#")
        if path.startswith("https://") or not path:
            return match[0]
        inside = pages.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else HERE + path)
        return f"{match[1]}{inside}{mark}{anchor}"

    return _LINK.sub(moved, text)


def reference(package: str) -> str:
    """The page with all public names of a package."""
    lines = [f"# `{package}`", "", _summary(package)]
    for module, names in _by_module(package):
        lines += ["", f"## {module}", "", _summary(module)]
        lines += [f"\n::: {module}.{name}" for name in names]
    return "\n".join(lines) + "\n"


def _by_module(package: str) -> Iterator[tuple[str, list[str]]]:
    """The modules that define what a package gives, in order, each with its names."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(ast.parse(_source(package))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in (
            "sansio",
            "transports",
        ):
            names = found.setdefault(str(node.module), [])
            names += [alias.name for alias in node.names if not alias.name.startswith("_")]
    yield from sorted((module, sorted(set(names))) for module, names in found.items() if names)


def _summary(module: str) -> str:
    """The first paragraph of a module's docstring."""
    return (ast.get_docstring(ast.parse(_source(module))) or "").partition("\n\n")[0]


def _source(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.read_text("utf-8")
