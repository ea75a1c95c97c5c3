"""New notes are as loud as the song around them, and no more uneven."""

from __future__ import annotations

from ritornello.generation.edit.loudness import as_loud
from ritornello.music.piece import Piece, Track

LOUD = [(beat * 24, 24, 60, 126 - 20 * (beat % 2)) for beat in range(32)]


def song(*velocities: int) -> Piece:
    rows = [(beat * 480, 480, 60, velocities[beat % len(velocities)]) for beat in range(32)]
    return Piece((Track(rows),), 480)


def test_a_song_of_one_loudness_gets_notes_of_it() -> None:
    made = as_loud({3: Track(LOUD)}, song(84), {})
    assert set(made[3].notes["velocity"].tolist()) == {84}


def test_accents_are_kept_as_far_as_the_song_has_them() -> None:
    found = as_loud({3: Track(LOUD)}, song(70, 74), {})[3].notes["velocity"]
    assert found[::2].min() > found[1::2].max()
    assert abs(float(found.mean()) - 72) < 1
    assert found.max() - found.min() <= 6


def test_a_part_goes_on_as_loudly_as_it_played() -> None:
    quiet = Track([(beat * 480, 480, 40, 50) for beat in range(32)])
    piece = Piece((*song(100).tracks, quiet), 480)
    found = as_loud({3: Track(LOUD), 5: Track(LOUD)}, piece, {3: 1})
    assert set(found[3].notes["velocity"].tolist()) == {50}
    assert found[5].notes["velocity"].mean() > 60
