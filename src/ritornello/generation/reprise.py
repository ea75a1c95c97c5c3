"""Which notes come back: bars that a plan says return take up the notes of the bars they return to.

What was written there is put among the given notes as soon as it is whole, player by player: all of
it where a bar returns as it was; where it returns varied, some players keep their notes, some the
first half of each bar, and some go their own way. So form does not hang on whether a model hears
plans.

A drummer keeps a pattern of two bars through a section, and returns to it with the section. Its
beat may be stated (`ritornello.plan.drum_grooves`): kick, snare and a cymbal are given, then, and
the rest of the kit is written to them. Before another section begins, the second half of the last
bar is the drummer's own: a fill leads on. Of a style all is given, with fills in every eighth bar
and before another section. The section may begin with a crash, which the bars that repeat its first
ones leave out; the last chord of a piece has one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import cast

import numpy as np

from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    DURATION,
    DURATIONS,
    PART,
    PITCH,
    SHIFT,
    VELOCITIES,
    duration_class,
)
from ritornello.plan.drum_grooves import (
    CRASH,
    FILL_BARS,
    GROOVE_BARS,
    KICK,
    Beat,
    Drummers,
    Groove,
    draw_grooves,
)
from ritornello.plan.plan import Plan
from ritornello.plan.players import Player, melody_of
from ritornello.plan.returning_bars import AGAIN, NEW
from ritornello.rng import Rng

# Of a band, a song and others: how often a player keeps all of a varied bar, how often the melody
# does, and how often one that does not keeps its first half.
_WHOLE, _MELODY_WHOLE, _HALF = (0.6, 0.2, 0.1), (0.6, 0.35, 0.2), 0.2
_ROUND_WHOLE, _ROUND_MELODY_WHOLE = 0.85, 0.6  # where music goes round in four bars
_STROKE_TICKS = 6
_CRASHES, _TIME_KEEPERS = frozenset({CRASH, 57}), frozenset({42, 44, 46, 51})
_CRASH_ALONE = Beat((), (), (), CRASH, ((0, CRASH, 100),))
_LAST_STROKE = Beat((), (), (), CRASH, ((0, KICK, 100), (0, CRASH, 100)))
# How often a section begins with a crash: .36 of those of held-out bands, .42 in game music.
BEGINS_WITH_CRASH = 0.4


@dataclass(frozen=True)
class Reprise:
    """What comes back in a piece.

    Attributes:
        starts: int64 [bars + 1], where each bar begins, and where the last one ends.
        parts: part classes, as the columns below.
        sources: int64 [bars, parts], the bar whose notes a part plays again; -1 for none.
        halves: bool [bars, 2, parts], in which half of the bar it does.
        whole: bool [bars, parts], whether all that it plays in a bar is stated.
        beats: by bar what is stated for its drummer: int64 [notes, 5], onsets in place
            of shifts.
        drummer: the part class of who begins bars with a crash; None where nothing is said of it.
        crashes: the bars that begin with one; no other does that is stated or taken up.
    """

    starts: np.ndarray
    parts: tuple[int, ...]
    sources: np.ndarray
    halves: np.ndarray
    whole: np.ndarray
    beats: Mapping[int, np.ndarray] = field(default_factory=dict)
    drummer: int | None = None
    crashes: frozenset[int] = frozenset()

    @property
    def bars(self) -> int:
        return len(self.sources)

    def given_halves(self, column: int) -> np.ndarray:
        """In which half bars a part plays nothing of its own; bool [2 * bars]."""
        found: np.ndarray = (self.halves[:, :, column] | self.whole[:, column, None]).ravel()
        return found

    @cached_property
    def _bar_lines(self) -> list[int]:
        return cast(list[int], self.starts.tolist())

    def bar_of(self, tick: int) -> int:
        """The bar in which a tick lies."""
        return bisect_right(self._bar_lines, tick) - 1

    def half_ticks(self, bar: int) -> tuple[int, int, int]:
        """Where a bar begins, its second half, and the next bar."""
        start, end = int(self.starts[bar]), int(self.starts[bar + 1])
        return start, start + (end - start) // 2, end

    @cached_property
    def half_lines(self) -> np.ndarray:
        return half_lines(self.starts)

    @cached_property
    def ready_ticks(self) -> list[int | None]:
        """By bar from when on what it takes up is whole; None if it takes nothing up."""
        latest = self.sources.max(axis=1, initial=-1).tolist()
        return [
            (0 if bar in self.beats else None) if source < 0 else self._bar_lines[source + 1]
            for bar, source in enumerate(latest)
        ]

    def notes_of(self, bar: int, fields: np.ndarray) -> np.ndarray:
        """The notes that a bar takes up; int64 [notes, 5], onsets in place of shifts.

        Args:
            fields: int64 [events, 5], all that was written so far.
        """
        onsets = np.cumsum(fields[:, SHIFT])
        start, middle, end = self.half_ticks(bar)
        found = [self.beats[bar]] if bar in self.beats else []
        for column, part in enumerate(self.parts):
            source = int(self.sources[bar, column])
            if source < 0:
                continue
            moved = start - int(self.starts[source])
            first, second = self.halves[bar, :, column]
            begin = start if first else middle
            stop = end if second else middle
            near = slice(*np.searchsorted(onsets, (begin - moved, stop - moved)))
            member = fields[near, PART] == part
            rows = fields[near][member]
            rows[:, SHIFT] = onsets[near][member] + moved
            longest = self._sounds_until(bar, column, stop) - rows[:, SHIFT]
            rows[:, DURATION] = _class_within(np.minimum(DURATIONS[rows[:, DURATION]], longest))
            found.append(rows)
        rows = np.concatenate(found) if found else np.zeros((0, 5), np.int64)
        if self.drummer is not None:
            rows = self._begun(bar, rows, self.drummer)
        order = np.lexsort((rows[:, PITCH], rows[:, PART], rows[:, SHIFT]))
        ordered: np.ndarray = rows[order]
        return ordered

    def _begun(self, bar: int, rows: np.ndarray, drummer: int) -> np.ndarray:
        """The notes of a bar with a crash at its beginning, or without one.

        Where the drummer writes the first beat, or it is stated, it is left as it is.
        """
        if bar in self.beats and bar not in self.crashes:
            return rows
        first = (rows[:, SHIFT] == self.starts[bar]) & (rows[:, PART] == drummer)
        if not first.any():
            return rows
        if bar in self.crashes:
            return with_crash(rows, int(self.starts[bar]), drummer)
        crashes = np.isin(rows[:, PITCH], [DRUM_PITCH + key for key in _CRASHES])
        without: np.ndarray = rows[~(first & crashes)]
        return without

    def _sounds_until(self, bar: int, column: int, stop: int) -> int:
        """Until when a note of a bar may sound: on and on where what follows is what followed."""
        end = int(self.starts[-1])
        while bar + 1 < self.bars and stop == self.starts[bar + 1]:
            follows = self.sources[bar + 1, column] == self.sources[bar, column] + 1
            if not (follows and self.halves[bar + 1, :, column].all()):
                return stop
            bar, stop = bar + 1, int(self.starts[bar + 2])
        return min(stop, end)


def half_lines(starts: np.ndarray) -> np.ndarray:
    """Where each half of a bar begins, and where the last ends; int64 [2 * bars + 1].

    Args:
        starts: as of `Reprise`.
    """
    begins, ends = starts[:-1], starts[1:]
    halves = np.stack([begins, begins + (ends - begins) // 2], axis=1)
    return np.append(halves, ends[-1])


def open_runs(is_open: np.ndarray) -> list[tuple[int, int]]:
    """First index of each run that is open, and the index after its last; bool [halves]."""
    edges = np.flatnonzero(np.diff(is_open.astype(np.int8), prepend=0, append=0))
    return [*pairwise(edges.tolist())][::2]


def _class_within(ticks: np.ndarray) -> np.ndarray:
    """The longest duration class that is not longer; int64 [notes]."""
    classes = duration_class(ticks)
    too_long = DURATIONS[classes] > ticks
    result: np.ndarray = np.maximum(classes - too_long, 0)
    return result


def plan_reprise(
    plan: Plan,
    starts: np.ndarray,
    parts: tuple[int, ...],
    chords: np.ndarray,
    rng: Rng,
    *,
    ensemble: int,
    ending: bool,
    beats: bool,
    held_bars: int = GROOVE_BARS,
    own_drummers: Drummers = (),
    alone: bool = False,
    may_crash: bool = False,
    goes_round: bool = False,
) -> Reprise:
    """The bars of a plan that return, and the notes they take up.

    Args:
        plan: a row for each bar. starts: see `Reprise`. parts: part classes of its players.
        chords: int64 [bars, places], stated at places of each bar; where they are others than those
            of the bar returned to, only drummers play it again.
        rng: who keeps what of a varied bar, and the beats of sections, are drawn from it.
        ensemble: in what the players are, see `players.ensemble_of`.
        ending: whether the last bar is written anew whatever the plan says.
        beats: whether sections may state what their drummer holds.
        held_bars: so many of the first bars of a section drummers hold through it; 0 for none.
        own_drummers: those of a style, see `drum_grooves.draw_grooves`.
        alone: whether nothing is added to these.
        may_crash: whether sections may begin with a crash.
        goes_round: whether such music goes round in four bars, and returns closely.
    """
    bars, count = plan.bars, len(parts)
    drums = np.array([player.is_drum for player in plan.players], bool)
    sources = np.full((bars, count), -1)
    halves = np.zeros((bars, 2, count), bool)
    whole = np.zeros((bars, count), bool)
    begins = {section.start for section in plan.sections}
    keeps = np.ones((2, count), bool)
    for bar in range(bars):
        if bar == 0 or bar in begins or plan.back[bar] != plan.back[bar - 1]:
            keeps = _draw_keeps(plan.players, ensemble, rng, goes_round=goes_round)
        back, close = _returns_of_players(plan, bar)
        returning = (back > 0) & (plan.plays[bar] != 0)
        returning &= plan.plays[bar - back, np.arange(count)] != 0
        returning &= (chords[bar - back] == chords[bar]).all(axis=1) | drums
        sources[bar] = np.where(returning, bar - back, -1)
        halves[bar] = returning & (keeps | (close == AGAIN))
    stated: dict[int, np.ndarray] = {}
    holds = held_bars > 0
    for column in np.flatnonzero(drums & holds).tolist():
        grooves: dict[str, Groove | None] = {}
        if beats:
            metre = plan.metres[0]
            names = [section.name for section in plan.sections]
            counts = metre.numerator, metre.denominator
            grooves = draw_grooves(names, counts, rng, own_drummers)
        is_whole = alone and bool(own_drummers)
        held = (
            _state_grooves(plan, column, sources, grooves, rng)
            if is_whole
            else _hold_beat(plan, column, sources, halves, grooves, held_bars)
        )
        for bar, beat in held.items():
            if not (ending and bar == bars - 1):
                stated[bar] = beat_rows(beat, int(starts[bar]), parts[column])
                whole[bar, column] = is_whole
        if ending and stated and may_crash:
            stated[bars - 1] = beat_rows(_LAST_STROKE, int(starts[-2]), parts[column])
    if ending:
        sources[-1], halves[-1] = -1, False
    halves &= (sources >= 0)[:, None]
    sources = np.where(halves.any(axis=1), sources, -1)
    if not (may_crash and (drums & holds).any()):
        return Reprise(starts, parts, sources, halves, whole, stated)
    later = [section.start for section in plan.sections[1:]]
    crashes = frozenset(bar for bar in later if rng.random() < BEGINS_WITH_CRASH)
    drummer = parts[int(np.flatnonzero(drums)[0])]
    return Reprise(starts, parts, sources, halves, whole, stated, drummer, crashes)


def _hold_beat(
    plan: Plan,
    column: int,
    sources: np.ndarray,
    halves: np.ndarray,
    grooves: Mapping[str, Groove | None],
    held_bars: int,
) -> dict[int, Beat]:
    """Let a drummer hold the first bars of each section, with a fill at its end.

    Args:
        column: of the drummer. sources, halves: as of `Reprise`; they are written to.
        grooves: by the names of sections, where they state one. held_bars: where they do not.

    Returns:
        the beats of the bars that it writes, where its section states them.
    """
    found: dict[int, Beat] = {}
    for section in plan.sections:
        for place in range(section.bars):
            bar = section.start + place
            if plan.plays[bar, column] == 0:
                continue
            is_last = section.leads_on and bar == section.end - 1 < plan.bars - 1
            groove = grooves.get(section.name)
            earlier = bar - (len(groove.beats) if groove else held_bars)
            if sources[bar, column] < 0 and earlier >= section.start:
                same = plan.lengths[bar] == plan.lengths[earlier]
                if same and plan.plays[earlier, column] != 0:
                    sources[bar, column], halves[bar, :, column] = earlier, True
            if sources[bar, column] < 0:
                if groove and plan.is_usual(bar):  # drawn for that metre
                    found[bar] = groove.beat(place)
            elif is_last:
                halves[bar, 1, column] = False
    return found


def _state_grooves(
    plan: Plan,
    column: int,
    sources: np.ndarray,
    grooves: Mapping[str, Groove | None],
    rng: Rng,
) -> dict[int, Beat]:
    """What a drummer plays in the bars that it does not play again: grooves, with their fills.

    Arguments as of `_hold_beat`; the last bars of sections that lead on are played anew. Of a
    section of which it plays the last bar alone, that is the second half of one.
    """
    found: dict[int, Beat] = {}
    for section in plan.sections:
        groove = grooves[section.name]
        for place, bar in enumerate(range(section.start, section.end)):
            is_fit = plan.is_usual(bar)  # what the groove is drawn for
            if plan.plays[bar, column] == 0 or groove is None or not is_fit:
                continue
            is_last = section.leads_on and bar == section.end - 1 < plan.bars - 1
            if sources[bar, column] >= 0 and not is_last:
                continue
            sources[bar, column] = -1
            leads = is_last or place % FILL_BARS == FILL_BARS - 1
            found[bar] = groove.fill(rng, is_last=is_last) if leads else groove.beat(place)
            if is_last and place and plan.plays[bar - 1, column] == 0:
                found[bar] = found[bar].from_tick(int(plan.lengths[bar]) // 2)
    return found


def with_crash(rows: np.ndarray, start_ticks: int, drummer: int) -> np.ndarray:
    """The notes of a bar with a crash at its beginning, in place of what keeps the time there.

    Args:
        rows: int64 [notes, 5], onsets in place of shifts. drummer: a part class.
    """
    left = [DRUM_PITCH + key for key in _CRASHES | _TIME_KEEPERS]
    first = (rows[:, SHIFT] == start_ticks) & (rows[:, PART] == drummer)
    crash = beat_rows(_CRASH_ALONE, start_ticks, drummer)
    return np.concatenate([rows[~(first & np.isin(rows[:, PITCH], left))], crash])


def beat_rows(beat: Beat, start_ticks: int, part: int) -> np.ndarray:
    """A beat from a bar line on; int64 [notes, 5], onsets in place of shifts."""
    duration = int(duration_class(np.array(_STROKE_TICKS)))
    rows = [
        (start_ticks + tick, part, DRUM_PITCH + key, duration, velocity * VELOCITIES // 128)
        for tick, key, velocity in sorted(beat.strokes())
    ]
    return np.array(rows, np.int64).reshape(-1, 5)


def _draw_keeps(
    players: Sequence[Player], ensemble: int, rng: Rng, *, goes_round: bool
) -> np.ndarray:
    """Who keeps each half of varied bars, bool [2, players]; somebody keeps one."""
    count = len(players)
    drums = np.array([player.is_drum for player in players], bool)
    drawn = rng.random(count)
    whole = np.full(count, _ROUND_WHOLE if goes_round else _WHOLE[ensemble])
    if count > 1 and (melody := melody_of(players)) is not None:
        whole[melody] = _ROUND_MELODY_WHOLE if goes_round else _MELODY_WHOLE[ensemble]
    keeps = np.stack([drawn < whole + _HALF, drawn < whole])
    if not keeps[0].any():
        keeps[0, rng.integers(count)] = True
    keeps[:, drums] = True  # another beat would be another section
    return keeps


def _returns_of_players(plan: Plan, bar: int) -> tuple[np.ndarray, np.ndarray]:
    """How many bars back each player returns, and how closely: as the whole where it is open."""
    back, close = plan.back_by_player[bar], plan.close_by_player[bar]
    stated = (back >= 0) & (close >= 0)
    whole = max(int(plan.back[bar]), 0), int(plan.close[bar]) if plan.close[bar] >= 0 else NEW
    return np.where(stated, back, whole[0]), np.where(stated, close, whole[1])
