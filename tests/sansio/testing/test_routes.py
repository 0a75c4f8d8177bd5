"""Which provider a request is for, and what its gateway refuses: path, method, key, content type, no JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from sansio.http import Headers, Request
from sansio.testing import PROVIDER_TYPES, Answer, Failure, FakeProvider, FakeResponse
from sansio.testing.failures import Refused
from sansio.testing.routes import (
    Route,
    check_gateway,
    find_type,
    is_own_host,
    own_api,
    own_type,
    read_body,
    speaks_messages,
)
from sansio.testing.script import ProviderType, provider_type
from tests.sansio.testing.asking import AUTH, PATHS, Object, body_for, message_in, request_for, said
from tests.support import for_all, for_each

TYPES = pytest.mark.parametrize("type", PROVIDER_TYPES)
KEYED = ("openrouter", "openai", "azure", "anthropic")
VERSION: Headers = (("anthropic-version", "2023-06-01"),)


def spoken_by(response: FakeResponse) -> str:
    """The type of a whole answer's wire."""
    body: Object = json.loads(response.body)
    if body.get("type") == "message":
        return "anthropic"
    if next(iter(body)) == "choices":
        return "azure"
    if "provider" in body:
        return "openrouter"
    if body.get("system_fingerprint") == "fp_ollama":
        return "ollama"
    return "openai" if "service_tier" in body else "vllm"


@pytest.mark.parametrize("region", ["", "us.", "eu.", "ae.", "au.", "in.", "jp."])
def test_openai_has_a_host_in_each_region_with_data_residency(region: str) -> None:
    host = f"{region}api.openai.com"
    assert is_own_host(host)
    assert is_own_host(host.upper())
    for other in (f"x{host}", f"{host}.x", f"u.{host}", host.replace(".", "x"), f"{region}apiopenai.com"):
        assert not is_own_host(other), other


@TYPES
def test_each_type_answers_at_its_real_path_alone_and_beside_the_others(type: str) -> None:
    body = body_for(type)
    if type == "vllm":
        body["chat_template_kwargs"] = {}
    for fake in (FakeProvider(type), FakeProvider()):
        response = fake.respond(request_for(type, body))
        assert (response.status, spoken_by(response)) == (200, type)


def test_azure_s_v1_surface_has_a_path_of_its_own() -> None:
    request = request_for("azure", path="/openai/v1/chat/completions")
    assert spoken_by(FakeProvider().respond(request)) == "azure"
    assert spoken_by(FakeProvider("azure").respond(request)) == "azure"


@pytest.mark.parametrize(
    "path",
    [
        "/openai/deployments/gpt/chat/completions",
        "/openai/deployments/gpt/chat/completions?api-version=",
        "/openai/v1/chat/completions?api-version=2024-10-21",
        "/openai/v1/deployments/gpt/chat/completions?api-version=2024-10-21",
        "/openai/deployments/gpt/messages?api-version=2024-10-21",
    ],
)
def test_azure_answers_404_where_its_surfaces_are_mixed_or_the_version_is_missing(path: str) -> None:
    for fake in (FakeProvider("azure"), FakeProvider()):
        response = fake.respond(request_for("azure", path=path))
        assert response.status == 404
        assert said(response)["error"]["code"] == "404"


@TYPES
def test_another_path_is_404(type: str) -> None:
    other = "/v1/complete" if type != "anthropic" else "/v1/chat/completions"
    for path in ("/", "/v1", other, PATHS[type].replace("/chat", "/chats").replace("messages", "message")):
        response = FakeProvider(type).respond(request_for(type, path=path))
        assert response.status == 404, path


MESSAGES = {
    "openrouter": "/api/v1/messages",
    "azure": "/anthropic/v1/messages",
    "ollama": "/v1/messages",
    "vllm": "/v1/messages",
}


@pytest.mark.parametrize(("type", "path"), MESSAGES.items())
def test_messages_of_other_servers_have_anthropic_s_answers_keys_and_errors(type: str, path: str) -> None:
    headers: Headers = (("x-api-key", "sk"), *VERSION)
    asked = request_for(type, body_for("anthropic"), path=path, headers=headers)
    for fake in (FakeProvider(type), FakeProvider()):
        assert spoken_by(fake.respond(asked)) == "anthropic"
    refused = FakeProvider(type).respond(request_for(type, {}, path=path, headers=headers))
    assert said(refused)["type"] == "error"
    failing = FakeProvider(type, [Failure(status=529)], key="sk")
    assert said(failing.respond(asked))["error"]["type"] == "overloaded_error"
    assert failing.respond(request_for(type, path=path, headers=VERSION)).status == 401


@pytest.mark.parametrize(("type", "path"), [("azure", "/anthropic/v1/messages"), ("vllm", "/v1/messages")])
def test_tokens_of_messages_are_counted_by_azure_and_vllm(type: str, path: str) -> None:
    body = {name: value for name, value in body_for("anthropic").items() if name != "max_tokens"}
    asked = request_for(type, body, path=f"{path}/count_tokens", headers=(("x-api-key", "sk"), *VERSION))
    fake = FakeProvider(type, [Failure(status=529)])
    assert said(fake.respond(asked))["error"]["type"] == "overloaded_error"
    assert "input_tokens" in said(fake.respond(asked))


def test_an_unknown_path_on_the_server_of_all_types_is_404() -> None:
    response = FakeProvider().respond(request_for("openai", path="/v2/chat/completions"))
    assert response.status == 404
    assert "/v2/chat/completions" in message_in("openai", said(response))


@TYPES
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_405(type: str, method: str) -> None:
    assert FakeProvider(type).respond(request_for(type, method=method)).status == 405


@for_all(
    ("type", KEYED),
    (
        "headers",
        [
            (),
            (("authorization", ""),),
            (("authorization", "Bearer "),),
            (("authorization", "Basic abc"),),
            (("api-key", " "),),
            (("x-api-key", ""),),
            (("x-goog-api-key", "sk"),),
        ],
    ),
)
def test_no_key_a_blank_one_or_one_in_the_wrong_place_is_401(type: str, headers: Headers) -> None:
    response = FakeProvider(type).respond(request_for(type, headers=headers + VERSION))
    assert response.status == 401


@pytest.mark.parametrize("type", KEYED)
@pytest.mark.parametrize("name", ["authorization", "api-key", "x-api-key"])
def test_each_type_takes_its_own_auth_headers_only(type: str, name: str) -> None:
    value = "Bearer sk" if name == "authorization" else "sk"
    response = FakeProvider(type).respond(request_for(type, headers=((name, value), *VERSION)))
    own = {"azure": ("authorization", "api-key"), "anthropic": ("authorization", "x-api-key")}
    assert response.status == (200 if name in own.get(type, ("authorization",)) else 401)


@pytest.mark.parametrize("type", ["ollama", "vllm"])
def test_local_servers_ask_for_no_key_and_take_one(type: str) -> None:
    for headers in ((), (("authorization", "Bearer sk"),)):
        assert FakeProvider(type).respond(request_for(type, headers=headers)).status == 200


@TYPES
def test_where_the_fake_has_a_key_another_one_is_401(type: str) -> None:
    wrong = AUTH[type] or (("authorization", "Bearer sk"),)
    right = tuple((name, value.replace("sk", "right")) for name, value in wrong)
    fake = FakeProvider(type, key="right")
    refused = fake.respond(request_for(type, headers=wrong))
    words = "Unauthorized" if type == "vllm" else "The key is not valid."
    assert (refused.status, message_in(type, said(refused))) == (401, words)
    assert fake.respond(request_for(type, headers=right)).status == 200


def test_the_key_is_in_no_error() -> None:
    secret: Headers = (("authorization", "Bearer sk-secret"),)
    response = FakeProvider("openai", key="right").respond(request_for("openai", headers=secret))
    assert b"sk-secret" not in response.body
    assert b"right" not in response.body


@TYPES
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused_but_by_ollama(type: str, content_type: str) -> None:
    response = FakeProvider(type).respond(request_for(type, content_type=content_type))
    assert response.status == {"ollama": 200, "vllm": 400}.get(type, 415)


@TYPES
def test_a_content_type_may_have_parameters(type: str) -> None:
    request = request_for(type, content_type="Application/JSON; charset=utf-8")
    assert FakeProvider(type).respond(request).status == 200


@TYPES
@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'"text"', b'{"a": "\xff"}', b"[" * 100_000, b'{"a": "\\ud800"}']
)
def test_a_body_that_is_no_json_object_is_400(type: str, data: bytes) -> None:
    response = FakeProvider(type).respond(request_for(type, data=data))
    assert response.status == 400
    assert "JSON object" in message_in(type, said(response))


def test_a_request_that_is_refused_uses_up_no_outcome() -> None:
    fake = FakeProvider("openai", [Answer(text="mine")])
    assert fake.respond(request_for("openai", headers=())).status == 401
    assert fake.respond(request_for("openai", {})).status == 400
    assert b"mine" in fake.respond(request_for("openai")).body
    assert len(fake.requests) == 3


def test_a_route_has_a_deployment_where_the_path_names_one_and_cannot_be_changed() -> None:
    classic = check_gateway("azure", request_for("azure"), key=None)
    assert classic == Route("azure", "gpt", api="chat")
    assert check_gateway("openai", request_for("openai"), key=None) == Route("openai", None, api="chat")
    changeable: Any = classic
    with pytest.raises(AttributeError):
        changeable.deployment = "other"


def test_the_front_of_azure_refuses_another_key_in_its_own_form() -> None:
    refused = said(FakeProvider("azure", key="right").respond(request_for("azure")))
    assert refused == {"error": {"code": "401", "message": "The key is not valid."}}


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("vllm", {"error": "Unauthorized"}),
        (
            "azure",
            {"error": {"code": "401", "message": "No key was given: send it as api-key or authorization."}},
        ),
    ],
)
def test_where_no_key_was_given_the_front_of_azure_and_vllm_says_so(type: str, body: Object) -> None:
    assert said(FakeProvider(type, key="right").respond(request_for(type, headers=()))) == body


VERSIONED = "?api-version=2024-10-21"
OPENAI_PATHS = {
    "chat/completions": Route("openai", api="chat"),
    "embeddings": Route("openai", asked="vectors", api="chat"),
    "responses": Route("openai", api="responses"),
}
BASES: dict[ProviderType, str] = {
    "openrouter": "/api/v1",
    "openai": "/v1",
    "azure": "/openai/v1",
    "ollama": "/v1",
    "vllm": "/v1",
}
MESSAGES_BASES: dict[ProviderType, str] = {"azure": "/anthropic/v1", "anthropic": "/v1", "vllm": "/v1"}
KEEPING: dict[ProviderType, str] = {"openai": "/v1", "azure": "/openai/v1", "vllm": "/v1"}
KEPT = Route("openai", asked="kept", api="responses", id="resp/1")
RIGHT: list[tuple[str, str, Route]] = [
    *(("POST", f"{base}/{path}", structs.replace(route, type=type))
      for type, base in BASES.items() for path, route in OPENAI_PATHS.items()),
    *(("GET", f"{base}/models", Route(type, asked="models", api="chat")) for type, base in BASES.items()),
    ("GET", "/v1/models", Route("anthropic", asked="models", api="messages")),
    *(("POST", f"{base}/messages", Route(type, api="messages")) for type, base in MESSAGES_BASES.items()),
    *(("POST", f"{base}/messages/count_tokens", Route(type, asked="tokens", api="messages"))
      for type, base in MESSAGES_BASES.items()),
    ("POST", "/api/v1/messages", Route("openrouter", api="messages")),
    ("POST", "/v1/messages", Route("ollama", api="messages")),
    ("POST", "/api/chat", Route("ollama", api="ollama")),
    ("GET", "/api/tags", Route("ollama", asked="models", api="ollama")),
    ("POST", "/api/embed", Route("ollama", asked="vectors", api="ollama")),
    ("POST", "/v1/responses/input_tokens", Route("openai", asked="tokens", api="responses")),
    *((method, f"{base}/responses/resp%2F1", structs.replace(KEPT, type=type))
      for type, base in KEEPING.items() for method in ("GET", "DELETE")),
    *(("POST", f"{base}/responses/resp%2F1/cancel", structs.replace(KEPT, type=type, asked="cancelled"))
      for type, base in KEEPING.items()),
    ("POST", f"/openai/deployments/a%2Fb/chat/completions{VERSIONED}", Route("azure", "a/b", api="chat")),
    ("POST", f"/openai/deployments/gpt/embeddings{VERSIONED}", Route("azure", "gpt", "vectors", "chat")),
    ("GET", f"/openai/models{VERSIONED}", Route("azure", asked="models", api="chat")),
    ("POST", f"/openai/responses{VERSIONED}", Route("azure", api="responses")),
    *((method, f"/openai/responses/resp%2F1{VERSIONED}", structs.replace(KEPT, type="azure"))
      for method in ("GET", "DELETE")),
    ("POST", f"/openai/responses/resp%2F1/cancel{VERSIONED}",
     structs.replace(KEPT, type="azure", asked="cancelled")),
]  # fmt: skip
"""Each path of each type's API, with its method."""
BATCH = Route("openai", asked="batches", id="b/1")
MADE = structs.replace(BATCH, id="", deed="create")
FILED: list[tuple[str, str, Route]] = [
    *((method, f"{base}/{path}{query}", structs.replace(route, type=type))
      for type, base, query in (
          ("openai", "/v1", ""), ("azure", "/openai/v1", ""), ("azure", "/openai", VERSIONED),
      )
      for method, path, route in (
          ("POST", "files", structs.replace(BATCH, id="", deed="upload")),
          ("GET", "files/b%2F1/content", structs.replace(BATCH, deed="download")),
          ("POST", "batches", MADE),
          ("GET", "batches/b%2F1", structs.replace(BATCH, deed="look")),
          ("POST", "batches/b%2F1/cancel", structs.replace(BATCH, deed="cancel")),
      )),
    *((method, f"{base}{path}", structs.replace(route, type=type))
      for type, base in (("openrouter", "/api/v1/batches"), ("anthropic", "/v1/messages/batches"))
      for method, path, route in (
          ("POST", "", MADE),
          ("GET", "/b%2F1", structs.replace(BATCH, deed="look")),
          ("GET", "/b%2F1/results", structs.replace(BATCH, deed="results")),
      )),
    ("POST", "/v1/messages/batches/b%2F1/cancel", structs.replace(BATCH, type="anthropic", deed="cancel")),
]  # fmt: skip
"""The same of batches and their files."""
REGISTERED: list[tuple[str, str, Route]] = [
    ("POST", "/any/where/chat/completions", Route("openai", api="chat")),
    ("POST", "/any/messages", Route("openai", api="messages")),
    ("POST", "/any/responses", Route("openai", api="responses")),
    ("POST", "/any/api/chat", Route("openai", api="ollama")),
    ("POST", "/any/v2/chat", Route("openai", api="cohere")),
    ("POST", "/any/converse", Route("openai", api="converse")),
    ("POST", "/any/converse-stream", Route("openai", api="converse")),
    ("POST", "/any/invoke", Route("openai", api="invoke")),
    ("POST", "/any/invoke-with-response-stream", Route("openai", api="invoke")),
    ("POST", "/any", Route("openai")),
    *(("GET", f"/any/{end}", Route("openai", asked="models"))
      for end in ("models", "foundation-models", "tags")),
    *(("POST", f"/any/{end}", Route("openai", asked="vectors"))
      for end in ("embeddings", "embed", "m:batchEmbedContents")),
    *(("POST", f"/any/{end}", Route("openai", asked="tokens"))
      for end in ("messages/count_tokens", "count-tokens", "tokenize", "m:countTokens")),
    ("POST", "/any/responses/input_tokens", Route("openai", asked="tokens", api="responses")),
    ("GET", "/any/responses/resp%2F1", KEPT),
    ("POST", "/any/responses/resp%2F1/cancel", structs.replace(KEPT, asked="cancelled")),
    ("POST", "/any/batches", MADE),
    ("GET", "/any/batch/jobs/b%2F1", structs.replace(BATCH, deed="look", jobs=True)),
]  # fmt: skip


def routed(method: str, path: str, route: Route, *, any_path: bool = False) -> Route:
    speaker = "anthropic" if route.api == "messages" and not any_path else route.type
    request = request_for(route.type, path=path, method=method, headers=(*AUTH[speaker], *AUTH[route.type]))
    return check_gateway(route.type, request, key=None, any_path=any_path)


@for_each([*RIGHT, *FILED])
def test_each_path_of_an_api_is_known_to_the_letter(case: tuple[str, str, Route]) -> None:
    method, target, route = case
    assert routed(*case) == route
    path, mark, query = target.partition("?")
    wrong = [f"/x{path}", f"/{path[2:]}", path.replace("/", "//", 1), f"{path}/"]
    wrong += [] if path.endswith("1") else [f"{path}x", path[:-1]]
    for other in wrong:
        with pytest.raises(Refused) as caught:
            routed(method, f"{other}{mark}{query}", route)
        assert caught.value.failure.status in (404, 405)  # or the name of what was kept
        assert caught.value.failure.gateway
    for other in {"GET", "POST", "DELETE", "PUT"} - {
        each for each, where, to in (*RIGHT, *FILED) if (where, to.type) == (target, route.type)
    }:
        with pytest.raises(Refused) as caught:
            routed(other, target, route)
        assert caught.value.failure.status == (404 if route.deed else 405)


NOT_THERE: list[tuple[ProviderType, str, str]] = [
    ("openrouter", "POST", "/api/v1/batches/b/cancel"),
    ("openrouter", "POST", "/api/v1/files"),
    ("openrouter", "GET", "/api/v1/files/f/content"),
    ("openai", "GET", "/v1/batches/b/results"),
    ("openai", "POST", "/v1/batch/jobs"),
    ("openai", "GET", "/v1/files/f"),
    ("openai", "GET", "/v1/batches"),
    ("azure", "GET", f"/openai/batches/b/results{VERSIONED}"),
    ("anthropic", "POST", "/v1/messages/files"),
    ("anthropic", "GET", "/v1/batches/b"),
]


@for_each(NOT_THERE)
def test_what_a_type_does_not_do_with_batches_is_404(case: tuple[ProviderType, str, str]) -> None:
    type, method, path = case
    with pytest.raises(Refused) as caught:
        routed(method, path, Route(type))
    assert caught.value.failure.status == 404


@for_each(REGISTERED)
def test_the_end_of_a_registered_types_path_says_what_it_is_for(case: tuple[str, str, Route]) -> None:
    assert routed(*case, any_path=True) == case[2]


@for_each(
    [
        *(*OPENAI_PATHS, "models", "messages", "count_tokens", "input_tokens", "batches", "files"),
        *("api/chat", "v2/chat", "converse", "converse-stream", "invoke", "invoke-with-response-stream"),
        *("foundation-models", "tags", "embed", "count-tokens", "tokenize"),
    ]
)
def test_an_end_is_a_whole_step_of_a_path(end: str) -> None:
    for path in (f"/any/x{end}", f"/any/{end}x", f"/any/{end}/"):
        assert routed("POST", path, Route("openai"), any_path=True) == Route("openai")


@pytest.mark.parametrize("type", ["openrouter", "ollama", "anthropic"])
def test_types_that_keep_no_responses_have_no_path_for_them(type: ProviderType) -> None:
    base = BASES.get(type, "/v1")
    for method, path in (("GET", "r"), ("POST", "r/cancel")):
        assert (
            FakeProvider(type)
            .respond(request_for(type, path=f"{base}/responses/{path}", method=method))
            .status
            == 404
        )


@for_each(
    [
        ("/api/v1/chat/completions", "openrouter", ()),
        ("/api/v1/batches", "openrouter", ()),
        ("/v1/chat/completions", "openai", AUTH["openai"]),
        ("/v1/chat/completions", "ollama", ()),
        ("/api/chat", "ollama", AUTH["openai"]),
        ("/v1/messages", "anthropic", ()),
        ("/v1/messages/count_tokens", "anthropic", ()),
        ("/v1/responses/resp_1", "openai", AUTH["openai"]),
        ("/v1/messages/batches", "anthropic", ()),
        ("/v1/models", "anthropic", VERSION),
        ("/v1/models", "openai", AUTH["openai"]),
        ("/v1/batches", "openai", ()),
        ("/v1/responses/input_tokens", "openai", ()),
        ("/v1/nothing", "openai", VERSION),
        ("/openai/nothing", "azure", ()),
        ("/anthropic/nothing", "azure", ()),
    ]
)
def test_a_path_or_a_header_says_which_type_a_request_is_meant_for(case: tuple[str, str, Headers]) -> None:
    path, type, headers = case
    request = request_for("openai", path=path, headers=headers)
    assert find_type(None, request) == type
    assert find_type("vllm", request) == "vllm"


OWN = {
    "bedrock": [
        "/model/a%2Fb/converse",
        "/model/m/converse-stream",
        "/model/m/invoke",
        "/model/m/invoke-with-response-stream",
        "/model/m/count-tokens",
        "/foundation-models",
    ],
    "google": [
        "/v1beta/models",
        "/models/gemini:generateContent",
        "/v1beta/models/m:generateContent",
        "/v1/projects/p/publishers/google/models/m:countTokens",
    ],
    "cohere": ["/v2/chat", "/v2/embed", "/v1/tokenize"],
}


@for_each([(type, path) for type, paths in OWN.items() for path in paths])
def test_a_path_of_one_type_alone_is_known_to_the_letter(case: tuple[str, str]) -> None:
    type, path = case
    assert own_type(Request.post(f"http://localhost{path}", (), b"{}")) == type
    mark = path.rindex("/") + 1
    wrong = [f"/x{path}", f"{path}/", path[:mark] + "x" + path[mark:]]
    if type == "google":
        wrong = [path.replace("/models", "/odels", 1), path.replace("/models", "models", 1)]
        wrong += [path.replace(":", sign, 1) for sign in ("", "/", ":-") if ":" in path]
    for other in wrong:
        assert own_type(Request.post(f"http://localhost{other}", (), b"{}")) is None


def test_coheres_list_of_models_is_known_by_its_query() -> None:
    for query, type in (("?page_size=1000", "cohere"), ("", None), ("?limit=5", None)):
        assert own_type(Request.get(f"http://localhost/v1/models{query}", ())) == type
    assert own_type(Request.get("http://localhost/v2/models?page_size=5", ())) is None


SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/bedrock/aws4_request, "
    "SignedHeaders=host;x-amz-date, "
    "Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"
)
"""The example of AWS's "Authorization header", with Bedrock as the service."""
FORGED = [
    ("20130524", "2013052"),
    ("20130524", "201305240"),
    ("AKIAIOSFODNN7EXAMPLE", ""),
    ("AKIAIOSFODNN7EXAMPLE", "A/B"),
    ("us-east-1", ""),
    ("us-east-1", "US"),
    ("/bedrock/", "/s3/"),
    ("/bedrock/", "/bedrock-other/"),
    ("aws4_request,", "aws3_request,"),
    ("aws4_request,", "aws4_request"),
    ("Credential=", "credential="),
    ("Signature=f", "Signature="),
    ("Signature=f", "Signature=ff"),
    ("Signature=f", "Signature=F"),
    ("Signature=f", "Signature=x"),
    ("Signature=f", "signature=f"),
    ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
]


def signed(authorization: str, key: str | None = None) -> Route:
    headers: Headers = (("authorization", authorization),)
    request = request_for("openai", path="/model/m/converse", headers=headers)
    return check_gateway("openai", request, key=key, any_path=True, key_headers=("authorization",))


def test_a_signature_of_aws_is_taken_in_its_whole_form_alone() -> None:
    for valid in (SIGNED, SIGNED.replace("/bedrock/", "/bedrock-mantle/"), SIGNED.replace(", ", ",")):
        assert signed(valid) == Route("openai", api="converse")
    wrong = [SIGNED.replace(*change) for change in FORGED]
    assert SIGNED not in wrong
    for authorization in wrong:
        with pytest.raises(Refused) as caught:
            signed(authorization)
        assert caught.value.failure.status == 401, authorization
    with pytest.raises(Refused):
        signed(SIGNED, "the only key")


def test_a_key_follows_its_scheme_in_any_case_and_spaces_around_it_do_not_count() -> None:
    for authorization in ("Bearer sk", "bearer sk", "BEARER  sk "):
        assert signed(authorization, "sk").api == "converse"
    for authorization in ("Bearer", "Bearer  ", "Bearer sk x", "Bearersk", "sk"):
        with pytest.raises(Refused):
            signed(authorization, "sk")


@pytest.mark.parametrize(
    ("type", "method", "words"),
    [
        ("openai", "PUT", ("PUT", "POST")),
        ("vllm", "GET", ("GET", "POST")),
    ],
)
def test_a_refusal_of_a_method_names_it_and_those_to_use(
    type: ProviderType, method: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as caught:
        routed(method, PATHS[type], Route(type))
    assert caught.value.failure.gateway
    for word in words:
        assert word in caught.value.failure.message
    with pytest.raises(Refused, match="GET or DELETE"):
        routed("POST", "/v1/responses/resp_1", Route("openai"))


def test_a_refusal_names_the_path_the_content_type_or_the_headers_for_keys() -> None:
    with pytest.raises(Refused, match=r"PATCH /v9/x does not exist"):
        routed("PATCH", "/v9/x?y=1", Route("openai"))
    with pytest.raises(Refused, match=r"api-version"):
        routed("POST", "/openai/x", Route("azure"))
    for content_type in ("text/plain", ""):
        request = request_for("openai", content_type=content_type)
        with pytest.raises(Refused, match=f"'{content_type}' is not supported: send application/json"):
            check_gateway("openai", request, key=None)
    for type, names in (("azure", "api-key or authorization"), ("anthropic", "x-api-key or authorization")):
        request = request_for(type, headers=())
        with pytest.raises(Refused, match=f"send it as {names}"):
            check_gateway(provider_type(type), request, key=None)
    with pytest.raises(Refused, match="send it as x-goog-api-key"):
        check_gateway(
            "openai", request_for("openai"), key=None, any_path=True, key_headers=("x-goog-api-key",)
        )


@for_each(
    [
        ("DELETE", "/v1/responses/resp_1", "openai"),
        ("POST", "/v1/responses/resp_1/cancel", "openai"),
        ("GET", "/v1/models", "openai"),
        ("POST", "/v1/batches/b/cancel", "openai"),
        ("POST", "/v1/chat/completions", "ollama"),
    ]
)
def test_what_sends_no_json_needs_no_content_type(case: tuple[str, str, str]) -> None:
    method, path, type = case
    request = request_for(type, path=path, method=method, content_type="", headers=AUTH["openai"])
    assert check_gateway(provider_type(type), request, key=None).type == type


def test_the_family_of_a_types_own_path_is_known() -> None:
    for type, path, api in (
        ("openai", "/v1/responses", "responses"),
        ("anthropic", "/v1/messages", "messages"),
        ("ollama", "/api/embed", "ollama"),
        ("openai", "/v1/messages", None),
    ):
        assert own_api(provider_type(type), request_for("openai", path=path)) == api


def test_other_servers_speak_messages_at_their_paths_but_their_models_are_a_common_list() -> None:
    for path in ("/v1/messages", "/v1/messages/count_tokens", "/anthropic/v1/messages", "/api/v1/messages"):
        assert speaks_messages(request_for("openai", path=path)), path
    for path in ("/v1/models", "/v1/chat/completions", "/v1/message"):
        assert not speaks_messages(request_for("openai", path=path)), path


def test_a_body_is_a_json_object_or_is_refused() -> None:
    assert read_body(request_for("openai", {"a": [1]})) == {"a": [1]}
    for data in (b"", b"[]", b"{", b'{"a": "\xff"}', b"[" * 100_000):
        with pytest.raises(Refused, match="JSON object") as caught:
            read_body(request_for("openai", data=data))
        assert caught.value.failure.status == 400
