"""What a composer is told of a plan: the present bar, the next one, and the bar they refer to.

A plan (`ritornello.plan.plan`) says for each bar which earlier bar it returns to, and much else.
Some of it is told, group by group (`GROUPS`); the rest is open. From what is told three inputs are
computed, for a whole piece at once and one event at a time:

    context   the rows of the present and the next bar as class indices, and the note that followed
              this place in the bar that the present bar refers to: a lookback whose distance the
              plan chooses. Where nothing follows there, it is the first note of the bar that the
              next bar refers to.
    memory    once the part is chosen: the pitch it played at this very onset of that bar
    plays     who plays in the present and the next bar; and once the shift is chosen, who may

The chords of a plan are stated like any other chords (`ritornello.note_model.encoding.given`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ritornello.music.chords import CHORD_OPEN
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.given import order_key
from ritornello.note_model.encoding.notes import (
    END,
    FIELDS,
    MAX_SHIFT,
    NONE,
    PART,
    PITCH,
    REST,
    SHIFT,
    SIZES,
    TEMPO,
    is_note,
)
from ritornello.plan.feel import FEELS
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.returning_bars import CLOSENESS
from ritornello.plan.sections import END as END_NAME
from ritornello.plan.sections import INTRO

GROUPS = ("returns", "sections", "chords", "players", "density", "loudness", "feel")
PARTS = SIZES[PART]
_INPUT_SIZES = [size + 1 for size in SIZES]  # with NONE
_DENSITY_EDGES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)  # notes a quarter note
_LOUDNESS_STEP, _LOUDNESS_CLASSES = 8, 16
_DISTANCE_EDGES = (1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 17, 24, 25, 32, 33, 64)
_PLACES = 17  # bars since the section began, and bars until it ends
_FIRST_TIME, _AGAIN, _INTRO, _END = range(4)  # kinds of section

# Class indices of a bar; each has one more, the last: nothing is told, or there is no such bar.
BAR: dict[str, int] = {
    "close": len(CLOSENESS) + 1,
    "distance": len(_DISTANCE_EDGES) + 2,
    "section": 5,
    "section_place": _PLACES + 1,
    "section_left": _PLACES + 1,
    "density": len(_DENSITY_EDGES) + 2,
    "loudness": _LOUDNESS_CLASSES + 1,
    "feel": len(FEELS) + 1,
}
PLAN_CONTEXT: dict[str, int] = {
    **{f"referred_{name}": size for name, size in zip(FIELDS, _INPUT_SIZES, strict=True)},
    **{f"{when}_{name}": size for when in ("now", "next") for name, size in BAR.items()},
}
PLAN_MEMORY: dict[str, int] = {"referred_pitch": _INPUT_SIZES[PITCH]}
PLAYS_COLUMNS = 2 * PARTS
_NOTHING = [size - 1 for size in BAR.values()]
_SPECIALS = (TEMPO, REST, END)
# The columns where no plan is told.
OPEN_CONTEXT = (*NONE, *_NOTHING, *_NOTHING)
OPEN_MEMORY = (NONE[PITCH],)


@dataclass(frozen=True, eq=False)
class BarPlan:
    """A plan as a composer is told it; a row a bar, and a last one for whatever comes after.

    Attributes:
        starts: int64 [bars + 1], where each bar begins, and where the last one ends.
        refers: int64 [bars + 1], where the bar begins that each refers to; -1 where it is new, or
            that is not told.
        rows: int64 [bars + 1, columns of `BAR`].
        plays: float32 [bars + 1, parts], who plays; all zero where that is not told.
        may_play: bool [bars + 1, parts], who may; all where that is not told.
        chord_ticks, chord_classes: int64 [chords], where each chord begins; none where not told.
    """

    starts: np.ndarray
    refers: np.ndarray
    rows: np.ndarray
    plays: np.ndarray
    may_play: np.ndarray
    chord_ticks: np.ndarray
    chord_classes: np.ndarray

    @classmethod
    def of(cls, plan: Plan, told: Collection[str] = GROUPS) -> BarPlan:
        """What of a plan is told, by groups; what the plan leaves open is open in any case."""
        bars = plan.bars
        starts = np.append(plan.starts, plan.starts[-1] + plan.lengths[-1])
        rows = np.tile(_NOTHING, (bars + 1, 1))
        column = {name: index for index, name in enumerate(BAR)}
        refers = np.full(bars + 1, -1)
        if "returns" in told:
            known = (plan.back != OPEN) & (plan.close != OPEN)
            returning = known & (plan.back > 0)
            refers[:bars][returning] = starts[np.flatnonzero(returning) - plan.back[returning]]
            rows[:bars][known, column["close"]] = plan.close[known]
            distance = np.where(plan.back > 0, np.digitize(plan.back, _DISTANCE_EDGES), 0)
            rows[:bars][known, column["distance"]] = distance[known]
        if "sections" in told:
            names = [column[name] for name in ("section", "section_place", "section_left")]
            for first, table in _section_rows(plan):
                rows[first : first + len(table), names] = table
        for name, values, classes in (
            ("density", plan.density, np.digitize(plan.density, _DENSITY_EDGES)),
            ("loudness", plan.loudness, np.nan_to_num(plan.loudness) // _LOUDNESS_STEP),
        ):
            if name in told:
                known = ~np.isnan(values)
                rows[:bars][known, column[name]] = classes[known]
        if "feel" in told:
            known = plan.feel != OPEN
            rows[:bars][known, column["feel"]] = plan.feel[known]
        plays = np.zeros((bars + 1, PARTS), np.float32)
        may_play = np.ones((bars + 1, PARTS), bool)
        if "players" in told:
            parts = [notes.part_of(player.instrument, player.desk) for player in plan.players]
            known = (plan.plays != OPEN).all(axis=1)
            inside = np.flatnonzero(known)
            plays[inside[:, None], parts] = plan.plays[known] == 1
            may_play[inside] = plays[inside] > 0
            may_play[:, _SPECIALS] = True
        ticks, classes = _chords(plan) if "chords" in told else (np.zeros(0, np.int64),) * 2
        return cls(starts, refers, rows, plays, may_play, ticks, classes)

    # --- a whole piece at once -----------------------------------------------------------------

    def bar_of(self, ticks: np.ndarray) -> np.ndarray:
        """The row of the bar in which ticks lie, int64 [ticks]."""
        return np.searchsorted(self.starts, ticks, side="right") - 1

    def context(
        self, fields: np.ndarray, onsets: np.ndarray, previous: np.ndarray, before: np.ndarray
    ) -> np.ndarray:
        """The columns of `PLAN_CONTEXT` for each event, int64 [events, columns].

        Args:
            fields, onsets: of the events. previous, before: those of the event before each.
        """
        now = self.bar_of(before)
        following = np.minimum(now + 1, len(self.rows) - 1)
        referred = self._referred(fields, onsets, previous, before, now)
        return np.concatenate([referred, self.rows[now], self.rows[following]], axis=1)

    def _referred(
        self,
        fields: np.ndarray,
        onsets: np.ndarray,
        previous: np.ndarray,
        before: np.ndarray,
        now: np.ndarray,
    ) -> np.ndarray:
        """The note that followed this place in the bar referred to, int64 [events, 5]."""
        table = np.tile(NONE, (len(fields), 1))
        played = _Notes.of(fields, onsets)
        if not len(played.keys):
            return table
        known = np.searchsorted(played.events, np.arange(len(fields)))  # notes before each event
        after_note = is_note(previous[:, PART])
        part = np.where(after_note, previous[:, PART], 0)
        pitch = np.where(after_note, previous[:, PITCH], 0)
        following = np.minimum(now + 1, len(self.refers) - 1)
        then = self.refers[now] + before - self.starts[now]
        # The first note of what the next bar refers to; over it what follows in this bar's own.
        for bar, wanted in (
            (following, order_key(self.refers[following], 0, 0)),
            (now, order_key(then, part, pitch)),
        ):
            refers = self.refers[bar]
            index = np.searchsorted(played.keys, wanted, side="right")
            found = (refers >= 0) & (index < known)
            index = np.where(found, index, 0)
            found &= played.onsets[index] < refers + self._lengths[bar]
            starts = self.starts[np.minimum(bar, len(self.starts) - 1)]
            shift = np.minimum(played.onsets[index] - refers + starts - before, MAX_SHIFT)
            rows = np.concatenate([shift[:, None], played.fields[index, PART:]], axis=1)
            table[found] = rows[found]
        return table

    @cached_property
    def _lengths(self) -> np.ndarray:
        """How long each bar is; nothing after the last."""
        return np.append(np.diff(self.starts), 0)

    def memory(self, fields: np.ndarray, onsets: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """The columns of `PLAN_MEMORY` for each event, int64 [events, 1]."""
        column = np.full((len(fields), 1), NONE[PITCH])
        played = _Notes.of(fields, onsets)
        if not len(played.keys):
            return column
        bar = self.bar_of(onsets)
        then = self.refers[bar] + onsets - self.starts[bar]
        same_chord = (fields[:, SHIFT] == 0) & (fields[:, PART] == previous[:, PART])
        above = np.where(same_chord, previous[:, PITCH], -1)
        index = np.searchsorted(played.keys, order_key(then, fields[:, PART], above), side="right")
        index = np.minimum(index, len(played.keys) - 1)
        note = played.fields[index]
        found = (self.refers[bar] >= 0) & (played.onsets[index] == then)
        found &= (note[:, PART] == fields[:, PART]) & (note[:, PITCH] > above)
        column[found, 0] = note[found, PITCH]
        return column

    def playing(self, before: np.ndarray) -> np.ndarray:
        """Who plays in the present and the next bar, float32 [events, `PLAYS_COLUMNS`]."""
        now = self.bar_of(before)
        following = np.minimum(now + 1, len(self.rows) - 1)
        return np.concatenate([self.plays[now], self.plays[following]], axis=1)

    def playing_one(self, bar: int) -> np.ndarray:
        """`playing` of an event in a bar, float32 [`PLAYS_COLUMNS`]."""
        return np.concatenate([self.plays[bar], self.plays[min(bar + 1, len(self.plays) - 1)]])

    # --- one event at a time -------------------------------------------------------------------

    @cached_property
    def _lists(self) -> tuple[list[int], list[int], list[list[int]], list[int]]:
        return (
            self.starts.tolist(), self.refers.tolist(), self.rows.tolist(), self._lengths.tolist(),
        )  # fmt: skip

    def bar_one(self, tick: int) -> int:
        """`bar_of` of one tick."""
        return bisect_right(self._lists[0], tick) - 1

    def context_one(
        self,
        now_ticks: int,
        previous: tuple[int, ...],
        keys: list[int],
        found: list[tuple[int, tuple[int, ...]]],
    ) -> list[int]:
        """`context` for one event.

        Args:
            now_ticks, previous: onset and fields of the event before it.
            keys, found: order key, and onset with fields, of the notes so far.
        """
        starts, refers, rows, lengths = self._lists
        now = self.bar_one(now_ticks)
        following = min(now + 1, len(rows) - 1)
        part, pitch = previous[PART], previous[PITCH]
        if not TEMPO < part < REST:
            part = pitch = 0
        then = refers[now] + now_ticks - starts[now]
        row: list[int] = list(NONE)
        for bar, wanted in (
            (now, order_key(then, part, pitch)),
            (following, order_key(refers[following], 0, 0)),
        ):
            if refers[bar] < 0:
                continue
            index = bisect_right(keys, wanted)
            if index < len(keys) and found[index][0] < refers[bar] + lengths[bar]:
                onset, fields = found[index]
                shift = onset - refers[bar] + starts[bar] - now_ticks
                row = [min(shift, MAX_SHIFT), *fields[PART:]]
                break
        return [*row, *rows[now], *rows[following]]

    def memory_one(
        self,
        onset: int,
        part: int,
        above: int,
        keys: list[int],
        found: list[tuple[int, tuple[int, ...]]],
    ) -> list[int]:
        """`memory` for one event of a part at an onset, above the pitch it has struck there."""
        starts, refers, _, _ = self._lists
        bar = self.bar_one(onset)
        if refers[bar] < 0:
            return [NONE[PITCH]]
        then = refers[bar] + onset - starts[bar]
        index = bisect_right(keys, order_key(then, part, above))
        if index < len(keys):
            onset_then, fields = found[index]
            if onset_then == then and fields[PART] == part:
                return [fields[PITCH]]
        return [NONE[PITCH]]

    @property
    def farthest_ticks(self) -> int:
        """How far back a bar refers, at most."""
        told = self.refers >= 0
        return int((self.starts[told] - self.refers[told]).max(initial=0))


class _Notes(NamedTuple):
    """The notes of a stream, in order: which events they are, their order keys, onsets, fields."""

    events: np.ndarray
    keys: np.ndarray
    onsets: np.ndarray
    fields: np.ndarray

    @classmethod
    def of(cls, fields: np.ndarray, onsets: np.ndarray) -> _Notes:
        events = np.flatnonzero(is_note(fields[:, PART]))
        notes, when = fields[events], onsets[events]
        return cls(events, order_key(when, notes[:, PART], notes[:, PITCH]), when, notes)


def _section_rows(plan: Plan) -> list[tuple[int, np.ndarray]]:
    """First bar of each section, and the kind, the place and the bars left of each of its bars."""
    found = []
    seen: set[str] = set()
    for section in plan.sections:
        kind = {INTRO: _INTRO, END_NAME: _END}.get(
            section.name, _AGAIN if section.name in seen else _FIRST_TIME
        )
        seen.add(section.name)
        place = np.minimum(np.arange(section.bars), _PLACES - 1)
        left = np.minimum(np.arange(section.bars)[::-1], _PLACES - 1)
        found.append((section.start, np.stack([np.full(section.bars, kind), place, left], axis=1)))
    return found


def _chords(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Where each chord of a plan begins, and its class; what is open is `CHORD_OPEN`."""
    halves = plan.starts[:, None] + plan.lengths[:, None] // 2 * np.array([0, 1])
    ticks, classes = halves.ravel(), plan.chords.ravel()
    changes = np.diff(classes, prepend=CHORD_OPEN) != 0
    return ticks[changes], classes[changes]
