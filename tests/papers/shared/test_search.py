"""The search over settings: it finds what is better, depends on its seed, and may be missing."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("optuna", reason="the search needs the extra search")

from ritornello.errors import MissingExtraError
from ritornello.papers.rhythmix2024.search import BATCHES, DEFAULT, LEARNING_RATES, SPACE
from ritornello.papers.shared.search import best_of, search


def pretended(settings: dict[str, float], report: Callable[[int, float], None]) -> None:
    """A training whose result is known: best at 5e-3 and batches of 8."""
    rate, batch = settings["learning_rate"], settings["batch"]
    distance = abs(np.log(rate / 5e-3)) + abs(np.log(batch / 8))
    for number in range(1, 9):
        report(number, 3 + distance + 8 / number)


def test_the_search_finds_better_settings_than_the_defaults() -> None:
    trials = search(SPACE, DEFAULT, pretended, 24, seed=0)
    best = best_of(trials)
    assert len(trials) == 24
    assert trials[0].settings == DEFAULT
    assert best.best < trials[0].best - 1
    assert any(trial.pruned for trial in trials)
    assert not best.pruned
    assert all(
        LEARNING_RATES.low <= rate <= LEARNING_RATES.high and batch in BATCHES
        for rate, batch in (trial.settings.values() for trial in trials)
    )


def test_the_search_is_that_of_its_seed() -> None:
    first, again, other = (search(SPACE, DEFAULT, pretended, 8, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_without_optuna_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match="Optuna"):
        search(SPACE, DEFAULT, pretended, 1, seed=0)
