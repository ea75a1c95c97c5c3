"""Features agree with MusPy and with counting by hand; overlaps with known areas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.metrics.overlap import compare, divergence_nats, features, overlap
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Metre, Piece, Track
from tests.examples import band
from tests.oracles import music_features
from tests.strategies import pieces

NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False)
SETS = st.lists(NUMBERS, min_size=2, max_size=30)


# --- features -------------------------------------------------------------------------------------


def melody(*pitches: int, step: int = 24) -> Track:
    return Track([(step * number, step, pitch, 80) for number, pitch in enumerate(pitches)])


def test_features_of_a_small_piece_counted_by_hand() -> None:
    upper = melody(60, 62, 64, 60, 67, 66, 66, 72)  # moves 2 2 4 7 1 0 6: three are steps
    lower = Track([(0, 96, 48, 80), (0, 48, 52, 80), (144, 48, 48, 80)], program=33)
    drums = Track([(0, 6, 36, 90), (96, 6, 36, 90), (144, 6, 38, 90)], is_drum=True)
    found = features(Piece((upper, lower, drums), 24))
    assert found["pitches"] == 8
    assert found["pitch_range_semitones"] == 24
    assert found["stepwise_motion"] == pytest.approx(3 / 8)  # the bass stays: a move of 0
    assert found["notes_per_beat"] == pytest.approx(14 / 8)
    assert found["drum_keys"] == 2
    assert found["drum_notes_per_beat"] == pytest.approx(3 / 8)
    assert found["polyphony of bass"] == pytest.approx((96 + 48 + 48) / (96 + 48))
    assert found["polyphony of piano"] == 1
    assert found["polyphony"] == pytest.approx((8 * 24 + 192) / (8 * 24))
    # C C C C, D, E E, G, F# F#: the bass has two C and an E.
    shares = np.array([5, 1, 2, 1, 2]) / 11
    assert found["pitch_class_entropy_bits"] == pytest.approx(-(shares * np.log2(shares)).sum())
    assert found["scale_consistency"] == 1  # G major holds them all
    assert found["groove_consistency"] == 1  # every beat of both bars begins something


def test_groove_counts_the_ticks_that_differ() -> None:
    first_bar, second_bar = (0, 24, 48, 72), (0, 24, 60)
    onsets = [*first_bar, *(96 + tick for tick in second_bar)]
    piece = Piece((Track([(onset, 6, 60, 80) for onset in onsets]),), 24, length_ticks=192)
    assert features(piece)["groove_consistency"] == pytest.approx(1 - 3 / 96)


def test_bars_of_unequal_length_are_not_compared() -> None:
    metres = (Metre(0, 4, 4), Metre(96, 3, 4))
    track = Track([(0, 24, 60, 80), (96, 24, 60, 80)])
    assert math.isnan(features(Piece((track,), 24, metres=metres))["groove_consistency"])


def test_what_a_piece_lacks_is_nan() -> None:
    drums_only = features(Piece((Track([(0, 6, 36, 90)], is_drum=True),), 24, length_ticks=96))
    assert math.isnan(drums_only["pitches"])
    assert math.isnan(drums_only["polyphony"])
    assert drums_only["drum_keys"] == 1
    assert all(map(math.isnan, features(Piece(())).values()))


@given(pieces())
@settings(max_examples=50)
def test_features_stay_in_their_range(piece: Piece) -> None:
    found = features(piece)
    for name in ("scale_consistency", "stepwise_motion", "groove_consistency"):
        assert math.isnan(found[name]) or 0 <= found[name] <= 1
    assert not found["pitch_class_entropy_bits"] > np.log2(12) + 1e-9
    assert all(not value < 1 for name, value in found.items() if name.startswith("polyphony"))


@given(pieces(), st.integers(-5, 5))
@settings(max_examples=30)
def test_transposing_changes_no_feature(piece: Piece, semitones: int) -> None:
    pitched = [track for track in piece.tracks if not track.is_drum and len(track)]
    if any(not 5 <= track.notes["pitch"].min() <= track.notes["pitch"].max() <= 122
           for track in pitched):  # fmt: skip
        return
    assert features(piece.transposed(semitones)) == pytest.approx(features(piece), nan_ok=True)


@pytest.mark.parametrize("seed", range(4))
def test_features_are_those_of_their_definitions(seed: int) -> None:
    piece = band(seed, bars=8)
    rng = np.random.default_rng(seed)
    scattered = Track(
        [(int(tick), 12, int(rng.integers(50, 80)), 80) for tick in rng.choice(760, 60, False)]
    )
    # The definition holds a pitch once however many play it: so one part, which doubles none.
    piece = replace(piece, tracks=(_without_doubles(scattered),), length_ticks=768)
    ours = features(piece)
    assert ours["pitches"] == music_features.pitches_used(piece)
    assert ours["pitch_range_semitones"] == music_features.pitch_range(piece)
    entropy = music_features.pitch_class_entropy(piece)
    assert ours["pitch_class_entropy_bits"] == pytest.approx(entropy)
    assert ours["scale_consistency"] == pytest.approx(music_features.scale_consistency(piece))
    groove = music_features.groove_consistency(piece, 96)
    assert ours["groove_consistency"] == pytest.approx(groove)
    assert ours["polyphony"] == pytest.approx(music_features.polyphony(piece))


def _without_doubles(track: Track) -> Track:
    """No two notes of one pitch sound together."""
    kept = [
        note
        for note in track
        if not any(
            other.pitch == note.pitch and 0 <= note.onset_ticks - other.onset_ticks < 12
            for other in track
            if other.onset_ticks < note.onset_ticks
        )
    ]
    return replace(track, notes=note_table(kept))


def test_drums_are_left_out_by_definition_too() -> None:
    piece = band(3)
    ours = features(piece)
    entropy = music_features.pitch_class_entropy(piece)
    assert ours["pitch_class_entropy_bits"] == pytest.approx(entropy)
    assert ours["scale_consistency"] == pytest.approx(music_features.scale_consistency(piece))


# --- overlap --------------------------------------------------------------------------------------


@given(SETS)
def test_a_set_overlaps_itself_wholly(values: list[float]) -> None:
    assert overlap(values, values) == pytest.approx(1)
    assert divergence_nats(values, values) == pytest.approx(0, abs=1e-9)


@given(SETS, SETS)
def test_overlap_is_a_share_and_has_no_direction(first: list[float], second: list[float]) -> None:
    area = overlap(first, second)
    assert 0 <= area <= 1 + 1e-9
    assert area == pytest.approx(overlap(second, first))
    assert divergence_nats(first, second) >= 0


@given(SETS, SETS, st.floats(0.1, 100), NUMBERS)
@settings(max_examples=50)
def test_the_unit_of_a_feature_does_not_matter(
    first: list[float], second: list[float], scale: float, shift: float
) -> None:
    if np.ptp(first + second) < 1e-3:
        return
    moved = [[scale * value + shift for value in values] for values in (first, second)]
    assert overlap(*moved) == pytest.approx(overlap(first, second), abs=1e-3)


def test_sets_far_apart_do_not_overlap() -> None:
    rng = np.random.default_rng(0)
    near, far = rng.normal(0, 1, 200), rng.normal(40, 1, 200)
    assert overlap(near, far) < 1e-6
    assert divergence_nats(near, far) > 10


def test_the_same_shape_elsewhere_is_no_overlap() -> None:
    """The fault of densities read off on a grid each: these two would overlap wholly."""
    values = np.random.default_rng(1).normal(0, 1, 300)
    assert overlap(values, values + 10) < 1e-3
    assert overlap(values, values * 10) < 0.5


@pytest.mark.parametrize(("distance", "spread"), [(1.0, 1.0), (2.0, 1.0), (0.0, 2.0)])
def test_known_gaussians_have_their_known_overlap(distance: float, spread: float) -> None:
    """Evenly spread quantiles stand for the distributions; the judge integrates the formula."""
    quantiles = pytest.importorskip("scipy.stats").norm.ppf((np.arange(3000) + 0.5) / 3000)
    first, second = quantiles, distance + spread * quantiles
    x = np.linspace(-15, 15, 100_001)
    p = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    q = np.exp(-(((x - distance) / spread) ** 2) / 2) / np.sqrt(2 * np.pi) / spread
    step = x[1] - x[0]
    assert overlap(first, second) == pytest.approx(np.minimum(p, q).sum() * step, abs=0.03)
    divergence = (p * np.log(p / q)).sum() * step
    assert divergence_nats(first, second) == pytest.approx(divergence, rel=0.15)


def test_scipy_estimates_the_same_densities() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(2)
    first, second = rng.gamma(3, 1, 150), rng.normal(4, 1.5, 90)
    own = [stats.gaussian_kde(values) for values in (first, second)]
    width = np.sqrt(np.mean([kernel.covariance[0, 0] for kernel in own]))
    x = np.linspace(-20, 40, 20_001)
    p, q = (stats.gaussian_kde(values, width / values.std(ddof=1))(x) for values in (first, second))
    area = np.minimum(p, q).sum() * (x[1] - x[0])
    assert overlap(first, second) == pytest.approx(area, abs=1e-3)


def test_a_spike_that_both_sets_share_is_shared() -> None:
    """Most chorales hold exactly four notes at a time; one set has a few that hold fewer."""
    assert overlap([4.0] * 98 + [3.9, 3.8], [4.0] * 50) > 0.95


def test_sets_of_one_value_overlap_if_it_is_the_same() -> None:
    assert overlap([6, 6, 6], [6, 6]) == pytest.approx(1)
    assert overlap([6, 6, 6], [7, 7]) < 1e-6


def test_too_little_to_compare_is_nan() -> None:
    assert math.isnan(overlap([1.0], [1.0, 2.0]))
    assert math.isnan(divergence_nats([1.0, math.nan], [1.0, 2.0]))


def test_compare_names_the_features_that_both_sets_have() -> None:
    bands = [features(band(seed)) for seed in range(5)]
    solos = [features(Piece((melody(60, 64, 67, 72 + n),), 24)) for n in range(4)]
    same = compare(bands, bands)
    assert all(entry["overlap"] == pytest.approx(1) for entry in same.values())
    assert "polyphony of bass" in same
    across = compare(bands, solos)
    assert "drum_keys" not in across
    assert across["pitches"]["first_mean"] > across["pitches"]["second_mean"]
