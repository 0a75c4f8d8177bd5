"""Token counts of chat completions, under the many names that servers give them."""

from __future__ import annotations

import pytest

from sansio import JSONObject, Usage
from tests.sansio.wires import DONE, Record, answer, chunk, completion, read, sse


def used(**counts: object) -> Usage:
    usage = read("openai", completion({"content": "Hi"}, usage=counts)).usage
    assert usage is not None
    return usage


@pytest.mark.parametrize(
    "counts",
    [
        {"prompt_tokens_details": {"cached_tokens": 4}},
        {"cached_tokens": 4},
        {"prompt_cache_hit_tokens": 4},
        {"cache_read_input_tokens": 4},
        {"num_cached_tokens": 4},
        {"prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 4},
        {"prompt_tokens_details": {"cached_tokens": 4}, "cached_tokens": 4},
    ],
)
def test_cached_tokens_are_found_under_all_their_names(counts: Record) -> None:
    usage = used(prompt_tokens=9, completion_tokens=1, **counts)
    assert (usage.cached_tokens, usage.input_tokens) == (4, 9)


@pytest.mark.parametrize(
    "counts",
    [{"prompt_tokens_details": {"cache_write_tokens": 2}}, {"cache_creation_input_tokens": 2}],
)
def test_tokens_written_to_a_cache_are_found_under_both_their_names(counts: Record) -> None:
    assert used(prompt_tokens=9, **counts) == Usage(input_tokens=9, cache_write_tokens=2)


def test_reasoning_tokens_that_are_part_of_the_answer_are_not_counted_twice() -> None:
    usage = used(
        prompt_tokens=1,
        completion_tokens=20,
        total_tokens=21,
        completion_tokens_details={"reasoning_tokens": 8},
    )
    assert usage == Usage(input_tokens=1, output_tokens=20, reasoning_tokens=8)


@pytest.mark.parametrize("total", [None, 29])
def test_reasoning_tokens_above_the_output_tokens_are_added_to_them(total: int | None) -> None:
    usage = used(
        prompt_tokens=1,
        completion_tokens=8,
        total_tokens=total,
        completion_tokens_details={"reasoning_tokens": 20},
    )
    assert (usage.output_tokens, usage.reasoning_tokens) == (28, 20)


def test_more_reasoning_than_output_that_the_total_denies_is_all_of_the_output() -> None:
    usage = used(
        prompt_tokens=1,
        completion_tokens=8,
        total_tokens=9,
        completion_tokens_details={"reasoning_tokens": 20},
    )
    assert (usage.output_tokens, usage.reasoning_tokens) == (8, 8)
    assert usage.extra == {"completion_tokens_details": {"reasoning_tokens": 20}}


def test_reasoning_tokens_that_the_total_counts_beside_the_output_are_added_too() -> None:
    usage = used(prompt_tokens=1, completion_tokens=20, total_tokens=29, reasoning_tokens=8)
    assert usage == Usage(input_tokens=1, output_tokens=28, reasoning_tokens=8)


@pytest.mark.parametrize(
    ("counts", "cost", "extra"),
    [
        ({"cost": 0.5}, 0.5, {}),
        ({"cost": {"total_cost": 0.5, "input_tokens_cost": 0.1}}, 0.5, {"cost": {"input_tokens_cost": 0.1}}),
        ({"cost": 0, "cost_details": {"a": 1}}, 0, {"cost_details": {"a": 1}}),
        ({"cost": True}, None, {"cost": True}),
        ({"cost": "free"}, None, {"cost": "free"}),
    ],
)
def test_a_cost_is_a_number_wherever_it_is(counts: Record, cost: float | None, extra: JSONObject) -> None:
    usage = used(**counts)
    assert (usage.cost, usage.extra) == (cost, extra)


def test_every_other_count_is_kept_under_its_own_name() -> None:
    usage = used(
        prompt_tokens=3,
        completion_tokens=4,
        total_tokens=9,
        num_sources_used=2,
        prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 1, "image_tokens": None},
    )
    assert usage.extra == {
        "total_tokens": 9,  # more than the sum, so it says something new
        "num_sources_used": 2,
        "prompt_tokens_details": {"audio_tokens": 1, "image_tokens": None},
    }


@pytest.mark.parametrize("odd", [-1, 1.5, "3", True, None, [], {}])
def test_an_invalid_count_is_0(odd: object) -> None:
    assert used(prompt_tokens=odd, completion_tokens=2).input_tokens == 0


def test_pain_16_usage_on_every_chunk_is_replaced_and_never_added() -> None:
    chunks = [
        chunk({"content": "x"}, usage={"prompt_tokens": 5, "completion_tokens": count})
        for count in range(1, 4)
    ]
    message = answer("openai", sse(*chunks, chunk({}, "stop")), DONE)
    assert message.usage == Usage(input_tokens=5, output_tokens=3)


@pytest.mark.parametrize(
    "more", [{"usage": {"prompt_tokens": 5}}, {"x_groq": {"usage": {"prompt_tokens": 5}}}]
)
def test_usage_may_be_in_several_places(more: Record) -> None:
    assert answer("openai", sse(chunk({}, "stop", **more)), DONE).usage == Usage(input_tokens=5)


def test_no_usage_is_none() -> None:
    assert answer("openai", sse(chunk({}, "stop", x_groq={"id": "q"})), DONE).usage is None
