"""From sounding time to written time: where a player should read a note that was played.

A bar is cut into spans (a quarter, or the metre's unit where that is shorter). Each span is
written on one grid. Tracks whose every onset and end already lies on a notatable grid are
written as they sound; others are moved, span by span, to the grid that costs least: mean
distance of the onsets plus a price for grids that are harder to read. Drum hits are written up
to the next hit, at most to the end of their span, because their length is never read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ritornello.music.piece import Metre, Piece, Track

# The pedals of a drum kit: bass drums and pedal hi-hat. They are written in a voice of their own.
FOOT_KEYS = (35, 36, 44)


class Ratio(NamedTuple):
    """``actual`` written notes sound in the time of ``normal``; (1, 1) is no tuplet."""

    actual: int
    normal: int


class QuantisingGrid(NamedTuple):
    """Points that divide a quarter in ``parts``; ``price`` is in quarters of onset error."""

    parts: int
    price: float


PLAIN = Ratio(1, 1)
# What a span may hold exactly, the plainest first: the ratio, and the finest part of a quarter.
NOTATABLE = ((PLAIN, 16), (Ratio(3, 2), 12), (Ratio(5, 4), 10), (Ratio(7, 4), 14))
# What it may hold for the sake of an end alone. A finer end is a way of playing, not a value:
# notes held for nine tenths of their beat must not print as quintuplets.
_NOTATABLE_ENDS = ((PLAIN, 8), (Ratio(3, 2), 6))
# Prices chosen by looking at engraved Groove and POP909 performances: 16ths unless the onsets
# are clearly elsewhere; the finer a grid, the more certain it must be.
_GRIDS = (
    QuantisingGrid(4, 0.0),
    QuantisingGrid(3, 0.02),
    QuantisingGrid(8, 0.03),
    QuantisingGrid(6, 0.035),
    QuantisingGrid(5, 0.04),
    QuantisingGrid(16, 0.045),
    QuantisingGrid(12, 0.05),
)
_END_WEIGHT = 0.25


class Bar(NamedTuple):
    """One bar: ``start`` and ``end`` in ticks; ``end`` is early where a new metre cuts it."""

    start: int
    end: int
    metre: Metre


class Timing(NamedTuple):
    """Written onsets and ends in ticks, int64 [notes], in the order of ``track.notes``.

    ``exact`` says that they are the sounding ones (for drums: the onsets are).
    """

    onsets: np.ndarray
    ends: np.ndarray
    exact: bool


def list_bars(piece: Piece, until_ticks: int) -> list[Bar]:
    """The bars of a piece up to the one that reaches ``until_ticks``; at least one."""
    bars: list[Bar] = []
    last = max(until_ticks, 1)
    changes = [metre.tick for metre in piece.metres[1:]] + [last]
    for index, (metre, stop) in enumerate(zip(piece.metres, changes, strict=True)):
        length = metre.bar_ticks(piece.resolution)
        is_last = index == len(piece.metres) - 1
        for start in range(metre.tick, stop, length):
            bars.append(Bar(start, start + length if is_last else min(start + length, stop), metre))
    return bars


def span_ticks(metre: Metre, resolution: int) -> int:
    """Length of the spans in which one grid, or one tuplet, is kept."""
    return resolution * 4 // max(4, metre.denominator)


def span_edges(bars: list[Bar], resolution: int) -> np.ndarray:
    """Start of each span and, last, the end of the last bar; int64 [spans + 1]."""
    starts = [
        np.arange(bar.start, bar.end, span_ticks(bar.metre, resolution), dtype=np.int64)
        for bar in bars
    ]
    return np.concatenate([*starts, [bars[-1].end]])


def written_times(track: Track, edges: np.ndarray, resolution: int) -> Timing:
    """Where the notes of a track are written; always on a notatable grid of each span."""
    onsets = track.notes["onset"]
    ends = onsets + track.notes["duration"]
    judged = onsets[:0] if track.is_drum else ends
    exact = _is_notatable(onsets, judged, edges, resolution)
    if not exact:
        onsets, ends = _snap_to_grid(onsets, onsets if track.is_drum else ends, edges, resolution)
    if track.is_drum:
        ends = _drum_ends(onsets, track.notes["pitch"], edges)
    elif not exact:
        ends = _snap_ends(onsets, ends, resolution // 4)
    return Timing(onsets, ends, exact)


def _span_of(ticks: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(edges, ticks, side="right") - 1, 0, len(edges) - 2)


def _is_notatable(onsets: np.ndarray, ends: np.ndarray, edges: np.ndarray, resolution: int) -> bool:
    """Whether one ratio holds the onsets and ends of each span, and is not there for ends only."""
    spans = len(edges) - 1
    lengths = np.diff(edges)

    def held_by(ratios: tuple[tuple[Ratio, int], ...], ticks: np.ndarray) -> np.ndarray:
        """Which spans hold all their ticks by one of the ratios, bool [ratios, spans]."""
        span = _span_of(ticks, edges)
        held = np.zeros((len(ratios), spans), bool)
        for row, (_, parts) in enumerate(ratios):
            off_grid = (ticks - edges[span]) * parts % resolution != 0
            fits_span = lengths * parts % resolution == 0
            held[row] = fits_span & (np.bincount(span[off_grid], minlength=spans) == 0)
        return held

    every = np.concatenate([onsets, ends])
    simple = held_by(_NOTATABLE_ENDS, every).any(axis=0)
    fine_onsets = ~held_by(_NOTATABLE_ENDS, onsets).any(axis=0)
    used = np.bincount(_span_of(every, edges), minlength=spans) > 0
    return bool((~used | simple | (fine_onsets & held_by(NOTATABLE, every).any(axis=0))).all())


def _snap_to_grid(
    onsets: np.ndarray, ends: np.ndarray, edges: np.ndarray, resolution: int
) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and ends on the cheapest grid of their span; no note is empty."""
    lengths = np.diff(edges)
    units = _span_units(onsets, ends, edges, resolution)

    def nearest(ticks: np.ndarray) -> np.ndarray:
        span = _span_of(ticks, edges)
        unit = units[span]
        steps = (ticks - edges[span] + unit // 2) // unit * unit
        result: np.ndarray = edges[span] + np.minimum(steps, lengths[span])
        return result

    # The end of the last bar holds no onset: those go back to the last point of its grid.
    last_point = edges[-2] + (lengths[-1] - 1) // units[-1] * units[-1]
    new_onsets = np.minimum(nearest(onsets), last_point)
    span = _span_of(new_onsets, edges)
    shortest = np.minimum(new_onsets + units[span], edges[span + 1])
    return new_onsets, np.maximum(nearest(ends), shortest)


def _span_units(
    onsets: np.ndarray, ends: np.ndarray, edges: np.ndarray, resolution: int
) -> np.ndarray:
    """Ticks between grid points, int64 [spans]: the cheapest grid for the notes in each span."""
    lengths = np.diff(edges)
    spans = len(lengths)
    cost = np.full((len(_GRIDS), spans), np.inf)
    units = np.ones(len(_GRIDS), np.int64)
    weights = ((onsets, 1.0), (ends, _END_WEIGHT))
    for row, grid in enumerate(_GRIDS):
        if resolution % grid.parts:
            continue
        unit = units[row] = resolution // grid.parts
        cost[row] = grid.price
        for ticks, weight in weights:
            span = _span_of(ticks, edges)
            offset = (ticks - edges[span]) % unit
            error = np.minimum(offset, unit - offset) / resolution
            count = np.maximum(np.bincount(span, minlength=spans), 1)
            cost[row] += weight * np.bincount(span, error, minlength=spans) / count
        if grid.parts % 4:  # a tuplet must fill its span; plain values may be cut by it
            cost[row, lengths * grid.parts % resolution != 0] = np.inf
    chosen = units[np.argmin(cost, axis=0)]
    # A resolution that no grid divides leaves whole spans as the only readable points.
    return np.where(np.isfinite(cost.min(axis=0)), chosen, lengths)


def _snap_ends(onsets: np.ndarray, ends: np.ndarray, reach_ticks: int) -> np.ndarray:
    """Ends moved to the nearest later onset within reach: no slivers of rest or overlap."""
    points = np.unique(onsets)
    if len(points) == 0:
        return ends
    after = np.clip(np.searchsorted(points, ends), 0, len(points) - 1)
    result = ends.copy()
    best = np.full(len(ends), reach_ticks + 1)
    for candidate in (points[np.maximum(after - 1, 0)], points[after]):
        distance = np.abs(candidate - ends)
        better = (candidate > onsets) & (distance < best)
        result[better], best[better] = candidate[better], distance[better]
    return result


def _drum_ends(onsets: np.ndarray, keys: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Each hit lasts to the next hit of hands or feet, at most to the end of its span."""
    ends = edges[_span_of(onsets, edges) + 1]
    feet = np.isin(keys, FOOT_KEYS)
    for limb in (feet, ~feet):
        points = np.unique(onsets[limb])
        after = np.searchsorted(points, onsets[limb], side="right")
        following = np.append(points, edges[-1])[after]
        ends[limb] = np.minimum(ends[limb], following)
    result: np.ndarray = ends
    return result
