"""What an accompanist struck last, so that it can strike the same chord again.

Drawn note by note, each stroke of a pianist had another voicing; real ones strike a chord again
until another one comes.
"""

from __future__ import annotations

from dataclasses import dataclass


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

    def left(self, onset_ticks: int) -> tuple[int, ...]:
        """Those of its pitches that are not struck at that tick yet."""
        if onset_ticks != self.onset_ticks:
            return self.pitches
        return tuple(pitch for pitch in self.before if pitch > self.pitches[-1])
