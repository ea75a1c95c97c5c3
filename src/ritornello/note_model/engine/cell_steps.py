"""One step of every cell in NumPy: what `ritornello.note_model.cells` compute, without torch.

The state of a cell is one row of numbers for each piece, the tensors of the model's state side by
side. Rows do not mix, and no product here but the maps is left to BLAS, whose sums depend on how
many rows there are: so a piece is the same in any batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ritornello.note_model.engine.layers import Weights, rms_norm, sigmoid

_RGLRU_SHARPNESS = 8.0  # both as in `ritornello.note_model.cells.rglru`
_RGLRU_SMALLEST = np.float32(1e-6)


class CellStep(Protocol):
    """A cell with its weights.

    Attributes:
        numbers: of its state, float32 [batch, numbers].
    """

    numbers: int

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read one event: window [batch, 2 * width] to [batch, width], and the state after."""
        ...


class QRNN:
    """A quasi-recurrent cell: its state is the carried vector [batch, width]."""

    def __init__(self, weights: Weights) -> None:
        self.gates = weights.linear("gates.weight", "gates.bias")
        self.numbers = len(self.gates.bias) // 3

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        candidate, forget, output = np.split(self.gates(window), 3, axis=-1)
        forget = sigmoid(forget)
        carried = forget * state + (1 - forget) * np.tanh(candidate)
        return sigmoid(output) * carried, carried


class MinGRU:
    """A minimal gated unit: its state is the hidden vector [batch, width]."""

    def __init__(self, weights: Weights) -> None:
        self.gates = weights.linear("gates.weight", "gates.bias")
        self.numbers = len(self.gates.bias) // 2

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        candidate, update = np.split(self.gates(window), 2, axis=-1)
        update = sigmoid(update)
        hidden = (1 - update) * state + update * candidate
        return hidden, hidden


class RGLRU:
    """A real-gated linear recurrent unit: its state is the hidden vector [batch, width]."""

    def __init__(self, weights: Weights) -> None:
        self.gates = weights.linear("gates.weight", "gates.bias")
        self.log_keep = -_RGLRU_SHARPNESS * np.logaddexp(0, -weights["rate"])
        self.numbers = len(self.log_keep)

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, recurrence, entry, branch = np.split(self.gates(window), 4, axis=-1)
        log_keep = self.log_keep * sigmoid(recurrence)
        gain = np.sqrt(np.maximum(-np.expm1(2 * log_keep), _RGLRU_SMALLEST))
        hidden = np.exp(log_keep) * state + gain * sigmoid(entry) * value
        return _gelu(branch) * hidden, hidden


class MLSTM:
    """Its state: the matrix of each head, [heads, key, value + 1], then the scale of each head."""

    def __init__(self, weights: Weights) -> None:
        self.maps = weights.linear("maps.weight", "maps.bias")
        self.gates = weights.linear("gates.weight", "gates.bias")
        self.norm = weights["norm.weight"]
        heads, value = len(self.gates.bias) // 2, len(self.norm)
        key = (len(self.maps.bias) // heads - 2 * value) // 2
        self.shape = (heads, key, value + 1)
        self.numbers = heads * key * (value + 1) + heads
        self.key_scale = np.float32(key**-0.5)

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        heads, key_width, _ = self.shape
        maps, rows = self.maps(window), len(window)
        ends = np.cumsum([heads * key_width] * 2 + [heads * len(self.norm)])
        query, key, value, output = np.split(maps, ends, axis=-1)
        query, key = (part.reshape(rows, heads, key_width, 1) for part in (query, key))
        value = value.reshape(rows, heads, 1, -1)
        value = np.concatenate([value, np.ones_like(value[..., :1])], axis=-1)
        entry, forget = np.split(self.gates(window), 2, axis=-1)
        kept = state[:, -heads:] - np.logaddexp(0, -forget)  # as a logarithm
        top = np.maximum(kept, entry)
        keep, write = (np.exp(x - top)[..., None, None] for x in (kept, entry))
        matrix = keep * state[:, :-heads].reshape(rows, *self.shape)
        matrix += write * (key * self.key_scale) * value
        read = (query * matrix).sum(axis=2)
        # exp(80) is as good as any larger number and does not overflow.
        total = np.maximum(np.abs(read[..., -1:]), np.exp(np.minimum(-top, 80))[..., None])
        hidden = rms_norm(read[..., :-1] / total, self.norm).reshape(rows, -1)
        return sigmoid(output) * hidden, np.concatenate([matrix.reshape(rows, -1), top], axis=-1)


class _TorchCell:
    """A cell of torch: a map of the window and one of its own last output."""

    gates = 1  # gates a unit
    states = 1  # vectors of state

    def __init__(self, weights: Weights) -> None:
        self.read, self.own = (
            weights.linear(f"layer.weight_{kind}_l0", f"layer.bias_{kind}_l0")
            for kind in ("ih", "hh")
        )
        self.numbers = len(self.own.bias) // self.gates * self.states


class RNN(_TorchCell):
    """A tanh cell (Elman): its state is the hidden vector [batch, width]."""

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hidden = np.tanh(self.read(window) + self.own(state))
        return hidden, hidden


class GRU(_TorchCell):
    """A gated recurrent unit: its state is the hidden vector [batch, width]."""

    gates = 3

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        read = np.split(self.read(window), 3, axis=-1)
        own = np.split(self.own(state), 3, axis=-1)
        reset, update = sigmoid(read[0] + own[0]), sigmoid(read[1] + own[1])
        candidate = np.tanh(read[2] + reset * own[2])
        hidden = (1 - update) * candidate + update * state
        return hidden, hidden


class LSTM(_TorchCell):
    """A long short-term memory: its state is the hidden and the cell vector [batch, width]."""

    gates = 4
    states = 2

    def __call__(self, window: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hidden, cell = np.split(state, 2, axis=-1)
        gates = np.split(self.read(window) + self.own(hidden), 4, axis=-1)
        cell = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * np.tanh(gates[2])
        hidden = sigmoid(gates[3]) * np.tanh(cell)
        return hidden, np.concatenate([hidden, cell], axis=-1)


def _gelu(x: np.ndarray) -> np.ndarray:
    """GeLU by its usual approximation with tanh (Hendrycks and Gimpel 2016)."""
    result: np.ndarray = (
        0.5 * x * (1 + np.tanh(np.float32(np.sqrt(2 / np.pi)) * (x + 0.044715 * x**3)))
    )
    return result


CELLS: dict[str, Callable[[Weights], CellStep]] = {
    "qrnn": QRNN,
    "mingru": MinGRU,
    "rglru": RGLRU,
    "mlstm": MLSTM,
    "lstm": LSTM,
    "gru": GRU,
    "rnn": RNN,
}
