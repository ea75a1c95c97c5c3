"""What an accompanist struck last, so that it can strike the same chord again.

Drawn note by note, each stroke of a pianist had another voicing; real ones strike a chord again
until another one comes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.note_model.encoding.notes import PITCH, SIZES

_CLASSES = np.arange(SIZES[PITCH]) % 12
_OF_CLASS = [pitch_class == _CLASSES for pitch_class in range(12)]


@dataclass(frozen=True)
class Voicing:
    """The last strokes of one part; a value.

    Attributes:
        onset_ticks: of the last stroke.
        pitches: of that stroke, ascending. before: those of the stroke before it.
    """

    onset_ticks: int = -1
    pitches: tuple[int, ...] = ()
    before: tuple[int, ...] = ()

    def struck(self, onset_ticks: int, pitch: int) -> Voicing:
        """After one more note."""
        if onset_ticks == self.onset_ticks:
            return Voicing(onset_ticks, (*self.pitches, pitch), self.before)
        return Voicing(onset_ticks, (pitch,), self.pitches)

    def last(self, onset_ticks: int) -> tuple[int, ...]:
        """The chord that was struck before a tick."""
        return self.before if onset_ticks == self.onset_ticks else self.pitches

    def classes(self, onset_ticks: int) -> np.ndarray:
        """Which pitches are of the classes that were struck at a tick; bool [pitches]."""
        found = np.zeros(SIZES[PITCH], bool)
        for pitch in self.pitches if onset_ticks == self.onset_ticks else ():
            found |= _OF_CLASS[pitch % 12]
        return found

    def left(self, onset_ticks: int) -> tuple[int, ...]:
        """Those of its pitches that are not struck at that tick yet."""
        if onset_ticks != self.onset_ticks:
            return self.pitches
        return tuple(pitch for pitch in self.before if pitch > self.pitches[-1])


def leaving_room(legal: np.ndarray, notes: int) -> np.ndarray:
    """Those of the pitches above which enough others of other classes are left; bool [pitches].

    Args:
        legal: bool [pitches]. notes: how many are to be struck yet, with this one. Where there are
            not so many all are left.
    """
    if notes < 2:
        return legal
    found: set[int] = set()
    for pitch in np.flatnonzero(legal)[::-1].tolist():
        found.add(pitch % 12)
        if len(found) == notes:
            left = legal.copy()
            left[pitch + 1 :] = False
            return left
    return legal
