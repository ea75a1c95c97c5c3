"""What is played on the beats of a recording, by its notes: one value for all that tells bars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ritornello.transcribe.note_beats import NoteBeats

TOGETHER_BEATS = 0.1  # between onsets that are one
_EARLY_BEATS, _LATE_BEATS = 0.15, 0.85  # what begins so early belongs to the beat
_LONGEST_BEATS, _SHORTEST_BEATS = 4, 0.25  # of a note that count
_NOT_TOLD = -2.5  # log odds that a bar begins where no note does
_MOST_TOLD = 4.0


@dataclass(frozen=True, eq=False)
class NotesOnBeats:
    """Notes among beats, and what can be read of each beat; computed when first asked for.

    Attributes:
        notes: `HEARD_NOTE_DTYPE`, at least one.
        told: what the network says of them.
        times_seconds: of beats, at least two.
    """

    notes: np.ndarray
    told: NoteBeats
    times_seconds: np.ndarray

    @cached_property
    def onsets_beats(self) -> np.ndarray:
        """Where each note begins, in beats."""
        return in_beats(self.notes["onset_seconds"], self.times_seconds)

    @cached_property
    def ends_beats(self) -> np.ndarray:
        """Where each note ends, in beats."""
        return in_beats(self.notes["end_seconds"], self.times_seconds)

    @cached_property
    def near(self) -> tuple[np.ndarray, np.ndarray]:
        """Which notes begin on a beat, bool [notes], and on which beat each of these does."""
        return _near_beats(self.onsets_beats, len(self.times_seconds))

    @cached_property
    def pitch_classes(self) -> np.ndarray:
        """Chroma [beats, 12]: for what share of each beat each pitch class sounds."""
        onsets, count = self.onsets_beats, len(self.times_seconds)
        found = np.zeros((count, 12))
        ends = np.clip(self.ends_beats, onsets + _SHORTEST_BEATS, onsets + _LONGEST_BEATS)
        for later in range(_LONGEST_BEATS + 2):
            beat = np.floor(onsets + _EARLY_BEATS).astype(int) + later
            shared = np.minimum(beat + _LATE_BEATS, ends) - np.maximum(beat - _EARLY_BEATS, onsets)
            heard = (shared > 0) & (beat >= 0) & (beat < count)
            np.add.at(found, (beat[heard], self.notes["pitch"][heard] % 12), shared[heard])
        return found

    @cached_property
    def begun(self) -> np.ndarray:
        """What begins on each beat, [beats, 7]: whether notes do, how many, how low, how long, how
        new their pitch classes are to the beat before, and to two of them, and how loud."""
        count, chroma, onsets = len(self.times_seconds), self.pitch_classes, self.onsets_beats
        here, beat = self.near
        begun = self.notes[here]
        many = np.bincount(beat, minlength=count).astype(float)
        moments = np.unique(onsets)
        following = np.searchsorted(moments, onsets + TOGETHER_BEATS)
        until_next = np.append(moments, moments[-1] + _LONGEST_BEATS)[following] - onsets
        lasting = np.minimum(_LONGEST_BEATS, np.maximum(until_next, self.ends_beats - onsets))
        low, long, loud = np.zeros(count), np.zeros(count), np.zeros(count)
        np.maximum.at(low, beat, (self.notes["pitch"].mean() - begun["pitch"]) / 12)
        np.maximum.at(long, beat, lasting[here])
        np.add.at(loud, beat, begun["velocity"] / self.notes["velocity"].mean() - 1)
        padded = np.pad(chroma, ((2, 2), (0, 0)))
        before, pair_before = padded[1:-3], padded[:-4] + padded[1:-3]
        return np.column_stack(
            [
                many > 0, np.log1p(many), low, np.log1p(long),
                _distance(before, chroma), _distance(pair_before, chroma + padded[3:-1]),
                loud / np.maximum(many, 1),
            ]
        )  # fmt: skip

    @cached_property
    def bar_odds(self) -> np.ndarray:
        """Log odds [beats] of a bar at each beat by what the network says of its notes: the largest
        over those that begin there."""
        count = len(self.times_seconds)
        events = in_beats(self.told.times_seconds, self.times_seconds)
        here, beat = _near_beats(events, count)
        odds = np.full(count, -np.inf)
        np.maximum.at(odds, beat, self.told.logits[here, 1])
        return np.clip(np.where(np.isfinite(odds), odds, _NOT_TOLD), -_MOST_TOLD, _MOST_TOLD)


def in_beats(seconds: np.ndarray, times_seconds: np.ndarray) -> np.ndarray:
    """Seconds to positions in beats, extrapolated evenly beyond the first and last beat."""
    first, last = np.diff(times_seconds)[[0, -1]]
    inside = np.interp(seconds, times_seconds, np.arange(len(times_seconds)))
    before = np.minimum(0, (seconds - times_seconds[0]) / first)
    result: np.ndarray = inside + before + np.maximum(0, (seconds - times_seconds[-1]) / last)
    return result


def _near_beats(places_beats: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which places lie on one of so many beats, and on which."""
    nearest = np.rint(places_beats).astype(int)
    here = (np.abs(places_beats - nearest) < _EARLY_BEATS) & (nearest >= 0) & (nearest < count)
    return here, nearest[here]


def _distance(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine distance between rows; 0 where one of them is silent."""
    size = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.where(size > 1e-6, 1 - (left * right).sum(axis=1) / np.maximum(size, 1e-6), 0.0)
