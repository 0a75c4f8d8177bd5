"""Running the calls of an answer: they run at the same time, and each has a result, failures too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import pytest

from sansio import (
    ImagePart,
    InvalidToolCall,
    Message,
    Role,
    TextPart,
    ToolCall,
    tool,
)
from transports import run_tools, run_tools_sync

pytestmark = pytest.mark.anyio

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


@dataclass
class Place:
    city: str


@tool
def weather(place: Place, days: int = 1) -> str:
    """The weather."""
    return f"{place.city}: rain for {days}"


@tool
def fails(why: str) -> str:
    raise RuntimeError(why)


@tool
def picture() -> ImagePart:
    return ImagePart(data=b"\x89PNG")


@tool
def both() -> list[TextPart | ImagePart]:
    return [TextPart("here"), ImagePart(data=b"\x89PNG")]


@tool
def place() -> Place:
    return Place("Nantes")


@tool
def who() -> str:
    return WHO.get()


@tool
async def later(text: str) -> str:
    await anyio.lowlevel.checkpoint()
    return text


SYNC: list[Mapping[str, object]] = [weather, fails, picture, both, place, who, {"type": "web_search"}]


def calls(*parts: ToolCall | InvalidToolCall) -> Message:
    return Message(Role.ASSISTANT, (TextPart("Let me see."), *parts))


ANSWER = calls(
    ToolCall("a", "weather", {"place": {"city": "Nantes"}}),
    ToolCall("b", "fails", {"why": "no luck"}),
    InvalidToolCall("c", "weather", "{", "its arguments are cut"),
    ToolCall("d", "nothing"),
    ToolCall("e", "weather", {"place": {"city": 3}}),
    ToolCall("f", "picture"),
    ToolCall("g", "both"),
    ToolCall("h", "place"),
    InvalidToolCall("i", "", "{", "it has no name"),
)


def check(results: list[Message], failed: list[tuple[str, str]]) -> None:
    """What running `ANSWER` gives."""
    assert [message.tool_call_id for message in results] == list("abcdefgh")
    assert {message.role for message in results} == {Role.TOOL}
    assert [message.tool_call_id for message in results if message.is_error] == list("bcde")
    told = {message.tool_call_id: message.content for message in results}
    assert told["a"] == "Nantes: rain for 1"
    assert "no luck" in str(told["b"])
    assert "its arguments are cut" in str(told["c"])
    assert "weather" in str(told["d"])
    assert "$.place.city" in str(told["e"])
    assert told["f"] == (ImagePart(data=b"\x89PNG"),)
    assert told["g"] == (TextPart("here"), ImagePart(data=b"\x89PNG"))
    assert told["h"] == '{"city":"Nantes"}'
    assert failed == [("b", "RuntimeError"), ("d", "LookupError"), ("e", "ValidationError")]


async def test_each_call_gets_its_result() -> None:
    failed: list[tuple[str, str]] = []
    results = await run_tools(
        ANSWER, SYNC, on_error=lambda call, error: failed.append((call.id, type(error).__name__))
    )
    check(results, sorted(failed))


def test_each_call_gets_its_result_without_a_loop() -> None:
    failed: list[tuple[str, str]] = []
    results = run_tools_sync(
        ANSWER, SYNC, on_error=lambda call, error: failed.append((call.id, type(error).__name__))
    )
    check(results, sorted(failed))


async def test_an_answer_without_calls_gives_nothing() -> None:
    answer = Message(Role.ASSISTANT, "Hello.")
    assert await run_tools(answer, SYNC) == run_tools_sync(answer, SYNC) == []


async def test_async_functions_run_at_once_in_the_callers_loop() -> None:
    both_run = anyio.Event()
    count = 0

    @tool
    async def meet() -> str:
        nonlocal count
        count += 1
        if count == 2:
            both_run.set()
        await both_run.wait()
        return "met"

    with anyio.fail_after(5):
        results = await run_tools(calls(ToolCall("a", "meet"), ToolCall("b", "meet")), [meet])
    assert [message.text for message in results] == ["met", "met"]


def test_blocking_functions_run_at_once() -> None:
    meeting = threading.Barrier(2, timeout=5)

    @tool
    def meet() -> str:
        meeting.wait()
        return "met"

    answer = calls(ToolCall("a", "meet"), ToolCall("b", "meet"))
    assert [message.text for message in run_tools_sync(answer, [meet])] == ["met", "met"]
    assert [message.text for message in anyio.run(run_tools, answer, [meet])] == ["met", "met"]


async def test_functions_see_the_callers_context() -> None:
    WHO.set("Ann")
    for number in (1, 2):
        answer = calls(*(ToolCall(str(index), "who") for index in range(number)))
        assert {message.text for message in await run_tools(answer, [who])} == {"Ann"}
        assert {message.text for message in run_tools_sync(answer, [who])} == {"Ann"}


async def test_functions_by_name_take_custom_calls_as_text() -> None:
    def shell(text: str) -> str:
        return f"ran {text}"

    async def add(a: int, b: int) -> int:
        return a + b

    answer = calls(
        ToolCall("a", "shell", {"input": "ls"}, kind="custom"), ToolCall("b", "add", {"a": 1, "b": 2})
    )
    functions: dict[str, Callable[..., object]] = {"shell": shell, "add": add}
    results = await run_tools(answer, functions)
    assert [message.text for message in results] == ["ran ls", "3"]


async def test_a_function_that_returns_an_awaitable_is_awaited() -> None:
    def start(text: str) -> object:
        return later(text)

    (result,) = await run_tools(calls(ToolCall("a", "start", {"text": "x"})), [tool(start)])
    assert result.text == "x"


def test_an_async_function_needs_a_loop() -> None:
    with pytest.raises(TypeError, match="run_tools"):
        run_tools_sync(calls(ToolCall("a", "later", {"text": "x"})), [later])


async def test_cancellation_ends_all() -> None:
    begun = 0
    ended: list[str] = []
    scope = anyio.CancelScope()

    @tool
    async def waits(name: str) -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(name)

    answer = calls(*(ToolCall(name, "waits", {"name": name}) for name in "ab"))
    with scope:
        await run_tools(answer, [waits])
    assert scope.cancelled_caught
    assert sorted(ended) == ["a", "b"]


async def test_one_tool_in_place_of_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match="list"):
        await run_tools(ANSWER, weather)  # type: ignore[arg-type]  # the mistake that is tested


async def test_an_iterator_of_tools_is_refused_since_the_next_round_would_find_it_empty() -> None:
    answer = Message(Role.ASSISTANT, (ToolCall("a", "picture"),))
    with pytest.raises(TypeError, match="give a list of tools"):
        await run_tools(answer, iter([picture]))
    with pytest.raises(TypeError, match="give a list of tools"):
        run_tools_sync(answer, (each for each in [picture]))


async def test_what_is_no_tool_and_what_is_no_answer_are_refused_with_what_is_expected() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    with pytest.raises(TypeError, match=r"tool\(add\)"):
        await run_tools(ANSWER, [add])  # type: ignore[list-item]  # the mistake that is tested
    with pytest.raises(TypeError, match=r"tool\(function\)"):
        await run_tools(ANSWER, add)  # type: ignore[arg-type]  # the mistake that is tested
    with pytest.raises(TypeError, match="must be the Message that has the calls, not str"):
        run_tools_sync("x", [])  # type: ignore[arg-type]  # the mistake that is tested
