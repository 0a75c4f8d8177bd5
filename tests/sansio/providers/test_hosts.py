"""What the dialects of one host share: OpenAI's rules, and the errors that vLLM is known by."""

from __future__ import annotations

import pytest

from sansio import Dialect, InvalidRequestError, Provider, Send
from sansio.providers import dialect_named
from sansio.providers.hosts import cache_key
from tests.sansio.wires import ASK, WEATHER, Record, body_of, config, failure, parse, sse


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


def test_there_is_no_key_of_nothing_and_of_nothing_that_can_be_sent() -> None:
    assert cache_key() is None
    assert cache_key(tools=None, system=[]) is None
    assert cache_key(tools=[object()]) is None


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("kind", ["openai", "azure", "openrouter", "vllm", "ollama", "compatible"])
def test_the_classes_of_a_type_name_it_or_none(kind: str, api: str) -> None:
    mro = type(dialect_named(f"{kind}/{api}")).__mro__
    assert {each.TYPE for each in mro if issubclass(each, Dialect)} == {kind, ""}
