"""The network of `two_sample`, in torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Listener(nn.Module):
    """Reads excerpts and says how likely each is of the second set.

    Args:
        sizes: number of classes of each column of a note.
        units: in each direction.
        both_ways: whether it reads from the end as well.
    """

    def __init__(self, sizes: Sequence[int], units: int, *, both_ways: bool) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, units) for size in sizes)
        # Padding is read as zeros: packed sequences would take five times as long on a processor.
        self.read = nn.GRU(units, units, bidirectional=both_ways)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear((4 if both_ways else 2) * units, 1)

    def forward(self, notes: Tensor, lengths: Tensor) -> Tensor:
        """Logits [rows] of notes int64 [notes, rows, columns], as many as ``lengths`` [rows]."""
        there = (torch.arange(len(notes))[:, None] < lengths)[..., None]
        x = torch.stack([table(notes[..., i]) for i, table in enumerate(self.tables)]).sum(0)
        out, _ = self.read(self.drop(x) * there)
        mean = (out * there).sum(0) / lengths[:, None]
        most = out.masked_fill(~there, -torch.inf).amax(0)
        result: Tensor = self.out(self.drop(torch.cat([mean, most], dim=-1)))[:, 0]
        return result
