"""What is asked: the prompt with standard input, files beside it, options and tools."""

from __future__ import annotations

import mimetypes
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from sansio import (
    AudioPart,
    DocumentPart,
    FunctionTool,
    ImagePart,
    Message,
    Option,
    Part,
    Provider,
    ProviderConfig,
    Role,
    TextPart,
    tool,
)
from transports.cli.loading import load
from transports.cli.terminal import read_stdin

_TOOLS = "MODULE:FUNCTION"


def read_prompt(given: str | None) -> str | None:
    """The prompt: standard input, if it is no terminal, and below it the argument.

    Args:
        given: the argument; `-` is standard input alone.

    Returns:
        `None` for a conversation.

    Raises:
        typer.BadParameter: there is no text.
    """
    piped = sys.stdin is not None and not sys.stdin.isatty()
    if given is None and sys.stdin is not None and not piped:
        return None
    texts = [read_stdin().rstrip("\r\n")] if piped or given == "-" else []
    if given is not None and given != "-":
        texts.append(given)
    prompt = "\n\n".join(text for text in texts if text.strip())
    if not prompt:
        raise typer.BadParameter(
            "there is no prompt; pass one as an argument or on standard input, or run it on a terminal",
            param_hint="PROMPT",
        )
    return prompt


def question(prompt: str, attached: Sequence[Part]) -> Message:
    """The user's message. Files go before the text: providers advise to put the question last."""
    return Message(Role.USER, (*attached, TextPart(prompt)) if attached else prompt)


def read_attachment(file: Path) -> Part:
    """A file as a part of a message, by its name: an image, sound or PDF; anything else must be text.

    Raises:
        typer.BadParameter: it cannot be read, or is neither.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{str(file)!r}: {error.strerror}", param_hint="--attach") from None
    kind = mimetypes.guess_type(file.name)[0] or ""
    match kind.partition("/")[0], kind:
        case "image", _ if kind != "image/svg+xml":
            return ImagePart(data=data, media_type=kind)
        case "audio", _:
            return AudioPart(data=data, media_type=kind)
        case _, "application/pdf":
            return DocumentPart(data=data, media_type=kind, name=file.name)
    try:
        return TextPart(f"{file.name}:\n\n{data.decode('utf-8-sig')}")
    except UnicodeDecodeError:
        raise typer.BadParameter(
            f"{str(file)!r}: it is no image, sound or PDF by its name, and no UTF-8 text",
            param_hint="--attach",
        ) from None


def typed_options(given: Sequence[str], config: ProviderConfig) -> dict[str, object]:
    """Options of the form NAME=VALUE. A value is JSON if the option takes it so, and text otherwise.

    Args:
        given: as on the command line.
        config: of the provider, whose options have types. The call checks them, and its errors say more.

    Raises:
        typer.BadParameter: one is not of the form.
    """
    table = Provider(config).dialect.OPTIONS
    options: dict[str, object] = {}
    for each in given:
        name, is_given, text = each.partition("=")
        if not name or not is_given:
            raise typer.BadParameter(
                f"{each!r}: write it as NAME=VALUE, such as temperature=0.2", param_hint="--option"
            )
        options[name] = _typed(text, table.get(name))
    return options


def _typed(text: str, option: Option | None) -> object:
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    if option is not None and not _fits(value, option) and _fits(text, option):
        return text
    return value


def _fits(value: object, option: Option) -> bool:
    try:
        msgspec.convert(value, option.type)
    except msgspec.ValidationError:
        return False
    return True


def load_tools(names: Sequence[str]) -> list[FunctionTool]:
    """Tools that are named as MODULE:FUNCTION.

    Raises:
        typer.BadParameter: there is no such function, or it cannot be a tool.
    """
    tools: list[FunctionTool] = []
    for name in names:
        made = load(name, _TOOLS, "my_module:read_file", "a tool")
        try:
            tools.append(made if isinstance(made, FunctionTool) else tool(made))
        except TypeError as error:
            raise typer.BadParameter(f"{name!r} cannot be a tool: {error}", param_hint="--tools") from None
    return tools
