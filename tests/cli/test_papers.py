"""`ritornello papers`: the list, running systems one after the other, and the page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ritornello.errors import InputError
from ritornello.papers.shared.outcome import Figure, Outcome
from ritornello.papers.shared.recipe import BUDGETS, Recipe
from ritornello.papers.systems import SYSTEMS
from tests.cli.conftest import Outcome as CommandOutcome
from tests.cli.test_bad_input import files, refused


def _recipe(system: str) -> Recipe:
    words = dict.fromkeys(("title", "authors", "source", "does", "wants", "stand_in"), "words")
    minutes = {str(budget): 1.5 for budget in BUDGETS}
    return Recipe(system, **words, minutes=minutes, published={}, figures={}, budgets={})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems that run in an instant: two of them fail, one as expected and one not."""
    pytest.importorskip("torch", reason="running needs the extra train")

    def run_study(system: str, folder: Path, **options: Any) -> Outcome:
        if system == SYSTEMS[1]:
            raise InputError("No music.", where="here", next_step="Get some.")
        if system == SYSTEMS[2]:
            raise ZeroDivisionError("by zero")
        folder.mkdir(parents=True, exist_ok=True)
        figures = [Figure("pitch loss", 3.25, "nats", published=4.2135, ours=2.5)]
        outcome = Outcome(system, options["budget"], options["seed"], 90, figures=figures)
        outcome.save(folder)
        return outcome

    monkeypatch.setattr("ritornello.papers.shared.run.run_study", run_study)


@pytest.fixture(autouse=True)
def recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    def known(system: str) -> Recipe:
        if system in SYSTEMS:
            return _recipe(system)
        from ritornello.papers.shared.recipe import load_recipe

        return load_recipe(system)  # refuses it

    monkeypatch.setattr("ritornello.papers.commands.load_recipe", known)
    monkeypatch.setattr("ritornello.papers.report.page.load_recipe", known)


def test_the_list_tells_what_each_does_wants_and_takes(
    command: Callable[..., CommandOutcome],
) -> None:
    done = command("papers")
    assert done.code == 0
    assert all(system in done.out for system in SYSTEMS)
    assert "1.5, 1.5, 1.5" in done.out
    found = json.loads(command("papers", "--json").out)
    assert [recipe["id"] for recipe in found] == list(SYSTEMS)
    assert set(found[0]["minutes"]) == set(BUDGETS)


def test_one_system_is_run_and_told(
    quick: None, command: Callable[..., CommandOutcome], tmp_path: Path
) -> None:
    done = command("papers", "run", SYSTEMS[0], "--budget", "small", "--seed", 4, "-o", "mine")
    assert done.code == 0
    assert "pitch loss: 3.25 nats (published 4.213, ours 2.5)" in " ".join(done.out.split())
    assert Outcome.load(tmp_path / "mine" / SYSTEMS[0]).seed == 4
    assert "ritornello papers report mine" in done.err


def test_a_run_is_not_replaced_unless_asked(
    quick: None, command: Callable[..., CommandOutcome]
) -> None:
    assert command("papers", "run", SYSTEMS[0]).code == 0
    refused(command("papers", "run", SYSTEMS[0]), 1, "exists already", "--overwrite")
    assert command("papers", "run", SYSTEMS[0], "--overwrite").code == 0


def test_the_failure_of_one_is_told_and_the_others_run(
    quick: None, command: Callable[..., CommandOutcome], tmp_path: Path
) -> None:
    done = command("papers", "run", "all")
    assert done.code == 1
    assert f"{SYSTEMS[1]}: here: No music." in done.err
    assert "Get some." in done.err
    assert f"{SYSTEMS[2]}: a fault of ritornello (ZeroDivisionError: by zero)" in done.err
    rows = {line.split()[0]: line.split() for line in done.out.splitlines() if line.strip()}
    assert [rows[system][1] for system in SYSTEMS] == ["1.5", "no", "no", "1.5", "1.5"]
    assert len(files(tmp_path)) == 3
    again = json.loads(command("papers", "run", "all", "--overwrite", "--json").out)
    assert set(again) == {SYSTEMS[0], *SYSTEMS[3:]}


def test_the_failure_of_a_single_one_is_an_error(
    quick: None, command: Callable[..., CommandOutcome]
) -> None:
    refused(command("papers", "run", SYSTEMS[1]), 1, "No music", "Get some")


def test_what_makes_no_sense_is_refused(
    command: Callable[..., CommandOutcome], tmp_path: Path
) -> None:
    refused(command("papers", "run", "nonsense"), 2, "nonsense", *SYSTEMS)
    refused(command("papers", "run", "all", "--data", "mine"), 2, "--data", "Name one system")
    assert command("papers", "run", SYSTEMS[0], "--budget", "huge").code == 2
    refused(command("papers", "report"), 1, "No published system", "ritornello papers run all")
    assert not files(tmp_path)


def test_running_without_pytorch_says_what_to_install(
    command: Callable[..., CommandOutcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(command("papers", "run", SYSTEMS[0]), 1, "ritornello[train]")


def test_the_page_shows_what_was_run(
    quick: None, command: Callable[..., CommandOutcome], tmp_path: Path
) -> None:
    command("papers", "run", "all", "-o", "mine")
    done = command("papers", "report", "mine", "-o", "page.html")
    assert (done.code, done.out.strip()) == (0, "page.html")
    assert "3 of 5 systems" in (tmp_path / "page.html").read_text()
    refused(command("papers", "report", "mine", "-o", "page.html"), 1, "exists", "--overwrite")
    refused(
        command("papers", "report", "mine", "-o", "a.html", "--scorecard", "nowhere"),
        *(1, "nowhere", "no such folder"),
    )
    assert not (tmp_path / "a.html").exists()
