"""Examples of records without meaning, and of records that are seldom sent. Any others would do as well."""

from __future__ import annotations

from sansio.testing.records import BOM, Record

HARMLESS: tuple[Record, ...] = (
    [(b"", b"")],
    [(b"", b" keep-alive"), (b"", b"data: {not: data}")],
    [(b"retry", b"3000")],
    [(b"id", b"17")],
    [(b"event", b"message")],
    [(b"unknown", b"{}")],
    [],
)
"""Comments and control records: they dispatch no event, and do not change an answer."""

STRANGE: tuple[Record, ...] = (
    *HARMLESS,
    [(b"data", b"")],
    [(b"data", b" ")],
    [(b"data", b"[DONE]")],
    [(b"data", b"[DONE"), (b"data", b"]")],
    [(b"data", b"null")],
    [(b"data", b"not JSON")],
    [(b"data", b"{"), (b"data", b"")],
    [(b"data", b"<html>502 Bad Gateway</html>")],
    [(b"data", BOM + b"{}")],
    [(b"data", b'{"choices":[]}')],
    [(b"data", b'{"choices":[{"index":1,"delta":{"content":"another choice"},"finish_reason":"stop"}]}')],
    [(b"data", b'{"error":{"message":"Overloaded","type":"overloaded_error","code":529}}')],
    [(b"data", b'{"error":"busy"}')],
    [(b"data", b'{"object":"error","message":"abort","code":400}')],
    [(b"data", b'{"choices":[{"delta":{"content":"half"},"error":{"code":502,"message":"gone"}}]}')],
    [(b"event", b"error"), (b"data", b'{"type":"error","error":{"type":"api_error","message":"x"}}')],
    [(b"event", b"error"), (b"data", b"plain words")],
    [(b"event", b"ping"), (b"data", b'{"type":"ping"}')],
    [(b"data", b'{"type":"keepalive","sequence_number":3}')],
    [(b"data", b'{"type":"response.output_text.delta","output_index":7,"content_index":1,"delta":"stray"}')],
    [(b"data", b'{"type":"response.output_item.done","output_index":0,"item":{"type":"message"}}')],
    [(b"data", b'{"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}}')],
    [(b"data", b'{"type":"response.completed","response":{"status":"completed","output":[]}}')],
    [(b"event", b"a new kind"), (b"data", b'{"type":"a new kind","index":[]}')],
    [(b"event", b"message_stop"), (b"data", b"{}")],
    [(b"data", b'{"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"stray"}}')],
    [(b"data", b'{"type":"message_start","message":{"content":[{"type":"text","text":"twice"}]}}')],
    [(b"id", b"\0"), (b"retry", b"-1"), (b"retry", b"9" * 30), (b"event", b"\xff")],
    [(b"\xff\xfe", b"\xff"), (b"data\0", b"{}"), (b"DATA", b"{}"), (b" data", b"{}")],
)
"""Records that providers send seldom or never."""
