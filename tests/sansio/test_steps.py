"""Steps and records: plain values, which never change."""

from __future__ import annotations

from typing import Any

import pytest

from sansio import Request, Send, Wait
from sansio.steps import ChunkRecord, RequestRecord, ResponseRecord

REQUEST = Request.post("https://h/", (), b"{}")
VALUES: list[Any] = [
    Send(REQUEST),
    Wait(1.5),
    RequestRecord("https://h/", {}),
    ResponseRecord(200, {}),
    ChunkRecord({}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_step_or_record_cannot_be_changed(value: Any) -> None:
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_any_connection_will_do_for_a_request_unless_it_says_otherwise() -> None:
    assert Send(REQUEST) == Send(REQUEST, fresh=False)
    assert Send(REQUEST) != Send(REQUEST, fresh=True)
