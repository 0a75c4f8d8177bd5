"""An endpoint that speaks Anthropic's messages, before a provider that speaks OpenAI's chat completions.

`granian --interface asgi messages_before_openai:app`; a client's base URL is then `http://127.0.0.1:8000`.
"""

import time
import uuid

from sansio import Provider, ProviderConfig, ProviderError, StreamFailed
from sansio.translate import AnswerTranslator, Written, read_request, write_answer, write_error
from transports import create_provider

API = "messages"  # what clients speak
CONFIG = ProviderConfig(type="openai", model="gpt-5.4")


def create_app(config=CONFIG, **given):
    async def app(scope, receive, send):
        async def say(data, kind=b"text/event-stream", status=None, more=True):
            if status is not None:
                headers = [(b"content-type", kind)]
                await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": data, "more_body": more})

        async def answer(body) -> Written | None:
            asked = read_request(API, body, Provider(config))
            head = asked.head(f"msg_{uuid.uuid4().hex}", int(time.time()))
            call = {"tools": asked.tools, "unsupported": "drop", "options": asked.options}
            async with create_provider(config, **given) as provider:
                if not asked.stream:
                    return write_answer(API, await provider.complete(asked.messages, **call), head)
                translator, status = AnswerTranslator(API, head), 200
                try:
                    async with provider.stream(asked.messages, **call) as stream:
                        async for event in stream:
                            await say(translator.write(event), status=status)
                            status = None  # the head is sent once
                except ProviderError as error:
                    if status is not None:  # nothing was sent: the error is the whole response
                        raise
                    await say(translator.write(StreamFailed(error)))
            return await say(b"", more=False)

        body, message = b"", {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        try:
            written = await answer(body)
        except ProviderError as error:
            written = write_error(API, error)
        if written is not None:
            await say(written.body, b"application/json", written.status, more=False)

    return app


app = create_app()
