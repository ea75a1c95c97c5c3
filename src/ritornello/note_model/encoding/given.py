"""What is given, as a composer sees it: now, soon and ahead.

Some events of a piece are given and the others are composed around them. Given events are read in
their place in the stream like all others; but the composer may also look ahead at them, at any
moment, without a network of its own for that:

    ahead    the next given event, over which nothing can be composed
    sounds   pitch classes of given notes that sound at a tick, those that begin there included
    soon     pitch classes of given notes that begin within the next two quarters
    chords   the chord stated for a tick, and the one that follows it
    coming   of one part: its next given pitch, and what it plays here some bars later

Each is a function of the tick alone. The same tables answer for all ticks of a piece at once and
for one tick at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ritornello.music.chords import CHORD_CLASSES, CHORD_OPEN
from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    DURATION,
    DURATIONS,
    MAX_SHIFT,
    NONE,
    PART,
    PITCH,
    SHIFT,
    START,
    is_note,
)

PITCH_CLASSES = 12
COMING_BARS = (1, 2, 4)
_SOON_TICKS = 48
_COMING_TICKS = 384  # a part's next pitch is an input when it is that near
AHEAD = (SHIFT, PART, PITCH, DURATION)  # fields of the next given event that are inputs
_NOTHING = tuple(NONE[field] for field in AHEAD)


def order_key(onset: Any, part: Any, pitch: Any) -> Any:
    """Sorts like (onset, part, pitch); on integers and on arrays of them."""
    return (onset * (START + 1) + part) * (NONE[PITCH] + 1) + pitch


@dataclass(frozen=True)
class Given:
    """Given events in the order of the stream, and stated chords.

    Attributes:
        fields: int64 [events, 5], class indices; their shifts do not count. Rests are never given;
            the END is, where the length of the piece is known.
        onsets_ticks: int64 [events].
        chord_ticks, chord_classes: int64 [chords], where each stated chord begins, ascending.
        chords_repeat: tick from which the chords go round, and after how many ticks they do; they
            are to be laid out twice. None where they do not.
    """

    fields: np.ndarray
    onsets_ticks: np.ndarray
    chord_ticks: np.ndarray
    chord_classes: np.ndarray
    chords_repeat: tuple[int, int] | None = None

    @classmethod
    def nothing(cls) -> Given:
        empty = np.zeros(0, np.int64)
        return cls(np.zeros((0, len(NONE)), np.int64), empty, empty, empty)

    def without_first(self, count: int) -> Given:
        """The same without so many of its first events."""
        return replace(self, fields=self.fields[count:], onsets_ticks=self.onsets_ticks[count:])

    def with_notes(self, passed: int, rows: np.ndarray) -> Given:
        """The same with some more notes among the events that are still to come.

        Notes that are given already stay as they are: a note that stands a little before a bar line
        is read on it, where the bar that comes back may have the same one.

        Args:
            passed: how many of them are past. rows: int64 [notes, 5], onsets in place of shifts.
        """
        keys = order_key(self.onsets_ticks, self.fields[:, PART], self.fields[:, PITCH])
        more = order_key(rows[:, SHIFT], rows[:, PART], rows[:, PITCH])
        is_new = ~np.isin(more, keys)
        onsets = np.concatenate([self.onsets_ticks[passed:], rows[is_new, SHIFT]])
        fields = np.concatenate([self.fields[passed:], rows[is_new]])
        order = np.argsort(np.concatenate([keys[passed:], more[is_new]]), kind="stable")
        return replace(
            self,
            fields=np.concatenate([self.fields[:passed], fields[order]]),
            onsets_ticks=np.concatenate([self.onsets_ticks[:passed], onsets[order]]),
        )

    @cached_property
    def events(self) -> list[tuple[int, tuple[int, ...]]]:
        """Onset and fields of each event."""
        return [*zip(self.onsets_ticks.tolist(), map(tuple, self.fields.tolist()), strict=True)]

    def event(self, index: int) -> tuple[int, tuple[int, ...]] | None:
        """Onset and fields of an event; None after the last."""
        return self.events[index] if index < len(self.events) else None

    # --- functions of the tick -----------------------------------------------------------------

    @cached_property
    def sounds(self) -> Steps:
        onsets, ends, pitches = self._pitched_notes
        return Steps.of(onsets, ends, pitches)

    @cached_property
    def soon(self) -> Steps:
        onsets, _, pitches = self._pitched_notes
        return Steps.of(onsets - _SOON_TICKS, onsets, pitches)

    @cached_property
    def chords(self) -> Steps:
        """The chord of a tick and the one after it."""
        following = np.append(self.chord_classes[1:], CHORD_OPEN)
        rows = np.stack([self.chord_classes, following[: len(self.chord_classes)]], axis=1)
        ticks = np.concatenate([[-(1 << 60)], self.chord_ticks])
        first = self.chord_classes[0] if len(rows) else CHORD_OPEN
        rows = np.concatenate([[[CHORD_OPEN, first]], rows]).astype(np.int64)
        return Steps(ticks, rows, self.chords_repeat)

    @property
    def _pitched_notes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts, pitches = self.fields[:, PART], self.fields[:, PITCH]
        pitched = is_note(parts) & (pitches < DRUM_PITCH)
        onsets = self.onsets_ticks[pitched]
        ends = onsets + DURATIONS[self.fields[pitched, DURATION]]
        return onsets, ends, pitches[pitched] % PITCH_CLASSES

    # --- functions of the part and the tick ----------------------------------------------------

    @cached_property
    def _notes(self) -> tuple[np.ndarray, np.ndarray]:
        """Onset and fields of the given notes."""
        member = is_note(self.fields[:, PART])
        return self.onsets_ticks[member], self.fields[member]

    @cached_property
    def _by_time(self) -> tuple[np.ndarray, list[int]]:
        onsets, fields = self._notes
        keys = order_key(onsets, fields[:, PART], fields[:, PITCH])
        return keys, keys.tolist()

    @cached_property
    def _by_part(self) -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
        """Keys (part, onset) in order with the pitches there, as arrays and as lists."""
        onsets, fields = self._notes
        order = np.lexsort((fields[:, PITCH], onsets, fields[:, PART]))
        keys = (fields[:, PART] << 40 | onsets)[order]
        pitches = fields[order, PITCH]
        return keys, pitches, keys.tolist(), pitches.tolist()

    def coming(self, ticks: np.ndarray, parts: np.ndarray, bar_ticks: np.ndarray) -> np.ndarray:
        """For each tick and part: its next given pitch, and its pitches here some bars later.

        Returns:
            int64 [ticks, 1 + distances]; NONE where there is none.
        """
        by_time, _ = self._by_time
        if not len(by_time):
            return np.full((len(ticks), 1 + len(COMING_BARS)), NONE[PITCH])
        keys, pitches, *_ = self._by_part
        index = np.searchsorted(keys, parts << 40 | ticks, side="right")
        near = np.minimum(index, len(keys) - 1)
        found = (index < len(keys)) & (keys[near] <= (parts << 40 | ticks + _COMING_TICKS))
        columns = [np.where(found, pitches[near], NONE[PITCH])]
        for bars in COMING_BARS:
            wanted = order_key(ticks + bars * bar_ticks, parts, 0)
            index = np.searchsorted(by_time, wanted)
            near = np.minimum(index, len(by_time) - 1)
            found = (index < len(by_time)) & (by_time[near] <= wanted + NONE[PITCH])
            columns.append(np.where(found, by_time[near] - wanted, NONE[PITCH]))
        return np.stack(columns, axis=1)

    def coming_one(self, tick: int, part: int, bar_ticks: int) -> list[int]:
        """`coming` for one tick and part, without the price of arrays."""
        if not len(self.fields):
            return [NONE[PITCH]] * (1 + len(COMING_BARS))
        _, _, keys, pitches = self._by_part
        index = bisect_right(keys, part << 40 | tick)
        near = index < len(keys) and keys[index] <= (part << 40 | tick + _COMING_TICKS)
        row = [pitches[index] if near else NONE[PITCH]]
        by_time = self._by_time[1]
        for bars in COMING_BARS:
            wanted = order_key(tick + bars * bar_ticks, part, 0)
            index = bisect_right(by_time, wanted - 1)
            there = index < len(by_time) and by_time[index] <= wanted + NONE[PITCH]
            row.append(by_time[index] - wanted if there else NONE[PITCH])
        return row


@dataclass(frozen=True)
class Steps:
    """A function of the tick that changes in steps.

    Attributes:
        ticks: int64 [steps], ascending; the first is before all music.
        rows: int64 [steps, columns], the value from that tick on.
        repeat: tick from which it goes round, and after how many ticks it does; or None.
    """

    ticks: np.ndarray
    rows: np.ndarray
    repeat: tuple[int, int] | None = None

    @classmethod
    def of(cls, begins: np.ndarray, ends: np.ndarray, classes: np.ndarray) -> Steps:
        """Which pitch classes hold at a tick, each from its begin to before its end."""
        ticks, at = np.unique(np.concatenate([[-(1 << 60)], begins, ends]), return_inverse=True)
        counts = np.zeros((len(ticks), PITCH_CLASSES), np.int64)
        np.add.at(counts, (at[1 : 1 + len(begins)], classes), 1)
        np.add.at(counts, (at[1 + len(begins) :], classes), -1)
        return cls(ticks, (np.cumsum(counts, axis=0) > 0).astype(np.int64))

    def __call__(self, ticks: np.ndarray) -> np.ndarray:
        """int64 [ticks, columns]."""
        if self.repeat is not None:
            start, period = self.repeat
            ticks = np.where(ticks < start, ticks, start + (ticks - start) % period)
        return self.rows[np.searchsorted(self.ticks, ticks, side="right") - 1]

    @cached_property
    def _lists(self) -> tuple[list[int], list[list[int]]]:
        return self.ticks.tolist(), self.rows.tolist()

    def one(self, tick: int) -> list[int]:
        ticks, rows = self._lists
        if self.repeat is not None and tick >= self.repeat[0]:
            tick = self.repeat[0] + (tick - self.repeat[0]) % self.repeat[1]
        return rows[bisect_right(ticks, tick) - 1]


def ahead(given: np.ndarray, fields: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """The inputs about the next given event before each event of a stream.

    Args:
        given: bool [events], which of them are given.
        fields: int64 [events, 5]. onsets: int64 [events].

    Returns:
        int64 [events, 4], the fields `AHEAD`; NONE where nothing is given within `MAX_SHIFT`.
    """
    table = np.tile(_NOTHING, (len(fields), 1))
    known = np.flatnonzero(given)
    following = np.searchsorted(known, np.arange(len(fields)))
    here = following < len(known)
    event = known[following[here]]
    shift = onsets[event] - np.concatenate([[0], onsets[:-1]])[here]
    rows = fields[event][:, AHEAD]
    rows[:, 0] = shift
    table[here] = np.where((shift <= MAX_SHIFT)[:, None], rows, _NOTHING)
    return table


def ahead_one(event: tuple[int, tuple[int, ...]] | None, now_ticks: int) -> tuple[int, ...]:
    """`ahead` for one moment: the next given event with its onset, or None."""
    if event is None or event[0] - now_ticks > MAX_SHIFT:
        return _NOTHING
    onset, fields = event
    return (onset - now_ticks, *(fields[field] for field in AHEAD[1:]))


CHORD_COLUMN_SIZE = max(CHORD_CLASSES, CHORD_OPEN) + 1
