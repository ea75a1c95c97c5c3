"""Swing: how beats are divided in a piece, taken out of its notes and put into others.

A swung beat is cut in two unequal halves. Where a piece swings, every quarter is stretched so that
its middle comes where the off-beats are played: straight time and played time are two axes, and
the places in `PLACES` of each quarter are matched on them, with straight lines between. A piece
that is straightened so can be read and written as any straight one; what was written is played by
the way back. What else the notes of a piece have in common there, such as off-beats that are always
a little late (microtiming), goes with it.

How far it swings is read bar by bar: of some guesses of where in a quarter notes begin, the row of
guesses is taken that makes them likeliest, where a change costs something. Bars that say nothing
swing as those around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from ritornello.music.lateness import lateness
from ritornello.music.piece import Metre, Piece, Track
from ritornello.plan.bar_strokes import bar_lengths
from ritornello.plan.best_path import best_path

LEAST_RATIO, MOST_RATIO = 1.0, 3.0  # of the first half of a beat to the second
PLACES = (0.0, 0.25, 0.5, 0.75)  # of straight time in a quarter that are moved
_SWUNG_RESOLUTION = 480  # ticks a quarter of pieces that swing
_PARTS = 96  # of a quarter, in which notes are told apart
_PLAYED = 0.05  # quarters: standard deviation of what is played from its place
_ANYWHERE = 0.05  # share of the notes that stand anywhere
_CHANGE_NATS = 4.0
_NEAR = 1 / 12  # quarters around a place in which its notes are counted
_LEAST_OFF_BEATS = 4  # of a swung passage
_LEAST_NOTES = 8  # at a place, to know how it is played there
_SURE_ERRORS = 3.0  # standard errors: a smaller lateness is chance
_PLAIN, _SWUNG, _STRAIGHT, _OTHER = range(4)
# Each guess: what it says of the feel, and the share of the notes at places of a quarter.
_GUESSES: tuple[tuple[int, dict[float, float]], ...] = (
    (_PLAIN, {0.0: 1.0}),
    (_STRAIGHT, {0.0: 0.5, 0.5: 0.5}),
    (_STRAIGHT, {0.0: 0.25, 0.25: 0.25, 0.5: 0.25, 0.75: 0.25}),
    (_OTHER, {0.0: 0.34, 1 / 3: 0.33, 2 / 3: 0.33}),
    (_OTHER, {part / 24: 1 / 24 for part in range(24)}),
    *(
        (_SWUNG, {0.0: 0.48, place: 0.44, place / 2: 0.08})
        for place in (0.5625, 0.5833, 0.6, 0.625, 0.65, 2 / 3, 0.6875, 0.7083)
    ),
)


@dataclass(frozen=True, eq=False)
class Swing:
    """How the quarters of a piece are played.

    Attributes:
        quarters: where each begins, and the end of the last, in quarters from the beginning,
            float64 [quarters + 1]; a bar may end within a quarter.
        played: where in each quarter its straight places are played, float64 [quarters, 4].
        ratios: the swing ratio of each quarter, float64 [quarters]; nan where it does not swing.
        late: how many quarters later all is played, see `ritornello.music.lateness`.
    """

    quarters: np.ndarray
    played: np.ndarray
    ratios: np.ndarray
    late: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether played time differs from straight time anywhere."""
        return bool(self.late or (self.played != np.array(PLACES)).any())

    def swung_places(self, resolution: int, length_ticks: int) -> np.ndarray:
        """Ticks of straight time at which notes may begin, bool [length_ticks].

        In swung quarters these are its four places, and all ticks elsewhere.
        """
        legal = np.ones(length_ticks, bool)
        for start, end, ratio in zip(
            self.quarters[:-1], self.quarters[1:], self.ratios, strict=True
        ):
            if not np.isnan(ratio):
                first = round(start * resolution)
                ticks = np.arange(first, min(round(end * resolution), length_ticks))
                legal[ticks] = (ticks - first) % (resolution // len(PLACES)) == 0
        return legal

    def straightened(self, piece: Piece) -> Piece:
        """The piece with its notes in straight time."""
        if not self.moves:
            return piece
        tracks = tuple(_moved(each, piece.resolution, *self._axes[::-1]) for each in piece.tracks)
        return replace(piece, tracks=tracks)

    def play(self, track: Track, resolution: int) -> Track:
        """A track in straight time, as it is played."""
        return _moved(track, resolution, *self._axes) if self.moves else track

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Straight and played time of the same moments, in quarters, ascending."""
        lengths = np.diff(self.quarters)[:, None]
        straight = self.quarters[:-1, None] + np.array(PLACES) * lengths
        played = self.quarters[:-1, None] + self.played * lengths + self.late
        end = self.quarters[-1:]
        return np.append(straight.ravel(), end), np.append(played.ravel(), end + self.late)


def read_swing(piece: Piece) -> Swing:
    """How a piece swings, and how late its off-beats are where they are always so."""
    starts, swinging = _quarters(piece)
    count = len(starts) - 1
    onsets = np.unique(
        np.concatenate([np.zeros(0, np.int64), *(track.notes["onset"] for track in piece.tracks)])
    )
    late = lateness(piece)
    onsets = onsets / piece.resolution - late
    quarter = np.clip(np.searchsorted(starts, onsets, side="right") - 1, 0, max(0, count - 1))
    place = onsets - starts[quarter] if count else onsets
    straight = np.tile(PLACES, (count, 1))
    ratios = np.full(count, np.nan)
    if not len(onsets) or not count:
        return Swing(starts, straight, ratios, late)
    feel = _feel_of_quarters(piece, starts, swinging, quarter, place)
    for first, last in _runs(feel):
        inside = (quarter >= first) & (quarter < last)
        if feel[first] == _OTHER:
            continue
        near = place[inside & (place > 0.5 + _NEAR / 2) & (place < 0.75)]
        rivals = int((inside & (np.abs(place - 0.5) <= _NEAR / 2)).sum())
        if feel[first] == _SWUNG and len(near) >= max(_LEAST_OFF_BEATS, 2 * rivals):
            off = float(np.median(near))
            ratios[first:last] = off / (1 - off)
            straight[first:last] = _swung(off)
        else:
            straight[first:last] = _as_played(place[inside])
    return Swing(starts, straight, ratios, late)


def even_swing(piece: Piece, ratio: float | Sequence[float] | np.ndarray) -> Swing:
    """The same swing throughout a piece, or one for each of its bars, nan for none.

    Args:
        ratio: `LEAST_RATIO` to `MOST_RATIO`.
    """
    starts, swinging = _quarters(piece)
    bar = np.searchsorted(piece.bar_starts_ticks() / piece.resolution, starts[:-1], "right") - 1
    ratios = np.broadcast_to(np.asarray(ratio, float), (max(1, piece.bar_count),))[bar]
    ratios = np.where(swinging & (ratios > LEAST_RATIO), ratios, np.nan)
    off = ratios / (1 + ratios)
    played = np.where(np.isnan(off)[:, None], np.array(PLACES), _swung(off))
    return Swing(starts, played, ratios)


def as_swung(piece: Piece, swing: Swing) -> Piece:
    """A piece in straight time as it is played, at a resolution that tells swung places apart."""
    if not swing.moves:
        return piece
    piece = piece.at_resolution(_SWUNG_RESOLUTION)
    return replace(
        piece, tracks=tuple(swing.play(track, piece.resolution) for track in piece.tracks)
    )


def swung_later(quarters: float, ratio: float | None) -> float:
    """How much later, in quarters, a moment of straight time is played at an even swing.

    >>> round(swung_later(4.5, 2.0), 3), swung_later(4.0, 2.0), swung_later(4.5, None)
    (0.167, 0.0, 0.0)
    """
    if ratio is None or ratio <= LEAST_RATIO:
        return 0.0
    place, off = quarters % 1, ratio / (1 + ratio)
    return float(np.interp(place, (0.0, 0.5, 1.0), (0.0, off, 1.0))) - place


def _swung(off: float | np.ndarray) -> np.ndarray:
    """Where the places of quarters are played whose off-beats are played there, [..., 4]."""
    return np.stack([np.zeros_like(off), off / 2, off, (1 + off) / 2], axis=-1)


def _as_played(place: np.ndarray) -> np.ndarray:
    """Where the places of straight quarters are played: later or earlier if the notes are sure."""
    found = np.array(PLACES)
    for index, at in enumerate(PLACES[1:], 1):
        late = place[np.abs(place - at) < _NEAR] - at
        if len(late) >= _LEAST_NOTES:
            error = float(late.std()) / np.sqrt(len(late))
            if abs(late.mean()) > _SURE_ERRORS * error:
                found[index] += late.mean()
    return found


def _quarters(piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """Where the quarters of all bars begin, with the end of the last, and which may swing.

    Those of a metre in eighths or sixteenths do not, nor one that a bar line cuts.
    """
    starts, lengths = piece.bar_starts_ticks(), bar_lengths(piece)
    at = [metre.tick for metre in piece.metres]
    edges: list[float] = []
    swinging: list[bool] = []
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        metre: Metre = piece.metres[max(0, int(np.searchsorted(at, start, side="right")) - 1)]
        for tick in range(start, start + length, piece.resolution):
            edges.append(tick / piece.resolution)
            whole = tick + piece.resolution <= start + length
            swinging.append(whole and metre.denominator <= 4)
    end = int(starts[-1] + lengths[-1]) / piece.resolution if len(starts) else 0.0
    return np.array([*edges, end]), np.array(swinging, bool)


def _feel_of_quarters(
    piece: Piece,
    starts: np.ndarray,
    swinging: np.ndarray,
    quarter: np.ndarray,
    place: np.ndarray,
) -> np.ndarray:
    """What each quarter is: `_SWUNG`, `_STRAIGHT` or `_OTHER`; those of a bar are alike."""
    lines = piece.bar_starts_ticks() / piece.resolution
    bar_of = np.clip(np.searchsorted(lines, starts[:-1], side="right") - 1, 0, None)
    part = np.clip((place * _PARTS).round().astype(int), 0, None) % _PARTS
    counts = np.zeros((len(lines), _PARTS))
    np.add.at(counts, (bar_of[quarter], part), 1)
    feels = np.array([feel for feel, _ in _GUESSES])
    scores = counts @ _CHANCES
    cannot = np.zeros(len(lines), bool)
    cannot[bar_of[~swinging]] = True
    scores[np.ix_(cannot, feels == _SWUNG)] = -np.inf
    guess = best_path(scores[:, None], _CHANGE_NATS)[:, 0]
    feel = feels[guess]
    # Silent bars and those with quarters alone say nothing: they are as the nearest that does.
    says = np.flatnonzero((feel != _PLAIN) & (counts.sum(axis=1) > 0))
    if len(says):
        bars = np.arange(len(lines))
        nearest = says[np.abs(bars[:, None] - says).argmin(axis=1)]
        feel = np.where(cannot, feel, feel[nearest])
    else:
        feel = np.full(len(lines), _OTHER)
    result: np.ndarray = np.where(swinging, feel[bar_of], _OTHER)
    return result


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    """First index of each run of equal values, and the index after its last."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [*pairwise(edges)]


def _log_chances(places: dict[float, float]) -> np.ndarray:
    """How likely a note begins in each part of a quarter, float64 [parts]."""
    part = np.arange(_PARTS) / _PARTS
    chances = np.full(_PARTS, _ANYWHERE / _PARTS)
    for place, share in places.items():
        apart = np.abs(part - place)
        near = np.exp(-0.5 * (np.minimum(apart, 1 - apart) / _PLAYED) ** 2)
        chances += (1 - _ANYWHERE) * share * near / near.sum()
    result: np.ndarray = np.log(chances)
    return result


_CHANCES = np.stack([_log_chances(places) for _, places in _GUESSES], axis=1)


def _moved(track: Track, resolution: int, from_: np.ndarray, to: np.ndarray) -> Track:
    """A track with the onsets and ends of its notes moved from one axis of time to another."""
    table = track.notes.copy()
    ends = table["onset"] + table["duration"]
    onset, end = (_on_axis(ticks / resolution, from_, to) for ticks in (table["onset"], ends))
    table["onset"] = np.maximum(0, np.round(onset * resolution))
    table["duration"] = np.maximum(1, np.round(end * resolution) - table["onset"])
    return replace(track, notes=table)


def _on_axis(at: np.ndarray, from_: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Times moved; those behind the end stay as far behind it."""
    result: np.ndarray = np.interp(at, from_, to) + np.maximum(0, at - from_[-1])
    return result
