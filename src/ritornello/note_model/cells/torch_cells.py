"""The classical cells, as torch has them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ritornello.note_model.cells.cell import Cell, State


class _TorchCell(Cell):
    """A cell of torch over the window of two inputs."""

    kind: type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = self.kind(2 * width, width)

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        out, last = self.layer(window, state[0][None].contiguous())
        return out, (last[0],)


class RNN(_TorchCell):
    """Elman's network with tanh."""

    kind = nn.RNN


class GRU(_TorchCell):
    """Gated recurrent unit (Cho et al. 2014)."""

    kind = nn.GRU


class LSTM(_TorchCell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with a forget gate."""

    kind = nn.LSTM

    def initial_state(self, batch: int, width: int) -> State:
        return (torch.zeros(batch, width), torch.zeros(batch, width))

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        start = (state[0][None].contiguous(), state[1][None].contiguous())
        out, (hidden, cell) = self.layer(window, start)
        return out, (hidden[0], cell[0])
