"""Rhythms that the accompanists of a band hold through a section, drawn from those of a style.

A network that goes on from bar to bar keeps no rhythm: basses of composed bands began a bar as the
one before in half of the bars, where real ones do in nine of ten, and every section had the same
figures. So the sections of a form may state for each accompanist when it strikes, how many notes,
how long they sound, and where a chord is struck again: a bar that goes round, or two. A section of
another name often has others, but who breaks chords does so in all of them, as real players do;
which notes these are is left to who plays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ritornello.music.chords import CHORD_CLASSES, chord_of_class
from ritornello.rng import Rng, weighted_choice

ANSWERS_BARS = (2, 4, 8)  # after so many bars a tune often has the rhythm of a bar again
_LEAST_CHORD = 2  # notes


class HeldStroke(NamedTuple):
    """A stroke of one player in a bar; ticks are those of a quarter note of 24.

    Attributes:
        onset_ticks: from the bar line. duration_ticks: how long it sounds.
        least, most: how many notes it has.
        again: whether it is a chord that the stroke before had.
        distinct: whether each of its notes is of another pitch class.
    """

    onset_ticks: int
    duration_ticks: int
    least: int
    most: int
    again: bool
    distinct: bool = False

    def dotted(self) -> HeldStroke:
        """The same half as long again, and half as far again from the bar line."""
        onset, duration = (ticks * 3 // 2 for ticks in self[:2])
        return self._replace(onset_ticks=onset, duration_ticks=duration)

    def over(self, chord: int) -> HeldStroke:
        """The same with as many notes as a chord has pitch classes, where it has no others.

        Args:
            chord: a class of `music.chords`, or what stands for none.
        """
        if not self.distinct or self.least < _LEAST_CHORD or not 0 <= chord < CHORD_CLASSES:
            return self
        found = chord_of_class(chord)
        size = self.least if found is None else len(found.pitch_classes)
        size = min(max(size, self.least), self.most)
        return self._replace(least=size, most=size)


HeldRhythm = tuple[HeldStroke, ...]  # a bar
WeightedRhythms = Sequence[tuple[float, HeldRhythm]]
_OTHER_SECOND = 0.15  # how often the second bar has another rhythm than the first
_CHANGES = 0.6  # how often a player has another rhythm in a section of another name


def draw_rhythms(
    names: Sequence[str], usual: Mapping[int, WeightedRhythms], rng: Rng
) -> dict[tuple[str, int], tuple[HeldRhythm, ...]]:
    """The rhythm of each player in each section, by the name of the section and the player.

    Args:
        names: of the sections, in order.
        usual: of each player the rhythms to draw from, and how often each comes.

    Returns:
        bars that go round, one or two.
    """
    found: dict[tuple[str, int], tuple[HeldRhythm, ...]] = {}
    for player, rhythms in usual.items():
        held: tuple[HeldRhythm, ...] | None = None
        for name in dict.fromkeys(names):
            if held is None or rng.random() < _CHANGES:
                first = weighted_choice(rhythms, rng)
                if held is None:
                    broken = _is_broken(first)
                    rhythms = [each for each in rhythms if _is_broken(each[1]) == broken]
                other = rng.random() < _OTHER_SECOND
                held = (first, weighted_choice(rhythms, rng)) if other else (first,)
            found[name, player] = held
    return found


def _is_broken(rhythm: HeldRhythm) -> bool:
    """Whether it has single notes alone."""
    return all(stroke.most < _LEAST_CHORD for stroke in rhythm)
