"""Recorded answers of Bedrock's InvokeModel, whole, byte by byte and cut at random, against their goldens.

Their bodies have the formats of the models' makers. Claude's are read by the pair of `bedrock` and `invoke`.
Those of Nova and Jamba are formats of families that this library has for other addresses: their streams are
read by these families, behind the framing of chunks.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import msgspec
import pytest

from sansio import (
    APIStatusError,
    AWSChunkFramer,
    ChatDialect,
    ConverseDialect,
    Dialect,
    Framer,
    JSONObject,
    Message,
    RemoteProtocolError,
    StreamEvent,
    StreamParser,
    StreamTruncatedError,
)
from sansio.families.converse.reader import ConverseReader
from sansio.families.messages.parts import block_of
from sansio.providers import dialect_named
from sansio.testing.wires.invoke import METRICS
from tests.sansio.test_corpus_bedrock import Golden, check, check_stream, golden
from tests.sansio.wires import check_agreement, failure
from tests.support import BEDROCK_CORPUS as CORPUS
from tests.support import for_each

NAMES = sorted(
    path.name.removesuffix(".json")
    for path in CORPUS.glob("bi*.json")
    if not path.name.endswith((".req.json", ".resp.json"))
)

NOT_READ = {
    "titan": "Amazon's older models: text in, text out, without messages",
    "llama": "Meta's own format: a prompt in, its continuation out",
    "mistral": "Mistral's older format of outputs, for a prompt",
    "cohere": "Cohere's generations, and the chat before the version that is read here",
    "anthropic": "Claude's text completions, which Anthropic has ended",
}
"""Formats that are not read, with what they are. Converse has the same models, but for the oldest ones."""

DIFFERENCES: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "the answer ended at its limit, and the last call has no arguments: it may have been cut": (
        {"tool_calls"},
        ("bir-bedrock-arize-should_handle_multiple_tools_in_single_request-066c-0",),
    ),
    "the goldens have no calls of Nova's": (
        {"tool_calls"},
        (
            "bir-bedrock-arize-should_handle_amazon_nova_models-ea74-0",
            "bir-bedrock-otel-invoke_model_with_content_tool_call_amazon_nova-13ef-0",
            "bis-bedrock-otel-invoke_model_with_response_stream_no_content_tool_call_amazo-fd71-0",
        ),
    ),
    "the goldens have no counts of Jamba's": (
        {"usage"},
        (
            "bir-bedrock-arize-should_handle_ai21_jamba_models-434a-0",
            "bis-bedrock-ddtracejs-ai21_jamba_1_5_mini_v1_0_invoke_with_response_stream_post_5f-80a8-0",
        ),
    ),
}
"""Where we differ from a golden on purpose, by the reason: in which fields, and in which cases."""
ON_PURPOSE = {name: fields for fields, listed in DIFFERENCES.values() for name in listed}

pytestmark = pytest.mark.skipif(not NAMES, reason=f"there is no corpus at {CORPUS}")


class _NovaReader(ConverseReader):
    """Nova's events are Converse's, each in an object that has its name."""

    def receive(self, data: bytes, events: list[StreamEvent], name: str = "") -> bool:
        record = json.loads(data)
        metrics = {field: record.pop(field) for field in (METRICS,) if field in record}
        [(name, inner)] = record.items()
        return super().receive(json.dumps({**inner, **metrics}).encode(), events, name)


class Nova(ConverseDialect):
    """Amazon's models by InvokeModel."""

    TYPE = "nova"

    def framer(self, content_type: str) -> Framer:
        return AWSChunkFramer()

    def open_stream(self) -> _NovaReader:
        return _NovaReader(self)


class Jamba(ChatDialect):
    """AI21's models by InvokeModel, whose format is that of chat completions."""

    TYPE = "jamba"

    def framer(self, content_type: str) -> Framer:
        return AWSChunkFramer()


@cache
def dialect_of(family: str) -> Dialect:
    return {"nova": Nova, "ai21": Jamba}[family]() if family in ("nova", "ai21") else claude()


@cache
def claude() -> Dialect:
    return dialect_named("bedrock/invoke")


@cache
def is_read(name: str) -> bool:
    """Whether a case's body has the format of a family that there is; those of errors are all alike."""
    family = golden(name)["model_family"]
    if name.startswith("bie") or family in ("nova", "ai21"):
        return True
    return family == "anthropic" and "prompt" not in request_of(name)


def request_of(name: str) -> Golden:
    path = CORPUS / f"{name}.req.json"
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def names(kind: str) -> list[str]:
    """The cases of a kind that are read; one that is never run where there is no corpus."""
    return [name for name in NAMES if name.startswith(f"bi{kind}") and is_read(name)] or ["none"]


def parse(name: str, pieces: list[bytes]) -> list[StreamEvent]:
    parser = StreamParser(dialect_of(golden(name)["model_family"]))
    return [event for piece in pieces for event in parser.receive_data(piece)] + parser.receive_eof()


@for_each(names("s"))
def test_a_recorded_stream_says_what_its_golden_says_however_it_is_cut(name: str) -> None:
    check_stream(name, lambda pieces: parse(name, pieces), ON_PURPOSE.get(name, ()))


@for_each(names("s"))
def test_a_recorded_stream_has_the_metrics_of_its_golden(name: str) -> None:
    said = golden(name)
    last = parse(name, [(CORPUS / f"{name}.eventstream").read_bytes()])[-1]
    message = getattr(last, "message", None)
    found: JSONObject = {} if message is None else message.extra
    assert found.get(METRICS) == said.get("invocation_metrics")


@for_each(names("s"))
def test_a_recorded_stream_cut_before_its_end_is_no_success(name: str) -> None:
    data = (CORPUS / f"{name}.eventstream").read_bytes()
    for at in range(0, len(data) // 2, max(1, len(data) // 40)):
        cut = parse(name, [data[:at]])
        check_agreement(cut)
        assert isinstance(failure(cut), (StreamTruncatedError, APIStatusError, RemoteProtocolError))


@for_each(names("r"))
def test_a_recorded_answer_says_what_its_golden_says(name: str) -> None:
    body = json.loads((CORPUS / f"{name}.resp.json").read_bytes())
    dialect = dialect_of(golden(name)["model_family"])
    assert dialect.error_in(body) is None
    message = dialect.parse_response(body)
    check(name, message, whole=True, on_purpose=ON_PURPOSE.get(name, ()))
    stored = msgspec.json.decode(msgspec.json.encode(message), type=Message)
    assert stored == message
    if dialect is claude() and name not in ON_PURPOSE:
        assert [block_of(part) for part in stored.parts] == body["content"]


@for_each(names("e"))
def test_a_recorded_error_says_what_its_golden_says(name: str) -> None:
    said = golden(name)
    headers = tuple((key, value) for key, value in (said.get("headers") or {}).items())
    text = (CORPUS / f"{name}.resp.json").read_text("utf-8")
    error = claude().parse_error(said["status"], headers, text)
    assert (error.status, error.error_type) == (said["status"], said["error"]["type"])
    assert error.provider_message == said["error"]["message"]


def test_all_other_cases_are_of_formats_that_are_listed() -> None:
    others = Counter(golden(name)["model_family"] for name in NAMES if not is_read(name))
    assert others == {"titan": 8, "llama": 6, "mistral": 3, "cohere": 8, "anthropic": 3}
    assert others.keys() == NOT_READ.keys()
    assert sum(others.values()) == len(NAMES) - len([*names("s"), *names("r"), *names("e")])


def test_every_difference_on_purpose_is_of_a_case_that_is_there() -> None:
    assert ON_PURPOSE.keys() <= set(NAMES)
