"""Density that is kept: which shifts let notes come as thick as was asked for.

A model that is told a density follows it little: asked for .5, 1.5 and 4 notes a beat it wrote 3.3,
3.1 and 3.3. So notes are counted as well. A piece may run ahead of its density, or fall behind, by
what is played in two beats; further ahead no note may come before its time, further behind none
may come later. Within that the model chooses when.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.note_model.encoding.notes import RESOLUTION

_LEEWAY_BEATS = 2.0
_LEAST_LEEWAY_NOTES = 3.0  # so that chords may be struck however thin a piece is


@dataclass
class Pace:
    """How many notes there are, and how many there should be.

    Attributes:
        density: notes a quarter note.
        start_ticks: where the piece begins. notes: so far.
    """

    density: float
    start_ticks: int
    notes: int = 0

    def narrow(self, shifts: np.ndarray, now_ticks: int) -> np.ndarray:
        """The legal shifts that keep the pace, bool [shifts]; all of them where none does."""
        leeway = max(_LEAST_LEEWAY_NOTES, _LEEWAY_BEATS * self.density)
        ticks_a_note = RESOLUTION / self.density
        earliest = self.start_ticks + (self.notes + 1 - leeway) * ticks_a_note - now_ticks
        latest = self.start_ticks + (self.notes + leeway) * ticks_a_note - now_ticks
        classes = np.arange(len(shifts))
        kept: np.ndarray = shifts & (classes >= earliest) & (classes <= max(latest, 0))
        if not kept.any():  # what is late comes as soon as it may, what is early as late as it may
            legal = np.flatnonzero(shifts)
            kept = classes == (legal[0] if latest < legal[0] else legal[-1])
        return kept
