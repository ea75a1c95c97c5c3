"""How long the drummers of some music hold a beat: a piece in, a number of bars out."""

from __future__ import annotations

from collections import defaultdict

from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import RESOLUTION

HELD_BARS = (1, 2, 4)
_LEAST_BARS = 8  # that drums play in
_LEAST_HELD = 0.4  # of them that are as so many bars before
_LONGER = 0.1  # how many more of them so that it is a longer beat


def held_bars(piece: Piece) -> int | None:
    """After how many bars the drums of a piece play the same again; 0 where they go on and on.

    Returns:
        One of `HELD_BARS`, or 0; None where drums play in fewer than eight bars.
    """
    bars: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    piece = piece.at_resolution(RESOLUTION)
    starts = piece.bar_starts_ticks()
    for track in piece.tracks:
        if track.is_drum and len(starts):
            onsets = track.notes["onset"]
            bar = starts.searchsorted(onsets, side="right") - 1
            places = (onsets - starts[bar]).tolist()
            keys = track.notes["pitch"].tolist()
            for index, place, key in zip(bar.tolist(), places, keys, strict=True):
                bars[index].add((place, key))
    if len(bars) < _LEAST_BARS:
        return None
    chosen, most = 0, _LEAST_HELD - _LONGER
    for count in HELD_BARS:
        share = sum(bars.get(bar - count) == found for bar, found in bars.items()) / len(bars)
        if share >= most + _LONGER:
            chosen, most = count, share
    return chosen
