"""How a tune moves, on tunes whose steps are known."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.metrics.keeping.tunes import repeated_notes, seconds, tune_steps, wide_leaps
from ritornello.music.piece import Piece, Track


def line(pitches: list[int], program: int, every: int = 24) -> Track:
    return Track([(every * n, every, pitch, 80) for n, pitch in enumerate(pitches)], program)


def test_the_steps_of_a_tune_are_shares_of_its_notes() -> None:
    tune = line([60, 60, 62, 61, 73, 69], 73)  # a flute
    piece = Piece((line([80, 40] * 3, 0), tune), 24)  # over a piano that leaps above it
    assert tune_steps(piece).tolist() == [0, 2, -1, 12, -4]
    assert repeated_notes(piece) == pytest.approx(0.2)
    assert seconds(piece) == pytest.approx(0.4)
    assert wide_leaps(piece) == pytest.approx(0.2)


def test_the_highest_of_a_chord_counts_and_a_rest_ends_a_phrase() -> None:
    chords = Track([(0, 24, 60, 80), (0, 24, 67, 80), (24, 24, 69, 80), (192, 24, 40, 80)], 0)
    assert tune_steps(Piece((chords,), 24)).tolist() == [2]
    assert np.isnan(seconds(Piece((Track([(0, 24, 36, 80)], 0, is_drum=True),), 24)))
