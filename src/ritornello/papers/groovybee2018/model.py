"""The two networks of `groovybee2018`: the next vector of velocities from those before it.

Two layers of LSTM with dropout between them, and a linear map back to the 128 pitches. One form
uses the library's stacked layers, the other steps cells by hand and is trained with its state
carried from window to window. With the same weights and state both give the same numbers; the
kept state is all that sets them apart.

Time comes first: rows are [time, batch, 128], velocities from 0 to 1.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.papers.groovybee2018.encoding import PITCHES

State = tuple[Tensor, Tensor]  # hidden and cell, each [layers, batch, hidden]


class _VelocityLSTM(nn.Module):
    """What both forms share. ``keeps_state``: whether windows of a part go on from the last one."""

    keeps_state = False

    def __init__(self, hidden: int, layers: int) -> None:
        super().__init__()
        self.shape = (layers, hidden)
        self.out = nn.Linear(hidden, PITCHES)

    def initial_state(self, batch: int) -> State:
        """Zeros."""
        layers, hidden = self.shape
        return (torch.zeros(layers, batch, hidden), torch.zeros(layers, batch, hidden))


class StackedLSTM(_VelocityLSTM):
    """`torch.nn.LSTM`, its layers stacked; each window starts from zeros."""

    def __init__(self, hidden: int = 512, layers: int = 2, dropout: float = 0.2) -> None:
        super().__init__(hidden, layers)
        self.layers = nn.LSTM(PITCHES, hidden, layers, dropout=dropout)

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """The vector after the rows [time, batch, 128]: [batch, 128], and the state."""
        out, state = self.layers(rows, state)
        return self.out(out[-1]), state


class SteppedLSTM(_VelocityLSTM):
    """`torch.nn.LSTMCell`, stepped by hand; its state is kept from window to window."""

    keeps_state = True

    def __init__(self, hidden: int = 512, layers: int = 2, dropout: float = 0.2) -> None:
        super().__init__(hidden, layers)
        sizes = [PITCHES, *[hidden] * layers]
        self.cells = nn.ModuleList(map(nn.LSTMCell, sizes[:-1], sizes[1:]))
        self.dropout = dropout

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """The vector after the rows [time, batch, 128]: [batch, 128], and the state."""
        for row in rows:
            top, state = self._advance(row, state)
        return self.out(top), state

    def step(self, row: Tensor, state: State) -> tuple[Tensor, State]:
        """One row [batch, 128]: the vector after it, and the state."""
        result: tuple[Tensor, State] = self(row[None], state)
        return result

    def _advance(self, row: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, carry = [], []
        for layer, cell in enumerate(cast(list[nn.LSTMCell], self.cells)):
            if layer:
                row = F.dropout(row, self.dropout, self.training)
            row, kept = cell(row, (state[0][layer], state[1][layer]))
            hidden.append(row)
            carry.append(kept)
        return row, (torch.stack(hidden), torch.stack(carry))


FORMS: dict[str, type[StackedLSTM] | type[SteppedLSTM]] = {
    "stacked": StackedLSTM,
    "LSTMCell": SteppedLSTM,
}
