"""A recording as it is listened to: centred, from the sides that sound, loud enough, in tune.

Nothing in it is moved: what is heard in retuned sound is put back in time (`Cleaned.in_time`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ritornello.dsp.recordings import Recording
from ritornello.transcribe.checks import CANCELS_DB, ONE_SIDED_DB
from ritornello.transcribe.sound_measures import Measures

_CENTRED = 0.002  # of full scale; a smaller mean does no harm
_QUIET_DB, _USUAL_DB = -40.0, -20.0  # what is usually softer than this is raised to that


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A recording and what is done to it.

    Attributes:
        recording: as it is in the file.
        sides: float32 [2, 2], what left and right of the file give to left and right.
        centre: float32 [2], means of left and right that are taken away first.
        tuning_cents: of its A above 440 Hz.
    """

    recording: Recording
    sides: np.ndarray
    centre: np.ndarray
    tuning_cents: float

    @classmethod
    def of(cls, recording: Recording, measures: Measures) -> Cleaned:
        """What measures ask for; a recording without a fault stays as it is, sample for sample."""
        sides = np.eye(2)
        if measures.out_of_phase_db > CANCELS_DB:
            sides[1, 1] = -1
        elif abs(measures.balance_db) > ONE_SIDED_DB:
            sides[:] = [[1, 1], [0, 0]] if measures.balance_db > 0 else [[0, 0], [1, 1]]
        if measures.usual_db < _QUIET_DB:
            sides *= 10 ** ((_USUAL_DB - measures.usual_db) / 20)
        centre = np.where(np.abs(measures.dc_offsets) > _CENTRED, measures.dc_offsets, 0)
        return cls(
            recording,
            sides.astype(np.float32),
            centre.astype(np.float32),
            measures.tuning_cents,
        )

    @property
    def is_changed(self) -> bool:
        """Whether a sample is not what it was in the file."""
        return bool(self.centre.any() or not np.array_equal(self.sides, np.eye(2)))

    def blocks(self, rate_hz: int, channels: int = 1) -> Iterator[np.ndarray]:
        """The whole recording, as `Recording.blocks` gives it."""
        if not self.is_changed:
            yield from self.recording.blocks(rate_hz, channels)
            return
        for block in self.recording.blocks(rate_hz, 2):
            sides = (block - self.centre) @ self.sides
            yield sides if channels == 2 else sides.mean(axis=1)

    def tuned_blocks(self, rate_hz: int) -> Iterator[np.ndarray]:
        """Mono blocks whose A is 440 Hz if they are played at a rate; their time is not that of
        the recording, see `in_time`."""
        return self.blocks(self._tuned_rate_hz(rate_hz))

    def in_time(self, notes: np.ndarray, rate_hz: int) -> np.ndarray:
        """Notes of `tuned_blocks`, `HEARD_NOTE_DTYPE`, when they sound in the recording."""
        notes = notes.copy()
        for name in ("onset_seconds", "end_seconds"):
            notes[name] *= rate_hz / self._tuned_rate_hz(rate_hz)
        return notes

    def _tuned_rate_hz(self, rate_hz: int) -> int:
        return round(rate_hz * 2 ** (self.tuning_cents / 1200))
