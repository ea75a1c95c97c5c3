"""Loops are found as a listener would hear them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.metrics.loops import longest_loop


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        ("aaaaaa", (1, 6)),
        ("xyabcabcabc", (3, 9)),
        ("xyabcabcabca", (3, 10)),
        ("abcabc", None),
        ("abcdefgh", None),
        ("", None),
        ("ababababxxx", (2, 8)),
    ],
)
def test_the_longest_circle_is_found(tokens: str, found: tuple[int, int] | None) -> None:
    assert longest_loop(tokens) == found


def test_a_circle_longer_than_asked_for_is_a_form_and_no_fault() -> None:
    verse = [*range(60)] * 4
    assert longest_loop(verse) is None
    assert longest_loop(verse, longest_period=60) == (60, 240)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(3, 6))
def test_what_goes_round_is_found_with_its_length(row: list[int], times: int) -> None:
    loop = longest_loop(row * times)
    assert loop is not None
    assert loop.length == len(row) * times
    assert len(row) % loop.period == 0 or loop.period < len(row)
