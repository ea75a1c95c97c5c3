"""Variants keep drums, rhythm and range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.corpus.augment import augment, scale_tempo, transposition_range, vary_drums
from ritornello.errors import ConfigError
from ritornello.music.piece import Piece, Tempo, Track

PITCHES = st.lists(st.integers(0, 127), min_size=1, max_size=5)


def piece_of(pitches: list[int]) -> Piece:
    notes = [(index * 10, 5, pitch, 80) for index, pitch in enumerate(pitches)]
    return Piece((Track(notes), Track(notes, is_drum=True)), tempos=(Tempo(0, 90.0),))


@given(PITCHES, st.integers(0, 10_000))
def test_transposition_moves_pitches_alike_and_never_drums(pitches: list[int], seed: int) -> None:
    piece = piece_of(pitches)
    moved = augment(piece, np.random.default_rng(seed))
    step = moved.tracks[0].notes["pitch"] - piece.tracks[0].notes["pitch"]
    assert len(set(step.tolist())) == 1
    assert -6 <= step[0] <= 5
    assert moved.tracks[1] == piece.tracks[1]
    assert 90 / 1.101 < moved.tempos[0].bpm < 90 * 1.101
    assert moved == augment(piece, np.random.default_rng(seed))


def test_every_key_is_reached_where_the_range_allows() -> None:
    piece = piece_of([60])
    rng = np.random.default_rng(0)
    keys = {int(augment(piece, rng).tracks[0].notes["pitch"][0]) for _ in range(200)}
    assert keys == set(range(54, 66))
    assert transposition_range(piece_of([2, 125])) == (-2, 2)
    assert transposition_range(piece_of([0, 127])) == (0, 0)


@given(PITCHES, st.integers(0, 10_000))
def test_varied_drums_keep_their_beat_and_stay_of_their_kind(pitches: list[int], seed: int) -> None:
    piece = piece_of(pitches)
    varied = vary_drums(piece, np.random.default_rng(seed))
    assert varied.tracks[0] == piece.tracks[0]
    before, after = (each.tracks[1].notes for each in (piece, varied))
    assert before[["onset", "duration", "velocity"]].tolist() == (
        after[["onset", "duration", "velocity"]].tolist()
    )
    # One key for each key, and another one only among drums that have like ones.
    pairs = {*zip(before["pitch"].tolist(), after["pitch"].tolist(), strict=True)}
    assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
    kinds = [{42, 51}, {49, 57}, {35, 36}, {38, 40}, {41, 43, 45, 47, 48, 50}]
    assert all(old == new or any({old, new} <= kind for kind in kinds) for old, new in pairs)


def test_half_of_the_pieces_get_other_drums() -> None:
    piece = piece_of([35, 36, 38, 40, 42, 51, 49, 57, 41, 43])
    rng = np.random.default_rng(0)
    same = sum(vary_drums(piece, rng) == piece for _ in range(400))
    assert 180 < same < 250


@given(st.floats(0.01, 100))
def test_tempo_scales_and_notes_stay(factor: float) -> None:
    piece = piece_of([60, 62])
    scaled = scale_tempo(piece, factor)
    assert scaled.tracks == piece.tracks
    assert scaled.tempos[0].bpm == pytest.approx(np.clip(90 * factor, 1, 10_000))


@pytest.mark.parametrize("factor", [0, -1, float("nan"), float("inf")])
def test_senseless_factors_are_refused(factor: float) -> None:
    with pytest.raises(ConfigError):
        scale_tempo(piece_of([60]), factor)
