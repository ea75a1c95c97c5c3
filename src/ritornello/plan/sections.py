"""Sections: where a piece begins something, and what comes back.

Three kinds of evidence speak for a bar line at which a section begins:

- a run of bars that return from one distance begins or ends there, in the whole or in a part, or
  what such a run returns to does; the more bars it has, up to eight, the more it counts;
- other players play in the four bars after it than in the four before, or as many play much more
  or much less;
- the bar before is silent.

Of all ways to cut the piece the one is taken with the most evidence at its cuts, less a cost for
each, and with the most usual lengths: eight bars, four, sixteen (`_length_worth`). Two sections are
the same if half of the bars of the shorter one are like the bars at the same place of the other in
their pitched parts, or if one is as long as the other and half of it is the other transposed. They
are named A, B, C, ... in the order of their first appearance; a first section that never comes
back, is short, and thinner than the piece is the intro, a last one that never comes back and is
short is the end.

The weights were set by hand on the phrases that people heard in 17 songs of pop909 (Dai, Zhang and
Dannenberg 2020); docs/decisions/plan.md tells how far the sections agree with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from ritornello.plan.bar_strokes import Shared, Strokes

INTRO, END = "intro", "end"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST_BARS = 32  # of a section that is found
_SHORT_BARS = 8  # most of an intro and of an end
_RUN_BARS = 8  # a run as long as that counts in full
_AROUND_BARS = 4
_CUT_COST = 0.8
_CLOSE_LEAST = 0.4  # how alike two bars of sections that are the same are
_SAME_LEAST = 0.5  # share of their bars that are
_MOVED_LEAST = 0.5  # of the strokes that either has (Jaccard)
_MOST_MOVED = 11  # semitones
_PITCHES = 128
_LEADING_BARS = 4  # of a section at least, whose end leads on
_HALF_BARS = 4  # of a section at most, that may be half of one
_THIN = 0.85  # an intro has at most so many strokes a bar, as a share of the piece's


@dataclass(frozen=True)
class Section:
    """Bars that belong together.

    Attributes:
        name: "intro", a letter, or "end"; in plans that people write also "verse" and the like.
        start: first bar, from 0.
        bars: how many.
    """

    name: str
    start: int
    bars: int

    @property
    def end(self) -> int:
        return self.start + self.bars

    @property
    def leads_on(self) -> bool:
        """Whether it is long enough for its last bar to lead on: a drummer fills there."""
        return self.bars >= _LEADING_BARS

    def continues(self, before: Section) -> bool:
        """Whether it and the one before it are halves of one: alike, of four bars at most each.

        A drummer who fills the end of each section would fill every fourth bar.
        """
        return self.name == before.name and max(self.bars, before.bars) <= _HALF_BARS


def letter(number: int) -> str:
    """A of 0, B of 1, ..., Z of 25, AA of 26, ..."""
    before, last = divmod(number, len(_LETTERS))
    return (letter(before - 1) if before else "") + _LETTERS[last]


def sections(
    strokes: Strokes, shared: Shared, back: np.ndarray, *, entries_worth: float = 1.0
) -> tuple[Section, ...]:
    """The sections of a piece, one after the other; none of a piece without bars.

    Args:
        back: int64 [bars, 1 + players], see `returning_bars.returns`.
        entries_worth: how much the second and the third kind of evidence count beside the first.
    """
    bars = len(back)
    if not bars:
        return ()
    cuts = _cut(_evidence(shared, back, entries_worth))
    spans = list(zip(cuts, [*cuts[1:], bars], strict=True))
    return _named(spans, _kinds(strokes, shared, spans), shared.counts.sum(axis=1))


def _evidence(shared: Shared, back: np.ndarray, entries_worth: float) -> np.ndarray:
    """How much speaks for a cut before each bar, float64 [bars]."""
    entries = _changes(shared.counts) + _after_silence(shared.counts, len(back))
    result: np.ndarray = _runs(back) + entries_worth * entries
    return result


def _runs(back: np.ndarray) -> np.ndarray:
    """From runs of one distance; the whole counts as much as all players together."""
    bars, rows = back.shape
    found = np.zeros(bars + 1)
    weights = np.full(rows, 0.5 / max(1, rows - 1))
    weights[0] = 0.5
    for row in range(rows):
        edges = np.flatnonzero(np.diff(back[:, row], prepend=-1, append=-1))
        for start, end in pairwise(edges.tolist()):
            distance, length = int(back[start, row]), end - start
            if not distance or length < 2:
                continue
            worth = weights[row] * min(length, _RUN_BARS) / _RUN_BARS
            found[[start, end]] += worth
            found[start - distance] += worth
            if distance >= length:
                found[end - distance] += worth
    return found[:bars]


def _changes(counts: np.ndarray) -> np.ndarray:
    """From players that enter and leave, and from how much is played; 0 to 2."""
    bars, players = counts.shape
    total = np.concatenate([np.zeros((1, players)), np.cumsum(counts, axis=0)])
    now = np.arange(bars)
    first, last = np.maximum(now - _AROUND_BARS, 0), np.minimum(now + _AROUND_BARS, bars)
    before = (total[now] - total[first]) / np.maximum(now - first, 1)[:, None]
    after = (total[last] - total[now]) / (last - now)[:, None]
    either, both = (
        ((before > 0) | (after > 0)).sum(axis=1),
        ((before > 0) & (after > 0)).sum(axis=1),
    )
    players_change = 1 - both / np.maximum(either, 1)
    busier = np.abs(np.log2((after.sum(axis=1) + 1) / (before.sum(axis=1) + 1)))
    result: np.ndarray = players_change + np.minimum(busier, 1.0)
    return result


def _after_silence(counts: np.ndarray, bars: int) -> np.ndarray:
    silent = counts.sum(axis=1) == 0
    found = np.zeros(bars)
    found[1:] = silent[:-1] & ~silent[1:]
    found[: np.argmin(silent) + 1] = -np.inf  # what is before the music begins belongs to it
    return found


@cache
def _length_worth(bars: int) -> float:
    """How usual a section of so many bars is."""
    usual = {8: 1.0, 4: 0.4, 16: 0.8, 12: 0.5, 6: 0.2, 10: 0.2, 24: 0.2, 32: 0.3}
    if bars in usual:
        return usual[bars]
    return -1.2 if bars < 4 else (0.0 if bars % 2 == 0 else -0.3)


def _cut(evidence: np.ndarray) -> list[int]:
    """The first bars of the sections with the highest worth in all."""
    bars = len(evidence)
    best = np.full(bars + 1, -np.inf)
    best[0] = 0.0
    came_from = np.zeros(bars + 1, np.int64)
    worth = np.array([_length_worth(length) for length in range(1, LONGEST_BARS + 1)])
    gain = evidence - _CUT_COST
    gain[0] = 0.0
    for end in range(1, bars + 1):
        first = max(0, end - LONGEST_BARS)
        values = best[first:end] + gain[first:end] + worth[end - first - 1 :: -1][: end - first]
        index = int(values.argmax())
        best[end], came_from[end] = values[index], first + index
    cuts = []
    end = bars
    while end > 0:
        end = int(came_from[end])
        cuts.append(end)
    return cuts[::-1]


def _kinds(strokes: Strokes, shared: Shared, spans: list[tuple[int, int]]) -> list[int]:
    """Which sections are the same: of each the number of its kind, in order of appearance."""
    kinds: list[int] = []
    drums = np.array([player.is_drum for player in strokes.players])
    close = _closeness(shared, ~drums if (~drums).any() else drums) >= _CLOSE_LEAST
    pitched = [_Pitched.of(strokes, ~drums, start, end) for start, end in spans]
    for number, (start, end) in enumerate(spans):
        found, most = -1, 0.0
        for other in range(number - 1, -1, -1):
            begin, finish = spans[other]
            distance, length = start - begin, min(end - start, finish - begin)
            alike = 2 * length >= max(end - start, finish - begin)
            if not alike or distance >= close.shape[1]:
                continue
            share = float(close[start : start + length, distance].mean())
            if share >= _SAME_LEAST and share > most:
                found, most = kinds[other], share
        if found < 0:
            found = next(
                (kinds[other] for other, (begin, finish) in enumerate(spans[:number])
                 if finish - begin == end - start and pitched[other].is_moved(pitched[number])),
                max(kinds, default=-1) + 1,
            )  # fmt: skip
        kinds.append(found)
    return kinds


@dataclass(frozen=True)
class _Pitched:
    """The pitched strokes of a section.

    Attributes:
        keys: int64, each stroke as a number: its place in the section and its player, then in the
            last `_PITCHES` its pitch; sorted, without repetitions.
        rhythm: int64, the same without pitches.
    """

    keys: np.ndarray
    rhythm: np.ndarray

    @classmethod
    def of(cls, strokes: Strokes, pitched: np.ndarray, start: int, end: int) -> _Pitched:
        first, last = np.searchsorted(strokes.bar, [start, end])
        inside = np.arange(first, last)[pitched[strokes.player[first:last]]]
        tick = strokes.bar_starts[strokes.bar[inside]] - strokes.bar_starts[start]
        place = (tick + strokes.tick[inside]) * len(strokes.players) + strokes.player[inside]
        return cls(np.unique(place * _PITCHES + strokes.pitch[inside]), np.unique(place))

    def is_moved(self, other: _Pitched) -> bool:
        """Whether the other is this one transposed: half of what either has is the same then."""
        if not _are_alike(len(self.rhythm), len(other.rhythm), _common(self.rhythm, other.rhythm)):
            return False
        # Of each stroke and each at the same place by the same player of the other: the interval.
        # How often an interval comes is how many strokes are the same when moved by it.
        place = self.keys // _PITCHES * _PITCHES
        first = np.searchsorted(other.keys, place)
        last = np.searchsorted(other.keys, place + _PITCHES)
        most = int((last - first).max(initial=0))  # of a player's pitches at one time
        candidates = first[:, None] + np.arange(most)
        there = candidates < last[:, None]
        one = np.broadcast_to(self.keys[:, None], there.shape)[there]
        intervals = other.keys[candidates[there]] - one
        counts = np.bincount(intervals[np.abs(intervals) <= _MOST_MOVED] + _MOST_MOVED)
        counts[_MOST_MOVED : _MOST_MOVED + 1] = 0  # as it stands is not moved
        return _are_alike(len(self.keys), len(other.keys), int(counts.max(initial=0)))


def _common(one: np.ndarray, other: np.ndarray) -> int:
    """How many numbers are in both, each without repetitions."""
    return len(np.intersect1d(one, other, assume_unique=True))


def _are_alike(one: int, other: int, common: int) -> bool:
    """Whether sets of so many are alike, of which so many are in both (Jaccard); not if empty."""
    return bool(common) and common >= _MOVED_LEAST * (one + other - common)


def _closeness(shared: Shared, counted: np.ndarray) -> np.ndarray:
    """Likeness to each bar before, the mean of some who play in either; [bars, distances].

    Args:
        counted: bool [players], these.
    """
    bars, distances = shared.as_long.shape
    earlier = np.maximum(np.arange(bars)[:, None] - np.arange(distances), 0)
    plays = shared.counts[:, counted] > 0
    either = (plays[:, None] | plays[earlier]).sum(axis=2)
    result: np.ndarray = shared.alike_by_player[:, counted].sum(axis=1) / np.maximum(either, 1)
    return result


def _named(
    spans: list[tuple[int, int]], kinds: list[int], strokes: np.ndarray
) -> tuple[Section, ...]:
    alone = [kinds.count(kind) == 1 for kind in kinds]
    short = [end - start <= _SHORT_BARS for start, end in spans]
    names: dict[int, str] = {}
    several = len(spans) > 1
    if several and alone[0] and short[0]:
        start, end = spans[0]
        if strokes[start:end].mean() <= _THIN * strokes.mean():
            names[0] = INTRO
    if several and alone[-1] and short[-1]:
        names[len(spans) - 1] = END
    letters: dict[int, str] = {}
    found = []
    for number, ((start, end), kind) in enumerate(zip(spans, kinds, strict=True)):
        if number not in names:
            letters.setdefault(kind, letter(len(letters)))
        found.append(Section(names.get(number) or letters[kind], start, end - start))
    return tuple(found)
