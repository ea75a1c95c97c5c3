"""Self-similarity of the bars of pieces at each lag, and the density of beginnings and endings.

What comes back at 1, 2, 4, 8 and 16 bars is the phrase structure a listener follows; bars between
these tell whether a piece only drones. Openings are thinner than the middle where parts enter one
by one. The figures are to be read beside those of real music, see `compare_forms`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ritornello.json_values import JsonObject
from ritornello.metrics.overlap import compare
from ritornello.metrics.repetition import self_similarity
from ritornello.music.piece import Piece
from ritornello.music.slicing import bars_at

CURVE_BARS = tuple(range(1, 17))
_EDGE_BARS = 2
_LEAST_MIDDLE_BARS = 2


def form(piece: Piece) -> dict[str, float]:
    """Measure a piece.

    Returns:
        By name; nan in pieces too short for what is measured:

        - ``again after N bars``, for each of `CURVE_BARS`: share of notes that recur there, see
          `repetition.Repetition`;
        - ``opening_density``, ``closing_density``: notes, drums too, that begin in the first and
          in the last two bars, as a multiple of those of two bars between, on average;
        - ``opening_parts``, ``closing_parts``: of all parts that play in the piece, the share that
          begins a note in the first and in the last bar.
    """
    curve = zip(CURVE_BARS, self_similarity(piece, CURVE_BARS), strict=True)
    counts = _notes_of_bars(piece)
    bars = counts.sum(axis=0)
    middle = bars[_EDGE_BARS:-_EDGE_BARS]
    usual = middle.mean() if len(middle) >= _LEAST_MIDDLE_BARS else 0.0
    playing = counts > 0
    return {
        **{_name(lag): share for lag, share in curve},
        "opening_density": float(bars[:_EDGE_BARS].mean() / usual) if usual else np.nan,
        "closing_density": float(bars[-_EDGE_BARS:].mean() / usual) if usual else np.nan,
        "opening_parts": float(playing[:, 0].mean()) if playing.size else np.nan,
        "closing_parts": float(playing[:, -1].mean()) if playing.size else np.nan,
    }


def compare_forms(
    first: Sequence[Mapping[str, float]], second: Sequence[Mapping[str, float]]
) -> JsonObject:
    """Two sets beside each other.

    Args:
        first, second: `form` of each piece.

    Returns:
        ``curve_distance``: difference of the two sets' mean shares of notes that recur, without
        its sign, averaged over those of `CURVE_BARS` that both sets reach; nan if none.
        ``figures``: by name the overlap of the distributions and both means, see
        `overlap.compare`.
    """
    figures = compare(first, second)
    names = [name for name in map(_name, CURVE_BARS) if name in figures]
    apart = [abs(figures[name]["first_mean"] - figures[name]["second_mean"]) for name in names]
    return {"curve_distance": float(np.mean(apart)) if apart else np.nan, "figures": figures}


def _name(lag_bars: int) -> str:
    return f"again after {lag_bars} bars"


def _notes_of_bars(piece: Piece) -> np.ndarray:
    """Notes that begin in each bar, int [parts that play, bars]."""
    bars = piece.bar_count
    rows = [
        np.bincount(bars_at(piece, track.notes["onset"]), minlength=bars)
        for track in piece.tracks
        if len(track)
    ]
    return np.array(rows) if rows else np.zeros((0, bars), np.int64)
