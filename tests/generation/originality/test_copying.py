"""Copies are found in any transposition, and nothing else is; enumerated by hand and at random."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.generation.originality.copying import Passages, copying
from ritornello.music.piece import Piece, Track
from tests.examples import band


def melody(pitches: list[int], step: int = 24, program: int = 0) -> Piece:
    """A note a quarter, unless another step is asked for."""
    notes = [(step * number, step, pitch, 80) for number, pitch in enumerate(pitches)]
    return Piece((Track(notes, program),), 24)


MELODIES = st.lists(st.integers(50, 70), min_size=4, max_size=24)


# --- by hand --------------------------------------------------------------------------------------


def test_windows_of_a_scale_counted_by_hand() -> None:
    # Windows of four quarters, as intervals: 222, 221, 212, 122 in training; 222, 224 asked.
    training = Passages([melody([60, 62, 64, 66, 67, 69, 71])])
    found = copying([melody([40, 42, 44, 46, 50])], training)
    assert found.windows == {4: 2, 8: 0}
    assert found.shares[4] == 1 / 2
    assert math.isnan(found.shares[8])
    assert (found.longest_quarters, found.longest_piece, found.longest_source) == (4, 0, 0)


def test_the_longest_passage_and_its_source_are_named() -> None:
    tune = [60, 64, 62, 67, 65, 69, 60, 71, 72, 58]
    training = Passages([melody([50, 51, 53, 56, 60, 65]), melody(tune)])
    copier = melody([70, 55, *(pitch + 5 for pitch in tune[:7]), 41])
    found = copying([melody([60, 70, 50, 65, 42]), copier], training)
    assert (found.longest_quarters, found.longest_piece, found.longest_source) == (7, 1, 1)


def test_other_rhythm_is_no_copy() -> None:
    pitches = [60, 64, 62, 67, 65, 69, 60, 71]
    training = Passages([melody(pitches)])
    found = copying([melody(pitches, step=48), melody(pitches, step=12)], training)
    assert found.shares[4] == 0
    assert found.longest_quarters == 0


def test_a_repeated_note_is_not_a_held_one() -> None:
    struck = Piece((Track([(24 * n, 24, 60 + n % 2 * 7, 80) for n in range(8)]),), 24)
    pairs = [(24 * n, 12, 60 + n % 2 * 7, 80) for n in range(8)]
    pairs += [(onset + 12, 12, pitch, 80) for onset, _, pitch, _ in pairs]
    assert copying([Piece((Track(pairs),), 24)], Passages([struck])).shares[4] == 0


def test_held_and_silent_bars_are_no_passages() -> None:
    held = Piece((Track([(0, 96 * 8, 60, 80)]),), 24)
    silent = Piece((Track([(0, 24, 60, 80), (96 * 8, 24, 60, 80)]),), 24)
    for piece in (held, silent):
        assert copying([piece], Passages([piece])).windows == {4: 0, 8: 0}


def test_a_rest_inside_a_passage_belongs_to_it() -> None:
    def phrase(rest_quarters: int, second: int) -> Piece:
        notes = [(12 * n, 12, 60 + n, 80) for n in range(4)]
        after = 48 + 24 * rest_quarters
        notes += [(after + 12 * n, 12, second + n, 80) for n in range(4)]
        return Piece((Track(notes),), 24)

    training = Passages([phrase(4, 72)])
    assert copying([phrase(4, 72).transposed(-7)], training).longest_quarters == 8
    assert copying([phrase(4, 73)], training).longest_quarters < 8
    assert copying([phrase(3, 72)], training).longest_quarters < 8


def test_who_plays_does_not_matter_together_and_drums_do_not_count() -> None:
    piece = band(1)
    reduced = Piece(
        (Track([tuple(note) for track in piece.tracks[:2] for note in track], program=40),), 24
    )
    found = copying([reduced], Passages([piece]))
    assert found.shares == {4: 1, 8: 1}


def test_parts_alone_are_found_where_the_whole_is_new() -> None:
    tune, other = [60, 64, 62, 67, 65, 69, 60, 71], [40, 45, 43, 41, 47, 48, 36, 38]
    known, bass = melody(tune), melody(other, program=33).tracks[0]
    together = replace(known, tracks=(*known.tracks, bass))
    assert copying([together], Passages([known])).shares[4] == 0
    apart = copying([together], Passages([known], by_part=True))
    assert apart.shares[4] == 1 / 2
    assert apart.longest_quarters == 8


def test_music_without_pitches_has_no_windows() -> None:
    drums = Piece((Track([(0, 6, 36, 90)], is_drum=True),), 24)
    found = copying([drums, Piece(())], Passages([band()]))
    assert found.windows == {4: 0, 8: 0}
    assert copying([band()], Passages([drums])).shares == {4: 0, 8: 0}
    assert found.longest_piece == -1


# --- properties -----------------------------------------------------------------------------------


@given(MELODIES, st.integers(-12, 12), MELODIES)
def test_a_transposed_copy_is_found_whole(
    pitches: list[int], semitones: int, other: list[int]
) -> None:
    training = Passages([melody(other), melody(pitches)])
    found = copying([melody(pitches).transposed(semitones)], training)
    assert found.shares[4] == 1
    assert found.longest_quarters == len(pitches)


@given(st.lists(MELODIES, min_size=1, max_size=3), st.lists(MELODIES, min_size=1, max_size=3))
def test_shares_agree_with_comparing_every_window(
    known: list[list[int]], asked: list[list[int]]
) -> None:
    def windows(melodies: list[list[int]], length: int) -> list[tuple[int, ...]]:
        return [
            tuple(np.diff(pitches[start : start + length]).tolist())
            for pitches in melodies
            for start in range(len(pitches) - length + 1)
        ]

    found = copying(map(melody, asked), Passages(map(melody, known)))
    for length in (4, 8):
        training, ours = set(windows(known, length)), windows(asked, length)
        assert found.windows[length] == len(ours)
        if ours:
            expected = np.mean([window in training for window in ours])
            assert found.shares[length] == pytest.approx(expected)
    longest = max(
        (n for n in range(4, 25) if set(windows(known, n)) & set(windows(asked, n))), default=0
    )
    assert found.longest_quarters == longest


# --- real music -----------------------------------------------------------------------------------


def _chorale(frames: list[list[int]]) -> Piece:
    """Four voices in sixteenths; a pitch that stays is one note."""
    tracks = []
    for voice in np.array(frames).T:
        starts = np.flatnonzero(np.diff(voice, prepend=-1))
        lengths = np.diff(starts, append=len(voice))
        notes = zip(6 * starts, 6 * lengths, voice[starts], strict=True)
        tracks.append(Track([(*map(int, note), 80) for note in notes if note[2] > 0]))
    return Piece(tuple(tracks), 24)


@pytest.mark.data
def test_real_chorales_share_three_bars_in_a_hundred(data_dir: Path) -> None:
    path = data_dir / "bench_polyphonic" / "jsb_chorales_16th_satb.json.gz"
    sets = json.loads(gzip.decompress(path.read_bytes()))
    training = Passages(map(_chorale, sets["train"]))
    found = copying(map(_chorale, sets["test"]), training)
    assert found.shares[4] == pytest.approx(0.0298, abs=0.001)
    assert found.shares[8] == pytest.approx(0.0030, abs=0.0003)
