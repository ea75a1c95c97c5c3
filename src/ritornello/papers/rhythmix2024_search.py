"""The search of `rhythmix2024`: learning rate and batch size, each tried for the same minutes.

The tree-structured Parzen estimator of Optuna proposes (Bergstra et al. 2011); a trial that is
worse than half of the earlier ones at the same moment is given up (median rule).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ritornello.errors import MissingExtraError
from ritornello.papers.outcome import Chart, Table
from ritornello.papers.rhythmix2024_training import Trained

LEARNING_RATES = (3e-4, 3e-2)
BATCHES = (4, 8, 16, 32, 64)
DEFAULT_LEARNING_RATE, DEFAULT_BATCH = 1e-3, 32  # those of common libraries
_FREE_TRIALS = 4  # drawn at random and never given up
_FREE_VALIDATIONS = 2

Report = Callable[[int, float], None]
Try = Callable[[float, int, Report], Trained]


@dataclass(frozen=True)
class Trial:
    """One setting that was tried.

    Attributes:
        nats_per_note: on validation, at each moment it was measured.
        pruned: given up before its minutes were over.
    """

    learning_rate: float
    batch: int
    nats_per_note: tuple[float, ...]
    pruned: bool

    @property
    def best(self) -> float:
        return min(self.nats_per_note)


def search(attempt: Try, trials: int, *, seed: int) -> list[Trial]:
    """Try settings, the defaults first.

    Args:
        attempt: trains with (learning rate, batch, report) and calls ``report(number, nats)``
            after each validation; passes on what ``report`` raises.
        trials: how many. seed: of the proposals.

    Raises:
        MissingExtraError: if Optuna is not installed.
    """
    optuna = _optuna()
    tried: list[Trial] = []

    def objective(trial: Any) -> float:
        learning_rate = trial.suggest_float("learning_rate", *LEARNING_RATES, log=True)
        batch = trial.suggest_categorical("batch", BATCHES)
        nats: list[float] = []

        def report(number: int, nats_per_note: float) -> None:
            nats.append(nats_per_note)
            trial.report(nats_per_note, number)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            attempt(learning_rate, batch, report)
        except optuna.TrialPruned:
            tried.append(Trial(learning_rate, batch, tuple(nats), True))
            raise
        tried.append(Trial(learning_rate, batch, tuple(nats), False))
        return min(nats)

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=_FREE_TRIALS),
        pruner=optuna.pruners.MedianPruner(_FREE_TRIALS, _FREE_VALIDATIONS),
    )
    study.enqueue_trial({"learning_rate": DEFAULT_LEARNING_RATE, "batch": DEFAULT_BATCH})
    study.optimize(objective, n_trials=trials)
    return tried


def best_of(trials: list[Trial]) -> Trial:
    """The trial with the lowest nats a note of those that were not given up."""
    return min((trial for trial in trials if not trial.pruned), key=lambda trial: trial.best)


def trials_table(trials: list[Trial], minutes: float) -> Table:
    """All trials in the order they were made."""
    rows = [
        [
            number,
            trial.learning_rate,
            trial.batch,
            trial.best,
            f"given up after {len(trial.nats_per_note)} validations" if trial.pruned else "whole",
        ]
        for number, trial in enumerate(trials, 1)
    ]
    return Table(
        "Search over learning rate and batch size",
        ["trial", "learning rate", "batch", "nats a note on validation", "run"],
        rows,
        f"{minutes:g} minutes a trial; the first has the defaults. Whole trials are compared by "
        "their best validation.",
    )


def trials_chart(trials: list[Trial], minutes: float, validations: int) -> Chart:
    """A line a trial, over its minutes."""
    return Chart(
        "Trials of the search",
        "minutes",
        "nats a note on validation",
        {
            f"{trial.learning_rate:.2g}, batch {trial.batch}": (
                [
                    minutes * (number + 1) / validations
                    for number in range(len(trial.nats_per_note))
                ],
                [*trial.nats_per_note],
            )
            for trial in trials
        },
    )


def _optuna() -> ModuleType:
    try:
        optuna = importlib.import_module("optuna")
    except ImportError as error:
        raise MissingExtraError("The search over settings needs Optuna.", extra="search") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
