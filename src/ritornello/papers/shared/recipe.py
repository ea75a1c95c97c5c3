"""Recipes of the published systems: their exact settings, and what a smaller budget changes.

A recipe is `ritornello/papers/recipes/<id>.toml`::

    id, title, authors, source, does, wants, stand_in
    [minutes]          # of two laptop cores: tiny, small, full
    [published]        # every setting as its authors give it
    [figures]          # what they report: name = value
    [budget.tiny]      # settings that replace published ones in this budget
    [budget.small]
    [budget.full]      # empty, or what the authors leave open

Settings that a budget replaces are told in the report.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Literal, get_args

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.papers.systems import SYSTEMS

Budget = Literal["tiny", "small", "full"]
BUDGETS: tuple[Budget, ...] = get_args(Budget)


@dataclass(frozen=True)
class Recipe:
    """A published system, as its authors describe it.

    Attributes:
        id: the name used everywhere. title, authors, source: of the publication.
        does: its job in one line. wants: the data it was made for.
        stand_in: the music used here where that data is absent.
        minutes: about how long each budget takes on two laptop cores.
        published: every setting as printed. figures: the results as printed.
        budgets: for each budget, the settings it replaces.
    """

    id: str
    title: str
    authors: str
    source: str
    does: str
    wants: str
    stand_in: str
    minutes: dict[str, float]
    published: JsonObject
    figures: dict[str, float]
    budgets: dict[str, JsonObject]

    def settings(self, budget: Budget) -> JsonObject:
        """The settings to run with: the published ones, with those the budget replaces."""
        return {**self.published, **self.budgets[budget]}

    def departures(self, budget: Budget) -> list[str]:
        """What the budget changes, a line each: "epochs 4 (published: 50)"."""
        return [
            f"{name} {value} (published: {self.published[name]})"
            for name, value in self.budgets[budget].items()
            if name in self.published and self.published[name] != value
        ]

    def changed(self, changes: Mapping[str, str]) -> Recipe:
        """This recipe with some settings replaced in every budget, as a departure like any other.

        Args:
            changes: name -> value as text, in TOML; where a list is meant one item will do.

        Raises:
            ConfigError: if no setting has the name, or the value is of another kind.
        """
        values = {}
        for name, text in changes.items():
            known = {**self.published, **self.settings("small")}
            if name not in known:
                raise ConfigError(
                    f"{self.id} has no setting {name!r}.",
                    next_step=f"It has: {', '.join(known)}.",
                )
            values[name] = _read(name, text, known[name])
        budgets = {budget: {**own, **values} for budget, own in self.budgets.items()}
        return replace(self, budgets=budgets)


def _read(name: str, text: str, example: Any) -> Any:
    """A setting's value of the kind that ``example`` has."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a plain word
    if isinstance(example, list) and not isinstance(value, list):
        value = [value]
    if isinstance(example, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(example):
        raise ConfigError(
            f"{text!r} is not a value of the setting {name!r}.",
            next_step=f"It is now {example!r}.",
        )
    return value


def load_recipe(system: str) -> Recipe:
    """The recipe of a system.

    Raises:
        ConfigError: if no system has this id.
    """
    if system not in SYSTEMS:
        raise ConfigError(
            f"No system is called {system!r}.", next_step=f"There are: {', '.join(SYSTEMS)}."
        )
    text = (files("ritornello") / "papers" / "recipes" / f"{system}.toml").read_text(
        encoding="utf-8"
    )
    table = tomllib.loads(text)
    budgets = table.pop("budget")
    return Recipe(**table, budgets={name: budgets.get(name, {}) for name in BUDGETS})
