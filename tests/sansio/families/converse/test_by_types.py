"""Converse's words and fields, as botocore's description of the API lists them."""

from __future__ import annotations

from mimetypes import guess_type
from typing import Any

from sansio import AudioPart, DocumentPart, FinishReason, ImagePart, Message, Part, Role
from sansio.families.converse import ConverseDialect
from sansio.families.converse.parts import block_of, part_of
from tests.sansio.families.converse.frames import CLAUDE, NOVA, Record, provider
from tests.sansio.wires import ASK, WEATHER, refusal_of
from tests.support import for_all
from tests.wire_types import amazon_fields, amazon_statuses, amazon_words, needs_types

ELSEWHERE = {"ConflictException"}
"""Errors of other endpoints only."""


@needs_types
def test_an_error_inside_a_stream_has_the_status_that_its_type_has_outside() -> None:
    for name, status in amazon_statuses().items():
        if name not in ELSEWHERE:
            kind = name[:1].lower() + name[1:]
            error = ConverseDialect().build_error({"type": kind, "message": "no"}, 200, {})
            assert (error.status, error.error_type) == (status, kind)


def test_an_internal_failure_is_one_of_the_server() -> None:
    assert ConverseDialect().build_error({"type": "InternalFailure"}, 200, {}).status == 500


def meaning(word: str) -> FinishReason:
    """What a stop reason means, by its name."""
    if "malformed" in word:
        return FinishReason.ERROR
    if "guardrail" in word or "filtered" in word:
        return FinishReason.CONTENT_FILTER
    if "max_tokens" in word or "exceeded" in word:
        return FinishReason.LENGTH
    return FinishReason.TOOL_CALLS if word == "tool_use" else FinishReason.STOP


@needs_types
def test_each_stop_reason_is_known_by_its_meaning() -> None:
    use = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}
    for word in amazon_words("StopReason"):
        content = [use] if word == "tool_use" else [{"text": "Hi"}]
        whole: Record = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": word}
        message = ConverseDialect().parse_response(whole)
        assert (message.finish_reason, message.raw_finish_reason) == (meaning(word), word)


OFFICE = "application/vnd.openxmlformats-officedocument."
NEWER = {"docx": f"{OFFICE}wordprocessingml.document", "xlsx": f"{OFFICE}spreadsheetml.sheet"}
"""Media types that Python does not know everywhere."""


def sent_format(part: Part) -> object:
    block: Any = block_of(part)
    ((_, inner),) = block.items()
    return inner["format"]


@needs_types
def test_each_format_of_a_document_or_an_image_is_sent_for_its_media_type() -> None:
    for word in amazon_words("DocumentFormat"):
        media_type = NEWER.get(word) or guess_type(f"a.{word}")[0]
        assert media_type is not None
        document = DocumentPart(data=b"abc", media_type=media_type)
        assert sent_format(document) == word
        assert refusal_of(provider(), [Message(Role.USER, (document,))]) == ""
    for word in amazon_words("ImageFormat"):
        image = ImagePart(data=b"abc", media_type=f"image/{word}")
        assert sent_format(image) == word
        assert refusal_of(provider(), [Message(Role.USER, (image,))]) == ""
        read = part_of({"image": {"format": word, "source": {"bytes": "YWJj"}}})
        assert read == image


SOUNDS = "aac flac mp3 mp4 ogg opus pcm wav webm"
OTHER_NAMES = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/x-m4a": "m4a"}


@needs_types
def test_sound_is_sent_in_a_format_that_converse_knows() -> None:
    named = {f"audio/{word}": word for word in SOUNDS.split()} | OTHER_NAMES
    assert set(named.values()) <= amazon_words("AudioFormat")
    for media_type, word in named.items():
        sound = AudioPart(data=b"abc", media_type=media_type)
        assert sent_format(sound) == word
        assert refusal_of(provider(), [Message(Role.USER, (sound,))]) == ""


SAID = {"messages", "system", "toolConfig"}
"""Fields that messages and tools say."""
NAMED: dict[str, tuple[Record, Any]] = {
    "requestMetadata": ({"metadata": {"a": "b"}}, {"a": "b"}),
    "serviceTier": ({"service_tier": "flex"}, {"type": "flex"}),
    "projectIdentifier": ({"projectIdentifier": "p"}, "p"),
    "additionalModelResponseFieldPaths": ({"additionalModelResponseFieldPaths": ["/a"]}, ["/a"]),
}
"""Options under other names, and those whose value is not an object."""


@needs_types
def test_each_field_of_a_request_has_an_option_that_writes_it_and_the_fake_takes_it() -> None:
    for field in amazon_fields("ConverseRequest").keys() - SAID:
        value = {"temperature": 0.5} if field == "inferenceConfig" else {"a": "b"}
        options, sent = NAMED.get(field, ({field: value}, value))
        assert provider().prepare(ASK, **options).body[field] == sent
        assert refusal_of(provider(), ASK, **options) == ""


@needs_types
def test_each_field_of_the_inference_has_an_option() -> None:
    given: Record = {"max_tokens": 5, "temperature": 0.5, "top_p": 0.5, "stop": "x"}
    sent: Any = provider().prepare(ASK, **given).body["inferenceConfig"]
    assert sent.keys() == amazon_fields("InferenceConfiguration").keys()
    assert refusal_of(provider(), ASK, **given) == ""


@needs_types
def test_the_tiers_of_service_are_those_that_are_listed() -> None:
    sent: Any = provider().prepare(ASK, max_completion_tokens=5).body["inferenceConfig"]
    assert sent == {"maxTokens": 5}
    for word in amazon_words("ServiceTierType"):
        assert provider().prepare(ASK, service_tier=word).body["serviceTier"] == {"type": word}


SCHEMA: Record = {"name": "x", "schema": {"type": "object"}}


@for_all(
    ("model", ["m", CLAUDE, NOVA]),
    ("options", [{"tool_choice": "auto"}, {"tool_choice": "any"}, {"cache": True}, {"cache": "1h"}]),
)
def test_the_fake_takes_what_is_asked_of_each_maker_s_models(model: str, options: Record) -> None:
    assert refusal_of(provider(model), ASK, [WEATHER], **options) == ""
    assert refusal_of(provider(model, reasoning=True), ASK, [WEATHER], **options) == ""


def test_the_fake_takes_a_schema_as_it_is_sent() -> None:
    plain = {"type": "json_schema", "json_schema": SCHEMA}
    assert refusal_of(provider(), ASK, response_format=plain) == ""
    described = {"type": "json_schema", "json_schema": {**SCHEMA, "description": "An x."}}
    sent: Any = provider().prepare(ASK, response_format=described).body["outputConfig"]
    form = sent["textFormat"]["structure"]["jsonSchema"]
    assert form == {"name": "x", "description": "An x.", "schema": '{"type":"object"}'}


@needs_types
def test_all_is_counted_that_the_endpoint_for_counts_takes() -> None:
    known = amazon_fields("ConverseTokensRequest").keys()
    body: Record = {field: {} for field in amazon_fields("ConverseRequest")}
    counted: Any = provider().dialect.count_tokens(body).body
    assert counted == {"input": {"converse": {field: {} for field in known}}}
