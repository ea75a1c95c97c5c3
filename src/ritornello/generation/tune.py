"""What a tune is held to: where its phrases may end, and how often it repeats its note.

A network that chooses note by note who plays leaves a tune in pieces of few notes, for there is
always somebody else to go on; and it stays on a note more often than tunes do. So inside a phrase
whoever has the tune goes on within half a quarter note, and a tune repeats its note in a quarter of
its steps at most, counted as it goes.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from ritornello.note_model.encoding.notes import RESOLUTION
from ritornello.plan.plan import Plan

PHRASE_BARS = 4  # a phrase may end in the last of them
_EVER = 2**62
_WAITS_TICKS = RESOLUTION // 2
_STEP_TICKS = 2 * RESOLUTION  # notes farther apart are of two phrases
_REPEATS, _REPEATS_SLACK = 0.25, 1.0


@dataclass(frozen=True)
class Tune:
    """Who has the tune, and where its phrases may end.

    Attributes:
        part: its part class.
        free_from, free_until: ticks between which it may rest, each a list, ascending.
    """

    part: int
    free_from: tuple[int, ...]
    free_until: tuple[int, ...]

    @classmethod
    def free(cls, part: int) -> Tune:
        """A tune that may rest anywhere, as where a density is asked for."""
        return cls(part, (0,), (_EVER,))

    @classmethod
    def by_plan(cls, part: int, plan: Plan) -> Tune:
        """The tune of a piece with sections: phrases of four bars, and the last bar is free."""
        starts = [*plan.starts.tolist(), int(plan.starts[-1] + plan.lengths[-1])]
        free = [
            bar
            for section in plan.sections
            for bar in range(section.start, section.end)
            if (bar - section.start) % PHRASE_BARS == PHRASE_BARS - 1 or bar == section.end - 1
        ]
        return cls(part, tuple(starts[bar] for bar in free), tuple(starts[bar + 1] for bar in free))

    def longest_rest(self, tick: int, usual_ticks: int) -> int:
        """Ticks that it may rest from a tick on."""
        place = bisect_right(self.free_from, tick) - 1
        is_free = place >= 0 and tick < self.free_until[place]
        return usual_ticks if is_free else min(usual_ticks, _WAITS_TICKS)


@dataclass(frozen=True)
class Steps:
    """How a tune moved so far; a value.

    Attributes:
        onset_ticks, pitch: of its last note, the highest of those struck together.
        struck: how many these are.
        count, repeats: its steps, and those that repeated the note.
    """

    onset_ticks: int = -_STEP_TICKS
    pitch: int = -1
    struck: int = 0
    count: int = 0
    repeats: int = 0

    def after(self, onset_ticks: int, pitch: int) -> Steps:
        """After one more note."""
        if onset_ticks == self.onset_ticks:
            return replace(self, pitch=pitch, struck=self.struck + 1)
        near = onset_ticks - self.onset_ticks <= _STEP_TICKS and self.struck == 1
        again = near and pitch == self.pitch
        return Steps(onset_ticks, pitch, 1, self.count + near, self.repeats + again)

    def must_move(self, onset_ticks: int) -> bool:
        """Whether it repeated its note so often that it goes elsewhere now."""
        near = 0 < onset_ticks - self.onset_ticks <= _STEP_TICKS and self.struck == 1
        return near and self.repeats + 1 > _REPEATS * (self.count + 1) + _REPEATS_SLACK
