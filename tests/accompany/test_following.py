"""A band follows its player: roots under the player's chords, louder and softer together."""

from __future__ import annotations

import numpy as np

from ritornello.accompany.following import with_loudness, with_roots
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Metre, Piece, Track

BAR = 96
CHORDS = ((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))  # C, Am, F, G
ROOTS = (0, 9, 5, 7)


def song(velocities: tuple[int, ...] = (80, 80, 80, 80)) -> Piece:
    """A guitar that strums a chord a beat, and a bass that plays fifths and thirds; five bars."""
    guitar = [
        (bar * BAR + beat * 24, 24, pitch, velocities[min(bar, 3)])
        for bar, chord in enumerate((*CHORDS, CHORDS[1]))
        for beat in range(4)
        for pitch in chord
    ]
    bass = [(bar * BAR + beat * 48, 48, 40 + 3 * bar, 70) for bar in range(5) for beat in range(2)]
    tracks = Track(note_table(guitar), 25), Track(note_table(bass), 33)
    return Piece(tracks, 24, metres=(Metre(0, 4, 4),), length_ticks=5 * BAR)


def test_the_bass_plays_roots_on_first_beats_and_stays_elsewhere() -> None:
    given = song()
    made = with_roots(given)
    notes, before = made.tracks[1].notes, given.tracks[1].notes
    first = notes["onset"] % BAR == 0
    assert tuple(notes["pitch"][first][:-1] % 12) == ROOTS
    assert notes["pitch"][first][-1] == 52, "the last bar is the ending's"
    assert np.all(np.abs(notes["pitch"] - before["pitch"]) <= 6)
    np.testing.assert_array_equal(notes[~first], before[~first])
    np.testing.assert_array_equal(made.tracks[0].notes, given.tracks[0].notes)


def test_the_band_gets_louder_with_the_player() -> None:
    given = song((50, 60, 90, 110))
    made = with_loudness(given)
    levels = made.tracks[1].notes["velocity"][::2].astype(int)
    assert levels[0] < levels[1] < levels[2] < levels[3]
    assert 20 < levels[3] - levels[0] < 60
    np.testing.assert_array_equal(made.tracks[0].notes, given.tracks[0].notes)
    even = with_loudness(song())
    np.testing.assert_array_equal(even.tracks[1].notes, given.tracks[1].notes)
