"""What is remembered of tables in little room."""

from hypothesis import given
from hypothesis import strategies as st

from mycelial.store.cache import Seen


@given(st.lists(st.text() | st.integers() | st.binary()))
def test_what_was_noted_before_is_never_said_to_be_new(keys: list[object]) -> None:
    seen = Seen()
    for key in keys:
        known = key in seen
        assert seen.add(key) is not known
        assert key in seen
        assert not seen.add(key)
