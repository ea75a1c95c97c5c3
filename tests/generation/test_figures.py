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
