"""Figures that came twice are noticed, whatever their length, and others are not."""

from __future__ import annotations

import pytest

from ritornello.generation.figures import Figures

BAR = 96


def after(bars: str) -> Figures:
    """Each letter a bar of one note, a dot a silent one; then the first note of the next bar."""
    found = Figures()
    for number, letter in enumerate(bars + "Z"):
        if letter != ".":
            start = number * BAR
            found = found.struck(start, BAR, start + 24, 30, ord(letter))
    return found


@pytest.mark.parametrize("bars", ["AA", "XAA", "ABAB", "XABAB", "ABCDABCD", "A.A."])
def test_a_figure_that_came_twice(bars: str) -> None:
    assert after(bars).came_twice


@pytest.mark.parametrize("bars", ["", "A", "AB", "ABA", "AAB", "ABCABC", "ABCDABCX", "A..", "...."])
def test_what_is_no_such_figure(bars: str) -> None:
    assert not after(bars).came_twice


def test_the_third_time_is_the_next_note_of_the_figure_until_three_others_are_struck() -> None:
    found = Figures()
    for bar in range(2):
        for tick, pitch in ((0, 60), (24, 64), (48, 67)):
            found = found.struck(bar * BAR, BAR, bar * BAR + tick, 30, pitch)
    found = found.struck(2 * BAR, BAR, 2 * BAR, 30, 60)
    assert found.third_time(2 * BAR + 24, 30) == [64]
    assert found.third_time(2 * BAR + 24, 31) == []  # another part
    assert found.third_time(2 * BAR + 36, 30) == []  # another place
    for tick, pitch in ((6, 65), (24, 65), (30, 65)):
        assert found.third_time(2 * BAR + 48, 30) == [67]
        found = found.struck(2 * BAR, BAR, 2 * BAR + tick, 30, pitch)
    assert found.third_time(2 * BAR + 48, 30) == []
