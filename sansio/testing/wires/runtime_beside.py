"""What the fake of Amazon Bedrock's runtime serves beside answers: the list of models, and counts of tokens.

Sources: the reference of Amazon Bedrock's runtime ("CountTokens", "ListFoundationModels").
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence

import msgspec

from sansio.jsontext import JSON, JSONObject
from sansio.testing.failures import refuse
from sansio.testing.prompt import as_object, as_text
from sansio.testing.wires.converse_requests import read_converse
from sansio.testing.wires.invoke import read_invoke


def answer_beside(asked: str, target: str, body: JSONObject, models: Sequence[str]) -> JSONObject:
    """The list of models, or a count of tokens.

    Raises:
        Refused: the request is invalid, or asks for something else.
    """
    if asked == "models":
        return {"modelSummaries": [_model(name) for name in models]}
    given = as_object(body.get("input"))
    converse, invoke = as_object(given.get("converse")), as_object(given.get("invokeModel"))
    if asked != "tokens" or bool(converse) is bool(invoke):
        raise refuse("One of converse, invokeModel is required.")
    prompt = read_converse(target, converse) if converse else read_invoke(target, _decoded(invoke))
    return {"inputTokens": prompt.tokens}


def _decoded(invoke: JSONObject) -> JSONObject:
    """The body of a request, which is in base64."""
    try:
        data = binascii.a2b_base64(as_text(invoke.get("body")), strict_mode=True)
        return msgspec.json.decode(data, type=dict[str, JSON])
    except ValueError:
        raise refuse("input.invokeModel.body: a JSON object in base64 is required.") from None


def _model(name: str) -> JSONObject:
    return {
        "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{name}",
        "modelId": name,
        "modelName": "Fake model",
        "providerName": "sansio",
        "responseStreamingSupported": True,
        "modelLifecycle": {"status": "ACTIVE"},
    }
