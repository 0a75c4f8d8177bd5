"""The pages in `docs` are true: their examples run, and the tests that they name exist."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import settings

from sansio import PROVIDER_DEFAULTS, FinishReason, ProviderConfig, StreamEvent, StreamFailed
from sansio.profiles import BUILT_IN, MESSAGES
from sansio.testing import PROVIDER_TYPES, strategies
from sansio.testing.fuzz import TARGETS
from tests.snippets import ROOT, blocks, run_down, section

LAWS = (ROOT / "docs" / "laws.md").read_text("utf-8")
FUZZING = ROOT / "docs" / "fuzzing.md"


def test_the_examples_of_the_page_on_fuzzing_run(capsys: pytest.CaptureFixture[str]) -> None:
    outputs: dict[str, str] = {}
    for heading in run_down(FUZZING):
        outputs[heading] = outputs.get(heading, "") + capsys.readouterr().out

    assert outputs["The same laws, kept"] == "kept\n"
    assert "ContentDelta(text='there.', part=0)" in outputs["Calls and drivers"]
    assert outputs["Calls and drivers"].endswith("2 attempts\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tutorial.md", "Usage(input_tokens="),
        ("tutorial.md", "ContentDelta(text='This ', part=0)"),
        ("tutorial.md", "only 'This answer ' arrived"),
        ("configuration.md", "did you mean 'temperature'?"),
        ("tools.md", "Buy milk."),
        ("structured.md", "Invoice(number=0, lines=[], note=None) Usage("),
        ("endpoints.md", "fake-model active 200000 None"),
        ("endpoints.md", "2 vectors, Usage(input_tokens="),
        ("retries.md", "429 7200.0 1"),
        ("retries.md", "asked to wait 7200 s"),
        ("retries.md", "REQ https://api.anthropic.com/v1/messages claude-sonnet-5-5"),
        ("retries.md", "RES 200"),
        ("machines.md", "wait\nPOST https://api.openai.com/v1/chat/completions\nContentDelta(text='Hello.'"),
        ("network.md", "That is 2.\nThat is 4.\n"),
        ("adapters.md", "That is 5.\nThat is 5.\n"),
        ("anthropic.md", "temperature: must be 1 beside thinking"),
        ("content.md", "'330 m' is from The tower"),
        ("content.md", "PartComplete(index=1"),
        ("bedrock.md", "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream"),
        ("bedrock.md", "%3A0/invoke-with-response-stream\n{'anthropic_version': 'bedrock-2023-05-31'"),
        ("bedrock.md", "AKIDEXAMPLE/20150830/eu-west-1/bedrock"),
        ("content.md", "anthropic ['ReasoningPart', 'InvalidToolCall']"),
        ("responses.md", '"type": "function_call_output", "call_id": "call_1"'),
        ("ollama.md", "http://localhost:11434/api/chat\n500 Hi"),
        ("cohere.md", "https://api.cohere.com/v2/chat\nMatz doc:0"),
        (
            "gemini.md",
            "{'thinkingConfig': {'includeThoughts': True, 'thinkingLevel': 'LOW'}, 'temperature': 0}",
        ),
        ("gemini.md", "/publishers/google/models/gemini-3.5-flash:generateContent"),
        ("gemini.md", "tool_calls {'city': 'Paris'} c2ln\nUsage(input_tokens=9, output_tokens=7"),
        ("moving.md", "message 1, part 1: ServerToolPart"),
        ("resuming.md", "GET https://api.openai.com/v1/responses/resp_1?stream=true&starting_after=1"),
        ("resuming.md", "2 attempts, 1 resumed: Hello, world."),
        ("providers.md", "https://api.deepseek.com/chat/completions"),
        ("providers.md", "https://my-resource.services.ai.azure.com/anthropic/v1/messages"),
        ("custom-dialect.md", "https://api.example.com/custom/chat"),
        ("custom-dialect.md", "ContentDelta(text='42', part=1)"),
        ("custom-dialect.md", "42 stop Usage(input_tokens=3"),
        ("custom-dialect.md", "LineDialect (lines/lines), seed 0: 15 passed, 2 not applicable"),
        ("check-parser.md", "NaiveParser (openai), seed 0: 1 passed, 2 failed"),
        ("check-parser.md", "Ours (anthropic), seed 0: 5 passed"),
        ("corpus.md", " cases kept"),
        ("translate.md", "seed - anthropic/messages has no such option"),
        ("translate.md", '"text":"Hi"'),
        ("embedding.md", "The tower is 330 m high. ("),
        ("embedding.md", "b'data: Hello.\\n\\n'"),
        ("embedding.md", "chat fake-model at api.openai.com\nMessage 200\nHello."),
        ("embedding.md", "now anthropic because of 503\nHere I am. (anthropic, after 1 failure, 0 left out)"),
        (
            "bulk.md",
            "2 That is 14.\na Cats.\nb request: the function raised KeyError: 'text'\nc Dogs.\nHere I am.",
        ),
        ("from-openai.md", "Hello. stop\n9 2\nOne, two, three.\nOne, two, three.\nweather Paris\n"),
        ("from-anthropic.md", "529 overloaded_error Overloaded\nIt is \n"),
        ("tapes.md", "byte That is 5."),
        ("batches.md", "True\n2 of 3 answered\nit Rome.\nfr Paris.\nxx failed: HTTP 400"),
        ("batches.md", "expired b: expired"),
        ("tapes.md", '- body.messages[0].content: the tape has "What is 2 + 3?", the request'),
        ("faults.md", "failed: openai fake-model: the connection was lost inside the answer"),
    ],
)
def test_the_examples_of_a_page_run(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in run_down(ROOT / "docs" / name):
        pass

    assert said in capsys.readouterr().out


def test_the_dialect_of_the_page_on_dialects_is_short() -> None:
    page = (ROOT / "docs" / "custom-dialect.md").read_text("utf-8")
    source = "".join(
        text for _, text in blocks("python", section("The reader", page) + section("The dialect", page))
    )
    assert "class LineDialect" in source
    assert len(source.splitlines()) < 80


@pytest.mark.parametrize("name", ["chat_before_anthropic.py", "messages_before_openai.py"])
def test_the_servers_before_another_wire_are_short(name: str) -> None:
    lines = (ROOT / "examples" / name).read_text("utf-8").partition("API =")[2].splitlines()
    assert len([line for line in lines if line.strip()]) <= 40


def test_the_page_on_dialects_and_its_families_use_public_names_alone() -> None:
    page = (ROOT / "docs" / "custom-dialect.md").read_text("utf-8")
    sources = [text for _, text in blocks("python", page)]
    sources += [path.read_text("utf-8") for path in (ROOT / "tests" / "foreign").glob("[!t]*_like.py")]
    imported = re.findall(r"^(?:from|import) (sansio[\w.]*)", "\n".join(sources), re.MULTILINE)
    assert set(imported) <= {"sansio", "sansio.testing", "sansio.testing.tape"}
    assert not re.findall(r"^from sansio\S* import .*\b_\w+", "\n".join(sources), re.MULTILINE)


def test_every_page_with_examples_is_run() -> None:
    pages = {page.name for page in (ROOT / "docs").glob("*.md") if blocks("python", page.read_text("utf-8"))}
    pages |= {page.name for page in ROOT.glob("*.md") if blocks("python", page.read_text("utf-8"))}

    # custom-transport.md is run in tests/transports/testing/conformance/test_page.py, command-line.md in
    # tests/transports/cli/test_page.py, and cluster.md, which needs Ray, in tests/judges/test_ray.py.
    elsewhere = {"README.md", "fuzzing.md", "custom-transport.md", "command-line.md", "cluster.md"}
    assert pages == elsewhere | {
        "adapters.md",
        "anthropic.md",
        "batches.md",
        "bedrock.md",
        "bulk.md",
        "check-parser.md",
        "configuration.md",
        "content.md",
        "corpus.md",
        "embedding.md",
        "endpoints.md",
        "from-anthropic.md",
        "from-openai.md",
        "machines.md",
        "moving.md",
        "custom-dialect.md",
        "providers.md",
        "cohere.md",
        "gemini.md",
        "resuming.md",
        "faults.md",
        "tapes.md",
        "translate.md",
        "ollama.md",
        "responses.md",
        "network.md",
        "retries.md",
        "structured.md",
        "tools.md",
        "tutorial.md",
    }


LIVE = {
    # WIRE facts of November 2026, and recorded traffic of that year.
    "anthropic.claude-sonnet-4-5",
    "anthropic/claude-haiku-4.5",
    "claude-fable-5-2",
    "claude-haiku-4-5",
    "claude-haiku-5-5",
    "claude-mythos-5-2",
    "claude-opus-4-8",
    "claude-opus-5-5",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-sonnet-5-5",
    "command-a-03-2025",
    "deepseek-v4-flash",
    "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "gemini-3.5-flash",
    "gpt-5.4",
    "grok-4.3",
    "llama3.2",
    "meta-llama/Llama-3.1-8B-Instruct",
    "qwen3:14b",
    "text-embedding-3-small",
}
RETIRED = {"claude-sonnet-4-20250514", "x-ai/grok-code-fast-1", "grok-code-fast-1"}
"""Named as examples of what is retired, and a default that is."""
MADE_UP = {"...", "any", "m", "m1", "small", "medium", "fake-model"}
_MODEL_FIELD = re.compile(r"""["']?model["']?\s*[=:]\s*["']([^"']+)["']|--model ([^\s`]+)""")
_CLAUDE = re.compile(r"`(claude-[\w.-]+)`")


def test_every_model_that_the_pages_and_examples_name_is_live() -> None:
    named: set[str] = set()
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.py")):
        text = page.read_text("utf-8")
        named |= {first or second for first, second in _MODEL_FIELD.findall(text)}
        named |= set(_CLAUDE.findall(text))
    assert "claude-sonnet-5-5" in named
    assert named <= LIVE | RETIRED | MADE_UP


def test_a_default_model_is_live_or_said_to_be_retired_wherever_it_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    for defaults in map(PROVIDER_DEFAULTS.__getitem__, PROVIDER_TYPES):
        for text in (ProviderConfig.__doc__ or "", section("Providers", page)):
            retired = re.search(rf"`{re.escape(defaults.model or '')}`[^.]*retired", text)
            assert defaults.model is None or defaults.model in LIVE or retired


def test_the_page_on_providers_has_every_type_and_every_host_of_messages() -> None:
    page = (ROOT / "docs" / "providers.md").read_text("utf-8")

    def rows(heading: str) -> dict[str, list[str]]:
        lines = [line for line in section(heading, page).splitlines() if line.startswith("| `")]
        cells = ([cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines)
        return {name: rest for name, *rest in cells}

    types = rows("The types")
    assert list(types) == list(BUILT_IN)
    for name, (url, variable, apis) in types.items():
        row = BUILT_IN[name]
        assert (url, variable) == (row.base_url or "must be given", row.api_key_env or "none")
        assert apis.replace("`", "").split(", ") == list(row.apis)
    hosts = rows("Anthropic's messages on other hosts")
    assert list(hosts) == [name for name in MESSAGES if "messages" in BUILT_IN[name].apis]
    for name, (url, path, key, *facts) in hosts.items():
        row, profile = BUILT_IN[name].of("messages"), MESSAGES[name]
        assert url.removeprefix("such as `") == (row.base_url or row.example_url)
        assert (path, key) == (profile.path, row.auth_method)
        assert [fact == "yes" for fact in facts] == [profile.claude, profile.caches, profile.counts]


_LINK = re.compile(r"\]\(([^)#]+)|^\[[^\]]+\]: (\S+)", re.MULTILINE)
_HERE = "https://github.com/sansio-llm/sansio-llm/blob/main/"
"""Absolute, in what is shown elsewhere than in the repository: the README and the site."""


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for first, second in _LINK.findall(page.read_text("utf-8")):
            target = first or second
            there = ROOT / target.removeprefix(_HERE) if target.startswith(_HERE) else page.parent / target
            assert there.exists() or (target.startswith("https://") and _HERE not in target), (page, target)


def test_no_page_of_the_site_links_to_a_file_beside_it() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        assert "](../" not in page.read_text("utf-8"), page.name


def _table(name: str, heading: str) -> list[list[str]]:
    """The cells of all tables below a heading of a page."""
    text = section(heading, (ROOT / "docs" / name).read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_providers_is_what_a_config_takes() -> None:
    rows = _table("configuration.md", "Providers")
    shown = {row[0].split()[0].strip("`"): row[1:] for row in rows}
    del shown["type"]

    assert list(shown) == [name for name in PROVIDER_DEFAULTS if name in shown]
    for name, (url, variable, auth, api) in shown.items():
        defaults = PROVIDER_DEFAULTS[name]
        assert url == (f"`{defaults.base_url}`" if defaults.base_url else "must be given")
        assert variable == (f"`{defaults.api_key_env}`" if defaults.api_key_env else "none")
        assert auth == f"`{defaults.auth_method}`"
        assert api == ", ".join(f"`{api}`" for api in defaults.apis)


def test_the_page_on_configuration_names_every_type() -> None:
    text = section("Providers", (ROOT / "docs" / "configuration.md").read_text("utf-8"))

    assert [name for name in BUILT_IN if f"`{name}`" not in text] == []


def test_the_table_of_events_has_every_event_and_its_fields() -> None:
    rows = _table("tutorial.md", "Events")
    shown = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows}
    del shown["event"]

    kinds = [kind for kind in get_args(StreamEvent) if kind is not StreamFailed]
    assert shown == {kind.__name__: list(kind.__struct_fields__) for kind in kinds}


def test_every_finish_reason_is_named() -> None:
    text = section("Answers", (ROOT / "docs" / "tutorial.md").read_text("utf-8"))

    assert [reason.name for reason in FinishReason if f"`{reason.name}`" not in text] == []


def test_the_diagram_of_a_call_is_drawn_from_its_table() -> None:
    drawing = runpy.run_path(str(ROOT / "docs" / "state_diagram.py"))
    page = (ROOT / "docs" / "retries.md").read_text("utf-8")

    assert drawing["with_diagram"](page) == page


def test_the_page_on_fuzzing_has_every_strategy_and_every_target() -> None:
    page = FUZZING.read_text("utf-8")
    named = set(re.findall(r"^\| `(\w+)\(", section("The strategies", page), re.MULTILINE))
    targets = set(re.findall(r"^\| `([\w-]+)` \|", section("With coverage as a guide", page), re.MULTILINE))

    assert named == {name for name in strategies.__all__ if name.islower()}
    assert targets == set(TARGETS) - set(PROVIDER_TYPES)


@pytest.mark.parametrize("name", ["naive_parser.py", "test_naive_parser.py"])
def test_the_page_on_fuzzing_shows_the_examples_as_they_are(name: str) -> None:
    shown = [source for _, source in blocks("python", FUZZING.read_text("utf-8"))]

    assert f"# examples/{name}\n{(ROOT / 'examples' / name).read_text('utf-8')}" in shown


def test_each_law_finds_its_bug_in_the_naive_parser(tmp_path: Path) -> None:
    """Without the search for the smallest example, which takes most of the time."""
    (tmp_path / "first_example.py").write_text(
        "from hypothesis import Phase, settings\n"
        "settings.register_profile('first', phases=[Phase.generate])\n"
        "settings.load_profile('first')\n"
    )
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-p",
            "first_example",
            str(ROOT / "examples"),
        ],
        cwd=tmp_path,  # without the examples that an earlier run found
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^FAILED .*::(\w+)", run.stdout, re.MULTILINE)
    named = re.findall(r"^\| `(test_\w+)` \|", FUZZING.read_text("utf-8"), re.MULTILINE)

    assert sorted(failed) == sorted(named)
    assert len(named) == 4


def test_every_test_that_states_a_law_is_named_on_the_page_and_every_one_named_is_there() -> None:
    named = set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", LAWS))
    there = {
        (path.name, node.name)
        for path in (ROOT / "tests" / "laws").glob("test_*_laws.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }

    assert named == there


def test_each_law_is_tested_for_each_machine() -> None:
    for heading in (
        "Cut-freedom",
        "One end",
        "Nothing lost",
        "Round trip",
        "No lie",
        "Linear",
        "Determinism",
    ):
        law = section(heading, LAWS)
        for machine in ("sse", "parser", "exchange", "call"):
            assert (
                f"test_{machine}_laws.py::test_{heading.lower().replace(' ', '_').replace('-', '_')}" in law
            )


def test_the_profiles_have_as_many_examples_as_the_page_says() -> None:
    tried = {name: settings.get_profile(name).max_examples for name in ("dev", "laws")}

    assert tried == {"dev": 50, "laws": 10_000}
    assert "HYPOTHESIS_PROFILE=laws" in section("How many examples", LAWS)


def test_the_page_for_contributors_names_files_that_are_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:sansio|transports|tests|docs)/[\w./*-]+)`", page)
    assert len(named) > 10
    assert [name for name in named if not list(ROOT.glob(name))] == []
