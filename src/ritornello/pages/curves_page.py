"""A page of one chart and one table: curves with their names and figures in, HTML page out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ritornello.pages.charts import Curve, line_chart
from ritornello.pages.rendering import render


@dataclass(frozen=True, eq=False)
class CurvesPage:
    """What the page shows.

    Attributes:
        title: of the page.
        curves: to draw. looks: name of each look of a curve, for the legend.
        x_name, y_name: of the axes, with units. caption: of the chart.
        head: titles of the table's columns. rows: their cells, of which the first is a name.
        table_caption: what the numbers are. note: below the table.
    """

    title: str
    curves: Sequence[Curve]
    looks: Mapping[str, str]
    x_name: str
    y_name: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    table_caption: str
    note: str


def curves_html(page: CurvesPage) -> str:
    """The page as one HTML document that needs no other file."""
    chart = line_chart(page.curves, x_name=page.x_name, y_name=page.y_name)
    return render("curves_page.html.jinja", title=page.title, page=page, chart=chart)
