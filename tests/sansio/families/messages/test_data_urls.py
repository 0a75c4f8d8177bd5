"""`data:` URLs, which Anthropic does not take as addresses: sent as the bytes that they hold."""

from __future__ import annotations

import pytest

from sansio import DocumentPart, ImagePart, InvalidRequestError, Message, Part, Provider, Role
from tests.sansio.wires import body_of, config


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (
            ImagePart(url="data:image/gif;base64,QUJD"),
            {"type": "base64", "media_type": "image/gif", "data": "QUJD"},
        ),
        (
            DocumentPart(url="data:application/pdf;base64,JVBERi0="),
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        ),
    ],
)
def test_a_data_url_is_sent_as_its_bytes(part: Part, source: object) -> None:
    sent = body_of(Provider(config("anthropic")), [Message(Role.USER, (part,))])
    assert sent["messages"][0]["content"][0]["source"] == source


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,%%%", "data:image/png;base64,", "data:image/png,abc", "data:"]
)
def test_a_data_url_without_valid_base64_is_refused_with_its_place(url: str) -> None:
    words = r"message 0, part 0: .*base64; give the bytes instead"
    with pytest.raises(InvalidRequestError, match=words) as caught:
        Provider(config("anthropic")).prepare([Message(Role.USER, (ImagePart(url=url),))])
    assert "ImagePart(data=..., media_type='image/png" in str(caught.value)


def test_the_advice_has_the_type_that_was_given() -> None:
    part = DocumentPart(url="data:application/pdf;base64,%%%")
    with pytest.raises(InvalidRequestError, match=r"DocumentPart\(data=..., media_type='application/pdf'\)"):
        Provider(config("anthropic")).prepare([Message(Role.USER, (part,))])
