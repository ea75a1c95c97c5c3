"""Recurrent cells, one interface: a sequence and a state in, a sequence and a state out.

Each cell reads a window of two inputs, the current and the previous one, and is used inside a
pre-norm residual block (`ritornello.models.note_model`). A state is a tuple of tensors [batch, ...]
and nothing is hidden in the module.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]


class _Scan(torch.autograd.Function):
    """c[t] = forget[t] * c[t-1] + update[t] along time, first axis; one fused step per tick."""

    @staticmethod
    def forward(ctx: Any, forget: Tensor, update: Tensor, start: Tensor) -> Tensor:
        out = torch.empty_like(update)
        carry = start
        for t in range(len(update)):
            carry = torch.addcmul(update[t], forget[t], carry, out=out[t])
        ctx.save_for_backward(forget, out, start)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        forget, out, start = ctx.saved_tensors
        flow = grad.contiguous().clone()
        for t in range(len(flow) - 2, -1, -1):
            flow[t].addcmul_(forget[t + 1], flow[t + 1])
        before = torch.cat([start[None], out[:-1]])
        return flow * before, flow, flow[0] * forget[0]


def scan(forget: Tensor, update: Tensor, start: Tensor) -> Tensor:
    """The linear recurrence c[t] = forget[t] * c[t-1] + update[t].

    Args:
        forget, update: [time, batch, width].
        start: c[-1], [batch, width].
    """
    return _Scan.apply(forget, update, start)


class QRNN(nn.Module):
    """Gated running average over a window of two inputs (Bradbury et al. 2016, fo-pooling).

    One linear map gives candidate, forget gate and output gate; nothing is multiplied with the
    recurrent state, so a step is one matrix product.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = nn.Linear(2 * width, 3 * width)
        with torch.no_grad():  # start with time constants from one note to a few hundred
            self.gates.bias[width : 2 * width].uniform_(0.0, 5.0)

    def initial_state(self, batch: int, width: int) -> State:
        return (torch.zeros(batch, width),)

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        candidate, forget, output = self.gates(window).chunk(3, dim=-1)
        forget = torch.sigmoid(forget)
        carried = scan(forget, (1 - forget) * torch.tanh(candidate), state[0])
        return torch.sigmoid(output) * carried, (carried[-1],)


class _Library(nn.Module):
    """A cell of torch over the window of two inputs."""

    kind: type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = self.kind(2 * width, width)

    def initial_state(self, batch: int, width: int) -> State:
        return (torch.zeros(batch, width),)

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        out, last = self.layer(window, state[0][None].contiguous())
        return out, (last[0],)


class RNN(_Library):
    """Elman's network with tanh."""

    kind = nn.RNN


class GRU(_Library):
    """Gated recurrent unit (Cho et al. 2014)."""

    kind = nn.GRU


class LSTM(_Library):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with a forget gate."""

    kind = nn.LSTM

    def initial_state(self, batch: int, width: int) -> State:
        return (torch.zeros(batch, width), torch.zeros(batch, width))

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        start = (state[0][None].contiguous(), state[1][None].contiguous())
        out, (hidden, cell) = self.layer(window, start)
        return out, (hidden[0], cell[0])


CELLS: dict[str, type[QRNN] | type[_Library]] = {"qrnn": QRNN, "lstm": LSTM, "gru": GRU, "rnn": RNN}
