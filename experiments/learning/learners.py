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
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.atomic import atomic_write
from ritornello.errors import ConfigError
from ritornello.note_model.cells.cell import State
from ritornello.note_model.encoding.batch import Batch
from ritornello.note_model.network import NoteModel, to_tensors
from ritornello.training.batches import Music, Rows
from ritornello.training.config import TrainConfig
from ritornello.training.validate import validate

R = TypeVar("R", bound=Rows)


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@dataclass
class Learner:
    """A network and what it has used so far; see `TrainConfig` for what its settings mean."""

    name: str
    model: NoteModel
    config: TrainConfig
    music: Music
    cpu_seconds: float = 0.0
    steps: int = 0
    notes: int = 0
    validations: list[dict[str, Any]] = field(default_factory=list)

    _COUNTS = ("cpu_seconds", "steps", "notes", "validations")

    def __post_init__(self) -> None:
        self.rows = self.walk(Rows)
        self.state = self.model.initial_state(self.config.batch)
        by_rank: dict[bool, list[nn.Parameter]] = {True: [], False: []}
        for parameter in self.model.parameters():
            by_rank[parameter.ndim > 1].append(parameter)
        groups = [
            {"params": by_rank[True], "weight_decay": self.config.weight_decay},
            {"params": by_rank[False], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))

    def walk(self, kind: type[R]) -> R:
        """Rows of a kind, with the settings of this learner."""
        return kind(
            self.music,
            shares=self.config.shares,
            batch=self.config.batch,
            chunk=self.config.chunk,
            seed=self.config.seed,
            open_probability=self.config.open_probability,
            tasks=self.config.tasks,
        )

    def nats(self, batch: Batch[np.ndarray], state: list[State]) -> tuple[Tensor, list[State]]:
        """What the network says of a batch; see `NoteModel.forward`."""
        return self.model(to_tensors(batch), state)

    def step(self, budget_cpu_seconds: float) -> None:
        """One step of the optimiser; the learning rate falls as the budget is used up."""
        began = time.process_time()
        batch, starts = self.rows.next()
        keep = torch.as_tensor(~starts, dtype=torch.float32)[:, None]
        self.state = [tuple(tensor * keep for tensor in block) for block in self.state]
        rate = self.config.learning_rate_at(min(1.0, self.cpu_seconds / budget_cpu_seconds))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(self.config.seed + self.steps)
        self.model.train()
        nats, after = self.nats(batch, self.state)
        count = int(batch.composed_notes().sum())
        (nats.sum() / max(count, 1)).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.state = [tuple(tensor.detach() for tensor in block) for block in after]
        self.steps, self.notes = self.steps + 1, self.notes + count
        self.cpu_seconds += time.process_time() - began

    def validate(self) -> None:
        """Score the validation split; its time is not counted."""
        task = None if self.config.tasks else "compose"
        figures = validate(self.model, self.music, self.config.validation_events, task)
        self.validations.append({"cpu_seconds": round(self.cpu_seconds, 1), **figures})

    def save(self, path: Path) -> None:
        """Write all that is needed to go on."""
        saved = {
            "settings": self._settings(),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "state": self.state,
            "drawn": self.rows.drawn.tolist(),
            "offset": self.rows.offset.tolist(),
            **{name: getattr(self, name) for name in self._COUNTS},
        }
        with atomic_write(path, overwrite=True) as temporary:
            torch.save(saved, temporary)

    def restore(self, path: Path) -> None:
        """Go on from what was saved.

        Raises:
            ConfigError: if that was another network, or was taught otherwise.
        """
        saved = torch.load(path, weights_only=True)
        then, now = saved["settings"], self._settings()
        if differing := [name for name in now if then.get(name) != now[name]]:
            changes = (f"{name} was {then.get(name)}, is {now[name]}" for name in differing)
            raise ConfigError(
                f"The run that was begun here has other settings: {'; '.join(changes)}.",
                where=str(path),
                next_step="Keep the settings, or begin in another folder.",
            )
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.state = saved["state"]
        self.rows.drawn[:], self.rows.offset[:] = saved["drawn"], saved["offset"]
        for name in self._COUNTS:
            setattr(self, name, saved[name])

    def _settings(self) -> dict[str, Any]:
        return {**asdict(self.config), **self.model.settings()}

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
