"""Play a saved note model with NumPy alone: the same numbers as `NoteModel.step`, no torch.

The engine holds weights and nothing else. State goes in and comes out: for each block a tuple of
float32 arrays [batch, width], first the previous normed input, then the state of the cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ritornello.checkpoint import Checkpoint
from ritornello.encodings.context import CONTEXT
from ritornello.encodings.notes import FIELDS
from ritornello.encodings.tables import column_offsets, context_columns, head_columns
from ritornello.errors import CheckpointError

Arrays = tuple[np.ndarray, ...]
State = list[Arrays]
_EPSILON = 1e-5


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # never overflows


def _norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + _EPSILON) * weight


Weights = dict[str, np.ndarray]
Step = Callable[[Weights, np.ndarray, Arrays], tuple[np.ndarray, Arrays]]


def _qrnn(weights: Weights, window: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
    gates = window @ weights["gates.weight"].T + weights["gates.bias"]
    candidate, forget, output = np.split(gates, 3, axis=-1)
    forget = _sigmoid(forget)
    carried = forget * state[0] + (1 - forget) * np.tanh(candidate)
    return _sigmoid(output) * carried, (carried,)


def _projections(weights: Weights, window: np.ndarray, hidden: np.ndarray) -> Arrays:
    """The input's and the state's share of a torch cell's gates."""
    read = window @ weights["layer.weight_ih_l0"].T + weights["layer.bias_ih_l0"]
    own = hidden @ weights["layer.weight_hh_l0"].T + weights["layer.bias_hh_l0"]
    return read, own


def _rnn(weights: Weights, window: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
    hidden = np.tanh(sum(_projections(weights, window, state[0])))
    return hidden, (hidden,)


def _gru(weights: Weights, window: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
    read, own = (np.split(x, 3, axis=-1) for x in _projections(weights, window, state[0]))
    reset, update = _sigmoid(read[0] + own[0]), _sigmoid(read[1] + own[1])
    candidate = np.tanh(read[2] + reset * own[2])
    hidden = (1 - update) * candidate + update * state[0]
    return hidden, (hidden,)


def _lstm(weights: Weights, window: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
    gates = np.split(sum(_projections(weights, window, state[0])), 4, axis=-1)
    cell = _sigmoid(gates[1]) * state[1] + _sigmoid(gates[0]) * np.tanh(gates[2])
    hidden = _sigmoid(gates[3]) * np.tanh(cell)
    return hidden, (hidden, cell)


# The step of each cell and the number of its state arrays.
_STEPS: dict[str, tuple[Step, int]] = {
    "qrnn": (_qrnn, 1),
    "rnn": (_rnn, 1),
    "gru": (_gru, 1),
    "lstm": (_lstm, 2),
}


class Engine:
    """A note model ready to play.

    Raises:
        CheckpointError: if the checkpoint has a cell this version does not know, or lacks weights.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        settings: dict[str, Any] = checkpoint.network
        if settings.get("cell") not in _STEPS:
            raise CheckpointError(f"The model's cell {settings.get('cell')!r} is not known.")
        self._step, self._cell_states = _STEPS[settings["cell"]]
        self.width: int = settings["width"]
        self.layers: int = settings["layers"]
        self.collections: int = settings["collections"]
        weights = checkpoint.weights
        try:
            self._embed = weights["embed.table.weight"]
            self._instruments = weights["instruments.weight"].T
            self._norm = weights["norm.weight"]
            self._blocks = [_below(weights, f"blocks.{index}.") for index in range(self.layers)]
            self._cells = [_below(block, "cell.") for block in self._blocks]
            self._heads = [_below(weights, f"heads.{index}.") for index in range(len(FIELDS))]
        except KeyError as error:
            raise CheckpointError(f"The model lacks its weights {error}.") from error
        sizes = context_columns(self.collections)
        self._offsets = column_offsets(sizes)
        self._rows = len(CONTEXT)
        self._head_offsets = [column_offsets(head_columns(head)) for head in range(len(FIELDS))]

    def initial_state(self, batch: int) -> State:
        """The state before a piece starts."""
        zeros = np.zeros((batch, self.width), np.float32)
        return [(zeros,) * (1 + self._cell_states)] * self.layers

    def condition(self, controls: np.ndarray, instruments: np.ndarray) -> np.ndarray:
        """What the controls add to every input, float32 [batch, width].

        Args:
            controls: int [batch, 3]. instruments: float32 [batch, instruments + 1].
        """
        rows = self._embed[controls + self._offsets[self._rows :]].sum(axis=1)
        return rows + instruments @ self._instruments

    def step(
        self, rows: np.ndarray, condition: np.ndarray, state: State
    ) -> tuple[np.ndarray, State]:
        """Read one event of each piece.

        Args:
            rows: int [batch, columns of `CONTEXT`]. condition: see `condition`. state: before.

        Returns:
            the hidden vectors [batch, width] for `head_logits`, and the state after.
        """
        x = self._embed[rows + self._offsets[: self._rows]].sum(axis=1) + condition
        after: State = []
        for block, cell, before in zip(self._blocks, self._cells, state, strict=True):
            normed = _norm(x, block["norm.weight"])
            window = np.concatenate([normed, before[0]], axis=-1)
            out, cell_state = self._step(cell, window, before[1:])
            x = x + out
            after.append((normed, *cell_state))
        return _norm(x, self._norm), after

    def head_logits(self, head: int, hidden: np.ndarray, columns: np.ndarray | None) -> np.ndarray:
        """Logits of a field before any mask, float32 [batch, classes].

        Args:
            head: index of the field. hidden: from `step`.
            columns: int [batch, columns], what `tables.HEAD_INPUTS` names; None for shift.
        """
        weights = self._heads[head]
        inner = hidden @ weights["hidden.weight"].T + weights["hidden.bias"]
        if columns is not None:
            inner += weights["lookup.table.weight"][columns + self._head_offsets[head]].sum(axis=1)
        inner *= _sigmoid(inner)
        return inner @ weights["out.weight"].T + weights["out.bias"]


def _below(weights: Weights, prefix: str) -> Weights:
    """The weights whose names start with a prefix, without it."""
    found = {name[len(prefix) :]: w for name, w in weights.items() if name.startswith(prefix)}
    if not found:
        raise KeyError(prefix)
    return found
