"""How networks that hear beats learn, whatever they read, to be read from top to bottom.

The weights that count are a moving average of those of training, from the validation that was
best. A run that was stopped goes on from its last validation.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.atomic import atomic_write
from ritornello.errors import ConfigError

RESUME_FILE = "resume.pt"


class Lessons(Protocol):
    """What is learned."""

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
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
    run = _ListenerRun(network(), settings, config)
    run.resume(folder / RESUME_FILE)
    while run.done < 1:
        losses = []
        until = (math.floor(run.done * config.validations + 1e-9) + 1) / config.validations
        while run.done < until:
            losses.append(run.step(lessons))
        valid_loss = lessons.score(run.average)
        if valid_loss < run.best_loss:
            run.best, run.best_loss = copy.deepcopy(run.average.state_dict()), valid_loss
        run.save(folder / RESUME_FILE)
        mean = sum(losses) / len(losses)
        watch(ListenerProgress(run.steps, run.seconds, mean, valid_loss, run.best_loss))


def best(folder: Path) -> dict[str, Any]:
    """What is known of a run so far: ``settings`` of the network, its ``best`` weights by name,
    ``steps``, ``seconds`` of processor time, and ``best_loss``."""
    kept: dict[str, Any] = torch.load(folder / RESUME_FILE, weights_only=True)
    return {name: kept[name] for name in ("settings", "best", "steps", "seconds", "best_loss")}


class _ListenerRun:
    """All that changes while a network learns."""

    def __init__(
        self, network: nn.Module, settings: dict[str, Any], config: ListenerTraining
    ) -> None:
        self.network, self.settings, self.config = network, settings, config
        self.average = copy.deepcopy(network).eval()
        self.best, self.best_loss = copy.deepcopy(network.state_dict()), math.inf
        self.optimiser = torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.steps = 0
        self._before, self._began = 0.0, time.process_time()

    @property
    def seconds(self) -> float:
        """Of processor time, in all sittings."""
        return self._before + time.process_time() - self._began

    @property
    def done(self) -> float:
        return min(1.0, self.seconds / self.config.seconds)

    def step(self, lessons: Lessons) -> float:
        """Learn from a batch; the loss."""
        # A short warm-up, then half a cosine.
        rate = min(1.0, (self.steps + 1) / 100)
        rate *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.done))
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * rate
        self.network.train()
        batch = lessons.batch(np.random.default_rng([self.config.seed, self.steps]))
        loss = lessons.loss(self.network, batch)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        keep = min(self.config.average, self.steps / (self.steps + 10))
        with torch.no_grad():
            both = zip(self.average.parameters(), self.network.parameters(), strict=True)
            for old, new in both:
                old.lerp_(new, 1 - keep)
        return loss.item()

    def save(self, path: Path) -> None:
        kept: dict[str, Any] = {}
        for name in ("settings", "best", "best_loss", "steps", "seconds"):
            kept[name] = getattr(self, name)
        for name in ("network", "average", "optimiser"):
            kept[name] = getattr(self, name).state_dict()
        with atomic_write(path, overwrite=True) as temporary:
            torch.save(kept, temporary)

    def resume(self, path: Path) -> None:
        """Take up what a file holds, if there is one."""
        if not path.is_file():
            return
        kept: dict[str, Any] = torch.load(path, weights_only=True)
        for name in ("network", "average", "optimiser"):
            getattr(self, name).load_state_dict(kept[name])
        self.best, self.best_loss, self.steps = kept["best"], kept["best_loss"], kept["steps"]
        self._before = kept["seconds"]
