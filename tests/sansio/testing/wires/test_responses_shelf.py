"""Responses that the fake keeps: conversations that go on from them, and what can be fetched of them.

`goldens/wires/shelf.txt` has a dialogue, request by request. To write it anew, run
`python -m tests.sansio.testing.wires.test_responses_shelf`; read what changed before you keep it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from sansio import ReasoningPart, StreamComplete, StreamEvent, StreamParser, TextPart
from sansio.http import Request, header
from sansio.testing import Answer, Broken, Ending, Failure, FakeProvider, FakeResponse
from tests.sansio.testing.asking import chunks, message_in, said
from tests.sansio.testing.wires.test_responses_requests import CALL, HELLO, RESULT, request_for
from tests.sansio.wires import Record

KEEPING = pytest.mark.parametrize("type", ["openai", "azure", "vllm"])


def create(fake: FakeProvider, type: str = "openai", **fields: object) -> FakeResponse:
    return fake.respond(request_for(type, {"model": "gpt-5", "input": "one", **fields}))


def fetch(
    fake: FakeProvider, response_id: str, more: str = "", *, method: str = "GET", type: str = "openai"
) -> FakeResponse:
    base = {"azure": "/openai/v1"}.get(type, "/v1")
    asked = request_for(type, {}, path=f"{base}/responses/{response_id}{more}")
    headers = tuple(field for field in asked.headers if not field[0].startswith("content-"))
    return fake.respond(msgspec.structs.replace(asked, method=method, headers=headers, body=b""))


def parse(pieces: Sequence[bytes]) -> list[StreamEvent]:
    parser = StreamParser("openai/responses")
    return parser.receive_data(b"".join(pieces)) + parser.receive_eof()


@KEEPING
@pytest.mark.parametrize("stream", [True, False])
def test_a_response_is_kept_unless_the_request_forbids_it(type: str, stream: bool) -> None:
    fake = FakeProvider(type)
    response = create(fake, type, stream=stream)
    whole: Record = chunks(response.pieces)[-1]["response"] if stream else said(response)
    assert said(fetch(fake, whole["id"], type=type)) == whole
    forgotten = said(create(fake, type, input="two", store=False))
    missing = fetch(fake, forgotten["id"], type=type)
    assert missing.status == 404
    assert "not found" in message_in(type, said(missing))


def test_a_response_has_its_request_s_id_whenever_it_is_given() -> None:
    fake = FakeProvider("openai")
    found = fetch(fake, said(create(fake))["id"])
    assert dict(found.headers).keys() == {"content-type", "x-request-id"}


@pytest.mark.parametrize("type", ["openrouter", "ollama"])
def test_servers_without_state_keep_nothing(type: str) -> None:
    fake = FakeProvider(type)
    base = "/api/v1" if type == "openrouter" else "/v1"
    response_id = said(create(fake, type))["id"]
    asked = request_for(type, {}, path=f"{base}/responses/{response_id}")
    assert fake.respond(msgspec.structs.replace(asked, method="GET")).status == 404


def test_azure_s_classic_surface_serves_the_same_responses() -> None:
    fake = FakeProvider("azure")
    version = "?api-version=2025-03-01-preview"
    body = {"model": "gpt-5", "input": "one"}
    whole = said(fake.respond(request_for("azure", body, path=f"/openai/responses{version}")))
    asked = request_for("azure", {}, path=f"/openai/responses/{whole['id']}{version}")
    assert said(fake.respond(msgspec.structs.replace(asked, method="GET"))) == whole
    assert said(fetch(fake, whole["id"], type="azure")) == whole


@KEEPING
def test_a_conversation_goes_on_from_a_response(type: str) -> None:
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
    fake = FakeProvider(type)
    first = said(create(fake, type, input="Please call f", tools=tools))
    result = {**RESULT, "call_id": first["output"][-1]["call_id"]}
    second = said(create(fake, type, input=[result], previous_response_id=first["id"]))
    assert second["output"][-1]["content"][0]["text"] == "The tools answered: f said 'fine'."
    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    third = create(fake, type, input="again", previous_response_id=second["id"])
    assert "'again'" in said(third)["output"][-1]["content"][0]["text"]


def test_a_call_of_the_response_before_needs_its_result_too() -> None:
    fake = FakeProvider("openai")
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
    first = said(create(fake, input="Please call f", tools=tools))
    refused = create(fake, input="again", previous_response_id=first["id"])
    assert refused.status == 400
    assert "No tool output found" in message_in("openai", said(refused))


def test_items_that_were_kept_may_be_named_by_their_ids() -> None:
    fake = FakeProvider("openai", [Answer(reasoning="a", text="b")])
    thought, answer = said(create(fake))["output"]
    reference = {"type": "item_reference", "id": answer["id"]}
    assert create(fake, input=[HELLO, thought, reference, HELLO]).status == 200
    assert create(FakeProvider("openai"), input=[HELLO, thought, answer, HELLO]).status == 404


def test_an_input_that_is_neither_text_nor_items_is_refused_also_after_a_response() -> None:
    fake = FakeProvider("openai")
    first = said(create(fake))
    assert create(fake, input=5).status == 400
    assert create(fake, input=None, previous_response_id=first["id"]).status == 200
    assert create(fake, previous_response_id=5).status == 400


@KEEPING
def test_a_deleted_response_is_gone(type: str) -> None:
    fake = FakeProvider(type)
    response_id = said(create(fake, type))["id"]
    deleted = {"id": response_id, "object": "response", "deleted": True}
    assert said(fetch(fake, response_id, method="DELETE", type=type)) == deleted
    assert fetch(fake, response_id, method="DELETE", type=type).status == 404
    assert create(fake, type, previous_response_id=response_id).status == 400


def test_a_response_in_the_background_is_queued_and_then_finished() -> None:
    fake = FakeProvider("openai")
    queued = said(create(fake, background=True))
    assert (queued["status"], queued["output"], queued["background"]) == ("queued", [], True)
    finished = said(fetch(fake, queued["id"]))
    assert finished["status"] == "completed"
    assert finished["output"][0]["type"] == "message"
    assert said(fetch(fake, queued["id"], "/cancel", method="POST")) == finished


def test_a_response_in_the_background_can_be_cancelled_while_it_is_not_finished() -> None:
    fake = FakeProvider("openai")
    response_id = said(create(fake, background=True))["id"]
    cancelled = said(fetch(fake, response_id, "/cancel", method="POST"))
    assert (cancelled["status"], cancelled["output"]) == ("cancelled", [])
    assert said(fetch(fake, response_id)) == cancelled
    waited_for = said(create(fake))["id"]
    refused = fetch(fake, waited_for, "/cancel", method="POST")
    assert refused.status == 400


@pytest.mark.parametrize("ending", [Ending.DROP, Ending.FINISH])
@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_a_stream_from_the_background_can_be_resumed_after_any_event(after: int, ending: Ending) -> None:
    answer = Answer(reasoning="one two", text="three four five six seven")
    whole = parse(create(FakeProvider("openai", [answer]), background=True, stream=True).pieces)
    fake = FakeProvider("openai", [Broken(answer=answer, after=after, ending=ending)])
    cut = create(fake, background=True, stream=True)
    assert cut.ending is ending
    records = chunks(cut.pieces)
    response_id = records[0]["response"]["id"]
    for number in (-1, 0, records[-1]["sequence_number"]):
        rest = fetch(fake, response_id, f"?stream=true&starting_after={number}")
        kept = [
            piece
            for piece, known in zip(cut.pieces, records, strict=True)
            if known["sequence_number"] <= number
        ]
        last = parse([*kept, *rest.pieces])
        assert last == whole
        assert isinstance(last[-1], StreamComplete)


def test_a_stream_that_ends_in_an_error_ends_in_it_again() -> None:
    broken = Broken(answer=Answer(text="one two"), after=1, failure=Failure(status=500))
    fake = FakeProvider("openai", [broken])
    records = chunks(create(fake, background=True, stream=True).pieces)
    response_id = records[0]["response"]["id"]
    again = chunks(fetch(fake, response_id, "?stream=true&starting_after=2").pieces)
    assert again == records[3:]
    from_the_start = fetch(fake, response_id, "?stream=true")
    assert chunks(from_the_start.pieces) == records
    assert (header(from_the_start.headers, "content-type") or "").startswith("text/event-stream")
    assert said(fetch(fake, response_id))["status"] == "failed"


def test_a_cut_stream_from_the_background_can_be_cancelled_and_is_then_no_more() -> None:
    fake = FakeProvider("openai", [Broken(answer=Answer(text="one two"), after=1)])
    response_id = chunks(create(fake, background=True, stream=True).pieces)[0]["response"]["id"]
    assert said(fetch(fake, response_id, "/cancel", method="POST"))["status"] == "cancelled"
    assert fetch(fake, response_id, "?stream=true").status == 400


@pytest.mark.parametrize(
    ("fields", "query", "param"),
    [
        ({"background": True, "stream": True}, "?stream=true&starting_after=two", "starting_after"),
        ({"background": True}, "?stream=true", "stream"),
        ({"stream": True}, "?stream=true", "stream"),
    ],
)
def test_what_cannot_be_resumed_is_refused(fields: Record, query: str, param: str) -> None:
    fake = FakeProvider("openai")
    response = create(fake, **fields)
    streamed = "stream" in fields
    whole: Record = chunks(response.pieces)[0]["response"] if streamed else said(response)
    refused = fetch(fake, whole["id"], query)
    assert (refused.status, said(refused)["error"]["param"]) == (400, param)


def test_the_script_may_fail_a_request_for_what_was_kept() -> None:
    fake = FakeProvider("openai")
    response_id = said(create(fake))["id"]
    fake.script.extend([Failure(status=503), FakeResponse(status=418), Answer(text="later")])
    assert [fetch(fake, response_id).status for _ in range(3)] == [503, 418, 200]
    assert len(fake.script) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("PUT", ""), ("GET", "/cancel"), ("DELETE", "/cancel")]
)
def test_another_method_is_405(method: str, path: str) -> None:
    assert fetch(FakeProvider("openai"), "resp_1", path, method=method).status == 405


def test_each_fake_has_its_own_shelf_and_so_has_each_type() -> None:
    one = FakeProvider()
    response_id = said(create(one))["id"]
    assert fetch(one, response_id).status == 200
    assert fetch(one, response_id, type="azure").status == 404
    assert fetch(FakeProvider(), response_id).status == 404


def test_the_same_request_gets_the_same_response_and_is_kept_once() -> None:
    fake = FakeProvider("openai")
    assert create(fake).body == create(fake).body
    assert json.loads(create(fake, input=[HELLO, CALL, RESULT]).body)["id"].startswith("resp_")


def test_a_request_s_body_is_not_looked_at_where_none_is_needed() -> None:
    request = Request.post("https://api.openai.com/v1/responses/resp_1/cancel", (), b"")
    assert FakeProvider("openai").respond(request).status == 401


# A dialogue, as it is written down.

GOLDEN = Path(__file__).parent.parent / "goldens" / "wires" / "shelf.txt"
EVERY: Record = {
    "input": "one",
    "background": False,
    "include": ["reasoning.encrypted_content"],
    "instructions": "Be brief.",
    "max_output_tokens": 500,
    "max_tool_calls": 5,
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "reasoning": {"effort": "low", "summary": "auto"},
    "safety_identifier": "s",
    "service_tier": "flex",
    "store": True,
    "temperature": 0.5,
    "text": {"verbosity": "low"},
    "tool_choice": "none",
    "tools": [{"type": "web_search"}],
    "top_logprobs": 2,
    "top_p": 0.5,
    "truncation": "auto",
    "user": "u",
}
THOUGHT: Record = {"type": "reasoning", "id": "rs_unknown", "summary": []}
STEPS: list[tuple[str, str, Record]] = [
    ("POST", "", EVERY),
    ("POST", "", {**EVERY, "include": ["message.output_text.logprobs"]}),
    ("GET", "/{0}", {}),
    ("POST", "/{0}/cancel", {}),
    ("GET", "/{0}?stream=true", {}),
    ("POST", "", {"input": "two", "previous_response_id": "{0}"}),
    ("POST", "", {"input": "three", "previous_response_id": "resp_unknown"}),
    ("POST", "", {"input": [{"type": "item_reference", "id": "msg_unknown"}]}),
    ("POST", "", {"input": [THOUGHT, HELLO]}),
    ("POST", "", {"input": "four", "store": False}),
    ("GET", "/{3}", {}),
    ("POST", "", {"input": "five", "background": True}),
    ("GET", "/{4}?stream=true", {}),
    ("POST", "/{4}/cancel", {}),
    ("GET", "/{4}", {}),
    ("POST", "", {"input": "six", "background": True, "stream": True}),
    ("GET", "/{5}?stream=true", {}),
    ("GET", "/{5}?stream=true&starting_after=-1", {}),
    ("GET", "/{5}?stream=true&starting_after=7", {}),
    ("GET", "/{5}?stream=true&starting_after=9", {}),
    *(("GET", f"/{{5}}?stream=true&starting_after={after}", {}) for after in ("x", "--1", "%D9%A3")),
    ("GET", "/{5}?stream=false", {}),
    ("DELETE", "/{5}", {}),
    ("DELETE", "/{5}", {}),
    ("POST", "/{5}/cancel", {}),
]


def dialogue() -> Iterator[str]:
    """The steps with their responses. A number in braces is the id of a response, in their order."""
    own = ReasoningPart("Hm.", {"item": {"status": "completed"}, "own": 1})
    thought = Answer(parts=(own, TextPart("One.")))
    answers = [thought, thought, *(Answer(text=f"{number}.") for number in range(2, 6))]
    fake = FakeProvider("openai", answers)
    ids: list[str] = []
    for method, path, body in STEPS:
        yield f"=== {method} /v1/responses{path} {json.dumps(body)}"
        if path:
            response_id, more = ids[int(path[2])], path[4:]
            response = fetch(fake, response_id, more, method=method)
        else:
            if body.get("previous_response_id") == "{0}":
                body = {**body, "previous_response_id": ids[0]}
            response = create(fake, **body)
        headers = "; ".join(f"{name}: {value}" for name, value in response.headers)
        yield f"{response.status} ({headers})"
        if "event-stream" in headers:
            records = chunks(response.pieces)
            yield from (f"{record['sequence_number']} {record['type']}" for record in records)
            whole = records[0]["response"] if records and "response" in records[0] else {}
        else:
            whole = said(response)
            yield response.body.decode()
        if not path and response.status == 200:
            ids.append(whole["id"])


def test_a_dialogue_is_as_written_down() -> None:
    assert [*dialogue()] == GOLDEN.read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in dialogue()), "utf-8")
