"""Which weights of a model learn somebody's music: all, low-rank adapters, one style, the start.

Each way prepares a network for training: what is not to change is frozen. The fewer numbers a way
learns, the smaller the file that has to be kept of it, and the less of the model can be forgotten.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ritornello.note_model.network import NoteModel
from ritornello.training.note_objective import NoteObjective

WAYS = ("rehearsed", "all weights", "adapters", "style", "start")
_RANK = 8
_START = "start_"


class LowRank(nn.Module):
    """A matrix W as W + BA, of which B and A alone learn (Hu et al. 2021, LoRA, equation 3).

    B is zero at first, so that nothing has changed then.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.up = nn.Parameter(torch.zeros(rows, _RANK))
        self.down = nn.Parameter(torch.randn(_RANK, columns) / columns**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down


class OneRow(nn.Module):
    """A table of which one row learns, as a vector that is added to it."""

    def __init__(self, table: Tensor, row: int) -> None:
        super().__init__()
        self.row = row
        self.change = nn.Parameter(torch.zeros(table.shape[1]))

    def forward(self, table: Tensor) -> Tensor:
        row = torch.tensor([self.row], device=table.device)
        return table.index_add(0, row, self.change[None])


def prepare(objective: NoteObjective, way: str, row: int) -> int:
    """Freeze what does not learn; how many numbers do.

    Args:
        objective: its network and the state that it begins excerpts with. way: one of `WAYS`.
        row: of the table of embeddings, that of the new music's collection.
    """
    network = objective.network
    if way not in ("rehearsed", "all weights"):
        network.requires_grad_(False)
        table = network.embed.table
        parametrize.register_parametrization(table, "weight", OneRow(table.weight, row))
    if way == "adapters":
        for layer in [each for each in network.modules() if isinstance(each, nn.Linear)]:
            parametrize.register_parametrization(layer, "weight", LowRank(layer.weight))
    if way == "start":
        objective.initial = [
            tuple(nn.Parameter(part) for part in block) for block in objective.initial
        ]
        parts = [part for block in objective.initial for part in block]
        for number, part in enumerate(parts):  # so that the optimiser sees them
            network.register_parameter(f"{_START}{number}", cast(nn.Parameter, part))
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


def plain_weights(network: NoteModel) -> dict[str, Tensor]:
    """The weights as those of an ordinary network: what was added is added up."""
    for module in [each for each in network.modules() if parametrize.is_parametrized(each)]:
        parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    state = network.state_dict()
    return {name: each for name, each in state.items() if not name.startswith(_START)}
