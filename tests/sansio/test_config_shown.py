"""What a config's repr shows: what was set, and of the headers their names alone."""

from __future__ import annotations

from sansio import Limits, ProviderConfig

CALLED = "type='openrouter', model='x-ai/grok-code-fast-1', base_url='https://openrouter.ai/api/v1'"


def test_a_config_of_defaults_shows_what_it_calls_and_nothing_else() -> None:
    assert repr(ProviderConfig()) == f"ProviderConfig({CALLED})"


def test_what_was_set_is_shown_and_of_the_headers_only_their_names() -> None:
    shown = repr(ProviderConfig(extra_headers={"X-A": "secret", "X-B": "secret"}, max_attempts=5))
    assert shown == f"ProviderConfig({CALLED}, extra_headers=<X-A, X-B>, max_attempts=5)"


def test_of_the_limits_those_are_shown_that_differ_from_their_defaults() -> None:
    shown = repr(ProviderConfig(limits=Limits(max_tool_calls=5)))
    assert shown == f"ProviderConfig({CALLED}, limits=Limits(max_tool_calls=5))"
    assert repr(ProviderConfig(limits=Limits(max_tool_calls=1_024))) == f"ProviderConfig({CALLED})"
