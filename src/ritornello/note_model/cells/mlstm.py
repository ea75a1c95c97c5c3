"""mLSTM: the state is a matrix a head, written to with keys and read with queries."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.note_model.cells.cell import Cell, State

_HEADS = 4
_CHUNK = 64  # events that attend to each other directly; the state carries all before them


class MLSTM(Cell):
    """Matrix memory of xLSTM (Beck et al. 2024, equations 19 to 27), in four heads.

    C[t] = f[t] * C[t-1] + i[t] * k[t] v[t]^T, n[t] = f[t] * n[t-1] + i[t] * k[t],
    h[t] = o[t] * norm(q[t] C[t] / max(|q[t] n[t]|, 1)), with f a sigmoid and i an exponential.

    Values of a head are ``width / heads`` wide, keys and queries half of that, as in the larger
    models of xLSTM. A sequence is read in chunks: inside one, all its events attend to each other
    at once, so that no matrix is kept for each event. C and n are kept divided by exp(m), with m
    the largest exponent so far, as in the paper, so that nothing overflows.

    The state is (matrix, m): the matrix flattened to [batch, heads * key * (value + 1)], its last
    column the normaliser n, which is what a value that is always 1 would become; m [batch, heads].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = math.gcd(width, _HEADS)
        self.value_width = width // self.heads
        self.key_width = math.ceil(self.value_width / 2)
        keys = self.heads * self.key_width
        self.sizes = (keys, keys, width, width)
        self.maps = nn.Linear(2 * width, sum(self.sizes))  # query, key, value, output gate
        self.gates = nn.Linear(2 * width, 2 * self.heads)  # input gates, forget gates
        self.norm = nn.RMSNorm(self.value_width, eps=1e-5)
        with torch.no_grad():  # as the paper's own: at first gates do not depend on the input
            self.gates.weight.zero_()
            self.gates.bias[: self.heads] = 0.0
            self.gates.bias[self.heads :] = torch.linspace(3.0, 6.0, self.heads)

    def initial_state(self, batch: int, width: int) -> State:
        matrix = torch.zeros(batch, self.heads * self.key_width * (self.value_width + 1))
        return matrix, torch.zeros(batch, self.heads)

    def forward(self, window: Tensor, state: State) -> tuple[Tensor, State]:
        *parts, output = self.maps(window).split(self.sizes, dim=-1)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).permute(1, 2, 0, 3) for part in parts
        )
        key, value = key * self.key_width**-0.5, F.pad(value, (0, 1), value=1.0)
        gates = self.gates(window).permute(1, 2, 0)
        entry, forget = gates[:, : self.heads], F.logsigmoid(gates[:, self.heads :])
        matrix = state[0].reshape(-1, self.heads, self.key_width, self.value_width + 1)
        top = state[1]
        read = []
        for start in range(0, len(window), _CHUNK):
            now = slice(start, start + _CHUNK)
            out, matrix, top = _chunk(
                query[:, :, now], key[:, :, now], value[:, :, now],
                entry[..., now], forget[..., now], matrix, top,
            )  # fmt: skip
            read.append(out)
        hidden = self.norm(torch.cat(read, dim=2)).permute(2, 0, 1, 3).flatten(2)
        return torch.sigmoid(output) * hidden, (matrix.flatten(1), top)


def _chunk(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    entry: Tensor,
    forget: Tensor,
    matrix: Tensor,
    top: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Some events at once.

    Args:
        query, key: [batch, heads, time, key]. value: [batch, heads, time, value + 1].
        entry, forget: logarithms of the gates, [batch, heads, time].
        matrix, top: the state before, [batch, heads, key, value + 1] and [batch, heads].

    Returns:
        what is read [batch, heads, time, value], and the state after.
    """
    since = forget.cumsum(-1)
    # What reaches event t of what event s wrote: row t, column s; all as logarithms.
    reach = since[..., :, None] - since[..., None, :] + entry[..., None, :]
    future = torch.ones_like(reach[0, 0], dtype=torch.bool).triu(1)
    reach = reach.masked_fill(future, -torch.inf)
    kept = since + top[..., None]
    # The scale falls out of what is read, so no gradient belongs to it.
    tops = torch.maximum(kept, reach.amax(-1)).detach()
    shares = torch.exp(reach - tops[..., None])
    kept = torch.exp(kept - tops)
    read = (query @ key.mT * shares) @ value + kept[..., None] * (query @ matrix)
    total = torch.maximum(read[..., -1:].abs(), torch.exp(-tops)[..., None])
    written = (key * shares[..., -1, :, None]).mT @ value
    return read[..., :-1] / total, kept[..., -1, None, None] * matrix + written, tops[..., -1]
