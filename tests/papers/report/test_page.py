"""The report holds all that was run, needs nothing else, and takes no text for HTML."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ritornello.errors import InputError, OutputError
from ritornello.papers.report.page import write_report
from ritornello.papers.report.scorecard import read_scores
from ritornello.papers.shared.outcome import Outcome
from ritornello.papers.shared.recipe import Recipe
from ritornello.papers.systems import SYSTEMS
from tests.papers.outcomes import HOSTILE, rich_outcome

_VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """Texts, tags and links of a page; every tag must be closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open: list[str] = []
        self.tags: list[str] = []
        self.anchors: set[str] = set()
        self.loads: list[str] = []
        self.text = ""
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        self.anchors |= {found["id"]} if "id" in found else set()
        self.loads += [found[name] for name in ("src", "href", "data", "action") if name in found]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + "\n"


@pytest.fixture(autouse=True)
def recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe for each system that shows hostile text wherever there is text."""

    def load(system: str) -> Recipe:
        words = dict.fromkeys(("title", "authors", "source", "does", "wants"), HOSTILE)
        published = {HOSTILE: [4, HOSTILE], "rate": 1e-3, "keep": False}
        minutes = {"tiny": 1.0}
        return Recipe(system, **words, stand_in="", minutes=minutes, published=published,
                      figures={}, budgets={"tiny": {}})  # fmt: skip

    monkeypatch.setattr("ritornello.papers.report.page.load_recipe", load)


@pytest.fixture
def runs(tmp_path: Path) -> list[tuple[Path, Outcome]]:
    folders = [tmp_path / system for system in SYSTEMS[:2]]
    return [(folder, rich_outcome(folder.name, folder, HOSTILE)) for folder in folders]


def result(folder: Path, name: str, facts: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(facts))


def test_the_page_needs_nothing_else_and_runs_no_script(
    runs: list[tuple[Path, Outcome]], tmp_path: Path
) -> None:
    result(tmp_path / "scores", "jsb", {"benchmark": HOSTILE, "protocol": HOSTILE})
    path = write_report(runs, tmp_path / "papers.html", benchmarks=tmp_path / "scores")
    page = Page(path)
    assert all(load.startswith(("data:", "#")) for load in page.loads)
    assert {load[1:] for load in page.loads if load[0] == "#"} <= page.anchors
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "http" not in page.source.replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in page.source
    assert HOSTILE not in page.source
    assert page.text.count(HOSTILE) > 20


def test_every_system_is_in_the_overview_and_each_run_is_shown(
    runs: list[tuple[Path, Outcome]], tmp_path: Path
) -> None:
    page = Page(write_report(runs, tmp_path / "papers.html"))
    assert all(system in page.text for system in SYSTEMS)
    assert page.text.count("not yet") >= 3  # three systems were not run
    assert {system for system in SYSTEMS if system in page.anchors} == set(SYSTEMS[:2])
    for shown in ("less is better", "3.5", "4.213", "2.5", "3.97", "1.235", "62 s"):
        assert shown in page.text
    assert page.tags.count("audio") == 2
    assert "gone.mp3 is missing" in page.text
    assert "Nothing was recorded." in page.text


def test_a_wish_is_answered_by_a_sentence_that_leads_to_the_rest(
    runs: list[tuple[Path, Outcome]], tmp_path: Path
) -> None:
    folder, outcome = runs[0]
    outcome.wishes = {"rhythm": "It has some: 0.5 nats. It has 3.5 kinds. E. g. three."}
    page = Page(write_report([(folder, outcome)], tmp_path / "papers.html"))
    overview, rest = page.source.split(f'id="{outcome.id}"')
    assert "It has some: 0.5 nats. <a" in overview
    assert "3.5 kinds" not in overview
    assert "3.5 kinds" in rest


def test_a_page_stays_small_enough_to_send(
    runs: list[tuple[Path, Outcome]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ritornello.papers.report.page._SOUND_BYTES", 100)
    page = Page(write_report(runs, tmp_path / "papers.html"))
    assert "audio" not in page.tags
    assert f"To be heard in {SYSTEMS[0]}/a.mp3." in page.text


def test_a_page_that_exists_is_kept(runs: list[tuple[Path, Outcome]], tmp_path: Path) -> None:
    (tmp_path / "papers.html").write_text("mine")
    with pytest.raises(OutputError):
        write_report(runs, tmp_path / "papers.html")
    assert (tmp_path / "papers.html").read_text() == "mine"


# --- the scorecard -----------------------------------------------------------------------------


def test_the_scorecard_tells_the_distances(
    runs: list[tuple[Path, Outcome]], tmp_path: Path
) -> None:
    facts = {
        "benchmark": "jsb", "nats": {"mean": 5.01, "seeds": [5.0, 5.02, 5.01]},
        "unit": "nats per frame", "target": 4.3, "published": {"BALSTM": 5.05, "TCN": 8.1},
        "baselines": {"88 coins": 11.06}, "minutes": 22, "command": "ritornello benchmark jsb",
    }  # fmt: skip
    result(tmp_path / "scores", "jsb", facts)
    path = write_report(runs, tmp_path / "papers.html", benchmarks=tmp_path / "scores")
    text = Page(path).text
    for shown in ("5.000, 5.020, 5.010", "5.050", "-0.040, reached", "+0.710, not reached",
                  "22 min", "11.06", "ritornello benchmark jsb"):  # fmt: skip
        assert shown in text


def test_results_that_lack_something_are_shown_and_others_named(tmp_path: Path) -> None:
    folder = tmp_path / "scores"
    result(folder, "a", {"benchmark": "bare"})
    result(folder, "b", {"benchmark": "seeds", "nats": {"seeds": [1.0, 2.0]}, "target": None})
    for name, facts in (("c", {}), ("d", [1]), ("e", {"benchmark": "x", "target": "far"})):
        result(folder, name, facts)
    (folder / "f.json").write_text("{")
    found, problems = read_scores(folder)
    assert [scores.benchmark for scores in found] == ["bare", "seeds"]
    assert [scores.mean for scores in found] == [None, 1.5]
    assert [problem.split()[0] for problem in problems] == ["c.json", "d.json", "e.json", "f.json"]
    with pytest.raises(InputError, match="no such folder"):
        read_scores(tmp_path / "nowhere")
