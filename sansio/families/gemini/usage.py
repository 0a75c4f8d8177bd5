"""Token counts of Gemini.

Source: `GenerateContentResponseUsageMetadata` of Google's SDK. Recorded answers show the sums: the total is
prompt, candidates, thoughts and the prompts of tools together; these are counted separately.
"""

from __future__ import annotations

from sansio.content import Usage
from sansio.families.fields import usage_of
from sansio.jsontext import JSONObject


def read_usage(wire: JSONObject) -> Usage:
    """The counts of one answer. Input includes what the provider's tools added to the prompt.

    Args:
        wire: `usageMetadata`; for a stream, that of all chunks, in which later values replace earlier ones.
    """
    usage = usage_of(
        wire,
        input_tokens=("promptTokenCount", "toolUsePromptTokenCount"),
        output_tokens=("candidatesTokenCount", "thoughtsTokenCount"),
        cached_tokens=("cachedContentTokenCount",),
        reasoning_tokens=("thoughtsTokenCount",),
    )
    if usage.extra.get("totalTokenCount") == usage.input_tokens + usage.output_tokens:
        del usage.extra["totalTokenCount"]
    if (tools := wire.get("toolUsePromptTokenCount")) is not None:
        usage.extra["toolUsePromptTokenCount"] = tools
    return usage
