"""`Rng`: the type of every random generator in the package, always called ``rng``.

Nothing draws from a hidden global one: who draws is handed an `Rng`, made of a seed by
``numpy.random.default_rng``, so that the same seed gives the same music.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np

Rng: TypeAlias = np.random.Generator
_Drawn = TypeVar("_Drawn")


def weighted_index(weights: Sequence[float], rng: Rng) -> int:
    """One of the places of some weights, each as often as it weighs; they are above 0 in all."""
    total = sum(weights)
    return int(rng.choice(len(weights), p=[weight / total for weight in weights]))


def weighted_choice(among: Sequence[tuple[float, _Drawn]], rng: Rng) -> _Drawn:
    """One of some things, each as often as the weight before it says."""
    return among[weighted_index([weight for weight, _ in among], rng)][1]
