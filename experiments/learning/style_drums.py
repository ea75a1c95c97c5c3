"""Which grooves the drummers of a style hold: four bars that go round, and what every eighth is.

Bars of drums are told on 16ths, in at most three strokes at a time. Four bars are held where the
four after them are like them, but for the last, which may be a fill. What several styles hold alike
is left out, since it would tell them from nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from experiments.learning.style_rhythms import BEAT, on_grid
from ritornello.music.piece import Piece
from ritornello.plan.drum_grooves import CYCLE_BARS, FILL_BARS, KICK, SNARE

_MOST_DRUMMERS, _OF_PIECE = 24, 4  # of a style and a metre; grooves of a piece
_MANY_BARS = 0.75  # of neighbouring drummers have fewer
_MOST_FILLS = 6  # of a groove
_ALIKE = 0.6  # mean Jaccard of the strokes of bars that hold a groove
_IN_TIME = 0.3  # likeness of a first bar that is no fill to those after it
_BEGINS = 0.5  # what a crash says of the beginning of a phrase, beside a fill at its end
_LIKE_OTHERS = 3  # styles that hold a groove too many
_STROKES = 3  # at a time
_STICK, _CRASHES = 37, (49, 57)
_KICKS, _SNARES = (KICK, 35), (SNARE, 40)  # keys that sound alike
_KEPT_KEYS = (
    *_KICKS, *_SNARES, _STICK, 42, 46, 44, 51, 49, 57, 39, 41, 43, 45, 47, 48, 50, 52, 53, 54, 55,
    56, 59, 62, 63, 64, 70,
)  # fmt: skip

Bar = tuple[tuple[int, int], ...]
Loud = dict[tuple[int, int], list[int]]  # velocities of each stroke


class Held(NamedTuple):
    """Bars that a piece holds, and those that it plays in the place of every eighth of them."""

    metre: str
    bars: tuple[Bar, ...]
    fills: tuple[Bar, ...]
    loud: Loud


def held_grooves(piece: Piece) -> list[Held]:
    """The grooves that a piece holds, the commonest first."""
    if not piece.metres:
        return []
    metre = piece.metres[0]
    bars, loud = _bars(piece, metre.bar_ticks(BEAT))
    by_phase = [_held_from(bars, phase) for phase in range(FILL_BARS)]
    found = max(by_phase, key=lambda fills: sum(map(_leads_on, fills.items())))
    name = f"{metre.numerator}/{metre.denominator}"
    common = sorted(found.items(), key=lambda item: -len(item[1]))
    held = [
        Held(name, cycle, tuple(filter(None, fills))[:_MOST_FILLS], loud)
        for cycle, fills in common[:_OF_PIECE]
        if _keeps_time({key for bar in cycle for _, key in bar})
    ]
    return [groove for groove in held if groove.fills]


def _bars(piece: Piece, bar_ticks: int) -> tuple[list[Bar], Loud]:
    """The bars of all drums of a piece, and how loud each stroke of a bar is."""
    strokes: dict[int, set[tuple[int, int]]] = defaultdict(set)
    loud: Loud = defaultdict(list)
    for track in piece.tracks:
        if track.is_drum:
            ticks = (track.notes["onset"] * BEAT / piece.resolution).round().astype(int)
            columns = (ticks, track.notes["pitch"], track.notes["velocity"])
            for tick, key, velocity in zip(*(c.tolist() for c in columns), strict=True):
                bar, within = divmod(tick, bar_ticks)
                place = on_grid(within)
                if place is not None and key in _KEPT_KEYS:
                    strokes[bar].add((place, key))
                    loud[place, key].append(velocity)
    return [_thinned(strokes[bar]) for bar in range(max(strokes, default=-1) + 1)], loud


def _thinned(strokes: set[tuple[int, int]]) -> Bar:
    """At most so many strokes at a time, the ones that matter most."""
    found: dict[int, list[int]] = defaultdict(list)
    for tick, key in sorted(strokes, key=lambda stroke: _KEPT_KEYS.index(stroke[1])):
        if len(found[tick]) < _STROKES:
            found[tick].append(key)
    return tuple(sorted((tick, key) for tick, keys in found.items() for key in keys))


def _held_from(bars: Sequence[Bar], phase: int) -> dict[tuple[Bar, ...], list[Bar]]:
    """By the bars that are held what is played in the place of every eighth, from a bar on."""
    found: dict[tuple[Bar, ...], list[Bar]] = defaultdict(list)
    for first in range(phase, len(bars) - FILL_BARS + 1, FILL_BARS):
        cycle = tuple(bars[first : first + CYCLE_BARS])
        again = bars[first + CYCLE_BARS : first + FILL_BARS]
        pairs = [*zip(cycle, again, strict=True)][:-1]
        is_held = all(cycle) and np.mean([_likeness(*pair) for pair in pairs]) >= _ALIKE
        if is_held and _begins_in_time(cycle):
            alike = (held for held in found if _mean_likeness(held, cycle) >= _ALIKE)
            found[next(alike, cycle)].append(again[-1])
    return found


def _begins_in_time(bars: Sequence[Bar]) -> bool:
    """Whether the first bar is like the next or the one after; otherwise it is a fill."""
    return max(_likeness(bars[0], other) for other in bars[1:3]) >= _IN_TIME


def _likeness(one: Bar, other: Bar) -> float:
    return len({*one} & {*other}) / max(1, len({*one} | {*other}))


def _mean_likeness(some: Sequence[Bar], others: Sequence[Bar]) -> float:
    return float(np.mean([_likeness(*pair) for pair in zip(some, others, strict=True)]))


def _leads_on(held: tuple[tuple[Bar, ...], list[Bar]]) -> float:
    """How much what is held looks like phrases: crashes begin them, and their last bars differ from
    the fourth ones and from the third ones, which stand before them."""
    bars, fills = held
    begins = _BEGINS * any((0, key) in bars[0] for key in _CRASHES)
    return sum(2 - sum(_likeness(bar, fill) for bar in bars[-2:]) + begins for fill in fills)


def _keeps_time(keys: set[int]) -> bool:
    """Whether there is a kick and something against it."""
    return bool({*_KICKS} & keys) and bool({*_SNARES, _STICK} & keys)


def drummers(pieces: Mapping[str, Sequence[Piece]]) -> dict[str, dict[str, list[object]]]:
    """Of each style by metre: the drummers, each as the grooves that it holds, bars and fills.

    A bar is the ticks and velocities of each key, or the number of an equal one before.
    """
    held = {style: [*filter(None, map(held_grooves, found))] for style, found in pieces.items()}
    holders = Counter(
        bars for found in held.values() for bars in {one.bars for own in found for one in own}
    )
    return {
        style: _of_style([own for own in found if holders[own[0].bars] < _LIKE_OTHERS])
        for style, found in held.items()
    }


def _of_style(held: Sequence[list[Held]]) -> dict[str, list[object]]:
    by_metre: dict[str, list[list[Held]]] = defaultdict(list)
    for own in held:
        by_metre[own[0].metre].append(own)
    return {
        metre: [[_told(groove) for groove in own] for own in _spread(of_metre)]
        for metre, of_metre in by_metre.items()
        if len(of_metre) > 1
    }


def _spread(held: Sequence[list[Held]]) -> list[list[Held]]:
    """So many of the drummers, from the calmest to the busiest; of neighbours one with many bars.

    What is held tells less of those who change their groove more often than every eight bars.
    """
    ordered = sorted(held, key=lambda own: sum(map(len, own[0].bars)))
    count = min(_MOST_DRUMMERS, len(ordered))
    edges = np.linspace(0, len(ordered), count + 1).round().astype(int).tolist()
    near = (sorted(ordered[start:end], key=_different_bars) for start, end in pairwise(edges))
    return [found[int(_MANY_BARS * len(found))] for found in near]


def _different_bars(own: list[Held]) -> int:
    return len({bar for groove in own for bar in (*groove.bars, *groove.fills)})


def _told(groove: Held) -> list[object]:
    every = (*groove.bars, *groove.fills)
    told = [
        every.index(bar) if every.index(bar) < place else _by_key(bar, groove.loud)
        for place, bar in enumerate(every)
    ]
    return [told[:CYCLE_BARS], told[CYCLE_BARS:]]


def _by_key(bar: Bar, loud: Loud) -> dict[str, list[list[int]]]:
    """Ticks and velocities by key."""
    found: dict[str, list[list[int]]] = defaultdict(list)
    for tick, key in bar:
        found[str(key)].append([tick, round(float(np.median(loud[tick, key])))])
    return dict(found)
