"""When accompanists strike: where a form states a rhythm, they strike then and at no other time.

They strike as many notes as it says, which sound as long as it says, or shorter where there is no
room, and where it says so the chord that they struck before.

In the second half of the last bar of a section they are free, so that they lead on, as in the last
bar of a piece that must end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ritornello.generation.reprise import Reprise
from ritornello.generation.rules import Rules
from ritornello.music.instruments import INSTRUMENTS
from ritornello.plan.held_rhythms import HeldRhythm, HeldStroke, WeightedRhythms
from ritornello.plan.plan import Plan
from ritornello.plan.players import LINES
from ritornello.plan.style_usages import usages_of

_NOBODY: frozenset[int] = frozenset()
_VOICE, _SONG_PLAYERS = "voice", 2


HeldBar = tuple[int, int, HeldRhythm]  # from a tick to before another, with what is struck in it


@dataclass(frozen=True)
class Rhythms:
    """When the parts of a piece strike.

    Attributes:
        held: by part class from which ticks to before which it strikes by a rhythm alone.
        strokes: by part class what it strikes at each of the ticks of these, returned or not.
        must: by part class the ticks at which it does unless it is silent, ascending.
    """

    held: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    strokes: Mapping[int, Mapping[int, HeldStroke]] = field(default_factory=dict)
    must: Mapping[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of_bars(
        cls, bars: Mapping[int, Sequence[HeldBar]], plays: Callable[[int, int], bool]
    ) -> Rhythms:
        """The rhythms of parts by their bars.

        Args:
            bars: by part class. plays: whether a part class is composed at a tick.
        """
        strokes = {
            part: {
                tick: stroke
                for start, end, held in of_part
                for stroke in held
                if (tick := start + stroke.onset_ticks) < end
            }
            for part, of_part in bars.items()
        }
        return cls(
            {part: tuple((start, end) for start, end, _ in found) for part, found in bars.items()},
            strokes,
            {part: sorted(tick for tick in found if plays(part, tick))
             for part, found in strokes.items()},
        )  # fmt: skip

    @classmethod
    def of(
        cls,
        plan: Plan,
        reprise: Reprise,
        drawn: Mapping[tuple[str, int], Sequence[HeldRhythm]],
        *,
        ending: bool,
        phrase_bars: int | None = None,
    ) -> Rhythms:
        """The rhythms of the sections of a plan.

        Args:
            reprise: of the plan; who takes up earlier notes strikes with them.
            drawn: see `held_rhythms.draw_rhythms`.
            ending: whether the last bar is left free.
            phrase_bars: after how many bars phrases end in one that is left free; none do by
                default.
        """
        found: dict[int, list[HeldBar]] = {}
        for column, part in enumerate(reprise.parts):
            for section in plan.sections:
                bars = drawn.get((section.name, column), ())
                for bar in range(section.start, section.end) if bars else ():
                    if phrase_bars and (bar - section.start) % phrase_bars == phrase_bars - 1:
                        continue
                    start, middle, end = reprise.half_ticks(bar)
                    if not plan.is_usual(bar) or (ending and bar == plan.bars - 1):
                        continue
                    end = middle if section.leads_on and bar == section.end - 1 else end
                    chord = int(plan.chords[bar, 0])
                    held = tuple(
                        stroke.over(chord) for stroke in bars[(bar - section.start) % len(bars)]
                    )
                    found.setdefault(part, []).append((start, end, held))
        lines = reprise.half_lines.tolist()
        is_open = np.repeat(plan.plays != 0, 2, axis=0) & ~reprise.halves.reshape(
            -1, len(reprise.parts)
        )
        columns = {part: column for column, part in enumerate(reprise.parts)}
        return cls.of_bars(
            found, lambda part, tick: bool(is_open[bisect_right(lines, tick) - 1, columns[part]])
        )

    def narrow(self, part: int, may: np.ndarray, first_tick: int) -> None:
        """Close the ticks at which a rhythm lets a part strike nothing.

        Args:
            may: bool [ticks], from ``first_tick`` on; written to.
        """
        was = may.copy()
        for start, end in self.held.get(part, ()):
            may[max(0, start - first_tick) : max(0, end - first_tick)] = False
        places = np.array([*self.strokes.get(part, ())], np.int64) - first_tick
        places = places[(places >= 0) & (places < len(may))]
        may[places] = was[places]

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


def usual_rhythms(
    rules: Rules,
    counts: tuple[int, int],
    players: Mapping[int, int],
    tune: int | None,
    *,
    beside: bool = False,
) -> dict[int, WeightedRhythms]:
    """The rhythms that a style has for those who accompany a drummer, or a singer alone, by player.

    Of those who join a song they are those who play chords or a bass.

    There are none for others, none where a density is asked of all, and none for whom one is asked.

    Args:
        counts: of the metre. players: the instrument of each. tune: who has it.
        beside: whether they join a song.
    """
    usages = usages_of(rules.collection)
    has_drums = any(INSTRUMENTS[instrument].is_drum for instrument in players.values())
    is_sung = tune is not None and INSTRUMENTS[players[tune]].name == _VOICE
    is_sung &= len(players) == _SONG_PLAYERS
    if usages is None or rules.density is not None or not (has_drums or is_sung or beside):
        return {}
    of_metre = usages.rhythms_in(counts)
    return {
        player: of_metre[name]
        for player, instrument in players.items()
        if (name := INSTRUMENTS[instrument].name) in of_metre
        and player != tune
        and not (beside and name in LINES)
        and instrument not in rules.busy()
    }
