"""vLLM's difference from OpenAI (vLLM documentation, "OpenAI-compatible server", "Reasoning outputs")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sansio.dialects.openai import OpenAICompatDialect
from sansio.messages import Role


class VLLMDialect(OpenAICompatDialect):
    """vLLM: thinking is switched on in the chat template, and most templates know no developer role."""

    PARSES_ARGUMENTS: ClassVar[bool] = True
    ROLES: ClassVar[Mapping[Role, str]] = {**OpenAICompatDialect.ROLES, Role.DEVELOPER: "system"}

    def reasoning_options(self) -> dict[str, object]:
        return {"chat_template_kwargs": {"enable_thinking": True}}
