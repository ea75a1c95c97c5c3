"""One published system in the report: what it is, its figures, curves, samples and weaknesses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ritornello.pages.charts import LINES, Curve, bars, columns, line_chart
from ritornello.pages.page import cards, grid, legend, number, stacked, table, text
from ritornello.papers.report.samples import samples
from ritornello.papers.shared.outcome import Chart, Figure, Histogram, Outcome, Table
from ritornello.papers.shared.recipe import Recipe

_MOST_BARS = 24  # named counts beyond that are drawn as columns


def section(recipe: Recipe, folder: Path, outcome: Outcome, sound_bytes: int) -> str:
    """All that a run showed, as HTML.

    Args:
        recipe: of the system. folder: of the run. outcome: of the run.
        sound_bytes: how much of sound may be put inside the page.
    """
    parts = [
        f"<h2>{text(recipe.id)}: {text(recipe.title)}</h2>",
        f'<p class="soft">{text(recipe.authors)}. {text(recipe.source)}.</p>',
        f"<p>{text(recipe.does)}. <b>Data:</b> {text(outcome.data.rstrip('.') or 'not told')}."
        f"{_stand_in(recipe, outcome)}</p>",
        _facts(outcome),
        _settings(recipe, outcome),
        figures_table(outcome.figures),
        _paragraph("Beside our own model", outcome.compared),
        _points("Weaknesses found", outcome.weaknesses),
        samples(folder, outcome.samples, sound_bytes),
        *map(_variants, outcome.tables),
        _charts(outcome.charts),
        _histograms(outcome.histograms),
    ]
    return f'<section id="{text(recipe.id)}" class="system">{"".join(parts)}</section>'


def _stand_in(recipe: Recipe, outcome: Outcome) -> str:
    if not outcome.stand_in:
        return ""
    return f" It stands in for what the authors used: {text(recipe.wants)}."


def _facts(outcome: Outcome) -> str:
    own, seed = outcome.id, f"seed {outcome.seed}"
    boxes = cards(
        [
            (f"{own}-budget", "Budget", text(outcome.budget), seed),
            (f"{own}-time", "Time", duration(outcome.seconds), text(outcome.machine)),
        ]
    )
    return f"{boxes}<p>Run it again: <code>{text(outcome.command)}</code></p>"


def duration(seconds: float) -> str:
    """A length of time as the reader sees it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:,.1f} min"


def _settings(recipe: Recipe, outcome: Outcome) -> str:
    rows = ([name, _setting(value)] for name, value in recipe.published.items())
    published = table(["setting", "as published"], rows, caption="")
    return (
        f"{_points('What is not as published', outcome.departures)}"
        f"<details><summary>All settings as published</summary>{published}</details>"
    )


def _setting(value: object) -> str:
    return ", ".join(map(number, value)) if isinstance(value, list) else number(value)


def _points(title: str, sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    return f"<h3>{title}</h3><ul>{items}</ul>" if items else ""


def _paragraph(title: str, sentence: str) -> str:
    return f"<h3>{title}</h3><p>{text(sentence)}</p>" if sentence else ""


# --- figures -----------------------------------------------------------------------------------


def figures_table(figures: Iterable[Figure]) -> str:
    """The figures of a system, the better one of it and ours in bold."""
    rows = [_figure_row(figure) for figure in figures]
    head = ["figure", "published", "here", "ours", "to compare with"]
    return f"<h3>Figures</h3>{stacked(head, rows)}" if rows else ""


def _figure_row(figure: Figure) -> list[str]:
    here, ours = (measured(value, figure.unit) for value in (figure.value, figure.ours))
    if figure.value is not None and figure.ours is not None and figure.value != figure.ours:
        lower = figure.value < figure.ours
        if figure.better == ("lower" if lower else "higher"):
            here = f"<b>{here}</b>"
        elif figure.better:
            ours = f"<b>{ours}</b>"
    better = f"{figure.better} is better. " if figure.better else ""
    about = f"{text(figure.name)}<small>{better}{text(figure.protocol)}</small>"
    beside = "".join(
        f"<li>{number(value)} <small>{text(name)}</small></li>"
        for name, value in figure.baselines.items()
    )
    if beside:
        beside = f'<ul class="beside">{beside}</ul>'
    return [about, measured(figure.published, figure.unit), here, ours, beside or "–"]


def measured(value: float | None, unit: str) -> str:
    """A value with its unit; a dash where there is none."""
    return f"{number(value)} {text(unit)}".strip() if value is not None else "–"


def _variants(found: Table) -> str:
    rows = ([str(row[0]), *map(number, row[1:])] for row in found.rows if row)
    note = f'<p class="soft">{text(found.note)}</p>' if found.note else ""
    return f"<h3>{text(found.title)}</h3>{table(found.columns, rows, caption='')}{note}"


# --- pictures ----------------------------------------------------------------------------------


def _charts(charts: Iterable[Chart]) -> str:
    found = grid(map(_chart, charts), wide=True)
    return f"<h3>Curves</h3>{found}" if charts else ""


def _chart(chart: Chart) -> str:
    looks = {name: LINES[number % len(LINES)] for number, name in enumerate(chart.lines)}
    curves = [
        Curve(np.array(x), np.array(y, float), looks[name])
        for name, (x, y) in chart.lines.items()
        if x
    ]
    drawn = (
        line_chart(curves, x_name=chart.x_name, y_name=chart.y_name)
        if curves
        else '<p class="soft">Nothing was recorded.</p>'
    )
    key = legend((look, name) for name, look in looks.items())
    return f"<figure><h4>{text(chart.title)}</h4>{key}{drawn}</figure>"


def _histograms(histograms: Iterable[Histogram]) -> str:
    found = grid(map(_histogram, histograms))
    return f"<h3>Histograms</h3>{found}" if histograms else ""


def _histogram(found: Histogram) -> str:
    named = len(found.labels) == len(found.counts) <= _MOST_BARS
    drawn = (
        bars(zip(found.labels, found.counts, strict=True), most_rows=_MOST_BARS)
        if named
        else columns(found.labels, found.counts, name=found.title)
    )
    return f"<figure><h4>{text(found.title)}</h4>{drawn}</figure>"
