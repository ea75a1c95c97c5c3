"""Recurrent cells by name. A new one is a file here, a line below, and its step in NumPy in
`ritornello.note_model.engine.cell_steps`; the contract tests then cover it, and the command line,
its help and the reference know it. No torch is loaded before a cell is made.

cell                 what every cell is
linear_recurrence    recurrences of gated cells over a whole sequence at once
qrnn, mingru, rglru, mlstm, torch_cells    the cells
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ritornello.note_model.cells.cell import Cell

# What published systems and experiments may import; the rest is inside.
__all__ = ["CELLS", "cell"]


@dataclass(frozen=True)
class CellKind:
    """A kind of cell, which makes one of a width: ``CELLS["qrnn"](384)``.

    Attributes:
        where: its class, as ``module:class`` inside this package.
        about: what it is, in a few words.
    """

    where: str
    about: str

    def __call__(self, width: int) -> Cell:
        module, name = self.where.split(":")
        made = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return cast("Cell", made(width))


CELLS: dict[str, CellKind] = {
    "qrnn": CellKind("qrnn:QRNN", "a gated running average"),
    "mingru": CellKind("mingru:MinGRU", "a GRU whose gate does not look at the state"),
    "rglru": CellKind("rglru:RGLRU", "a learned decay a unit, with a gate"),
    "mlstm": CellKind("mlstm:MLSTM", "a matrix a head, written and read by keys"),
    "lstm": CellKind("torch_cells:LSTM", "the classical cell with a memory"),
    "gru": CellKind("torch_cells:GRU", "the classical cell with two gates"),
    "rnn": CellKind("torch_cells:RNN", "the classical cell without a gate"),
}
