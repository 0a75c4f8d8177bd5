"""vLLM (vLLM documentation, "OpenAI-compatible server", "Reasoning outputs"; its `protocol.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sansio.content import AudioPart, Part, ReasoningPart
from sansio.families.chat import ChatDialect
from sansio.families.chat.options import VLLM_RANGES, options_of
from sansio.families.tools import WORDS
from sansio.jsontext import JSONObject
from sansio.options import Option, merged, narrowed, own, portable
from sansio.profiles import profile_of


class VLLMChat(ChatDialect):
    """vLLM has many own options, and accepts sound by its address."""

    TYPE = "vllm"
    SENDS = ChatDialect.SENDS | {ReasoningPart}
    PROFILE = profile_of("vllm")
    OPTIONS: ClassVar[Mapping[str, Option]] = narrowed(
        {
            **options_of(PROFILE),
            **portable(top_k="top_k", reasoning_budget="thinking_token_budget"),
            **own("min_p", "repetition_penalty", "length_penalty", type=float),
            **own("min_tokens", "truncate_prompt_tokens", "prompt_logprobs", "priority", type=int),
            **own("thinking_token_budget", type=int),
            **own("use_beam_search", "ignore_eos", "include_stop_str_in_output", type=bool),
            **own("skip_special_tokens", "spaces_between_special_tokens", "add_special_tokens", type=bool),
            **own("add_generation_prompt", "continue_final_message", "echo", type=bool),
            **own("include_reasoning", "return_token_ids", type=bool),
            **own("chat_template", "truncation_side", "request_id", "session_id", "cache_salt", type=str),
            **own("structured_outputs", "kv_transfer_params", type=dict[str, Any]),
            "chat_template_kwargs": Option(dict[str, Any], merged("chat_template_kwargs")),
            **own("media_io_kwargs", "mm_processor_kwargs", type=dict[str, Any]),
            **own("stop_token_ids", "allowed_token_ids", "logprob_token_ids", type=list[int]),
            **own("bad_words", type=list[str]),
            **own("documents", type=list[dict[str, Any]]),
        },
        **VLLM_RANGES,
    )

    def tool_choices(self) -> tuple[str, ...] | None:
        return WORDS

    def encode_part(self, part: Part) -> JSONObject | None:
        if isinstance(part, AudioPart) and part.url is not None:
            return {"type": "audio_url", "audio_url": {"url": part.url}, **part.extra}
        return super().encode_part(part)
