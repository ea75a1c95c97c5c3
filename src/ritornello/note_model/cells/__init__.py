"""Recurrent cells by name. A new one is a file here, a line below, and its step in NumPy in
`ritornello.note_model.engine.cell_steps`; the contract tests then cover it."""

from __future__ import annotations

from ritornello.note_model.cells.cell import Cell, State
from ritornello.note_model.cells.linear_recurrence import scan
from ritornello.note_model.cells.mingru import MinGRU
from ritornello.note_model.cells.mlstm import MLSTM
from ritornello.note_model.cells.qrnn import QRNN
from ritornello.note_model.cells.rglru import RGLRU
from ritornello.note_model.cells.torch_cells import GRU, LSTM, RNN

CELLS: dict[str, type[Cell]] = {
    "qrnn": QRNN,
    "mingru": MinGRU,
    "rglru": RGLRU,
    "mlstm": MLSTM,
    "lstm": LSTM,
    "gru": GRU,
    "rnn": RNN,
}

__all__ = ["CELLS", "Cell", "State", "scan"]
