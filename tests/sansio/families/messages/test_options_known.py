"""Every option of Anthropic's is one that its service knows: its fake refuses any other field."""

from __future__ import annotations

import json
from typing import Any

from sansio import Provider, Send
from sansio.providers import dialect_named
from sansio.testing import FakeProvider
from tests.sansio.wires import ASK, WEATHER, Record, config
from tests.support import for_all

FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
SAME: dict[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "top_k": 5,
    "max_tokens": 50,
    "stop_sequences": ["x"],
    "thinking": {"type": "adaptive"},
    "cache_control": {"type": "ephemeral"},
    "output_config": {"effort": "low"},
    "container": "container_1",
    "service_tier": "auto",
    "diagnostics": {"previous_message_id": None},
    "speed": "fast",
    "inference_geo": "us",
    "user_profile_id": "p",
    "workspace_id": "w",
    "metadata": {"user_id": "u"},
}
"""Options that are sent under their names (Anthropic's SDK, `MessageCreateParams`)."""
OF_BETAS: dict[str, Any] = {
    "mcp_servers": [{"type": "url", "url": "https://example.com", "name": "m"}],
    "context_management": {"edits": []},
    "compaction": {"type": "summarize"},
    "thread": {"type": "create"},
    "billing_policy": {"a": "b"},
    "fallbacks": "default",
    "fallback_credit_token": "t",
}
PORTABLE: dict[str, tuple[Any, str]] = {
    "max_completion_tokens": (50, "max_tokens"),
    "stop": ("x", "stop_sequences"),
    "tool_choice": ("auto", "tool_choice"),
    "parallel_tool_calls": (False, "tool_choice"),
    "response_format": (FORM, "output_config"),
    "reasoning_effort": ("low", "output_config"),
    "reasoning_budget": (1_024, "thinking"),
    "user": ("u", "metadata"),
    "cache": (True, "tools"),
}


def test_each_option_has_a_value_here() -> None:
    known = {*SAME, *OF_BETAS, *PORTABLE}
    assert dialect_named("anthropic").options().keys() == known


@for_all(("name", [*SAME, *OF_BETAS, *PORTABLE]))
def test_each_option_is_a_field_that_the_service_knows(name: str) -> None:
    value, field = PORTABLE.get(name) or ({**SAME, **OF_BETAS}[name], name)
    old = name == "reasoning_budget"
    provider = Provider(config("anthropic", model="claude-sonnet-4-20250514" if old else "claude-opus-5-5"))
    headers: Record = {"extra_headers": {"anthropic-beta": "all"}} if name in OF_BETAS else {}
    step = provider.call(ASK, [WEATHER], stream=False, options={name: value, **headers}).next_step()
    assert isinstance(step, Send)
    body = json.loads(step.request.body)
    assert field in body
    response = FakeProvider("anthropic").respond(provider.authorize(step.request, "k"))
    assert response.status == 200, response.body
    if name in SAME or name in OF_BETAS:
        assert body[name] == value
