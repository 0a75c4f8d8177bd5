"""Reads what is asked: the prompt and standard input, attached files, options and tools."""

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
    """The prompt: standard input, unless it is a terminal, and below it the argument.

    Args:
        given: the argument; `-` is standard input alone.

    Returns:
        The prompt; `None` if a conversation is wanted.

    Raises:
        typer.BadParameter: there is neither a text nor a terminal.
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
    """The user's message. Files go before the text, since providers advise putting the question last."""
    return Message(Role.USER, (*attached, TextPart(prompt)) if attached else prompt)


def read_attachment(file: Path) -> Part:
    """A file as a part of a message.

    Its name shows if it is an image, sound or PDF; other files must be UTF-8 text.

    Raises:
        typer.BadParameter: the file cannot be read, or is none of these.
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
            f"{str(file)!r}: its name is not that of an image, sound or PDF, and it is not UTF-8 text",
            param_hint="--attach",
        ) from None


def typed_options(given: Sequence[str], config: ProviderConfig) -> dict[str, object]:
    """Options of the form NAME=VALUE.

    A value is read as JSON if the option takes that type, and as text otherwise.

    Args:
        given: as on the command line.
        config: the provider's, which says the types of its options. The options are not checked here: the
            call checks them, and its errors say more.

    Raises:
        typer.BadParameter: one does not have that form.
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
    except ValueError:
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
    """The tools that are named as MODULE:FUNCTION.

    Raises:
        typer.BadParameter: the function does not exist, or it cannot be a tool.
    """
    tools: list[FunctionTool] = []
    for name in names:
        made = load(name, _TOOLS, "my_module:read_file", "a tool")
        try:
            tools.append(made if isinstance(made, FunctionTool) else tool(made))
        except TypeError as error:
            raise typer.BadParameter(f"{name!r} cannot be a tool: {error}", param_hint="--tools") from None
    return tools
