"""The built-in provider types: one row each, with every fact that is known about the server.

Sources, of November 2026: each provider's own API reference and its pages on compatibility with OpenAI or
Anthropic, as named beside the rows; and recorded traffic, as the tests in
`tests/sansio/test_profiles.py` show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, structs

from sansio.defaults import (
    THINK_TAGS,
    APIDefaults,
    AuthMethod,
    GeminiProfile,
    MessagesProfile,
    Profile,
    ProviderDefaults,
    ResponsesProfile,
)

_CHECK_VERSION = "sansio.providers.anthropic:check"
_OPENAIS = ("chat", "responses")
_BOTH = ("chat", "messages")
_ALL = ("chat", "responses", "messages")


def _messages(base_url: str | None = None, *, example_url: str | None = None) -> dict[str, APIDefaults]:
    """The address of a type's Anthropic messages, if it is not that of its chat completions."""
    where = APIDefaults(base_url=base_url, example_url=example_url, check=_CHECK_VERSION)
    return {"messages": where}


_THINKING: Mapping[str, Any] = {"thinking": {"type": "enabled"}}
_NO_THINKING: Mapping[str, Any] = {"thinking": {"type": "disabled"}}
"""The switch of DeepSeek, Moonshot and Z.AI, whose newer models think unless they are asked not to."""

_LOW_HIGH_MAX = {
    "minimal": "low",
    "low": "low",
    "medium": "high",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
"""For servers that know three efforts: each other effort becomes the next higher one."""

_IN_TEMPLATE: Mapping[str, Any] = {"chat_template_kwargs": {"enable_thinking": True}}
_NOT_IN_TEMPLATE: Mapping[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
"""Local servers hand the switch to the model's chat template."""

_SAMPLING: Mapping[str, Any] = {"top_k": int, "min_p": float, "repetition_penalty": float}

COMPATIBLE = Profile(max_tokens_field=None, custom_tools=True, developer_role="developer")
"""An unknown server. Most checks are left to it."""

BUILT_IN: Mapping[str, ProviderDefaults] = {
    "openrouter": Profile(
        base_url="https://openrouter.ai/api/v1",
        batches="sansio.batches.openrouter:OpenRouterBatches",
        api_key_env="OPENROUTER_API_KEY",
        model="x-ai/grok-code-fast-1",
        apis=_ALL,
        by_api=_messages(),
        max_tokens_field=None,
        reasoning_back="reasoning",
        reasoning_on={"reasoning": {"enabled": True}},
        developer_role="developer",
        options={"reasoning": dict[str, Any]},
    ),
    # Its reasoning models know only `max_completion_tokens`, and all its other models accept it too. This
    # endpoint accepts no reasoning back.
    "openai": Profile(
        base_url="https://api.openai.com/v1",
        batches="sansio.batches.files:OpenAIBatches",
        api_key_env="OPENAI_API_KEY",
        apis=_OPENAIS,
        max_tokens_field="max_completion_tokens",
        reasoning_back=None,
        custom_tools=True,
        developer_role="developer",
        returned=(),
    ),
    "azure": Profile(
        example_url="https://my-resource.openai.azure.com",
        batches="sansio.batches.files:AzureBatches",
        api_key_env="AZURE_OPENAI_KEY",
        api_key_env_too="AZURE_OPENAI_API_KEY",  # as OpenAI's own client calls it
        auth_method=AuthMethod.API_KEY,
        needs_model=False,
        check="sansio.providers.azure:check",
        apis=_ALL,
        by_api={
            "messages": APIDefaults(
                example_url="https://my-resource.services.ai.azure.com/anthropic",
                api_key_env="ANTHROPIC_FOUNDRY_API_KEY",
                auth_method=AuthMethod.X_API_KEY,
            )
        },
        max_tokens_field="max_completion_tokens",
        reasoning_back=None,
        custom_tools=True,
        developer_role="developer",
        returned=(),
    ),
    "anthropic": ProviderDefaults(
        base_url="https://api.anthropic.com",
        batches="sansio.batches.anthropic:AnthropicBatches",
        api_key_env="ANTHROPIC_API_KEY",
        auth_method=AuthMethod.X_API_KEY,
        check=_CHECK_VERSION,
        apis=("messages",),
    ),
    # Ollama, "OpenAI compatibility". It silently ignores fields that it does not know.
    "ollama": Profile(
        base_url="http://localhost:11434/v1",
        auth_method=AuthMethod.NONE,
        apis=(*_ALL, "ollama"),
        by_api={
            **_messages(),
            "ollama": APIDefaults(
                base_url="http://localhost:11434", check="sansio.families.ollama.request:check"
            ),
        },
        reasoning_back="reasoning",
        reasoning_of_others=True,
        image_urls=False,
        files=False,
        needs_logprobs=False,
        without=frozenset(("tool_choice", "parallel_tool_calls", "user", "logit_bias", "n")),
        options={"reasoning": dict[str, Any]},
    ),
    # vLLM, "Reasoning outputs". Most chat templates know no developer. Those of thinking models either drop
    # the reasoning that is sent back or need it, depending on the model.
    "vllm": Profile(
        base_url="http://localhost:8000/v1",
        auth_method=AuthMethod.NONE,
        apis=_ALL,
        by_api=_messages(),
        max_tokens_field=None,
        reasoning_back="reasoning",
        reasoning_of_others=True,
        reasoning_on=_IN_TEMPLATE,
        files=False,
    ),
    # DeepSeek's API reference, "Create chat completion", "Thinking mode". In thinking mode, a message with
    # tool calls and without `reasoning_content` is answered with 400, even if another model made the calls.
    # Messages have only text.
    "deepseek": Profile(
        base_url="https://api.deepseek.com",
        api_key_env="DEEPSEEK_API_KEY",
        apis=_ALL,
        by_api=_messages("https://api.deepseek.com/anthropic"),
        reasoning_back_when="a tool was called",
        reasoning_on=_THINKING,
        reasoning_off=_NO_THINKING,
        effort_values=_LOW_HIGH_MAX,
        tool_choice_forced="without thinking",
        json_schema=False,
        images=False,
        files=False,
        options={"thinking": dict[str, Any]},
    ),
    # xAI's API reference: `completion_tokens` does not include the reasoning.
    "xai": Profile(
        base_url="https://api.x.ai/v1",
        api_key_env="XAI_API_KEY",
        apis=_OPENAIS,
        usage_reasoning_outside=True,
    ),
    # Groq, "Reasoning", "Tool use", "OpenAI compatibility". Without `reasoning_format` the reasoning may be
    # in the text. The options in `without` are answered with 400.
    "groq": Profile(
        base_url="https://api.groq.com/openai/v1",
        batches="sansio.batches.files:OpenAIBatches",
        api_key_env="GROQ_API_KEY",
        reasoning_back="reasoning",
        reasoning_on={"reasoning_format": "parsed"},
        error_detail="failed_generation",
        without=frozenset(("logprobs", "top_logprobs", "logit_bias")),
        options={"reasoning_format": str, "include_reasoning": bool, "service_tier": str},
    ),
    # Mistral's API reference, "Chat completion": unknown fields are refused. It sends the usage of a stream
    # without being asked.
    "mistral": Profile(
        base_url="https://api.mistral.ai/v1",
        batches="sansio.batches.files:MistralBatches",
        api_key_env="MISTRAL_API_KEY",
        seed_field="random_seed",
        reasoning_back="content",
        reasoning_on={"prompt_mode": "reasoning"},
        tool_id="[a-zA-Z0-9]{9}",
        tool_choice_required="any",
        strict_tools=False,
        stream_options=False,
        empty_content=False,
        without=frozenset(("logprobs", "top_logprobs", "logit_bias", "user", "stream_options")),
        options={
            "random_seed": int,
            "safe_prompt": bool,
            "prompt_mode": str,
            "metadata": dict[str, Any],
            "prediction": dict[str, Any],
        },
    ),
    # Moonshot, "Chat completion", "Tool use".
    "moonshot": Profile(
        base_url="https://api.moonshot.ai/v1",
        api_key_env="MOONSHOT_API_KEY",
        apis=_ALL,
        by_api=_messages("https://api.moonshot.ai/anthropic"),
        reasoning_on=_THINKING,
        reasoning_off=_NO_THINKING,
        tool_choice_forced="never",
        options={"thinking": dict[str, Any], "temperature": Annotated[float, Meta(ge=0, le=1)]},
    ),
    # Z.AI, "Chat completion", "Thinking mode".
    "zai": Profile(
        base_url="https://api.z.ai/api/paas/v4",
        api_key_env="ZAI_API_KEY",
        reasoning_on=_THINKING,
        reasoning_off=_NO_THINKING,
        effort_values=_LOW_HIGH_MAX,
        options={"thinking": dict[str, Any], "tool_stream": bool},
    ),
    "together": Profile(
        base_url="https://api.together.ai/v1",
        api_key_env="TOGETHER_API_KEY",
        reasoning_back="reasoning",
        options={**_SAMPLING, "echo": bool, "safety_model": str},
    ),
    "fireworks": Profile(
        base_url="https://api.fireworks.ai/inference/v1",
        api_key_env="FIREWORKS_API_KEY",
        apis=_BOTH,
        by_api=_messages(),
        options=_SAMPLING,
    ),
    # Cerebras, "Reasoning": GLM reads its reasoning between tags. It would ignore `logit_bias`.
    "cerebras": Profile(
        base_url="https://api.cerebras.ai/v1",
        api_key_env="CEREBRAS_API_KEY",
        max_tokens_field="max_completion_tokens",
        reasoning_back=THINK_TAGS,
        without=frozenset(("logit_bias",)),
        options={"clear_thinking": bool, "disable_reasoning": bool},
    ),
    # The router's models may be named with their provider, as in `openai/gpt-oss-120b:cerebras`.
    "huggingface": Profile(base_url="https://router.huggingface.co/v1", api_key_env="HF_TOKEN"),
    # Its catalog of models is at another address and has another form.
    "github-models": Profile(
        base_url="https://models.github.ai/inference",
        api_key_env="GITHUB_TOKEN",
        stream_options=False,
        lists_models=False,
    ),
    "lmstudio": Profile(
        base_url="http://localhost:1234/v1",
        auth_method=AuthMethod.NONE,
        apis=_ALL,
        by_api=_messages(),
        reasoning_of_others=True,
        files=False,
        options={"top_k": int, "repeat_penalty": float, "ttl": int},
    ),
    "llamacpp": Profile(
        base_url="http://localhost:8080/v1",
        auth_method=AuthMethod.NONE,
        apis=_BOTH,
        by_api=_messages(),
        reasoning_of_others=True,
        reasoning_on=_IN_TEMPLATE,
        reasoning_off=_NOT_IN_TEMPLATE,
        files=False,
        options={
            "top_k": int,
            "min_p": float,
            "repeat_penalty": float,
            "grammar": str,
            "cache_prompt": bool,
            "chat_template_kwargs": dict[str, Any],
        },
    ),
    "sglang": Profile(
        base_url="http://localhost:30000/v1",
        auth_method=AuthMethod.NONE,
        reasoning_of_others=True,
        reasoning_on=_IN_TEMPLATE,
        reasoning_off=_NOT_IN_TEMPLATE,
        files=False,
        options={
            **_SAMPLING,
            "regex": str,
            "ebnf": str,
            "separate_reasoning": bool,
            "chat_template_kwargs": dict[str, Any],
        },
    ),
    # Alibaba Cloud Model Studio, "OpenAI compatible chat".
    "alibaba": Profile(
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        api_key_env="DASHSCOPE_API_KEY",
        reasoning_on={"enable_thinking": True},
        reasoning_off={"enable_thinking": False},
        budget_field="thinking_budget",
        files=False,
        options={"enable_thinking": bool, "thinking_budget": int, "top_k": int, "enable_search": bool},
    ),
    # MiniMax, "Text generation", "OpenAI API", "Error codes". Without `reasoning_split` the reasoning is in
    # the text, and must be sent back there, complete.
    "minimax": Profile(
        base_url="https://api.minimax.io/v1",
        api_key_env="MINIMAX_API_KEY",
        apis=_ALL,
        by_api=_messages("https://api.minimax.io/anthropic"),
        body={"reasoning_split": True},
        think_tags=True,
        error_shapes=("flat", "base_resp"),
        error_statuses={
            "1000": 500,
            "1001": 504,
            "1002": 429,
            "1004": 401,
            "1008": 402,
            "1013": 500,
            "1026": 400,
            "1027": 400,
            "1039": 400,
            "2013": 400,
        },
        options={"reasoning_split": bool},
    ),
    # Perplexity's API reference, "Chat completions", "Sonar Reasoning Pro": no tools, and no list of models.
    "perplexity": Profile(
        base_url="https://api.perplexity.ai",
        api_key_env="PERPLEXITY_API_KEY",
        tools=False,
        think_tags=True,
        lists_models=False,
        without=frozenset(("tool_choice", "parallel_tool_calls")),
        options={
            "search_mode": str,
            "search_domain_filter": list[str],
            "search_recency_filter": str,
            "return_images": bool,
            "return_related_questions": bool,
            "web_search_options": dict[str, Any],
        },
    ),
    "nvidia": Profile(base_url="https://integrate.api.nvidia.com/v1", api_key_env="NVIDIA_API_KEY"),
    "sambanova": Profile(base_url="https://api.sambanova.ai/v1", api_key_env="SAMBANOVA_API_KEY"),
    # Google, "OpenAI compatibility". Its signatures go back in `extra_content`.
    "gemini-openai": Profile(
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        api_key_env="GEMINI_API_KEY",
        api_key_env_too="GOOGLE_API_KEY",  # as Google's own client calls it
    ),
    # Google's own API; its client reads both variables.
    "google": ProviderDefaults(
        base_url="https://generativelanguage.googleapis.com/v1beta",
        api_key_env="GEMINI_API_KEY",
        api_key_env_too="GOOGLE_API_KEY",
        auth_method=AuthMethod.X_GOOG_API_KEY,
        apis=("gemini",),
    ),
    # The same API on Vertex. Its key is an OAuth token that expires after an hour: give a callable as the
    # key.
    "vertex": ProviderDefaults(
        example_url="https://aiplatform.googleapis.com/v1/projects/my-project/locations/global/publishers/google",
        api_key_env="GOOGLE_OAUTH_ACCESS_TOKEN",
        apis=("gemini",),
    ),
    # Amazon Bedrock: its own API, the one whose body is the model's own, and those that stream server-sent
    # events. All take a bearer key, or are signed with AWS credentials.
    "bedrock": Profile(
        base_url="https://bedrock-runtime.{region}.amazonaws.com",
        api_key_env="AWS_BEARER_TOKEN_BEDROCK",
        credentials_env=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        region_env=("AWS_REGION", "AWS_DEFAULT_REGION"),
        apis=("converse", "invoke", *_ALL),
        by_api={
            "invoke": APIDefaults(check="sansio.providers.invoke:check"),
            **dict.fromkeys(
                _OPENAIS, APIDefaults(base_url="https://bedrock-mantle.{region}.api.aws/openai/v1")
            ),
            **_messages("https://bedrock-mantle.{region}.api.aws/anthropic"),
        },
        reasoning_back="reasoning",
    ),
    # Cohere's own SDK reads `CO_API_KEY`; its pages also write the other name.
    "cohere": ProviderDefaults(
        base_url="https://api.cohere.com",
        api_key_env="CO_API_KEY",
        api_key_env_too="COHERE_API_KEY",
        check="sansio.families.cohere.request:check",
        apis=("cohere",),
    ),
    # Any other server, whose address must be given.
    "compatible": structs.replace(
        COMPATIBLE,
        example_url="https://llm.example.com/v1",
        api_key_env="COMPATIBLE_API_KEY",
        apis=_OPENAIS,
    ),
}
"""Every built-in type by name; those that speak chat completions have a `Profile`."""


def profile_of(name: str) -> Profile:
    """The profile of a built-in type that speaks chat completions."""
    row = BUILT_IN[name]
    assert isinstance(row, Profile)
    return row


MESSAGES: Mapping[str, MessagesProfile] = {
    "anthropic": MessagesProfile(claude=True, caches=True, counts=True, lists=True),
    # Microsoft Foundry: Anthropic's own client has neither models nor batches for it.
    "azure": MessagesProfile(claude=True, caches=True, counts=True),
    "bedrock": MessagesProfile(claude=True, caches=True),
    # OpenRouter, "Anthropic Messages API": models of all makers.
    "openrouter": MessagesProfile(path="/messages", claude=True, caches=True),
    "vllm": MessagesProfile(path="/messages", counts=True, reasoning_of_others=True),
    # Ollama, "Anthropic compatibility", which lists what it lacks.
    "ollama": MessagesProfile(
        path="/messages",
        documents=False,
        reasoning_of_others=True,
        without=frozenset(("tool_choice", "parallel_tool_calls")),
    ),
    "lmstudio": MessagesProfile(path="/messages", reasoning_of_others=True),
    "llamacpp": MessagesProfile(path="/messages", reasoning_of_others=True),
    "deepseek": MessagesProfile(),
    "moonshot": MessagesProfile(),
    "minimax": MessagesProfile(),
    "fireworks": MessagesProfile(path="/messages"),
}
"""How each type that serves Anthropic's messages does so."""

_LIKE_CHAT: Mapping[str, Any] = {"developer_role": "system", "custom_tools": False}
"""Servers with models of many makers: they accept here what their chat completions accept."""
_PLAIN_REASONING: Mapping[str, Any] = {"sealed": False, "reasoning_on": {"effort": "medium"}}

RESPONSES: Mapping[str, ResponsesProfile] = {
    "openrouter": ResponsesProfile(reasoning_on={"enabled": True}),
    # Ollama's source, `openai/responses.go`: function tools only, images only as data, and no stored
    # responses.
    "ollama": ResponsesProfile(**_LIKE_CHAT, **_PLAIN_REASONING, keeps=False, image_urls=False, files=False),
    "vllm": ResponsesProfile(**_LIKE_CHAT, **_PLAIN_REASONING, files=False),
    "lmstudio": ResponsesProfile(**_LIKE_CHAT, **_PLAIN_REASONING, files=False),
    # Recorded traffic: it shows the reasoning itself, as `reasoning_text`.
    "deepseek": ResponsesProfile(
        **_LIKE_CHAT,
        sealed=False,
        reasoning_on={"effort": "high"},
        effort_values=_LOW_HIGH_MAX,
        images=False,
        files=False,
    ),
    # Recorded traffic: it encrypts reasoning if asked to, as OpenAI does.
    "xai": ResponsesProfile(**_LIKE_CHAT),
    "moonshot": ResponsesProfile(
        **_LIKE_CHAT, tool_choice_forced=False, ranges={"temperature": Annotated[float, Meta(ge=0, le=1)]}
    ),
    "minimax": ResponsesProfile(**_LIKE_CHAT),
    # Recorded traffic: the reasoning of OpenAI's own models is encrypted, that of open models is plain text.
    "bedrock": ResponsesProfile(**_LIKE_CHAT),
}
"""How each type that serves OpenAI's Responses does so. `openai`, `azure` and `compatible` have no row: they
take what OpenAI's own service does."""

CLAUDE_HOSTS = ("anthropic", "azure", "bedrock")
"""Types that serve Claude by Anthropic's own rules. A signature of one of them is valid at the others
(Anthropic, "Extended thinking": signatures are compatible across platforms)."""

GEMINI: Mapping[str, GeminiProfile] = {"google": GeminiProfile(), "vertex": GeminiProfile(vertex=True)}
"""How each type that serves Gemini does so."""
