"""A fake provider as a pure machine: a request in, a response out."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import assert_never

import msgspec
from msgspec import structs

from sansio.http import Headers, Request
from sansio.jsontext import JSONObject
from sansio.testing import beside, small_model
from sansio.testing.failures import REQUEST_ID_HEADERS, Refused, encode_failure
from sansio.testing.prompt import Prompt, as_text
from sansio.testing.routes import Route, check_gateway, find_type, read_body
from sansio.testing.script import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Failure,
    FakeResponse,
    Outcome,
    ProviderType,
    model_type,
)
from sansio.testing.wire import encode_stream, encode_whole
from sansio.testing.wires.registry import wire_for

_JSON: Headers = (("content-type", "application/json"),)
_EVENT_STREAM: Headers = (("content-type", "text/event-stream; charset=utf-8"),)
_ID_PREFIXES: dict[ProviderType, str] = {"openrouter": "gen-", "anthropic": "msg_"}


class FakeProvider:
    """Answers requests of the six provider types as the real ones do, and refuses malformed ones likewise.

    It also serves the list of models (`GET /v1/models`), for all types; counts of tokens
    (`/v1/messages/count_tokens`) for Anthropic; and embeddings for the others. For these, an answer in the
    script waits for the next request that asks for one; failures and whole responses are used up.
    Well-formed requests get the outcomes of the script, one each, in order. When it is used up, or if there
    is none, a small embedded model answers. A refused request uses up no outcome.
    The same request bytes get the same answer bytes.

    Args:
        type: the provider to imitate, with its path, auth and fields. `None` is all six on
            one server, distinguished by path; below `/v1`, which four types share, a request with
            `anthropic-version` goes to Anthropic, one with `chat_template_kwargs` to vLLM, any other with a
            key to OpenAI, without to Ollama.
            A registered type is served at any path, with the errors of OpenAI, or of Anthropic if it speaks
            messages; its wire family is built in or was given to `register_wire`.
        script: the outcomes to answer with.
        models: the only models to know, which its list then has; another one is refused with status 404.
            `None` knows every model.
        key: the only key to accept. `None` accepts any non-blank key, and on Ollama and vLLM also none.

    Attributes:
        requests: every request received, refused ones too, in order.
        script: the remaining outcomes; a test may add to it.

    Raises:
        ValueError: there is no fake for the type.

    Example:
        >>> FakeProvider("openai", [Failure(status=503), Answer(text="Hello.")]).requests
        []
    """

    def __init__(
        self,
        type: str | None = None,
        script: Iterable[Outcome] = (),
        *,
        key: str | None = None,
        models: Iterable[str] | None = None,
    ) -> None:
        self.type = type
        self._ways: ProviderType | None = None
        if type is not None:
            wire_for(type)
            self._ways = model_type(type.partition("/")[0])
        self.script: deque[Outcome] = deque(script)
        self.requests: list[Request] = []
        self._key = key
        self._models = None if models is None else tuple(models)

    def respond(self, request: Request) -> FakeResponse:
        """Answer one request.

        Raises:
            ValueError: the script asks for something that the provider's wire cannot express.
        """
        self.requests.append(request)
        type = find_type(self._ways, request)
        name = type if self.type is None else self.type
        digest = hashlib.sha256(request.target.encode("utf-8", "replace") + b"\n" + request.body).hexdigest()[
            :24
        ]
        request_id = f"req_{digest}"
        try:
            own_path = name.partition("/")[0] not in PROVIDER_TYPES
            route = check_gateway(type, request, key=self._key, any_path=own_path)
            if route.asked != "answer":
                return self._beside(route, request, request_id)
            prompt = wire_for(name).read_request(route, request, read_body(request))
            if self._models is not None:
                beside.check_model(type, prompt.model, self._models)
        except Refused as refused:
            return encode_failure(type, refused.failure, request_id)
        outcome = self.script.popleft() if self.script else small_model.answer(prompt)
        speaker = _Speaker(name, type, prompt, request_id, _ID_PREFIXES.get(type, "chatcmpl-") + digest)
        return speaker.say(outcome)

    def _beside(self, route: Route, request: Request, request_id: str) -> FakeResponse:
        """The response of an endpoint that gives no answer.

        Raises:
            Refused: the request is invalid.
        """
        given: JSONObject
        if route.asked == "models":
            models = beside.MODELS if self._models is None else self._models
            given = beside.model_list(route.type, request, models)
        else:
            body = read_body(request)
            counts = route.asked == "tokens"
            given = beside.token_count(route, request, body) if counts else beside.embeddings(route, body)
            if self._models is not None:
                beside.check_model(
                    route.type, as_text(body.get("model")) or route.deployment or "", self._models
                )
        match self.script[0] if self.script else None:
            case Failure() as failure:
                self.script.popleft()
                return encode_failure(route.type, failure, request_id)
            case FakeResponse() as response:
                self.script.popleft()
                return response
            case _:
                pass
        return FakeResponse(
            headers=(*_JSON, *_id_header(route.type, request_id)), pieces=(msgspec.json.encode(given),)
        )


def _id_header(type: ProviderType, request_id: str) -> Headers:
    name = REQUEST_ID_HEADERS.get(type)
    return () if name is None else ((name, request_id),)


class _Speaker:
    """Encodes an outcome as one response."""

    def __init__(
        self, name: str, type: ProviderType, prompt: Prompt, request_id: str, response_id: str
    ) -> None:
        self._name = name
        self._type = type
        self._prompt = prompt
        self._request_id = request_id
        self._response_id = response_id

    def say(self, outcome: Outcome) -> FakeResponse:
        match outcome:
            case Answer():
                return self._answer(small_model.with_usage(outcome, self._prompt))
            case Failure():
                return encode_failure(self._type, outcome, self._request_id)
            case Broken():
                return self._broken(outcome)
            case FakeResponse():
                return outcome
            case _:
                assert_never(outcome)

    def _answer(self, answer: Answer) -> FakeResponse:
        return self._stream(answer, answer) if self._prompt.stream else self._whole(answer)

    def _broken(self, broken: Broken) -> FakeResponse:
        """The truncated stream; for a whole answer, an error under status 200, or half a body."""
        if self._prompt.stream:
            response = self._stream(broken, broken.answer)
        elif broken.failure is not None:
            response = structs.replace(
                encode_failure(self._type, broken.failure, self._request_id), status=200
            )
        else:
            whole = self._whole(broken.answer)
            response = structs.replace(whole, pieces=(whole.body[: len(whole.body) // 2],))
        return structs.replace(response, ending=broken.ending)

    def _stream(self, outcome: Answer | Broken, answer: Answer) -> FakeResponse:
        pieces = encode_stream(
            self._name,
            outcome,
            model=self._prompt.model,
            response_id=self._response_id,
            include_usage=self._prompt.include_usage,
        )
        return FakeResponse(headers=self._headers(_EVENT_STREAM, answer), pieces=pieces)

    def _whole(self, answer: Answer) -> FakeResponse:
        body = encode_whole(self._name, answer, model=self._prompt.model, response_id=self._response_id)
        return FakeResponse(headers=self._headers(_JSON, answer), pieces=(body,))

    def _headers(self, content_type: Headers, answer: Answer) -> Headers:
        return (*content_type, *_id_header(self._type, self._request_id), *answer.headers)
