"""Error bodies without an `error` field, as some servers and gateways send them."""

from __future__ import annotations

from sansio.jsontext import JSON, JSONObject


def flat_error(data: JSONObject) -> JSONObject | None:
    """The error object in a body without `error`; `None` if the body is not an error.

    Knows vLLM's and Mistral's `{"object": "error", "message": ...}`; a gateway's `{"message": ...}`;
    FastAPI's `{"detail": ...}`, a text, an object or a list of faulty fields; and `{"errors": [...]}`.
    """
    message = data.get("message")
    if data.get("object") == "error" and isinstance(message, str):
        return data
    if "choices" in data:
        return None
    if isinstance(message, str):
        return data
    detail, errors = data.get("detail"), data.get("errors")
    if isinstance(detail, dict):
        inner = detail.get("error")
        return inner if isinstance(inner, dict) else detail
    if detail:
        return _joined(detail, data)
    return _joined(errors, data) if errors else None


def _joined(said: JSON, data: JSONObject) -> JSONObject | None:
    """One error from a text or a list of texts and objects, with the fields of the body or first object."""
    listed = said if isinstance(said, list) else [said]
    objects = [item for item in listed if isinstance(item, dict)]
    texts = [_words(item) if isinstance(item, dict) else item for item in listed]
    message = "; ".join(text for text in texts if isinstance(text, str) and text)
    if not message:
        return None
    first = objects[0] if objects else {}
    named: JSONObject = {name: data[name] for name in ("type", "code", "status_code") if name in data}
    named |= {name: first[name] for name in ("type", "code") if name in first}
    return {**named, "param": first.get("param") or _place(first) or None, "message": message}


def _words(item: JSONObject) -> str:
    text = item.get("msg") or item.get("message") or item.get("detail")
    place = _place(item)
    if not isinstance(text, str):
        return ""
    return f"{place}: {text}" if place else text


def _place(item: JSONObject) -> str:
    """FastAPI's path to a field, `["body", "messages", 0, "role"]`, as `messages[0].role`."""
    path = item.get("loc")
    if not isinstance(path, list):
        return ""
    place = ""
    for step in path[1:] if path[:1] == ["body"] else path:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    return place
