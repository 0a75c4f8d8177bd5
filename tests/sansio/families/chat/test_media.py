"""Images, sound and documents in a request: the forms that each server takes, and clear refusals."""

from __future__ import annotations

import pytest

from sansio import (
    AudioPart,
    DocumentPart,
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    Role,
    TextPart,
    ToolCall,
    UnknownPart,
)
from tests.sansio.wires import ASK, COMPATIBLE, body_of, config, refused, sent
from tests.support import for_all

NOTES = DocumentPart(data="Grüße".encode(), media_type="text/plain", name="notes.txt")
PDF = DocumentPart(data=b"%PDF")
CALL = Message(Role.ASSISTANT, (ToolCall("a", "look"),))


def tool_result(*parts: Part) -> list[Message]:
    return [*ASK, CALL, Message(Role.TOOL, parts, tool_call_id="a")]


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_a_text_document_is_a_file_where_files_are_taken(kind: str) -> None:
    [block] = sent(kind, Message(Role.USER, (NOTES,)))[0]["content"]
    assert block["file"] == {"filename": "notes.txt", "file_data": "data:text/plain;base64,R3LDvMOfZQ=="}


@pytest.mark.parametrize("kind", ["openrouter", "vllm", "ollama"])
def test_elsewhere_a_text_document_is_text_under_its_name(kind: str) -> None:
    nameless = DocumentPart(data=b"Hi", media_type="text/markdown", extra={"x": 1})
    assert sent(kind, Message(Role.USER, (NOTES, nameless)))[0]["content"] == [
        {"type": "text", "text": "notes.txt\n\nGrüße"},
        {"type": "text", "text": "Hi", "x": 1},
    ]


def test_a_compatible_server_gets_a_text_document_as_text_and_a_pdf_as_a_file() -> None:
    provider = Provider(config("compatible"))
    text, file = body_of(provider, [Message(Role.USER, (NOTES, PDF))])["messages"][0]["content"]
    assert (text["type"], file["type"]) == ("text", "file")


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_a_text_document_in_a_tool_result_is_text(kind: str) -> None:
    assert sent(kind, *tool_result(NOTES))[2]["content"][0]["type"] == "text"


@pytest.mark.parametrize("kind", ["vllm", "ollama"])
@pytest.mark.parametrize(
    "part",
    [
        PDF,
        DocumentPart(file_id="file-1"),
        DocumentPart(url="https://example.com/a.txt", media_type="text/plain"),
        DocumentPart(data=b"\xff", media_type="text/plain"),
    ],
)
def test_a_document_that_is_no_text_is_refused_where_there_are_no_files(kind: str, part: Part) -> None:
    error = refused(kind, Message(Role.USER, (TextPart("Read:"), part)))
    assert error.index == 0
    assert "message 0, part 1" in str(error)
    assert "DocumentPart" in str(error)


@pytest.mark.parametrize("kind", ["openai", "azure"])
@pytest.mark.parametrize("part", [ImagePart(url="https://example.com/a.png"), AudioPart(data=b"x"), PDF])
def test_only_a_user_may_show_media_to_openai(kind: str, part: Part) -> None:
    with pytest.raises(InvalidRequestError, match="put it into a user's message") as caught:
        Provider(config(kind)).prepare(tool_result(TextPart("See:"), part))
    assert caught.value.index == 2
    assert "message 2, part 1" in str(caught.value)
    for role in (Role.SYSTEM, Role.DEVELOPER):
        refused(kind, Message(role, (TextPart("See:"), part)), *ASK)


@pytest.mark.parametrize("kind", ["openrouter", "vllm", "ollama"])
def test_others_take_an_image_in_a_tool_result(kind: str) -> None:
    block = sent(kind, *tool_result(ImagePart(data=b"\x89PNG")))[2]["content"][0]
    assert block == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}


def test_openrouters_system_message_has_text_only() -> None:
    assert "role system" in str(refused("openrouter", Message(Role.SYSTEM, (ImagePart(url="u"),)), *ASK))


def test_openrouter_takes_a_document_by_its_address() -> None:
    part = DocumentPart(url="https://example.com/a.pdf", name="a.pdf", extra={"x": 1})
    assert sent("openrouter", Message(Role.USER, (part,)))[0]["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "https://example.com/a.pdf"}, "x": 1}
    ]


def test_vllm_takes_sound_by_its_address() -> None:
    part = AudioPart(url="https://example.com/a.wav", extra={"uuid": "1"})
    assert sent("vllm", Message(Role.USER, (part,)))[0]["content"] == [
        {"type": "audio_url", "audio_url": {"url": "https://example.com/a.wav"}, "uuid": "1"}
    ]


@pytest.mark.parametrize("kind", COMPATIBLE)
@pytest.mark.parametrize("role", [Role.SYSTEM, Role.DEVELOPER, Role.USER])
def test_a_block_that_the_application_wrote_itself_is_sent_as_it_is(kind: str, role: Role) -> None:
    block = UnknownPart("video_url", {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}})
    assert sent(kind, Message(role, (block,)), *ASK)[0]["content"] == [block.extra]


PNG = b"\x89PNG\r\n\x1a\n"
SOUNDS = [
    (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav", "wav"),
    (b"ID3\x04", "audio/wav", "mp3"),
    (b"\xff\xfb\x90", "audio/wav", "mp3"),
    (b"\xff\xf3\x90", "audio/wav", "mp3"),
    (b"?", "audio/vnd.wave", "wav"),
    (b"?", "audio/mpeg", "mp3"),
]


@pytest.mark.parametrize("kind", COMPATIBLE)
def test_an_image_is_sent_as_what_its_bytes_are(kind: str) -> None:
    [block] = sent(kind, Message(Role.USER, (ImagePart(data=PNG, media_type="image/jpeg"),)))[0]["content"]
    assert block["image_url"]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize("kind", ["openai", "azure", "openrouter"])
def test_a_document_is_sent_as_what_its_bytes_are(kind: str) -> None:
    document = DocumentPart(data=b"%PDF-1.7", media_type="application/octet-stream")
    [block] = sent(kind, Message(Role.USER, (document,)))[0]["content"]
    assert block["file"]["file_data"].startswith("data:application/pdf;base64,")


@for_all(("kind", COMPATIBLE), (("data", "said", "form"), SOUNDS))
def test_sound_has_the_format_that_its_bytes_show_or_else_its_media_type(
    kind: str, data: bytes, said: str, form: str
) -> None:
    [block] = sent(kind, Message(Role.USER, (AudioPart(data=data, media_type=said),)))[0]["content"]
    assert block["input_audio"]["format"] == form


@pytest.mark.parametrize("kind", ["openai", "azure"])
@pytest.mark.parametrize(("data", "said"), [(b"OggS", "audio/wav"), (b"?", "audio/aac")])
def test_openai_takes_wav_and_mp3_only_and_the_refusal_says_so(kind: str, data: bytes, said: str) -> None:
    part = AudioPart(data=data, media_type=said)
    error = refused(kind, *ASK, Message(Role.USER, (TextPart("Listen."), part)))
    assert "message 1, part 1" in str(error)
    assert "mp3, wav" in str(error)
    assert ("audio/ogg" if data == b"OggS" else said) in str(error)


@pytest.mark.parametrize("kind", ["openrouter", "vllm", "ollama"])
@pytest.mark.parametrize(
    ("said", "form"), [("audio/ogg", "ogg"), ("audio/x-flac", "flac"), ("audio/mp4", "m4a")]
)
def test_others_get_sound_of_any_format(kind: str, said: str, form: str) -> None:
    [block] = sent(kind, Message(Role.USER, (AudioPart(data=b"?", media_type=said),)))[0]["content"]
    assert block["input_audio"]["format"] == form


def test_a_compatible_server_gets_sound_of_any_format() -> None:
    provider = Provider(config("compatible"))
    asked = Message(Role.USER, (AudioPart(data=b"fLaC"),))
    [block] = body_of(provider, [asked])["messages"][0]["content"]
    assert block["input_audio"]["format"] == "flac"
