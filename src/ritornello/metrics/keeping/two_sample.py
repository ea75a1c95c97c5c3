"""How well a small recurrent network tells two sets of pieces apart.

If it cannot, half of its guesses are right and the area under its curve is .5. Composed music is
told from real music by whatever is wrong with it, named by a figure or not; two real sets of one
origin give the floor. (A classifier two-sample test: Lopez-Paz and Oquab, "Revisiting classifier
two-sample tests", ICLR 2017.)

The network is a bidirectional GRU of 64 units on excerpts of 16 bars: of each note its place in the
bar, the time since the note before, part, pitch and duration; no loudness, which tells recordings
from scores. Excerpts are transposed at random to learn from. It is cross-validated: pieces that it
judges are pieces that it has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ritornello.errors import InputError
from ritornello.generation.preference.excerpts import (
    DRUM_PITCH,
    EXCERPT_BARS,
    PITCH_COLUMN,
    SIZES,
    excerpt,
)
from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import Strokes
from ritornello.rng import Rng

if TYPE_CHECKING:
    from torch import Tensor

    from ritornello.metrics.keeping.excerpt_classifier import Listener

_ROWS = 16
_RATE = 2e-3
_TRANSPOSED = 6  # semitones up or down, at most


@dataclass(frozen=True)
class TwoSample:
    """How two sets were told apart.

    Attributes:
        first, second: how likely each excerpt is of the second set, float64 [pieces, excerpts].
    """

    first: np.ndarray
    second: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of the excerpts that were judged right, both sets counting alike."""
        return float(((self.first < 0.5).mean() + (self.second >= 0.5).mean()) / 2)

    @property
    def auc(self) -> float:
        """Chance that an excerpt of the second set is judged more likely to be of it than one of
        the first."""
        return area_under_curve(self.first.ravel(), self.second.ravel())

    def of(self, first: slice, second: slice) -> TwoSample:
        """How some of the pieces of both sets were told apart."""
        return TwoSample(self.first[first], self.second[second])


def tell_apart(
    first: Sequence[Piece],
    second: Sequence[Piece],
    *,
    folds: int = 4,
    epochs: int = 8,
    excerpts: int = 2,
    seed: int = 0,
) -> TwoSample:
    """Teach networks to tell two sets apart, and judge pieces that they have not seen.

    Args:
        first, second: pieces of at least 8 bars with notes, as many of each as there are.
        folds: networks; each is judged on its share of the pieces.
        epochs: how often a network sees the excerpts it learns from.
        excerpts: of each piece.

    Raises:
        InputError: if there are fewer pieces than folds.
    """
    if min(len(first), len(second)) < folds:
        raise InputError(f"There are {len(first)} and {len(second)} pieces for {folds} folds.")
    rng = np.random.default_rng(seed)
    found = [[any_excerpt(piece, rng) for _ in range(excerpts)] for piece in (*first, *second)]
    labels = np.array([0] * len(first) + [1] * len(second))
    fold_of = np.concatenate([rng.permutation(len(side)) % folds for side in (first, second)])
    judged = np.zeros((len(labels), excerpts))
    for fold in range(folds):
        known = fold_of != fold
        learner = Learner.taught(
            [each for i in np.flatnonzero(known) for each in found[i]],
            np.repeat(labels[known], excerpts),
            epochs=epochs,
            seed=seed + fold,
        )
        unknown = [each for i in np.flatnonzero(~known) for each in found[i]]
        judged[~known] = learner.judge(unknown).reshape(-1, excerpts)
    return TwoSample(judged[labels == 0], judged[labels == 1])


def area_under_curve(first: np.ndarray, second: np.ndarray) -> float:
    """Chance that a number of the second set is above one of the first; equal ones count half."""
    above = (second[:, None] > first).mean() + 0.5 * (second[:, None] == first).mean()
    return float(above)


def any_excerpt(piece: Piece, rng: Rng) -> np.ndarray:
    """The notes of 16 bars from a random one on, int64 [notes, 5]."""
    strokes = Strokes.of(piece)
    return excerpt(strokes, int(rng.integers(max(1, strokes.bars - EXCERPT_BARS + 1))))


def _transposed(table: np.ndarray, semitones: int) -> np.ndarray:
    moved = table.copy()
    pitches = moved[:, PITCH_COLUMN]
    pitched = pitches < DRUM_PITCH
    pitches[pitched] = np.clip(pitches[pitched] + semitones, 0, DRUM_PITCH - 1)
    return moved


@dataclass(frozen=True)
class Learner:
    """A network that has learned to tell excerpts of two sets apart."""

    network: Listener

    @classmethod
    def taught(
        cls,
        known: Sequence[np.ndarray],
        labels: np.ndarray,
        *,
        sizes: Sequence[int] = SIZES,
        units: int = 64,
        both_ways: bool = True,
        epochs: int = 8,
        seed: int = 0,
    ) -> Learner:
        """Learn from excerpts whose set is known.

        Args:
            known: see `ritornello.generation.preference.excerpts`.
            labels: 0 for the first set, 1 for the second.
            sizes: classes of their columns. units: of the network, in each direction.
            both_ways: whether it reads from the end as well.
            epochs: how often it sees each excerpt.
        """
        import torch

        from ritornello.metrics.keeping.excerpt_classifier import Listener

        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        network = Listener(sizes, units, both_ways=both_ways)
        optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
        weight = torch.tensor(float((labels == 0).sum() / max(1, (labels == 1).sum())))
        for epoch in range(epochs):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * (1 - epoch / epochs)
            order = rng.permutation(len(known))
            for start in range(0, len(order), _ROWS):
                part = order[start : start + _ROWS]
                moves = rng.integers(-_TRANSPOSED, _TRANSPOSED + 1, len(part)).tolist()
                moved = [_transposed(known[i], by) for i, by in zip(part, moves, strict=True)]
                logits = network(*_batch(moved))
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    logits, torch.as_tensor(labels[part]).float(), pos_weight=weight
                )
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
        network.eval()
        return cls(network)

    def judge(self, unknown: Sequence[np.ndarray]) -> np.ndarray:
        """How likely each excerpt is of the second set, float64 [excerpts]."""
        import torch

        found = []
        with torch.no_grad():
            for start in range(0, len(unknown), _ROWS):
                logits = self.network(*_batch(unknown[start : start + _ROWS]))
                found.append(logits.double().sigmoid().numpy())
        return np.concatenate(found)


def _batch(excerpts: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Excerpts side by side, int64 [notes, rows, columns], and how long each is."""
    import torch

    longest = max(map(len, excerpts))
    table = np.zeros((longest, len(excerpts), excerpts[0].shape[1]), np.int64)
    for row, one in enumerate(excerpts):
        table[: len(one), row] = one
    return torch.as_tensor(table), torch.tensor([len(one) for one in excerpts])
