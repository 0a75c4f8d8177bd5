"""The names that Anthropic takes for tools, and the types of the tools that it runs itself."""

from __future__ import annotations

import string

import pytest

from tests.sansio.testing.asking import HELLO, ask

ALLOWED = string.ascii_letters + string.digits + "_-"


def is_taken(**tool: object) -> bool:
    return ask("anthropic", HELLO, tools=[tool]).status == 200


def is_a_name(name: str) -> bool:
    return is_taken(name=name, input_schema={"type": "object"})


def test_a_tool_s_name_is_letters_digits_and_two_signs() -> None:
    assert "".join(sign for sign in map(chr, range(256)) if is_a_name(sign)) == "".join(sorted(ALLOWED))


@pytest.mark.parametrize(("length", "taken"), [(0, False), (1, True), (127, True), (128, True), (129, False)])
def test_a_tool_s_name_is_128_long_at_most(length: int, taken: bool) -> None:
    assert is_a_name("a" * length) is taken


@pytest.mark.parametrize("type", ["web_search_20250305", "bash_20250124", "mcp_toolset"])
def test_the_server_s_own_tools_are_recognized_by_a_date_or_as_mcp_s(type: str) -> None:
    assert is_taken(type=type)
    assert not is_taken(type=f"{type}x")
    assert not is_taken(type=type[1:].replace("_", ""))
    assert not is_taken(type=type.replace("_2", "2").replace("mcp_", "mcp"))


@pytest.mark.parametrize("type", ["web_search_2025030", "_20250305", "web_search_", "web-search_20250305"])
def test_a_type_without_a_whole_date_is_unknown(type: str) -> None:
    assert not is_taken(type=type)
