"""Gemini's `generateContent`: the dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self
from urllib.parse import quote

from sansio.content import (
    DocumentPart,
    FinishReason,
    ImagePart,
    InvalidToolCall,
    Message,
    Part,
    Role,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCall,
)
from sansio.defaults import GeminiProfile
from sansio.endpoints import Embeddings, Endpoint, ModelInfo
from sansio.errors import APIStatusError, InvalidRequestError
from sansio.families.base import Dialect
from sansio.families.fields import without_nulls
from sansio.families.gemini.beside import (
    COUNTED,
    MOST_MODELS,
    read_count,
    read_embeddings,
    read_models,
    read_predictions,
)
from sansio.families.gemini.contents import Contents
from sansio.families.gemini.faults import FINISH_REASONS, KEY_ERRORS, STATUS_BY_ERROR, reason_of, retry_delay
from sansio.families.gemini.framing import SPACE, GeminiFramer
from sansio.families.gemini.options import OPTIONS, check_logprobs, options_of
from sansio.families.gemini.parts import unsent_of, wire_of
from sansio.families.gemini.reader import GeminiReader
from sansio.families.gemini.thinking import needs_signatures
from sansio.families.gemini.tools import NAMES, check_choice, wire_tools
from sansio.families.tools import check_names
from sansio.jsontext import JSON, JSONObject
from sansio.options import Option, write_options

_PREFIXES = ("models/", "tunedModels/", "publishers/", "projects/", "endpoints/")
"""The beginnings of model names that already say their place in the address."""


class GeminiDialect(Dialect):
    """Google's own API: the model is in the address, and each part has its signature.

    The base URL ends in the API's version, or on Vertex in the publisher of the model: `models/...` follows.
    """

    API = "gemini"
    SENDS = frozenset((TextPart, ToolCall, InvalidToolCall, ImagePart))
    SENDS_EMPTY = False
    SENDS_TOOL_ERRORS = True
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = STATUS_BY_ERROR
    KEY_ERRORS: ClassVar[Mapping[str, str]] = KEY_ERRORS
    FINISH_REASONS: ClassVar[Mapping[str, FinishReason]] = FINISH_REASONS
    OPTIONS: ClassVar[Mapping[str, Option]] = OPTIONS
    PROFILE: ClassVar[GeminiProfile] = GeminiProfile()
    """How the host differs from the Gemini API."""

    @classmethod
    def of(cls, profile: GeminiProfile) -> type[Self]:
        """The same dialect for hosts that a profile describes."""
        return type(cls.__name__, (cls,), {"PROFILE": profile, "__module__": cls.__module__})

    def options(self) -> Mapping[str, Option]:
        return options_of(self._model)

    def build_endpoint(self, stream: bool = False) -> str:
        return self._url("streamGenerateContent?alt=sse" if stream else "generateContent")

    def _url(self, method: str) -> str:
        return f"{self.config.base_url}/{quote(self._path, safe='/@')}:{method}"

    @property
    def _path(self) -> str:
        return self._model if self._model.startswith(_PREFIXES) else f"models/{self._model}"

    @property
    def _model(self) -> str:
        """The model's name; empty if there is none, as in a config that only reads answers."""
        return self.config.model or ""

    def build_request_body(
        self, messages: Sequence[Message], tools: Sequence[Tool], stream: bool, **options: object
    ) -> dict[str, object]:
        signed = needs_signatures(self._model)
        writer = Contents(self, signed=signed, files_in_results=signed)
        body: dict[str, Any] = {
            "systemInstruction": writer.system(messages),
            "contents": writer.contents(messages),
        }
        if not body["contents"]:
            raise InvalidRequestError(f"{self.TYPE} needs a user's message beside the system's")
        if tools:
            check_names(tools, NAMES)
            body["tools"] = wire_tools(tools)
        if self.config.reasoning and options.get("reasoning_effort") != "none":
            body["generationConfig"] = {"thinkingConfig": {"includeThoughts": True}}
        write_options(body, options, self.options(), self.origin)
        check_choice(body, tools, options.get("tool_choice"))
        check_logprobs(options)
        body["generationConfig"] = without_nulls(body.get("generationConfig") or {})
        return {name: value for name, value in without_nulls(body).items() if value != {}}

    def refuses(self, part: Part) -> str | None:
        return None if wire_of(part) is not None else f"{self.origin} takes it in no part"

    def unsent(self, part: Part, role: Role) -> Sequence[str]:
        match part:
            case DocumentPart():
                return ("name",)
            case ServerToolPart():
                return unsent_of(part)
            case _:
                return super().unsent(part, role)

    def unsent_extra(self, part: Part, role: Role) -> Sequence[str]:
        """The texts of a tool's result are one text."""
        return tuple(part.extra) if role is Role.TOOL and isinstance(part, TextPart) else ()

    def takes_strict(self) -> bool:
        return False

    def framer(self, content_type: str) -> GeminiFramer:
        return GeminiFramer(self.limits.max_event_bytes)

    def begins_stream(self, start: bytes) -> bool | None:
        return True if start.lstrip(SPACE)[:1] == b"[" else super().begins_stream(start)

    def open_stream(self) -> GeminiReader:
        return GeminiReader(self)

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        """Add the reason and the wait from the error's details; Google has no header for the wait."""
        code = error.get("code")
        named: JSONObject = {"type": error.get("status"), "code": reason_of(error), "status_code": code}
        built = super().build_error({**error, **named}, status, data)
        return built.with_context(retry_after=retry_delay(error))

    def count_tokens(self, body: JSONObject) -> Endpoint[int]:
        counted: JSONObject
        if self.PROFILE.vertex:
            counted = {name: body[name] for name in COUNTED if name in body}
        else:
            counted = {"generateContentRequest": {"model": self._path, **body}}
        return Endpoint(self._url("countTokens"), read_count, counted)

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        if self.PROFILE.vertex:
            raise self.has_no("list_models", "google")
        return Endpoint(f"{self.config.base_url}/models?pageSize={MOST_MODELS}", read_models)

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> Endpoint[Embeddings]:
        if self.PROFILE.vertex:
            body: JSONObject = {"instances": [{"content": text} for text in texts]}
            if dimensions is not None:
                body["parameters"] = {"outputDimensionality": dimensions}
            return Endpoint(self._url("predict"), partial(read_predictions, count=len(texts)), body)
        requests: list[JSON] = [
            without_nulls(
                {
                    "model": self._path,
                    "content": {"parts": [{"text": text}]},
                    "outputDimensionality": dimensions,
                }
            )
            for text in texts
        ]
        read = partial(read_embeddings, count=len(texts))
        return Endpoint(self._url("batchEmbedContents"), read, {"requests": requests})
