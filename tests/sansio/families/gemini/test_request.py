"""Requests of Gemini: messages, parts and addresses."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sansio import (
    AudioPart,
    ConfigError,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    InvalidToolCall,
    Message,
    Part,
    Provider,
    ProviderConfig,
    ReasoningPart,
    RefusalPart,
    Role,
    Send,
    ServerToolPart,
    TextPart,
    ToolCall,
    UnknownPart,
)
from sansio.families.gemini.parts import wire_of
from sansio.providers.google import vertex_url
from tests.sansio.families.gemini.chunks import JSON, SIGNED, call, google, text, whole
from tests.sansio.families.gemini.test_options import BY_BUDGET, BY_LEVEL, OTHERS
from tests.sansio.wires import ASK, WEATHER, body_of, refusal_of
from tests.support import for_all

PNG = b"\x89PNG\r\n\x1a\n"
IMAGE = base64.b64encode(PNG).decode()
INLINE = {"inlineData": {"mimeType": "image/png", "data": IMAGE}}
SKIPPED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
OLD, NEW = "gemini-2.5-flash", "gemini-3-pro-preview"


def contents(*messages: Message, model: str = OLD) -> list[JSON]:
    found = body_of(google(model), [*ASK, *messages])["contents"]
    assert isinstance(found, list)
    return found[1:]


def refused(*messages: Message, model: str = OLD, **options: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        body_of(google(model), messages, **options)
    return str(caught.value)


def results(message: Message, *more: Message) -> list[Message]:
    return [
        message,
        *(Message("tool", f"{number}", each.id) for number, each in enumerate(message.tool_calls)),
        *more,
    ]


def test_a_whole_conversation_is_written() -> None:
    calls = (ToolCall("a", "f", {"x": 1}), InvalidToolCall("b", "g", "{cut", "cut"))
    body = body_of(
        google(),
        [
            Message("system", "Be short."),
            Message("developer", [TextPart("And kind.")]),
            Message("user", [TextPart("See:"), ImagePart(data=PNG, media_type="image/jpeg")]),
            Message("assistant", calls),
            Message("tool", [TextPart("1"), ImagePart(data=PNG)], "a"),
            Message("tool", "no", "b", is_error=True),
            Message("user", "And?"),
        ],
        [WEATHER],
    )
    assert body["systemInstruction"] == {"parts": [{"text": "Be short."}, {"text": "And kind."}]}
    function = WEATHER["function"]
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": function["name"],
                    "description": function["description"],
                    "parametersJsonSchema": function["parameters"],
                }
            ]
        }
    ]
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "See:"}, INLINE]},
        {
            "role": "model",
            "parts": [
                call(id="a", name="f", args={"x": 1}),
                call(id="b", name="g", args={"INVALID_JSON": "{cut"}),
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"output": "1"}}},
                INLINE,
                {"functionResponse": {"id": "b", "name": "g", "response": {"error": "no"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


def test_an_answer_goes_back_as_it_was() -> None:
    parts = [
        text("Hm.", thought=True),
        text("It ", **SIGNED),
        {"executableCode": {"id": "x1", "language": "PYTHON", "code": "1+1"}} | SIGNED,
        {"codeExecutionResult": {"id": "x1", "outcome": "OUTCOME_OK"}},
        {"toolCall": {"id": "t1", "toolType": "FILE_SEARCH"}},
        {"toolResponse": {"id": "t1", "toolType": "FILE_SEARCH", "response": {"x": [None]}}},
        INLINE | SIGNED,
        {"inlineData": {"mimeType": "audio/wav", "data": IMAGE, "displayName": "a"}},
        {"inlineData": {"mimeType": "video/mp4", "data": IMAGE}},
        {"inlineData": {"mimeType": "image/png", "data": "no base64"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://a/b.pdf"}},
        {"executableCode": {"id": 7, "code": "1"}},
        {"executableCode": 7},
        {"somethingNew": {"a": 1}},
        dict(SIGNED),
        call("f", args={"x": 1}) | SIGNED,
        call("f", id="c2", args={}, x=1),
        text("", **SIGNED),
    ]
    message = whole(*parts)
    assert contents(*results(message))[0] == {"role": "model", "parts": parts}


def test_results_are_in_the_order_of_their_calls_and_name_no_id_that_was_made_up() -> None:
    message = whole(call("f", args={"x": 1}), call("f", args={"x": 2}), call("g", id="c3", args={}))
    _, *said = results(message, Message("user", "So?"))
    third, second, first, asked = said[2], said[1], said[0], said[3]
    *_, answered, _ = contents(message, third, first, second, asked)
    assert answered["parts"] == [
        {"functionResponse": {"name": "f", "response": {"output": "0"}}},
        {"functionResponse": {"name": "f", "response": {"output": "1"}}},
        {"functionResponse": {"id": "c3", "name": "g", "response": {"output": "2"}}},
    ]


def test_a_result_may_be_any_object() -> None:
    asked = Message("assistant", [ToolCall("a", "f")])
    given = Message("tool", "", "a", extra={"response": {"x": 1}, "scheduling": "SILENT"})
    assert contents(asked, given)[1]["parts"] == [
        {"functionResponse": {"id": "a", "name": "f", "response": {"x": 1}, "scheduling": "SILENT"}}
    ]
    assert "response" in refused(*ASK, asked, Message("tool", "1", "a", extra={"response": {"output": 2}}))


def test_newer_models_take_files_in_a_result_and_want_the_first_call_signed() -> None:
    asked = Message("assistant", [ToolCall("a", "f"), ToolCall("b", "f")])
    given = [Message("tool", [ImagePart(data=PNG)], "a"), Message("tool", "1", "b")]
    model, user = contents(asked, *given, model=NEW)
    assert [part.get("thoughtSignature") for part in model["parts"]] == [SKIPPED, None]
    assert user["parts"][0]["functionResponse"]["parts"] == [INLINE]
    own = whole(call("f", args={}) | SIGNED)
    assert contents(*results(own), model=NEW)[0]["parts"][0]["thoughtSignature"] == "c2ln"


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (
            ImagePart(url=f"data:image/gif;base64,{IMAGE}"),
            {"inlineData": {"mimeType": "image/gif", "data": IMAGE}},
        ),
        (
            ImagePart(url="https://e.example/a.JPG?x=1.png"),
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://e.example/a.JPG?x=1.png"}},
        ),
        (
            DocumentPart(
                file_id="https://g.example/files/1", media_type="video/mp4", extra={"videoMetadata": {}}
            ),
            {
                "fileData": {"mimeType": "video/mp4", "fileUri": "https://g.example/files/1"},
                "videoMetadata": {},
            },
        ),
        (
            AudioPart(data=b"RIFFxxxxWAVE"),
            {"inlineData": {"mimeType": "audio/wav", "data": "UklGRnh4eHhXQVZF"}},
        ),
        (UnknownPart("x", {"x": 1}), {"x": 1}),
    ],
)
def test_files_of_the_application(part: Part, sent: JSON) -> None:
    assert contents(Message("user", [part])) == [{"role": "user", "parts": [sent]}]


@pytest.mark.parametrize(
    "message",
    [
        Message("user", [TextPart("See:"), RefusalPart("No.")]),
        Message("user", [TextPart("See:"), ReasoningPart("Hm.")]),
        Message("user", [TextPart("See:"), TextPart("")]),
        Message("user", [TextPart("See:"), ServerToolPart("web_search")]),
        Message("assistant", [TextPart("See:"), AudioPart(transcript="Hi")]),
        Message("user", [TextPart("a"), TextPart("b", extra={"text": "c"})]),
    ],
)
def test_a_part_that_has_no_place_is_refused(message: Message) -> None:
    assert "message 0, part 1" in refused(message)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([Message("system", "Be short.")], "user's message"),
        ([Message("system", [ImagePart(data=PNG)]), *ASK], "in a system message"),
        ([*ASK, Message("system", "Be short.")], "before all"),
        ([Message("user", "Hi", extra={"name": "Ann"})], "name"),
        ([Message("user", "")], "no text"),
        (
            [
                *ASK,
                Message("assistant", [ToolCall("a", "f")]),
                Message("tool", [TextPart("1"), RefusalPart("No.")], "a"),
            ],
            "RefusalPart",
        ),
    ],
)
def test_a_conversation_that_google_would_refuse(messages: list[Message], words: str) -> None:
    assert words in refused(*messages)


def test_what_an_answer_has_and_google_takes_in_no_part_is_reported() -> None:
    message = Message("assistant", [RefusalPart("No."), TextPart("Hi")], origin="google/gemini")
    prepared = google().prepare([*ASK, message, *ASK])
    assert [found.what for found in prepared.left_out] == ["RefusalPart"]
    assert wire_of(ReasoningPart("")) is None


def request(provider: Provider, stream: bool = True, **options: Any) -> Any:
    step = provider.call(ASK, stream=stream, **options).next_step()
    assert isinstance(step, Send)
    return step.request


def test_the_model_is_in_the_address_and_the_key_in_googles_header() -> None:
    sent = request(google())
    assert sent.url == (
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    )
    assert google().authorize(sent, "AIza").headers == (*sent.headers, ("x-goog-api-key", "AIza"))
    assert request(google(), stream=False, model="tunedModels/a b").target == (
        "/v1beta/tunedModels/a%20b:generateContent"
    )
    with pytest.raises(ConfigError):
        google(extra_headers={"x-goog-api-key": "AIza"})


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_vertex_is_at_a_project_and_a_location_and_takes_a_bearer_token(location: str, host: str) -> None:
    provider = Provider(
        ProviderConfig(type="vertex", model="gemini-2.5-pro", base_url=vertex_url("p", location))
    )
    sent = request(provider, stream=False)
    assert sent.url == (
        f"https://{host}/v1/projects/p/locations/{location}/publishers/google/models/gemini-2.5-pro:generateContent"
    )
    assert provider.authorize(sent, "ya29").headers[-1] == ("authorization", "Bearer ya29")
    assert provider.dialect.origin == "vertex/gemini"


def test_the_project_and_the_location_are_steps_of_the_address() -> None:
    host = "https://aiplatform.googleapis.com"
    assert vertex_url("a/b") == f"{host}/v1/projects/a%2Fb/locations/global/publishers/google"
    beta = vertex_url("p", version="v1beta1")
    assert beta == f"{host}/v1beta1/projects/p/locations/global/publishers/google"
    assert vertex_url("p", "us").startswith(
        "https://aiplatform.us.rep.googleapis.com/v1/projects/p/locations/us/"
    )
    assert vertex_url("p", "x/y").endswith("/locations/x%2Fy/publishers/google")


def test_empty_answers_are_left_out() -> None:
    message = Message(Role.ASSISTANT, "", origin="google/gemini")
    assert contents(message, Message("user", "Hm?")) == [{"role": "user", "parts": [{"text": "Hm?"}]}]


# What the fake takes.

CALLS = (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {}))
RESULTS = [
    Message("tool", "1", "a"),
    Message("tool", [TextPart("no"), ImagePart(data=PNG)], "b", is_error=True),
]
CONVERSATIONS: list[list[Message]] = [
    ASK,
    [Message("system", [TextPart("Be short."), UnknownPart("text", {"text": "And kind."})]), *ASK],
    [*ASK, Message("assistant", "Hm."), *ASK],
    [*ASK, Message("assistant", [ReasoningPart("Hm."), TextPart("So.")]), *ASK],
    [*ASK, Message("assistant", [TextPart("So:"), *CALLS]), *RESULTS],
    [*ASK, Message("assistant", CALLS), *RESULTS, Message("assistant", [CALLS[0]]), RESULTS[0], *ASK],
    [*ASK, Message("assistant", [InvalidToolCall("a", "f", "{cut", "cut")]), RESULTS[0], *ASK],
    [
        Message(
            "user",
            [ImagePart(data=PNG), DocumentPart(data=b"%PDF-", name="a"), AudioPart(data=b"RIFFxxxxWAVE")],
        )
    ],
]


@for_all(("model", [OLD, NEW]), ("messages", CONVERSATIONS))
def test_google_takes_a_conversation_as_it_is_sent(model: str, messages: list[Message]) -> None:
    assert refusal_of(google(model), messages) == ""
    assert refusal_of(google(model), messages, stream=False) == ""


@for_all(("model", [*BY_BUDGET.split(), *BY_LEVEL.split(), *OTHERS]))
def test_only_models_known_to_want_signatures_get_one_for_each_turns_first_call(model: str) -> None:
    turns = contents(*CONVERSATIONS[5][1:], model=model)
    signatures = [
        part.get("thoughtSignature") for turn in turns for part in turn["parts"] if "functionCall" in part
    ]
    wanted = SKIPPED if model in BY_LEVEL.split() else None
    assert signatures == [wanted, None, wanted]


def test_thoughts_that_the_application_wrote_are_sent_as_such() -> None:
    sent = contents(Message("assistant", [ReasoningPart("Hm.", {"thoughtSignature": "c2ln"})]))
    assert sent == [{"role": "model", "parts": [text("Hm.", thought=True, **SIGNED)]}]


@for_all(
    (
        ("part", "remedy"),
        [
            (TextPart(""), "leave it out"),
            (ServerToolPart("web_search"), ""),
        ],
    )
)
def test_a_part_without_a_form_is_refused_with_its_place_and_a_remedy(part: Part, remedy: str) -> None:
    for before in ([], [*ASK, Message("assistant", "Hm.")]):
        with pytest.raises(InvalidRequestError, match=f"message {len(before)}, part 1.*{remedy}") as caught:
            body_of(google(), [*before, Message("user", [TextPart("Hi"), part])])
        assert caught.value.index == len(before)


@for_all(
    (
        ("messages", "index"),
        [
            ([*ASK, Message("assistant", CALLS), RESULTS[0], Message("tool", [RefusalPart("No.")], "b")], 3),
            (
                [
                    *ASK,
                    Message("assistant", CALLS),
                    RESULTS[0],
                    Message("tool", "1", "b", extra={"name": "h"}),
                ],
                3,
            ),
            ([*ASK, Message("assistant", "Hm."), Message("user", "")], 2),
            ([Message("system", "a"), Message("system", [ImagePart(data=PNG)]), *ASK], 1),
            ([Message("system", "a"), *ASK, Message("developer", "b")], 2),
            ([*ASK, Message("user", "a", extra={"name": "b"})], 1),
            ([*ASK, Message("assistant", [TextPart("a", extra={"text": "b"})])], 1),
            (
                [
                    *ASK,
                    Message("assistant", [ToolCall("a", "f", extra={"functionCall": {"name": "g"}})]),
                    RESULTS[0],
                ],
                1,
            ),
            (
                [
                    *ASK,
                    Message("assistant", [ToolCall("a", "f", extra={"functionCall": {"args": {"x": 1}}})]),
                    RESULTS[0],
                ],
                1,
            ),
        ],
    )
)
def test_what_is_refused_is_refused_with_the_messages_place(messages: list[Message], index: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"message {index}(?!, part in)") as caught:
        body_of(google(), messages)
    assert caught.value.index == index


def test_sound_that_is_gone_is_refused_with_what_to_send_instead() -> None:
    gone = Message("assistant", [TextPart("See:"), AudioPart(transcript="Hi")])
    assert "TextPart" in refused(*ASK, gone).partition("AudioPart")[2]


@for_all(
    (
        "model",
        [
            "models/m",
            "tunedModels/m",
            "publishers/p/models/m",
            "projects/p/locations/l/models/m",
            "endpoints/5",
        ],
    )
)
def test_a_model_that_has_a_place_of_its_own_keeps_it(model: str) -> None:
    assert request(google(), stream=False, model=model).target == f"/v1beta/{model}:generateContent"


def test_a_result_of_a_call_without_an_id_gets_none_from_its_extra_either() -> None:
    message = whole(call("f", args={}))
    given = Message("tool", "1", message.tool_calls[0].id, extra={"id": "c1"})
    assert "id" in refused(*ASK, message, given)
    error = refused(Message("system", [TextPart("a"), ImagePart(data=PNG)]), *ASK)
    assert "message 0, part 1" in error
    assert "ImagePart" in error


def test_a_call_may_have_arguments_of_any_fields_and_fields_beside_it() -> None:
    call_ = ToolCall(
        "a", "f", {"thoughtSignature": 1}, extra={"thoughtSignature": "c2ln", "functionCall": {"x": 2}}
    )
    sent = contents(Message("assistant", [call_]), RESULTS[0])[0]["parts"]
    assert sent == [call(id="a", name="f", args={"thoughtSignature": 1}, x=2) | SIGNED]


def test_files_of_a_result_are_behind_it_or_in_it() -> None:
    given = [*ASK, Message("assistant", CALLS), *RESULTS[::-1]]
    behind = contents(*given[1:])[1]["parts"]
    assert [next(iter(part)) for part in behind] == ["functionResponse", "functionResponse", "inlineData"]
    inside = contents(*given[1:], model=NEW)[1]["parts"]
    assert [part["functionResponse"]["id"] for part in inside] == ["a", "b"]
    assert ["parts" in part["functionResponse"] for part in inside] == [False, True]
    assert [part["functionResponse"]["response"] for part in inside] == [{"output": "1"}, {"error": "no"}]


def test_a_result_may_be_empty() -> None:
    asked = Message("assistant", [ToolCall("a", "f")])
    assert contents(asked, Message("tool", "", "a"))[1]["parts"] == [
        {"functionResponse": {"id": "a", "name": "f", "response": {"output": ""}}}
    ]


def test_a_part_that_is_refused_is_named_with_its_place_and_what_to_do() -> None:
    asked = Message("assistant", [ToolCall("a", "f")])
    lost = AudioPart(transcript="Hi")
    said = Message("system", "Be short.")
    cases: list[tuple[list[Message], str]] = [
        (
            [said, Message("system", [TextPart("a"), TextPart("")])],
            "message 1, part 1.*TextPart without text",
        ),
        (
            [said, Message("system", [TextPart("a"), ImagePart(data=PNG)])],
            "message 1, part 1.*in a system message",
        ),
        ([Message("user", [TextPart("a"), TextPart("")])], "message 0, part 1.*TextPart without text; leave"),
        ([*ASK, Message("assistant", [TextPart("a"), lost])], "message 1, part 1.*without its sound; give"),
        (
            [*ASK, asked, Message("tool", [TextPart("a"), RefusalPart("No.")], "a")],
            "message 2, part 1.*RefusalPart",
        ),
        (
            [*ASK, asked, Message("tool", [TextPart("a"), TextPart("")], "a")],
            "message 2, part 1.*without text",
        ),
        (
            [Message("user", [TextPart("a"), ServerToolPart("x")])],
            "message 0, part 1.*no ServerToolPart here; leave",
        ),
    ]
    for messages, words in cases:
        with pytest.raises(InvalidRequestError, match=words) as caught:
            google().prepare(messages)
        assert caught.value.index == len(messages) - 1


@for_all(
    (
        ("part", "media_type"),
        [
            (ImagePart(data=b"GIF89a"), "image/gif"),
            (AudioPart(data=b"fLaC"), "audio/flac"),
            (DocumentPart(data=b"%PDF-1.7", media_type="text/plain"), "application/pdf"),
            (DocumentPart(data=b"a,b", media_type="text/csv"), "text/csv"),
            (DocumentPart(url="https://e.example/a", media_type="text/csv"), "text/csv"),
        ],
    )
)
def test_a_file_of_the_application_has_the_media_type_that_its_bytes_show(
    part: Part, media_type: str
) -> None:
    (sent,) = contents(Message("user", [part]))
    (file,) = sent["parts"][0].values()
    assert file["mimeType"] == media_type


def test_what_another_provider_s_answer_may_have_here() -> None:
    said: list[Part] = [
        TextPart("Hi"),
        ImagePart(data=PNG),
        ToolCall("a", "f", extra={"index": 0}),
        ReasoningPart("Hm."),
    ]
    wrong = InvalidToolCall("b", "f", "{", "cut")
    answer = Message("assistant", [*said, wrong], origin="openai/responses")
    prepared = google().prepare(
        [*ASK, answer, Message("tool", "no", "a", is_error=True), Message("tool", "no", "b")]
    )
    assert [found.what for found in prepared.left_out] == ["extra: index", "ReasoningPart"]


def test_all_of_a_model_s_name_is_quoted_but_what_an_address_may_have() -> None:
    for letter in "!\"#$%&'()*+,:;<=>?[\\]^`{|} §":
        sent = request(google(), model=f"a{letter}b").target
        assert sent.startswith(f"/v1beta/models/a%{letter.encode()[0]:02X}"), letter
    for letter in "/@.-_~1":
        assert request(google(), model=f"a{letter}b").target.startswith(f"/v1beta/models/a{letter}b:"), letter
