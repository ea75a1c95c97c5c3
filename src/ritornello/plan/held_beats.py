"""How long the drummers of some music hold a beat: a piece in, a number of bars out."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import Strokes

HELD_BARS = (1, 2, 4)
_LEAST_BARS = 8  # that drums play in
_LEAST_HELD = 0.4  # of them that are as so many bars before
_LONGER = 0.1  # how many more of them so that it is a longer beat


def held_bars(piece: Piece) -> int | None:
    """After how many bars the drums of a piece play the same again; 0 where they go on and on.

    Returns:
        One of `HELD_BARS`, or 0; None where drums play in fewer than eight bars.
    """
    strokes = Strokes.of(piece)
    drums = np.array([player.is_drum for player in strokes.players], bool)[strokes.player]
    bars: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    places = (strokes.bar[drums], strokes.tick[drums], strokes.pitch[drums])
    for bar, tick, pitch in zip(*(column.tolist() for column in places), strict=True):
        bars[bar].add((tick, pitch))
    if len(bars) < _LEAST_BARS:
        return None
    chosen, most = 0, _LEAST_HELD - _LONGER
    for count in HELD_BARS:
        share = sum(bars.get(bar - count) == found for bar, found in bars.items()) / len(bars)
        if share >= most + _LONGER:
            chosen, most = count, share
    return chosen
