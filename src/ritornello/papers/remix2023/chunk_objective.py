"""What a network of `remix2023` learns: the squared error of chunks, by epochs of all of them."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError, ConfigError
from ritornello.json_values import JsonObject
from ritornello.papers.remix2023.model import StemConfig, build, bytes_kept
from ritornello.papers.remix2023.stem_job import StemTraining
from ritornello.papers.shared.progress import ProgressFile
from ritornello.training.optimisation import constant
from ritornello.training.run_length import Every, Length
from ritornello.training.run_state import TrainingState
from ritornello.training.trainer import Judgement, Loss, Objective, Standing, Step, Trainer

_FREE = ("epochs", "chunks")  # the folder may have moved; the fingerprint counts


def network(job: StemTraining) -> nn.Module:
    """A network with the weights that it begins with."""
    return build(job.architecture, StemConfig(**job.sizes))  # type: ignore[arg-type]


def train(job: StemTraining) -> JsonObject:
    """Train the network of a job, or go on with it; the values of `Curves`."""
    torch.set_num_threads(1)
    objective = ChunkObjective(job)
    trainer = Trainer(
        objective,
        torch.optim.Adam(objective.network.parameters(), lr=job.learning_rate),
        constant(job.learning_rate),
        Length(steps=job.epochs * objective.epoch_steps, clock=time.process_time),
        clip=None,
        validation=Every(steps=objective.epoch_steps),
        keep=job.state_file,
        identity={name: value for name, value in asdict(job).items() if name not in _FREE},
        stepped=objective.stepped,
        validated=objective.validated,
        saved=lambda: objective.write_curves(trainer.spent.seconds),
    )
    try:
        trainer.resume()
        begun_anew = len(objective.curves["train"]) > job.epochs
    except (ConfigError, CheckpointError):
        begun_anew = True  # of another job
    if begun_anew:
        job.state_file.unlink()
        job.curves_file.unlink(missing_ok=True)
        return train(job)
    objective.progress.write(trainer.done)
    trainer.run()
    return {**objective.curves, "cpu_seconds": trainer.spent.seconds}


class ChunkObjective(Objective[Tensor]):
    """Chunks of what is heard and their stems; batches are numbers of chunks.

    Attributes:
        curves: the values of `Curves`, but for the time. epoch_steps: in an epoch.
        progress: for whoever watches the job.
    """

    def __init__(self, job: StemTraining) -> None:
        self.job = job
        with np.load(job.chunks) as file:
            self._sounds = {name: torch.as_tensor(file[name]) for name in file.files}
        if job.part is not None:
            for side in ("train", "valid"):
                stems = self._sounds[f"{side}_stems"]
                self._sounds[f"{side}_stems"] = stems[..., job.part : job.part + 1]
        step_bytes = bytes_kept(network(job), self._sounds["train_heard"][: job.batch])
        torch.manual_seed(job.seed)
        self.network = network(job)
        self.epoch_steps = -(-len(self._sounds["train_heard"]) // job.batch)
        self._order = torch.zeros(0, dtype=torch.int64)
        self._total = torch.zeros(self._sounds["train_stems"].shape[-1])  # of the epoch so far
        self._rows = 0
        self.progress = ProgressFile(job.progress_file)
        self.curves: JsonObject = {
            "train": [],
            "valid": [],
            "best_epoch": 0,
            "parameters": sum(weight.numel() for weight in self.network.parameters()),
            "step_bytes": step_bytes,
        }

    def batch(self, step: int) -> Tensor:
        """All chunks once in random order, then again in another."""
        place = step % self.epoch_steps
        if place == 0:
            self._order = torch.randperm(len(self._sounds["train_heard"]))
        return self._order[place * self.job.batch : (place + 1) * self.job.batch]

    def loss(self, batch: Tensor) -> Loss:
        made = self.network(self._sounds["train_heard"][batch])
        errors = (made - self._sounds["train_stems"][batch]).square().mean((0, 1))
        self._rows = len(batch)
        return Loss(errors.mean(), 1.0, {str(part): error for part, error in enumerate(errors)})

    def stepped(self, step: Step) -> None:
        """Add to the errors of the epoch."""
        self._total += torch.tensor([*step.parts.values()]) * self._rows
        self.progress.write(step.number / (self.job.epochs * self.epoch_steps))

    def validate(self, network: nn.Module, standing: Standing) -> float:
        stems = self._sounds["valid_stems"]
        made = network(self._sounds["valid_heard"])
        errors: list[float] = (made - stems).square().mean((0, 1)).tolist()
        self.curves["valid"].append(errors)
        self.curves["train"].append((self._total / len(self._sounds["train_heard"])).tolist())
        self._total.zero_()
        return sum(errors)

    def validated(self, judgement: Judgement) -> None:
        """Remember which epoch's weights are kept."""
        if judgement.is_best:
            self.curves["best_epoch"] = len(self.curves["valid"])

    def state(self) -> TrainingState:
        return {"curves": self.curves, "order": self._order, "total": self._total}

    def restore(self, state: TrainingState) -> None:
        self.curves, self._order, self._total = state["curves"], state["order"], state["total"]

    def write_curves(self, seconds: float) -> None:
        """Write what the job has found so far."""
        with atomic_write(self.job.curves_file, overwrite=True) as partial:
            partial.write_text(
                json.dumps({**self.curves, "cpu_seconds": seconds}), encoding="utf-8"
            )
