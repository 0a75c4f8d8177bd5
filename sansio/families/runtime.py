"""Amazon Bedrock's runtime: what Converse and InvokeModel have in common, whatever the body of a request is.

Sources: the reference of Amazon Bedrock's runtime ("Converse", "InvokeModel", "CountTokens",
"ListFoundationModels"), botocore's description of it, and recorded errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from sansio import jsontext
from sansio.endpoints import Endpoint, ModelInfo, Row
from sansio.errors import APIStatusError, InvalidRequestError, RemoteProtocolError
from sansio.families.base import Dialect, excerpt_of
from sansio.framing.aws import AWSFramer
from sansio.framing.base import Framer
from sansio.http.messages import Headers, header
from sansio.jsontext import JSON, JSONObject

EXCEPTION = "exception:"
"""How the name of a frame begins that is an error; the error's type follows."""
_RUNTIME = re.compile(r"://bedrock-runtime(-fips)?\.")
_UNKNOWN_KEYS = ("UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationTokenException")
_UNKNOWN_KEY = (
    "AWS does not know this key: check the bearer key, or the access key id; temporary AWS credentials also "
    "need their session token."
)
_WRONG_SIGNATURES = ("InvalidSignatureException", "IncompleteSignatureException", "SignatureDoesNotMatch")
_WRONG_SIGNATURE = "Check the secret access key, the region, and the clock of this machine."
_EVENT_STREAM = "application/vnd.amazon.eventstream"


class BedrockRuntime(Dialect):
    """The model in the path, answers in binary frames, and errors whose type is in a header."""

    FRAMER: ClassVar[type[AWSFramer]] = AWSFramer
    """The framing of a streamed answer."""
    STATUS_BY_ERROR: ClassVar[Mapping[str, int]] = {
        "validationException": 400,
        "accessDeniedException": 403,
        "resourceNotFoundException": 404,
        "modelTimeoutException": 408,
        "modelErrorException": 424,
        "modelStreamErrorException": 424,
        "throttlingException": 429,
        "modelNotReadyException": 429,
        "serviceQuotaExceededException": 400,
        "internalServerException": 500,
        "InternalFailure": 500,
        "serviceUnavailableException": 503,
    }
    KEY_ERRORS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(_UNKNOWN_KEYS, _UNKNOWN_KEY),
        **dict.fromkeys(_WRONG_SIGNATURES, _WRONG_SIGNATURE),
        "ExpiredTokenException": "The temporary AWS credentials have expired: get new ones.",
    }

    def url_of(self, name: str) -> str:
        """The URL of one of the model's endpoints, such as `"converse"`.

        The model is one segment of the path: an ARN's slashes and colons are encoded.

        Args:
            name: the last step of the path.

        Raises:
            InvalidRequestError: the model would be a step to another path.
        """
        from urllib.parse import quote  # loaded with the first request: reading a stream needs none

        model = str(self.config.model)
        if model in (".", ".."):
            raise InvalidRequestError(f"model: {model!r} is not the id of a model")
        return f"{self.config.base_url}/model/{quote(model, safe='')}/{name}"

    def framer(self, content_type: str) -> Framer:
        # A response names its type; a parser that is given bytes alone does not know it.
        if content_type in (_EVENT_STREAM, ""):
            return self.FRAMER(self.limits.max_event_bytes)
        return super().framer(content_type)

    def list_models(self) -> Endpoint[tuple[ModelInfo, ...]]:
        # The list is at the control plane, which has its own host.
        base = _RUNTIME.sub(r"://bedrock\1.", self.config.base_url)
        return Endpoint(f"{base}/foundation-models", _read_models)

    def parse_error(self, status: int, headers: Headers, body: str) -> APIStatusError:
        """The error of a response. Its type is in a header, and seldom in the body as well."""
        error = super().parse_error(status, headers, body)
        kind = (header(headers, "x-amzn-errortype") or "").partition(":")[0]
        return self.as_key_error(error.with_context(error_type=kind)) if kind else error

    def build_error(self, error: JSONObject, status: int, data: JSONObject) -> APIStatusError:
        named = error.get("__type")
        if isinstance(named, str):  # such as `com.amazon.coral.validate#ValidationException`
            error = {"type": named.rpartition("#")[2], **error}
        return super().build_error(error, status, data)

    def error_message(self, error: JSONObject) -> str | None:
        """With the model's own words, if it is the model that failed."""
        message = super().error_message(error) or super().error_message({"message": error.get("Message")})
        original = error.get("originalMessage")
        return f"{message} (from the model: {original})" if isinstance(original, str) else message


def read_exception(dialect: Dialect, name: str, data: bytes) -> APIStatusError:
    """Read a frame that is an error.

    Args:
        dialect: makes the error, and has the limits.
        name: the frame's name, which begins with `EXCEPTION`.
        data: the frame's payload. It may be empty; one that is not a JSON object is the error's message.

    Returns:
        The error, whose type is in the frame's name.
    """
    text = data.decode("utf-8", "replace")
    try:
        record = jsontext.decode_object(text, dialect.limits.max_json_depth)
    except RemoteProtocolError:
        record = {"message": excerpt_of(text)}
    return dialect.build_error({**record, "type": name.removeprefix(EXCEPTION)}, 200, record)


def read_count(data: JSONObject) -> int:
    """The count in a response of CountTokens.

    Raises:
        RemoteProtocolError: there is none.
    """
    count: JSON = data.get("inputTokens")
    if type(count) is not int or count < 0:
        raise RemoteProtocolError(f"the response has no count of tokens: inputTokens is {count!r}")
    return count


def _read_models(data: JSONObject) -> tuple[ModelInfo, ...]:
    listed = data.get("modelSummaries")
    if not isinstance(listed, list):
        raise RemoteProtocolError("the response has no list of models: modelSummaries is missing")
    return tuple(_read_model(Row(each)) for each in listed if isinstance(each, dict))


def _read_model(row: Row) -> ModelInfo:
    model = row.text("modelId")
    if model is None:
        raise RemoteProtocolError("a model of the list has no modelId")
    return ModelInfo(
        id=model,
        name=row.text("modelName"),
        lifecycle=row.text("modelLifecycle.status"),
        retires=row.moment("modelLifecycle.endOfLifeTime"),
        extra=row.rest,
    )
