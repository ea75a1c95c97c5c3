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

    def around(self, tick: int, *, is_bass: bool) -> frozenset[int]:
        """What may be sung between beats: the scale and the chord, of a firm chord its notes.

        The bass has the root of a firm chord alone.
        """
        place = bisect_right(self.ticks, tick) - 1
        if place < 0:
            return self.scale
        beat = self.ticks[place]
        chord = self._by_tick[beat]
        if chord and beat in self.firm:
            return frozenset(chord[:1] if is_bass else chord)
        return self.scale | frozenset(chord)

    def stays_until(self, tick: int, pitch: int, *, is_bass: bool) -> int | None:
        """The first beat after a tick whose chord lacks a pitch, None if there is none.

        The bass has the root of a firm chord alone.
        """
        for place in range(bisect_right(self.ticks, tick), len(self.ticks)):
            beat = self.ticks[place]
            chord = self._by_tick[beat][: 1 if is_bass and beat in self.firm else None]
            if chord and pitch % 12 not in chord:
                return beat
        return None

    @cached_property
    def _by_tick(self) -> dict[int, tuple[int, ...]]:
        return dict(zip(self.ticks, map(_classes, self.classes), strict=True))


def _classes(index: int) -> tuple[int, ...]:
    chord = chord_of_class(index) if index < CHORD_CLASSES else None
    if chord is None:
        return ()
    return tuple((chord.root + step) % 12 for step in QUALITIES[chord.quality])
