"""Rules as masks: which classes of a field are allowed for the next event of one piece.

The masks join the encoding's own (one legal spelling) with a person's rules, and look one step
ahead so that no choice leads into a corner: a shift is open only where some part can then play.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from ritornello.encodings import notes
from ritornello.encodings.notes import (
    DRUM_PITCH,
    DURATIONS,
    END,
    MAX_SHIFT,
    NONE,
    PITCH,
    REST,
    SIZES,
    START,
    TEMPO,
    TEMPO_PITCH,
)
from ritornello.generation.rules import Rules
from ritornello.instruments import INSTRUMENTS

_NEVER = np.iinfo(np.int64).max
_DURATION_TICKS: list[int] = DURATIONS.tolist()
_FIRST_DURATIONS = np.tri(len(DURATIONS) + 1, len(DURATIONS), -1, bool)  # row n allows n of them


class RuleMasks:
    """The masks of one piece, and what they need to remember of it.

    Args:
        rules: of the piece.
        length_ticks: the final bar line, or None for music without an end.
    """

    def __init__(self, rules: Rules, length_ticks: int | None) -> None:
        self.rules = rules
        self.length_ticks = length_ticks
        self._parts = _allowed_parts(rules)  # ascending part classes
        self._part_classes = np.array(self._parts)
        self._pitches = {part: _allowed_pitches(rules, part) for part in self._parts}
        self._highest = [int(np.flatnonzero(self._pitches[p])[-1]) for p in self._parts]
        self._polyphony = [rules.polyphony_of(notes.instrument_of(part)) for part in self._parts]
        self._sounding: list[list[int]] = [[] for _ in self._parts]  # ends of held notes
        self._free_from = np.zeros(len(self._parts), np.int64)
        self._first_free = self._all_free = 0  # the smallest and the largest of them
        self._missing = set(self._parts) if rules.parts is not None else set()
        self._half = _NEVER if length_ticks is None else length_ticks // 2
        self.onset_ticks = 0
        self._part, self._pitch = START, NONE[PITCH]
        self._tempo_class = (
            None if rules.tempo_bpm is None else notes.tempo_class(rules.tempo_bpm) + TEMPO_PITCH
        )

    # --- masks, in the order of the fields ----------------------------------------------------

    def shifts(self) -> np.ndarray:
        """bool [shifts]. The first event is the tempo, at the start."""
        legal = np.zeros(SIZES[0], bool)
        if self._part == START:
            legal[0] = True
            return legal
        legal[max(1, self._first_free - self.onset_ticks) :] = True
        legal[MAX_SHIFT] = True  # a rest at least
        if self.length_ticks is not None:
            end = self.length_ticks - self.onset_ticks
            # Parts that have not played yet need a tick each before the end.
            legal[max(1, end + 1 - len(self._missing)) :] = False
            legal[end : end + 1] = not self._missing
        legal[0] = len(self._open(0)) > 0
        return legal

    def parts(self, shift: int) -> np.ndarray:
        """bool [parts]."""
        legal = np.zeros(SIZES[1], bool)
        onset = self.onset_ticks + shift
        if self._part == START:
            legal[TEMPO] = True
            return legal
        if onset == self.length_ticks:
            legal[END] = True
            return legal
        allowed = self._open(shift)
        legal[allowed] = True
        if self._missing and onset >= self._half:
            overdue = [part for part in allowed.tolist() if part in self._missing]
            if overdue:
                legal[:] = False
                legal[overdue] = True
            return legal
        legal[REST] = shift == MAX_SHIFT
        legal[TEMPO] = self._tempo_class is None and shift > 0
        return legal

    def pitches(self, shift: int, part: int) -> np.ndarray:
        """bool [pitches]; all of them for a part that has none to choose."""
        if part == TEMPO:
            legal = np.zeros(SIZES[PITCH], bool)
            legal[slice(TEMPO_PITCH, None) if self._tempo_class is None else self._tempo_class] = (
                True
            )
            return legal
        if part >= REST:
            return np.ones(SIZES[PITCH], bool)
        legal = self._pitches[part].copy()
        if shift == 0 and part == self._part:
            legal[: self._pitch + 1] = False
        return legal

    def durations(self, shift: int) -> np.ndarray:
        """bool [durations]: those that end with the piece at the latest."""
        if self.length_ticks is None:
            return _FIRST_DURATIONS[-1]
        left = self.length_ticks - self.onset_ticks - shift
        return _FIRST_DURATIONS[max(1, bisect_right(_DURATION_TICKS, left))]

    # --- memory -------------------------------------------------------------------------------

    def advance(self, event: tuple[int, ...]) -> None:
        """Take the event as written."""
        shift, part, pitch, duration, _ = event
        self.onset_ticks += shift
        self._part, self._pitch = part, pitch
        if not TEMPO < part < REST:
            return
        self._missing.discard(part)
        index = self._parts.index(part)
        limit = self._polyphony[index]
        if limit is not None:
            held = [end for end in self._sounding[index] if end > self.onset_ticks]
            held.append(self.onset_ticks + _DURATION_TICKS[duration])
            held.sort()
            self._sounding[index] = held
            self._free_from[index] = held[-limit] if len(held) >= limit else 0
            self._first_free = int(self._free_from.min())
            self._all_free = int(self._free_from.max())

    def _open(self, shift: int) -> np.ndarray:
        """The allowed parts that may play after a shift; ascending part classes."""
        first = 0
        if shift == 0:  # only what comes after the previous event
            first = bisect_left(self._parts, self._part)
            if self._parts[first : first + 1] == [self._part]:
                first += self._highest[first] <= self._pitch
        onset, later = self.onset_ticks + shift, self._part_classes[first:]
        return later if onset >= self._all_free else later[self._free_from[first:] <= onset]


def _allowed_parts(rules: Rules) -> list[int]:
    instruments = rules.instruments()
    if instruments is None:
        desks = range(notes.DESKS)
        return sorted({notes.part_of(i, desk) for i in range(len(INSTRUMENTS)) for desk in desks})
    counts: dict[int, int] = {}
    parts = []
    for instrument in instruments:
        parts.append(notes.part_of(instrument, counts.get(instrument, 0)))
        counts[instrument] = counts.get(instrument, 0) + 1
    return sorted(parts)


def _allowed_pitches(rules: Rules, part: int) -> np.ndarray:
    instrument = notes.instrument_of(part)
    pitches = np.array(rules.allowed_pitches(instrument), np.int64)
    legal = np.zeros(SIZES[PITCH], bool)
    legal[pitches + (DRUM_PITCH if INSTRUMENTS[instrument].is_drum else 0)] = True
    return legal
