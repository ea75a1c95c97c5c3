"""The plan network in torch, to be trained: rows of bars in, nats of each field out.

Time comes first in all sequences: [time, batch, ...].
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.json_values import JsonObject
from ritornello.note_model.cells.cell import State
from ritornello.note_model.network import Block, Lookup, through
from ritornello.plan_model.network_inputs import LEFT_COLUMN, PlanInputs
from ritornello.plan_model.past import FEATURES, HEADS, LEGAL, PARTS, PLAYER, STATIC, TRUNK
from ritornello.plan_model.plan_rows import FIELDS, LABEL, NONE, SIZES


@dataclass(frozen=True)
class PlanNetConfig:
    """Settings of the network.

    Attributes:
        cell, layers, width, head_width, dropout, collections: as of
            `ritornello.note_model.network.NoteModelConfig`.
    """

    cell: str = "qrnn"
    layers: int = 2
    width: int = 128
    head_width: int = 96
    dropout: float = 0.1
    collections: int = 1


class Bars(NamedTuple):
    """A batch of plans, side by side and padded.

    fields int64 [time, batch, 11], NONE where there is no bar; trunk int64 [time, batch, columns];
    played float32 [time, batch, parts]; candidates uint8 [time, batch, distances]; heads, each
    int64 [time, batch, columns]; legal bool [time, batch, classes], of begins and labels; players
    int64 [rows, columns]; plays float32 [rows]; place int64 [rows], time * batch + row;
    static int64 [batch, columns], the last the collection; in_piece float32 [batch, parts].
    """

    fields: Tensor
    trunk: Tensor
    played: Tensor
    candidates: Tensor
    heads: dict[str, Tensor]
    legal: tuple[Tensor, Tensor]
    players: Tensor
    plays: Tensor
    place: Tensor
    static: Tensor
    in_piece: Tensor


class _Head(nn.Module):
    """Logits from the state of the network and columns of class indices."""

    def __init__(self, columns: tuple[int, ...], classes: int, config: PlanNetConfig) -> None:
        super().__init__()
        self.lookup = Lookup([*columns], config.head_width) if columns else None
        self.hidden = nn.Linear(config.width, config.head_width)
        self.out = nn.Linear(config.head_width, classes)

    def forward(self, state: Tensor, columns: Tensor) -> Tensor:
        hidden = self.hidden(state)
        if self.lookup is not None:
            hidden = hidden + self.lookup(columns)
        return cast(Tensor, self.out(F.silu(hidden)))


class PlanNet(nn.Module):
    """Reads plans, predicts each bar field by field."""

    def __init__(self, config: PlanNetConfig) -> None:
        super().__init__()
        self.config = config
        columns = [*TRUNK, *STATIC, config.collections + 1]
        self.embed = Lookup(columns, config.width)
        self.in_piece = nn.Linear(PARTS, config.width, bias=False)
        self.played = nn.Linear(PARTS, config.width, bias=False)
        self.blocks = nn.ModuleList(
            Block(config.cell, config.width, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.RMSNorm(config.width, eps=1e-5)
        self.heads = nn.ModuleDict(
            {
                name: _Head(HEADS[name], size, config)
                for name, size in zip(FIELDS, SIZES, strict=True)
            }
        )
        self.worth = nn.Linear(config.width, FEATURES)  # of what speaks for an earlier bar
        self.player = _Head(PLAYER, 1, config)

    def settings(self) -> JsonObject:
        return asdict(self.config)

    def initial_state(self, batch: int) -> list[State]:
        return [block.initial_state(batch) for block in cast(list[Block], self.blocks)]

    def trunk(self, bars: Bars, state: list[State]) -> tuple[Tensor, list[State]]:
        """The network under the heads, [time, batch, width], and the state after."""
        static = bars.static[None].expand(len(bars.trunk), -1, -1)
        x = self.embed(torch.cat([bars.trunk, static], dim=-1))
        x = x + self.played(bars.played) + self.in_piece(bars.in_piece)
        x, after = through(self.blocks, x, state)
        return self.norm(x), after

    def forward(self, bars: Bars, state: list[State]) -> tuple[Tensor, Tensor, list[State]]:
        """Nats of all that a batch has.

        Returns:
            float32 [time, batch, 11], 0 for fields a bar does not have; float32 [rows], of each
            player; and the state after the last bar.
        """
        hidden, after = self.trunk(bars, state)
        nats = []
        for index, name in enumerate(FIELDS):
            logits = self.logits(name, hidden, bars)
            target = bars.fields[..., index]
            present = target < NONE[index]
            losses = F.cross_entropy(
                logits.flatten(0, 1), torch.where(present, target, 0).flatten(), reduction="none"
            ).reshape(target.shape)
            nats.append(torch.where(present, losses, torch.zeros_like(losses)))
        return torch.stack(nats, dim=-1), self._player_nats(hidden, bars), after

    def logits(self, name: str, hidden: Tensor, bars: Bars) -> Tensor:
        """Masked logits of a field, [time, batch, classes]."""
        logits = cast(Tensor, self.heads[name](hidden, bars.heads[name]))
        if name == "back":
            bits = bars.candidates[..., None] >> torch.arange(FEATURES, dtype=torch.uint8)
            speaks = (bits & 1).float()
            logits = logits + (speaks @ self.worth(hidden)[..., None])[..., 0]
            result: Tensor = logits.masked_fill((bars.candidates & LEGAL) == 0, -torch.inf)
            return result
        if name in ("begins", FIELDS[LABEL]):
            legal = bars.legal[FIELDS.index(name)]
            # A padded bar has nothing legal: leave it open, not empty.
            return logits.masked_fill(~(legal | ~legal.any(-1, keepdim=True)), -torch.inf)
        return logits

    def _player_nats(self, hidden: Tensor, bars: Bars) -> Tensor:
        state = hidden.flatten(0, 1)[bars.place]
        logits = self.player(state, bars.players)[:, 0]
        return F.binary_cross_entropy_with_logits(logits, bars.plays, reduction="none")


def stacked(plans: list[PlanInputs], collections: list[int], left_hidden: list[bool]) -> Bars:
    """Plans as a batch.

    Args:
        collections: the class of each. left_hidden: for which the number of bars is not told.
    """
    time, batch = max(map(len, plans)), len(plans)
    unknown = TRUNK[LEFT_COLUMN] - 1

    def padded(tables: list[np.ndarray], fill: Any = 0) -> Tensor:
        shape = (time, batch, *tables[0].shape[1:])
        out = np.full(shape, fill, tables[0].dtype)
        for row, table in enumerate(tables):
            out[: len(table), row] = table
        return torch.as_tensor(out)

    trunks, players = [], []
    for plan, hide in zip(plans, left_hidden, strict=True):
        trunk, player = plan.trunk, plan.players
        if hide:
            trunk, player = trunk.copy(), player.copy()
            trunk[:, LEFT_COLUMN] = unknown
            player[:, -1] = unknown
        trunks.append(trunk)
        players.append(player)
    places = [plan.player_bars * batch + row for row, plan in enumerate(plans)]
    statics = [np.append(plan.static, c) for plan, c in zip(plans, collections, strict=True)]
    return Bars(
        padded([plan.fields for plan in plans], np.array(NONE)),
        padded(trunks).long(),
        padded([plan.played for plan in plans]),
        padded([plan.candidates for plan in plans], LEGAL),
        {name: padded([plan.heads[name] for plan in plans]).long() for name in FIELDS},
        (
            padded([plan.legal_begins for plan in plans], False),
            padded([plan.legal_labels for plan in plans], False),
        ),
        torch.as_tensor(np.concatenate(players)).long(),
        torch.as_tensor(np.concatenate([plan.plays for plan in plans])).float(),
        torch.as_tensor(np.concatenate(places)),
        torch.as_tensor(np.stack(statics)).long(),
        torch.as_tensor(np.stack([plan.in_piece for plan in plans])),
    )
