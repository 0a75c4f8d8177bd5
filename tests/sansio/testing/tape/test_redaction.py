"""What a tape does not show of a request, and what it does."""

from __future__ import annotations

import pytest

from sansio import Provider, Request, Send
from sansio.testing.tape import HIDDEN
from sansio.testing.tape.redaction import Redaction
from tests.sansio.wires import ASK, RESPONSES, TYPES, config
from tests.support import for_each

SECRET = "a-value-that-is-secret"
WORDS = ("auth", "key", "token", "secret", "password", "credential")
OF_HEADERS = (*WORDS, "cookie", "sign")
OF_PARAMETERS = (*WORDS, "sig")


def shorter(words: tuple[str, ...]) -> list[str]:
    """The words with one letter less, without those that have another of the words inside."""
    found = {word[:at] + word[at + 1 :] for word in words for at in range(len(word))}
    return sorted(each for each in found if not any(word in each for word in words))


def header_of(name: str) -> str:
    """The value of a header on a tape whose author wants it shown."""
    request = Request.get("http://a.test/", ((name, SECRET), ("x-other", f"of {SECRET}")))
    redaction = Redaction(request, frozenset((name, "x-other")))
    values = dict(redaction.request.headers)
    assert (values["x-other"] == f"of {SECRET}") == (values[name] == SECRET)
    return values[name]


@for_each(OF_HEADERS)
def test_a_header_whose_name_says_that_it_holds_a_key_is_hidden(word: str) -> None:
    for name in (word, f"x-{word}", f"{word}ed", f"x-my-{word}-2"):
        assert header_of(name) == HIDDEN


@for_each([*shorter(OF_HEADERS), "automatic", "truth", "broker", "journey", "broken", "sigma", "ignore"])
def test_a_header_of_another_name_is_shown_if_that_is_wanted(name: str) -> None:
    assert header_of(f"x-{name}-") == SECRET


def url_of(query: str) -> str:
    return Redaction(Request.get(f"http://a.test/b?{query}", ())).request.url.partition("?")[2]


@for_each(OF_PARAMETERS)
def test_a_parameter_whose_name_says_that_it_holds_a_key_is_hidden(word: str) -> None:
    for name in (word, word.upper(), f"x{word}y"):
        assert url_of(f"{name}={SECRET}&a=b") == f"{name}={HIDDEN}&a=b"
        assert url_of(f"a=b&{name}={SECRET}") == f"a=b&{name}={HIDDEN}"
        assert url_of(f"{name}=&a=b") == f"{name}=&a=b"


@for_each(shorter(OF_PARAMETERS))
def test_a_parameter_of_another_name_is_shown(name: str) -> None:
    assert url_of(f"{name}={SECRET}") == f"{name}={SECRET}"
    assert url_of(f"a={name}key&b=token") == f"a={name}key&b=token"


@pytest.mark.parametrize("kind", [*TYPES, *RESPONSES])
def test_what_the_library_itself_sends_is_shown_except_the_key(kind: str) -> None:
    provider = Provider(config(kind))
    step = provider.call(ASK).next_step()
    assert isinstance(step, Send)
    signed = provider.authorize(step.request, SECRET)
    for (name, value), (_, shown) in zip(signed.headers, Redaction(signed).request.headers, strict=True):
        assert shown == (HIDDEN if SECRET in value else value), name


@pytest.mark.parametrize("name", ["http-referer", "x-title", "anthropic-beta", "openai-beta"])
def test_a_header_that_servers_document_is_shown_and_one_like_it_is_not(name: str) -> None:
    for given, seen in ((name, "value"), (f"{name}s", HIDDEN), (name[1:], HIDDEN)):
        headers = Redaction(Request.get("http://a.test/", ((given, "value"),))).request.headers
        assert (given, seen) in headers


@pytest.mark.parametrize("name", ["Set-Cookie", "set-cookie", "SET-COOKIE2"])
def test_a_response_s_cookies_are_hidden(name: str) -> None:
    redaction = Redaction(Request.get("http://a.test/", ()))
    headers = ((name, "a=b"), ("x-cookie", "a=b"))
    assert redaction.mask_headers(headers) == ((name, HIDDEN), ("x-cookie", "a=b"))


@pytest.mark.parametrize(("key", "hidden"), [("1234567", False), ("12345678", True)])
def test_a_key_of_8_characters_is_searched_for_and_a_shorter_one_is_not(key: str, hidden: bool) -> None:
    redaction = Redaction(Request.get("http://a.test/", (("x-api-key", key),)))
    text = f"it is {key}."
    masked = text.replace(key, "*" * len(key)) if hidden else text
    assert redaction.mask(text.encode()) == masked.encode()
    assert redaction.mask_text(text) == masked
    assert redaction.passes(text.encode()) is not hidden


def test_a_key_is_found_in_each_form_that_it_has() -> None:
    key = "sk/with+signs=1"
    redaction = Redaction(Request.get("http://a.test/", (("authorization", f"Bearer {key}"),)))
    for form in (key, "sk%2Fwith%2Bsigns%3D1", "sk\\/with+signs=1"):
        assert redaction.mask(f"<{form}>".encode()) == b"<" + b"*" * len(form) + b">"
    assert redaction.mask(f"Bearer {key}".encode()) == b"Bearer " + b"*" * len(key)
    parameter = Redaction(Request.get("http://a.test/?key=sk%2Fwith%2Bsigns%3D1", ()))
    assert parameter.mask(key.encode()) == b"*" * len(key)


KEY = "abcdefgh-secret"


@pytest.mark.parametrize("size", range(len(KEY) + 2))
def test_the_beginning_of_a_key_at_the_end_is_noticed(size: int) -> None:
    redaction = Redaction(Request.get("http://a.test/", (("x-api-key", KEY),)))
    data = b"xyz." + KEY[:size].encode()
    assert redaction.begun(data) == (size if size < len(KEY) else 0)
    assert redaction.passes(data) is (size == 0)
    end = b"*" * size if 4 <= size < len(KEY) else KEY[:size].encode()
    assert redaction.mask_end(data) == b"xyz." + end
    assert redaction.begun(KEY[:size].encode()) == (size if size < len(KEY) else 0)
    assert redaction.passes(b"")
