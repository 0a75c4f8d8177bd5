"""The bookkeeping of kept connections: none is lost, none is given out twice, none outstays its time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transports.interface import Origin
from transports.sockets.idle import IdleConnections

HERE: Origin = ("http", "here", 80)
THERE: Origin = ("https", "there", 443)

_origins = st.sampled_from([HERE, THERE])
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _origins),
        st.tuples(st.just("take"), _origins),
        st.tuples(st.just("expire"), st.just(HERE)),
        st.tuples(st.just("clear"), st.none() | _origins),
    ),
    max_size=60,
)


@given(max_idle=st.integers(0, 4), timeout=st.integers(0, 5), steps=_steps)
def test_every_connection_comes_back_exactly_once(
    max_idle: int, timeout: int, steps: list[tuple[str, Origin | None]]
) -> None:
    idle: IdleConnections[int] = IdleConnections(max_idle, timeout)
    kept: dict[int, Origin] = {}  # a connection is the time at which it was put
    for now, (step, origin) in enumerate(steps):
        given_up: list[int] = []
        match step, origin:
            case "put", (_, _, _):
                kept[now] = origin
                given_up = idle.put(origin, now, now)
                assert given_up == sorted(kept)[: max(0, len(kept) - max_idle)]
            case "take", (_, _, _):
                taken = idle.take(origin)
                assert taken == max((at for at in kept if kept[at] == origin), default=None)
                given_up = [] if taken is None else [taken]
            case "expire", _:
                given_up = idle.expire(now)
                assert given_up == [at for at in kept if now - at >= timeout]
            case _:
                given_up = idle.clear(origin)
                assert given_up == [at for at in kept if origin in (None, kept[at])]
        for connection in given_up:
            del kept[connection]
        assert len(idle) == len(kept) <= max_idle
    assert idle.close() == list(kept)


def test_nothing_is_kept_once_it_is_closed() -> None:
    idle: IdleConnections[str] = IdleConnections()
    assert idle.put(HERE, "first", 0) == []
    assert idle.close() == ["first"]
    assert idle.put(HERE, "second", 0) == ["second"]
    assert idle.take(HERE) is None
