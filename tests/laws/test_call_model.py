"""`Call` against a small model: every state by every input, in any order.

The model has the table of outcomes, and knows only the names of the implementation's states.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sansio import (
    APIConnectionError,
    APITimeoutError,
    Body,
    Call,
    ContentDelta,
    End,
    Head,
    LocalProtocolError,
    Lost,
    Message,
    Provider,
    ProviderConfig,
    RemoteProtocolError,
    Role,
    Send,
    StreamComplete,
    StreamEvent,
    StreamFailed,
    TransportError,
    Wait,
)
from sansio.http import Input

MAX_ATTEMPTS = 3
RETRIED = {429, 500, 502, 503, 504, 529}
WANTS_INPUT = {"head", "stream", "whole", "error body"}

CHAT = {
    "delta": b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n',
    "comment": b": ping\n\n",
    "finish": b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    "done": b"data: [DONE]\n\n",
    "malformed": b"data: {\n\n",
    "overloaded": b'data: {"error":{"type":"server_error","message":"m"}}\n\n',
    "refused": b'data: {"error":{"type":"invalid_request_error","message":"m"}}\n\n',
}
RESPONSE = {"id": "resp_1", "background": True}
RESPONSES: dict[str, dict[str, object]] = {
    "created": {"type": "response.created", "response": RESPONSE},
    "delta": {"type": "response.output_text.delta", "delta": "x"},
    "done": {"type": "response.completed", "response": RESPONSE},
    "malformed": {"type": "response.output_text.delta", "delta": 1},
    "other": {"type": "response.created", "response": {"id": "resp_2"}},
    "overloaded": {"type": "error", "error": {"type": "server_error", "message": "m"}},
    "refused": {"type": "error", "error": {"type": "invalid_request_error", "message": "m"}},
}
"""Events of a response that its server keeps. Each but an error has a number."""
RECORDS = sorted({*CHAT, *RESPONSES, "again", "gap"})
ANSWERS = {
    "answer": b'{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}',
    "malformed": b"}",
    "cut": b"{",
    "overloaded": b'{"error":{"type":"server_error","message":"m"}}',
    "refused": b'{"error":{"type":"invalid_request_error","message":"m"}}',
}


@dataclass
class Model:
    """What should be."""

    streamed: bool
    kept: bool
    state: str = "ready"
    attempts: int = 0
    fresh: bool = False
    handed_out: bool = False
    finish_reason: bool = False
    status: int = 0
    body: str = ""
    tries: int = 0
    resumes: int = 0
    created: bool = False
    number: int = -1  # of the last event that was read
    asked: int | None = None  # the number after which the rest was asked for

    def lose(self, retryable: bool) -> None:
        """An attempt failed."""
        again = retryable and (self.asked is not None or not self.handed_out) and self.tries < MAX_ATTEMPTS
        self.state = "backoff" if again else "failed"

    def end_stream(self, retryable: bool) -> None:
        """A stream was cut."""
        if self.finish_reason:
            self.state = "complete"
        elif self.created and retryable:
            if self.number != self.asked:
                self.tries = 1
            self.asked = self.number
            self.lose(retryable)
        else:
            self.lose(retryable)

    def end_by_provider(self, retryable: bool) -> None:
        """The provider ended a stream itself: it has no rest."""
        self.lose(retryable and self.asked is None)

    def takes(self, name: str) -> bool:
        """Whether a record means something in the stream that is under way."""
        if not self.kept:
            return name in CHAT
        return name in ("comment", "malformed", *RESPONSES) or (self.asked is not None and name in RECORDS)


class CallMachine(RuleBasedStateMachine):
    """Drives a real call and its model side by side."""

    @initialize(streamed=st.booleans(), kept=st.booleans())
    def begin(self, streamed: bool, kept: bool) -> None:
        config = ProviderConfig(type="openai", api="responses" if kept else "chat", model="m")
        self.call: Call = Provider(config).call([Message(Role.USER, "x")], stream=streamed)
        self.model = Model(streamed, kept)
        self.events: list[StreamEvent] = []

    def give(self, value: Input) -> list[StreamEvent]:
        events = self.call.receive(value)
        self.events += events
        return events

    @rule()
    def next_step(self) -> None:
        model = self.model
        match model.state:
            case "ready":
                step = self.call.next_step()
                assert isinstance(step, Send)
                assert step.fresh is model.fresh
                if model.asked is None:
                    assert not self.events, "sent again after an event was handed out"
                    assert step.request.method == "POST"
                    model.created, model.number = False, -1
                else:
                    assert step.request.method == "GET"
                    assert step.request.target.endswith(f"starting_after={model.asked}")
                model.attempts += not model.fresh
                model.tries += not model.fresh
                model.resumes += model.asked is not None and not model.fresh
                model.state, model.finish_reason, model.body = "head", False, ""
            case "backoff":
                step = self.call.next_step()
                assert isinstance(step, Wait)
                assert step.seconds == min(2.0 ** (model.tries - 1), 10.0)
                model.state, model.fresh = "ready", False
            case "complete" | "failed":
                assert self.call.next_step() is None
            case _:
                with pytest.raises(LocalProtocolError):
                    self.call.next_step()

    @rule(
        status=st.sampled_from([103, 200, 201, 302, 400, 401, 404, 422, *sorted(RETRIED)]),
        media=st.sampled_from(["text/event-stream", "application/json", ""]),
    )
    def head(self, status: int, media: str) -> None:
        model, value = self.model, Head(status, (("content-type", media),))
        if model.state == "head":
            assert self.give(value) == []
            model.status = status
            if status >= 300:
                model.state = "error body"
            elif status >= 200:
                whole = media == "application/json" or (not media and not model.streamed)
                model.state = "whole" if whole else "stream"
        else:
            self.refused_or_ignored(value)

    def bytes_of(self, name: str) -> bytes:
        """A record of the family that the call speaks."""
        if not self.model.kept or name == "comment":
            return CHAT[name]
        number = self.model.number + {"again": 0, "gap": 2}.get(name, 1)
        record = {"sequence_number": number, **RESPONSES.get(name, RESPONSES["delta"])}
        return b"data: " + json.dumps(record).encode() + b"\n\n"

    @rule(name=st.sampled_from(RECORDS), cut=st.integers(0, 60))
    def record(self, name: str, cut: int) -> None:
        model = self.model
        if not model.takes(name):
            return
        if model.state == "stream":
            data = self.bytes_of(name)
            events = self.give(Body(data[:cut])) + self.give(Body(data[cut:]))
            self.take_record(name, events)
        elif model.state in ("whole", "error body"):
            assert self.give(Body(b"")) == []
        else:
            self.refused_or_ignored(Body(self.bytes_of(name)))

    def take_record(self, name: str, events: list[StreamEvent]) -> None:
        model = self.model
        if name == "delta" and model.streamed:
            assert events == [ContentDelta("x")]
            model.handed_out = True
        elif name == "finish" and not model.kept:
            model.finish_reason = True
        elif name == "done":
            model.state = "complete"
        elif name in ("malformed", "overloaded", "refused", "gap"):
            model.end_by_provider(retryable=name == "overloaded")
        elif name == "other" and model.asked is not None:
            model.end_by_provider(retryable=False)
        elif name == "created":
            model.created = True
        if name in ("created", "delta", "other"):
            model.number += 1
        self.check_end(events)

    @precondition(lambda self: self.model.state == "whole" and not self.model.body)
    @rule(name=st.sampled_from(sorted(ANSWERS)))
    def answer(self, name: str) -> None:
        assert self.give(Body(ANSWERS[name])) == []
        self.model.body = name

    @rule()
    def end(self) -> None:
        model = self.model
        match model.state:
            case "stream":
                events = self.give(End())
                model.end_stream(retryable=True)
            case "whole":
                events = self.give(End())
                if model.body == "answer" and not model.kept:
                    model.state = "complete"
                elif model.asked is not None or (model.kept and model.body == "answer"):
                    model.lose(retryable=False)  # not the rest of a stream, or of another family
                else:
                    model.lose(retryable=model.body in ("", "cut", "overloaded"))
            case "error body":
                events = self.give(End())
                model.lose(retryable=model.status in RETRIED)
            case _:
                self.refused_or_ignored(End())
                return
        self.check_end(events)

    @rule(kind=st.sampled_from(["connection", "timeout", "malformed"]), reused=st.booleans())
    def lost(self, kind: str, reused: bool) -> None:
        model = self.model
        errors: dict[str, TransportError | RemoteProtocolError] = {
            "connection": APIConnectionError("x", reused=reused),
            "timeout": APITimeoutError("x", reused=reused),
            "malformed": RemoteProtocolError("x"),
        }
        events = self.give(Lost(errors[kind]))
        retryable = kind != "malformed"
        match model.state:
            case "head" if kind == "connection" and reused and not model.fresh:
                model.state, model.fresh = "ready", True
            case "head" | "whole":
                model.lose(retryable)
            case "stream":
                model.end_stream(retryable)
            case "error body":
                model.lose(model.status in RETRIED)
            case _:
                assert events == []
                return
        self.check_end(events)

    @rule()
    def fail(self) -> None:
        over = self.model.state in ("complete", "failed")
        events = self.call.fail(APIConnectionError("closed"))
        self.events += events
        if over:
            assert events == []
        else:
            self.model.state = "failed"
            self.check_end(events)

    def refused_or_ignored(self, value: Input) -> None:
        """Input out of order is misuse while an exchange is under way, and ignored when none is."""
        if self.model.state in WANTS_INPUT:
            with pytest.raises(LocalProtocolError):
                self.call.receive(value)
        else:
            assert self.call.receive(value) == []

    def check_end(self, events: list[StreamEvent]) -> None:
        """The last event is given exactly when the model is at its end."""
        ends = [event for event in events if isinstance(event, (StreamComplete, StreamFailed))]
        match self.model.state:
            case "complete":
                assert isinstance(ends[-1], StreamComplete)
                assert self.call.result() == ends[-1].message
            case "failed":
                assert isinstance(ends[-1], StreamFailed)
                with pytest.raises(type(ends[-1].error)):
                    self.call.result()
            case _:
                assert ends == []

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "call"):
            return
        model = self.model
        assert self.call.state.value == model.state
        assert self.call.wants_input is (model.state in WANTS_INPUT)
        assert self.call.attempts == model.attempts
        assert self.call.resumes == model.resumes
        assert model.tries <= MAX_ATTEMPTS
        ends = [event for event in self.events if isinstance(event, (StreamComplete, StreamFailed))]
        assert len(ends) == (model.state in ("complete", "failed"))
        assert not ends or self.events[-1] is ends[-1]
        if not ends:
            with pytest.raises(LocalProtocolError):
                self.call.result()


TestCallModel = CallMachine.TestCase
