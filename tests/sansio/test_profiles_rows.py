"""Where each built-in type is, its key, and what its own documentation says of a request and an answer."""

from __future__ import annotations

import string
from typing import Any

import pytest

from sansio import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    DocumentPart,
    InternalServerError,
    InvalidRequestError,
    Message,
    Provider,
    ProviderConfig,
    RateLimitError,
    ReasoningPart,
    Role,
    TextPart,
)
from sansio.profiles import BUILT_IN
from sansio.providers import dialect_named
from tests.sansio.wires import ASK, Record, body_of, completion, config

WHERE = {
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    "ollama": ("http://localhost:11434/v1", None),
    "vllm": ("http://localhost:8000/v1", None),
    "cohere": ("https://api.cohere.com", "CO_API_KEY"),
    "deepseek": ("https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    "xai": ("https://api.x.ai/v1", "XAI_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "moonshot": ("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "zai": ("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
    "together": ("https://api.together.ai/v1", "TOGETHER_API_KEY"),
    "fireworks": ("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "cerebras": ("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "huggingface": ("https://router.huggingface.co/v1", "HF_TOKEN"),
    "github-models": ("https://models.github.ai/inference", "GITHUB_TOKEN"),
    "lmstudio": ("http://localhost:1234/v1", None),
    "llamacpp": ("http://localhost:8080/v1", None),
    "sglang": ("http://localhost:30000/v1", None),
    "alibaba": ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "minimax": ("https://api.minimax.io/v1", "MINIMAX_API_KEY"),
    "perplexity": ("https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    "nvidia": ("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    "sambanova": ("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "gemini-openai": ("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "google": ("https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"),
}
"""The address and the key's variable that each provider's documentation and its own client name."""

PATHS = {
    "anthropic": "/v1/messages",
    "cohere": "/v2/chat",
    "google": "/models/m:streamGenerateContent?alt=sse",
}
"""Where the types answer that do not speak chat completions."""


@pytest.mark.parametrize(("name", "where"), WHERE.items())
def test_a_type_is_where_its_documentation_says_and_reads_the_key_of_its_client(
    name: str, where: tuple[str, str | None]
) -> None:
    url, variable = where
    made = ProviderConfig(type=name, model="m")
    assert made.base_url == url
    assert made.key_variables[:1] == (() if variable is None else (variable,))
    path = PATHS.get(name, "/chat/completions")
    assert Provider(made).prepare(ASK).url == url + path


def test_each_type_that_has_an_address_is_known_here() -> None:
    fixed = {name for name, row in BUILT_IN.items() if row.base_url is not None and not row.region_env}
    assert fixed == WHERE.keys()


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("azure", ("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY")),
        ("bedrock", ("AWS_BEARER_TOKEN_BEDROCK",)),
        ("gemini-openai", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
        ("google", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
        ("vertex", ("GOOGLE_OAUTH_ACCESS_TOKEN",)),
    ],
)
def test_some_keys_have_two_variables_or_none_of_the_type_s_name(
    name: str, variables: tuple[str, ...]
) -> None:
    assert config(name).key_variables == variables


@pytest.mark.parametrize(
    ("name", "api", "example"),
    [
        ("azure", "chat", "https://my-resource.openai.azure.com"),
        ("azure", "messages", "https://my-resource.services.ai.azure.com/anthropic"),
    ],
)
def test_the_example_of_an_address_has_the_host_s_form(name: str, api: str, example: str) -> None:
    assert BUILT_IN[name].of(api).example_url == example


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("converse", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("invoke", "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("chat", "https://bedrock-mantle.eu-west-1.api.aws/openai/v1"),
        ("responses", "https://bedrock-mantle.eu-west-1.api.aws/openai/v1"),
        ("messages", "https://bedrock-mantle.eu-west-1.api.aws/anthropic"),
    ],
)
def test_the_hosts_of_bedrock_are_those_of_the_region(api: str, url: str) -> None:
    assert ProviderConfig(type="bedrock", api=api, model="m", region="eu-west-1").base_url == url


@pytest.mark.parametrize(
    ("name", "apis"),
    [
        ("openai", {"chat", "responses"}),
        ("azure", {"chat", "responses", "messages"}),
        ("openrouter", {"chat", "responses", "messages"}),
        ("ollama", {"chat", "responses", "messages", "ollama"}),
        ("cohere", {"cohere"}),
        ("vllm", {"chat", "responses", "messages"}),
        ("anthropic", {"messages"}),
        ("deepseek", {"chat", "responses", "messages"}),
        ("moonshot", {"chat", "responses", "messages"}),
        ("minimax", {"chat", "responses", "messages"}),
        ("fireworks", {"chat", "messages"}),
        ("lmstudio", {"chat", "responses", "messages"}),
        ("llamacpp", {"chat", "messages"}),
        ("bedrock", {"converse", "invoke", "chat", "responses", "messages"}),
        ("groq", {"chat"}),
        ("xai", {"chat", "responses"}),
        ("compatible", {"chat", "responses"}),
    ],
)
def test_a_type_speaks_the_families_that_its_server_has(name: str, apis: set[str]) -> None:
    assert set(BUILT_IN[name].apis) == apis


def test_openrouter_has_a_model_to_begin_with_named_by_its_vendor() -> None:
    assert ProviderConfig(type="openrouter").model == "x-ai/grok-code-fast-1"


# What a type adds to the options that all have.

THINKING: Record = {"thinking": {"type": "enabled"}}
SAMPLING: Record = {"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.1}
OWN: dict[str, Record] = {
    "deepseek": THINKING,
    "moonshot": THINKING,
    "zai": {**THINKING, "tool_stream": True},
    "ollama": {"reasoning": {"effort": "low"}},
    "groq": {"reasoning_format": "hidden", "include_reasoning": False, "service_tier": "flex"},
    "mistral": {
        "safe_prompt": True,
        "prompt_mode": "reasoning",
        "metadata": {"a": "b"},
        "prediction": {"type": "content", "content": "x"},
        "random_seed": 7,
    },
    "together": {**SAMPLING, "echo": True, "safety_model": "guard"},
    "fireworks": SAMPLING,
    "cerebras": {"clear_thinking": False, "disable_reasoning": True},
    "lmstudio": {"top_k": 5, "repeat_penalty": 1.1, "ttl": 60},
    "llamacpp": {
        "top_k": 5,
        "min_p": 0.1,
        "repeat_penalty": 1.1,
        "grammar": 'root ::= "a"',
        "cache_prompt": True,
        "chat_template_kwargs": {"enable_thinking": True},
    },
    "sglang": {
        **SAMPLING,
        "regex": "a+",
        "ebnf": 'root ::= "a"',
        "separate_reasoning": True,
        "chat_template_kwargs": {"enable_thinking": True},
    },
    "alibaba": {"enable_thinking": True, "thinking_budget": 500, "top_k": 5, "enable_search": True},
    "minimax": {"reasoning_split": False},
    "perplexity": {
        "search_mode": "academic",
        "search_domain_filter": ["example.com"],
        "search_recency_filter": "week",
        "return_images": True,
        "return_related_questions": True,
        "web_search_options": {"search_context_size": "low"},
    },
}


@pytest.mark.parametrize(("name", "options"), OWN.items())
def test_a_type_s_own_options_are_sent_under_the_names_that_its_server_knows(
    name: str, options: Record
) -> None:
    sent = body_of(Provider(config(name)), ASK, **options)
    assert {option: sent[option] for option in options} == options


@pytest.mark.parametrize(("name", "options"), OWN.items())
def test_a_type_s_own_options_are_checked_before_they_are_sent(name: str, options: Record) -> None:
    for option in options:
        nearly = {int: 1.5, float: "1", str: 1, bool: 1, list: "a", dict: []}[type(options[option])]
        for wrong in (object(), nearly):
            with pytest.raises(InvalidRequestError, match=f"^{option}: "):
                Provider(config(name)).prepare(ASK, options={option: wrong})


CHAT_ONLY: Record = {
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "user": "u",
    "logit_bias": {"5": 1},
    "n": 1,
    "logprobs": True,
    "top_logprobs": 2,
    "stream_options": {},
}


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("groq", {"logprobs", "top_logprobs", "logit_bias"}),
        ("mistral", {"logprobs", "top_logprobs", "logit_bias", "user", "stream_options"}),
        ("ollama", {"tool_choice", "parallel_tool_calls", "user", "logit_bias", "n"}),
        ("cerebras", {"logit_bias"}),
        ("perplexity", {"tool_choice", "parallel_tool_calls"}),
        ("deepseek", set()),
    ],
)
def test_what_a_server_has_no_place_for_is_no_option_of_its_type(name: str, without: set[str]) -> None:
    assert CHAT_ONLY.keys() - dialect_named(name).options().keys() == without


LOCAL = pytest.mark.parametrize("name", ["ollama", "lmstudio", "llamacpp", "sglang", "vllm"])


@LOCAL
def test_a_local_server_gets_the_reasoning_of_another_provider_as_text(name: str) -> None:
    thought = (ReasoningPart("Hm.", {"signature": "c2ln"}), TextPart("Hi"))
    turn = turn_of(name, Message(Role.ASSISTANT, thought, origin="anthropic/messages"))
    assert [value for field, value in turn.items() if field.startswith("reasoning")] == ["Hm."]


@LOCAL
def test_a_local_server_takes_no_file(name: str) -> None:
    paper = Message(Role.USER, (DocumentPart(data=b"%PDF-1.7", name="a.pdf"),))
    with pytest.raises(InvalidRequestError, match=f"message 0, part 0: {name}/chat takes no "):
        body_of(Provider(config(name)), [paper])


@pytest.mark.parametrize("name", ["deepseek", "zai"])
@pytest.mark.parametrize(
    ("effort", "word"),
    [
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "high"),
        ("high", "high"),
        ("xhigh", "max"),
        ("max", "max"),
    ],
)
def test_a_server_of_three_efforts_takes_the_next_higher_one(name: str, effort: str, word: str) -> None:
    options: Record = {"reasoning_effort": effort}
    assert body_of(Provider(config(name)), ASK, **options)["reasoning_effort"] == word


@pytest.mark.parametrize("name", ["llamacpp", "sglang"])
@pytest.mark.parametrize("thinks", [True, False])
def test_a_local_server_switches_thinking_in_the_chat_template(name: str, thinks: bool) -> None:
    off: Record = {} if thinks else {"reasoning_effort": "none"}
    sent = body_of(Provider(config(name, reasoning=True)), ASK, **off)
    assert sent["chat_template_kwargs"] == {"enable_thinking": thinks}


def test_openrouter_switches_reasoning_on_in_its_object() -> None:
    assert body_of(Provider(config("openrouter", reasoning=True)), ASK)["reasoning"] == {"enabled": True}


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("together", "reasoning"),
        ("groq", "reasoning"),
        ("openrouter", "reasoning"),
        ("ollama", "reasoning"),
        ("vllm", "reasoning"),
        ("bedrock/chat", "reasoning"),
        ("moonshot", "reasoning_content"),
        ("zai", "reasoning_content"),
        ("fireworks", "reasoning_content"),
        ("xai", "reasoning_content"),
        ("minimax", "reasoning_content"),
    ],
)
def test_reasoning_goes_back_in_the_field_that_the_server_reads(name: str, field: str) -> None:
    thought = Message(Role.ASSISTANT, (ReasoningPart("Hm."), TextPart("Hi")))
    assert turn_of(name, thought) == {"role": "assistant", "content": "Hi", field: "Hm."}


def turn_of(name: str, message: Message) -> Record:
    found: Record = body_of(Provider(config(name)), [*ASK, message, *ASK])["messages"][1]
    return found


@pytest.mark.parametrize("name", ["openai", "azure"])
def test_openai_takes_no_reasoning_back_in_chat_completions(name: str) -> None:
    thought = (ReasoningPart("Hm."), TextPart("Hi"))
    for origin in ("groq/chat", f"{name}/chat"):
        answer = Message(Role.ASSISTANT, thought, origin=origin)
        assert turn_of(name, answer) == {"role": "assistant", "content": "Hi"}
    with pytest.raises(InvalidRequestError, match=r"message 1, part 0: .* no ReasoningPart"):
        turn_of(name, Message(Role.ASSISTANT, thought))


@pytest.mark.parametrize(
    ("name", "role"),
    [("openai", "developer"), ("azure", "developer"), ("openrouter", "developer"), ("groq", "system")],
)
def test_a_developer_s_message_has_the_role_that_the_server_knows(name: str, role: str) -> None:
    messages = [Message(Role.DEVELOPER, "Be brief."), *ASK]
    assert body_of(Provider(config(name)), messages)["messages"][0]["role"] == role


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        (1000, InternalServerError, 500),
        (1001, InternalServerError, 504),
        (1002, RateLimitError, 429),
        (1004, AuthenticationError, 401),
        (1008, APIStatusError, 402),
        (1013, InternalServerError, 500),
        (1026, BadRequestError, 400),
        (1027, BadRequestError, 400),
        (1039, BadRequestError, 400),
        (2013, BadRequestError, 400),
    ],
)
def test_minimax_s_codes_are_what_its_list_of_errors_says(
    code: int, kind: type[APIStatusError], status: int
) -> None:
    """Its own statuses are 200: unknown, timeout, rate, authentication, balance, internal, the two kinds of
    sensitive content, the limit of tokens, and parameters."""
    error = dialect_named("minimax").error_in({"base_resp": {"status_code": code, "status_msg": "no"}})
    assert isinstance(error, kind)
    assert error.status == status


# Facts that hold for few types, and not for all others.

CHAT = [name for name, row in BUILT_IN.items() if "chat" in row.apis]
LEFT_TO_THE_SERVER = {"openrouter", "vllm", "compatible"}
"""Both names of the limit are sent as they are: there are models of many makers."""
NEWER_NAME = {"openai", "azure", "cerebras"}


@pytest.mark.parametrize("name", CHAT)
def test_the_limit_of_tokens_has_the_name_that_the_server_knows(name: str) -> None:
    for option in ("max_tokens", "max_completion_tokens"):
        options: Record = {option: 5}
        sent = body_of(Provider(config(f"{name}/chat")), ASK, **options)
        field = option if name in LEFT_TO_THE_SERVER else "max_tokens"
        if name in NEWER_NAME:
            field = "max_completion_tokens"
        assert {each: value for each, value in sent.items() if each.startswith("max_")} == {field: 5}


@pytest.mark.parametrize("name", CHAT)
def test_alternatives_of_tokens_need_their_probabilities_where_the_server_says_so(name: str) -> None:
    made = Provider(config(f"{name}/chat"))
    if "top_logprobs" not in made.dialect.options():
        assert name in ("groq", "mistral", "perplexity")
    elif name == "ollama":
        assert body_of(made, ASK, top_logprobs=2)["top_logprobs"] == 2
    else:
        with pytest.raises(InvalidRequestError, match=r"top_logprobs: .*logprobs=True"):
            made.prepare(ASK, top_logprobs=2)
        assert body_of(made, ASK, logprobs=True, top_logprobs=2)["top_logprobs"] == 2


@pytest.mark.parametrize("name", CHAT)
def test_a_list_of_models_is_asked_for_where_there_is_one(name: str) -> None:
    made = Provider(config(f"{name}/chat"))
    if name in ("github-models", "perplexity"):
        with pytest.raises(InvalidRequestError, match=f"list_models: {name}/chat has no endpoint"):
            made.list_models()
    else:
        assert made.list_models().next_step() is not None


def read_by(name: str, message: Record, **more: Any) -> Message:
    return dialect_named(f"{name}/chat").parse_response(completion(message, **more))


@pytest.mark.parametrize("name", CHAT)
def test_reasoning_between_tags_is_read_where_the_server_sends_it_so(name: str) -> None:
    message = read_by(name, {"content": "<think>Hm.</think>Hi"})
    tagged = name in ("minimax", "perplexity")
    assert (message.reasoning, message.text) == (("Hm.", "Hi") if tagged else ("", "<think>Hm.</think>Hi"))


@pytest.mark.parametrize("name", CHAT)
def test_the_tokens_of_reasoning_are_part_of_the_answer_s_but_xai_counts_them_apart(name: str) -> None:
    counts: Record = {
        "prompt_tokens": 1,
        "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    usage = read_by(name, {"content": "Hi"}, usage=counts).usage
    assert usage is not None
    assert (usage.output_tokens, usage.reasoning_tokens) == (8 if name == "xai" else 5, 3)


@pytest.mark.parametrize("name", CHAT)
def test_what_google_s_servers_sign_goes_back_but_to_openai_s_own_service(name: str) -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "abcdefghi", "type": "function", "function": function, "extra_content": extra}
    answer = read_by(name, {"content": "Hi", "tool_calls": [call], "extra_content": extra})
    result = Message(Role.TOOL, "1", "abcdefghi")
    turn = body_of(Provider(config(f"{name}/chat")), [*ASK, answer, result])["messages"][1]
    sent = None if name in ("openai", "azure") else extra
    assert (turn.get("extra_content"), turn["tool_calls"][0].get("extra_content")) == (sent, sent)


@pytest.mark.parametrize("name", CHAT)
def test_groq_shows_the_call_that_could_not_be_read(name: str) -> None:
    error: Record = {"message": "no", "type": "invalid_request_error", "failed_generation": "<function=f>"}
    found = dialect_named(f"{name}/chat").error_in({"error": error}, 400)
    assert found is not None
    assert ("<function=f>" in str(found)) is (name == "groq")


@pytest.mark.parametrize("name", CHAT)
def test_an_error_of_a_gateway_needs_no_object_and_minimax_s_has_its_own(name: str) -> None:
    dialect = dialect_named(f"{name}/chat")
    assert dialect.error_in({"detail": "no"}) is not None
    found = dialect.error_in({"base_resp": {"status_code": 1002, "status_msg": "no"}})
    assert (found is not None) is (name == "minimax")


def test_mistral_s_ids_of_calls_are_nine_letters_and_digits() -> None:
    dialect = dialect_named("mistral")
    for letter in string.ascii_letters + string.digits:
        assert dialect.takes_call_id(letter * 9), letter
    for refused in ("a" * 8, "a" * 10, "", *(f"{sign}bcdefghi" for sign in "-_[]{}:. @`/"), "abcdefghi\n"):
        assert not dialect.takes_call_id(refused), refused
    assert all(dialect_named(f"{name}/chat").takes_call_id("call_1") for name in {*CHAT} - {"mistral"})
