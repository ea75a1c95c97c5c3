"""The network of `two_sample`, in torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_UNITS = 96


class Listener(nn.Module):
    """Reads excerpts both ways and says how likely each is of the second set.

    Args:
        sizes: number of classes of each column of a note.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, _UNITS) for size in sizes)
        self.read = nn.GRU(_UNITS, _UNITS, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(4 * _UNITS, 1)

    def forward(self, notes: Tensor, lengths: Tensor) -> Tensor:
        """Logits [rows] of notes int64 [rows, notes, columns], as long as ``lengths`` [rows]."""
        x = torch.stack([table(notes[..., i]) for i, table in enumerate(self.tables)]).sum(0)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(x), lengths, batch_first=True, enforce_sorted=False
        )
        out, _ = nn.utils.rnn.pad_packed_sequence(self.read(packed)[0], batch_first=True)
        there = (torch.arange(out.shape[1]) < lengths[:, None])[..., None]
        mean = (out * there).sum(1) / lengths[:, None]
        most = out.masked_fill(~there, -torch.inf).amax(1)
        result: Tensor = self.out(self.drop(torch.cat([mean, most], dim=-1)))[:, 0]
        return result
