"""What is stored as JSON is what the standard library makes of it, whoever writes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.record.encoding import encoder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
)


@given(value=VALUES)
@settings(max_examples=30, deadline=None)
def test_values_are_encoded_as_by_the_standard_library(value: object) -> None:
    assert encoder()(value) == json.dumps(value, separators=(",", ":"))
    assert encoder(", ", ": ")(value) == json.dumps(value)


@given(value=VALUES)
@settings(max_examples=30, deadline=None)
def test_values_are_encoded_where_there_is_no_encoder_in_c(value: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("json.encoder.c_make_encoder", None)
        assert encoder()(value) == json.dumps(value, separators=(",", ":"))
