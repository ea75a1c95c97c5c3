"""A piece while it is written, one event at a time: events so far, masks, inputs, random state."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ritornello.generation.figures import Figures
from ritornello.generation.job import Job
from ritornello.generation.masks import RuleMasks
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import (
    END,
    PART,
    PITCH,
    REST,
    SHIFT,
    TEMPO,
)
from ritornello.note_model.encoding.tracker import Tracker
from ritornello.note_model.engine.reference import Engine
from ritornello.rng import Rng

Event = tuple[int, int, int, int, int]
_NO_FIELDS = np.zeros((0, len(notes.FIELDS)), np.int64)


@dataclass
class Writer:
    """A piece while it is written: the events so far, masks, and random state; `copy` branches it.

    ``events`` holds all that was written and given so far; ``composed`` says which is which.
    """

    job: Job
    masks: RuleMasks
    tracker: Tracker
    rng: Rng
    events: list[Event]
    composed: list[bool]
    _playing: tuple[int, np.ndarray] | None = None  # of which bar, and what it adds
    _taken_up: int = 0  # bars whose earlier notes are given by now
    figures: Figures = field(default_factory=Figures)
    _fields: np.ndarray = field(default_factory=lambda: _NO_FIELDS)  # see `fields`

    @classmethod
    def start(cls, job: Job, rng: Rng) -> Writer:
        """Before the first event."""
        tracker = Tracker(job.grid(), job.given, job.told, job.shared_parts)
        return cls(job, RuleMasks(job), tracker, rng, [], [])

    def copy(self) -> Writer:
        return Writer(
            self.job,
            self.masks.copy(),
            self.tracker.copy(),
            deepcopy(self.rng),
            list(self.events),
            list(self.composed),
            None,
            self._taken_up,
            self.figures,
            self._fields,
        )

    @property
    def fields(self) -> np.ndarray:
        """`events` as an array, int64 [events, 5], of which only what is new is put into it."""
        if new := self.events[len(self._fields) :]:
            self._fields = np.concatenate([self._fields, np.array(new, np.int64)])
        return self._fields

    def write(self, event: Event) -> None:
        ahead = self.tracker.next_given
        self.tracker.advance(event)
        self.composed.append(self.tracker.next_given is ahead)
        self.events.append(event)
        if self.job.leaves_figures and TEMPO < event[PART] < REST:
            bar, length = self.tracker.bar
            onset = self.tracker.onset_ticks
            self.figures = self.figures.struck(bar, length, onset, event[PART], event[PITCH])
        self.masks.advance(event, self.tracker.next_given, composed=self.composed[-1])

    def given_event(self, shift: int, part: int, drawn_pitch: int) -> Event | None:
        """The given event that a shift and a part choose, in a shared part with a pitch."""
        ahead = self.tracker.next_given
        if ahead is None or ahead[0] != self.tracker.onset_ticks + shift or ahead[1][PART] != part:
            return None
        _, part, pitch, duration, velocity = ahead[1]
        if self.masks.given_pitch(shift, part) not in (None, drawn_pitch):
            return None
        return shift, part, pitch, duration, velocity

    def forced_event(self) -> Event | None:
        """The event that comes now, as nothing can be composed before it; or None."""
        come = self.masks.forced_event
        if come is None:
            return None
        onset, (_, part, pitch, duration, velocity) = come
        return onset - self.tracker.onset_ticks, part, pitch, duration, velocity

    def write_given_until(self, history_events: int) -> None:
        """Take given events as written, up to some before the first that may be composed.

        The rules and the computed inputs know them then, but no network has read them.
        """
        before = np.searchsorted(self.job.given.onsets_ticks, self.job.start_ticks)
        while len(self.events) < before - history_events and (come := self.forced_event()):
            self.write(come)

    def playing(self, engine: Engine) -> np.ndarray:
        """What the players of the present and the next bar, by the plan, add to the condition."""
        told = self.job.told
        if told is None:
            return np.zeros(engine.width, np.float32)
        bar = told.bar_one(self.tracker.onset_ticks)
        if self._playing is None or self._playing[0] != bar:
            self._playing = bar, engine.playing(told.playing_one(bar)[None])[0]
        return self._playing[1]

    def take_up(self, event: Event | None = None) -> bool:
        """Give the notes of bars that return, as soon as they are whole.

        Args:
            event: that is about to be written; what lies before it is whole, then.

        Returns:
            whether one of these notes comes before the event, which is to be drawn again.
        """
        reprise = self.job.reprise
        if reprise is None or self._taken_up >= reprise.bars:
            return False
        now = self.tracker.onset_ticks
        reached = -1 if event is None else reprise.bar_of(now + event[SHIFT])
        rows = []
        while self._taken_up < reprise.bars:
            ready = reprise.ready_ticks[self._taken_up]
            if ready is not None:
                if now < ready and self._taken_up > reached:
                    break
                rows.append(reprise.notes_of(self._taken_up, self.fields))
            self._taken_up += 1
        if not any(map(len, rows)):
            return False
        found = np.concatenate(rows)
        self.give(found)
        return event is not None and int(found[0, SHIFT]) <= now + event[SHIFT]

    def give(self, rows: np.ndarray) -> None:
        """Add notes to what is given and still to come; int64 [notes, 5], onsets for shifts."""
        self.tracker.give(rows)
        self.masks.ahead = self.tracker.next_given

    def forget(self) -> None:
        """Drop the events written so far, so that endless music needs constant memory."""
        self.events.clear()
        self._fields = _NO_FIELDS
        self.composed.clear()

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to write."""
        if not self.events:
            return False
        over = (
            self.tracker.onset_ticks >= self.job.end_ticks and self.masks.forced_event is not None
        )
        return self.events[-1][PART] == END or over
