"""What is in time with itself and beside the beats is read as standing on them."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.music.grid import on_grid
from ritornello.music.lateness import lateness
from ritornello.music.piece import Metre, Piece, Track

BEAT = 480


def _piece(onsets: np.ndarray) -> Piece:
    rows = [(int(tick), 100, 60 + n % 7, 80) for n, tick in enumerate(onsets)]
    return Piece((Track(rows),), BEAT, metres=(Metre(0, 4, 4),), length_ticks=40 * BEAT)


EIGHTHS = 240 * np.arange(1, 65)


@pytest.mark.parametrize("ticks", [-50, -20, 30, 58])
def test_a_song_beside_its_beats_is_put_on_them(ticks: int) -> None:
    song = _piece(EIGHTHS + ticks)
    assert lateness(song) == pytest.approx(ticks / BEAT, abs=0.001)
    assert (on_grid(song)[0].tracks[0].notes["onset"] == 12 * np.arange(1, 65)).all()


def test_what_is_on_its_beats_or_played_freely_stays() -> None:
    rng = np.random.default_rng(0)
    for onsets in (
        EIGHTHS,
        EIGHTHS + rng.integers(-8, 9, 64),  # played a little unevenly
        160 * np.arange(1, 65),  # triplets
        np.sort(rng.integers(0, 36 * BEAT, 64)),
        EIGHTHS[:20] + 40,  # too few to say
    ):
        assert lateness(_piece(onsets)) == 0


def test_a_song_whose_bar_lines_lie_beside_the_quarters_is_on_its_beats() -> None:
    """After a bar that was cut, as in scores with repeats, all bars may begin between quarters."""
    metres = (Metre(0, 4, 4), Metre(4 * BEAT + 60, 3, 4))
    song = _piece(4 * BEAT + 60 + EIGHTHS)
    assert lateness(Piece(song.tracks, BEAT, metres=metres, length_ticks=44 * BEAT)) == 0.0
