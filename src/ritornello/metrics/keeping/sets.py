"""Figures of a set of pieces, and how far two sets are from each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.metrics.keeping.measures import (
    MEASURES,
    MeasuredBars,
    bar_chords,
    return_distances,
    self_similarity,
)
from ritornello.music.chords import NO_CHORD
from ritornello.music.keys import estimate_key
from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import FARTHEST_BARS

CHORDS_A_GRAM = 3
_MOST_DISTANCES = 5
_BOOTSTRAP = 500
_BACK = {f"notes as {bars} bar{'s' * (bars > 1)} back": bars for bars in (1, 2, 4, 8, 16, 32, 64)}


@dataclass(frozen=True)
class SetFigures:
    """What was measured of a set.

    Attributes:
        measures: the figure of each piece by name, those of `MEASURES` and of notes as so many bars
            back, float64 [pieces].
        distances: how many bars return from so many bars back.
        curve: mean over the pieces of `self_similarity`, float64 [distances].
        grams: how often each row of three chords came, a chord being told from the key.
    """

    measures: dict[str, np.ndarray]
    distances: Counter[int]
    curve: np.ndarray
    grams: Counter[tuple[int, ...]]

    def mean(self, name: str) -> float:
        """Of the pieces that have the figure; nan if none has."""
        values = self.known(name)
        return float(values.mean()) if len(values) else np.nan

    def known(self, name: str) -> np.ndarray:
        """The figures of the pieces that have one."""
        result: np.ndarray = self.measures[name][~np.isnan(self.measures[name])]
        return result

    def interval(self, name: str, *, seed: int = 0) -> tuple[float, float]:
        """The middle 95% of the means of sets drawn from this one with replacement."""
        return usual_means([self], name, len(self.known(name)), seed=seed)

    @property
    def pieces(self) -> int:
        return len(next(iter(self.measures.values())))

    @property
    def usual_distances(self) -> list[int]:
        """The most frequent distances of bars that return."""
        return [distance for distance, _ in self.distances.most_common(_MOST_DISTANCES)]


def usual_means(
    sets: Sequence[SetFigures], name: str, pieces: int, *, seed: int = 0
) -> tuple[float, float]:
    """The middle 95% of the means that a figure has in so many pieces drawn from sets.

    What chance alone makes of so few: a set of one origin with them is within it, mostly.
    """
    values = np.concatenate([one.known(name) for one in sets])
    if not len(values):
        return np.nan, np.nan
    rng = np.random.default_rng(seed)
    means = rng.choice(values, (_BOOTSTRAP, pieces)).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def measure_set(pieces: Iterable[Piece]) -> SetFigures:
    """Measure the pieces of a set, one after the other."""
    figures: dict[str, list[float]] = {name: [] for name in (*MEASURES, *_BACK)}
    distances: Counter[int] = Counter()
    grams: Counter[tuple[int, ...]] = Counter()
    curves = []
    for piece in pieces:
        bars = MeasuredBars.of(piece)
        for name, function in MEASURES.items():
            figures[name].append(function(bars))
        distances.update(return_distances(bars).tolist())
        grams.update(chord_grams(bars))
        curves.append(self_similarity(bars))
        for name, back in _BACK.items():
            figures[name].append(curves[-1][back - 1])
    return SetFigures(
        {name: np.array(values) for name, values in figures.items()},
        distances,
        _nanmean(np.array(curves).reshape(-1, FARTHEST_BARS)),
        grams,
    )


def chord_grams(bars: MeasuredBars) -> Counter[tuple[int, ...]]:
    """Rows of three chords that follow each other, a chord that goes on counting once.

    A chord is that of a bar line, told from the tonic of the whole piece.
    """
    chords = bar_chords(bars)
    if not len(chords):
        return Counter()
    strokes = bars.strokes
    drums = np.array([player.is_drum for player in strokes.players])[strokes.player]
    key = estimate_key(np.bincount(strokes.pitch[~drums] % 12, minlength=12))
    tonic = 0 if key is None else key.tonic
    told = np.where(chords == NO_CHORD, NO_CHORD, chords // 12 * 12 + (chords - tonic) % 12)
    told = told[np.diff(told, prepend=-2) != 0]
    return Counter(zip(*(told[n:].tolist() for n in range(CHORDS_A_GRAM)), strict=False))


def gram_overlap(one: Counter[tuple[int, ...]], other: Counter[tuple[int, ...]]) -> float:
    """The share of chances that two sets of rows have in common, 0 to 1.

    Small sets of one origin have less than large ones: read it beside that of two real sets.
    """
    totals = one.total(), other.total()
    if not all(totals):
        return np.nan
    return sum(min(one[g] / totals[0], other[g] / totals[1]) for g in one.keys() & other.keys())


def curve_distance(one: SetFigures, other: SetFigures, *, farthest: int = 64) -> float:
    """Mean difference of two self-similarity curves, over the distances that both sets reach."""
    apart = np.abs(one.curve - other.curve)[:farthest]
    return float(np.nanmean(apart)) if (~np.isnan(apart)).any() else np.nan


def table(
    columns: Mapping[str, SetFigures],
    beside: Mapping[str, str],
    more: Mapping[str, Mapping[str, float]] | None = None,
    ranges: Mapping[str, Sequence[str]] | None = None,
) -> list[list[str]]:
    """Rows of text, the first with the names of the sets: each figure of each set.

    Args:
        columns: by name.
        beside: for some of them the column of the real music that it is compared with in chords and
            curves.
        more: further rows, each with the columns that have the figure.
        ranges: for some of them the columns of real music whose means of so many pieces
            (`usual_means`) are told beside their figures, and where those lie outside.
    """
    others = {name: (columns[name], columns[real]) for name, real in beside.items()}
    rows: dict[str, Mapping[str, float]] = {
        name: {column: one.mean(name) for column, one in columns.items()}
        for name in (*MEASURES, *_BACK)
    }
    rows["distance of the curve of all bars back from the real one"] = {
        column: curve_distance(*both) for column, both in others.items()
    }
    rows["rows of three chords in common with the real ones"] = {
        column: gram_overlap(one.grams, real.grams) for column, (one, real) in others.items()
    }
    distances = [", ".join(map(str, one.usual_distances)) for one in columns.values()]
    own = {column: [columns[name] for name in real] for column, real in (ranges or {}).items()}

    def cell(name: str, column: str, value: float) -> str:
        if name not in columns[column].measures or column not in own or np.isnan(value):
            return _number(value)
        low, high = usual_means(own[column], name, len(columns[column].known(name)))
        outside = "above " if value > high else "below " if value < low else ""
        return f"{_number(value)} ({outside}{_number(low)} to {_number(high)})"

    return [
        ["", *columns],
        ["bars return from", *distances],
        *(
            [name, *(cell(name, column, values.get(column, np.nan)) for column in columns)]
            for name, values in {**rows, **(more or {})}.items()
        ),
    ]


def _number(value: float) -> str:
    """Three digits, at most three of them after the point."""
    if np.isnan(value):
        return ""
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def _nanmean(table: np.ndarray) -> np.ndarray:
    """Mean of each column over the rows that have it, without a warning where none has."""
    known = ~np.isnan(table)
    count = known.sum(axis=0)
    total = np.where(known, table, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
