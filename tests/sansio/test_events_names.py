"""The name of each kind of event, by which JSON and logs tell them apart."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from sansio import StreamEvent


def test_each_event_is_named_after_its_class() -> None:
    names = {kind.__name__: kind.__struct_config__.tag for kind in get_args(StreamEvent)}
    assert names == {
        "ContentDelta": "content_delta",
        "ReasoningDelta": "reasoning_delta",
        "ToolCallStarted": "tool_call_started",
        "ToolCallDelta": "tool_call_delta",
        "StreamComplete": "stream_complete",
        "StreamFailed": "stream_failed",
    }
    assert {kind.__struct_config__.tag_field for kind in get_args(StreamEvent)} == {"event"}


@pytest.mark.parametrize("kind", get_args(StreamEvent), ids=lambda kind: kind.__name__)
def test_no_kind_of_event_can_be_changed(kind: Any) -> None:
    event = kind(*range(len(kind.__struct_fields__)))
    for name in kind.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(event, name, None)
