"""A causal Transformer over the same events, heads and masks as the note model, to compare with.

Pre-norm blocks with rotary positions and a window of the last 256 events, whose keys and values are
carried from chunk to chunk as the note model carries its state. Both are taught in turns, in one
process on one thread, each until it has used its CPU seconds: a busy machine slows both alike.
`python -m benchmarks.scorecard transformer` runs the comparison.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.encodings.notes import SIZES, VELOCITY
from ritornello.models.cells import State
from ritornello.models.note_model import Events, NoteModel, NoteModelConfig
from ritornello.training.batches import Music, Rows
from ritornello.training.config import TrainConfig
from ritornello.training.validate import validate

WINDOW_EVENTS = 256
_HEAD_WIDTH = 64
_ROTARY_BASE = 10_000.0


class AttentionBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)).

    Its state is (keys, values, count): those of the last `WINDOW_EVENTS` events, flattened to
    [batch, events * width], and how many of them are real, [batch, 1]. All zero is the start of a
    piece.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.heads = width // _HEAD_WIDTH
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp_norm = nn.RMSNorm(width, eps=1e-5)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        time_steps, batch, width = x.shape
        queries, keys, values = self.project(self.norm(x)).transpose(0, 1).chunk(3, dim=-1)
        keys = torch.cat([state[0].view(batch, WINDOW_EVENTS, width), keys], dim=1)
        values = torch.cat([state[1].view(batch, WINDOW_EVENTS, width), values], dim=1)
        places = torch.arange(keys.shape[1], device=x.device)
        attended = F.scaled_dot_product_attention(
            _turned(self._split(queries), places[WINDOW_EVENTS:]),
            _turned(self._split(keys), places),
            self._split(values),
            attn_mask=_within_window(places, state[2]),
        )
        x = x + self.dropout(self.out(attended.permute(2, 0, 1, 3).flatten(2)))
        x = x + self.dropout(self.mlp(self.mlp_norm(x)))
        kept = (table[:, -WINDOW_EVENTS:].flatten(1) for table in (keys, values))
        return x, (*kept, torch.clamp(state[2] + time_steps, max=WINDOW_EVENTS))

    def _split(self, table: Tensor) -> Tensor:
        """[batch, events, width] to [batch, heads, events, width of a head]."""
        return table.unflatten(-1, (self.heads, _HEAD_WIDTH)).transpose(1, 2)


def _within_window(places: Tensor, count: Tensor) -> Tensor:
    """Which keys a query may see: the last events up to itself; bool [batch, 1, queries, keys]."""
    back = places[WINDOW_EVENTS:, None] - places[None]
    near = (back >= 0) & (back < WINDOW_EVENTS)
    real = places[None] >= WINDOW_EVENTS - count
    return near[None, None] & real[:, None, None]


def _turned(table: Tensor, places: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2021) of [batch, heads, events, width]."""
    half = table.shape[-1] // 2
    speeds = _ROTARY_BASE ** (-torch.arange(half, device=table.device) / half)
    angles = places[:, None] * speeds
    first, second = table[..., :half], table[..., half:]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class Transformer(NoteModel):
    """The note model with attention in place of its recurrent blocks."""

    def __init__(self, config: NoteModelConfig) -> None:
        super().__init__(config)
        self.blocks = nn.ModuleList(
            AttentionBlock(config.width, config.dropout) for _ in range(config.layers)
        )

    def initial_state(self, batch: int) -> list[State]:
        kept = torch.zeros(batch, WINDOW_EVENTS * self.config.width)
        count = torch.zeros(batch, 1)
        return [(kept, kept, count) for _ in self.blocks]


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


# --- teaching in turns ----------------------------------------------------------------------------


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

    def __post_init__(self) -> None:
        self.rows = Rows(
            self.music,
            shares=self.config.shares,
            batch=self.config.batch,
            chunk=self.config.chunk,
            seed=self.config.seed,
            open_probability=self.config.open_probability,
        )
        self.state = self.model.initial_state(self.config.batch)
        by_rank: dict[bool, list[nn.Parameter]] = {True: [], False: []}
        for parameter in self.model.parameters():
            by_rank[parameter.ndim > 1].append(parameter)
        groups = [
            {"params": by_rank[True], "weight_decay": self.config.weight_decay},
            {"params": by_rank[False], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))

    def step(self, budget_cpu_seconds: float) -> None:
        """One step of the optimiser; the learning rate falls as the budget is used up."""
        began = time.process_time()
        arrays, starts = self.rows.next()
        keep = torch.as_tensor(~starts, dtype=torch.float32)[:, None]
        self.state = [tuple(tensor * keep for tensor in block) for block in self.state]
        rate = self.config.learning_rate_at(min(1.0, self.cpu_seconds / budget_cpu_seconds))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        nats, after = self.model(Events(*map(torch.as_tensor, arrays)), self.state)
        count = int((arrays[0][..., VELOCITY] < SIZES[VELOCITY]).sum())
        (nats.sum() / max(count, 1)).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.state = [tuple(tensor.detach() for tensor in block) for block in after]
        self.steps, self.notes = self.steps + 1, self.notes + count
        self.cpu_seconds += time.process_time() - began

    def validate(self) -> None:
        """Score the validation split; its time is not counted."""
        figures = validate(self.model, self.music, self.config.validation_events)
        self.validations.append({"cpu_seconds": round(self.cpu_seconds, 1), **figures})

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
) -> None:
    """Teach each learner for its CPU seconds; the one that has used least takes the next step."""
    while going := [learner for learner in learners if learner.cpu_seconds < cpu_seconds]:
        learner = min(going, key=lambda each: each.cpu_seconds)
        learner.step(cpu_seconds)
        if learner.cpu_seconds >= (len(learner.validations) + 1) * cpu_seconds / validations:
            learner.validate()
            nats = learner.validations[-1]["nats_per_note"]
            say(f"{learner.name}: {nats:.3f} nats a note after {learner.cpu_seconds:.0f} CPU s")
