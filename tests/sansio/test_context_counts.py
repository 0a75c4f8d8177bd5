"""What `fit_context` and its estimate do at their edges."""

from __future__ import annotations

from sansio import Message, ProviderState, Role, TextPart, estimate_tokens, fit_context


def test_system_messages_alone_are_kept_once() -> None:
    front = [Message(Role.SYSTEM, "Be brief."), Message(Role.DEVELOPER, "Ja.")]
    assert fit_context(front, 100) == front


def test_what_goes_back_verbatim_is_counted_beside_the_text() -> None:
    blocks = ProviderState("anthropic", [{"type": "thinking", "thinking": "x" * 300}])
    said, thought = Message(Role.ASSISTANT, "y" * 300), Message(Role.ASSISTANT, provider_state=blocks)
    both = Message(Role.ASSISTANT, "y" * 300, provider_state=blocks)
    assert estimate_tokens(both) == estimate_tokens(said) + estimate_tokens(thought) - 8


def test_text_is_counted_the_same_in_a_part() -> None:
    assert estimate_tokens(Message(Role.USER, (TextPart("abc"), TextPart("def")))) == 8 + 2
