"""Pictures of plans: blocks of sections over the bars, chords, what returns, who plays.

Bars run in rows. From top to bottom a row has the number of every fourth bar, the sections, the
chords, how each bar returns (filled: again; pale: varied; empty: new) with the bar that it returns
to, a lane for each player, and how densely and how loud it is played. What is open is left white.
"""

from __future__ import annotations

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.chords import CHORD_OPEN
from ritornello.pages.canvas import Box, Drawing, Label, text_width
from ritornello.plan.plan import Plan
from ritornello.plan.plan_text import chord_name
from ritornello.plan.returning_bars import AGAIN, CLOSENESS, VARIED
from ritornello.plan.sections import END, INTRO

# P. Tol's colour scheme "bright", which colour-blind readers can tell apart.
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
_EDGE_COLOUR = "#a3a3ad"  # of an intro and an end
_INK, _FAINT_INK, _PAPER, _LINE = "#26262b", "#8a8a94", "#f5f5f8", "#c4c4cc"
_RETURN_COLOURS = {VARIED: "#b8cfe6", AGAIN: "#4477aa"}

_WIDTH, _LEFT, _MARGIN, _HEADER = 1600.0, 150.0, 40.0, 112.0
_BARS_A_ROW = 32
_SECTION, _CHORDS, _RETURNS, _LANE, _LEVEL, _ROW_GAP = 26.0, 40.0, 22.0, 11.0, 40.0, 44.0
_MOST_DENSE = 12.0  # notes a quarter note that fill the height


def plan_svg(plan: Plan) -> str:
    """The picture of a plan as an SVG document."""
    return _draw(plan).to_svg()


def plan_png(plan: Plan, *, width: int = 1600) -> bytes:
    """The picture of a plan as a PNG.

    Args:
        width: in pixels, 200 to 8000; the height follows from the number of bars.

    Raises:
        ConfigError: if the width is out of range.
    """
    if not 200 <= width <= 8000:
        raise ConfigError(f"A picture is 200 to 8000 pixels wide; found {width}.")
    return _draw(plan).to_png(width)


def _draw(plan: Plan) -> Drawing:
    drawing = Drawing(_WIDTH, 0.0, description=plan.title or "Plan")
    drawing.shapes.append(Label(_MARGIN, 42, plan.title or "Untitled", 28, _INK))
    drawing.shapes.append(Label(_MARGIN, 78, _facts(plan), 16, _FAINT_INK))
    colours = _section_colours(plan)
    top = _HEADER
    for first in range(0, plan.bars, _BARS_A_ROW):
        top = _Row(drawing, plan, first, top, colours).draw() + _ROW_GAP
    drawing.height = top - _ROW_GAP + _MARGIN
    return drawing


def _facts(plan: Plan) -> str:
    metres = list(dict.fromkeys(f"{metre.numerator}/{metre.denominator}" for metre in plan.metres))
    form = " ".join(f"{section.name} {section.bars}" for section in plan.sections[:24])
    facts = [
        str(plan.key or ""),
        f"{plan.tempo_bpm:.0f} bpm" if plan.tempo_bpm else "",
        ", ".join(metres[:3]),
        "1 bar" if plan.bars == 1 else f"{plan.bars} bars",
        form + (" ..." if len(plan.sections) > 24 else ""),
    ]
    return "   ·   ".join(fact for fact in facts if fact)


def _section_colours(plan: Plan) -> dict[str, str]:
    names = dict.fromkeys(section.name for section in plan.sections)
    inner = [name for name in names if name not in (INTRO, END)]
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(inner)}
    return {**colours, INTRO: _EDGE_COLOUR, END: _EDGE_COLOUR}


class _Row:
    """One row of bars; `draw` adds its shapes and returns where it ends."""

    def __init__(
        self, drawing: Drawing, plan: Plan, first: int, top: float, colours: dict[str, str]
    ) -> None:
        self.drawing, self.plan, self.top, self.colours = drawing, plan, top, colours
        self.first, self.last = first, min(first + _BARS_A_ROW, plan.bars)
        self.bar = (_WIDTH - _LEFT - _MARGIN) / min(_BARS_A_ROW, max(plan.bars, 8))

    def x(self, bar: float) -> float:
        return _LEFT + (bar - self.first) * self.bar

    def box(self, bar: float, end: float, top: float, height: float, colour: str) -> None:
        self.drawing.shapes.append(
            Box(self.x(bar) + 1, top, self.x(end) - self.x(bar) - 2, height, colour, 2)
        )

    def label(self, x: float, y: float, text: str, size: float, ink: str, anchor: str) -> None:
        self.drawing.shapes.append(Label(x, y, text, size, ink, anchor))

    def named(self, text: str, top: float, height: float) -> None:
        """What a lane is, to the left of it."""
        self.label(_LEFT - 12, top + height / 2, text, 13, _FAINT_INK, "end")

    def draw(self) -> float:
        top = self.top
        for bar in range(self.first, self.last):
            if bar % 4 == 0:
                self.label(self.x(bar) + 2, top - 11, str(bar + 1), 13, _FAINT_INK, "start")
        top = self._sections(top)
        top = self._chords(top)
        top = self._returns(top)
        top = self._players(top)
        for name, values, most in (
            ("density", self.plan.density, _MOST_DENSE),
            ("loudness", self.plan.loudness, 127.0),
        ):
            top = self._levels(name, values, most, top)
        return top

    def _sections(self, top: float) -> float:
        for section in self.plan.sections:
            start, end = max(section.start, self.first), min(section.end, self.last)
            if start < end:
                self.box(start, end, top, _SECTION, self.colours[section.name])
                middle = (self.x(start) + self.x(end)) / 2
                self.label(middle, top + _SECTION / 2, section.name, 15, "#ffffff", "middle")
        return top + _SECTION

    def _chords(self, top: float) -> float:
        """In two lines, so that neighbours have room; a chord that goes on is not named again."""
        before, taken = -1, [0.0, 0.0]
        for bar in range(self.first, self.last):
            for half in range(2):
                index = int(self.plan.chords[bar, half])
                if index in (before, CHORD_OPEN):
                    continue
                before = index
                name = chord_name(index, self.plan.key)
                x = self.x(bar + half / 2) + 2
                line = next((n for n in range(2) if taken[n] <= x), None)
                if line is not None:
                    self.label(x, top + 11 + 18 * line, name, 13, _INK, "start")
                    taken[line] = x + text_width(name, 13) + 4
        self.named("chords", top, _CHORDS)
        return top + _CHORDS

    def _returns(self, top: float) -> float:
        plan = self.plan
        for bar in range(self.first, self.last):
            close, back = int(plan.close[bar]), int(plan.back[bar])
            self.box(bar, bar + 1, top, _RETURNS, _RETURN_COLOURS.get(close, _PAPER))
            if back > 0:
                ink = "#ffffff" if close == AGAIN else _INK
                middle = self.x(bar + 0.5)
                self.label(middle, top + _RETURNS / 2, str(bar + 1 - back), 12, ink, "middle")
        self.named(f"{CLOSENESS[VARIED]} / {CLOSENESS[AGAIN]} as bar", top, _RETURNS)
        return top + _RETURNS + 6

    def _players(self, top: float) -> float:
        for index in reversed(range(len(self.plan.players))):
            for bar in np.flatnonzero(self.plan.plays[self.first : self.last, index] == 1).tolist():
                self.box(self.first + bar, self.first + bar + 1, top, _LANE - 2, "#4d4d57")
            self.named(str(self.plan.players[index]), top, _LANE)
            top += _LANE + 2
        return top + 6

    def _levels(self, name: str, values: np.ndarray, most: float, top: float) -> float:
        for bar in range(self.first, self.last):
            if not np.isnan(values[bar]):
                height = max(1.0, min(1.0, float(values[bar]) / most) * (_LEVEL - 6))
                self.box(bar, bar + 1, top + _LEVEL - 6 - height, height, _LINE)
        self.named(name, top, _LEVEL)
        return top + _LEVEL
