"""Swing is read from notes as it was put into them, and taken out and put back without loss."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.music.piece import Metre, Piece, Track
from ritornello.plan.swing import even_swing, read_swing

RESOLUTION = 480


def eighths(bars: int = 8, metre: tuple[int, int] = (4, 4), step: int = 240) -> Piece:
    """Straight notes, one every so many ticks."""
    end = bars * metre[0] * 4 * RESOLUTION // metre[1]
    rows = [(tick, step, 60 + tick // step % 5, 80) for tick in range(0, end, step)]
    return Piece((Track(rows),), RESOLUTION, metres=(Metre(0, *metre),), length_ticks=end)


def swung(piece: Piece, ratio: float) -> Piece:
    swing = even_swing(piece, ratio)
    return Piece(
        tuple(swing.play(track, RESOLUTION) for track in piece.tracks),
        RESOLUTION,
        metres=piece.metres,
        length_ticks=piece.length_ticks,
    )


@pytest.mark.parametrize("ratio", [1.4, 1.6, 2.0, 2.4])
def test_the_ratio_that_was_played_is_read(ratio: float) -> None:
    found = read_swing(swung(eighths(), ratio)).ratios
    assert np.allclose(found, ratio, atol=0.05)


@pytest.mark.parametrize("step", [120, 160, 240, 480])
def test_straight_music_and_triplets_do_not_swing(step: int) -> None:
    swing = read_swing(eighths(step=step))
    assert np.isnan(swing.ratios).all()
    assert not swing.moves


def test_beats_of_eighths_do_not_swing() -> None:
    assert np.isnan(even_swing(eighths(metre=(6, 8)), 2.0).ratios).all()


def test_what_is_swung_and_straightened_is_as_before() -> None:
    piece = eighths(step=120)
    played = swung(piece, 2.0)
    assert {tick % RESOLUTION for tick in played.tracks[0].notes["onset"].tolist()} == {
        0, 160, 320, 400,
    }  # fmt: skip
    back = even_swing(piece, 2.0).straightened(played)
    assert (back.tracks[0].notes["onset"] == piece.tracks[0].notes["onset"]).all()


def test_bars_that_say_nothing_swing_as_those_around_them() -> None:
    played = swung(eighths(bars=12), 2.0)
    bar = 4 * RESOLUTION
    table = played.tracks[0].notes
    quarters = (table["onset"] < 4 * bar) | (table["onset"] >= 8 * bar)
    table = table[quarters | (table["onset"] % RESOLUTION == 0)]
    song = Piece((Track(table),), RESOLUTION, length_ticks=14 * bar)
    assert np.allclose(read_swing(song).ratios, 2.0, atol=0.05)


def test_off_beats_that_are_always_late_are_late_again() -> None:
    table = eighths().tracks[0].notes.copy()
    table["onset"] += 20 * (table["onset"] % RESOLUTION == 240)
    swing = read_swing(Piece((Track(table),), RESOLUTION))
    played = swing.play(Track([(240, 240, 60, 80), (480, 240, 60, 80)]), RESOLUTION)
    assert played.notes["onset"].tolist() == [260, 480]


def test_a_song_beside_its_beats_is_straightened_and_played_there_again() -> None:
    song = eighths()
    notes = song.tracks[0].notes.copy()
    notes["onset"] += 50
    late = Piece((Track(notes),), RESOLUTION, metres=song.metres, length_ticks=song.length_ticks)
    swing = read_swing(late)
    assert swing.moves
    straight = swing.straightened(late)
    assert (straight.tracks[0].notes["onset"] == song.tracks[0].notes["onset"]).all()
    played = swing.play(straight.tracks[0], RESOLUTION)
    assert (played.notes["onset"] == notes["onset"]).all()
