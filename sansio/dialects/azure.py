"""Azure OpenAI's difference from OpenAI (Azure OpenAI REST API reference)."""

from __future__ import annotations

from urllib.parse import quote

from sansio.config import is_azure_v1
from sansio.dialects.openai import OpenAICompatDialect


class AzureDialect(OpenAICompatDialect):
    """Azure: the deployment is in the path, on the v1 surface in the body; never both (that is a 404)."""

    def build_endpoint(self, stream: bool = False) -> str:
        config = self.config
        if is_azure_v1(config):
            return super().build_endpoint(stream)
        deployment = quote(config.deployment or "", safe="")
        version = quote(config.api_version or "", safe="")
        return f"{config.base_url}/openai/deployments/{deployment}/chat/completions?api-version={version}"

    def model_name(self) -> str | None:
        if is_azure_v1(self.config):
            return self.config.deployment or self.config.model
        return self.config.model
