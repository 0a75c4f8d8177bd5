"""`sansio-llm chat`: one question, or a conversation."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from sansio import ConfigError
from transports.cli.asking import Asker
from transports.cli.conversation import Conversation, with_system
from transports.cli.display import JSONDisplay, TextDisplay, answer_page
from transports.cli.inputs import load_tools, question, read_attachment, read_prompt, typed_options
from transports.cli.saved import Saved, last_conversation, read_saved
from transports.cli.settings import (
    Api,
    Imports,
    Location,
    Project,
    Region,
    chooses,
    known_type,
    located,
    open_provider,
    read_config,
)


def chat(
    prompt: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROMPT]",
            help="The prompt. Text from a pipe goes before it. Without both, a conversation begins.",
        ),
    ] = None,
    *,
    type: Annotated[
        str | None,
        typer.Option(callback=known_type, help="The provider's type, such as openai. Default: openrouter."),
    ] = None,
    api: Api = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="The model's id. Default: the type's, if it has one."),
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="The API's base URL. Default: the type's.")] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            help="The environment variable that holds the API key. Default: the type's.", metavar="NAME"
        ),
    ] = None,
    region: Region = None,
    project: Project = None,
    location: Location = None,
    system: Annotated[
        str | None, typer.Option("--system", "-s", help="The system message of the conversation.")
    ] = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option(
            "--attach",
            "-a",
            metavar="FILE",
            help="An image, sound, PDF or UTF-8 text to send with the prompt; may be repeated.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="NAME=VALUE",
            help="An option of the call, such as temperature=0.2; may be repeated.",
        ),
    ] = None,
    tools: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="A Python function that the model may call. It runs without asking you; may be repeated.",
        ),
    ] = None,
    reasoning: Annotated[
        bool | None,
        typer.Option(
            "--reasoning/--no-reasoning",
            help="Turn extended thinking on or off. Default: the model's own.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A JSON file with the provider's configuration. Options given here override it.",
        ),
    ] = None,
    go_on: Annotated[
        bool,
        typer.Option("--continue", "-c", help="Continue the last conversation, with the same provider."),
    ] = False,
    is_kept: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Store the conversation for --continue.")
    ] = True,
    plain: Annotated[
        bool, typer.Option("--plain", help="Show the text as the model wrote it, not as markdown.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the events as JSON lines.")] = False,
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Ask for the answer in one piece, not streamed.")
    ] = False,
    trio: Annotated[
        bool, typer.Option("--trio", help="Use trio as the event loop. Default: asyncio.")
    ] = False,
    imports: Imports = None,
) -> None:
    """Ask a provider, and show its answer; see `sansio-llm chat --help`.

    Raises:
        ProviderError: the configuration is invalid, or the call failed.
        typer.BadParameter: there is no prompt, a file or a tool does not exist, or there is no conversation
            to continue.
        typer.Exit: Ctrl-C was pressed twice at the prompt, or the output was closed.
    """
    given: dict[str, object] = {
        "type": type,
        "api": api,
        "model": model,
        "base_url": base_url,
        "api_key_env": api_key_env,
        "region": region,
        "reasoning": reasoning,
    }
    fields = {name: value for name, value in given.items() if value is not None}
    asked = read_prompt(prompt)
    attached = [read_attachment(file) for file in attach or ()]
    functions = load_tools(tools or ())
    loop = _loop(trio)
    saved = _last() if go_on else Saved([])
    if config is not None:
        fields = {**read_config(config), **fields}
    elif not chooses(fields):
        fields = {**saved.provider, **fields}
    fields = located(fields, base_url=base_url, project=project, location=location)
    is_real = config is not None or chooses(fields)
    messages = with_system(saved.messages, system) if system else saved.messages
    with open_provider(fields, loop, is_real=is_real) as provider:
        asker = Asker(
            provider,
            JSONDisplay() if json else TextDisplay(answer_page(plain=plain)),
            stream=not no_stream,
            loop=loop,
            options=typed_options(option or (), provider.config),
            tools=functions,
        )
        told = {"type": provider.config.type, **fields} if is_real else {}
        conversation = Conversation(asker, messages, told, is_kept=is_kept)
        if asked is None:
            conversation.run(attached)
        else:
            conversation.say(question(asked, attached))


def _last() -> Saved:
    file = last_conversation()
    try:
        return read_saved(file)
    except FileNotFoundError:
        raise typer.BadParameter(
            f"there is no conversation to continue: {file} does not exist", param_hint="--continue"
        ) from None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--continue") from None


def _loop(trio: bool) -> str:
    if trio and find_spec("trio") is None:
        raise ConfigError("--trio needs trio; install it with: pip install 'sansio-llm[trio]'")
    return "trio" if trio else "asyncio"
