"""QRNN: a gated running average, with nothing multiplied by the recurrent state."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ritornello.note_model.cells.cell import Cell, State
from ritornello.note_model.cells.linear_recurrence import scan


class QRNN(Cell):
    """Gated running average over a window of two inputs (Bradbury et al. 2016, fo-pooling).

    One linear map gives candidate, forget gate and output gate, so a step is one matrix product.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = nn.Linear(2 * width, 3 * width)
        with torch.no_grad():  # start with time constants from one note to a few hundred
            self.gates.bias[width : 2 * width].uniform_(0.0, 5.0)

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        candidate, forget, output = self.gates(window).chunk(3, dim=-1)
        forget = torch.sigmoid(forget)
        carried = scan(forget, (1 - forget) * torch.tanh(candidate), state[0])
        return torch.sigmoid(output) * carried, (carried[-1],)
