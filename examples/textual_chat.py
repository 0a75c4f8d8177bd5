"""A chat in the terminal with Textual: answers as markdown while they arrive, and Escape stops one.

`pip install textual`, then `python textual_chat.py`. The key is read from OPENROUTER_API_KEY.
"""

from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Footer, Input, Markdown, Static

from sansio import Message, ProviderError
from transports import create_provider


class Chat(App):
    BINDINGS = (("escape", "stop", "Stop the answer"),)
    CSS = ".question, .failed { color: $accent; margin: 1 2 0 2; } .failed { color: $error; }"

    def __init__(self, provider):
        super().__init__()
        self.provider, self.history = provider, []

    def compose(self):
        yield VerticalScroll(id="conversation")
        yield Input(placeholder="Ask something")
        yield Footer()

    def on_mount(self):
        self.query_one("#conversation").anchor()  # it stays at the end as the answer grows
        self.query_one(Input).focus()

    def on_input_submitted(self, submitted):
        submitted.input.clear()
        # A new question stops an answer that still arrives.
        self.run_worker(self.ask(submitted.value), exclusive=True)

    def action_stop(self):
        self.workers.cancel_all()

    async def ask(self, question):
        conversation, answer = self.query_one("#conversation"), Markdown()
        await conversation.mount(Static(question, classes="question", markup=False), answer)
        shown = Markdown.get_stream(answer)
        try:
            # A cancelled worker leaves this block too, which drops the call.
            async with self.provider.stream([*self.history, Message("user", question)]) as stream:
                async for piece in stream.text():
                    await shown.write(piece)
            self.history += [Message("user", question), stream.result()]
        except ProviderError as error:
            await conversation.mount(Static(str(error), classes="failed", markup=False))
        finally:
            await shown.stop()


if __name__ == "__main__":
    Chat(create_provider()).run()
