"""The endpoints beside messages: token counts and the list of models.

Source: the parameter and response types of Anthropic's own SDK (`MessageCountTokensParams`,
`MessageTokensCount`, `ModelInfo` with `lifecycle`, `deprecated_at` and `retires_at`, `ModelListParams`).
"""

from __future__ import annotations

from sansio.endpoints import ModelInfo, Row, read_id

NOT_COUNTED = frozenset(
    (
        "max_tokens",
        "stream",
        "stop_sequences",
        "temperature",
        "top_p",
        "top_k",
        "metadata",
        "service_tier",
        "container",
        "inference_geo",
        "diagnostics",
        "fallbacks",
        "fallback_credit_token",
        "thread",
    )
)
"""Fields of a messages request that do not affect its size; the endpoint that counts refuses them."""

MOST_MODELS = 1_000
"""The longest page of the list that can be requested, so that there are few pages."""


def read_model(row: Row) -> ModelInfo:
    """A model of the list.

    Raises:
        RemoteProtocolError: the model has no id.
    """
    return ModelInfo(
        id=read_id(row),
        name=row.text("display_name"),
        created=row.moment("created_at"),
        context_window=row.count("max_input_tokens"),
        max_output=row.count("max_tokens"),
        lifecycle=row.text("lifecycle"),
        deprecated=row.moment("deprecated_at"),
        retires=row.moment("retires_at"),
        extra=row.rest,
    )
