"""What a note model learns: nats of composed notes, over rows that carry its state along."""

from __future__ import annotations

import math
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.json_values import JsonObject
from ritornello.note_model.cells.cell import State
from ritornello.note_model.encoding.batch import Batch
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.note_model.fused import fused_network
from ritornello.note_model.network import NoteModel, to_tensors
from ritornello.training.batches import Music, ReadAhead, Rows
from ritornello.training.config import TrainConfig
from ritornello.training.piece_plans import piece_plans
from ritornello.training.ranks import Ranks
from ritornello.training.run_state import TrainingState
from ritornello.training.trainer import Loss, Objective, Standing
from ritornello.training.validate import validate


class NoteBatch(NamedTuple):
    """Events, the state before them, and how many notes of them are composed."""

    events: Batch[Tensor]
    state: list[State]
    notes: int


class NoteObjective(Objective[NoteBatch]):
    """Nats a composed note.

    Args:
        fused: whether steps may use fused operations, see `ritornello.note_model.fused`.

    Attributes:
        figures: of the last validation, see `validate`; empty if there is nothing to validate on.
        initial: the state before an excerpt, tensors [1, width].
    """

    network: NoteModel

    def __init__(
        self,
        network: NoteModel,
        music: Music,
        config: TrainConfig,
        ranks: Ranks | None = None,
        *,
        fused: bool = True,
    ) -> None:
        self.network, self.music, self.config = network, music, config
        self.ranks = ranks or Ranks()
        self._nats = fused_network.nats if fused else NoteModel.__call__
        self._own = self.ranks.share(config.batch)
        self._rows = Rows(
            music,
            shares=config.shares,
            batch=config.batch,
            chunk=config.chunk,
            seed=config.seed,
            excerpt=config.excerpt,
            open_probability=config.open_probability,
            tasks=config.tasks,
            vary_drums=config.vary_drums,
            own=self._own,
            plans=piece_plans(music) if network.config.plan else None,
        )
        self._ahead = ReadAhead(self._rows)
        self._drawn, self._offset = self._rows.drawn.copy(), self._rows.offset.copy()
        self.initial = network.initial_state(1)
        self._state = network.initial_state(len(self._own))
        self.figures: JsonObject = {}

    def batch(self, step: int) -> NoteBatch:
        batch, starts, self._drawn, self._offset = self._ahead.next()
        device = self.network.norm.weight.device
        state = fresh_where(starts, self._state, self.initial)
        return NoteBatch(to_tensors(batch, device), state, int(batch.composed_notes().sum()))

    def loss(self, batch: NoteBatch) -> Loss:
        nats, after = self._nats(self.network, batch.events, batch.state)
        self._state = [tuple(tensor.detach() for tensor in block) for block in after]
        fields = nats.detach().sum((0, 1))
        return Loss(nats.sum(), batch.notes, dict(zip(FIELDS, fields, strict=True)))

    def validate(self, network: nn.Module, standing: Standing) -> float:
        assert isinstance(network, NoteModel)
        task = None if self.config.tasks else "compose"
        self.figures = validate(
            network, self.music, self.config.validation_events, task, self.ranks
        )
        return float(self.figures.get("nats_per_note", math.nan))

    def state(self) -> TrainingState:
        drawn, offset, state = zip(
            *self.ranks.all((self._drawn.tolist(), self._offset.tolist(), self._state)),
            strict=True,
        )
        return {
            "collections": list(self.music.collections),
            "drawn": [*chain(*drawn)],
            "offset": [*chain(*offset)],
            "state": [
                tuple(map(torch.cat, zip(*blocks, strict=True)))
                for blocks in zip(*state, strict=True)
            ],
        }

    def restore(self, state: TrainingState) -> None:
        self._rows.go_to(state["drawn"], state["offset"])
        self._drawn, self._offset = self._rows.drawn.copy(), self._rows.offset.copy()
        device, own = self.network.norm.weight.device, slice(self._own.start, self._own.stop)
        self._state = [
            tuple(tensor[own].to(device) for tensor in block) for block in state["state"]
        ]


def fresh_where(starts: np.ndarray, state: list[State], initial: list[State]) -> list[State]:
    """The initial state [1, width] in the rows that start an excerpt; bool [rows]."""
    fresh = torch.as_tensor(starts, device=state[0][0].device)[:, None]
    return [
        tuple(torch.where(fresh, *pair) for pair in zip(first, block, strict=True))
        for first, block in zip(initial, state, strict=True)
    ]
