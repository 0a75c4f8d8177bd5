"""Running the tool calls of an answer."""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
import msgspec

from sansio import FunctionTool, InvalidToolCall, Message, Part, Role, ToolCall, tool
from sansio.content import PARTS

Tools: TypeAlias = Iterable[Mapping[str, object]] | Mapping[str, Callable[..., Any]]
"""Tools made by `tool`, or functions by the name of their tool. Other tools in a list are ignored."""
OnError: TypeAlias = Callable[[ToolCall, Exception], None]


async def run_tools(answer: Message, tools: Tools, *, on_error: OnError | None = None) -> list[Message]:
    """Run the tool calls of an answer, and return the messages that answer them.

    All calls run at the same time: async functions in the caller's loop, others in worker threads. Each
    failure becomes a message with `is_error` that explains it to the model: an exception of the function,
    arguments that do not fit, an invalid call, or an unknown tool. Cancellation cancels all calls.

    Args:
        answer: the assistant's message.
        tools: the tools that the call received as `tools=`; or functions by name, for definitions written by
            hand and for custom tools, whose function takes the text.
        on_error: called with each call that failed and its exception, for logging.

    Returns:
        A message for each call, in the order of the calls; an empty list if there are none. Append the answer
        to the conversation, and then these messages. A result that is a `str` or consists of parts, such as
        `ImagePart`, is sent unchanged, and any other result as JSON.

    Example:
        ```python
        while (answer := await provider.complete(messages, tools)).tool_calls:
            messages += [answer, *await run_tools(answer, tools)]
        ```
    """
    functions = _functions(tools)
    calls = _calls(answer)
    results: dict[int, Message] = {}

    async def run(index: int, call: ToolCall) -> None:
        try:
            function, arguments = _prepare(call, functions)
            if inspect.iscoroutinefunction(_plain(function)):
                result = await function(*arguments[0], **arguments[1])
            else:
                # In a list, since trio refuses an awaitable from a thread.
                (result,) = await anyio.to_thread.run_sync(
                    lambda: [function(*arguments[0], **arguments[1])], abandon_on_cancel=True
                )
                if inspect.isawaitable(result):
                    result = await result
            results[index] = _result(call, result)
        except Exception as error:
            results[index] = _failed(call, error, on_error)

    async with anyio.create_task_group() as group:
        for index, call in enumerate(calls):
            if isinstance(call, InvalidToolCall):
                results[index] = _refused(call)
            else:
                group.start_soon(run, index, call)
    return [results[index] for index in range(len(calls))]


def run_tools_sync(
    answer: Message, tools: Tools, *, on_error: OnError | None = None, threads: int = 8
) -> list[Message]:
    """Run the tool calls of an answer without an event loop; see `run_tools`.

    Args:
        answer: as for `run_tools`.
        tools: as for `run_tools`.
        on_error: as for `run_tools`.
        threads: how many threads run calls at the same time, at most.

    Raises:
        TypeError: a tool that is called is an async function.
    """
    functions = _functions(tools)
    calls = _calls(answer)

    def run(call: ToolCall | InvalidToolCall) -> Message:
        if isinstance(call, InvalidToolCall):
            return _refused(call)
        try:
            function, arguments = _prepare(call, functions)
            return _result(call, function(*arguments[0], **arguments[1]))
        except Exception as error:
            return _failed(call, error, on_error)

    for call in calls:
        if inspect.iscoroutinefunction(_plain(functions.get(call.name))):
            raise TypeError(f"{call.name} is an async function: use run_tools")
    if len(calls) < 2:
        return [run(call) for call in calls]
    with ThreadPoolExecutor(min(threads, len(calls)), "sansio-tool") as pool:
        # Each thread sees the caller's context variables, as a direct call would.
        return list(
            pool.map(lambda pair: pair[0].run(run, pair[1]), [(contextvars.copy_context(), c) for c in calls])
        )


def _functions(tools: Tools) -> dict[str, Callable[..., Any]]:
    if isinstance(tools, (FunctionTool, Iterator)):  # an iterator would be empty in the next round
        raise TypeError(f"tools: give a list of tools, not a {type(tools).__name__}")
    given: object = tools
    if callable(given) and not isinstance(given, Mapping):
        raise TypeError("tools: is a function; make a tool of it, and give a list: [tool(function)]")
    if isinstance(tools, Mapping):
        return dict(tools)
    listed: list[object] = list(tools)
    for each in listed:
        if callable(each) and not isinstance(each, Mapping):
            name = getattr(each, "__name__", "function")
            raise TypeError(f"tools: {name} is a plain function; make a tool of it: tool({name})")
    return {each.name: each for each in listed if isinstance(each, FunctionTool)}


def _plain(function: object) -> object:
    return function.function if isinstance(function, FunctionTool) else function


def _calls(answer: Message) -> list[ToolCall | InvalidToolCall]:
    """The calls that need a result, in order. A call without a name is not sent back, and needs none."""
    if not isinstance(answer, Message):
        raise TypeError(f"answer: must be the Message that has the calls, not {type(answer).__name__}")
    return [call for call in answer.all_tool_calls if call.name]


def _prepare(
    call: ToolCall, functions: Mapping[str, Callable[..., Any]]
) -> tuple[Callable[..., Any], tuple[tuple[Any, ...], dict[str, Any]]]:
    function = functions.get(call.name)
    if function is None:
        known = ", ".join(functions) or "none"
        raise LookupError(f"there is no tool named {call.name!r}; the tools are: {known}")
    if call.kind == "custom":
        return function, ((call.arguments_text(),), {})
    if not isinstance(function, FunctionTool):
        function = tool(function, name=call.name)
    return function, ((), function.arguments(call))


def _result(call: ToolCall, result: object) -> Message:
    if isinstance(result, PARTS):
        content: str | tuple[Part, ...] = (result,)
    elif isinstance(result, str):
        content = result
    elif isinstance(result, (list, tuple)) and result and all(isinstance(part, PARTS) for part in result):
        content = tuple(result)
    else:
        content = msgspec.json.encode(result).decode()
    return Message(Role.TOOL, content, tool_call_id=call.id)


def _failed(call: ToolCall, error: Exception, on_error: OnError | None) -> Message:
    if on_error is not None:
        on_error(call, error)
    text = f"Error: {type(error).__name__}: {error}"
    return Message(Role.TOOL, text, tool_call_id=call.id, is_error=True)


def _refused(call: InvalidToolCall) -> Message:
    text = f"Error: the call was not run: {call.reason}"
    return Message(Role.TOOL, text, tool_call_id=call.id, is_error=True)
