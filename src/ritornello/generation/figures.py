"""Figures that go round: whether the bars before the present one were a figure that came twice.

What came twice is likelier to come again for a network than it is in music, and sharpening does the
rest: music stays in such a figure for ever. So the bar after it may be sampled without.
"""

from __future__ import annotations

from dataclasses import dataclass

FIGURE_BARS = (1, 2, 4)
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
        twice = any(
            any(before[:bars]) and before[:bars] == before[bars : 2 * bars] for bars in FIGURE_BARS
        )
        return Figures(bar_ticks, ((tick - bar_ticks, part, pitch),), before, twice)
