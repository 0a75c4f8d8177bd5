"""The request and response types of the official SDKs, as `../shared/wire-types` lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from tests.support import CORPUS

FOLDER = CORPUS.parent / "wire-types"

needs_types = pytest.mark.skipif(not FOLDER.exists(), reason=f"there are no types at {FOLDER}")
"""For a test that reads them: they are no part of the project."""


@cache
def _text(file: str) -> str:
    return (FOLDER / f"{file}.txt").read_text("utf-8")


def fields(file: str, name: str) -> dict[str, str]:
    """The fields of a type, each with its own type as the listing writes it.

    Args:
        file: without its ending, such as `"openai-responses"`.
        name: the type's.
    """
    found = re.search(rf"^{name}(?:<\w+>)? type=.*?\{{(.*)\}}$", _text(file), re.MULTILINE)
    assert found, name
    return {field: type for field, _, type in (item.partition(":") for item in _items(found[1]))}


def assert_fits(file: str, name: str, record: Mapping[str, object]) -> None:
    """Whether a record has the fields that a type always has, and for words only those that it lists."""
    for field, type in fields(file, name).items():
        if type.startswith("?"):
            continue
        assert field in record, (name, field)
        if re.fullmatch(r"'[^\[\]]*'", type):
            assert record[field] in words(type), (name, field)


def kinds(file: str, union: str) -> set[str]:
    """The words in the field `type` of a union's members."""
    text = _text(file)
    found = re.search(rf"^{union} = Union\[(.*)\]$", text, re.MULTILINE)
    assert found, union
    members = "|".join(found[1].split(", "))
    listed = re.findall(rf"^(?:{members})(?:<\w+>)? type=\S*?(\[?'[\w'|]+'\]?)", text, re.MULTILINE)
    return {word for type in listed for word in words(type)}


def words(type: str) -> set[str]:
    """The words that a field's type lists."""
    return set(re.findall(r"'([^']*)'", type))


def _items(text: str) -> Iterator[str]:
    """What commas separate, except for those inside brackets."""
    depth = begin = 0
    for at, letter in enumerate(text):
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and depth == 0:
            yield text[begin:at].strip()
            begin = at + 1
    if text[begin:].strip():
        yield text[begin:].strip()


@cache
def events_of(file: str) -> dict[str, dict[str, str]]:
    """The fields of each event that a listing has, by the word in its `type`."""
    found = re.findall(r"^Response\w*Event\w* type='([\w.]+)' \{(.*)\}$", _text(file), re.MULTILINE)
    return {
        kind: {field: type for field, _, type in (item.partition(":") for item in _items(text))}
        for kind, text in found
    }


# Google's and Amazon's listings, in another form than the others.

GOOGLE, AMAZON = "gemini-generate-content", "bedrock-runtime"


def google_fields(name: str) -> dict[str, str]:
    """The fields of a type of Google's SDK, under the SDK's names, each with its own type."""
    return {field: type for field, _, type in (item.partition(":") for item in _items(_braces(GOOGLE, name)))}


def google_words(name: str) -> set[str]:
    """The words of an enumeration of Google's SDK, without the one that says nothing."""
    return {word for word in _items(_braces(GOOGLE, name)) if not word.endswith("UNSPECIFIED")}


def camel(name: str) -> str:
    """A name of Google's SDK as the wire has it."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def amazon_fields(name: str) -> dict[str, str]:
    """The fields of a shape that botocore describes, each with its own type, without those in the path."""
    named = (item.removeprefix("!").partition(":") for item in _items(_braces(AMAZON, f"{name} structure")))
    return {field: type for field, _, type in named if "@" not in type}


def amazon_words(name: str) -> set[str]:
    """The words of an enumeration that botocore describes."""
    found = re.search(rf"^{name} enum (.*)$", _text(AMAZON), re.MULTILINE)
    assert found, name
    return set(found[1].split("|"))


def amazon_statuses() -> dict[str, int]:
    """The HTTP status of each error that botocore describes."""
    found = re.findall(r"^(\w+) structure exception http=(\d+) ", _text(AMAZON), re.MULTILINE)
    return {name: int(status) for name, status in found}


def _braces(file: str, name: str) -> str:
    found = re.search(rf"^{name}(?: union)? \{{(.*)\}}$", _text(file), re.MULTILINE)
    assert found, name
    return found[1]
