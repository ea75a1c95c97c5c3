"""Figures that go round: whether the bars before the present one were a figure that came twice.

What came twice is likelier to come again for a network than it is in music, and sharpening does the
rest: music stays in such a figure for ever. So the bar after it may be sampled without, and a tune
leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass

FIGURE_BARS = (1, 2, 4)
_OWN_NOTES = 3
MEMORY_BARS = 2 * FIGURE_BARS[-1]
_Strokes = frozenset[tuple[int, int, int]]
_NOTHING: _Strokes = frozenset()


@dataclass(frozen=True)
class Figures:
    """What was struck in the last bars; a value.

    Attributes:
        bar_ticks: where the present bar begins.
        present: its strokes: ticks from the bar line, part and pitch.
        before: those of the bars before, the latest first.
        came_twice: whether these are a figure of `FIGURE_BARS` bars that came twice.
    """

    bar_ticks: int = 0
    present: tuple[tuple[int, int, int], ...] = ()
    before: tuple[_Strokes, ...] = ()
    came_twice: bool = False

    def struck(
        self, bar_ticks: int, length_ticks: int, tick: int, part: int, pitch: int
    ) -> Figures:
        """After one more note, in a bar that begins there and is so long."""
        if bar_ticks == self.bar_ticks:
            stroke = tick - bar_ticks, part, pitch
            return Figures(bar_ticks, (*self.present, stroke), self.before, self.came_twice)
        silent = min((bar_ticks - self.bar_ticks) // length_ticks - 1, MEMORY_BARS)
        before = (*[_NOTHING] * silent, frozenset(self.present), *self.before)[:MEMORY_BARS]
        twice = _bars_of_figure(before) is not None
        return Figures(bar_ticks, ((tick - bar_ticks, part, pitch),), before, twice)

    def third_time(self, tick: int, part: int) -> list[int]:
        """The pitches at a tick of the present bar with which a part goes round a third time.

        There are none once the bar has so many notes of its own: who changes one alone is back in
        the figure with the next.
        """
        bars = _bars_of_figure(self.before) if self.came_twice else None
        if bars is None:
            return []
        figure, place = self.before[bars - 1], (tick - self.bar_ticks, part)
        if len({*self.present} - figure) >= _OWN_NOTES:
            return []
        return [pitch for *where, pitch in figure if (*where,) == place]


def _bars_of_figure(before: tuple[_Strokes, ...]) -> int | None:
    """How many bars the figure has that came twice in the last bars; None for none."""
    for bars in FIGURE_BARS:
        if any(before[:bars]) and before[:bars] == before[bars : 2 * bars]:
            return bars
    return None
