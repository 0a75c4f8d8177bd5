"""A fake provider as a pure machine: a request in, a response out."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import assert_never

import msgspec
from msgspec import structs

from sansio.config import PROVIDER_DEFAULTS
from sansio.http import Headers, Request
from sansio.jsontext import JSONObject
from sansio.testing import beside, small_model
from sansio.testing.batches import DEFAULT_BATCHES, BatchScript, FakeBatches
from sansio.testing.failures import REQUEST_ID_HEADERS, Refused, encode_failure, refuse_at_gateway
from sansio.testing.prompt import Prompt, as_text
from sansio.testing.routes import Route, check_gateway, find_type, read_body, speaks_messages
from sansio.testing.script import (
    PROVIDER_TYPES,
    Answer,
    Broken,
    Failure,
    FakeResponse,
    Outcome,
    Speaker,
    default_api,
    model_type,
)
from sansio.testing.wire import encode_stream, encode_whole
from sansio.testing.wires.registry import Shelf, wire_for

_JSON: Headers = (("content-type", "application/json"),)
_ID_PREFIXES: dict[str, str] = {"chat": "chatcmpl-", "messages": "msg_", "responses": "resp_"}
"""How the ids of answers begin, by the wire family."""


class FakeProvider:
    """Answers requests of the six provider types as the real ones do, and refuses malformed ones likewise.

    A type answers at the path of each wire family that it speaks: chat completions, responses, messages.
    It also serves the list of models (`GET /v1/models`), for all types; counts of tokens for Anthropic
    (`/v1/messages/count_tokens`) and OpenAI (`/v1/responses/input_tokens`); and embeddings for all but
    Anthropic. OpenAI, Azure and vLLM keep responses, unless a request has `store: false`: later ones may go
    on from them by `previous_response_id`, and they can be fetched, cancelled and deleted. The stream of one
    in the background can be fetched from any event on, also where the script breaks it off.
    For all of these, an answer in the script waits for the next request that asks for one; failures and
    whole responses are used up.
    OpenAI, Azure, OpenRouter and Anthropic have batches, and so has each registered type: each request of one
    is answered as if it had been sent alone, and uses up an outcome.
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
            Type and api, such as `"openai/responses"`, answer in that family only.
        script: the outcomes to answer with.
        batches: how batches go on.
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
        batches: BatchScript = DEFAULT_BATCHES,
    ) -> None:
        self.type = type
        self._ways: Speaker | None = None
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

        Raises:
            ValueError: the script asks for something that the provider's wire cannot express.
        """
        self.requests.append(request)
        type = find_type(self._ways, request)
        digest = hashlib.sha256(request.target.encode("utf-8", "replace") + b"\n" + request.body).hexdigest()[
            :24
        ]
        request_id = f"req_{digest}"
        own_path = self._name(type).partition("/")[0] not in PROVIDER_TYPES
        # Every server of Anthropic's messages has Anthropic's errors.
        spoken: Speaker = "anthropic" if not own_path and speaks_messages(request) else type
        try:
            route = check_gateway(type, request, key=self._key, any_path=own_path)
            if route.asked == "batches":

                def answer(api: str, body: JSONObject, mark: str) -> FakeResponse:
                    speaker: Speaker = "anthropic" if api == "messages" and not own_path else type
                    return self._answer(speaker, Route(type, api=api), request, body, f"{digest}-{mark}")

                given = self._batches.serve(route, request, answer)
                return structs.replace(given, headers=(*given.headers, *_id_header(type, request_id)))
            if route.asked != "answer":
                shelf = self._shelf(self._family(route, request)[0])
                return self._beside(route, request, request_id, shelf)
            body = read_body(request)
        except Refused as refused:
            return encode_failure(spoken, refused.failure, request_id)
        return self._answer(spoken, route, request, body, digest)

    def _answer(
        self, spoken: Speaker, route: Route, request: Request, body: JSONObject, digest: str
    ) -> FakeResponse:
        """The answer to a request, which may be one of a batch.

        Args:
            spoken: whose errors it has.
            digest: of all that the answer's ids depend on.
        """
        request_id = f"req_{digest}"
        try:
            name, api = self._family(route, request)
            shelf = self._shelf(name)
            body = _recalled(shelf, route, body)
            prompt = wire_for(name).read_request(route, request, body)
            if self._models is not None:
                beside.check_model(spoken, prompt.model, self._models)
        except Refused as refused:
            return encode_failure(spoken, refused.failure, request_id)
        outcome = self.script.popleft() if self.script else small_model.answer(prompt)
        prefix = "gen-" if spoken == "openrouter" else _ID_PREFIXES.get(api, "chatcmpl-")
        speaker = _Speaker(name, spoken, prompt, body, request_id, prefix + digest)
        response = speaker.say(outcome)
        if shelf is not None and isinstance(outcome, Answer | Broken):
            return shelf.keep(route, body, speaker.uncut(outcome), response)
        return response

    def _name(self, type: Speaker) -> str:
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

    def _beside(self, route: Route, request: Request, request_id: str, shelf: Shelf | None) -> FakeResponse:
        """The response of an endpoint that gives no new answer.

        Raises:
            Refused: the request is invalid.
        """
        if route.asked in ("kept", "cancelled"):
            if shelf is None:
                raise refuse_at_gateway(404, f"{request.method} {request.target} does not exist.")
            found = self._scripted(route, request_id) or shelf.serve(route, request)
            return structs.replace(found, headers=(*found.headers, *_id_header(route.type, request_id)))
        given: JSONObject
        if route.asked == "models":
            models = beside.MODELS if self._models is None else self._models
            given = beside.model_list(route.type, request, models)
        else:
            body = read_body(request)
            if route.asked == "tokens":
                given = beside.token_count(route, request, _recalled(shelf, route, body))
            else:
                given = beside.embeddings(route, body)
            if self._models is not None:
                beside.check_model(
                    route.type, as_text(body.get("model")) or route.deployment or "", self._models
                )
        return self._scripted(route, request_id) or FakeResponse(
            headers=(*_JSON, *_id_header(route.type, request_id)), pieces=(msgspec.json.encode(given),)
        )

    def _scripted(self, route: Route, request_id: str) -> FakeResponse | None:
        """The script's next outcome, if it is no answer."""
        match self.script[0] if self.script else None:
            case Failure() as failure:
                self.script.popleft()
                spoken: Speaker = "anthropic" if route.api == "messages" else route.type
                return encode_failure(spoken, failure, request_id)
            case FakeResponse() as response:
                self.script.popleft()
                return response
            case _:
                return None


def _recalled(shelf: Shelf | None, route: Route, body: JSONObject) -> JSONObject:
    return body if shelf is None else shelf.recall(route, body)


def _id_header(type: Speaker, request_id: str) -> Headers:
    name = REQUEST_ID_HEADERS.get(type)
    return () if name is None else ((name, request_id),)


class _Speaker:
    """Encodes an outcome as one response."""

    def __init__(
        self,
        name: str,
        type: Speaker,
        prompt: Prompt,
        body: JSONObject,
        request_id: str,
        response_id: str,
    ) -> None:
        self._name = name
        self._type = type
        self._prompt = prompt
        self._body = body
        self._request_id = request_id
        self._response_id = response_id

    def say(self, outcome: Outcome) -> FakeResponse:
        match outcome:
            case Answer():
                return self._answer(self._fitted(small_model.with_usage(outcome, self._prompt)))
            case Failure():
                return encode_failure(self._type, outcome, self._request_id)
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
        content_type = (("content-type", wire_for(self._name).content_type),)
        return FakeResponse(headers=self._headers(content_type, answer), pieces=pieces)

    def _whole(self, answer: Answer) -> FakeResponse:
        body = encode_whole(self._name, answer, model=self._prompt.model, response_id=self._response_id)
        return FakeResponse(headers=self._headers(_JSON, answer), pieces=(body,))

    def _headers(self, content_type: Headers, answer: Answer) -> Headers:
        return (*content_type, *_id_header(self._type, self._request_id), *answer.headers)
