"""The page on a folder of music: figures of a scan in, one self-contained HTML page out."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from ritornello.pages.charts import bars
from ritornello.pages.rendering import render


class Totals(TypedDict):
    """Counts of files, of notes, and of what plays them; ``hours`` of music."""

    files: int
    used: int
    rejected: int
    repaired: int
    notes: int
    drum_notes: int
    parts: int
    bars: int
    hours: float


class CollectionTotals(Totals):
    """Those of one collection."""

    name: str


class FileDetail(TypedDict):
    """A file, and what is to be said of it."""

    path: str
    detail: str


class FileGroup(TypedDict):
    """Files of which the same is to be said: one reason why not to use them, or one repair."""

    count: int
    files: list[FileDetail]
    reason: NotRequired[str]
    repair: NotRequired[str]
    meaning: NotRequired[str]


class IngestFigures(TypedDict):
    """All that is told of a scanned folder.

    ``parts``, ``metres``, ``keys`` and ``tempi`` count pieces by name, in the order of the bars;
    ``near_copies`` are groups of paths; ``not_music`` counts files by their ending.
    """

    folder: str
    scan_seconds: float
    totals: Totals
    collections: list[CollectionTotals]
    parts: dict[str, int]
    metres: dict[str, int]
    keys: dict[str, int]
    tempi: dict[str, int]
    rejected: list[FileGroup]
    repaired: list[FileGroup]
    near_copies: list[list[str]]
    not_music: dict[str, int]


def ingest_html(headline: str, figures: IngestFigures) -> str:
    """The page.

    Args:
        headline: the figures in one sentence.
        figures: of `ritornello.corpus.report.summary`.
    """
    charts = [
        ("Pieces with each instrument", figures["parts"]),
        ("Metres", figures["metres"]),
        ("Keys, estimated", figures["keys"]),
        ("Tempo, mean of the piece", figures["tempi"]),
    ]
    return render(
        "ingest_page.html.jinja",
        title=headline,
        figures=figures,
        charts=[(title, bars(counts.items())) for title, counts in charts],
    )
