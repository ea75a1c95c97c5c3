"""Our note model, asked what the networks of `hybrid-gru2023` are asked: the next pitch, step and
duration of a single track.

It spells a note as shift, part, pitch, duration, so that its pitch knows its own step. For a fair
comparison the step is summed out here: p(pitch | past) = sum over shifts of p(shift | past)
p(part | shift, past) p(pitch | shift, part, past). Shifts less likely than `_NEGLIGIBLE` are left
out of the sum, which can only make our figure worse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_grid import Grid
from ritornello.note_model.encoding.batch import head_inputs
from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    DURATION,
    DURATIONS,
    END,
    FIELDS,
    NONE,
    PART,
    PITCH,
    RESOLUTION,
    SHIFT,
    SIZES,
    Previous,
)
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.encoding.tracker import Tracker
from ritornello.note_model.engine.reference import Engine

_NEGLIGIBLE = 1e-3


@dataclass(frozen=True)
class OursForeseen:
    """What our model foresaw of each note but the first of some pieces.

    Attributes:
        pitch, step, duration: the true ones; times in beats [notes].
        likeliest: the pitch it held most likely, its step not known [notes].
        pitch_nats: of the true pitch given the past [notes].
        pitch_nats_knowing: given the past and the note's own step [notes].
        step_mean, step_median: of the step given the past; of a step of more than eight beats
            only the first eight are foreseen [notes].
        duration_mean, duration_median: given the past and the note's own step and pitch [notes].
        total_nats: of shift, part, pitch and duration from the second note to the last, rests
            included, per note. Where the piece ends is not charged, as it is not foreseen by the
            others, but what is spent on expecting an end is.
    """

    pitch: np.ndarray
    step: np.ndarray
    duration: np.ndarray
    likeliest: np.ndarray
    pitch_nats: np.ndarray
    pitch_nats_knowing: np.ndarray
    step_mean: np.ndarray
    step_median: np.ndarray
    duration_mean: np.ndarray
    duration_median: np.ndarray
    total_nats: float


def foresee_ours(model: Path, pieces: Sequence[Piece]) -> OursForeseen:
    """Read pieces of one track each, told nothing about them.

    Raises:
        CheckpointError: if there is no such model.
    """
    made = checkpoint.load(checkpoint.find(model))
    engine = Engine(made)
    reader = _Reader(engine, pieces, len(made.collections))
    while reader.has_rows_left():
        reader.read_events()
    found = {name: np.array(values) for name, values in reader.found.items()}
    return OursForeseen(**found, total_nats=reader.nats / len(found["pitch"]))


class _Reader:
    """All pieces side by side, an event of each at a time."""

    def __init__(self, engine: Engine, pieces: Sequence[Piece], collections: int) -> None:
        self.engine = engine
        self.found: defaultdict[str, list[float]] = defaultdict(list)
        self.nats = 0.0
        rows = [sequences(piece, None, collections, open_probability=1.0) for piece in pieces]
        encoded = [notes.encode(piece) for piece in pieces]
        self._fields = [item.fields for item in encoded]
        self._trackers = [Tracker(Grid(item.metres, None)) for item in encoded]
        self._notes_read = np.zeros(len(pieces), np.int64)
        self._last_onset = np.zeros(len(pieces), np.int64)
        self._step = np.zeros((len(pieces), 2))  # mean and median foreseen at the last note
        self._part = [
            int(fields[notes.is_note(fields[:, PART]), PART][0]) for fields in self._fields
        ]
        self._condition = engine.condition(
            np.array([row.controls for row in rows]), np.array([row.instruments for row in rows])
        )
        self._state = engine.initial_state(len(pieces))
        self._time = 0

    def has_rows_left(self) -> bool:
        return self._time < max(map(len, self._fields))

    def read_events(self) -> None:
        contexts = np.array([tracker.context() for tracker in self._trackers])
        hidden, self._state = self.engine.step(contexts, self._condition, self._state)
        for row, fields in enumerate(self._fields):
            if self._time < len(fields):
                self._read_event(row, fields[self._time], hidden[row : row + 1])
        self._time += 1

    def _read_event(self, row: int, event: np.ndarray, hidden: np.ndarray) -> None:
        tracker = self._trackers[row]
        onset = tracker.onset_ticks + int(event[SHIFT])
        if self._notes_read[row] and event[PART] != END:
            self._score(row, tracker, event, hidden, onset)
        if notes.is_note(event[PART]):
            self._notes_read[row] += 1
            self._last_onset[row] = onset
        tracker.advance(tuple(event.tolist()))

    def _score(
        self, row: int, tracker: Tracker, event: np.ndarray, hidden: np.ndarray, onset: int
    ) -> None:
        shift_chances = self._chances(SHIFT, hidden, tracker, event[None])
        true = self._chances_of(tracker, event, hidden)
        self.nats -= np.log(shift_chances[0, event[SHIFT]])
        if tracker.onset_ticks == self._last_onset[row]:  # no rest has been heard since the note
            self._step[row] = _mean_and_median(shift_chances[0], np.arange(SIZES[SHIFT]))
        for head in (PART, PITCH, DURATION):
            if event[head] < SIZES[head]:
                self.nats -= np.log(true[head][0, event[head]])
        if not notes.is_note(event[PART]):
            return
        pitch_chances = self._pitches_of_any_shift(row, tracker, hidden, shift_chances[0])
        drum = DRUM_PITCH if event[PITCH] >= DRUM_PITCH else 0
        duration = _mean_and_median(true[DURATION][0], DURATIONS)
        values = {
            "pitch": event[PITCH] - drum,
            "step": (onset - self._last_onset[row]) / RESOLUTION,
            "duration": DURATIONS[event[DURATION]] / RESOLUTION,
            "likeliest": int(pitch_chances.argmax()) - drum,
            "pitch_nats": -np.log(max(pitch_chances[event[PITCH]], 1e-12)),
            "pitch_nats_knowing": -np.log(true[PITCH][0, event[PITCH]]),
            "step_mean": self._step[row, 0],
            "step_median": self._step[row, 1],
            "duration_mean": duration[0],
            "duration_median": duration[1],
        }
        for name, value in values.items():
            self.found[name].append(float(value))

    def _chances_of(
        self, tracker: Tracker, event: np.ndarray, hidden: np.ndarray
    ) -> dict[int, np.ndarray]:
        """Chances of part, pitch and duration, each given the event's fields before it."""
        return {
            head: self._chances(head, hidden, tracker, event[None])
            for head in (PART, PITCH, DURATION)
            if event[head] < SIZES[head]
        }

    def _pitches_of_any_shift(
        self, row: int, tracker: Tracker, hidden: np.ndarray, shift_chances: np.ndarray
    ) -> np.ndarray:
        """Chances of each pitch of the row's part, whenever it comes; float64 [pitch classes]."""
        shifts = np.flatnonzero(shift_chances > _NEGLIGIBLE)
        events = np.tile(NONE, (len(shifts), 1))
        events[:, SHIFT], events[:, PART] = shifts, self._part[row]
        parts = self._chances(PART, hidden, tracker, events)[:, self._part[row]]
        playable = parts > 0  # not on the tick of a note that has no legal follower
        pitches = self._chances(PITCH, hidden, tracker, events[playable])
        result: np.ndarray = (shift_chances[shifts] * parts)[playable] @ pitches
        return result

    def _chances(
        self, head: int, hidden: np.ndarray, tracker: Tracker, events: np.ndarray
    ) -> np.ndarray:
        """Chances of a field for each of some events that might come next, [events, classes]."""
        previous = Previous(*(np.full(len(events), tracker.previous[i]) for i in (PART, PITCH)))
        logits = self.engine.head_logits(
            head,
            np.repeat(hidden, len(events), axis=0),
            head_inputs(head, lambda name: self._column(name, tracker, events)),
        ).astype(np.float64)
        legal = notes.legal(head, previous, events[:, SHIFT], events[:, PART])
        if legal is not None:
            logits = np.where(legal, logits, -np.inf)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
        return result

    @staticmethod
    def _column(name: str, tracker: Tracker, events: np.ndarray) -> np.ndarray:
        if name in FIELDS:
            return events[:, FIELDS.index(name), None]
        if name == "place":
            return np.array([tracker.place(int(event[SHIFT])) for event in events])
        if name == "memory":
            return np.array([tracker.memory(int(e[SHIFT]), int(e[PART])) for e in events])
        return np.array([tracker.echo(int(event[PART]), int(event[PITCH])) for event in events])


def _mean_and_median(chances: np.ndarray, ticks: np.ndarray) -> tuple[float, float]:
    """Of a distribution over ticks, in beats."""
    middle = int(np.searchsorted(np.cumsum(chances), 0.5))
    return float(chances @ ticks) / RESOLUTION, float(
        ticks[min(middle, len(ticks) - 1)]
    ) / RESOLUTION
