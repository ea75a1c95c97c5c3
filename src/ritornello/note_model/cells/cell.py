"""What every cell is: a sequence and a state in, a sequence and a state out.

A cell reads a window of two inputs, the current and the previous one, and is used inside a pre-norm
residual block (`ritornello.note_model.network`), so it has no map at its end: that of the next
block mixes what it gives. Nothing is hidden in the module.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]
"""Tensors [batch, numbers], each of its own number of numbers, all zero where a piece starts."""


class Cell(nn.Module):
    """A cell of a width; made as ``Cell(width)``."""

    def initial_state(self, batch: int, width: int) -> State:
        """The state before anything is read; one tensor [batch, width] unless a cell differs."""
        return (torch.zeros(batch, width),)

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        """Read a sequence.

        Args:
            window: [time, batch, 2 * width], the current input and then the previous one.
            state: before it.

        Returns:
            [time, batch, width], and the state after the last input. Reading a sequence at once
            or input by input gives the same.
        """
        raise NotImplementedError
