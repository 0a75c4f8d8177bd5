"""Media types: the bytes count for more than what a part says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import AudioPart, DocumentPart, ImagePart
from sansio.families.media import media_type_of

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
