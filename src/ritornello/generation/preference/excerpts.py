"""Bars of a piece as columns of numbers, note after note, for networks that judge music.

Loudness is left out: it tells recordings from scores, and not good music from bad.
"""

from __future__ import annotations

import numpy as np

from ritornello.plan.bar_strokes import Strokes
from ritornello.plan.players import DESKS

EXCERPT_BARS = 16
MOST_NOTES = 384
_PLACES, _WAITS, _PARTS, _PITCHES, _LENGTHS = 193, 97, 129, 257, 97
SIZES = (_PLACES, _WAITS, _PARTS, _PITCHES, _LENGTHS)
PITCH_COLUMN = 3
DRUM_PITCH = 128
_BACK_BARS = (1, 2, 4, 8)
BACK_SIZE = 2 ** len(_BACK_BARS)
_NO_NUMBER = 2**62  # beyond those of all notes


def excerpt(strokes: Strokes, first_bar: int, bars: int = EXCERPT_BARS) -> np.ndarray:
    """The notes of some bars, int64 [notes, 5], the first `MOST_NOTES` of them.

    Columns: place in the bar, time since the note before, part, pitch, duration (0 of drums), all
    cut to `SIZES`. Bars without a note are one note that is none.
    """
    inside = _inside(strokes, first_bar, bars)
    onset = (strokes.bar_starts[strokes.bar[inside]] + strokes.tick[inside]).astype(np.int64)
    parts = np.array([player.instrument * DESKS + player.desk for player in strokes.players] or [0])
    pitched = strokes.pitch[inside] < DRUM_PITCH
    table = np.stack(
        [
            np.minimum(strokes.tick[inside], _PLACES - 1),
            np.minimum(np.diff(onset, prepend=onset[:1]), _WAITS - 1),
            parts[strokes.player[inside]],
            strokes.pitch[inside],
            np.minimum(np.where(pitched, strokes.duration[inside], 0), _LENGTHS - 1),
        ],
        axis=1,
    )
    return table if len(table) else np.array([[0, 0, _PARTS - 1, _PITCHES - 1, 0]])


def played_before(strokes: Strokes, inside: np.ndarray) -> np.ndarray:
    """In which of the bars 1, 2, 4 and 8 back some notes stood at the same place, as bits of a
    number, int64 [notes].

    Args:
        inside: indices of these notes.
    """
    lengths = int(strokes.bar_lengths.max(initial=1))
    sizes = (strokes.bars + max(_BACK_BARS), lengths, max(1, len(strokes.players)), _PITCHES)
    columns = strokes.bar, strokes.tick, strokes.player, strokes.pitch
    numbers = np.ravel_multi_index(columns, sizes)
    a_bar = int(np.prod(sizes[1:]))
    found = np.zeros(len(inside), np.int64)
    known = np.append(np.sort(numbers), _NO_NUMBER)
    for bit, bars in enumerate(_BACK_BARS):
        wanted = numbers[inside] - bars * a_bar
        found |= (known[np.searchsorted(known, wanted)] == wanted).astype(np.int64) << bit
    return found


def excerpt_with_past(strokes: Strokes, first_bar: int, bars: int = EXCERPT_BARS) -> np.ndarray:
    """`excerpt` with `played_before` as a sixth column, int64 [notes, 6]."""
    table = excerpt(strokes, first_bar, bars)
    past = played_before(strokes, _inside(strokes, first_bar, bars))
    return np.column_stack([table, past if len(past) else [0]])


def _inside(strokes: Strokes, first_bar: int, bars: int) -> np.ndarray:
    """Indices of the notes of some bars, at most `MOST_NOTES`."""
    first, end = np.searchsorted(strokes.bar, (first_bar, first_bar + bars))
    return np.arange(first, min(end, first + MOST_NOTES))
