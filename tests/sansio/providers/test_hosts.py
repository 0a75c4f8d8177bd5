"""What the dialects of one host share: OpenAI's rules, and the errors that vLLM is known by."""

from __future__ import annotations

import pytest

from sansio import (
    AudioPart,
    Dialect,
    ImagePart,
    InvalidRequestError,
    Message,
    Part,
    Provider,
    Role,
    Send,
    TextPart,
    ToolCall,
)
from sansio.providers import dialect_named
from sansio.providers.hosts import cache_key
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config, failure, parse, refused, sse


@pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com", "proxy.example.com", "localhost"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_openais_rules_hold_at_any_address_and_a_compatible_servers_too(host: str, api: str) -> None:
    address = f"https://{host}/v1"
    with pytest.raises(InvalidRequestError, match=r"^temperature: "):
        Provider(config(f"openai/{api}", base_url=address)).prepare(ASK, temperature=3)
    provider = Provider(config(f"compatible/{api}", base_url=address))
    assert body_of(provider, ASK, [WEATHER], temperature=3)["temperature"] == 3


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("BadRequestError", 400),
        ("AuthenticationError", 401),
        ("NotFoundError", 404),
        ("RateLimitError", 429),
        ("InternalServerError", 500),
    ],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_error_in_vllm_s_form_says_that_vllm_has_a_type(kind: str, code: int, api: str) -> None:
    """vLLM's `ErrorResponse`: the name of an exception, with the status as a number."""
    error: Record = {"message": "no", "type": kind, "param": None, "code": code}
    for type in ("openai", "compatible"):
        found = dialect_named(f"{type}/{api}").error_in({"error": error}, code)
        assert found is not None
        assert "type='vllm'" in str(found)
    for other in ({**error, "type": f"My{kind}"}, {**error, "code": str(code)}):
        found = dialect_named(f"openai/{api}").error_in({"error": other}, code)
        assert found is not None
        assert "type='vllm'" not in str(found)
    assert "type='vllm'" not in str(failure(parse("vllm", [sse({"error": error})])))


def test_azures_classic_surface_has_models_and_responses_beside_the_deployments() -> None:
    version = "?api-version=2024-10-21"
    chat, responses = (Provider(config(kind)) for kind in ("azure", "azure/responses"))
    assert responses.prepare(ASK).url == f"https://res.openai.azure.com/openai/responses{version}"
    assert chat.prepare(ASK).url == (
        f"https://res.openai.azure.com/openai/deployments/gpt-4o/chat/completions{version}"
    )
    for provider in (chat, responses):
        step = provider.list_models().next_step()
        assert isinstance(step, Send)
        assert step.request.target == f"/openai/models{version}"
    step = chat.embed("a").next_step()
    assert isinstance(step, Send)
    assert step.request.target == f"/openai/deployments/gpt-4o/embeddings{version}"


def test_a_key_of_the_cache_is_a_short_hash_of_the_beginning() -> None:
    key = cache_key(tools=[WEATHER], system=None)
    assert key is not None
    assert len(key) == 32
    assert int(key, 16)
    assert key == cache_key(tools=[WEATHER], system=None)
    others = [cache_key(tools=[WEATHER], system=["Be brief."]), cache_key(tools=None, system=["Be brief."])]
    assert len({key, *others}) == 3


def test_an_empty_key_and_one_that_cannot_be_sent_are_refused() -> None:
    assert cache_key() is None
    assert cache_key(tools=None, system=[]) is None
    assert cache_key(tools=[object()]) is None
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert cache_key(tools=deep) is None


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("kind", ["openai", "azure", "openrouter", "vllm", "ollama", "compatible"])
def test_the_classes_of_a_type_name_it_or_none(kind: str, api: str) -> None:
    mro = type(dialect_named(f"{kind}/{api}")).__mro__
    assert {each.TYPE for each in mro if issubclass(each, Dialect)} == {kind, ""}


STRICT = ("openai", "azure")
"""Hosts whose schema names the words, the signs and the formats that they take."""
CHECKED = (*STRICT, "openrouter", "vllm")
"""Hosts whose schema names the words for a choice of tools."""
LEFT = ("compatible", "groq")
"""Types about which nothing of that is known."""


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_choice_that_a_host_does_not_know_is_refused_with_those_that_it_does(api: str) -> None:
    for kind in CHECKED:
        error = refused(f"{kind}/{api}", *ASK, tools=[WEATHER], tool_choice="sometimes")
        assert "use one of none, auto, required" in error.message
        for word in ("none", "auto", "required"):
            assert (
                body_of(Provider(config(f"{kind}/{api}")), ASK, [WEATHER], tool_choice=word)["tool_choice"]
                == word
            )
    compatible = Provider(config(f"compatible/{api}"))
    assert body_of(compatible, ASK, [WEATHER], tool_choice="sometimes")["tool_choice"] == "sometimes"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_tool_s_name_has_the_signs_of_its_host(api: str) -> None:
    spaced: Record = {"type": "function", "function": {"name": "a b", "parameters": {"type": "object"}}}
    for kind in STRICT:
        assert "call it 'a_b'" in refused(f"{kind}/{api}", *ASK, tools=[spaced]).message
    for kind in ("compatible", "openrouter", "vllm"):
        assert "a b" in str(body_of(Provider(config(f"{kind}/{api}")), ASK, [spaced])["tools"])


def test_sound_has_the_formats_of_its_host() -> None:
    ogg = Message(Role.USER, (TextPart("Listen:"), AudioPart(data=b"OggS", media_type="audio/ogg")))
    for kind in STRICT:
        error = refused(kind, ogg)
        assert "audio/ogg; convert it to one of mp3, wav" in error.message
        assert error.index == 0
    for kind in ("openrouter", "vllm", *LEFT):
        assert "ogg" in str(body_of(Provider(config(kind)), [ogg])["messages"])


def test_files_are_in_messages_of_the_user_where_the_host_says_so() -> None:
    sound = AudioPart(data=b"RIFFxxxxWAVE", media_type="audio/wav")
    parts: tuple[Part, ...] = (ImagePart(data=b"\x89PNG\r\n\x1a\n"), sound)
    for part in parts:
        for role in (Role.SYSTEM, Role.DEVELOPER):
            message = Message(role, (TextPart("See:"), part))
            for kind in (*STRICT, "openrouter"):
                error = refused(kind, message, *ASK)
                assert f"part 1: {kind}/chat takes no {type(part).__name__}" in error.message
                assert f"of the role {role.value}; put it into a user's message" in error.message
            for kind in ("vllm", *LEFT):
                assert body_of(Provider(config(kind)), [message, *ASK])["messages"]
    called = Message(Role.ASSISTANT, (ToolCall("a", "f"),))
    result = Message(Role.TOOL, (TextPart("See:"), parts[0]), "a")
    for kind in STRICT:
        assert "of the role tool" in refused(kind, *ASK, called, result, tools=[WEATHER]).message
    for kind in ("openrouter", "vllm", *LEFT):
        assert body_of(Provider(config(kind)), [*ASK, called, result], [WEATHER])["messages"]
