"""A network of `remix2023` to train, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ritornello.json_values import JsonObject


@dataclass(frozen=True)
class StemTraining:
    """A network to train.

    Attributes:
        name: of its files. architecture: see `ritornello.papers.remix2023.model`.
        part: index of the part it writes; None for all.
        chunks: the file of `write_chunks`. fingerprint: of that file's sounds.
        epochs, batch, learning_rate: of Adam, on the mean squared error.
        sizes: settings of `StemConfig`. seed: of weights, order and dropout.
    """

    name: str
    architecture: str
    part: int | None
    chunks: str
    fingerprint: int
    epochs: int
    batch: int
    learning_rate: float
    sizes: JsonObject
    seed: int

    @property
    def state_file(self) -> Path:
        return Path(self.chunks).with_name(f"{self.name}.pt")

    @property
    def curves_file(self) -> Path:
        return self.state_file.with_suffix(".json")

    @property
    def progress_file(self) -> Path:
        return self.state_file.with_suffix(".progress")


@dataclass(frozen=True)
class Curves:
    """What a job has done so far.

    Attributes:
        train, valid: mean squared error after each epoch, [epochs][parts it writes].
        cpu_seconds: of training, all epochs.
        best_epoch: whose weights are kept, from 1.
        parameters: of the network. step_bytes: kept in memory for one update.
    """

    train: list[list[float]]
    valid: list[list[float]]
    cpu_seconds: float
    best_epoch: int
    parameters: int
    step_bytes: int
