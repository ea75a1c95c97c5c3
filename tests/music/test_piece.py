"""A piece keeps what it is given beside its notes, through every change of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.music.controls import (
    SUSTAIN,
    VOLUME,
    bend_range_controls,
    bend_ranges,
    standing_at,
    values_at,
)
from ritornello.music.piece import ChordSymbol, Lyric, Mark, Piece, Text, Track
from ritornello.music.selection import without
from ritornello.music.slicing import slice_ticks
from tests.strategies import full_pieces

SONG = Piece(
    (
        Track(
            [(0, 480, 60, 80), (480, 480, 62, 80), (960, 960, 64, 80)],
            name="Voice",
            controls=[(0, VOLUME, 90), (0, SUSTAIN, 127), (900, SUSTAIN, 0), (960, SUSTAIN, 127)],
            bends=[(500, 4096), (700, 0)],
            pressures=[(480, 62, 30), (480, -1, 20)],
            lyrics=(Lyric(480, "lu-"), Lyric(0, "Hal-"), Lyric(0, "Lob", 2)),
            marks=(Mark(480, "articulation", "staccato", 62), Mark(0, "dynamic", "mf")),
        ),
        Track([(0, 480, 36, 80)], is_drum=True, pressures=[(0, 36, 9)]),
    ),
    composer="J. S.",
    copyright="(c) 1723",
    chords=(ChordSymbol(960, "F"), ChordSymbol(0, "Am7/C")),
    markers=(Text(0, "Verse"),),
    cues=(Text(480, "Curtain"),),
    texts=(Text(0, "a remark"),),
)


def test_all_is_in_order_of_time_and_counts_in_equality() -> None:
    voice = SONG.tracks[0]
    assert [lyric.text for lyric in voice.lyrics] == ["Hal-", "Lob", "lu-"]
    assert [chord.tick for chord in SONG.chords] == [0, 960]
    for name in ("controls", "bends", "pressures", "lyrics", "marks"):
        rest = {
            other: getattr(voice, other)
            for other in ("controls", "bends", "pressures", "lyrics", "marks")
            if other != name
        }
        assert Track(voice.notes, name="Voice", **rest) != voice, name


@pytest.mark.parametrize(
    ("playing", "message"),
    [
        ({"controls": [(0, 128, 0)]}, "number is 0 to 127; found 128"),
        ({"controls": [(0, 7, 200)]}, "value is 0 to 127; found 200"),
        ({"bends": [(0, 9000)]}, "found 9000"),
        ({"pressures": [(-4, 60, 5)]}, "tick is 0"),
        ({"lyrics": [Lyric(-1, "la")]}, "before the piece"),
    ],
)
def test_what_cannot_be_is_refused(playing: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Track([], **playing)


@settings(max_examples=60)
@given(piece=full_pieces())
def test_a_finer_grid_and_back_changes_nothing(piece: Piece) -> None:
    assert piece.at_resolution(piece.resolution * 4).at_resolution(piece.resolution) == piece


def test_transposing_moves_marks_pressed_keys_and_chords() -> None:
    moved = SONG.transposed(2)
    voice, drums = moved.tracks
    assert voice.marks[1] == Mark(480, "articulation", "staccato", 64)
    assert voice.pressures["pitch"].tolist() == [64, -1]
    assert drums == SONG.tracks[1]
    assert [chord.text for chord in moved.chords] == ["Bm7/D", "G"]
    assert moved.transposed(-2) == SONG


def test_a_cut_out_begins_with_what_stands_there() -> None:
    cut = slice_ticks(SONG, 480, 960)
    voice = cut.tracks[0]
    assert [tuple(note) for note in voice] == [(0, 480, 62, 80)]
    assert voice.controls.tolist() == [(0, VOLUME, 90), (0, SUSTAIN, 127), (420, SUSTAIN, 0)]
    assert voice.lyrics == (Lyric(0, "lu-"),)
    assert cut.chords == (ChordSymbol(0, "Am7/C"),)
    assert (cut.markers, cut.cues, cut.length_ticks) == ((), (Text(0, "Curtain"),), 480)
    assert cut.composer == "J. S."


def test_a_gap_takes_gestures_with_its_notes_and_leaves_the_rest_as_it_stood() -> None:
    voice = without(SONG, 480, 960, [0]).tracks[0]
    assert voice.lyrics == (Lyric(0, "Hal-"), Lyric(0, "Lob", 2))
    assert voice.marks == (Mark(0, "dynamic", "mf"),)
    assert (len(voice.bends), len(voice.pressures)) == (0, 0)
    standing = [(0, VOLUME, 90), (0, SUSTAIN, 127), (480, SUSTAIN, 0), (960, SUSTAIN, 127)]
    assert voice.controls.tolist() == standing


@given(semitones=st.integers(0, 9600).map(lambda cents: cents / 100), tick=st.integers(0, 99))
def test_a_bend_range_that_is_set_is_read(semitones: float, tick: int) -> None:
    track = Track([], controls=[*bend_range_controls(semitones, tick), (tick, 101, 127)])
    ticks, ranges = bend_ranges(track.controls)
    assert (ticks[-1], ranges[-1]) == (tick, pytest.approx(semitones))
    assert ranges[0] == 2


def test_values_stand_until_the_next() -> None:
    bends = Track([], bends=[(10, 5), (20, 7)]).bends
    assert values_at(bends, np.array([0, 10, 19, 20, 99]), -1).tolist() == [-1, 5, 5, 7, 7]


def test_what_stands_at_a_place_is_the_last_of_each() -> None:
    track = Track(
        [], controls=[(0, 7, 1), (5, 7, 2), (5, 10, 3), (9, 7, 4)], bends=[(1, 2), (3, 4)]
    )
    controls, bends = standing_at(track, 9)
    assert controls.tolist() == [(9, 7, 2), (9, 10, 3)]
    assert bends.tolist() == [(9, 4)]
