"""The computed inputs of a growing piece, one event at a time: `context.compute`, step by step."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from ritornello.note_model.encoding.bar_grid import LONGEST_BAR_TICKS, Grid
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.context import CHORD_SIZES, LOOKBACK_BARS, TEMPO_UNKNOWN
from ritornello.note_model.encoding.given import PITCH_CLASSES, Given, ahead_one, order_key
from ritornello.note_model.encoding.matching import Stream, Voices
from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    DURATIONS,
    MAX_SHIFT,
    NONE,
    PART,
    PITCH,
    REST,
    SHIFT,
    TEMPO,
    TEMPO_PITCH,
)

_DURATION_TICKS: list[int] = DURATIONS.tolist()


class Tracker:
    """The computed inputs of a growing piece, one event at a time.

    It is a plain value beside the state of the network: `copy` it to branch or to rewind. It keeps
    a bounded number of events only, so that endless music needs constant memory.

    Args:
        grid: the bars.
        given: what is given; nothing where None. Its events are to be passed to `advance` in
            their turn, like composed ones.
        told: the plan, for a model that is told plans.
        shared_parts: part classes that are composed among given notes of the same part; the next
            given event is no input where it is one of these, since to the network it means that
            its part plays nothing before it.
    """

    def __init__(
        self,
        grid: Grid,
        given: Given | None = None,
        told: BarPlan | None = None,
        shared_parts: frozenset[int] = frozenset(),
    ) -> None:
        self.grid, self.told, self._shared_parts = grid, told, shared_parts
        self.given = Given.nothing() if given is None else given
        self._passed = 0  # given events
        self.next_given = self.given.event(0)  # onset and fields of the next one
        self._stream, self._voices = Stream(), Voices()
        self.onset_ticks = 0
        self.previous: tuple[int, ...] = (0, *NONE[PART:])
        self.tempo = TEMPO_UNKNOWN
        self._chord_size = 0
        self._memory: dict[int, tuple[int, ...]] = {}
        self._echo: dict[tuple[int, int], tuple[int, ...]] = {}
        self._keys: list[int] = []
        self._notes: list[tuple[int, tuple[int, ...]]] = []  # onset and fields
        self._held: list[tuple[int, int]] = []  # end and pitch class of notes that may sound
        self._where = self._next = grid.locate_one(0)
        self._next_ticks = 0  # `_next` is where this tick lies

    def copy(self) -> Tracker:
        twin = object.__new__(Tracker)
        twin.__dict__.update(self.__dict__)
        twin._memory, twin._echo = dict(self._memory), dict(self._echo)
        twin._keys, twin._notes = list(self._keys), list(self._notes)
        twin._held = list(self._held)
        twin._stream, twin._voices = self._stream.copy(), self._voices.copy()
        return twin

    @property
    def bar(self) -> tuple[int, int]:
        """Where the bar of the last event begins, and how long it is, in ticks."""
        place, _, length = self._where
        return self.onset_ticks - place[0], length

    def give_anew(self, given: Given) -> None:
        """From here on let other events be given, all of them still to come."""
        self.given, self._passed = given, 0
        self.next_given = given.event(0)

    def give(self, rows: np.ndarray) -> None:
        """Add notes to what is given and still to come; int64 [notes, 5], onsets for shifts."""
        if not len(rows):
            return
        # What is passed and lies before them is forgotten: what of it still sounds is held here.
        before = np.searchsorted(self.given.onsets_ticks, rows[:, SHIFT].min())
        past = min(self._passed, int(before))
        self._passed -= past
        self.given = self.given.without_first(past).with_notes(self._passed, rows)
        self.next_given = self.given.event(self._passed)

    def context(self) -> list[int]:
        """The columns of `CONTEXT` for the next event."""
        place, rest, bar_length = self._where
        row = [*self.previous, *place, *rest, self.tempo]
        part, pitch = self.previous[PART], self.previous[PITCH]
        if not TEMPO < part < REST:
            part = pitch = 0
        now, bar = order_key(self.onset_ticks, part, pitch), order_key(bar_length, 0, 0)
        for bars in LOOKBACK_BARS:
            then = self.onset_ticks - bars * bar_length
            index = bisect_right(self._keys, now - bars * bar) if then >= 0 else -1
            if 0 <= index < len(self._keys):
                onset, fields = self._notes[index]
                row += (min(onset - then, MAX_SHIFT), *fields[PART:])
            else:
                row += NONE
        row.append(self._chord_size)
        ahead = self.next_given
        is_hidden = ahead is not None and ahead[1][PART] in self._shared_parts
        row += ahead_one(None if is_hidden else ahead, self.onset_ticks)
        row += self.given.chords.one(self.onset_ticks)
        row += self._stream.row()
        if self.told is not None:
            row += self.told.context_one(self.onset_ticks, self.previous, self._keys, self._notes)
        return row

    def place(self, shift: int) -> list[int]:
        """The columns of `PLACE` at the onset that a shift leads to."""
        onset = self.onset_ticks + shift
        sounds = [*self.given.sounds.one(onset)]
        for end, pitch_class in self._held:
            if end > onset:
                sounds[pitch_class] = 1
        seen = self.given.soon.one(onset) + self.given.chords.one(onset)
        return self._locate(onset)[0] + sounds + seen

    def memory(self, shift: int, part: int) -> list[int]:
        """The columns of `MEMORY` for a part that plays after a shift."""
        row = [*self._memory.get(part, NONE[PITCH:])]
        onset = self.onset_ticks + shift
        bar_length = self._locate(onset)[2]
        above = self.previous[PITCH] if shift == 0 and part == self.previous[PART] else -1
        now, bar = order_key(onset, part, above), order_key(bar_length, 0, 0)
        for bars in LOOKBACK_BARS:
            then = onset - bars * bar_length
            pitch = NONE[PITCH]
            index = bisect_right(self._keys, now - bars * bar)
            if then >= 0 and index < len(self._keys):
                found_onset, fields = self._notes[index]
                if found_onset == then and fields[PART] == part:
                    pitch = fields[PITCH]
            row.append(pitch)
        row += self.given.coming_one(onset, part, bar_length)
        row.append(self._voices.pitch(part, onset))
        if self.told is not None:
            row += self.told.memory_one(onset, part, above, self._keys, self._notes)
        return row

    def echo(self, part: int, pitch: int) -> tuple[int, ...]:
        return self._echo.get((part, pitch), NONE[PITCH + 1 :])

    def advance(self, event: tuple[int, ...]) -> None:
        """Take the event as written."""
        shift, part, pitch, duration, velocity = event
        ahead = self.next_given
        if ahead is not None and ahead[0] == self.onset_ticks + shift:
            self._passed += ahead[1][PART : PITCH + 1] == (part, pitch)
            self.next_given = self.given.event(self._passed)
        again = shift == 0 and part == self.previous[PART]
        self._chord_size = min(self._chord_size + 1, CHORD_SIZES - 1) if again else 1
        self.onset_ticks += shift
        self.previous = event
        self._stream.advance(event)
        self._voices.advance(event, self.onset_ticks)
        self._where = self._locate(self.onset_ticks)
        if part == TEMPO:
            self.tempo = pitch - TEMPO_PITCH
        self._memory[part] = (pitch, duration, velocity)
        self._echo[part, pitch] = (duration, velocity)
        if TEMPO < part < REST:
            self._keys.append(order_key(self.onset_ticks, part, pitch))
            self._notes.append((self.onset_ticks, event))
            self._held = [note for note in self._held if note[0] > self.onset_ticks]
            if pitch < DRUM_PITCH:
                end = self.onset_ticks + _DURATION_TICKS[duration]
                self._held.append((end, pitch % PITCH_CLASSES))
            self._forget()

    def _forget(self) -> None:
        if len(self._keys) % 1024 == 0:
            farthest = LOOKBACK_BARS[-1] * LONGEST_BAR_TICKS
            if self.told is not None:
                farthest = max(farthest, self.told.farthest_ticks + LONGEST_BAR_TICKS)
            oldest = self.onset_ticks - farthest
            keep = bisect_right(self._keys, order_key(oldest, 0, 0))
            del self._keys[:keep], self._notes[:keep]

    def _locate(self, tick: int) -> tuple[list[int], list[int], int]:
        """`Grid.locate_one`, once for all who ask about the next onset."""
        if tick != self._next_ticks:
            self._next, self._next_ticks = self.grid.locate_one(tick), tick
        return self._next
