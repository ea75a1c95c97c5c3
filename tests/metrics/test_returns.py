"""Form is measured as a listener would tell it: what comes back, how it starts, how it ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.metrics.returns import CURVE_BARS, compare_forms, form
from ritornello.music.piece import Piece, Track
from tests.examples import band
from tests.strategies import pieces

BAR = 96


def curve(piece: Piece) -> list[float]:
    found = form(piece)
    return [found[f"again after {lag} bars"] for lag in CURVE_BARS]


def bars_of(*notes_of_bars: int) -> Track:
    """So many notes in each bar."""
    return Track(
        [(BAR * bar + 4 * n, 4, 60, 80) for bar, count in enumerate(notes_of_bars)
         for n in range(count)]
    )  # fmt: skip


def test_a_four_bar_pattern_comes_back_every_four_bars() -> None:
    shares = curve(band(bars=32))
    assert [lag for lag, share in zip(CURVE_BARS, shares, strict=True) if share == 1] == [
        4, 8, 12, 16,
    ]  # fmt: skip


def test_a_short_piece_has_the_start_of_a_curve() -> None:
    assert sum(map(math.isfinite, curve(band(bars=8)))) == 7


def test_an_opening_is_weighed_against_the_middle() -> None:
    found = form(Piece((bars_of(2, 2, 4, 4, 4, 1, 0),), 24, length_ticks=7 * BAR))
    assert found["opening_density"] == pytest.approx(0.5)
    assert found["closing_density"] == pytest.approx(0.125)
    assert math.isnan(form(Piece((bars_of(2, 2, 2, 2, 2),), 24))["opening_density"])


def test_parts_that_enter_and_leave_are_counted() -> None:
    parts = (bars_of(4, 4, 4), bars_of(0, 4, 4), bars_of(0, 4, 4), bars_of(4, 4, 0), Track([]))
    found = form(Piece(parts, 24))
    assert (found["opening_parts"], found["closing_parts"]) == (0.5, 0.75)


def test_a_piece_without_notes_has_no_form() -> None:
    assert all(map(math.isnan, form(Piece((), 24)).values()))


def test_a_set_is_no_distance_from_itself_and_far_from_noise() -> None:
    bands = [form(band(seed, bars=24)) for seed in range(4)]
    rng = np.random.default_rng(0)
    noise = [
        form(Piece((Track([(24 * n, 24, p, 80) for n, p in enumerate(row)]),), 24))
        for row in rng.integers(40, 80, (4, 96))
    ]
    assert compare_forms(bands, bands)["curve_distance"] == 0
    found = compare_forms(bands, noise)
    assert found["curve_distance"] > 0.4
    assert found["figures"]["again after 4 bars"]["first_mean"] == 1
    assert found["curve_distance"] == compare_forms(noise, bands)["curve_distance"]


def test_sets_too_small_to_compare_have_no_distance() -> None:
    assert math.isnan(compare_forms([form(band())], [])["curve_distance"])


@given(pieces(), st.integers(-3, 3))
@settings(max_examples=40)
def test_form_is_the_same_in_another_key(piece: Piece, semitones: int) -> None:
    for track in piece.tracks:
        pitches = track.notes["pitch"]
        if len(track) and not track.is_drum and not 3 <= pitches.min() <= pitches.max() <= 124:
            return
    expected = pytest.approx(form(piece), nan_ok=True)
    assert form(piece.transposed(semitones)) == expected
