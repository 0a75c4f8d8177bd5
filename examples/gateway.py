"""A server-sent-events endpoint in Starlette, and a page that shows the answer as it arrives.

`pip install starlette granian`, then `granian --interface asgi --factory gateway:create_app`, and open
http://127.0.0.1:8000/?q=Hello. The key is read from OPENROUTER_API_KEY.

Keep-alives are sent while the provider is silent, and when the browser leaves, the upstream call is dropped.
"""

import json

import anyio
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sansio import ContentDelta, ProviderError
from transports import Heartbeat, create_provider

PAGE = """<!doctype html><meta charset="utf-8"><title>Answer</title>
<pre id="text" style="white-space: pre-wrap"></pre><p id="state">waiting</p>
<script>
const text = document.getElementById("text"), state = document.getElementById("state");
const source = new EventSource("/answer" + location.search);
source.onmessage = event => { text.textContent += JSON.parse(event.data); state.textContent = "streaming"; };
source.addEventListener("end", event => { state.textContent = JSON.parse(event.data); source.close(); });
// For its button "back", a browser keeps a page that was left, and its connections, for a minute or more.
addEventListener("pagehide", () => {
  if (source.readyState !== EventSource.CLOSED) state.textContent = "stopped";
  source.close();
});
</script>"""


def as_event(value, name=None):
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value)}\n\n".encode()


class Answer(Response):
    """The stream of one answer. The browser's leaving and the stream's end each end the other."""

    def __init__(self, stream, seconds):
        self.stream, self.seconds = stream, seconds

    async def __call__(self, scope, receive, send):
        async def say(data, more=True):
            await send({"type": "http.response.body", "body": data, "more_body": more})

        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with anyio.create_task_group() as group:

            async def leave_with_the_browser():
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(leave_with_the_browser)
            try:
                async with self.stream as stream:
                    async for event in stream.heartbeats(self.seconds):
                        match event:
                            case Heartbeat():
                                await say(b": keep-alive\n\n")
                            case ContentDelta(text=text):
                                await say(as_event(text))
                await say(as_event("done", "end"), more=False)
            except ProviderError as error:  # its text is for the log, not for the browser
                await say(as_event(type(error).__name__, "end"), more=False)
            group.cancel_scope.cancel()


def create_app(provider=None, seconds=15):
    provider = provider or create_provider()

    async def page(request):
        return HTMLResponse(PAGE)

    async def answer(request):
        return Answer(provider.stream(request.query_params.get("q", "Hello")), seconds)

    return Starlette(routes=[Route("/", page), Route("/answer", answer)])
