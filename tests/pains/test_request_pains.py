"""The pains of requests; `test_pains.py` has those of responses."""

from __future__ import annotations

import json

import pytest

from sansio import APIConnectionError, Head, InvalidRequestError, Lost, Message, Provider, Role, Send
from tests.sansio.exchanges import call, run, sends
from tests.sansio.wires import ASK, DONE, TYPES, WEATHER, answer, config, failure, sse, tool_chunk


def test_pain_15_history_is_refused_clearly_and_never_repaired_in_silence() -> None:
    message = answer("openai", sse(tool_chunk("{}", id="a", name="f")), DONE)
    for kind in TYPES:
        with pytest.raises(InvalidRequestError, match="message 1: no tool result follows for the calls 'a'"):
            Provider(config(kind)).call([*ASK, message, *ASK])
        with pytest.raises(InvalidRequestError, match="append the answer itself before its tool results"):
            Provider(config(kind)).call([*ASK, Message(Role.TOOL, "ok", tool_call_id="a")])


def test_pain_19_no_error_repr_or_record_holds_a_key() -> None:
    provider = Provider(config("openai", extra_headers={"X-Tenant": "tenant-secret"}))
    subject = provider.call(ASK, record=True)
    step = subject.next_step()
    assert isinstance(step, Send)
    signed = provider.authorize(step.request, "sk-secret")
    events = subject.fail(APIConnectionError("reset"))
    shown = repr((provider.config, step, signed, events, subject.take_records())) + str(failure(events))
    assert "sk-secret" not in shown
    assert "tenant-secret" not in shown


def test_pain_19_a_redirect_sends_the_key_nowhere() -> None:
    redirected = Head(302, (("location", "https://evil.example"),))
    events, steps = run(call("openai"), [redirected, Lost(APIConnectionError("reset"))])
    assert sends(steps) == 1
    assert failure(events).status == 302


@pytest.mark.parametrize("kind", TYPES)
def test_pain_22_a_conversation_rebuilt_from_storage_gives_the_same_bytes(kind: str) -> None:
    def sent() -> bytes:
        stored = json.loads(json.dumps({"b": [1, {"z": 1, "a": 2}], "a": "é"}))
        subject = Provider(config(kind)).call(
            ASK, [WEATHER], extra_body={"metadata": stored}, temperature=0.1
        )
        step = subject.next_step()
        assert isinstance(step, Send)
        return step.request.body

    assert sent() == sent()
