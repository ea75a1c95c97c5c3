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
from ritornello.papers.shared.recipe import Budget, load_recipe
from ritornello.papers.shared.study import Study


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


def _module(system: str) -> ModuleType:
    return importlib.import_module(f"ritornello.papers.{system.replace('-', '_')}.run")
