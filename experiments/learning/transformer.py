"""A causal Transformer over the same events, heads and masks as the note model, to compare with.

Pre-norm blocks with rotary positions and a window of the last 256 events, whose keys and values are
carried from chunk to chunk as the note model carries its state. `python -m experiments.scorecard
transformer` teaches both in turns (`experiments.learning.learners`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.note_model.cells.cell import State
from ritornello.note_model.network import NoteModel, NoteModelConfig

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
        result: Tensor = table.unflatten(-1, (self.heads, _HEAD_WIDTH)).transpose(1, 2)
        return result


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
