"""Repetition is counted as a listener would count it."""

from __future__ import annotations

import math

from ritornello.metrics.repetition import repetition
from ritornello.music.piece import Piece, Track
from tests.examples import band


def test_a_part_stuck_on_one_note_is_found() -> None:
    stuck = Track([(24 * beat, 24, 60, 80) for beat in range(40)])
    assert repetition(Piece((stuck,), 24)).longest_run == 40


def test_a_scale_never_repeats() -> None:
    scale = Track([(24 * beat, 24, 40 + beat, 80) for beat in range(32)])
    found = repetition(Piece((scale,), 24))
    assert found.longest_run == 1
    assert found.self_similarity[:2] == (0, 0)


def test_a_four_bar_pattern_comes_back_after_four_bars() -> None:
    one, _, four, eight = repetition(band(bars=8)).self_similarity
    assert four == 1
    assert one < 0.8
    assert math.isnan(eight)
