"""A chord for each beat, which voices that sing together complete; see `voice_leading`."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from ritornello.music.chords import CHORD_CLASSES, QUALITIES, chord_of_class


@dataclass(frozen=True)
class BeatChords:
    """Chords of beats.

    Attributes:
        ticks: of the beats, ascending, at 24 a quarter.
        classes: the chord class of each.
        firm: ticks of beats whose chord has its root in the bass: cadences.
        scale: pitch classes that voices may sing between beats, besides those of the chord.
    """

    ticks: tuple[int, ...]
    classes: tuple[int, ...]
    firm: frozenset[int]
    scale: frozenset[int]

    def on(self, tick: int) -> tuple[int, ...] | None:
        """Pitch classes of the chord that a beat at a tick has, the root first; None for none."""
        return self._by_tick.get(tick) or None

    def around(self, tick: int) -> frozenset[int]:
        """What may be sung between beats: the scale and the chord, at cadences the chord."""
        place = bisect_right(self.ticks, tick) - 1
        chord = frozenset(self._by_tick[self.ticks[place]] if place >= 0 else ())
        is_cadence = place >= 0 and self.ticks[place] in self.firm and chord
        return chord if is_cadence else self.scale | chord

    def stays_until(self, tick: int, pitch: int) -> int | None:
        """The first beat after a tick whose chord lacks a pitch, None if there is none."""
        for place in range(bisect_right(self.ticks, tick), len(self.ticks)):
            chord = self._by_tick[self.ticks[place]]
            if chord and pitch % 12 not in chord:
                return self.ticks[place]
        return None

    @cached_property
    def _by_tick(self) -> dict[int, tuple[int, ...]]:
        return dict(zip(self.ticks, map(_classes, self.classes), strict=True))


def _classes(index: int) -> tuple[int, ...]:
    chord = chord_of_class(index) if index < CHORD_CLASSES else None
    if chord is None:
        return ()
    return tuple((chord.root + step) % 12 for step in QUALITIES[chord.quality])
