"""Translation at its edges: what a client leaves out, what nests too deep, and what only one family knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sansio import ConfigError, InvalidRequestError, Limits, Provider, ProviderError
from sansio.translate import (
    AnswerHead,
    AnswerTranslator,
    StreamTranslator,
    read_request,
    register_serving,
    serving_of,
    translate_request,
    write_error,
)
from tests.sansio.wires import DONE, Record, chunk, config, sse

HI: list[Record] = [{"role": "user", "content": "Hi"}]
CHAT: Record = {"model": "their-model", "messages": HI}


def target(kind: str = "anthropic") -> Provider:
    return Provider(config(kind, model="our-model"))


@pytest.mark.parametrize("reported", [True, False])
def test_an_answer_has_the_model_that_the_client_named_and_the_id_that_the_server_gives(
    reported: bool,
) -> None:
    streamed: Record = {"stream": True, "stream_options": {"include_usage": reported}}
    asked = read_request("chat", CHAT | streamed, target())
    assert (asked.model, asked.stream, asked.include_usage) == ("their-model", True, reported)
    head = AnswerHead(model="their-model", response_id="r", created=5, include_usage=reported)
    assert asked.head("r", 5) == head
    assert asked.head("r").created == 0


def test_a_client_that_names_no_model_gets_an_answer_of_an_unknown_one() -> None:
    asked = read_request("chat", {"messages": [*HI]}, target())
    assert (asked.model, asked.stream, asked.include_usage) == (None, False, False)
    assert asked.head("r").model == "unknown"


def test_the_provider_s_model_is_asked_for_unless_another_is_given() -> None:
    for model, wanted in ((None, "our-model"), ("third", "third")):
        made = translate_request("chat", CHAT, target(), model=model)
        assert made.prepared.body["model"] == wanted
        assert made.asked.model == "their-model"


def test_a_body_is_read_as_deep_as_the_limits_allow() -> None:
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    body = json.dumps(CHAT | {"metadata": {"a": deep}}).encode()
    with pytest.raises(InvalidRequestError, match=r"^the request's body: .*nest"):
        read_request("chat", body, target("openai"), Limits(max_json_depth=10))
    assert read_request("chat", json.dumps(CHAT).encode(), target(), Limits(max_json_depth=10)).model


def test_bytes_of_a_body_that_are_not_utf_8_are_replaced() -> None:
    body = json.dumps(CHAT).encode().replace(b"Hi", b"H\xff")
    (message,) = read_request("chat", body, target()).messages
    assert message.text == "H\ufffd"


def test_what_only_the_client_s_family_knows_is_reported_as_an_option() -> None:
    given: Record = {"moderation": {"x": 1}, "temperature": 0.5, "seed": 7}
    asked = read_request("chat", CHAT | given, target())
    assert asked.options["temperature"] == 0.5
    assert "moderation" not in asked.options
    (loss,) = asked.left_out
    assert (loss.what, loss.option) == ("option", "moderation")
    assert "anthropic/messages has no such option" in loss.why
    # A portable option is kept: the dialect that sends it reports it if the provider does not have it.
    assert asked.options["seed"] == 7
    made = translate_request("chat", CHAT | given, target())
    assert [each.option for each in made.prepared.left_out] == ["moderation", "seed"]
    same = read_request("chat", CHAT | given, target("openai"))
    assert (same.options["moderation"], same.left_out) == (given["moderation"], ())


@pytest.mark.parametrize("name", ["", "a/b", "chat", "messages", "responses"])
def test_a_name_of_a_family_that_cannot_be_taken_is_refused_with_its_field(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        register_serving(name, serving_of("chat"))
    assert caught.value.field == "api"
    assert repr(name) in caught.value.message


def test_a_family_without_a_half_for_servers_is_an_error_that_names_those_with_one() -> None:
    for make in (serving_of, lambda api: AnswerTranslator(api, AnswerHead())):
        with pytest.raises(ConfigError, match=r"'cohere'; use one of chat, messages, responses") as caught:
            make("cohere")
        assert caught.value.field == "api"


def test_a_translator_is_finished_with_its_answer() -> None:
    translator = StreamTranslator("openai", "messages", AnswerHead())
    assert b"Hi" in translator.receive_data(sse(chunk({"content": "Hi"}, "stop")))
    assert not translator.finished
    assert b"message_stop" in translator.receive_data(DONE) + translator.receive_eof()
    assert (translator.finished, translator.left_out) == (True, ())


def test_the_framing_of_a_stream_goes_by_its_content_type() -> None:
    line = json.dumps(chunk({"content": "Hi"}, "stop")).encode() + b"\n"
    lines = StreamTranslator("openai", "messages", AnswerHead(), content_type="application/x-ndjson")
    assert b'"text":"Hi"' in lines.receive_data(line) + lines.receive_eof()
    events = StreamTranslator("openai", "messages", AnswerHead())
    assert b'"text":"Hi"' not in events.receive_data(line) + events.receive_eof()


def test_an_error_is_written_without_losses() -> None:
    written = write_error("chat", ProviderError("no"))
    assert written.left_out == ()
    assert written.status >= 400
    assert "no" in json.loads(written.body)["error"]["message"]


@pytest.mark.parametrize("kind", ["anthropic", "bedrock/invoke", "bedrock/messages"])
def test_a_host_of_the_client_s_own_family_is_asked_with_what_only_that_family_knows(kind: str) -> None:
    marked: Record = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    body: Record = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [marked]}]}
    asked = read_request("messages", body, target(kind))
    assert (asked.messages[0].parts[0].extra, asked.left_out) == (
        {"cache_control": {"type": "ephemeral"}},
        (),
    )
    other = read_request("messages", body, target("openai"))
    assert other.messages[0].parts[0].extra == {}
    assert len(other.left_out) == 1


def test_an_unknown_option_is_left_to_the_client_s_own_family() -> None:
    unheard: Record = {**CHAT, "unheard": 1}
    own = read_request("chat", unheard, target("openai"))
    assert (own.options["unheard"], own.left_out) == (1, ())
    other = read_request("chat", unheard, target())
    assert "unheard" not in other.options
    assert [each.option for each in other.left_out] == ["unheard"]
