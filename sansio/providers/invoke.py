"""Claude through Amazon Bedrock's InvokeModel, whose body is Anthropic's messages.

Sources: the reference of Amazon Bedrock's runtime ("InvokeModel", "InvokeModelWithResponseStream",
"CountTokens"), its user guide ("Anthropic Claude Messages API"), Anthropic's SDK (`lib/bedrock`), and
recorded traffic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import msgspec
from msgspec import structs

from sansio.config import ProviderConfig
from sansio.content import Message, Tool
from sansio.endpoints import Endpoint
from sansio.errors import ConfigError
from sansio.events import StreamEvent
from sansio.families.base import Dialect
from sansio.families.fields import base64_text
from sansio.families.messages import MessagesDialect
from sansio.families.messages.options import DEFAULT_VERSION, options_of
from sansio.families.messages.reader import MessagesReader
from sansio.families.runtime import EXCEPTION, BedrockRuntime, read_count, read_exception
from sansio.framing.aws import AWSChunkFramer, AWSFramer
from sansio.jsontext import JSON, JSONObject
from sansio.options import Option
from sansio.profiles import MESSAGES
from sansio.providers.anthropic import VERSION, AnthropicMessages
from sansio.providers.bedrock import BedrockHost

_OWN_VERSION = "bedrock-2023-05-31"
"""Bedrock's name of Anthropic's version `2023-06-01`. Later versions have Anthropic's names there, too."""

_NOT_HERE = frozenset(("container", "mcp_servers", "inference_geo", "service_tier", "speed", "workspace_id"))
"""Options of Anthropic's own service. The region or the inference profile says where a model runs, and a
header of Bedrock names the service tier."""
_IN_BODY = frozenset(("anthropic-version", "anthropic-beta"))
"""Headers of Anthropic's own service that are fields of the body here."""


def check(config: ProviderConfig) -> None:
    """Refuse an `api_version` that Bedrock has no form of.

    Raises:
        ConfigError: it is neither a date nor Bedrock's own version.
    """
    version = config.api_version
    if version not in (None, _OWN_VERSION) and not re.fullmatch(VERSION, str(version)):
        raise ConfigError(
            f"api_version: {version!r} is not a version of Claude's messages on Bedrock; give a date of the "
            f"form YYYY-MM-DD or {_OWN_VERSION!r}, or leave it out",
            field="api_version",
        )


class InvokeReader(MessagesReader):
    """Reads Anthropic's events, and the exceptions of Bedrock's runtime between them."""

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        if name.startswith(EXCEPTION):
            error = read_exception(self._dialect, name, data)
            self.progress += 1
            raise error
        return super().receive(data, events, name)


class BedrockInvoke(BedrockHost, BedrockRuntime, AnthropicMessages):
    """Claude by InvokeModel: the path has the model and asks for a stream, and the body has the version."""

    API = "invoke"
    FAMILY = "messages"
    PROFILE = structs.replace(MESSAGES["bedrock"], addresses=False, without=_NOT_HERE)
    OPTIONS: ClassVar[Mapping[str, Option]] = options_of(PROFILE)
    FRAMER: ClassVar[type[AWSFramer]] = AWSChunkFramer
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {
        **MessagesDialect.STATUS_BY_ERROR,
        **BedrockRuntime.STATUS_BY_ERROR,
    }

    def build_endpoint(self, stream: bool = False) -> str:
        return self.url_of("invoke-with-response-stream" if stream else "invoke")

    def build_headers(self) -> dict[str, str]:
        return Dialect.build_headers(self)  # Anthropic's version is in the body

    @property
    def version(self) -> str:
        """Anthropic's version, by its date."""
        version = super().version
        return DEFAULT_VERSION if version == _OWN_VERSION else version

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """A version or a beta in the headers is written to the body."""
        if _IN_BODY.isdisjoint(name.lower() for name in headers):
            return self
        return type(self)(self.config.replace(extra_headers={**self.config.extra_headers, **headers}))

    def open_stream(self) -> InvokeReader:
        return InvokeReader(self)

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        body: dict[str, Any] = {
            "anthropic_version": _OWN_VERSION if self.version == DEFAULT_VERSION else self.version
        }
        if betas := self._betas():
            body["anthropic_beta"] = betas
        body |= super().build_request_body(messages, tools, stream, **options)
        for name in ("model", "stream"):
            body.pop(name, None)
        return body

    def _betas(self) -> list[str]:
        """The betas that the header `anthropic-beta` names."""
        said = {name.lower(): value for name, value in self.config.extra_headers.items()}
        return [beta for part in said.get("anthropic-beta", "").split(",") if (beta := part.strip())]

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        return Endpoint(
            self.url_of("count-tokens"), read_count, {"input": {"invokeModel": {"body": _encoded(body)}}}
        )


def _encoded(body: JSONObject) -> JSON:
    """A request's JSON in base64."""
    try:
        return base64_text(msgspec.json.encode(body))
    except (TypeError, ValueError, RecursionError):
        return body  # encoding it fails later, with an error that names the place
