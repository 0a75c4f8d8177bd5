"""A very small model: it answers from the last user message, and the same request gets the same answer.

It knows greetings and arithmetic with two numbers, and repeats anything else. It calls tools that are offered
and named in the message, and reports their results. It says what it is.
"""

from __future__ import annotations

import re
from fractions import Fraction

import msgspec
from msgspec import Struct, structs

from sansio.content import (
    FinishReason,
    ReasoningPart,
    ToolCall,
    Usage,
)
from sansio.jsontext import JSON, JSONObject
from sansio.testing.prompt import OfferedTool, Prompt, as_object, as_text, count_tokens
from sansio.testing.schemas import smallest
from sansio.testing.script import Answer, arguments_text

_NAME = "the small model embedded in sansio.testing"
_GREETING = re.compile(r"\s*(hello|hi|hey|good (morning|day|evening))\b", re.IGNORECASE)
_NUMBER_FORM = r"-?\d{1,15}(?:\.\d{1,15})?"
_SUM = re.compile(rf"({_NUMBER_FORM})\s*([-+*/x])\s*({_NUMBER_FORM})")
_NUMBER = re.compile(_NUMBER_FORM)
_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
_CAPITALISED = re.compile(r"(?<=\s)[A-Z]\w[\w-]*(?: [A-Z]\w[\w-]*)*")
_WORD = re.compile(r"\w[\w'-]*")
_TOKEN = re.compile(r"(?:\w+|\S)\s*")
_REPEATED = 12
"""How many of the user's words the model repeats."""


def answer(prompt: Prompt) -> Answer:
    """The model's answer to a request, with its usage by `count_tokens`."""
    reasoning = _reasoning(prompt) if prompt.reasoning and not prompt.hidden else ""
    hidden = (ReasoningPart(""),) if prompt.reasoning and prompt.hidden else ()
    calls = () if prompt.results else _calls(prompt)
    finish = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
    text = "" if calls else _text(prompt)
    if prompt.max_tokens is not None and prompt.max_tokens < count_tokens(text):
        text = "".join(_TOKEN.findall(text)[: prompt.max_tokens])
        finish = FinishReason.LENGTH
    draft = Answer(parts=hidden, text=text, reasoning=reasoning, tool_calls=calls, finish_reason=finish)
    return with_usage(draft, prompt)


def with_usage(answer: Answer, prompt: Prompt) -> Answer:
    """The answer with its tokens counted, if it has no usage."""
    if answer.usage is not None:
        return answer
    message = answer.to_message()
    reasoning = count_tokens(message.reasoning)
    said = count_tokens(message.text) + count_tokens(message.refusal) + reasoning
    calls = message.all_tool_calls
    said += sum(count_tokens(call.name) + count_tokens(arguments_text(call)) for call in calls)
    usage = Usage(input_tokens=prompt.tokens, output_tokens=said, reasoning_tokens=reasoning)
    return structs.replace(answer, usage=usage)


def _reasoning(prompt: Prompt) -> str:
    words = len(_WORD.findall(prompt.user))
    if prompt.results:
        return f"The tools gave {len(prompt.results)} results. I can answer with them."
    return f"The user wrote {words} words, and offers {len(prompt.tools)} tools. I look for what I know."


def _text(prompt: Prompt) -> str:
    if prompt.schema is not None:
        return msgspec.json.encode(smallest(prompt.schema)).decode()
    if prompt.results:
        told = "; ".join(f"{result.name} said {result.text.strip()!r}" for result in prompt.results)
        return f"The tools answered: {told}."
    if (result := _calculate(prompt.user)) is not None:
        return f"That is {result}."
    if _GREETING.match(prompt.user):
        return f"Hello! I am {_NAME}. Ask me for a sum, or name a tool that I may call."
    words = prompt.user.split()
    if not words:
        return f"You said nothing that I can read. I am {_NAME}."
    said = " ".join(words[:_REPEATED]) + (" …" if len(words) > _REPEATED else "")
    number = "1 word" if len(words) == 1 else f"{len(words)} words"
    return f"You said, in {number}: {said!r} I am {_NAME}, and cannot say more about it."


def _calculate(text: str) -> str | None:
    match = _SUM.search(text)
    if match is None:
        return None
    left, sign, right = Fraction(match[1]), match[2], Fraction(match[3])
    match sign:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "/":
            if not right:
                return "not defined: nothing can be divided by 0"
            result = left / right
        case _:
            result = left * right
    return str(result.numerator) if result.denominator == 1 else f"{float(result):g}"


def _calls(prompt: Prompt) -> tuple[ToolCall, ...]:
    """The tools that the message names, each once, in the order of the request; or the forced one."""
    chosen = [tool for tool in prompt.tools if _names(prompt.user, tool.name)]
    if prompt.forced_tool == "*":
        chosen = chosen or list(prompt.tools[:1])
    elif prompt.forced_tool is not None:
        chosen = [tool for tool in prompt.tools if tool.name == prompt.forced_tool]
    return tuple(
        # The number of messages makes the id new in each turn of one conversation.
        _call(f"call_{prompt.turns}_{position}", tool, prompt)
        for position, tool in enumerate(chosen)
    )


def _call(call_id: str, tool: OfferedTool, prompt: Prompt) -> ToolCall:
    if tool.custom:
        return ToolCall(call_id, tool.name, {"input": prompt.user}, kind="custom")
    return ToolCall(call_id, tool.name, _arguments(tool, prompt))


def _names(text: str, name: str) -> bool:
    spelled = re.escape(name).replace("_", "[_ ]")
    return re.search(rf"(?<!\w){spelled}(?!\w)", text, re.IGNORECASE) is not None


_COMPOSED = {"$ref", "anyOf", "oneOf", "allOf", "const"}
"""Words of schemas for which no value is searched in the message."""


class _Hints(Struct):
    """The values in a message that can be arguments.

    Each kind is used in order, and its last value repeatedly.
    """

    message: str
    numbers: list[str]
    texts: list[str]
    definitions: JSON = None
    """The schema's `$defs`."""


def _arguments(tool: OfferedTool, prompt: Prompt) -> JSONObject:
    text = prompt.user
    for offered in prompt.tools:
        text = re.sub(rf"(?<!\w){re.escape(offered.name)}(?!\w)", " ", text)
    texts = _QUOTED.findall(text) or _CAPITALISED.findall(text) or _WORD.findall(text)[-1:]
    hints = _Hints(text, _NUMBER.findall(text), texts, tool.schema.get("$defs"))
    return _object(tool.schema, hints)


def _object(schema: JSONObject, hints: _Hints) -> JSONObject:
    properties = as_object(schema.get("properties"))
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {name: _value(as_object(properties.get(name)), _hints_for(name, hints)) for name in names}


def _hints_for(name: str, hints: _Hints) -> _Hints:
    """The values after the name in the message, as in "the path notes.txt"; all values if there are none."""
    spelled = re.escape(name).replace("_", "[_ ]")
    found = re.search(
        rf"(?<!\w){spelled}(?:\s*[:=]\s*|\s+(?:(?:is|of)\s+)?)(\"[^\"]+\"|\S+)", hints.message, re.IGNORECASE
    )
    value = found[1].strip("\"',;:?!.") if found is not None else ""
    if not value:
        return hints
    return structs.replace(hints, numbers=_NUMBER.findall(value) or hints.numbers, texts=[value])


def _value(schema: JSONObject, hints: _Hints) -> JSON:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return next((choice for choice in choices if _names(hints.message, str(choice))), choices[0])
    if schema.keys() & _COMPOSED:
        return smallest({**schema, "$defs": hints.definitions})
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    match as_text(kind):
        case "integer":
            return int(Fraction(_take(hints.numbers, "1")))
        case "number":
            return float(_take(hints.numbers, "1"))
        case "boolean":
            return True
        case "array":
            return [_value(as_object(schema.get("items")), hints)]
        case "object":
            return _object(schema, hints)
        case "null":
            return None
        case _:
            return _take(hints.texts, "")


def _take(values: list[str], default: str) -> str:
    if len(values) > 1:
        return values.pop(0)
    return values[0] if values else default
