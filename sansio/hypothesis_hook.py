"""What Hypothesis loads by its entry point, so that `from_type` makes valid values of this library's types.

It is loaded wherever Hypothesis is, so it imports the strategies only when a type is asked for.
"""

from __future__ import annotations

from hypothesis import strategies as st

from sansio import Message, StreamComplete


def register() -> None:
    """Register the strategies of types whose fields must agree. All others are made from their fields."""
    st.register_type_strategy(Message, lambda _: _messages())
    st.register_type_strategy(StreamComplete, lambda _: _messages().map(StreamComplete))


def _messages() -> st.SearchStrategy[Message]:
    from sansio.testing import PROVIDER_TYPES
    from sansio.testing.strategies import messages

    return st.sampled_from(PROVIDER_TYPES).flatmap(messages)
