"""The fake's answers pass the cases of llm-comply, a package that judges servers by published schemas."""

from __future__ import annotations

from pathlib import Path

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
def test_all_cases(type: str, format: str, model: str) -> None:
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
        schemas = Path(comply.__file__).parent / "specs" / f"{format.replace('-', '_')}.json"
        cases = package("llm_comply.tests").get_tests(format)
        try:
            results = comply.TestRunner(chosen, cases, comply.SpecLoader(str(schemas))).run_all().results
        finally:
            package("llm_comply.http").close_client()
    assert {result.id: result.errors for result in results if result.status.name != "PASSED"} == {}
    assert len(results) == len(cases)
