"""The fake's answers pass the cases of llm-comply, a package that judges servers by published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sansio.testing import FakeProvider
from tests.judges.sdks import package
from transports.testing.loopback import loopback_thread

pytestmark = pytest.mark.judges


# The package asks jsonschema in a way that jsonschema advises against.
@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
@pytest.mark.parametrize(
    ("type", "format", "model"),
    [("openai", "openai-chat", "gpt-5.4"), ("anthropic", "anthropic", "claude-sonnet-4-5")],
)
def test_all_cases(type: str, format: str, model: str, tmp_path: Path) -> None:
    comply = package("llm_comply")
    bearer = type == "openai"
    with loopback_thread(FakeProvider(type)) as server:
        chosen = comply.ComplianceConfig(
            base_url=f"{server.url}/v1",
            api_key="key",
            model=model,
            auth_header="Authorization" if bearer else "x-api-key",
            use_bearer_prefix=bearer,
            extra_headers=None if bearer else {"anthropic-version": "2023-06-01"},
        )
        published = Path(comply.__file__).parent / "specs" / f"{format.replace('-', '_')}.json"
        schemas = tmp_path / published.name
        schemas.write_text(json.dumps(_without_defaults(json.loads(published.read_text("utf-8")))), "utf-8")
        cases = package("llm_comply.tests").get_tests(format)
        try:
            results = comply.TestRunner(chosen, cases, comply.SpecLoader(str(schemas))).run_all().results
        finally:
            package("llm_comply.http").close_client()
    assert {result.id: result.errors for result in results if result.status.name != "PASSED"} == {}
    assert len(results) == len(cases)


def _without_defaults(schema: Any) -> Any:
    """The schemas without the demand for fields that have a default other than a word.

    Anthropic's own answers leave such fields out, as recordings show, though its schema requires them.
    """
    if isinstance(schema, list):
        return [_without_defaults(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _without_defaults(each) for name, each in schema.items()}
    fields = schema.get("properties")
    if isinstance(schema.get("required"), list) and isinstance(fields, dict):
        found["required"] = [
            name for name in schema["required"] if isinstance(fields.get(name, {}).get("default", ""), str)
        ]
    return found
