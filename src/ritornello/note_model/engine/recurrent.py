"""Recurrent layers over whole sequences in NumPy, with the weights and equations of torch.

For networks that listen: they read a sequence that is there already, often both ways, for many
sequences side by side. Networks that compose take one step at a time
(`note_model.engine.cell_steps`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ritornello.note_model.engine.layers import sigmoid

_Weights = Mapping[str, np.ndarray]


def lstm(x: np.ndarray, weights: _Weights, prefix: str, *, both_ways: bool = True) -> np.ndarray:
    """All layers of a `torch.nn.LSTM` that starts from zeros.

    Args:
        x: float32 [time, batch, inputs].
        weights: by torch's names, such as ``prefix + "weight_ih_l0"``.
        both_ways: whether each layer has a second direction.

    Returns:
        float32 [time, batch, hidden], or [time, batch, 2 * hidden] both ways.
    """
    return _layers(x, weights, prefix, both_ways, _lstm_direction)


def gru(x: np.ndarray, weights: _Weights, prefix: str, *, both_ways: bool = True) -> np.ndarray:
    """All layers of a `torch.nn.GRU` that starts from zeros; arguments as of `lstm`."""
    return _layers(x, weights, prefix, both_ways, _gru_direction)


def _layers(
    x: np.ndarray,
    weights: _Weights,
    prefix: str,
    both_ways: bool,
    direction: Callable[[np.ndarray, _Weights, str, str], np.ndarray],
) -> np.ndarray:
    layer = 0
    while f"{prefix}weight_ih_l{layer}" in weights:
        forward = direction(x, weights, prefix, f"l{layer}")
        if both_ways:
            backward = direction(x[::-1], weights, prefix, f"l{layer}_reverse")[::-1]
            forward = np.concatenate([forward, backward], axis=-1)
        x, layer = forward, layer + 1
    return x


def _lstm_direction(x: np.ndarray, weights: _Weights, prefix: str, name: str) -> np.ndarray:
    recurrent = np.ascontiguousarray(weights[f"{prefix}weight_hh_{name}"].T)
    bias = weights[f"{prefix}bias_ih_{name}"] + weights[f"{prefix}bias_hh_{name}"]
    inputs = x @ weights[f"{prefix}weight_ih_{name}"].T + bias
    size = len(recurrent)
    hidden = np.zeros((x.shape[1], size), np.float32)
    cell = np.zeros_like(hidden)
    out = np.empty((*x.shape[:2], size), np.float32)
    for time, given in enumerate(inputs):
        gates = given + hidden @ recurrent
        # Torch's order: in, forget, cell, out.
        gates[:, : 2 * size] = sigmoid(gates[:, : 2 * size])
        cell = gates[:, size : 2 * size] * cell
        cell += gates[:, :size] * np.tanh(gates[:, 2 * size : 3 * size])
        hidden = sigmoid(gates[:, 3 * size :]) * np.tanh(cell)
        out[time] = hidden
    return out


def _gru_direction(x: np.ndarray, weights: _Weights, prefix: str, name: str) -> np.ndarray:
    recurrent = np.ascontiguousarray(weights[f"{prefix}weight_hh_{name}"].T)
    inputs = x @ weights[f"{prefix}weight_ih_{name}"].T + weights[f"{prefix}bias_ih_{name}"]
    bias = weights[f"{prefix}bias_hh_{name}"]
    size = len(recurrent)
    hidden = np.zeros((x.shape[1], size), np.float32)
    out = np.empty((*x.shape[:2], size), np.float32)
    for time, given in enumerate(inputs):
        gates = hidden @ recurrent + bias
        # Torch's order: reset, update, new.
        both = sigmoid(given[:, : 2 * size] + gates[:, : 2 * size])
        new = np.tanh(given[:, 2 * size :] + both[:, :size] * gates[:, 2 * size :])
        hidden = new + both[:, size:] * (hidden - new)
        out[time] = hidden
    return out
