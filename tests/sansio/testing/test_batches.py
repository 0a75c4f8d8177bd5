"""The fake's batches: what it refuses, and what it gives while a batch goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio.http import Headers
from sansio.testing import Answer, BatchScript, FakeProvider, FakeResponse
from tests.sansio.testing.asking import AUTH, Object, body_for, message_in, request_for, said
from tests.support import for_each

BATCHES = {
    "openrouter": "/api/v1/batches",
    "openai": "/v1/batches",
    "azure": "/openai/v1/batches",
    "anthropic": "/v1/messages/batches",
}
CLASSIC = "/openai/{}?api-version=2024-10-21"
FORM = "multipart/form-data; boundary=x-1y"


def row(custom_id: str, type: str = "openai", **fields: Any) -> Object:
    name = "params" if type == "anthropic" else "body"
    line: Object = {"custom_id": custom_id, name: body_for(type)}
    return (line | {"url": "/v1/chat/completions"} if type in ("openai", "azure") else line) | fields


def form(data: bytes, purpose: str = "batch", name: str = "file") -> bytes:
    return (
        f'--x-1y\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
        f'--x-1y\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'.encode()
        + data
        + b"\r\n--x-1y\r\n\r\nno name\r\n--x-1y--\r\n"
    )


def upload(
    fake: FakeProvider, data: bytes, type: str = "openai", content_type: str = FORM, **given: str
) -> FakeResponse:
    path = BATCHES[type].replace("batches", "files")
    body = form(data, **given)
    return fake.respond(request_for(type, path=path, content_type=content_type, data=body))


def lines(*rows: Object) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


def ask(
    fake: FakeProvider, type: str, below: str = "", method: str = "GET", body: object = None
) -> FakeResponse:
    path = BATCHES[type] + below
    return fake.respond(request_for(type, {} if body is None else body, path=path, method=method))


def create(fake: FakeProvider, type: str, *rows: Object, **fields: Any) -> FakeResponse:
    body: Object = {}
    if type in ("openai", "azure"):
        file = said(upload(fake, lines(*rows), type))["id"]
        body = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    elif type == "openrouter":
        body = {"endpoint": "/v1/chat/completions", "model": "m", "requests": [*rows]}
    else:
        body = {"requests": [*rows]}
    return ask(fake, type, method="POST", body=body | fields)


@for_each([*BATCHES])
def test_each_type_has_them_at_its_own_path_alone_and_beside_the_others(type: str) -> None:
    for fake in (FakeProvider(type), FakeProvider()):
        made = create(fake, type, row("a", type))
        assert made.status in (200, 202)
        batch = said(made)["id"]
        looked = said(ask(fake, type, f"/{batch}"))
        assert looked.get("status", looked.get("processing_status")) in ("completed", "ended")


def test_azure_s_classic_surface_has_them_beside_the_deployments() -> None:
    fake = FakeProvider("azure")
    file = fake.respond(
        request_for("azure", path=CLASSIC.format("files"), content_type=FORM, data=form(lines(row("a"))))
    )
    assert said(file)["status"] == "processed"
    assert fake.respond(request_for("azure", path=CLASSIC.format("batch/jobs"))).status == 404
    assert fake.respond(request_for("azure", {}, path=CLASSIC.format("batches"))).status == 404


@for_each(["ollama", "vllm"])
def test_types_that_have_none_do_not_serve_them(type: str) -> None:
    assert FakeProvider(type).respond(request_for(type, {}, path="/v1/batches")).status == 404


def test_a_batch_is_under_way_for_as_many_looks_as_asked_for() -> None:
    fake = FakeProvider("openai", batches=BatchScript(looks=2))
    assert said(create(fake, "openai", row("a")))["status"] == "in_progress"
    words = [said(ask(fake, "openai", "/batch_1")) for _ in range(4)]
    assert [batch["status"] for batch in words] == ["in_progress", "in_progress", "completed", "completed"]
    assert words[2] == words[3]
    assert words[2]["request_counts"] == {"total": 1, "completed": 1, "failed": 0}
    assert words[2]["error_file_id"] is None


def test_results_are_not_there_before_the_end() -> None:
    for type in ("openrouter", "anthropic"):
        fake = FakeProvider(type, batches=BatchScript(looks=1))
        create(fake, type, row("a", type))
        assert ask(fake, type, "/batch_1/results").status == 404
        ask(fake, type, "/batch_1")
        assert ask(fake, type, "/batch_1/results").status == 200


def test_openrouter_has_no_results_of_a_batch_that_failed_and_anthropic_has() -> None:
    for type, status in (("openrouter", 404), ("anthropic", 200)):
        fake = FakeProvider(type, batches=BatchScript(ending="failed"))
        create(fake, type, row("a", type))
        ask(fake, type, "/batch_1")
        assert ask(fake, type, "/batch_1/results").status == status


def test_answers_of_one_batch_have_different_ids() -> None:
    fake = FakeProvider("openrouter")
    create(fake, "openrouter", row("a", "openrouter"), row("b", "openrouter"))
    ask(fake, "openrouter", "/batch_1")
    rows = said(ask(fake, "openrouter", "/batch_1/results"))["data"]
    ids = [row["response"]["body"]["id"] for row in rows]
    assert len(set(ids)) == 2
    assert all(each.startswith("gen-") for each in ids)


def test_a_page_that_has_all_results_is_the_last() -> None:
    fake = FakeProvider("openrouter")
    create(fake, "openrouter", row("a", "openrouter"), row("b", "openrouter"))
    ask(fake, "openrouter", "/batch_1")
    page = said(ask(fake, "openrouter", "/batch_1/results"))
    assert (len(page["data"]), page["has_more"], page["next_cursor"]) == (2, False, None)


def test_a_batch_that_is_over_cannot_be_cancelled() -> None:
    for looks in (0, 1):
        fake = FakeProvider("openai")
        create(fake, "openai", row("a"))
        for _ in range(looks):
            ask(fake, "openai", "/batch_1")
        assert said(ask(fake, "openai", "/batch_1/cancel", "POST"))["status"] == "completed"


def test_an_answer_uses_up_an_outcome_and_the_order_can_be_reversed() -> None:
    script = [Answer(text="one"), Answer(text="two")]
    fake = FakeProvider("openrouter", script, batches=BatchScript(reverse=True, page=1))
    create(fake, "openrouter", row("a", "openrouter"), row("b", "openrouter"))
    ask(fake, "openrouter", "/batch_1")
    first = said(ask(fake, "openrouter", "/batch_1/results"))
    assert (first["data"][0]["custom_id"], first["has_more"], first["next_cursor"]) == ("b", True, "1")
    last = said(ask(fake, "openrouter", "/batch_1/results?cursor=1"))
    assert last["data"][0]["response"]["body"]["choices"][0]["message"]["content"] == "one"
    assert (last["has_more"], last["next_cursor"]) == (False, None)


def test_a_row_whose_answer_is_no_json_says_that_it_is_lost() -> None:
    page = FakeResponse(status=502, headers=(), pieces=(b"<html>",))
    for type in ("openrouter", "anthropic"):
        fake = FakeProvider(type, [page])
        create(fake, type, row("a", type))
        ask(fake, type, "/batch_1")
        rows = ask(fake, type, "/batch_1/results").body.splitlines()
        (found,) = json.loads(rows[0])["data"] if type == "openrouter" else map(json.loads, rows)
        assert found["custom_id"] == "a"
        if type == "openrouter":
            assert (found["id"], found["response"]) == ("batch_req_a", None)
            error, kind = found["error"], found["error"]["code"]
        else:
            assert (found["result"]["type"], found["result"]["error"]["type"]) == ("errored", "error")
            error = found["result"]["error"]["error"]
            kind = error["type"]
        assert "lost" in error["message"]
        assert kind == ("server_error" if type == "openrouter" else "api_error")


@pytest.mark.parametrize(
    ("data", "given", "said"),
    [
        (b"{}", {"purpose": "assistants"}, "purpose"),
        (b"{}", {"name": "other"}, "purpose"),
        (b"{}", {"content_type": "application/json"}, "multipart"),
        (b"{}", {"content_type": "multipart/form-data"}, "multipart"),
        (b"{}", {"content_type": "multipart/form-data boundary=x-1y"}, "multipart"),
        (b"{}", {"content_type": "multipart/form-data; oundary=x-1y"}, "multipart"),
        (b"{}", {"content_type": 'multipart/form-data; boundary=""'}, "multipart"),
        (b"{}", {"content_type": "x-multipart/form-data; boundary=x-1y"}, "multipart"),
        (b"{}", {"content_type": ""}, "multipart"),
    ],
)
def test_a_file_that_is_not_for_batches_is_refused(data: bytes, given: dict[str, str], said: str) -> None:
    response = upload(FakeProvider("openai"), data, **given)
    assert response.status == 400
    body = json.loads(response.body)
    assert said in message_in("openai", body)
    assert body["error"]["param"] == ("purpose" if said == "purpose" else None)


@for_each(
    [
        'multipart/form-data; boundary="x-1y"',
        "multipart/form-data; boundary=x-1y; charset=utf-8",
        'multipart/form-data; charset=utf-8; boundary="x-1y"',
    ]
)
def test_a_boundary_may_be_quoted_and_have_other_parameters_beside_it(content_type: str) -> None:
    fake = FakeProvider("openai")
    data = b'{"a": 1}\r\n\r\n{"b": 2}\r\n'
    file = said(upload(fake, data, content_type=content_type))
    assert (file["id"], file["bytes"], file["purpose"]) == ("file-1", len(data), "batch")
    request = request_for("openai", path="/v1/files/file-1/content", method="GET")
    assert fake.respond(request).body == data


@for_each(
    [
        ("azure", "/chat/completions", "chat.completion"),
        ("openai", "/v1/chat/completions", "chat.completion"),
        ("openai", "/v1/responses", "response"),
        ("anthropic", "/v1/messages", "message"),
    ]
)
def test_each_endpoint_answers_in_its_own_form(case: tuple[str, str, str]) -> None:
    type, endpoint, form = case
    fake = FakeProvider(type)
    body = {"model": "m", "input": "Hi"} if endpoint == "/v1/responses" else body_for(type)
    create(
        fake,
        type,
        row("a", type, url=endpoint, **{"params" if type == "anthropic" else "body": body}),
        **({} if type == "anthropic" else {"endpoint": endpoint}),
    )
    batch = said(ask(fake, type, "/batch_1"))
    if type == "anthropic":
        (line,) = ask(fake, type, "/batch_1/results").body.splitlines()
        answer = json.loads(line)["result"]["message"]
    else:
        path = f"{BATCHES[type].replace('batches', 'files')}/{batch['output_file_id']}/content"
        answer = json.loads(fake.respond(request_for(type, path=path, method="GET")).body)["response"]["body"]
    assert answer.get("object", answer.get("type")) == form
    assert "small model" in json.dumps(answer)


@for_each([(399, 1), (400, 0)])
def test_a_status_from_400_on_is_an_error(case: tuple[int, int]) -> None:
    status, answered = case
    for type in ("openai", "anthropic"):
        fake = FakeProvider(type, [FakeResponse(status=status, pieces=(b"{}",))])
        create(fake, type, row("a", type))
        counts = said(ask(fake, type, "/batch_1"))["request_counts"]
        assert counts.get("completed", counts.get("succeeded")) == answered
        assert counts.get("failed", counts.get("errored")) == 1 - answered


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
REFUSED: list[tuple[str, list[Object], Object, str, str | None]] = [
    ("openai", [], {}, "at least one", "requests"),
    ("openai", [row("a")], {"endpoint": "/v1/embeddings"}, "takes no batches", "endpoint"),
    ("openai", [row("a")], {"input_file_id": "gone"}, "no file 'gone'", None),
    ("openai", [row("a")], {"input_file_id": None, "input_files": []}, "no file ''", None),
    ("openai", [row("a")], {"input_file_id": None, "input_files": {"a": "file-1"}}, "no file ''", None),
    ("anthropic", [], {}, "at least one", None),
    ("anthropic", [row("a", "anthropic")], {"requests": {}}, "at least one", None),
    ("anthropic", [row("a", "anthropic")], {"requests": {"a": 1}}, "at least one", None),
    ("anthropic", [row("a b", "anthropic")], {}, "custom_id", None),
    ("anthropic", [row("a.b", "anthropic")], {}, "custom_id", None),
    ("anthropic", [row("ä", "anthropic")], {}, "custom_id", None),
    ("anthropic", [row(f"{LETTERS}x", "anthropic")], {}, "custom_id", None),
    ("anthropic", [row("a", "anthropic")] * 2, {}, "custom_id", None),
    ("openrouter", [row("", "openrouter")], {}, "custom_id", None),
    ("openrouter", [row("a", "openrouter", body=body_for("openai", model="other"))], {}, "one model", None),
]


@for_each(REFUSED)
def test_a_batch_that_cannot_be_made_is_refused(
    case: tuple[str, list[Object], Object, str, str | None],
) -> None:
    type, rows, fields, words, param = case
    response = create(FakeProvider(type), type, *rows, **fields)
    assert response.status in (400, 404)
    body = json.loads(response.body)
    assert words in message_in(type, body)
    assert body["error"].get("param") == param


def test_anthropic_takes_ids_of_64_letters_digits_and_two_signs() -> None:
    assert len(LETTERS) == 64
    assert create(FakeProvider("anthropic"), "anthropic", row(LETTERS, "anthropic")).status == 200


def test_openrouter_reads_the_model_before_the_requests() -> None:
    fields = {"requests": [row("a", "openrouter")], "endpoint": "/v1/chat/completions", "model": "m"}
    for names in (
        ("requests", "endpoint", "model"),
        ("model", "requests", "endpoint"),
        ("endpoint", "requests", "model"),
    ):
        body = {name: fields[name] for name in names}
        assert ask(FakeProvider("openrouter"), "openrouter", method="POST", body=body).status == 400


def test_openrouter_s_rows_have_the_model_of_the_batch_and_openai_s_need_their_own() -> None:
    bare = body_for("openai", model=None)
    fake = FakeProvider("openrouter")
    create(fake, "openrouter", row("a", "openrouter", body=bare), model="mine")
    ask(fake, "openrouter", "/batch_1")
    (result,) = said(ask(fake, "openrouter", "/batch_1/results"))["data"]
    assert result["response"]["body"]["model"] == "mine"
    fake = FakeProvider("openai")
    create(fake, "openai", row("a", body=bare))
    assert said(ask(fake, "openai", "/batch_1"))["request_counts"]["failed"] == 1


def test_a_file_that_is_no_json_is_refused() -> None:
    fake = FakeProvider("openai")
    file = said(upload(fake, b"{\n"))["id"]
    body = {"input_file_id": file, "endpoint": "/v1/chat/completions"}
    refused = ask(fake, "openai", method="POST", body=body)
    assert (refused.status, said(refused)["error"]["param"]) == (400, "input_file_id")


@for_each(
    [
        [row("a"), row("a")],
        [row("a", url="/v1/responses")],
        [row("a"), row("b", body=body_for("openai", model="other"))],
    ]
)
def test_openai_s_batch_fails_as_a_whole_where_a_line_is_invalid(rows: list[Object]) -> None:
    fake = FakeProvider("openai")
    assert create(fake, "openai", *rows).status == 200
    batch = said(ask(fake, "openai", "/batch_1"))
    assert (batch["status"], batch["output_file_id"]) == ("failed", None)
    assert batch["errors"]["data"][0]["message"]


@for_each(
    [
        ("openai", "/none", "GET", 404),
        ("openai", "/batch_1/results", "GET", 404),
        ("openai", "", "GET", 404),
        ("openrouter", "/b/cancel", "POST", 404),
        ("anthropic", "/none/cancel", "POST", 404),
    ]
)
def test_what_is_not_there_is_a_404(case: tuple[str, str, str, int]) -> None:
    type, below, method, status = case
    assert ask(FakeProvider(type), type, below, method).status == status


def test_a_key_is_needed() -> None:
    none: Headers = ()
    for headers in (none, (("authorization", "Bearer other"),)):
        request = request_for("openai", {}, path="/v1/batches/b", method="GET", headers=headers)
        assert FakeProvider("openai", key="sk").respond(request).status == 401
    assert AUTH["openai"]


def test_a_batch_is_cancelled_at_its_next_look_and_not_when_it_is_over() -> None:
    fake = FakeProvider("anthropic", batches=BatchScript(looks=1))
    create(fake, "anthropic", row("a", "anthropic"))
    assert said(ask(fake, "anthropic", "/batch_1/cancel", "POST"))["processing_status"] == "canceling"
    ask(fake, "anthropic", "/batch_1")
    over = said(ask(fake, "anthropic", "/batch_1"))
    assert over["processing_status"] == "ended"
    assert over["cancel_initiated_at"] is not None
    assert said(ask(fake, "anthropic", "/batch_1/cancel", "POST")) == over


def test_a_response_about_a_batch_has_the_id_of_its_request_behind_its_own_headers() -> None:
    response = create(FakeProvider("openai"), "openai", row("a"))
    (kind, (name, value)) = response.headers
    assert (kind, name) == (("content-type", "application/json"), "x-request-id")
    assert value.startswith("req_")
