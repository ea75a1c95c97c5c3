"""When accompanists strike: where a form states a rhythm, they strike then and at no other time.

They strike as many notes as it says, which sound as long as it says, or shorter where there is no
room, and where it says so the chord that they struck before.

In the second half of the last bar of a section they are free, so that they lead on, as in the last
bar of a piece that must end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ritornello.generation.reprise import Reprise
from ritornello.plan.held_rhythms import HeldRhythm, HeldStroke
from ritornello.plan.plan import Plan

_NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Rhythms:
    """When the parts of a piece strike.

    Attributes:
        may: by part class bool [ticks], where it may begin a note; the last tick is the end.
        must: by part class the ticks at which it does, ascending.
        strokes: by part class what it strikes at each of these ticks, returned or not.
    """

    may: Mapping[int, np.ndarray] = field(default_factory=dict)
    must: Mapping[int, list[int]] = field(default_factory=dict)
    strokes: Mapping[int, Mapping[int, HeldStroke]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        plan: Plan,
        reprise: Reprise,
        drawn: Mapping[tuple[str, int], Sequence[HeldRhythm]],
        *,
        ending: bool,
    ) -> Rhythms:
        """The rhythms of the sections of a plan.

        Args:
            reprise: of the plan; who takes up earlier notes strikes with them.
            drawn: see `held_rhythms.draw_rhythms`.
            ending: whether the last bar is left free.
        """
        halves = np.append(np.diff(reprise.half_lines), 1)
        ticks_in_all = int(reprise.starts[-1]) + 1
        may: dict[int, np.ndarray] = {}
        must: dict[int, list[int]] = {}
        strokes: dict[int, dict[int, HeldStroke]] = {}
        for column, part in enumerate(reprise.parts):
            struck, free = np.zeros(ticks_in_all, bool), np.ones(ticks_in_all, bool)
            of_part: dict[int, HeldStroke] = {}
            for section in plan.sections:
                bars = drawn.get((section.name, column), ())
                for bar in range(section.start, section.end) if bars else ():
                    start, middle, end = reprise.half_ticks(bar)
                    if plan.lengths[bar] != plan.lengths[0] or (ending and bar == plan.bars - 1):
                        continue
                    end = middle if section.leads_on and bar == section.end - 1 else end
                    held = bars[(bar - section.start) % len(bars)]
                    free[start:end] = False
                    of_bar = {start + stroke.onset_ticks: stroke for stroke in held}
                    of_part |= {tick: stroke for tick, stroke in of_bar.items() if tick < end}
            struck[[*of_part]] = True
            if not free.all():
                plays = np.repeat(plan.plays[:, column] != 0, 2)
                is_open = np.append(plays & ~reprise.halves[:, :, column].ravel(), False)
                is_open = np.repeat(is_open, halves)
                may[part] = free | struck
                must[part] = np.flatnonzero(struck & is_open).tolist()
                strokes[part] = of_part
        return cls(may, must, strokes)

    def due(self, tick: int) -> frozenset[int]:
        """Who strikes at a tick, part classes."""
        return self._parts_at.get(tick, _NOBODY)

    def stroke(self, part: int, tick: int) -> HeldStroke | None:
        """What a part strikes at a tick; None where that is open."""
        of_part = self.strokes.get(part)
        return None if of_part is None else of_part.get(tick)

    def next_tick(self, now: int) -> list[int]:
        """The first tick after a moment at which somebody strikes, if there is one."""
        at = bisect_right(self._ticks, now)
        return self._ticks[at : at + 1]

    def next_of(self, part: int, tick: int) -> int | None:
        """The first tick after one at which a part strikes, if there is one."""
        ticks = self.must.get(part, ())
        at = bisect_right(ticks, tick)
        return ticks[at] if at < len(ticks) else None

    @cached_property
    def _parts_at(self) -> dict[int, frozenset[int]]:
        found: dict[int, set[int]] = defaultdict(set)
        for part, ticks in self.must.items():
            for tick in ticks:
                found[tick].add(part)
        return {tick: frozenset(parts) for tick, parts in found.items()}

    @cached_property
    def _ticks(self) -> list[int]:
        return sorted(self._parts_at)
