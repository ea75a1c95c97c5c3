"""Each published system has a whole recipe, a module that runs it, settings for each budget."""

from __future__ import annotations

import importlib
import inspect

import pytest

from ritornello.errors import ConfigError
from ritornello.papers.shared.recipe import BUDGETS, Budget, load_recipe
from ritornello.papers.systems import SYSTEMS


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_recipe_is_whole(system: str) -> None:
    recipe = load_recipe(system)
    assert recipe.id == system
    for name in ("title", "authors", "source", "does", "wants", "stand_in"):
        assert getattr(recipe, name), f"{system} does not tell its {name}"
    assert recipe.published
    minutes = [recipe.minutes[budget] for budget in BUDGETS]
    assert set(recipe.minutes) == set(BUDGETS)
    assert minutes == sorted(minutes)
    assert 0 < recipe.minutes["tiny"] <= 2
    assert recipe.minutes["small"] <= 20


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("budget", BUDGETS)
def test_what_a_budget_replaces_is_told(system: str, budget: Budget) -> None:
    recipe = load_recipe(system)
    settings = recipe.settings(budget)
    assert set(recipe.published) <= set(settings)
    changed = [name for name in recipe.published if settings[name] != recipe.published[name]]
    assert [line.split()[0] for line in recipe.departures(budget)] == changed
    if budget == "full":  # may settle what the authors leave open, and scales nothing
        assert not {"epochs", "batch", "learning_rate"} & set(changed)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_module_runs_it(system: str) -> None:
    pytest.importorskip("torch", reason="the systems need the extra train")
    module = importlib.import_module(f"ritornello.papers.{system.replace('-', '_')}.run")
    assert list(inspect.signature(module.run).parameters) == ["study"]


def test_an_unknown_system_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="nonsense") as refused:
        load_recipe("nonsense")
    assert all(system in refused.value.next_step for system in SYSTEMS)


def test_a_setting_can_be_replaced_and_is_told() -> None:
    recipe = load_recipe("hybrid-gru2023").changed({"tasks": "melody", "learning_rate": "1"})
    assert recipe.settings("small")["tasks"] == ["melody"]
    assert recipe.settings("full")["learning_rate"] == 1.0
    assert any(line.startswith("tasks ['melody']") for line in recipe.departures("tiny"))


@pytest.mark.parametrize(("name", "text"), [("nonsense", "1"), ("batch", "many"), ("batch", "1.5")])
def test_a_setting_without_meaning_is_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_recipe("hybrid-gru2023").changed({name: text})
