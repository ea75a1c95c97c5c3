"""Settings of a note model to the name and shape of each of its arrays, as training saves them.

Known without torch, so that a model file is compared with its own settings before it is read. A
contract test compares these shapes with those of the networks themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ritornello.note_model.encoding.bar_plan import PLAYS_COLUMNS
from ritornello.note_model.encoding.notes import FIELDS, SIZES
from ritornello.note_model.encoding.piece_controls import INSTRUMENT_COLUMNS
from ritornello.note_model.encoding.tables import context_columns, head_columns

Shapes = dict[str, tuple[int, ...]]
_MLSTM_HEADS = 4  # at most


def _linear(name: str, rows: int, columns: int) -> Shapes:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _gates(count: int) -> Callable[[int], Shapes]:
    """One map of the window of two inputs to so many gates a unit."""
    return lambda width: _linear("gates", count * width, 2 * width)


def _rglru(width: int) -> Shapes:
    return {**_linear("gates", 4 * width, 2 * width), "rate": (width,)}


def _mlstm(width: int) -> Shapes:
    heads = math.gcd(width, _MLSTM_HEADS)
    value = width // heads
    keys = heads * math.ceil(value / 2)
    return {
        **_linear("maps", 2 * (keys + width), 2 * width),
        **_linear("gates", 2 * heads, 2 * width),
        "norm.weight": (value,),
    }


def _torch_cell(gates: int) -> Callable[[int], Shapes]:
    def shapes(width: int) -> Shapes:
        rows = gates * width
        return {
            "layer.weight_ih_l0": (rows, 2 * width),
            "layer.weight_hh_l0": (rows, width),
            "layer.bias_ih_l0": (rows,),
            "layer.bias_hh_l0": (rows,),
        }

    return shapes


CELL_SHAPES: dict[str, Callable[[int], Shapes]] = {
    "qrnn": _gates(3),
    "mingru": _gates(2),
    "rglru": _rglru,
    "mlstm": _mlstm,
    "lstm": _torch_cell(4),
    "gru": _torch_cell(3),
    "rnn": _torch_cell(1),
}


def note_model_shapes(
    *, cell: str, layers: int, width: int, head_width: int, collections: int, plan: bool = False
) -> Shapes:
    """Shapes of all arrays of a network of these settings; see `NoteModelConfig`."""
    shapes: Shapes = {
        "embed.table.weight": (sum(context_columns(collections, plan=plan)), width),
        "instruments.weight": (width, INSTRUMENT_COLUMNS),
        "norm.weight": (width,),
    }
    if plan:
        shapes["plays.weight"] = (width, PLAYS_COLUMNS)
    of_cell = CELL_SHAPES[cell](width)
    for layer in range(layers):
        shapes[f"blocks.{layer}.norm.weight"] = (width,)
        shapes |= {f"blocks.{layer}.cell.{name}": shape for name, shape in of_cell.items()}
    for head in range(len(FIELDS)):
        if columns := head_columns(head, plan=plan):
            shapes[f"heads.{head}.lookup.table.weight"] = (sum(columns), head_width)
        shapes |= _linear(f"heads.{head}.hidden", head_width, width)
        shapes |= _linear(f"heads.{head}.out", SIZES[head], head_width)
    return shapes


def baseline_shapes() -> Shapes:
    """Shapes of the event counts of `ritornello.note_model.encoding.ngrams`, by field."""
    return {name: (size + 1, size) for name, size in zip(FIELDS, SIZES, strict=True)}
