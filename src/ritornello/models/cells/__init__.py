"""Recurrent cells by name. A new one is a file here, a line below, and its step in NumPy in
`ritornello.runtime.cells`; the contract tests then cover it."""

from __future__ import annotations

from ritornello.models.cells.cell import Cell, State
from ritornello.models.cells.mingru import MinGRU
from ritornello.models.cells.mlstm import MLSTM
from ritornello.models.cells.qrnn import QRNN
from ritornello.models.cells.rglru import RGLRU
from ritornello.models.cells.scan import scan
from ritornello.models.cells.torch_cells import GRU, LSTM, RNN

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
