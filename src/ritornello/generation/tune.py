"""What a tune is held to: where its phrases may end, how high it lies, how often it repeats a note.

A network that chooses note by note who plays leaves a tune in pieces of few notes, for there is
always somebody else to go on; and it stays on a note more often than tunes do. So inside a phrase
whoever has the tune goes on within half a quarter note, and a tune repeats its note in a quarter of
its steps at most, counted as it goes; nor does it hover about a note: one that it struck four times
among the last nine is left. And it lies as high in one section as in another, where real
tunes lie three or four semitones apart: so its sections may have a compass of their own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ritornello.generation.reprise import Reprise
from ritornello.note_model.encoding.notes import RESOLUTION
from ritornello.plan.plan import Plan
from ritornello.plan.sections import END, INTRO, Section
from ritornello.rng import Rng

PHRASE_BARS = 4  # a phrase may end in the last of them
_EVER = 2**62
_WAITS_TICKS = RESOLUTION // 2
_STEP_TICKS = 2 * RESOLUTION  # notes farther apart are of two phrases
_APART = 3  # the share of a compass by which sections lie apart
_REPEATS, _REPEATS_SLACK = 0.25, 1.0
_RECENT, _OFTEN = 9, 4
# Of composed bars of tunes, those with the rhythm of so many bars before without being told that
# they have: by chance, as what returns, and as two answers in a row are one to the first.
_BY_ITSELF = {2: 0.08, 4: 0.2, 8: 0.22}


@dataclass(frozen=True)
class Tune:
    """Who has the tune, and where its phrases may end.

    Attributes:
        part: its part class.
        free_from, free_until: ticks between which it may rest, each a list, ascending.
        registers: from which tick on it has its notes from one pitch to another, ascending.
        answers: from which tick to before which it has the rhythm of so many ticks before,
            ascending, see `current_rhythms`.
    """

    part: int
    free_from: tuple[int, ...]
    free_until: tuple[int, ...]
    registers: tuple[tuple[int, int, int], ...] = ()
    answers: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def free(cls, part: int) -> Tune:
        """A tune that may rest anywhere, as where a density is asked for."""
        return cls(part, (0,), (_EVER,))

    @property
    def is_free(self) -> bool:
        """Whether it may rest anywhere."""
        return self.free_until == (_EVER,)

    @classmethod
    def by_plan(
        cls, part: int, plan: Plan, compass: tuple[int, int] | None = None, *, is_low: bool = True
    ) -> Tune:
        """The tune of a piece with sections: phrases of four bars, and the last bar is free.

        Args:
            compass: its lowest and highest note, if its sections are to have a part of it: those of
                new names are low and high by turns.
            is_low: whether the first of them is low.
        """
        starts = [*plan.starts.tolist(), int(plan.starts[-1] + plan.lengths[-1])]
        free = [
            bar
            for section in plan.sections
            for bar in range(section.start, section.end)
            if (bar - section.start) % PHRASE_BARS == PHRASE_BARS - 1 or bar == section.end - 1
        ]
        registers = () if compass is None else _registers(plan, compass, is_low=is_low)
        return cls(
            part,
            tuple(starts[bar] for bar in free),
            tuple(starts[bar + 1] for bar in free),
            registers,
        )

    def answering(
        self,
        plan: Plan,
        reprise: Reprise,
        shares: Mapping[int, float],
        rng: Rng,
        *,
        ending: bool,
    ) -> Tune:
        """The same with answers, drawn among the bars in which it takes up no notes.

        Args:
            shares: of the bars that shall have the rhythm of so many bars before.
            ending: whether the last bar is left free.
        """
        column = reprise.parts.index(self.part)
        is_new = ~(reprise.halves[:, :, column].any(axis=1) | reprise.whole[:, column])
        is_new[-1] &= not ending
        plays = plan.plays[:, column] != 0
        found = []
        # How often a bar that can answer does, so that of all bars so many do.
        chances = {
            back: (share - _BY_ITSELF[back]) / (1 - _BY_ITSELF[back]) / _can_answer(plan, back)
            for back, share in sorted(shares.items(), reverse=True)
        }
        for section in plan.sections:
            for bar in range(section.start, section.end):
                # The farther one first: phrases of four bars answer each other.
                for back, chance in chances.items():
                    then = bar - back
                    if rng.random() >= chance or then < _answered_from(section, back):
                        continue
                    if is_new[bar] and plays[then] and plan.lengths[then] == plan.lengths[bar]:
                        start, _, end = reprise.half_ticks(bar)
                        found.append((start, end, start - int(reprise.starts[then])))
                    break
        return replace(self, answers=tuple(found))

    def register(self, tick: int) -> tuple[int, int] | None:
        """The lowest and the highest note that it has at a tick, where that is stated."""
        place = bisect_right(self.registers, tick, key=lambda row: row[0]) - 1
        return self.registers[place][1:] if place >= 0 else None

    def longest_rest(self, tick: int, usual_ticks: int) -> int:
        """Ticks that it may rest from a tick on."""
        place = bisect_right(self.free_from, tick) - 1
        is_free = place >= 0 and tick < self.free_until[place]
        return usual_ticks if is_free else min(usual_ticks, _WAITS_TICKS)


def _answered_from(section: Section, back: int) -> int:
    """The first bar that may be answered so many bars later in a section."""
    return section.start if back <= PHRASE_BARS else 0


def _can_answer(plan: Plan, back: int) -> float:
    """The share of the bars that may answer the bar so many before; at least one bar's."""
    able = [
        bar - back >= _answered_from(section, back)
        for section in plan.sections
        for bar in range(section.start, section.end)
    ]
    return max(sum(able), 1) / len(able)


def _registers(
    plan: Plan, compass: tuple[int, int], *, is_low: bool
) -> tuple[tuple[int, int, int], ...]:
    low, high = compass
    apart = (high - low) // _APART
    names = [section.name for section in plan.sections if section.name not in (INTRO, END)]
    found = []
    for section in plan.sections:
        row = low, high
        if section.name in names:
            lies_low = ([*dict.fromkeys(names)].index(section.name) % 2 == 0) == is_low
            row = (low, high - apart) if lies_low else (low + apart, high)
        found.append((int(plan.starts[section.start]), *row))
    return tuple(found)


@dataclass(frozen=True)
class Steps:
    """How a tune moved so far; a value.

    Attributes:
        onset_ticks, pitch: of its last note, the highest of those struck together.
        struck: how many these are.
        count, repeats: its steps, and those that repeated the note.
        recent: the pitches of the notes before, the latest last.
    """

    onset_ticks: int = -_STEP_TICKS
    pitch: int = -1
    struck: int = 0
    count: int = 0
    repeats: int = 0
    recent: tuple[int, ...] = ()

    def after(self, onset_ticks: int, pitch: int) -> Steps:
        """After one more note."""
        if onset_ticks == self.onset_ticks:
            return replace(self, pitch=pitch, struck=self.struck + 1)
        near = onset_ticks - self.onset_ticks <= _STEP_TICKS and self.struck == 1
        again = near and pitch == self.pitch
        recent = (*self.recent, pitch)[-_RECENT:]
        return Steps(onset_ticks, pitch, 1, self.count + near, self.repeats + again, recent)

    def to_leave(self, onset_ticks: int) -> list[int]:
        """The pitches that it has struck so often that it goes elsewhere now."""
        found = [pitch for pitch in {*self.recent} if self.recent.count(pitch) >= _OFTEN]
        near = 0 < onset_ticks - self.onset_ticks <= _STEP_TICKS and self.struck == 1
        if near and self.repeats + 1 > _REPEATS * (self.count + 1) + _REPEATS_SLACK:
            found.append(self.pitch)
        return found
