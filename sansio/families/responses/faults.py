"""The HTTP statuses that a response's errors correspond to, by their codes and types.

Source: the codes of OpenAI's SDK (`ResponseError`), its page on error codes, and recorded errors.
"""

from __future__ import annotations

from collections.abc import Mapping

_FAULTY_IMAGES = (
    "invalid_image",
    "invalid_image_format",
    "invalid_base64_image",
    "invalid_image_url",
    "invalid_image_mode",
    "image_too_large",
    "image_too_small",
    "image_parse_error",
    "image_content_policy_violation",
    "image_file_too_large",
    "unsupported_image_media_type",
    "empty_image_file",
    "failed_to_download_image",
    "image_file_not_found",
)

STATUS_BY_ERROR: Mapping[str, int] = {
    **dict.fromkeys(_FAULTY_IMAGES, 400),
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "data_residency_mismatch": 400,
    "bio_policy": 400,
    "misalignment_policy_violation": 400,
    "context_length_exceeded": 400,
    "previous_response_not_found": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "tokens": 429,
    "requests": 429,
    "api_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "server_error": 500,
    "overloaded_error": 503,
    "service_unavailable": 503,
    "vector_store_timeout": 504,
    "timeout": 504,
}
"""The HTTP status that each code or type of error corresponds to."""
