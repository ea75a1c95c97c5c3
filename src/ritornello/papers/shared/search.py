"""A search over settings: propose, try, give up early what is worse, and keep the best.

The tree-structured Parzen estimator of Optuna proposes (Bergstra et al. 2011); a trial that is
worse than half of the earlier ones at the same moment is given up (median rule).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

from ritornello.errors import MissingExtraError
from ritornello.json_values import JsonObject

_FREE_TRIALS = 4  # drawn at random and never given up
_FREE_VALIDATIONS = 2


class Range(NamedTuple):
    """All numbers from one to another, by default as likely in each octave."""

    low: float
    high: float
    log: bool = True


Space = Mapping[str, Range | tuple[int, ...]]  # a range, or some choices
Report = Callable[[int, float], None]


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    Attributes:
        settings: by name.
        nats_per_note: on validation, at each moment it was measured.
        pruned: given up before its minutes were over.
    """

    settings: JsonObject
    nats_per_note: tuple[float, ...]
    pruned: bool

    @property
    def best(self) -> float:
        return min(self.nats_per_note)


def search(
    space: Space,
    default: Mapping[str, Any],
    attempt: Callable[[JsonObject, Report], object],
    trials: int,
    *,
    seed: int,
) -> list[Trial]:
    """Try settings, the defaults first.

    Args:
        space: what each setting may be. default: a value of each, within the space.
        attempt: trains with (settings, report) and calls ``report(number, nats)`` after each
            validation; passes on what ``report`` raises.
        trials: how many. seed: of the proposals.

    Raises:
        MissingExtraError: if Optuna is not installed.
    """
    optuna = _optuna()
    tried: list[Trial] = []

    def objective(trial: Any) -> float:
        settings = {
            name: trial.suggest_float(name, values.low, values.high, log=values.log)
            if isinstance(values, Range)
            else trial.suggest_categorical(name, values)
            for name, values in space.items()
        }
        nats: list[float] = []

        def report(number: int, nats_per_note: float) -> None:
            nats.append(nats_per_note)
            trial.report(nats_per_note, number)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            attempt(settings, report)
        except optuna.TrialPruned:
            tried.append(Trial(settings, tuple(nats), True))
            raise
        tried.append(Trial(settings, tuple(nats), False))
        return min(nats)

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=_FREE_TRIALS),
        pruner=optuna.pruners.MedianPruner(_FREE_TRIALS, _FREE_VALIDATIONS),
    )
    study.enqueue_trial(dict(default))
    study.optimize(objective, n_trials=trials)
    return tried


def best_of(trials: list[Trial]) -> Trial:
    """The trial with the lowest nats a note of those that were not given up."""
    return min((trial for trial in trials if not trial.pruned), key=lambda trial: trial.best)


def _optuna() -> ModuleType:
    try:
        optuna = importlib.import_module("optuna")
    except ImportError as error:
        raise MissingExtraError("The search over settings needs Optuna.", extra="search") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
