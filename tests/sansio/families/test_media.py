"""Media types: the bytes count for more than what a part says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import AudioPart, DocumentPart, ImagePart, Part, TextPart
from sansio.families.media import (
    data_in,
    document_text,
    is_text_document,
    media_type_of,
    not_as_text,
    with_true_type,
)

BEGINNINGS = [
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
    (b"GIF87a\x01\x00", "image/gif"),
    (b"GIF89a\x01\x00", "image/gif"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
    (b"ID3\x04\x00", "audio/mpeg"),
    (b"\xff\xfb\x90\x64", "audio/mpeg"),
    (b"\xff\xf3\x40\xc4", "audio/mpeg"),
    (b"OggS\x00\x02", "audio/ogg"),
    (b"fLaC\x00\x00", "audio/flac"),
    (b"%PDF-1.7\n", "application/pdf"),
]
"""How files of these types begin."""


@pytest.mark.parametrize(("data", "media_type"), BEGINNINGS)
def test_a_file_is_known_by_its_beginning(data: bytes, media_type: str) -> None:
    assert media_type_of(ImagePart(data=data, media_type="image/tiff")) == media_type
    assert media_type_of(AudioPart(data=data, media_type="audio/midi")) == media_type
    assert media_type_of(DocumentPart(data=data, media_type="text/plain")) == media_type


@given(st.sampled_from(BEGINNINGS), st.binary(min_size=1, max_size=3))
def test_the_same_bytes_further_on_mean_nothing(known: tuple[bytes, str], before: bytes) -> None:
    data = b"x" + before + known[0]
    assert media_type_of(ImagePart(data=data, media_type="image/tiff")) == "image/tiff"


@pytest.mark.parametrize("data", [b"x", b"RIFF\x24\x00\x00\x00AVI LIST", b"\xff\xd8", b"%PD"])
def test_other_bytes_are_what_the_part_says(data: bytes) -> None:
    assert media_type_of(DocumentPart(data=data, media_type="a/b")) == "a/b"


def test_an_image_gets_the_type_that_its_bytes_show() -> None:
    png = ImagePart(data=BEGINNINGS[0][0], media_type="image/jpeg", detail="low", extra={"own": 1})
    true = with_true_type(png)
    assert (true.media_type, true.data, true.detail, true.extra) == ("image/png", png.data, "low", {"own": 1})
    assert with_true_type(true) == true


NOTE = DocumentPart(data=b"A note.", media_type="text/plain")


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (NOTE, "A note."),
        (DocumentPart(data=b"A note.", media_type="text/markdown", name="n"), "n\n\nA note."),
        (DocumentPart(data=b"\xe9", media_type="text/plain"), None),
        (DocumentPart(data=b"%PDF-1", media_type="application/pdf"), None),
        (DocumentPart(url="https://e/a", media_type="text/plain"), None),
    ],
)
def test_a_text_document_is_its_name_and_its_text(part: DocumentPart, text: str | None) -> None:
    assert document_text(part) == text
    assert is_text_document(part) == (part.data is not None and part.media_type.startswith("text/"))


def test_only_documents_with_data_of_text_are_text_documents() -> None:
    assert is_text_document(NOTE)
    assert not is_text_document(TextPart("A note."))
    assert not is_text_document(ImagePart(data=b"x", media_type="text/plain"))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (NOTE, "of text/plain"),
        (DocumentPart(data=b"%PDF-1", media_type="text/plain"), "of application/pdf"),
        (DocumentPart(url="https://e/a"), "of application/pdf"),
        (DocumentPart(url="https://e/a", media_type="text/plain"), ""),
        (ImagePart(url="https://e/a"), ""),
    ],
)
def test_what_to_write_in_place_of_a_document(part: Part, said: str) -> None:
    assert not_as_text(part).startswith(said)
    assert bool(not_as_text(part)) == bool(said)
    assert ("TextPart" in not_as_text(part)) == bool(said)


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("data:image/png;base64,iVBORw==", ("image/png", b"\x89PNG")),
        ("data:;base64,iVBORw==", ("", b"\x89PNG")),
        ("data:image/png;base64,%", None),
        ("data:image/png,iVBORw==", None),
        ("https://e/;base64,iVBORw==", None),
        ("", None),
    ],
)
def test_a_data_url_holds_bytes_of_a_type(url: str, held: tuple[str, bytes] | None) -> None:
    assert data_in(url) == held
