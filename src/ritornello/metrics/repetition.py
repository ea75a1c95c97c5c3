"""Repetition in a piece: runs of one chord, and bars that return after 1, 2, 4 and 8 bars.

Real music repeats a great deal, in bars and phrases; a model that has lost its way repeats one
note. Both are measured here, to be read beside the same figures of real music.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import bars_at

LAGS_BARS = (1, 2, 4, 8)


class Repetition(NamedTuple):
    """Figures of one piece.

    longest_run: most times in a row that a pitched part strikes the same notes and nothing else.
    self_similarity: for each of `LAGS_BARS`, the share of notes that recur that many bars later at
        the same place, in the same part and at the same pitch; nan in pieces too short.
    """

    longest_run: int
    self_similarity: tuple[float, ...]


def repetition(piece: Piece) -> Repetition:
    """Measure a piece, at 24 ticks a quarter."""
    piece = piece.at_resolution(24)
    runs = [_longest_run(track) for track in piece.tracks if len(track) and not track.is_drum]
    return Repetition(max(runs, default=0), self_similarity(piece))


def self_similarity(piece: Piece, lags_bars: Sequence[int] = LAGS_BARS) -> tuple[float, ...]:
    """`Repetition.self_similarity` at any distances, at 24 ticks a quarter."""
    piece = piece.at_resolution(24)
    starts = piece.bar_starts_ticks()
    places = set()
    for number, track in enumerate(piece.tracks):
        bars = bars_at(piece, track.notes["onset"])
        into = track.notes["onset"] - starts[bars]
        part = np.full(len(track), number)
        table = np.stack([bars, into, part, track.notes["pitch"]], axis=1)
        places |= set(map(tuple, table.tolist()))
    return tuple(_similarity(places, len(starts), lag) for lag in lags_bars)


def _longest_run(track: Track) -> int:
    """The longest row of equal chords: strikes of the same set of pitches, one after another."""
    onsets = np.unique(track.notes["onset"])
    chords = [
        frozenset(chord.tolist())
        for chord in np.split(
            track.notes["pitch"], np.searchsorted(track.notes["onset"], onsets[1:])
        )
    ]
    longest = run = 1
    for before, now in pairwise(chords):
        run = run + 1 if now == before else 1
        longest = max(longest, run)
    return longest


def _similarity(places: set[tuple[int, ...]], bars: int, lag: int) -> float:
    """Share of the (bar, place, part, pitch) that are there again so many bars later."""
    early = [place for place in places if place[0] + lag < bars]
    if not early:
        return float("nan")
    return sum((bar + lag, *rest) in places for bar, *rest in early) / len(early)
