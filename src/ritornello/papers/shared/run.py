"""Run a published system and keep its outcome."""

from __future__ import annotations

import importlib
import os
import platform
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from ritornello.papers.shared.outcome import Outcome
from ritornello.papers.shared.recipe import Budget, Recipe, load_recipe
from ritornello.papers.shared.study import Study

_WORTH_SAYING = 1.5  # times as long
_HOURS = 100  # minutes, from which on they are told in hours


def run_study(
    system: str,
    folder: Path,
    *,
    budget: Budget = "tiny",
    data: Path | None = None,
    seed: int = 0,
    threads: int | None = None,
    changes: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Outcome:
    """Run a system and keep its outcome in a folder.

    Args:
        changes: settings to run with instead of those of the recipe, see `Recipe.changed`.

    Raises:
        ConfigError: if no system has this id, or it has no such setting.
        InputError: if its data is missing.
    """
    changes = changes or {}
    recipe = load_recipe(system).changed(changes)
    folder.mkdir(parents=True, exist_ok=True)
    threads = threads or os.cpu_count() or 1
    study = Study(recipe, budget, folder, data, seed, threads, say)
    say(expected(recipe, budget, threads))
    started = time.monotonic()
    outcome: Outcome = _module(system).run(study)
    outcome.seconds = round(time.monotonic() - started, 1)
    outcome.machine = f"{threads} of {os.cpu_count()} cores, {platform.machine()}, CPU only"
    own = "" if data is None else f" --data {shlex.quote(str(data))}"
    own += "".join(f" --set {shlex.quote(f'{name}={text}')}" for name, text in changes.items())
    outcome.command = f"ritornello papers run {system} --budget {budget} --seed {seed}{own}"
    outcome.departures = [*recipe.departures(budget), *outcome.departures]
    outcome.save(folder)
    return outcome


def expected(recipe: Recipe, budget: Budget, threads: int) -> str:
    """How long a run takes, and how much longer because of what else the machine does now."""
    minutes = recipe.minutes[budget]
    told = f"{recipe.id}, {budget}: about {_in_words(minutes)} on two processors that are free."
    load, processors = _load(), os.cpu_count() or 1
    slower = (load + threads) / processors
    if load < 1 or slower < _WORTH_SAYING:
        return told
    return (
        f"{told} Some {load:.0f} programs share {processors} now, so it may be "
        f"{_in_words(minutes * slower)}."
    )


def _load() -> float:
    """How many programs want a processor, in the mean of the last minute; 0 where unknown."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return 0.0


def _in_words(minutes: float) -> str:
    return f"{minutes:.2g} minutes" if minutes < _HOURS else f"{minutes / 60:.2g} hours"


def _module(system: str) -> ModuleType:
    return importlib.import_module(f"ritornello.papers.{system.replace('-', '_')}.run")
