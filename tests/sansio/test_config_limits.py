"""The limits of a config: from a mapping, from JSON or as `Limits`, with every value checked."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio import ConfigError, Limits, ProviderConfig

NAMES = st.sampled_from(Limits.__struct_fields__)
GIVEN = st.dictionaries(NAMES, st.integers(1, 1 << 62))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(limits=GIVEN)
def test_a_mapping_json_and_limits_mean_the_same(limits: dict[str, int]) -> None:
    made = ProviderConfig.from_dict({"limits": limits})
    assert made == ProviderConfig(limits=Limits(**limits))
    assert made == ProviderConfig.from_json(json.dumps({"provider": {"limits": limits}}))
    assert msgspec.structs.asdict(made.limits) == msgspec.structs.asdict(Limits()) | limits


@given(name=NAMES, value=JSON)
def test_a_limit_is_a_number_greater_than_0_or_is_refused_by_its_path(name: str, value: object) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        assert getattr(ProviderConfig.from_dict({"limits": {name: value}}).limits, name) == value
    else:
        with pytest.raises(ConfigError) as caught:
            ProviderConfig.from_dict({"limits": {name: value}})
        assert caught.value.field == f"limits.{name}"
        assert caught.value.message.startswith(f"limits.{name}: ")


@given(value=st.integers(max_value=0), name=NAMES)
def test_limits_that_were_made_apart_are_checked_too(value: int, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ProviderConfig(limits=Limits(**{name: value}))
    assert caught.value.field == f"limits.{name}"


@given(name=st.text().filter(lambda name: name not in Limits.__struct_fields__))
def test_a_limit_that_does_not_exist_is_refused_by_its_path(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ProviderConfig.from_dict({"limits": {name: 1}})
    assert caught.value.field == f"limits.{name}"


@given(value=JSON.filter(lambda value: not isinstance(value, dict)))
def test_limits_are_an_object(value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        ProviderConfig.from_dict({"limits": value})
    assert caught.value.field == "limits"
