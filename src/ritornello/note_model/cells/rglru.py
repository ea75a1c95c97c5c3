"""RG-LRU: every unit has a decay of its own, and a gate says how much of it to apply."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.note_model.cells.cell import Cell, State
from ritornello.note_model.cells.linear_recurrence import scan

_SHARPNESS = 8.0  # the paper's c
_SMALLEST = 1e-6  # of 1 - a**2; its square root has no slope to learn from at zero


class RGLRU(Cell):
    """Real-gated linear recurrent unit (De et al. 2024, "Griffin", equations 1 to 4).

    a[t] = sigmoid(rate) ** (c * r[t]) and
    h[t] = a[t] * h[t-1] + sqrt(1 - a[t]**2) * i[t] * x[t],
    with gates r and i. As in the paper's recurrent block, a GeLU branch beside it gates what it
    gives. The window of two takes the place of the block's convolution over four.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = nn.Linear(2 * width, 4 * width)
        # At first a fully open gate keeps 0.9 to 0.999 of a unit, as in the paper.
        kept = torch.empty(width).uniform_(0.9, 0.999)
        self.rate = nn.Parameter(-torch.log(torch.expm1(-torch.log(kept) / _SHARPNESS)))

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        value, recurrence, entry, branch = self.gates(window).chunk(4, dim=-1)
        log_keep = -_SHARPNESS * F.softplus(-self.rate) * torch.sigmoid(recurrence)
        gain = torch.sqrt(torch.clamp(-torch.expm1(2 * log_keep), min=_SMALLEST))
        hidden = scan(torch.exp(log_keep), gain * torch.sigmoid(entry) * value, state[0])
        return F.gelu(branch, approximate="tanh") * hidden, (hidden[-1],)
