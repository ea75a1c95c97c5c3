"""The note model: a causal recurrent network that writes one note per step.

An event's fields are predicted one after another: a small head each, which sees the state of the
network and what has been chosen so far. The product of the heads is an exact likelihood, because
each is masked to the one legal spelling of a piece (`ritornello.note_model.encoding.notes`).

Time comes first in all sequences: [time, batch, ...].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.note_model.cells import CELLS
from ritornello.note_model.cells.cell import State
from ritornello.note_model.encoding.bar_plan import PLAYS_COLUMNS
from ritornello.note_model.encoding.batch import Batch, legal_classes, tell_no_plan
from ritornello.note_model.encoding.notes import FIELDS, PART, SIZES
from ritornello.note_model.encoding.piece_controls import INSTRUMENT_COLUMNS
from ritornello.note_model.encoding.tables import (
    HEAD_INPUTS,
    column_offsets,
    context_columns,
    head_columns,
)
from ritornello.note_model.encoding.tasks import COMPOSED, GIVEN


@dataclass(frozen=True)
class NoteModelConfig:
    """Settings of the network.

    Attributes:
        cell: a name in `ritornello.note_model.cells.CELLS`.
        layers: residual blocks.
        width: units a block.
        head_width: hidden units of each head.
        dropout: share of a block's output dropped in training.
        collections: number of collections the model tells apart.
        plan: whether it is told plans, see `ritornello.note_model.encoding.bar_plan`.
    """

    cell: str = "qrnn"
    layers: int = 3
    width: int = 384
    head_width: int = 256
    dropout: float = 0.1
    collections: int = 1
    plan: bool = False

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ConfigError(f"No cell is called {self.cell!r}.", next_step=f"Known: {[*CELLS]}.")
        if min(self.layers, self.width, self.head_width) < 1 or not 0 <= self.dropout < 1:
            raise ConfigError(f"Layers and widths are at least 1, dropout below 1; found {self}.")


def to_tensors(batch: Batch[np.ndarray], device: torch.device | str = "cpu") -> Batch[Tensor]:
    """The tables of a batch on a device."""
    return batch.each(lambda name, table: torch.as_tensor(table).to(device))


def append_columns(table: Tensor, row: Sequence[int]) -> Tensor:
    """`tell_no_plan`'s ``append`` for tensors."""
    same = torch.tensor(row, device=table.device).expand(*table.shape[:-1], -1)
    return torch.cat([table, same], dim=-1)


class Lookup(nn.Module):
    """Sum of one embedding per column of class indices; one table for all columns."""

    offsets: Tensor

    def __init__(self, sizes: list[int], width: int) -> None:
        super().__init__()
        offsets = torch.as_tensor(column_offsets(sizes))
        self.register_buffer("offsets", offsets, persistent=False)
        self.table = nn.EmbeddingBag(sum(sizes), width, mode="sum")
        nn.init.normal_(self.table.weight, std=len(sizes) ** -0.5)

    def forward(self, columns: Tensor) -> Tensor:
        flat = (columns + self.offsets).reshape(-1, columns.shape[-1])
        result: Tensor = self.table(flat).reshape(*columns.shape[:-1], -1)
        return result


class Block(nn.Module):
    """x + cell(window of two of norm(x)); its state is (previous normed input, cell state...)."""

    def __init__(self, cell: str, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.cell = CELLS[cell](width)
        self.dropout = nn.Dropout(dropout)

    def initial_state(self, rows: int) -> State:
        """The state before anything is read: tensors [rows, width]."""
        weight = self.norm.weight
        zeros = (torch.zeros(rows, len(weight)), *self.cell.initial_state(rows, len(weight)))
        return tuple(tensor.to(weight.device) for tensor in zeros)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        normed = self.norm(x)
        shifted = torch.cat([state[0][None], normed[:-1]])
        out, cell_state = self.cell(torch.cat([normed, shifted], dim=-1), state[1:])
        return x + self.dropout(out), (normed[-1], *cell_state)


def through(
    blocks: Iterable[nn.Module], x: Tensor, state: list[State]
) -> tuple[Tensor, list[State]]:
    """Read x [time, rows, width] block after block, each from its own state and to the next."""
    after = []
    for block, before in zip(blocks, state, strict=True):
        x, block_state = block(x, before)
        after.append(block_state)
    return x, after


class Head(nn.Module):
    """Logits of one field from the state of the network and the columns known so far."""

    def __init__(self, head: int, config: NoteModelConfig) -> None:
        super().__init__()
        columns = head_columns(head, plan=config.plan)
        self.lookup = Lookup(columns, config.head_width) if columns else None
        self.hidden = nn.Linear(config.width, config.head_width)
        self.out = nn.Linear(config.head_width, SIZES[head])

    def forward(self, trunk: Tensor, columns: Tensor | None) -> Tensor:
        hidden = self.hidden(trunk)
        if self.lookup is not None:
            hidden = hidden + self.lookup(columns)
        result: Tensor = self.out(F.silu(hidden))
        return result


class NoteModel(nn.Module):
    """Reads events, predicts the next one field by field.

    `forward` reads a sequence, `step` one event; both give the same numbers, and both take and
    return the state.
    """

    def __init__(self, config: NoteModelConfig) -> None:
        super().__init__()
        self.config = config
        columns = context_columns(config.collections, plan=config.plan)
        self.embed = Lookup(columns, config.width)
        self.instruments = nn.Linear(INSTRUMENT_COLUMNS, config.width, bias=False)
        self.blocks = nn.ModuleList(
            Block(config.cell, config.width, config.dropout) for _ in range(config.layers)
        )
        if config.plan:
            self.plays = nn.Linear(PLAYS_COLUMNS, config.width, bias=False)
        self.norm = nn.RMSNorm(config.width, eps=1e-5)
        self.heads = nn.ModuleList(Head(index, config) for index in range(len(FIELDS)))

    def settings(self) -> JsonObject:
        """The settings; those of a model that is told no plans do not speak of them."""
        settings = asdict(self.config)
        return settings if self.config.plan else {k: v for k, v in settings.items() if k != "plan"}

    def initial_state(self, batch: int) -> list[State]:
        """The state before a piece starts: for each block a tuple of tensors [batch, width]."""
        return [block.initial_state(batch) for block in cast(list[Block], self.blocks)]

    def trunk(
        self,
        rows: Tensor,
        controls: Tensor,
        instruments: Tensor,
        state: list[State],
        plays: Tensor | None = None,
    ) -> tuple[Tensor, list[State]]:
        """The network under the heads: context rows [time, batch, columns] to [.., width]."""
        steps = controls[None].expand(len(rows), -1, -1)
        x = self.embed(torch.cat([rows, steps], dim=-1)) + self.instruments(instruments)
        if plays is not None:
            x = x + self.plays(plays)
        x, after = through(self.blocks, x, state)
        return self.norm(x), after

    def forward(self, events: Batch[Tensor], state: list[State]) -> tuple[Tensor, list[State]]:
        """Nats of every field of every event.

        Returns:
            float32 [time, batch, 5], the negative log likelihood of each field, 0 for fields an
            event does not have and for those that were given; and the state after the last event.
        """
        if self.config.plan:
            events = tell_no_plan(events, append_columns)
        hidden, state = self.trunk(
            events.context, events.controls, events.instruments, state, events.plays
        )
        return self.nats(hidden, events), state

    def nats(self, hidden: Tensor, events: Batch[Tensor]) -> Tensor:
        """The same as `forward` gives, from what `trunk` gave [time, batch, width]."""
        nats = []
        for head in range(len(FIELDS)):
            logits = self.head_logits(head, hidden, events)
            target = events.fields[..., head]
            least = GIVEN if head <= PART else COMPOSED - 1
            present = (target < SIZES[head]) & (events.counts > least)
            losses = F.cross_entropy(
                logits.flatten(0, -2),
                torch.where(present, target, 0).flatten(),
                reduction="none",
            ).reshape(target.shape)
            # `where` and not a product: a forbidden class costs infinity, and inf * 0 is nan.
            nats.append(torch.where(present, losses, torch.zeros_like(losses)))
        return torch.stack(nats, dim=-1)

    def step(
        self,
        row: Tensor,
        controls: Tensor,
        instruments: Tensor,
        state: list[State],
        plays: Tensor | None = None,
    ) -> tuple[Tensor, list[State]]:
        """One event: context [batch, columns] to the hidden vector [batch, width] and the state.

        `head_logits` turns the hidden vector into the distribution of each field in turn.
        """
        playing = None if plays is None else plays[None]
        hidden, state = self.trunk(row[None], controls, instruments, state, playing)
        return hidden[0], state

    def head_logits(self, head: int, hidden: Tensor, events: Batch[Tensor]) -> Tensor:
        """Masked logits of a field [..., classes], given the fields before it in `events`."""
        columns = [events.table(name) for name in HEAD_INPUTS[head]]
        logits = self.heads[head](hidden, torch.cat(columns, dim=-1) if columns else None)
        mask = self._legal(head, events)
        result: Tensor = logits if mask is None else logits.masked_fill(~mask, -torch.inf)
        return result

    def _legal(self, head: int, events: Batch[Tensor]) -> Tensor | None:
        """The masks of the encoding, bool [..., classes]; None where every class is legal."""
        mask = legal_classes(head, events.fields, events.context, events.closed, events.may_play)
        # A row in which nothing is legal belongs to padding or to a field that is not there, such
        # as the pitch of a rest: leave it open, not empty.
        return None if mask is None else mask | ~mask.any(-1, keepdim=True)
