"""A plugin for the `llm` command: every provider type of this library, by the name `sansio/<type>`.

`llm install -e examples/llm-sansio`, then `llm -m sansio/anthropic -o model claude-sonnet-5-5 'Hello'`. The
key is read from the variable of the type, such as ANTHROPIC_API_KEY. It passes on text, reasoning and
conversations, but no tools and no files.
"""

import llm
from llm.parts import StreamEvent, TextPart

from sansio import ContentDelta, Message, ProviderConfig, ProviderError, ReasoningDelta
from sansio.profiles import BUILT_IN
from transports import create_sync_provider


@llm.hookimpl
def register_models(register):
    for type in BUILT_IN:
        register(Sansio(type))


def as_message(message):
    return Message(message.role, "".join(part.text for part in message.parts if isinstance(part, TextPart)))


class Sansio(llm.Model):
    can_stream = True

    class Options(llm.Options):
        model: str | None = None
        base_url: str | None = None
        max_tokens: int | None = None
        temperature: float | None = None

    def __init__(self, type):
        self.type, self.model_id = type, f"sansio/{type}"

    def execute(self, prompt, stream, response, conversation):
        options = prompt.options.model_dump(exclude_none=True)
        given = {name: options.pop(name) for name in ("model", "base_url") if name in options}
        messages = [as_message(message) for message in prompt.messages]
        try:
            with create_sync_provider(ProviderConfig(type=self.type, **given)) as provider:
                with provider.stream(messages, **options) as events:
                    for event in events:
                        match event:
                            case ContentDelta(text=text):
                                yield StreamEvent(type="text", chunk=text)
                            case ReasoningDelta(text=text):
                                yield StreamEvent(type="reasoning", chunk=text)
                if usage := events.result().usage:
                    response.set_usage(input=usage.input_tokens, output=usage.output_tokens)
        except ProviderError as error:
            raise llm.ModelError(str(error)) from error
