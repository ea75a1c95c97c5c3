"""How candidates are chosen among: how right each is and what describes it in, weights out.

A conditional logit, whose weights give the candidates of a clip chances like those of how right
they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from mir_eval.beat import f_measure

_NEAR_SECONDS = 0.07
_SHARPNESS = 6.0  # a candidate whose F1 is .1 higher has e ** 0.6 times the chances
_SPEED = 0.1
DECAY = 0.01

# What may be chosen for a clip, and how right each is: [candidates, features], [candidates].
Choice = tuple[np.ndarray, np.ndarray]


def beats_f1(true: np.ndarray, found: np.ndarray) -> float:
    """F1 of beats as far as true ones are known, at least one."""
    inside = (found > true[0] - _NEAR_SECONDS) & (found < true[-1] + _NEAR_SECONDS)
    return float(f_measure(true, found[inside]))


def learn_weights(
    choices: Sequence[Choice],
    steps: int,
    held: Mapping[int, float] | None = None,
    decay: float = DECAY,
) -> np.ndarray:
    """Weights [features] by gradient descent with momentum, for features as they are.

    Args:
        held: weights that stay what they are, by the number of the feature.
        decay: how strongly the others are drawn to 0.
    """
    held = held or {}
    scale = np.concatenate([described for described, _ in choices]).std(axis=0) + 1e-6
    scaled = [described / scale for described, _ in choices]
    wanted = [_chances(_SHARPNESS * right) for _, right in choices]
    weights, speed = np.zeros(len(scale)), np.zeros(len(scale))
    for number, weight in held.items():
        weights[number] = weight * scale[number]
    for _ in range(steps):
        slope = 2 * decay * weights
        for table, target in zip(scaled, wanted, strict=True):
            slope += (_chances(table @ weights) - target) @ table / len(choices)
        slope[[*held]] = 0.0
        speed = 0.9 * speed - _SPEED * slope
        weights = weights + speed
    result: np.ndarray = weights / scale
    return result


def _chances(scores: np.ndarray) -> np.ndarray:
    chances = np.exp(scores - scores.max())
    result: np.ndarray = chances / chances.sum()
    return result
