"""Which tests mirror a module of `sansio`: the quickest that ought to notice a change of it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder of the project."""

_HTTP_TESTS = tuple(f"tests/sansio/http/test_{of}.py" for of in ("exchange", "exchange_bounds", "by_h11"))
_CALL_TESTS = tuple(
    f"tests/sansio/test_call{of}.py" for of in ("_outcomes", "_bounds", "_retries", "_records", "")
)
_TESTS: dict[str, tuple[str, ...]] = {
    "sansio.http": ("tests/sansio/http/test_messages.py",),
    "sansio.http.exchange": (*_HTTP_TESTS, "tests/sansio/http/test_messages.py"),
    "sansio.http.heads": ("tests/sansio/http/test_heads.py", *_HTTP_TESTS),
    "sansio.http.body": ("tests/sansio/http/test_exchange_bounds.py", *_HTTP_TESTS),
    "sansio.http.http2_frames": (
        "tests/sansio/http/test_http2_frames.py",
        "tests/sansio/http/test_http2.py",
    ),
    "sansio.http.messages": (
        "tests/sansio/http/test_messages.py",
        "tests/sansio/http/test_exchange_bounds.py",
    ),
    "sansio.answers.pieces": ("tests/sansio/answers/test_folding.py",),
    "sansio": ("tests/sansio/test_public_names.py",),
    "sansio.providers": ("tests/sansio/providers/test_registry.py",),
    "sansio.testing": ("tests/sansio/testing/test_wire.py",),
    "sansio.testing.wires.messages": (
        "tests/sansio/testing/test_wire_goldens.py",
        "tests/sansio/testing/wires/test_goldens.py",
        "tests/sansio/testing/wires/test_messages.py",
    ),
    "sansio.testing.wires.chat": (
        "tests/sansio/testing/test_wire_goldens.py",
        "tests/sansio/testing/wires/test_goldens.py",
        "tests/sansio/testing/wires/test_chat.py",
    ),
    "sansio.testing.wires.messages_fields": (
        "tests/sansio/testing/wires/test_requests.py",
        "tests/sansio/test_struct_defaults.py",
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/testing/wires/test_messages_requests.py",
        "tests/sansio/families/messages/test_options_known.py",
        "tests/sansio/testing/test_small_model.py",
    ),
    "sansio.testing.wires.responses_fields": (
        "tests/sansio/testing/wires/test_requests.py",
        "tests/sansio/test_struct_defaults.py",
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/testing/wires/test_responses_requests.py",
    ),
    "sansio.testing.beside": (
        "tests/sansio/testing/test_beside.py",
        "tests/sansio/testing/wires/test_requests_by_types.py",
    ),
    "sansio.testing.wires.chat_fields": (
        "tests/sansio/testing/wires/test_requests.py",
        "tests/sansio/test_struct_defaults.py",
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/families/chat/test_options_known.py",
        "tests/sansio/testing/wires/test_chat_requests_refusals.py",
        "tests/sansio/testing/wires/test_chat_requests_names.py",
        "tests/sansio/testing/wires/test_chat_requests.py",
    ),
    "sansio.families.runtime": (
        "tests/sansio/families/test_words.py",
        "tests/sansio/providers/test_bedrock.py",
        "tests/sansio/providers/test_invoke.py",
        "tests/sansio/families/converse",
    ),
    "sansio.families.claude": (
        "tests/sansio/families/test_claude.py",
        "tests/sansio/test_sent.py",
        "tests/sansio/families/messages/test_options.py",
        "tests/sansio/test_structured.py",
    ),
    "sansio.profiles": (
        "tests/sansio/test_sent.py",
        "tests/sansio/test_profiles_rows.py",
        "tests/sansio/test_profiles.py",
        "tests/sansio/test_messages_hosts.py",
        "tests/sansio/test_responses_hosts.py",
        "tests/sansio/batches/test_codec_facts.py",
    ),
    "sansio.defaults": (
        "tests/sansio/test_sent.py",
        "tests/sansio/test_defaults.py",
        "tests/sansio/test_struct_defaults.py",
        "tests/sansio/test_profiles.py",
        "tests/sansio/test_messages_hosts.py",
    ),
    **{
        f"sansio.providers.{of}": (
            f"tests/sansio/providers/test_{of}.py",
            "tests/sansio/providers/test_hosts.py",
        )
        for of in ("azure", "openai")
    },
    "sansio.providers.google": ("tests/sansio/families/gemini/test_request.py",),
    "sansio.providers.hosts": (
        *(
            f"tests/sansio/providers/test_{of}.py"
            for of in ("hosts", "openai", "azure", "openrouter", "responses")
        ),
        "tests/sansio/families/chat/test_faults.py",
        "tests/sansio/batches/test_codec_facts.py",
    ),
    "sansio.providers.responses": (
        "tests/sansio/providers/test_responses.py",
        "tests/sansio/families/responses/test_options.py",
    ),
    "sansio.providers.openrouter": (
        "tests/sansio/providers/test_openrouter.py",
        "tests/sansio/families/chat/test_options.py",
    ),
    "sansio.providers.vllm": (
        "tests/sansio/providers/test_vllm.py",
        "tests/sansio/families/chat/test_options.py",
    ),
    **dict.fromkeys(
        (
            f"sansio.families.{of}"
            for of in ("serving", "chat.serving", "messages.serving", "responses.serving")
        ),
        (
            "tests/sansio/test_translate_read.py",
            "tests/sansio/test_translate_written.py",
            "tests/sansio/test_translate.py",
            "tests/sansio/test_translate_requests.py",
        ),
    ),
    **dict.fromkeys(
        (f"sansio.testing.wires.{of}" for of in ("cohere", "cohere_requests", "ollama", "ollama_requests")),
        (
            "tests/sansio/testing/wires/test_goldens.py",
            "tests/sansio/testing/wires/test_requests.py",
            "tests/sansio/test_struct_defaults.py",
            "tests/sansio/testing/wires/test_native.py",
            "tests/sansio/testing/wires/test_native_prompts.py",
            "tests/sansio/families/cohere",
            "tests/sansio/families/ollama",
        ),
    ),
    **{
        f"sansio.testing.wires.{of}{half}": (
            "tests/sansio/testing/wires/test_goldens.py",
            "tests/sansio/testing/wires/test_requests.py",
            "tests/sansio/test_struct_defaults.py",
            f"tests/sansio/testing/wires/test_{of}.py",
            "tests/sansio/testing/wires/test_native_prompts.py",
            f"tests/sansio/families/{of}",
        )
        for of in ("gemini", "converse")
        for half in ("", "_requests")
    },
    "sansio.testing.wires.runtime": (
        "tests/sansio/testing/wires/test_goldens.py",
        "tests/sansio/testing/wires/test_converse.py",
        "tests/sansio/testing/wires/test_invoke.py",
        "tests/sansio/families/converse",
    ),
    **{
        f"sansio.testing.wires.{of}_requests": (
            "tests/sansio/testing/wires/test_requests.py",
            f"tests/sansio/testing/wires/test_{of}_requests.py",
            f"tests/sansio/testing/wires/test_{of}_requests_names.py",
            *more,
        )
        for of, more in (
            ("chat", ("tests/sansio/testing/wires/test_chat_requests_refusals.py",)),
            ("messages", ()),
        )
    },
    "sansio.testing.wires.shapes": (
        "tests/sansio/testing/wires/test_requests.py",
        "tests/sansio/testing/wires/test_chat_requests_refusals.py",
    ),
    "sansio.testing.wires.vectors": (
        "tests/sansio/testing/wires/test_goldens.py",
        "tests/sansio/testing/test_beside.py",
    ),
    "sansio.testing.wires.runtime_beside": (
        "tests/sansio/testing/wires/test_goldens.py",
        "tests/sansio/testing/wires/test_converse.py",
        "tests/sansio/testing/wires/test_invoke.py",
    ),
    "sansio.testing.wires.invoke": (
        "tests/sansio/testing/wires/test_goldens.py",
        "tests/sansio/testing/wires/test_requests.py",
        "tests/sansio/testing/wires/test_invoke.py",
    ),
    "sansio.testing.wires.registry": (
        "tests/sansio/testing/wires/test_registry.py",
        "tests/sansio/testing/wires/test_goldens.py",
    ),
    "sansio.testing.wires.responses": (
        "tests/sansio/testing/test_wire_goldens.py",
        "tests/sansio/testing/wires/test_goldens.py",
        "tests/sansio/testing/wires/test_responses.py",
        "tests/sansio/testing/wires/test_responses_requests.py",
        "tests/sansio/testing/wires/test_responses_shelf.py",
    ),
    "sansio.testing.batches": (
        "tests/sansio/testing/test_batches.py",
        "tests/sansio/batches/test_dialogues.py",
    ),
    **dict.fromkeys(
        (
            "sansio.families.responses.records",
            "sansio.testing.wires.responses_items",
            "sansio.testing.wires.responses_records",
        ),
        (
            "tests/sansio/test_translate_written.py",
            *(
                f"tests/sansio/testing/wires/test_responses{of}.py"
                for of in ("_items", "", "_requests", "_shelf")
            ),
            "tests/sansio/testing/test_wire_goldens.py",
            "tests/sansio/testing/wires/test_goldens.py",
        ),
    ),
    "sansio.testing.wires.responses_requests": (
        "tests/sansio/testing/wires/test_requests.py",
        "tests/sansio/testing/wires/test_requests_by_types.py",
        "tests/sansio/testing/wires/test_responses_requests.py",
        "tests/sansio/testing/wires/test_responses_shelf.py",
    ),
    "sansio.families.responses.inputs": (
        "tests/sansio/test_translate_read.py",
        "tests/sansio/test_translate.py",
        "tests/sansio/test_translate_requests.py",
    ),
    "sansio.testing.routes": (
        "tests/sansio/testing/test_routes.py",
        "tests/sansio/testing/test_beside.py",
        "tests/sansio/testing/test_fake.py",
        "tests/sansio/testing/wires/test_responses_shelf.py",
    ),
    "sansio.testing.prompt": (
        "tests/sansio/testing/test_prompt.py",
        "tests/sansio/testing/test_fake.py",
        "tests/sansio/testing/test_small_model.py",
        "tests/sansio/testing/wires/test_chat_requests.py",
        "tests/sansio/testing/wires/test_messages_requests.py",
    ),
    "sansio.providers.registry": (
        "tests/sansio/test_sent.py",
        "tests/sansio/providers/test_registry.py",
        "tests/sansio/providers/test_openai.py",
        "tests/sansio/providers/test_azure.py",
        "tests/sansio/providers/test_responses.py",
        "tests/sansio/test_messages_hosts.py",
    ),
    "sansio.provider": (
        "tests/sansio/test_provider_requests.py",
        "tests/sansio/test_provider.py",
        "tests/sansio/test_options.py",
        "tests/sansio/test_misuse_texts.py",
        "tests/sansio/test_fetch.py",
        "tests/sansio/batches/test_dialogues.py",
    ),
    "sansio.endpoints": (
        "tests/sansio/test_endpoints.py",
        "tests/sansio/families/test_beside.py",
        "tests/sansio/families/cohere/test_cohere_request.py",
        "tests/sansio/test_fetch.py",
    ),
    "sansio.fetch": ("tests/sansio/test_fetch.py", *_CALL_TESTS, "tests/sansio/test_call_resuming.py"),
    "sansio.timeouts": ("tests/sansio/test_config.py", "tests/sansio/test_call.py"),
    "sansio.hypothesis_hook": ("tests/sansio/testing/test_strategies_plain.py",),
    "sansio.families.chat.reader": (
        "tests/sansio/families/chat",
        "tests/sansio/providers/test_openrouter.py",
        "tests/sansio/test_parser_quick.py",
        "tests/sansio/test_parser.py",
    ),
    "sansio.framing.sse": (
        "tests/sansio/framing/test_sse_offsets.py",
        "tests/sansio/framing/test_sse.py",
        "tests/sansio/framing/test_framer.py",
        *("-k", "not linear"),
    ),
    "sansio.testing.eventstream": ("tests/sansio/framing/test_aws.py",),
    "sansio.testing.tape.redaction": (
        "tests/sansio/testing/tape/test_redaction.py",
        "tests/sansio/testing/tape/test_lines.py",
    ),
    "sansio.testing.by_h11": (
        "tests/laws/test_mutated_responses.py",
        "tests/sansio/http/test_by_h11.py",
    ),
    "sansio.testing.records": ("tests/sansio/testing/parsers", "tests/sansio/test_parser.py"),
    "sansio.testing.fake": (
        "tests/sansio/testing/test_fake.py",
        "tests/sansio/testing/test_fake_edges.py",
        "tests/sansio/testing/test_batches.py",
        "tests/sansio/testing/wires/test_registry.py",
        "tests/sansio/testing/wires/test_responses_shelf.py",
    ),
    **dict.fromkeys(
        (
            "sansio.testing.judging",
            *(f"sansio.testing.judging.{of}" for of in ("law", "sample", "seeded", "trying", "work")),
        ),
        (
            "tests/sansio/testing/test_judging.py",
            "tests/sansio/testing/dialects",
            "tests/sansio/testing/parsers",
        ),
    ),
}
"""The tests of the modules that no test file is named after, or that share one."""

_RECORDED: dict[str, tuple[str, ...]] = {
    "gemini": ("test_corpus_gemini.py", "testing/wires/test_gemini.py"),
    "converse": ("test_corpus_bedrock.py", "testing/wires/test_converse.py"),
    **dict.fromkeys(("cohere", "ollama"), ("test_corpus_more.py", "testing/wires/test_native.py")),
}
"""By families: recorded answers, and the fake's, which it writes by what the provider documents."""


def mirror_of(root: Path, module: str) -> tuple[str, ...]:
    """The tests that mirror a module, or else the package it is in, relative to the root.

    The most specific tests are first: they are quick and kill the most.
    """
    if module in _TESTS:
        return _TESTS[module]
    package, _, name = module.rpartition(".")
    folder = root.joinpath("tests", *package.split("."))
    named = sorted([*folder.glob(f"test_{name}_*.py"), *folder.glob(f"{name}/")])
    named += folder.glob(f"test_{name}.py")
    if package == "sansio" and named:
        named.append(folder / "test_public_defaults.py")
    if package == "sansio.batches":
        named += sorted(set(folder.glob("test_*.py")) - set(named))
    if package == "sansio.families" and named:  # what all families share shows in what they send and read
        named += sorted(folder.glob("test_*_written.py")) + sorted(folder.glob("test_*_read.py"))
    if package.startswith("sansio.families."):  # what a family's modules share is tested through them
        recorded = _RECORDED.get(package.rpartition(".")[2], ())
        named += sorted(set(folder.glob("test_*.py")) - set(named))
        of_profiles = ("profiles",) if package.endswith(".chat") else ()
        named += [root / f"tests/sansio/test_{of}.py" for of in (*of_profiles, "sent", "parser_quick")]
        named += sorted((root / "tests/sansio/families").glob("test_*.py"))
        named += [root / "tests/sansio" / file for file in recorded]
    return tuple(str(path.relative_to(root)) for path in named) or mirror_of(root, package)
