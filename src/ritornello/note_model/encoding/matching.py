"""What followed where the last events stood before: an exact-match lookback.

Music repeats itself at distances that cannot be listed. Two memories find them:

    Stream   the last twelve events, or failing that the last four, stood in the piece before: the
             event that followed then
    Voices   the last three steps of a part (interval and distance in time) stood in it
             before, in any transposition: the pitch that the same step leads to now

Each is computed for a whole piece at once (`follow_stream`, `follow_voices`) and one event at a
time; a property test holds the two equal. Nothing older than `REACH` events is found, so that
endless music needs constant memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ritornello.note_model.encoding.notes import (
    FIRST_PART,
    NONE,
    PART,
    PITCH,
    REST,
    SHIFT,
    SIZES,
    is_note,
)

LONG_EVENTS, SHORT_EVENTS = 12, 4
VOICE_STEPS = 3
REACH = 8192
_BITS = (1 << 64) - 1
_BASE = 0x9E3779B97F4A7C15
# How each row of events is hashed: its level, its length, and the factor of its oldest mark when
# that leaves the row.
_ROWS = tuple(
    (level, length, pow(_BASE, length, _BITS + 1))
    for level, length in ((1, SHORT_EVENTS), (2, LONG_EVENTS))
)
_LONGEST_WAIT_TICKS = 4095
_NOTHING = (*NONE, 0)  # the fields that followed, and how well they match: 0, 1 short, 2 long


def previous_alike(key: np.ndarray) -> np.ndarray:
    """Index of the previous event with an equal key, -1 where there is none."""
    order = np.argsort(key, kind="stable")
    alike = key[order][1:] == key[order][:-1]
    found = np.full(len(key), -1)
    found[order[1:][alike]] = order[:-1][alike]
    return found


def _mix_array(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    """Three small numbers as one well-mixed one, uint64."""
    number = (first.astype(np.uint64) << 40) | (second.astype(np.uint64) << 20)
    number = (number | third.astype(np.uint64)) * np.uint64(_BASE)
    return number ^ (number >> np.uint64(29))


def _mix_numbers(first: int, second: int, third: int) -> int:
    number = ((first << 40 | second << 20 | third) * _BASE) & _BITS
    return number ^ (number >> 29)


def _rolling(marks: np.ndarray, length: int) -> np.ndarray:
    """A hash of each mark with the length - 1 before it, uint64; meaningless before there are."""
    total, power = np.zeros(len(marks), np.uint64), 1
    for back in range(min(length, len(marks))):
        total[back:] += marks[: len(marks) - back] * np.uint64(power)
        power = (power * _BASE) & _BITS
    return total


def follow_stream(fields: np.ndarray) -> np.ndarray:
    """For each event, what `Stream.row` gives before it; int64 [events, 6]."""
    marks = _mix_array(fields[:, SHIFT], fields[:, PART], fields[:, PITCH])
    table = np.tile(_NOTHING, (len(fields) + 1, 1))
    index = np.arange(len(fields))
    for level, length, _ in _ROWS:
        then = previous_alike(_rolling(marks, length))
        good = (then >= length - 1) & (index - then <= REACH)
        rows = fields[np.minimum(then[good] + 1, len(fields) - 1)]
        table[1:][good] = np.concatenate([rows, np.full((len(rows), 1), level)], axis=1)
    return table[:-1]


class Stream:
    """`follow_stream`, one event at a time."""

    def __init__(self) -> None:
        self._count = 0
        self._marks: list[int] = []  # the latest
        self._hashes = [0, 0]  # of the last short and long row of events
        self._after: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}

    def copy(self) -> Stream:
        twin = object.__new__(Stream)
        twin.__dict__.update(self.__dict__)
        twin._marks, twin._hashes = list(self._marks), list(self._hashes)
        twin._after = dict(self._after)
        return twin

    def row(self) -> tuple[int, ...]:
        for level, length, _ in reversed(_ROWS):  # the long one first
            if self._count >= length:
                found = self._after.get((level, self._hashes[level - 1]))
                if found is not None and self._count - found[0] <= REACH:
                    return (*found[1], level)
        return _NOTHING

    def advance(self, event: tuple[int, ...]) -> None:
        mark = _mix_numbers(event[SHIFT], event[PART], event[PITCH])
        for level, length, factor in _ROWS:
            if self._count >= length:
                key = (level, self._hashes[level - 1])
                self._after.pop(key, None)  # so that the latest stand last
                self._after[key] = (self._count, event)
            old = self._marks[-length] if len(self._marks) >= length else 0
            rolled = self._hashes[level - 1] * _BASE + mark - old * factor
            self._hashes[level - 1] = rolled & _BITS
        self._marks.append(mark)
        del self._marks[:-LONG_EVENTS]
        self._count += 1
        _forget(self._after, 4 * REACH)


def follow_voices(fields: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """For each event, what `Voices.pitch` gives once its onset and part are known; int64 [events].

    NONE for all but notes.
    """
    led_to = np.full(len(fields), NONE[PITCH])
    order = np.argsort(fields[:, PART], kind="stable")
    order = order[is_note(fields[order, PART])]
    if not len(order):
        return led_to
    part, pitch, onset = fields[order, PART], fields[order, PITCH], onsets[order]
    first = np.diff(part, prepend=-1) != 0
    step = np.where(first, 0, np.diff(pitch, prepend=0)) + SIZES[PITCH]
    wait = np.minimum(np.where(first, 0, np.diff(onset, prepend=0)), _LONGEST_WAIT_TICKS)
    hashes = _rolling(_mix_array(step, wait, part), VOICE_STEPS)
    place = np.arange(len(order)) - np.maximum.accumulate(
        np.where(first, np.arange(len(order)), 0)
    )  # of the note in its part
    then = previous_alike(hashes)
    good = (then >= 0) & (place >= VOICE_STEPS)
    good[-1] = False
    good[:-1] &= ~first[1:]  # a note follows in the part
    at = np.flatnonzero(good)
    after = then[at] + 1
    near = order[at + 1] - order[after] <= REACH
    at, after = at[near], after[near]
    led = pitch[at] + step[after] - SIZES[PITCH]
    fits = (wait[after] == wait[at + 1]) & (led >= 0) & (led < SIZES[PITCH])
    led_to[order[at[fits] + 1]] = led[fits]
    return led_to


class Voices:
    """`follow_voices`, one event at a time."""

    def __init__(self) -> None:
        self._count = 0
        # Of each part the last pitch, its onset, the latest marks, and their hash if they suffice.
        self._last: dict[int, tuple[int, int, tuple[int, ...], int | None]] = {}
        self._after: dict[int, tuple[int, int, int]] = {}  # when, step, wait

    def copy(self) -> Voices:
        twin = object.__new__(Voices)
        twin.__dict__.update(self.__dict__)
        twin._last, twin._after = dict(self._last), dict(self._after)
        return twin

    def pitch(self, part: int, onset_ticks: int) -> int:
        last = self._last.get(part)
        if last is None or last[3] is None:
            return NONE[PITCH]
        found = self._after.get(last[3])
        if found is None or self._count - found[0] > REACH:
            return NONE[PITCH]
        led = last[0] + found[1]
        wait = min(onset_ticks - last[1], _LONGEST_WAIT_TICKS)
        return led if wait == found[2] and 0 <= led < SIZES[PITCH] else NONE[PITCH]

    def advance(self, event: tuple[int, ...], onset_ticks: int) -> None:
        """Take an event at its onset; only notes are remembered."""
        self._count += 1
        part, pitch = event[PART], event[PITCH]
        if not FIRST_PART <= part < REST:
            return
        before, onset, marks, key = self._last.get(part, (pitch, onset_ticks, (), None))
        step, wait = pitch - before, min(onset_ticks - onset, _LONGEST_WAIT_TICKS)
        if key is not None:
            self._after.pop(key, None)
            self._after[key] = (self._count - 1, step, wait)
        mark = _mix_numbers(step + SIZES[PITCH], wait, part)
        marks = (*marks, mark)[-VOICE_STEPS - 1 :]
        key = _hash(marks) if len(marks) > VOICE_STEPS else None
        self._last[part] = (pitch, onset_ticks, marks, key)
        _forget(self._after, 2 * REACH)


def _hash(marks: tuple[int, ...]) -> int:
    total, power = 0, 1
    for mark in reversed(marks[-VOICE_STEPS:]):
        total += mark * power
        power = (power * _BASE) & _BITS
    return total & _BITS


def _forget(memory: dict[Any, Any], most: int) -> None:
    """Keep the latest half of a memory that has become too large."""
    if len(memory) > most:
        for key in [*memory][: len(memory) // 2]:
            del memory[key]
