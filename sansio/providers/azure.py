"""Azure OpenAI (Azure OpenAI REST API reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sansio.config import ProviderConfig
from sansio.content import Part, Role
from sansio.errors import ConfigError
from sansio.families.chat import ChatDialect
from sansio.families.chat.options import OPENAI_RANGES
from sansio.families.chat.parts import OPENAI_SOUND, takes_by_schema
from sansio.families.tools import NAMES, WORDS
from sansio.options import Option, narrowed
from sansio.profiles import profile_of
from sansio.providers.hosts import AzureHost, is_v1

_FIRST_WITH_COMPLETION_TOKENS = "2024-09-01"
"""The first api-version with `max_completion_tokens`: 2024-08-01-preview refuses it as an
unrecognized argument (openai-python, issue 1724). Versions are dates, and compare as text."""


def check(config: ProviderConfig) -> None:
    """Require what only Azure requires.

    Raises:
        ConfigError: the classic surface lacks a deployment or version, or its deployment would be a step in
            the path; or the v1 surface lacks a model.
    """
    if config.api == "messages":
        from sansio.providers.anthropic import check as check_version  # late: chat does not need that family

        check_version(config)
    if is_v1(config) or config.api == "messages":
        if config.model is None and config.deployment is None:
            raise ConfigError("model: name the deployment here or in deployment", field="model")
        return
    for name, example in (("deployment", "my-deployment"), ("api_version", "2024-10-21")):
        if getattr(config, name) is None:
            raise ConfigError(
                f"{name}: azure needs one, such as {example!r}; or use the v1 surface, "
                "with a base_url that ends in /openai/v1",
                field=name,
            )
    if config.deployment in (".", ".."):
        raise ConfigError(f"deployment: {config.deployment!r} is no deployment's name", field="deployment")


class AzureChat(AzureHost, ChatDialect):
    """The deployment is in the path, or on the v1 surface in the body. Both together give a 404."""

    PROFILE = profile_of("azure")
    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(ChatDialect.OPTIONS, **OPENAI_RANGES)

    def model_name(self) -> str | None:
        if is_v1(self.config):
            return self.config.deployment or self.config.model
        return self.config.model

    def max_tokens_field(self) -> str | None:
        config = self.config
        old = not is_v1(config) and (config.api_version or "") < _FIRST_WITH_COMPLETION_TOKENS
        return "max_tokens" if old else super().max_tokens_field()

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS

    def tool_names(self) -> str | None:
        return NAMES

    def sound_formats(self) -> frozenset[str] | None:
        return OPENAI_SOUND

    def takes(self, part: Part, role: Role) -> bool:
        return takes_by_schema(part, role)
