"""An agent: it runs tools until the model has an answer, also tools that fail, and saves the conversation."""

from pathlib import Path

import anyio
import msgspec

from sansio import Message, Role, tool
from transports import create_provider, run_tools

SAVED = Path("conversation.json")
TURNS = 10


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    if city != "Paris":
        raise ValueError(f"there is no station in {city}")  # the model reads this
    return "rain, 14 degrees"


def load(path):
    return msgspec.json.decode(path.read_bytes(), type=list[Message]) if path.exists() else []


async def turn(provider, question, path=SAVED):
    """Ask a question after all that were asked before, and save the whole conversation."""
    messages = [*load(path), Message(Role.USER, question)]
    for _ in range(TURNS):
        answer = await provider.complete(messages, [weather])
        messages += [answer, *await run_tools(answer, [weather])]
        path.write_bytes(msgspec.json.encode(messages))
        if not answer.tool_calls:
            return answer.text
    raise RuntimeError(f"no answer after {TURNS} turns")


async def main():
    async with create_provider() as provider:  # the key is read from OPENROUTER_API_KEY
        print(await turn(provider, "Do I need an umbrella in Paris?"))


if __name__ == "__main__":
    anyio.run(main)
