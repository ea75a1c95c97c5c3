"""Predicted against real piano-roll vectors: error, F1, and how blurred predictions are.

All arrays are [vectors, 128], velocities from 0 to 127; a cell is active if a note sounds in it.
Most cells stay as they were one tick ago, so copying the last vector scores well without having
understood anything: `new_note_f1` looks at the changes alone.
"""

from __future__ import annotations

import numpy as np


def mean_squared_error(forecast: np.ndarray, real: np.ndarray) -> float:
    """Over all cells, in squared velocities."""
    return float(((forecast.astype(np.float32) - real.astype(np.float32)) ** 2).mean())


def note_f1(forecast: np.ndarray, real: np.ndarray) -> float:
    """F1 of the active cells, bool arrays; 1 where neither has any."""
    active = int(forecast.sum()) + int(real.sum())
    return 2 * int((forecast & real).sum()) / active if active else 1.0


def new_note_f1(forecast: np.ndarray, real: np.ndarray, last: np.ndarray) -> float:
    """F1 of the active cells that were not active in the last vector; bool arrays."""
    return note_f1(forecast & ~last, real & ~last)


def active_per_vector(active: np.ndarray) -> float:
    """Notes that sound in a vector, on average."""
    return float(active.sum() / len(active))


def changing_share(active: np.ndarray) -> float:
    """Share of vectors in which another set of notes sounds than in the one before."""
    return float((active[1:] != active[:-1]).any(axis=1).mean())


def spread_nats(vectors: np.ndarray) -> float:
    """Entropy of a vector as shares of its sum, averaged over vectors that are not empty.

    A vector with k equal notes has ln k nats; a blurred one has more than its notes explain.
    """
    loud = np.maximum(vectors.astype(np.float64), 0)
    totals = loud.sum(axis=1, keepdims=True)
    shares = loud[totals[:, 0] > 0] / totals[totals[:, 0] > 0]
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return float(-(shares * logs).sum(axis=1).mean()) if len(shares) else 0.0
