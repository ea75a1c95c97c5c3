"""How networks that hear beats learn, whatever they read, to be read from top to bottom.

The weights that count are a moving average of those of training, from the validation that was
best. A run that was stopped goes on from its last validation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.errors import ConfigError
from ritornello.note_model.weights_file import WeightsFile
from ritornello.rng import Rng
from ritornello.training import run_state
from ritornello.training.fine_tuning import take_weights
from ritornello.training.optimisation import cosine
from ritornello.training.run_length import Every, Length
from ritornello.training.trainer import Judgement, Loss, Objective, Standing, Trainer

RESUME_FILE = "resume.pt"


class Lessons(Protocol):
    """What is learned."""

    def batch(self, rng: Rng) -> tuple[Tensor, ...]:
        """Random examples."""

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Of a batch, in nats."""

    def score(self, network: nn.Module) -> float:
        """Loss over all that is kept for validation, in nats."""


@dataclass(frozen=True)
class ListenerTraining:
    """Settings of a run.

    Attributes:
        seconds: of processor time in all, validations included.
        average: how much of the moving average of the weights a step keeps.
        validations: how many, evenly over the run.
    """

    seconds: float
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    average: float = 0.995
    validations: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ConfigError(f"A run's length is positive; found {self.seconds} seconds.")


@dataclass(frozen=True)
class ListenerProgress:
    """What a watcher is told after each validation; losses in nats."""

    steps: int
    seconds: float
    train_loss: float
    valid_loss: float
    best_loss: float


def train(
    network: Callable[[], nn.Module],
    settings: dict[str, Any],
    lessons: Lessons,
    folder: Path,
    config: ListenerTraining,
    *,
    watch: Callable[[ListenerProgress], None] = lambda progress: None,
) -> None:
    """Train a network, or go on with the run that ``folder`` holds; see `best`.

    Args:
        network: makes an untaught one. settings: what it is made of, kept with its weights.
    """
    torch.manual_seed(config.seed)
    objective = _Listening(network(), settings, lessons, config)
    trainer = Trainer(
        objective,
        torch.optim.AdamW(objective.network.parameters(), weight_decay=config.weight_decay),
        cosine(config.learning_rate, warmup_steps=100),
        Length(seconds=config.seconds, clock=time.process_time),
        average=config.average,
        validation=Every(share=1 / config.validations),
        keep=folder / RESUME_FILE,
        validated=lambda judgement: watch(_progress(judgement, trainer.best_score)),
    )
    trainer.resume()
    trainer.run()


def begun(network: nn.Module, known: WeightsFile | None) -> nn.Module:
    """A network with the weights of one that has learned already, if there is one."""
    if known is not None:
        take_weights(network, known.weights)
    return network


def best(folder: Path) -> dict[str, Any]:
    """What is known of a run so far: ``settings`` of the network, its ``best`` weights by name,
    ``steps``, ``seconds`` of processor time, and ``best_loss``."""
    kept = run_state.load(folder / RESUME_FILE)
    return {
        "settings": kept["objective"]["settings"],
        "best": kept["best"],
        "steps": kept["spent"]["steps"],
        "seconds": kept["spent"]["seconds"],
        "best_loss": kept["best_score"],
    }


def _progress(judgement: Judgement, best_loss: float) -> ListenerProgress:
    standing = judgement.standing
    spent = standing.spent
    return ListenerProgress(
        spent.steps, spent.seconds, standing.mean_loss, judgement.score, best_loss
    )


class _Listening(Objective[tuple[Tensor, ...]]):
    """Lessons, and where they stand."""

    def __init__(
        self,
        network: nn.Module,
        settings: dict[str, Any],
        lessons: Lessons,
        config: ListenerTraining,
    ) -> None:
        self.network, self._settings = network, settings
        self._lessons, self._seed = lessons, config.seed

    def batch(self, step: int) -> tuple[Tensor, ...]:
        return self._lessons.batch(np.random.default_rng([self._seed, step]))

    def loss(self, batch: tuple[Tensor, ...]) -> Loss:
        return Loss(self._lessons.loss(self.network, batch))

    def validate(self, network: nn.Module, standing: Standing) -> float:
        return self._lessons.score(network)

    def state(self) -> dict[str, Any]:
        return {"settings": self._settings}
