"""Ways to write server-sent events, as strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from sansio.testing.records import LINE_ENDS

SPACES = st.sampled_from((b" ", b""))
ENDS = st.sampled_from(LINE_ENDS)
