"""All who play in a remix strike its last bar."""

from __future__ import annotations

import numpy as np

from ritornello.accompany.ending import with_ending
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Metre, Piece, Track

BAR = 96
A_MINOR = KeyName(9, "minor")


def band(*tracks: Track) -> Piece:
    solo = Track(note_table([(0, 24, 76, 80)]), 40)
    return Piece((solo, *tracks), 24, metres=(Metre(0, 4, 4),), length_ticks=3 * BAR)


def last_bar(piece: Piece, track: int) -> np.ndarray:
    notes = piece.tracks[track].notes
    return notes[notes["onset"] >= 2 * BAR]


def test_who_rests_in_the_last_bar_gets_the_nearest_of_its_own_notes_of_the_triad() -> None:
    bass = Track(note_table([(0, 48, 33, 70), (48, 48, 45, 70), (BAR, 48, 38, 70)]), 33)
    piano = [(0, 24, pitch, 60) for pitch in (57, 60, 62, 65, 69, 71)]
    piano += [(BAR, 24, pitch, 64) for pitch in (59, 62, 71)]
    drums = [(0, 12, key, 90) for key in (36, 42)]
    given = band(bass, Track(note_table(piano), 0), Track(note_table(drums), 0, is_drum=True))
    made = with_ending(given, A_MINOR)
    assert last_bar(made, 1)["pitch"].tolist() == [33]
    assert last_bar(made, 2)["pitch"].tolist() == [60, 69]
    assert last_bar(made, 3)["pitch"].tolist() == [36]
    for track in (1, 2, 3):
        assert set(last_bar(made, track)["onset"]) == {2 * BAR}
        assert made.tracks[track].end_ticks == 3 * BAR
    assert not len(last_bar(made, 0)), "the player stays"


def test_who_ends_already_or_has_no_note_of_the_triad_stays() -> None:
    ends = Track(note_table([(0, 24, 60, 60), (2 * BAR, 24, 64, 60)]), 0)
    other = Track(note_table([(0, 24, 62, 60)]), 0)
    silent = Track(note_table([]), 0)
    given = band(ends, other, silent)
    assert with_ending(given, A_MINOR) == given
