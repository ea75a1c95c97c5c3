"""No template takes text for markup: each is shown hostile words wherever it shows words."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError
from jinja2.meta import find_referenced_templates

import ritornello
from ritornello.corpus.report import save_report
from ritornello.corpus.scan import FileReport, Rejection, ScanResult
from ritornello.music.piece import Piece, Track
from ritornello.pages.charts import Curve, Shape, bars, columns, line_chart
from ritornello.pages.curves_page import CurvesPage, curves_html
from ritornello.pages.notebook import fragment
from ritornello.pages.pianoroll import pianoroll_svg
from ritornello.pages.remix_page import RemixPage, Stem, remix_html
from ritornello.pages.rendering import environment, render
from ritornello.pages.svg import element
from ritornello.pages.training_page import (
    History,
    RunSample,
    TrainingPage,
    Validation,
    training_html,
)
from ritornello.papers.report.page import write_report
from ritornello.papers.systems import SYSTEMS
from tests.papers.outcomes import rich_outcome

HOSTILE = "<script>alert('\"&</script>"
_VOID = {"meta", "br", "hr", "img", "input", "link"}
_PACKAGE = Path(ritornello.__file__).parent
_TEMPLATES = sorted(_PACKAGE.rglob("*.jinja"))


class Document(HTMLParser):
    """Tags, attributes and text of a page; every tag must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        self.words += [value or "" for _, value in attrs]
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag) if tag not in _VOID else None

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"}.intersection(self.open):
            self.words.append(data)


# --- one page of each kind, hostile words wherever there are words ------------------------------


def _file(folder: Path, ending: str) -> Path:
    path = folder / f"<i>&'{ending}"
    path.write_bytes(b"content")
    return path


def _ingest(folder: Path) -> str:
    files = (
        FileReport(
            f"{HOSTILE}/a.mid",
            HOSTILE,
            notes=9,
            parts=(HOSTILE,),
            metres=(HOSTILE,),
            key=HOSTILE,
            repairs=(HOSTILE,),
            group=HOSTILE,
        ),
        FileReport(f"{HOSTILE}/b.mid", HOSTILE, rejection=Rejection(HOSTILE, HOSTILE)),
    )
    scan = ScanResult(Path(HOSTILE.replace("/", "")), files, {HOSTILE: 3})
    return save_report(scan, folder / "page.html").read_text()


def _training(folder: Path) -> str:
    one = Validation(1, 2.0, 3.0, 4.0, {HOSTILE: 4.0}, {HOSTILE: 4.0})
    steps, losses = np.array([1, 2]), np.array([5.0, 4.0])
    names = ("seconds", "notes", "nats_per_note", "learning_rate", "gradient_norm")
    shape = Shape(1, -1.0, 1.0, np.ones(4))
    history = History(
        steps,
        dict.fromkeys(names, losses),
        {HOSTILE: losses},
        [one],
        {HOSTILE: {"weight": [shape], "gradient": [shape]}},
        unread=1,
    )
    page = TrainingPage(
        title=HOSTILE,
        history=history,
        meanings={HOSTILE: HOSTILE},
        roles={HOSTILE: HOSTILE},
        samples=[RunSample(HOSTILE, _file(folder, ".mp3"), _file(folder, ".mid"))],
        others=2,
        samples_folder=HOSTILE,
        most_gradient_norm=1.0,
        settings={HOSTILE: {HOSTILE: HOSTILE}},
    )
    return training_html(page)


def _remix(folder: Path) -> str:
    envelope = np.array([[-0.1, 0.2]] * 5, np.float32)
    sound, midi = _file(folder, ".mp3"), _file(folder, ".mid")
    page = RemixPage(
        title=HOSTILE,
        summary=HOSTILE,
        facts=[(HOSTILE, HOSTILE, HOSTILE)],
        findings=[HOSTILE],
        duration_seconds=60.0,
        stems=[Stem(HOSTILE, envelope, sound, midi, (0,), HOSTILE)],
        mix=Stem("mix", envelope),
        piece=Piece((Track([(0, 480, 60, 90)], name=HOSTILE),), title=HOSTILE),
        beats_seconds=np.arange(4.0),
        downbeats_seconds=np.arange(1.0),
        chords=[(0.0, HOSTILE)],
        figures=[(HOSTILE, HOSTILE, HOSTILE)],
        heard_seconds=30.0,
    )
    return remix_html(page)


def _curves(_: Path) -> str:
    page = CurvesPage(
        title=HOSTILE,
        curves=[Curve(np.arange(3.0), np.arange(3.0), "line1")],
        looks={"line1": HOSTILE},
        x_name=HOSTILE,
        y_name=HOSTILE,
        caption=HOSTILE,
        head=[HOSTILE, HOSTILE],
        rows=[[HOSTILE, HOSTILE]],
        table_caption=HOSTILE,
        note=HOSTILE,
    )
    return curves_html(page)


def _notebook(_: Path) -> str:
    return fragment(pianoroll_svg(Piece((Track([(0, 480, 60, 90)]),), title=HOSTILE)), b"sound")


def _published(folder: Path) -> str:
    scores = folder / "scores"
    scores.mkdir()
    (scores / f"{HOSTILE.replace('/', '')}.json").write_text("{")
    run = folder / SYSTEMS[0]
    outcome = rich_outcome(SYSTEMS[0], run, HOSTILE)
    return write_report([(run, outcome)], folder / "page.html", benchmarks=scores).read_text()


# How each page is made, and the least times that it shows the words. A notebook shows none: its
# picture is a document of its own.
PAGES: dict[str, tuple[Callable[[Path], str], int]] = {
    "ingest_page.html.jinja": (_ingest, 12),
    "training_page.html.jinja": (_training, 12),
    "remix_page.html.jinja": (_remix, 15),
    "curves_page.html.jinja": (_curves, 9),
    "notebook.html.jinja": (_notebook, 0),
    "published_systems.html.jinja": (_published, 20),
}


@pytest.mark.parametrize("name", PAGES)
def test_hostile_words_are_words(name: str, tmp_path: Path) -> None:
    make, times = PAGES[name]
    html = make(tmp_path)
    document = Document(html)
    assert HOSTILE not in html
    assert document.tags.count("script") == (name == "remix_page.html.jinja")  # its own
    assert sum(HOSTILE in words for words in document.words) >= times


def test_every_template_is_shown_hostile_words() -> None:
    used = set(PAGES)
    for _ in _TEMPLATES:
        used |= {
            str(found)
            for path in _TEMPLATES
            if path.name in used
            for found in find_referenced_templates(environment().parse(path.read_text("utf-8")))
        }
    assert {path.name for path in _TEMPLATES} <= used


def test_a_value_that_a_template_names_and_nobody_gives_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("notebook.html.jinja", picture="")


# --- drawings ------------------------------------------------------------------------------------


def test_an_element_escapes_its_attributes_and_its_text_once() -> None:
    inner = element("title", "a & b")
    assert element("g", inner, aria_label='"<') == (
        '<g aria-label="&#34;&lt;"><title>a &amp; b</title></g>'
    )


@pytest.mark.parametrize(
    "drawing",
    [
        line_chart([Curve(np.arange(3.0), np.arange(3.0), "raw")], x_name=HOSTILE, y_name=HOSTILE),
        bars([(HOSTILE, 1), ("b", 2)]),
        columns([HOSTILE, HOSTILE], [1, 2], name=HOSTILE),
        pianoroll_svg(Piece((Track([(0, 480, 60, 90)], name=HOSTILE),), title=HOSTILE)),
    ],
    ids=["lines", "bars", "columns", "pianoroll"],
)
def test_hostile_words_are_words_in_drawings(drawing: str) -> None:
    document = Document(drawing)
    assert "script" not in document.tags
    assert any("<script>" in words for words in document.words)
