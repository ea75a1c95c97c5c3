"""Arrays of notes and piano-rolls become pieces, or an error that says what is amiss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

import ritornello
from ritornello.errors import InputError
from ritornello.music.io.note_arrays import piece_of
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece, Track
from tests.strategies import pieces

WRITTEN = [(0, 480, 60, 90), (480, 240, 64, 70), (720, 240, 67, 71)]


def notes_of(piece: Piece) -> list[tuple[int, ...]]:
    return [tuple(note) for track in piece.tracks for note in track]


def test_the_table_of_a_track_comes_back() -> None:
    track = Track(WRITTEN)
    assert notes_of(ritornello.load(track.notes)) == WRITTEN


@pytest.mark.parametrize(
    ("names", "scale"),
    [
        (("onset_quarter", "duration_quarter"), 1 / 480),
        (("onset_beat", "duration_beat"), 1 / 480),
        (("onset", "duration"), 1 / 480),
        (("onset_sec", "duration_sec"), 1 / 960),  # at 120 a minute
        (("onset_tick", "duration_tick"), 1),
    ],
)
def test_the_names_of_columns_say_what_they_count(names: tuple[str, str], scale: float) -> None:
    table = np.array(
        [(onset * scale, length * scale, pitch, loud) for onset, length, pitch, loud in WRITTEN],
        [(names[0], "f4"), (names[1], "f4"), ("pitch", "i4"), ("velocity", "i4")],
    )
    assert notes_of(piece_of(table)) == WRITTEN


def test_quarters_go_before_beats_and_played_seconds() -> None:
    # As partitura gives it: in 6/8 its beats are eighths, and seconds follow the performance.
    table = np.array(
        [(0, 2, 0.1, 0.9, 0, 1, 60), (2, 1, 1.1, 0.4, 1, 0.5, 62)],
        [
            *(("onset_beat", "f4"), ("duration_beat", "f4"), ("onset_sec", "f4")),
            *(("duration_sec", "f4"), ("onset_quarter", "f4"), ("duration_quarter", "f4")),
            ("pitch", "i4"),
        ],
    )
    assert [note[:3] for note in notes_of(piece_of(table))] == [(0, 480, 60), (480, 240, 62)]


def test_starts_and_ends_are_seconds_and_loudness_may_be_a_share() -> None:
    columns = {"start": [0.0, 0.5], "end": [0.5, 0.75], "pitch": [60, 62], "velocity": [1.0, 0.5]}
    assert notes_of(piece_of(columns)) == [(0, 480, 60, 127), (480, 240, 62, 64)]


def test_columns_say_who_plays() -> None:
    table = np.array(
        [(0, 480, 60, 0, 0, "Lead"), (0, 480, 36, 0, 1, "Kit"), (480, 480, 40, 33, 0, "Low")],
        [
            *(("onset", "i8"), ("duration", "i8"), ("pitch", "i8"), ("program", "i8")),
            *(("is_drum", "i8"), ("track", "U8")),
        ],
    )
    piece = piece_of(table)
    assert [(track.name, track.program, track.is_drum) for track in piece.tracks] == [
        ("Lead", 0, False),
        ("Kit", 0, True),
        ("Low", 33, False),
    ]


def test_plain_numbers_are_onset_duration_pitch_velocity() -> None:
    assert notes_of(piece_of(np.array(WRITTEN))) == WRITTEN
    assert notes_of(piece_of(np.array([[0.0, 1.5, 60.0]]))) == [(0, 720, 60, 80)]


@given(pieces())
def test_a_roll_either_way_round_gives_its_notes(piece: Piece) -> None:
    steps = 48
    roll = np.zeros((steps, 128), np.uint8)
    for track in piece.tracks:
        for onset, _, pitch, velocity in track:
            roll[onset % steps, pitch] = max(velocity, 2)  # all ones are truth values
    one, other = piece_of(roll), piece_of(np.ascontiguousarray(roll.T))
    assert notes_of(one) == notes_of(other)
    again = np.zeros_like(roll)
    for onset, length, pitch, velocity in notes_of(one):
        again[onset : onset + length, pitch] = velocity
    assert (again == roll).all()
    assert one.length_ticks == steps


def test_a_roll_of_truth_values_is_held_notes() -> None:
    roll = np.zeros((96, 128), bool)
    roll[24:72, 60] = True
    piece = piece_of(roll, program=40)
    assert (piece.resolution, piece.length_ticks, piece.tracks[0].program) == (24, 96, 40)
    assert [note[:3] for note in notes_of(piece)] == [(24, 48, 60)]


def test_no_notes_are_an_empty_piece() -> None:
    assert piece_of(np.zeros(0, NOTE_DTYPE)).note_count == 0
    assert piece_of(np.zeros((0, 128))).note_count == 0


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"onset": [0], "duration": [1]}, "pitch"),
        ({"pitch": [60], "duration": [1]}, "onsets and durations"),
        ({"pitch": [60], "onset": [0], "duration_sec": [1]}, "onsets and durations of one unit"),
        ({"pitch": [60, 61], "onset": [0], "duration": [1]}, "one length"),
        ({"pitch": [200], "onset": [0], "duration": [1]}, "0 to 127"),
        ({"pitch": [60], "onset": [-1], "duration": [1]}, "0 or later"),
        ({"pitch": [60], "onset": [0], "duration": [-1]}, "0 or later"),
        ({"pitch": [60], "onset": [np.nan], "duration": [1]}, "no numbers"),
        ({"pitch": ["C4"], "onset": [0], "duration": [1]}, "no numbers"),
        ({"pitch": [60], "onset": [0], "duration": [1], "velocity": [300]}, "velocity"),
        (np.zeros((3, 7)), "no notes and no piano-roll"),
        (np.zeros((2, 2, 2)), "no notes and no piano-roll"),
        (np.full((9, 128), 300), "0 to 127"),
        (np.full((9, 128), np.inf), "no numbers"),
        (np.full((9, 128), "x"), "truth values"),
    ],
)
def test_what_means_no_notes_is_said(source: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        piece_of(source)
