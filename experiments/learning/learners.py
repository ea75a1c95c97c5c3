"""Networks that learn in turns: equal CPU time for each, on a machine however busy.

All run in one process on one thread, each until it has used its CPU seconds; the one that has used
least takes the next step, so what slows the machine slows all alike. What a step reads and drops is
a function of seed and step, and a learner can be saved and go on later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.note_model.cells.cell import State
from ritornello.note_model.encoding.batch import Batch
from ritornello.note_model.network import NoteModel, to_tensors
from ritornello.training.batches import Music, Rows
from ritornello.training.config import TrainConfig
from ritornello.training.note_objective import fresh_where
from ritornello.training.optimisation import adamw, cosine
from ritornello.training.run_length import Length
from ritornello.training.trainer import Loss, Objective, Trainer
from ritornello.training.validate import validate


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@dataclass
class Learner:
    """A network and what it has used so far; see `TrainConfig` for what its settings mean.

    Networks are run as torch has them, so that none is ahead for operations that only it has.
    """

    name: str
    model: NoteModel
    config: TrainConfig
    music: Music
    validations: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.config
        self.trainer = Trainer(
            _Walk(self, self.rows()),
            adamw(self.model, weight_decay=config.weight_decay),
            cosine(config.learning_rate, warmup=config.warmup, least=0.01),
            Length(steps=1),  # each step says how long the run is
            clip=config.clip,
            identity={**asdict(config), **self.model.settings()},
        )

    @property
    def cpu_seconds(self) -> float:
        return self.trainer.spent.seconds

    @property
    def steps(self) -> int:
        return self.trainer.spent.steps

    @property
    def notes(self) -> int:
        return int(self.trainer.spent.count)

    def rows(self) -> Rows:
        """What it reads, from the beginning."""
        return Rows(**self.walk())

    def walk(self) -> dict[str, Any]:
        """The settings of its rows."""
        return {
            "music": self.music,
            "shares": self.config.shares,
            "batch": self.config.batch,
            "chunk": self.config.chunk,
            "seed": self.config.seed,
            "open_probability": self.config.open_probability,
            "tasks": self.config.tasks,
        }

    def nats(self, batch: Batch[np.ndarray], state: list[State]) -> tuple[Tensor, list[State]]:
        """What the network says of a batch; see `NoteModel.forward`."""
        result: tuple[Tensor, list[State]] = self.model(to_tensors(batch), state)
        return result

    def step(self, budget_cpu_seconds: float) -> None:
        """One step of the optimiser; the learning rate falls as the budget is used up."""
        self.trainer.length = Length(
            seconds=budget_cpu_seconds, clock=time.process_time, with_validation=False
        )
        self.trainer.step()

    def validate(self) -> None:
        """Score the validation split; its time is not counted."""
        task = None if self.config.tasks else "compose"
        figures = validate(self.model, self.music, self.config.validation_events, task)
        self.validations.append({"cpu_seconds": round(self.cpu_seconds, 1), **figures})

    def save(self, path: Path) -> None:
        """Write all that is needed to go on."""
        self.trainer.keep = path
        self.trainer.save()

    def restore(self, path: Path) -> None:
        """Go on from what was saved.

        Raises:
            ConfigError: if that was another network, or was taught otherwise.
        """
        self.trainer.keep = path
        self.trainer.resume()

    def figures(self) -> dict[str, Any]:
        return {
            "parameters": parameters(self.model),
            "parameters_of_blocks": parameters(self.model.blocks),
            "layers": self.model.config.layers,
            "width": self.model.config.width,
            "learning_rate": self.config.learning_rate,
            "cpu_seconds": round(self.cpu_seconds, 1),
            "steps": self.steps,
            "notes_seen": self.notes,
            "notes_a_cpu_second": round(self.notes / self.cpu_seconds),
            "nats_per_note": self.validations[-1]["nats_per_note"],
            "fields": self.validations[-1]["fields"],
            "curve": [
                [each["cpu_seconds"], round(each["nats_per_note"], 4)] for each in self.validations
            ],
        }


class _Walk(Objective[tuple[Batch[np.ndarray], list[State]]]):
    """What a learner learns: its rows, in the order of its seed, with dropout by step."""

    def __init__(self, learner: Learner, rows: Rows) -> None:
        self.network, self._learner, self._rows = learner.model, learner, rows
        self._initial = learner.model.initial_state(1)
        self._state = learner.model.initial_state(learner.config.batch)

    def batch(self, step: int) -> tuple[Batch[np.ndarray], list[State]]:
        batch, starts = self._rows.next()
        torch.manual_seed(self._learner.config.seed + step)
        return batch, fresh_where(starts, self._state, self._initial)

    def loss(self, batch: tuple[Batch[np.ndarray], list[State]]) -> Loss:
        nats, after = self._learner.nats(*batch)
        self._state = [tuple(tensor.detach() for tensor in block) for block in after]
        return Loss(nats.sum(), int(batch[0].composed_notes().sum()))

    def state(self) -> dict[str, Any]:
        return {
            "state": self._state,
            "drawn": self._rows.drawn.tolist(),
            "offset": self._rows.offset.tolist(),
            "validations": self._learner.validations,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._state = state["state"]
        self._rows.go_to(state["drawn"], state["offset"])
        self._learner.validations = state["validations"]


def teach_in_turns(
    learners: Sequence[Learner],
    cpu_seconds: float,
    *,
    validations: int = 4,
    say: Callable[[str], None] = lambda sentence: None,
    watch: Callable[[Learner], None] = lambda learner: None,
) -> None:
    """Teach each learner for its CPU seconds; the one that has used least takes the next step.

    Args:
        validations: of each learner, evenly spread over its time.
        watch: called with the learner after each step.
    """
    while going := [learner for learner in learners if learner.cpu_seconds < cpu_seconds]:
        learner = min(going, key=lambda each: each.cpu_seconds)
        learner.step(cpu_seconds)
        if learner.cpu_seconds >= (len(learner.validations) + 1) * cpu_seconds / validations:
            learner.validate()
            nats = learner.validations[-1]["nats_per_note"]
            say(f"{learner.name}: {nats:.3f} nats a note after {learner.cpu_seconds:.0f} CPU s")
        watch(learner)
