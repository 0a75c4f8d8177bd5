"""What is published says what is true: its version, its classifiers, and the extra that a room needs."""

from __future__ import annotations

import re
import tomllib

import sansio
from tests.snippets import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_changelog_begins_with_the_version() -> None:
    headings = re.findall(r"^## ([\d.]+), ", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

    assert headings[0] == sansio.__version__


def test_the_versions_of_python_that_are_promised_are_those_of_the_matrix() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    found = re.search(r"^ +python: \[(.*)\]$", workflow, re.MULTILINE)
    assert found is not None
    tried = [name for name in re.findall(r'"([\d.]+t?)"', found[1]) if not name.endswith("t")]
    promised = [
        name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: Python :: 3\.\d+$", name)
    ]

    assert promised == tried
    assert PROJECT["requires-python"] == f">={tried[0]}"
