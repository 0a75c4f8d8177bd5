"""Anthropic's own service, and the other hosts of Claude that keep its rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

from sansio.config import ProviderConfig
from sansio.content import Message, Part, ReasoningPart, Role, Tool
from sansio.errors import ConfigError, InvalidRequestError
from sansio.families.messages import MessagesDialect
from sansio.families.messages.options import DEFAULT_VERSION
from sansio.families.tools import check_names
from sansio.profiles import CLAUDE_HOSTS, MESSAGES
from sansio.providers.bedrock import BedrockHost

_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
"""The form that the service names when it refuses an id, such as Moonshot's `functions.look:0`."""
VERSION = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
"""The pattern of a version, which is a date."""


def check(config: ProviderConfig) -> None:
    """Refuse an `api_version` that is not of Anthropic's form.

    Raises:
        ConfigError: the version is not a date.
    """
    version = config.api_version
    if version is not None and not re.fullmatch(VERSION, version):
        raise ConfigError(
            f"api_version: {version!r} is not a date of the form YYYY-MM-DD; give one such as "
            f"{DEFAULT_VERSION!r}, or leave it out",
            field="api_version",
        )


_TOOL_NAME = r"[a-zA-Z0-9_-]{1,128}"
"""The pattern of a tool's name (Anthropic's API reference, `tools.name`)."""


class AnthropicMessages(MessagesDialect):
    """Anthropic checks the signatures of reasoning that is sent back, and refuses reasoning without one."""

    TYPE = "anthropic"
    PROFILE = MESSAGES["anthropic"]
    REASONING_ORIGINS = frozenset((*(f"{host}/messages" for host in CLAUDE_HOSTS), "bedrock/invoke"))

    def refuses(self, part: Part) -> str | None:
        if isinstance(part, ReasoningPart) and not (part.extra.get("signature") or part.extra.get("data")):
            return "reasoning without a signature is refused by Anthropic"
        return super().refuses(part)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        for index, message in enumerate(messages):
            if message.origin is None and message.role in (Role.USER, Role.ASSISTANT):
                for name in message.extra:
                    raise InvalidRequestError(
                        f"message {index}, {name}: anthropic's messages have a role and content only; "
                        "leave it out, or say it in the content",
                        index=index,
                    )
        check_names(tools, _TOOL_NAME)
        return super().build_request_body(messages, tools, stream, **options)

    def takes_call_id(self, call_id: str) -> bool:
        return _CALL_ID.fullmatch(call_id) is not None


class BedrockMessages(BedrockHost, AnthropicMessages):
    """Claude on Amazon Bedrock, by Anthropic's own rules."""

    PROFILE = MESSAGES["bedrock"]


class AzureMessages(AnthropicMessages):
    """Claude on Microsoft Foundry, where the deployment names the model."""

    TYPE = "azure"
    PROFILE = MESSAGES["azure"]

    def with_model(self, model: str) -> Self:
        return type(self)(self.config.replace(model=model, deployment=model))

    def model_name(self) -> str | None:
        return self.config.deployment or self.config.model
