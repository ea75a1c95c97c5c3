"""Figures of pieces whose answer is known, and the figures of real sets that were published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from ritornello.errors import InputError
from ritornello.files import load
from ritornello.metrics.keeping.choirs import NAMES, measure_choir
from ritornello.metrics.keeping.measures import (
    MEASURES,
    MeasuredBars,
    measure,
    off_beats,
    self_similarity,
)
from ritornello.metrics.keeping.sets import (
    chord_grams,
    curve_distance,
    gram_overlap,
    measure_set,
    table,
)
from ritornello.metrics.keeping.two_sample import tell_apart
from ritornello.music.piece import Piece, Track
from ritornello.plan.bar_strokes import Strokes
from tests.examples import band
from tests.plan.songs import BAR, phrase, song
from tests.strategies import pieces

A, B = phrase(1), phrase(2)


def test_a_verse_that_returns_is_found_at_its_distance() -> None:
    found = measure(song(A, A, B, A))
    assert found["bars that return"] == 16 / 32
    assert found["melody as 8 bars before"] == 8 / 24
    assert found["notes as in the best earlier bar"] >= 0.5
    assert found["looped bars"] == 0
    curve = self_similarity(MeasuredBars.of(song(A, A, B, A)))
    assert int(np.nanargmax(curve)) + 1 == 24


@pytest.mark.parametrize(("length", "times", "share"), [(1, 3, 1), (2, 3, 1), (4, 4, 1), (4, 2, 0)])
def test_a_figure_three_times_in_a_row_is_a_loop(length: int, times: int, share: int) -> None:
    figure = phrase(3, bars=length)
    assert measure(song(*[figure] * times))["looped bars"] == share


def test_a_loop_is_left() -> None:
    figure = phrase(3, bars=2)
    assert measure(song(A, figure, figure, figure, B))["looped bars"] == 6 / 22


def test_drums_of_one_pattern_with_the_backbeat() -> None:
    found = measure(band(bars=8))
    assert found["different kick-and-snare bars"] == 1 / 8
    assert found["bars with the snare on 2 and 4"] == 1
    assert found["deviation of the parts playing"] == 0
    assert found["bars with a new chord"] == pytest.approx(5 / 7, abs=0.3)


def test_parts_that_come_and_go_deviate() -> None:
    silent: dict[int, tuple[str, ...]] = {1: ("drums", "bass", "melody")}
    assert measure(song(A, B, silent=silent))["deviation of the parts playing"] == 1.5


def test_silence_between_notes_is_counted_in_quarters() -> None:
    notes = [(0, 24, 60, 80), (48, 24, 62, 80), (96, 24, 64, 80)]
    assert measure(Piece((Track(notes, 0),), 24))["silent beats"] == 2 / 5


def test_off_beats_are_straight_or_swung() -> None:
    notes = [(beat * 24 + (16 if beat < 6 else 12), 6, 60, 80) for beat in range(8)]
    piece = Piece((Track(notes, 0),), 24)
    assert off_beats(Strokes.of(piece)) == {"straight": 2, "swung": 6}
    assert measure(piece)["swung off-beats"] == 0.75


def test_a_hymn_of_complete_chords() -> None:
    chords = [(48, 60, 64, 67), (53, 60, 65, 69), (55, 59, 62, 67), (48, 60, 64, 67)]
    voices = [
        Track([(24 * beat, 24, chord[voice], 80) for beat, chord in enumerate(chords)], 52)
        for voice in range(4)
    ]
    found = measure_choir(Piece(tuple(voices), 24))
    assert [found[name] for name in NAMES] == [1, 1, 1, 0, 0]
    alone = replace(voices[0], notes=voices[0].notes[:2])
    found = measure_choir(Piece((alone, *voices[1:]), 24))
    assert found["beats with a silent voice"] == 0.5
    assert found["its bass the tonic"] == 1


@settings(max_examples=40)
@given(pieces(bars=10))
def test_any_piece_can_be_measured(piece: Piece) -> None:
    for name, value in {**measure(piece), **measure_choir(piece)}.items():
        assert np.isnan(value) or value >= 0, name


def test_a_set_is_like_itself() -> None:
    one = measure_set([song(A, A, B, A), band(1, bars=16)])
    other = measure_set([song(phrase(5), phrase(6)), song(phrase(7), phrase(8))])
    assert gram_overlap(one.grams, one.grams) == pytest.approx(1)
    assert gram_overlap(one.grams, other.grams) < 0.2
    assert curve_distance(one, one) == 0
    assert curve_distance(one, other) > 0
    low, high = one.interval("bars that return")
    assert low <= one.mean("bars that return") <= high
    rows = table({"one": one, "other": other}, {"other": "one"})
    assert [row[0] for row in rows[2 : len(MEASURES) + 2]] == [*MEASURES]
    assert all(len(row) == 3 for row in rows)


def test_chords_are_told_from_the_key() -> None:
    piece = song(A, B)
    moved = piece.transposed(2)
    assert chord_grams(MeasuredBars.of(piece)) == chord_grams(MeasuredBars.of(moved))


def test_an_ending_is_complete_or_not() -> None:
    last = [(72, 24, pitch, 80) for pitch in (48, 64, 67)]
    scale = [(6 * n, 6, pitch, 80) for n, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]
    found = measure(Piece((Track([*scale, *last], 0),), 24))
    assert found["complete endings"] == found["last chord the tonic"] == 1
    assert measure(Piece((Track(scale[:7], 0),), 24))["last chord the tonic"] == 0


def test_two_sets_that_differ_are_told_apart_and_one_set_is_not() -> None:
    rng = np.random.default_rng(0)

    def piece(longest: int) -> Piece:
        waits = 12 * rng.integers(1, longest + 1, 16)
        onsets = np.cumsum(waits) - waits
        table = zip(onsets.tolist(), waits.tolist(), rng.integers(48, 80, 16).tolist(), strict=True)
        notes = [(onset, wait, pitch, 80) for onset, wait, pitch in table]
        return Piece((Track(notes, 0),), 24, length_ticks=8 * BAR)

    even, uneven, more = ([piece(longest) for _ in range(16)] for longest in (1, 4, 1))
    apart = tell_apart(even, uneven, folds=2, epochs=12)
    alike = tell_apart(even, more, folds=2, epochs=12)
    assert apart.accuracy > 0.9
    assert apart.auc > 0.95
    assert alike.auc < 0.8
    with pytest.raises(InputError, match="3 and 16 pieces for 4 folds"):
        tell_apart(even[:3], uneven)


@pytest.mark.data
def test_real_pop_has_the_figures_that_were_published(data_dir: Path) -> None:
    """Of pop909: .26 of the bars return; .31 of the notes stand near, .64 in the best bar."""
    paths = sorted((data_dir / "pop909").glob("*/*.mid"))[::28]
    found = [measure(load(path)) for path in paths]

    def mean(name: str) -> float:
        return float(np.nanmean([one[name] for one in found]))

    assert mean("bars that return") == pytest.approx(0.26, abs=0.08)
    assert mean("notes as 1, 2 or 4 bars back") == pytest.approx(0.31, abs=0.05)
    assert mean("notes as in the best earlier bar") == pytest.approx(0.64, abs=0.05)
    assert mean("looped bars") < 0.03
