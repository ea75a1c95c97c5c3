"""Pairs of pieces and which of them somebody liked better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ritornello.errors import InputError
from ritornello.generation.preference.traits import TRAITS, traits_of
from ritornello.music.piece import Piece

Answer = Literal["left", "right", "tie", "both_bad"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)


@dataclass(frozen=True)
class Comparison:
    """Two pieces for one wish, and the answer of somebody who heard both."""

    left: Piece
    right: Piece
    answer: Answer


@dataclass(frozen=True)
class Rated:
    """Comparisons as arrays.

    Attributes:
        left, right: traits, float64 [pairs, traits].
        liked: float64 [pairs], 1 where the left one is better, 0 the right one, .5 for a tie; nan
            where both are bad.
    """

    left: np.ndarray
    right: np.ndarray
    liked: np.ndarray

    def __len__(self) -> int:
        return len(self.liked)

    def __getitem__(self, chosen: np.ndarray) -> Rated:
        return Rated(self.left[chosen], self.right[chosen], self.liked[chosen])


_LIKED = {"left": 1.0, "right": 0.0, "tie": 0.5, "both_bad": np.nan}


def rated(comparisons: Sequence[Comparison]) -> Rated:
    """The arrays of comparisons.

    Raises:
        InputError: if an answer is none of `ANSWERS`.
    """
    for comparison in comparisons:
        if comparison.answer not in ANSWERS:
            raise InputError(f"{comparison.answer!r} is none of {', '.join(ANSWERS)}.")
    shape = len(comparisons), len(TRAITS)
    return Rated(
        np.array([traits_of(each.left) for each in comparisons]).reshape(shape),
        np.array([traits_of(each.right) for each in comparisons]).reshape(shape),
        np.array([_LIKED[each.answer] for each in comparisons], float),
    )
