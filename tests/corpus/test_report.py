"""The report names every file that is not used, and its figures add up."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ritornello.corpus.report import REASONS, print_report, save_report, summary
from ritornello.corpus.scan import FileReport, Rejection, ScanResult
from ritornello.errors import OutputError

USED = [
    FileReport(
        f"jazz/{number}.mid",
        "jazz",
        notes=100,
        parts=("piano", "bass", "piano"),
        seconds=1800.0,
        bars=40,
        metres=("4/4", "3/4"),
        key="D minor",
        tempo_bpm=80.0 + 30 * number,
        repairs=(f"{number + 1} note{'s' * (number > 0)} without length (track A, bar 3).",),
        group="jazz/0.mid",
    )
    for number in range(3)
]
REJECTED = [
    FileReport("folk/<b>&.mid", "folk", rejection=Rejection("not MIDI", "It begins with <html>.")),
    FileReport(
        "folk/[red]x.mid", "folk", rejection=Rejection("exact copy", "y is used instead.", "y")
    ),
]
SCAN = ScanResult(Path("music"), tuple(REJECTED + USED), {".txt": 3})


def test_figures_add_up() -> None:
    figures = summary(SCAN)
    totals = figures["totals"]
    assert (totals["files"], totals["used"], totals["rejected"]) == (5, 3, 2)
    assert (totals["notes"], totals["hours"], totals["parts"]) == (300, 1.5, 9)
    assert sum(row["used"] for row in figures["collections"]) == 3
    assert figures["parts"] == {"bass": 3, "piano": 3}  # pieces that have the instrument
    assert figures["tempi"] == {"80-99 bpm": 1, "100-119 bpm": 1, "140-159 bpm": 1}
    assert [group["count"] for group in figures["rejected"]] == [1, 1]
    assert figures["repaired"][0]["repair"] == "n notes without length."
    assert figures["repaired"][0]["count"] == 3
    assert figures["near_copies"] == [[item.path for item in USED]]


def test_text_names_reasons_files_and_survives_markup_in_names() -> None:
    stream = StringIO()
    print_report(SCAN, Console(file=stream, width=100))
    text = stream.getvalue()
    assert text.startswith("3 of 5 files are used: 300 notes in 9 parts, 1.5 hours of music.")
    for words in (
        "not MIDI",
        "folk/[red]x.mid",
        "It begins with <html>.",
        "3 .txt",
        REASONS["not MIDI"],
    ):
        assert words in " ".join(text.split())


def test_json_holds_every_file(tmp_path: Path) -> None:
    rows = json.loads(save_report(SCAN, tmp_path / "report.json").read_text())["files"]
    assert [row["path"] for row in rows] == [item.path for item in SCAN.files]
    assert rows[0]["rejection"] == {
        "reason": "not MIDI",
        "detail": "It begins with <html>.",
        "copy_of": "",
    }


class Page(HTMLParser):
    """Collects the text, the links to elsewhere and the tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.outside: list[str | None] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_is_whole_self_contained_and_escapes_names(tmp_path: Path) -> None:
    page = Page(save_report(SCAN, tmp_path / "report.html").read_text())
    assert page.open == []
    assert page.outside == []
    for item in SCAN.files:
        assert item.path in page.text


def test_reports_are_not_overwritten_silently(tmp_path: Path) -> None:
    save_report(SCAN, tmp_path / "report.html")
    with pytest.raises(OutputError):
        save_report(SCAN, tmp_path / "report.html")
    with pytest.raises(OutputError, match="no format of a report"):
        save_report(SCAN, tmp_path / "report.pdf")
