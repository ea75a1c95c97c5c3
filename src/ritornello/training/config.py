"""Settings of a training run, and the learning rate over its course."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ritornello.errors import ConfigError


@dataclass(frozen=True)
class TrainConfig:
    """How to train. A run ends after ``minutes`` or ``steps``, whichever is given.

    Attributes:
        minutes: time for training, validation included; None to count steps.
        steps: optimiser steps; None to go by time.
        cell, layers, width, head_width, dropout: see `NoteModelConfig`.
        batch: rows of a batch. chunk: events a row and step.
        learning_rate: the highest, reached after ``warmup`` of the run, then falling as a cosine.
        weight_decay: of matrices only. clip: largest norm of the gradient.
        shares: share of the notes from each collection; by size where None.
        validate_every: steps between validations.
        patience: validations without a gain before stopping early; 0 never stops early.
        threads: of torch; None leaves the choice to torch.
        seed: of everything random.
    """

    minutes: float | None = None
    steps: int | None = None
    cell: str = "qrnn"
    layers: int = 3
    width: int = 384
    head_width: int = 256
    dropout: float = 0.1
    batch: int = 16
    chunk: int = 256
    learning_rate: float = 2e-3
    warmup: float = 0.02
    weight_decay: float = 0.02
    clip: float = 1.0
    open_probability: float = 0.15
    shares: dict[str, float] | None = None
    validate_every: int = 200
    validation_events: int = 40_000
    patience: int = 0
    threads: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ConfigError("A run needs a length: either minutes or steps.")
        if (self.minutes or self.steps or 0) <= 0:
            raise ConfigError(f"A run's length is positive; found {self.minutes or self.steps}.")
        if min(self.batch, self.chunk, self.validate_every) < 1:
            raise ConfigError("Batch, chunk and the distance of validations are at least 1.")

    def progress(self, step: int, seconds: float) -> float:
        """Share of the run that is done, 0 to 1."""
        done = step / self.steps if self.steps else seconds / (60 * (self.minutes or 1))
        return min(1.0, done)

    def learning_rate_at(self, progress: float) -> float:
        """Linear warm-up, then half a cosine down to a hundredth."""
        if progress < self.warmup:
            return self.learning_rate * max(progress / self.warmup, 0.01)
        fall = (progress - self.warmup) / (1 - self.warmup)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))
