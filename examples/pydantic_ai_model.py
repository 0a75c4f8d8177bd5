"""A model for pydantic-ai that asks a provider of this library: text, tools, structured output and streams.

`pip install pydantic-ai-slim`, then `Agent(SansioModel(create_provider(config)))`. Prompts are text: pictures
and other files are refused.
"""

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError
from pydantic_ai.messages import (
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, StreamedResponse
from pydantic_ai.usage import RequestUsage

from sansio import (
    ContentDelta,
    Message,
    ProviderError,
    ReasoningDelta,
    ReasoningPart,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)

OPTIONS = {"stop_sequences": "stop"} | {
    name: name for name in ("max_tokens", "temperature", "top_p", "seed", "parallel_tool_calls")
}
FINISHED = {name: name for name in ("stop", "length", "content_filter", "error")} | {
    "tool_calls": "tool_call",
    "refusal": "content_filter",
}


def as_messages(history):
    """What pydantic-ai prepared, as messages of this library.

    An answer of ours goes back as it arrived, with its signatures, also out of a history that was saved. So
    take its `provider_details` out if you edit one.
    """
    for message in history:
        if isinstance(message, ModelResponse):
            if ours := (message.provider_details or {}).get("message"):
                yield msgspec.convert(ours, Message)
                continue
            calls = [
                ToolCall(part.tool_call_id, part.tool_name, part.args_as_dict())
                for part in message.tool_calls
            ]
            yield Message("assistant", (*([message.text] if message.text else []), *calls))
            continue
        for part in message.parts:
            match part:
                case SystemPromptPart(content=text):
                    yield Message("system", text)
                case UserPromptPart(content=str(text)):
                    yield Message("user", text)
                case ToolReturnPart(tool_call_id=id, outcome=outcome):
                    text = part.model_response_str(wrap_if_error=False)
                    yield Message("tool", text, tool_call_id=id, is_error=outcome != "success")
                case _:
                    raise NotImplementedError(
                        f"{type(part).__name__} is not among what this example passes on"
                    )


@dataclass
class Streamed(StreamedResponse):
    """An answer as it arrives, in the events of pydantic-ai."""

    events: object
    name: str
    system: str
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    timestamp = property(lambda self: self.began)
    model_name = property(lambda self: self.name)
    provider_name = property(lambda self: self.system)
    provider_url = None

    async def _get_event_iterator(self):
        parts = self._parts_manager
        async for event in self.events:
            match event:
                case ContentDelta(text=text, part=part):
                    arrived = parts.handle_text_delta(vendor_part_id=part, content=text)
                case ReasoningDelta(text=text, part=part):
                    arrived = parts.handle_thinking_delta(vendor_part_id=part, content=text)
                case ToolCallStarted(index=index, id=id, name=name):
                    arrived = parts.handle_tool_call_delta_events(
                        vendor_part_id=f"call {index}", tool_name=name, tool_call_id=id
                    )
                case ToolCallDelta(index=index, arguments=piece):
                    arrived = parts.handle_tool_call_delta_events(vendor_part_id=f"call {index}", args=piece)
                case _:
                    continue
            for one in arrived:
                yield one
        answer = as_response(self.events.result(), self.name, self.system)
        self._usage, self.finish_reason = answer.usage, answer.finish_reason
        self.provider_response_id, self.provider_details = (
            answer.provider_response_id,
            answer.provider_details,
        )

    async def close_stream(self):
        await self.events.aclose()


def as_response(answer, name, system):
    parts = [
        *(ThinkingPart(part.text) for part in answer.parts if isinstance(part, ReasoningPart)),
        *([TextPart(answer.text)] if answer.text else []),
        # Arguments that are not valid JSON go as text, so that pydantic-ai asks the model again.
        *(
            ToolCallPart(
                call.name, call.arguments if isinstance(call, ToolCall) else call.raw_arguments, call.id
            )
            for call in answer.all_tool_calls
        ),
    ]
    usage = answer.usage
    counts = (
        RequestUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        if usage
        else RequestUsage()
    )
    return ModelResponse(
        parts,
        usage=counts,
        model_name=answer.model or name,
        provider_name=system,
        provider_response_id=answer.response_id,
        provider_details={"message": msgspec.to_builtins(answer)},
        finish_reason=FINISHED.get(answer.finish_reason),
    )


class SansioModel(Model):
    def __init__(self, provider, **given):
        super().__init__(**given)
        self.asked = provider

    @property
    def model_name(self):
        return self.asked.config.model

    @property
    def system(self):
        return self.asked.config.type

    def _arguments(self, history, settings, parameters):
        settings, parameters = self.prepare_request(settings, parameters)
        messages = [
            *(
                Message("system", part.content)
                for part in self._get_instruction_parts(history, parameters) or ()
            ),
            *as_messages(history),
        ]
        tools = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description or "",
                    "parameters": tool.parameters_json_schema,
                },
            }
            for tool in (*parameters.declared_function_tools, *parameters.output_tools)
        ]
        options = {OPTIONS[name]: value for name, value in (settings or {}).items() if name in OPTIONS}
        if tools and not parameters.allow_text_output:
            options["tool_choice"] = "required"
        return parameters, (messages, tools), options

    async def request(self, messages, model_settings, model_request_parameters):
        _, asked, options = self._arguments(messages, model_settings, model_request_parameters)
        with translated_errors(self.model_name):
            return as_response(await self.asked.complete(*asked, **options), self.model_name, self.system)

    @asynccontextmanager
    async def request_stream(self, messages, model_settings, model_request_parameters, run_context=None):
        parameters, asked, options = self._arguments(messages, model_settings, model_request_parameters)
        with translated_errors(self.model_name):
            async with self.asked.stream(*asked, **options) as events:
                yield Streamed(parameters, events, self.model_name, self.system)


@contextmanager
def translated_errors(name):
    try:
        yield
    except ProviderError as error:
        if error.status is not None:
            raise ModelHTTPError(error.status, name, error.provider_message) from error
        raise ModelAPIError(name, str(error)) from error
