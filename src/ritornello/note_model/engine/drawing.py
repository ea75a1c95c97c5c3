"""Drawing a class from logits. Pure: numbers in, numbers out."""

from __future__ import annotations

import numpy as np


def draw(
    logits: np.ndarray,
    legal: np.ndarray | None,
    uniform: np.ndarray,
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int = 0,
) -> np.ndarray:
    """One class a row.

    Args:
        logits: float [rows, classes].
        legal: bool [rows, classes], at least one true a row; None allows all.
        uniform: float [rows] in [0, 1), the only randomness.
        temperature: the logits are divided by it.
        top_p: the least likely classes that together hold less than 1 - top_p are not drawn.
        top_k: only the k likeliest classes are drawn; 0 for all.

    Returns:
        int64 [rows].
    """
    scaled = logits / temperature
    if legal is not None:
        scaled = np.where(legal, scaled, -np.inf)
    chances = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    if top_k and top_k < chances.shape[1]:
        least = np.partition(chances, -top_k, axis=1)[:, -top_k, None]
        chances = np.where(chances >= least, chances, 0)
    if top_p < 1:
        order = np.sort(chances, axis=1)[:, ::-1]
        mass = np.cumsum(order, axis=1)
        kept = (mass - order) < top_p * mass[:, -1:]  # up to and with the one that reaches top_p
        least = np.take_along_axis(order, kept.sum(axis=1, keepdims=True) - 1, axis=1)
        chances = np.where(chances >= least, chances, 0)
    mass = np.cumsum(chances, axis=1, dtype=np.float64)
    drawn = (mass > uniform[:, None] * mass[:, -1:]).argmax(axis=1)
    result: np.ndarray = drawn
    return result
