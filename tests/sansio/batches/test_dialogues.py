"""What is said between our batches and each fake, request by request, as in `goldens/batches.txt`.

The file shows the wire of each provider's batches, field for field: a change there changes what is sent to a
provider, or what its fake says. `python -m tests.sansio.batches.test_dialogues` writes it anew; read what
changed before you keep it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sansio import Request
from sansio.testing import Answer, BatchScript, Failure, FakeResponse
from tests.sansio.batches.driving import Respond, batches, config_of, fake_of, read, requests, timed

GOLDEN = Path(__file__).parents[1] / "testing" / "goldens" / "batches.txt"
SCRIPTS = {
    "completed": BatchScript(looks=1),
    "expired": BatchScript(ending="expired", answered=2, reverse=True),
    "cancelled": BatchScript(looks=2, answered=1),
    "failed": BatchScript(ending="failed"),
}
CASES = [
    *((kind, "completed") for kind in ("openai", "azure", "mistral", "openrouter", "anthropic")),
    *(
        (kind, ending)
        for kind in ("openai", "mistral", "openrouter", "anthropic")
        for ending in [*SCRIPTS][1:]
    ),
]
OUTCOMES = (Answer(text="Yes"), Failure(status=400, message="No"))

MADE_UP = re.compile("[0-9a-f]{20,}")


def shortened(value: Any) -> Any:
    """A value without the answers of models, which other files show."""
    if isinstance(value, dict):
        if "choices" in value or value.get("role") == "assistant":
            return "an answer"
        return {name: shortened(each) for name, each in value.items()}
    return [shortened(each) for each in value] if isinstance(value, list) else value


def body_lines(data: bytes) -> Iterator[str]:
    for line in MADE_UP.sub("#", data.decode()).splitlines():
        try:
            yield f"  {json.dumps(shortened(json.loads(line)))}"
        except json.JSONDecodeError:
            yield f"  {line}"


def recorded(respond: Respond, lines: list[str]) -> Respond:
    """The same server; each request and response is added to the lines."""

    def heard(request: Request) -> FakeResponse:
        kind = MADE_UP.sub("#", dict(request.headers).get("content-type", ""))
        response = respond(request)
        lines.append(f"{request.method} {request.host}{request.target} {kind}".rstrip())
        lines.extend(body_lines(request.body))
        lines.append(f"{response.status} {dict(response.headers)['content-type']}")
        lines.extend(body_lines(response.body))
        return response

    return heard


def dialogue(kind: str, ending: str) -> Iterator[str]:
    """All that is said about a batch of three requests, and what its results are."""
    lines: list[str] = []
    fake, machine = fake_of(kind, SCRIPTS[ending], OUTCOMES), batches(config_of(kind))
    respond = recorded(fake.respond, lines)
    state, _ = timed(machine.submit(requests("a", "b", "c")), respond)
    if ending == "cancelled" and kind != "openrouter":
        state, _ = timed(machine.cancel(state), respond)
    if ending != "completed":
        lines.clear()  # which is the same each time
    while not state.finished:
        state, _ = timed(machine.status(state), respond)
    if not (ending == "failed" and kind == "openrouter"):
        read(machine.results(state), respond)
    yield f"=== {kind}, {ending}"
    yield from lines


def dialogues() -> list[str]:
    return [line for kind, ending in CASES for line in dialogue(kind, ending)]


def test_each_request_and_response_is_as_written_down() -> None:
    assert dialogues() == GOLDEN.read_text("utf-8").splitlines()


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in dialogues()), "utf-8")
