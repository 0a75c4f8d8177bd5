"""vLLM (vLLM documentation, "OpenAI-compatible server", "Reasoning outputs")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sansio.content import Message, ReasoningPart, Role
from sansio.families.chat import ChatDialect
from sansio.families.chat.request import reasoning_field
from sansio.options import Option, own, portable


class VLLMChat(ChatDialect):
    """Thinking is switched on in the chat template, and most templates know no developer role.

    Reasoning goes back with the answer: templates of thinking models drop it or need it, as the model does.
    """

    TYPE = "vllm"
    SENDS = ChatDialect.SENDS | {ReasoningPart}
    ROLES: ClassVar[Mapping[Role, str]] = {**ChatDialect.ROLES, Role.DEVELOPER: "system"}
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **ChatDialect.OPTIONS,
        **portable(top_k="top_k"),
        **own("min_p", "repetition_penalty", "length_penalty", type=int | float),
        **own("min_tokens", "truncate_prompt_tokens", "prompt_logprobs", "priority", type=int),
        **own("ignore_eos", "skip_special_tokens", "include_stop_str_in_output", type=bool),
        **own("add_generation_prompt", "continue_final_message", "echo", "return_token_ids", type=bool),
        **own("chat_template_kwargs", "structured_outputs", "mm_processor_kwargs", type=dict[str, Any]),
        **own("stop_token_ids", "allowed_token_ids", type=list[int]),
        **own("bad_words", type=list[str]),
        **own("chat_template", "guided_regex", "guided_grammar", type=str),
        **own("guided_choice", type=list[str]),
        **own("guided_json", type=str | dict[str, Any]),
    }

    def reasoning_options(self) -> dict[str, object]:
        return {"chat_template_kwargs": {"enable_thinking": True}}

    def assistant_fields(self, message: Message) -> dict[str, object]:
        return reasoning_field(message)
