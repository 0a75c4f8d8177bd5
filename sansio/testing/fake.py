"""A fake provider as a pure machine: a request in, a response out."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias, assert_never

import msgspec
from msgspec import structs

from sansio.config import PROVIDER_DEFAULTS
from sansio.http import Headers, Request
from sansio.jsontext import JSONObject
from sansio.testing import beside, small_model
from sansio.testing.batches import DEFAULT_BATCHES, BatchScript, FakeBatches
from sansio.testing.failures import REQUEST_ID_HEADERS, Refused, refuse_at_gateway
from sansio.testing.prompt import Prompt, as_text
from sansio.testing.routes import (
    Route,
    check_gateway,
    find_type,
    own_api,
    own_type,
    read_body,
    speaks_messages,
)
from sansio.testing.script import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Failure,
    FakeResponse,
    Outcome,
    ProviderType,
    default_api,
    model_type,
)
from sansio.testing.wire import encode_stream, encode_whole
from sansio.testing.wires.registry import Shelf, failed, wire_for

_Fail: TypeAlias = Callable[[Failure], FakeResponse]
_JSON: Headers = (("content-type", "application/json"),)
_ID_PREFIXES: dict[str, str] = {
    "messages": "msg_",
    "invoke": "msg_bdrk_",
    "responses": "resp_",
    "cohere": "",
    "gemini": "",
}
"""How the ids of answers begin, by the wire family; `chatcmpl-` for all others."""


class FakeProvider:
    """Answers requests as the real provider does, and refuses malformed ones in the same way.

    Well-formed requests get the outcomes of the script, one each, in order. If the script is used up or
    missing, a small embedded model answers. A refused request uses up no outcome. The same request bytes
    always get the same answer bytes.

    A type answers at the path of each wire family that it speaks: chat completions, responses, messages.
    It also serves the list of models (`GET /v1/models`), for all types; counts of tokens for Anthropic
    (`/v1/messages/count_tokens`) and OpenAI (`/v1/responses/input_tokens`); and embeddings for all but
    Anthropic. OpenAI, Azure and vLLM keep responses, unless a request has `store: false`: later requests may
    continue them by `previous_response_id`, and they can be fetched, cancelled and deleted. The stream of a
    response in the background can be fetched from any event on, even if the script cuts it. At all these
    other endpoints, an answer in the script is not used up: it waits for the next request that asks for an
    answer. Failures and whole responses are used up.

    OpenAI, Azure, OpenRouter, Anthropic and each registered type have batches. Each request of a batch is
    answered as if it had been sent alone, and uses up an outcome.

    Args:
        type: the provider to imitate, with its path, auth and fields. `None` is all built-in types on one
            server, distinguished by path. Below `/v1`, which four types share, a request with
            `anthropic-version` goes to Anthropic, one with `chat_template_kwargs` to vLLM, any other with a
            key to OpenAI, and one without a key to Ollama.
            A registered type is served at any path, with the errors of OpenAI, or of Anthropic if it speaks
            messages; its wire family is built in or was registered by `register_wire`.
            Type and api, such as `"openai/responses"`, serve only that family.
        script: the outcomes to answer with.
        batches: how batches proceed and end.
        models: the only models that exist, which are also in the list of models; requests for others are
            refused with status 404. `None`: every model exists.
        key: the only key that is accepted. `None` accepts any non-blank key; Ollama and vLLM then also accept
            requests without one.

    Attributes:
        requests: all received requests in order, including refused ones.
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
        batches: BatchScript = DEFAULT_BATCHES,
    ) -> None:
        self.type = type
        self._ways: ProviderType | None = None
        if type is not None:
            wire_for(type)
            self._ways = model_type(type)
        self.script: deque[Outcome] = deque(script)
        self.requests: list[Request] = []
        self._key = key
        self._models = None if models is None else tuple(models)
        self._shelves: dict[str, Shelf | None] = {}
        self._batches = FakeBatches(batches)

    def respond(self, request: Request) -> FakeResponse:
        """Answer one request.

        Args:
            request: the request, as `HTTPExchange` or a transport receives it.

        Returns:
            The response.

        Raises:
            ValueError: the next outcome of the script cannot be expressed in the provider's wire format.
        """
        self.requests.append(request)
        if self.type is None and (own := own_type(request)) is not None:
            return self._other(own).respond(request)
        type = find_type(self._ways, request)
        digest = hashlib.sha256(request.target.encode("utf-8", "replace") + b"\n" + request.body).hexdigest()[
            :24
        ]
        request_id = f"req_{digest}"
        own_path = self._name(type).partition("/")[0] not in PROVIDER_TYPES
        # Every server of Anthropic's messages has Anthropic's errors.
        spoken: ProviderType = "anthropic" if not own_path and speaks_messages(request) else type
        fail = self._errors(type, spoken, request, request_id)
        try:
            headers = wire_for(self._name(type)).key_headers
            route = check_gateway(type, request, key=self._key, any_path=own_path, key_headers=headers)
            if route.asked == "batches":

                def answer(api: str, body: JSONObject, mark: str) -> FakeResponse:
                    speaker: ProviderType = "anthropic" if api == "messages" and not own_path else type
                    return self._answer(speaker, Route(type, api=api), request, body, f"{digest}-{mark}")

                given = self._batches.serve(route, request, answer)
                return structs.replace(given, headers=(*given.headers, *_id_header(type, request_id)))
            if route.asked != "answer":
                shelf = self._shelf(self._family(route, request)[0])
                return self._beside(route, request, request_id, shelf, fail)
            body = read_body(request)
        except Refused as refused:
            return fail(refused.failure)
        return self._answer(spoken, route, request, body, digest)

    def _other(self, type: str) -> FakeProvider:
        """The server of a type with paths that are its own, which answers from the same script."""
        other = FakeProvider(type, key=self._key, models=self._models)
        other.script = self.script
        return other

    def _errors(self, type: ProviderType, spoken: ProviderType, request: Request, request_id: str) -> _Fail:
        """How a request is refused: in the form of its path's wire family, or of the type."""
        own, _, only = self._name(type).partition("/")
        api = only or (own_api(type, request) if own in PROVIDER_TYPES else None) or default_api(own)
        speaks = api in PROVIDER_DEFAULTS[own].apis
        return partial(failed, f"{own}/{api if speaks else ''}", spoken, request_id)

    def _answer(
        self, spoken: ProviderType, route: Route, request: Request, body: JSONObject, digest: str
    ) -> FakeResponse:
        """The answer to a request, which may be one of a batch.

        Args:
            spoken: whose errors it has.
            digest: of all that the answer's ids depend on.
        """
        request_id = f"req_{digest}"
        fail = self._errors(route.type, spoken, request, request_id)
        try:
            name, api = self._family(route, request)
            shelf = self._shelf(name)
            body = _recalled(shelf, route, body)
            prompt = wire_for(name).read_request(route, request, body)
            if self._models is not None:
                beside.check_model(spoken, prompt.model, self._models)
        except Refused as refused:
            return fail(refused.failure)
        outcome = self.script.popleft() if self.script else small_model.answer(prompt)
        prefix = "gen-" if spoken == "openrouter" else _ID_PREFIXES.get(api, "chatcmpl-")
        speaker = _Speaker(name, spoken, prompt, body, request_id, prefix + digest, fail)
        response = speaker.say(outcome)
        if shelf is not None and isinstance(outcome, Answer | Broken):
            return shelf.keep(route, body, speaker.uncut(outcome), response)
        return response

    def _name(self, type: ProviderType) -> str:
        return type if self.type is None else self.type

    def _family(self, route: Route, request: Request) -> tuple[str, str]:
        """Type and api of the wire that a path speaks, as one name; and the api.

        Raises:
            Refused: it is another one than the only one that this server has.
        """
        own, _, only = self._name(route.type).partition("/")
        if only:
            if route.api not in (None, only) and route.asked == "answer":
                raise refuse_at_gateway(404, f"{request.method} {request.target} does not exist.")
            return f"{own}/{only}", only
        api = route.api if route.api in PROVIDER_DEFAULTS[own].apis else None
        return f"{own}/{api or ''}", api or default_api(own)

    def _shelf(self, name: str) -> Shelf | None:
        """What this server keeps of a family's answers; `None` if it keeps nothing."""
        if name not in self._shelves:
            make = wire_for(name).make_shelf
            self._shelves[name] = None if make is None else make()
        return self._shelves[name]

    def _beside(
        self, route: Route, request: Request, request_id: str, shelf: Shelf | None, fail: _Fail
    ) -> FakeResponse:
        """The response of an endpoint that gives no new answer.

        Raises:
            Refused: the request is invalid.
        """
        if route.asked in ("kept", "cancelled"):
            if shelf is None:
                raise refuse_at_gateway(404, f"{request.method} {request.target} does not exist.")
            found = self._scripted(fail) or shelf.serve(route, request)
            return structs.replace(found, headers=(*found.headers, *_id_header(route.type, request_id)))
        given: JSONObject
        models = beside.MODELS if self._models is None else self._models
        answer = wire_for(self._family(route, request)[0]).answer_beside
        body: JSONObject = {} if route.asked == "models" else read_body(request)
        if answer is not None:
            given = answer(route.asked, request.target, body, models)
        elif route.asked == "models":
            given = beside.model_list(route.type, request, models)
        elif route.asked == "tokens":
            given = beside.token_count(route, request, _recalled(shelf, route, body))
        else:
            given = beside.embeddings(route, body)
        # Gemini's requests name the model in their path.
        if self._models is not None and (model := as_text(body.get("model")) or route.deployment):
            beside.check_model(route.type, model, self._models)
        return self._scripted(fail) or FakeResponse(
            headers=(*_JSON, *_id_header(route.type, request_id)), pieces=(msgspec.json.encode(given),)
        )

    def _scripted(self, fail: _Fail) -> FakeResponse | None:
        """The script's next outcome, if it is no answer."""
        match self.script[0] if self.script else None:
            case Failure() as failure:
                self.script.popleft()
                return fail(failure)
            case FakeResponse() as response:
                self.script.popleft()
                return response
            case _:
                return None


def _recalled(shelf: Shelf | None, route: Route, body: JSONObject) -> JSONObject:
    return body if shelf is None else shelf.recall(route, body)


def _id_header(type: ProviderType, request_id: str) -> Headers:
    name = REQUEST_ID_HEADERS.get(type)
    return () if name is None else ((name, request_id),)


class _Speaker:
    """Encodes an outcome as one response."""

    def __init__(
        self,
        name: str,
        type: ProviderType,
        prompt: Prompt,
        body: JSONObject,
        request_id: str,
        response_id: str,
        fail: _Fail,
    ) -> None:
        self._name = name
        self._type = type
        self._prompt = prompt
        self._body = body
        self._request_id = request_id
        self._response_id = response_id
        self._fail = fail

    def say(self, outcome: Outcome) -> FakeResponse:
        match outcome:
            case Answer():
                return self._answer(self._fitted(small_model.with_usage(outcome, self._prompt)))
            case Failure():
                return self._fail(outcome)
            case Broken():
                return self._broken(structs.replace(outcome, answer=self._fitted(outcome.answer)))
            case FakeResponse():
                return outcome
            case _:
                assert_never(outcome)

    def uncut(self, outcome: Answer | Broken) -> tuple[bytes, ...]:
        """The stream of an outcome as it would be without a break: only an error that it names ends it."""
        answer = outcome if isinstance(outcome, Answer) else outcome.answer
        answer = self._fitted(small_model.with_usage(answer, self._prompt))
        failed = isinstance(outcome, Broken) and outcome.failure is not None
        return self._stream(structs.replace(outcome, answer=answer) if failed else answer, answer).pieces

    def _fitted(self, answer: Answer) -> Answer:
        fit = wire_for(self._name).fit_answer
        return answer if fit is None else fit(answer, self._body)

    def _answer(self, answer: Answer) -> FakeResponse:
        return self._stream(answer, answer) if self._prompt.stream else self._whole(answer)

    def _broken(self, broken: Broken) -> FakeResponse:
        """The truncated stream; for a whole answer, an error under status 200, or half a body."""
        if self._prompt.stream:
            response = self._stream(broken, broken.answer)
        elif broken.failure is not None:
            response = structs.replace(self._fail(broken.failure), status=200)
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
        content_type = (("content-type", wire_for(self._name).content_type),)
        return FakeResponse(headers=self._headers(content_type, answer), pieces=pieces)

    def _whole(self, answer: Answer) -> FakeResponse:
        body = encode_whole(self._name, answer, model=self._prompt.model, response_id=self._response_id)
        return FakeResponse(headers=self._headers(_JSON, answer), pieces=(body,))

    def _headers(self, content_type: Headers, answer: Answer) -> Headers:
        return (*content_type, *_id_header(self._type, self._request_id), *answer.headers)
