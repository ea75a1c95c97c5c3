"""Networks that hear given notes otherwise than the package's, to compare with it.

Each is the note model with something more, or less, at its input; the heads and masks are the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from experiments.learning.given_streams import (
    NEXT_FIRST,
    NEXT_LAST,
    NOTE_COLUMNS,
    NOW_FIRST,
    NOW_LAST,
    WAIT,
    WAITS,
    GivenNotes,
)
from ritornello.note_model.cells.cell import State
from ritornello.note_model.encoding.batch import Batch
from ritornello.note_model.encoding.context import CONTEXT_COLUMN
from ritornello.note_model.encoding.given import AHEAD
from ritornello.note_model.encoding.notes import FIELDS, FIRST_PART, NONE, REST
from ritornello.note_model.encoding.tables import column_offsets
from ritornello.note_model.network import Block, NoteModel, NoteModelConfig, through

ENCODER_WIDTH = 128
ENCODER_LAYERS = 2


class Blindfolded(NoteModel):
    """Does not read what the next given note is, nor when: only its masks know."""

    def trunk(
        self,
        rows: Tensor,
        controls: Tensor,
        instruments: Tensor,
        state: list[State],
        plays: Tensor | None = None,
    ) -> tuple[Tensor, list[State]]:
        columns = [CONTEXT_COLUMN[f"ahead_{FIELDS[field]}"] for field in AHEAD]
        part = rows[..., CONTEXT_COLUMN["ahead_part"], None]
        is_note = (part >= FIRST_PART) & (part < REST)
        nothing = torch.tensor([NONE[field] for field in AHEAD])
        rows = rows.clone()
        rows[..., columns] = torch.where(is_note, nothing, rows[..., columns])
        return super().trunk(rows, controls, instruments, state, plays)


class Encoder(nn.Module):
    """Recurrent blocks over the given notes, read in one direction.

    Its states after the notes of the latest onset, and after those of the next one, are projected
    to the width of the composer, at first to nothing.
    """

    def __init__(self, config: NoteModelConfig, *, backward: bool) -> None:
        super().__init__()
        self.backward_in_time = backward
        self.places = (NOW_FIRST, NEXT_FIRST) if backward else (NOW_LAST, NEXT_LAST)
        offsets = torch.as_tensor(column_offsets(list(NOTE_COLUMNS)))
        self.register_buffer("offsets", offsets, persistent=False)
        self.table = nn.EmbeddingBag(sum(NOTE_COLUMNS), ENCODER_WIDTH, mode="sum")
        nn.init.normal_(self.table.weight, std=len(NOTE_COLUMNS) ** -0.5)
        self.blocks = nn.ModuleList(
            Block(config.cell, ENCODER_WIDTH, config.dropout) for _ in range(ENCODER_LAYERS)
        )
        self.norm = nn.RMSNorm(ENCODER_WIDTH, eps=1e-5)
        self.project = nn.Linear(len(self.places) * ENCODER_WIDTH, config.width, bias=False)
        nn.init.zeros_(self.project.weight)

    def forward(self, given: GivenNotes[Tensor]) -> Tensor:
        """What is told at each event, [time, batch, width of the composer]; 0 without notes."""
        columns, numbers = given.notes, given.near[..., self.places]
        if self.backward_in_time:
            places = given.lengths[:, None] - 1 - torch.arange(columns.shape[1])
            columns = columns.take_along_dim(places.clamp(min=0)[..., None], dim=1)
            numbers = torch.where(numbers > 0, given.lengths[:, None, None] + 1 - numbers, 0)
        flat = (columns + cast(Tensor, self.offsets)).flatten(0, 1)
        x = self.table(flat).unflatten(0, columns.shape[:2]).transpose(0, 1)
        state = [block.initial_state(x.shape[1]) for block in cast(list[Block], self.blocks)]
        x, _ = through(self.blocks, x, state)
        states = nn.functional.pad(self.norm(x), (0, 0, 0, 0, 1, 0)).transpose(0, 1)
        batch = torch.arange(len(states))[:, None, None]
        result: Tensor = self.project(states[batch, numbers].flatten(2)).transpose(0, 1)
        return result


class _Asked(nn.Module):
    """Takes the place of the map of the instruments asked for: adds what encoders tell to it."""

    def __init__(self, instruments: nn.Module, encoders: list[Encoder], width: int) -> None:
        super().__init__()
        self.instruments = instruments
        self.encoders = nn.ModuleList(encoders)
        self.wait = nn.Embedding(WAITS, width)
        nn.init.zeros_(self.wait.weight)

    def forward(self, asked: tuple[Tensor, GivenNotes[Tensor]]) -> Tensor:
        instruments, given = asked
        told = torch.zeros(*given.near.shape[1::-1], self.wait.embedding_dim)
        if len(rows := torch.nonzero(given.lengths)[:, 0]):
            longest = int(given.lengths.max())
            some = GivenNotes(given.notes[rows, :longest], given.lengths[rows], given.near[rows])
            found = self.wait(some.near[..., WAIT]).transpose(0, 1)
            found = found + sum(encoder(some) for encoder in self.encoders)
            told = told.index_copy(1, rows, found)
        result: Tensor = self.instruments(instruments) + told
        return result


class Listener(NoteModel):
    """Has encoders of the given notes, whose states are added to what the composer reads.

    Args:
        forward, backward: the directions in which given notes are read.
    """

    def __init__(self, config: NoteModelConfig, *, forward: bool, backward: bool) -> None:
        super().__init__(config)
        ways = [False] * forward + [True] * backward
        encoders = [Encoder(config, backward=way) for way in ways]
        self._ways = ways
        self.add_module("instruments", _Asked(self.instruments, encoders, config.width))

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "encoders_read_backward": self._ways}

    def forward(
        self, events: Batch[Tensor], state: list[State], given: GivenNotes[Tensor] | None = None
    ) -> tuple[Tensor, list[State]]:
        """As `NoteModel.forward`, with the given notes around the events."""
        asked = cast(Tensor, (events.instruments, given))
        return super().forward(replace(events, instruments=asked), state)
