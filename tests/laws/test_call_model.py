"""`Call` against a small model: every state by every input, in any order.

The model has the table of outcomes, and knows only the names of the implementation's states.
"""

from __future__ import annotations

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

RECORDS = {
    "delta": b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n',
    "comment": b": ping\n\n",
    "finish": b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    "done": b"data: [DONE]\n\n",
    "malformed": b"data: {\n\n",
    "overloaded": b'data: {"error":{"type":"server_error","message":"m"}}\n\n',
    "refused": b'data: {"error":{"type":"invalid_request_error","message":"m"}}\n\n',
}
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
    state: str = "ready"
    attempts: int = 0
    fresh: bool = False
    handed_out: bool = False
    finish_reason: bool = False
    status: int = 0
    body: str = ""

    def lose(self, retryable: bool) -> None:
        """An attempt failed."""
        again = retryable and not self.handed_out and self.attempts < MAX_ATTEMPTS
        self.state = "backoff" if again else "failed"

    def end_stream(self, retryable: bool) -> None:
        if self.finish_reason:
            self.state = "complete"
        else:
            self.lose(retryable)


class CallMachine(RuleBasedStateMachine):
    """Drives a real call and its model side by side."""

    @initialize(streamed=st.booleans())
    def begin(self, streamed: bool) -> None:
        config = ProviderConfig(type="openai", model="m")
        self.call: Call = Provider(config).call([Message(Role.USER, "x")], stream=streamed)
        self.model = Model(streamed)
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
                assert not self.events, "sent again after an event was handed out"
                model.attempts += not model.fresh
                model.state, model.finish_reason, model.body = "head", False, ""
            case "backoff":
                step = self.call.next_step()
                assert isinstance(step, Wait)
                assert step.seconds == min(2.0 ** (model.attempts - 1), 10.0)
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

    @rule(name=st.sampled_from(sorted(RECORDS)), cut=st.integers(0, 60))
    def record(self, name: str, cut: int) -> None:
        model = self.model
        if model.state == "stream":
            data = RECORDS[name]
            events = self.give(Body(data[:cut])) + self.give(Body(data[cut:]))
            self.take_record(name, events)
        elif model.state in ("whole", "error body"):
            assert self.give(Body(b"")) == []
        else:
            self.refused_or_ignored(Body(RECORDS[name]))

    def take_record(self, name: str, events: list[StreamEvent]) -> None:
        model = self.model
        if name == "delta" and model.streamed:
            assert events == [ContentDelta("x")]
            model.handed_out = True
        elif name == "finish":
            model.finish_reason = True
        elif name == "done":
            model.state = "complete"
        elif name in ("malformed", "overloaded", "refused"):
            model.lose(retryable=name == "overloaded")
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
                if model.body == "answer":
                    model.state = "complete"
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
        assert self.call.attempts == model.attempts <= MAX_ATTEMPTS
        ends = [event for event in self.events if isinstance(event, (StreamComplete, StreamFailed))]
        assert len(ends) == (model.state in ("complete", "failed"))
        assert not ends or self.events[-1] is ends[-1]
        if not ends:
            with pytest.raises(LocalProtocolError):
                self.call.result()


TestCallModel = CallMachine.TestCase
