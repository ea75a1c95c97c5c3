"""minGRU: a GRU whose gate and candidate no longer look at the state, so that it is a scan."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ritornello.note_model.cells.cell import Cell, State
from ritornello.note_model.cells.linear_recurrence import scan


class MinGRU(Cell):
    """Minimal gated recurrent unit (Feng et al. 2024, "Were RNNs all we needed?", section 3.1).

    h[t] = (1 - z[t]) * h[t-1] + z[t] * candidate[t], without a reset gate, without tanh around the
    candidate and without an output gate. Here the gate and the candidate read a window of two.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = nn.Linear(2 * width, 2 * width)
        with torch.no_grad():  # time constants as the QRNN's: from one note to a few hundred
            self.gates.bias[width:].uniform_(-5.0, 0.0)

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        candidate, update = self.gates(window).chunk(2, dim=-1)
        update = torch.sigmoid(update)
        hidden = scan(1 - update, update * candidate, state[0])
        return hidden, (hidden[-1],)
