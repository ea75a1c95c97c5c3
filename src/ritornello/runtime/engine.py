"""Play a saved note model with NumPy: what `NoteModel.step` computes, without torch.

The engine holds weights and nothing else. State goes in and comes out, a float32 array
[batch, layers, arrays, width]: for each block the previous normed input, then the state of its
cell. It is a value: copy it to branch, index it to drop pieces, save it to go on tomorrow.

To compose, weights and activations are multiplied as whole numbers of 8 bits, a scale for each row
of a matrix and one for each vector of activations. Such a product is exact in whatever order it is
summed, so a piece is the same in every batch size and with any BLAS; docs/decisions/playing.md
tells what it costs in likelihood.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from ritornello.checkpoint import Checkpoint, quantised
from ritornello.encodings.context import CONTEXT
from ritornello.encodings.notes import FIELDS
from ritornello.encodings.tables import column_offsets, context_columns, head_columns
from ritornello.errors import CheckpointError
from ritornello.runtime.drawing import draw

_EPSILON = 1e-5


class Linear:
    """weight @ x + bias, in whole numbers unless ``int8`` is false.

    Sums of up to 1,040 products stay below 2**24, where float32 is exact: BLAS then adds whole
    numbers. Longer sums stay below it too unless nearly all terms are at their largest.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, *, int8: bool) -> None:
        self.weight, self.bias, self.int8 = weight, bias, int8
        if int8:
            self.integers, self.scale = quantised(weight)

    @cached_property
    def _matrix(self) -> np.ndarray:
        return (self.integers.astype(np.float32) if self.int8 else self.weight).T

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if not self.int8:
            return x @ self._matrix + self.bias
        top = np.abs(x).max(axis=1, keepdims=True)
        top[top == 0] = 1
        sums = np.rint(x * (np.float32(127) / top)) @ self._matrix
        return sums * (self.scale * (top / np.float32(127))) + self.bias


class Lookup:
    """The sum of one row of a table for each column of class indices."""

    def __init__(self, table: np.ndarray, sizes: list[int]) -> None:
        self.table = np.ascontiguousarray(table)
        self.offsets = column_offsets(sizes).astype(np.int64)

    def __call__(self, columns: np.ndarray) -> np.ndarray:
        return self.table[columns + self.offsets].sum(axis=1)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # never overflows


def _norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + _EPSILON) * weight


Linears = dict[str, Linear]
Arrays = tuple[np.ndarray, ...]
Step = Callable[[Linears, np.ndarray, Arrays], Arrays]  # to the new state; the first is the output


def _qrnn(maps: Linears, window: np.ndarray, state: Arrays) -> Arrays:
    candidate, forget, output = np.split(maps["gates"](window), 3, axis=-1)
    forget = _sigmoid(forget)
    carried = forget * state[0] + (1 - forget) * np.tanh(candidate)
    return _sigmoid(output) * carried, carried


def _rnn(maps: Linears, window: np.ndarray, state: Arrays) -> Arrays:
    hidden = np.tanh(maps["read"](window) + maps["own"](state[0]))
    return hidden, hidden


def _gru(maps: Linears, window: np.ndarray, state: Arrays) -> Arrays:
    read = np.split(maps["read"](window), 3, axis=-1)
    own = np.split(maps["own"](state[0]), 3, axis=-1)
    reset, update = _sigmoid(read[0] + own[0]), _sigmoid(read[1] + own[1])
    candidate = np.tanh(read[2] + reset * own[2])
    hidden = (1 - update) * candidate + update * state[0]
    return hidden, hidden


def _lstm(maps: Linears, window: np.ndarray, state: Arrays) -> Arrays:
    gates = np.split(maps["read"](window) + maps["own"](state[0]), 4, axis=-1)
    cell = _sigmoid(gates[1]) * state[1] + _sigmoid(gates[0]) * np.tanh(gates[2])
    hidden = _sigmoid(gates[3]) * np.tanh(cell)
    return hidden, hidden, cell


_TORCH_MAPS = {
    "read": ("layer.weight_ih_l0", "layer.bias_ih_l0"),
    "own": ("layer.weight_hh_l0", "layer.bias_hh_l0"),
}
# The step of each cell, the number of its state arrays, and where its linear maps are.
_CELLS: dict[str, tuple[Step, int, dict[str, tuple[str, str]]]] = {
    "qrnn": (_qrnn, 1, {"gates": ("gates.weight", "gates.bias")}),
    "rnn": (_rnn, 1, _TORCH_MAPS),
    "gru": (_gru, 1, _TORCH_MAPS),
    "lstm": (_lstm, 2, _TORCH_MAPS),
}


class Engine:
    """A note model ready to play.

    Args:
        checkpoint: the model.
        int8: multiply whole numbers of 8 bits; without it, float32 as in training, for exact
            likelihoods. `open_engine` gives the engine to compose with.

    Raises:
        CheckpointError: if the checkpoint has a cell this version does not know, or lacks weights.
    """

    def __init__(self, checkpoint: Checkpoint, *, int8: bool = False) -> None:
        settings: dict[str, Any] = checkpoint.network
        if settings.get("cell") not in _CELLS:
            raise CheckpointError(f"The model's cell {settings.get('cell')!r} is not known.")
        self._step, states, maps = _CELLS[settings["cell"]]
        self.width: int = settings["width"]
        self.layers: int = settings["layers"]
        self.head_width: int = settings["head_width"]
        self.collections: int = settings["collections"]
        self._state_shape = (self.layers, 1 + states, self.width)
        weights = checkpoint.weights
        heads = range(len(FIELDS))

        def linear(names: tuple[str, str], prefixes: list[str]) -> Linear:
            weight, bias = (np.concatenate([weights[p + name] for p in prefixes]) for name in names)
            return Linear(weight, bias, int8=int8)

        try:
            table = weights["embed.table.weight"]
            sizes = context_columns(self.collections)
            self._embed = Lookup(table, sizes[: len(CONTEXT)])
            self._controls = Lookup(table[sum(sizes[: len(CONTEXT)]) :], sizes[len(CONTEXT) :])
            self._instruments = weights["instruments.weight"].T
            self._norm = weights["norm.weight"]
            blocks = [f"blocks.{layer}." for layer in range(self.layers)]
            self._norms = [weights[block + "norm.weight"] for block in blocks]
            self._maps = [
                {key: linear(names, [block + "cell."]) for key, names in maps.items()}
                for block in blocks
            ]
            # The hidden maps of all heads see the same vector: one map does them at once.
            names = ("hidden.weight", "hidden.bias")
            self._hidden = linear(names, [f"heads.{head}." for head in heads])
            self._lookups = [
                Lookup(weights[f"heads.{head}.lookup.table.weight"], head_columns(head))
                if head_columns(head)
                else None
                for head in heads
            ]
            self._outs = [linear(("out.weight", "out.bias"), [f"heads.{head}."]) for head in heads]
        except KeyError as error:
            raise CheckpointError(f"The model lacks its weights {error}.") from error

    def initial_state(self, batch: int) -> np.ndarray:
        """The state before a piece starts, float32 [batch, layers, arrays, width]."""
        return np.zeros((batch, *self._state_shape), np.float32)

    def condition(self, controls: np.ndarray, instruments: np.ndarray) -> np.ndarray:
        """What the controls add to every input, float32 [batch, width].

        Args:
            controls: int [batch, 3]. instruments: float32 [batch, instruments + 1].
        """
        # Not a matrix product: the order in which BLAS sums depends on the size of the batch.
        shares = instruments[:, :, None] * self._instruments
        return self._controls(controls) + shares.sum(axis=1)

    def step(
        self, rows: np.ndarray, condition: np.ndarray, state: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read one event of each piece.

        Args:
            rows: int64 [batch, columns of `CONTEXT`]. condition: see `condition`. state: before.

        Returns:
            hidden vectors float32 [batch, heads * head_width] for the heads, and the state after.
        """
        x = self._embed(rows) + condition
        after = np.empty_like(state)
        for layer, (norm, maps) in enumerate(zip(self._norms, self._maps, strict=True)):
            normed = _norm(x, norm)
            before = state[:, layer]
            window = np.concatenate([normed, before[:, 0]], axis=1)
            out, *cell = self._step(maps, window, tuple(before[:, 1:].swapaxes(0, 1)))
            x = x + out
            after[:, layer] = np.stack([normed, *cell], axis=1)
        return self._hidden(_norm(x, self._norm)), after

    def head_logits(self, head: int, hidden: np.ndarray, columns: np.ndarray | None) -> np.ndarray:
        """Logits of a field before any mask, float32 [batch, classes].

        Args:
            head: index of the field. hidden: from `step`.
            columns: int64 [batch, columns], what `tables.HEAD_INPUTS` names; None for shift.
        """
        inner = hidden[:, head * self.head_width : (head + 1) * self.head_width]
        lookup = self._lookups[head]
        if lookup is not None and columns is not None:
            inner = inner + lookup(columns)
        return self._outs[head](inner * _sigmoid(inner))

    def choose(
        self,
        head: int,
        hidden: np.ndarray,
        columns: np.ndarray | None,
        legal: np.ndarray | None,
        uniform: np.ndarray,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
    ) -> np.ndarray:
        """Draw a field, int64 [batch]; see `head_logits` and `drawing.draw`."""
        logits = self.head_logits(head, hidden, columns)
        return draw(logits, legal, uniform, temperature, top_p, top_k)
