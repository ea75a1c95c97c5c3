"""One system in the report: its recipe and the outcome of a run in, all that is shown of it out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ritornello.pages.charts import LINES, Curve, bars, columns, dots, line_chart
from ritornello.pages.numbers import NOTHING, number
from ritornello.papers.report.samples import SampleView, sample_views
from ritornello.papers.shared.outcome import Chart, Figure, Histogram, Outcome
from ritornello.papers.shared.recipe import Recipe

_MOST_BARS = 24  # named counts beyond that are drawn as columns


@dataclass(frozen=True)
class ChartView:
    """A chart as SVG, empty if nothing was recorded; (look, name) of each of its lines."""

    title: str
    looks: list[tuple[str, str]]
    picture: Markup


@dataclass(frozen=True)
class SystemView:
    """One system on the page.

    Attributes:
        recipe, outcome: what was run, and what it gave.
        published: its settings as published, as text.
        figures: each with its values drawn on one scale. key_figure, key_picture: the one that
            stands for the run, its name a dash if there is none.
        tally: how often our model, the system and others win.
        wishes: (wish, answer in a sentence, whether there is more to it).
        samples: its music. charts, histograms: (title, SVG) of the latter.
    """

    recipe: Recipe
    outcome: Outcome
    published: dict[str, str]
    figures: list[tuple[Figure, Markup]]
    key_figure: Figure
    key_picture: Markup
    tally: str
    wishes: list[tuple[str, str, bool]]
    samples: list[SampleView]
    charts: list[ChartView]
    histograms: list[tuple[str, Markup]]


def system_view(recipe: Recipe, folder: Path, outcome: Outcome, sound_bytes: int) -> SystemView:
    """All that a run showed.

    Args:
        recipe: of the system. folder: of the run. outcome: of the run.
        sound_bytes: how much of sound may be put inside the page.
    """
    key_figure = outcome.key_figure or Figure(NOTHING, None)
    short = {wish: first_sentence(answer) for wish, answer in outcome.wishes.items()}
    return SystemView(
        recipe,
        outcome,
        {name: _setting(value) for name, value in recipe.published.items()},
        [(figure, _values(figure)) for figure in outcome.figures],
        key_figure,
        _values(key_figure),
        _tally(outcome.figures),
        [(wish, said, said != outcome.wishes[wish]) for wish, said in short.items()],
        sample_views(folder, outcome.samples, sound_bytes),
        [_chart(chart) for chart in outcome.charts],
        [(one.title, _histogram(one)) for one in outcome.histograms],
    )


def _setting(value: object) -> str:
    return ", ".join(map(number, value)) if isinstance(value, list) else number(value)


def first_sentence(text: str) -> str:
    """Up to the first stop that a capital letter follows."""
    return re.split(r"(?<=\.) (?=[A-Z])", text, maxsplit=1)[0]


def _values(figure: Figure) -> Markup:
    known = {name: value for name, value in figure.values.items() if math.isfinite(value)}
    return dots(known, strong=figure.winners)


def _tally(figures: Sequence[Figure]) -> str:
    counts = Counter(
        name if name in ("ours", "here") else "others"
        for figure in figures
        for name in figure.winners
    )
    told = [f"{name} {counts[name]}" for name in ("ours", "here", "others") if counts[name]]
    return ", ".join(told) or NOTHING


def _chart(chart: Chart) -> ChartView:
    looks = {name: LINES[number % len(LINES)] for number, name in enumerate(chart.lines)}
    curves = [
        Curve(np.array(x), np.array(y, float), looks[name])
        for name, (x, y) in chart.lines.items()
        if x
    ]
    drawn = line_chart(curves, x_name=chart.x_name, y_name=chart.y_name) if curves else Markup()
    return ChartView(chart.title, [(look, name) for name, look in looks.items()], drawn)


def _histogram(found: Histogram) -> Markup:
    if len(found.labels) == len(found.counts) <= _MOST_BARS:
        return bars(zip(found.labels, found.counts, strict=True), most_rows=_MOST_BARS)
    return columns(found.labels, found.counts, name=found.title)
