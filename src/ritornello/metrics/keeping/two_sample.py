"""How well a small recurrent network tells two sets of pieces apart.

If it cannot, half of its guesses are right and the area under its curve is .5. Composed music is
told from real music by whatever is wrong with it, named by a figure or not; two real sets of one
origin give the floor. (A classifier two-sample test: Lopez-Paz and Oquab, "Revisiting classifier
two-sample tests", ICLR 2017.)

The network is a bidirectional GRU of 96 units on excerpts of 16 bars: of each note its place in the
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
from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import Strokes
from ritornello.plan.players import DESKS
from ritornello.rng import Rng

if TYPE_CHECKING:
    from torch import Tensor

_EXCERPT_BARS = 16
_MOST_NOTES = 512
_PLACES, _WAITS, _PARTS, _PITCHES, _LENGTHS = 193, 97, 129, 257, 97
_SIZES = (_PLACES, _WAITS, _PARTS, _PITCHES, _LENGTHS)
_DRUM_PITCH = 128
_TRANSPOSED = 6  # semitones up or down, at most


@dataclass(frozen=True)
class TwoSample:
    """How two sets were told apart.

    Attributes:
        accuracy: share of the excerpts that were judged right, both sets counting alike.
        auc: chance that an excerpt of the second set is judged more likely to be of it than one of
            the first.
        first, second: of each excerpt how likely it is of the second set, float64 [excerpts].
    """

    accuracy: float
    auc: float
    first: np.ndarray
    second: np.ndarray


def tell_apart(
    first: Sequence[Piece],
    second: Sequence[Piece],
    *,
    folds: int = 4,
    epochs: int = 8,
    seed: int = 0,
) -> TwoSample:
    """Teach networks to tell two sets apart, and judge pieces that they have not seen.

    One excerpt of each piece is judged, and learned from where the piece is of another fold.

    Args:
        first, second: pieces of at least 8 bars with notes, as many of each as there are.
        folds: networks; each is judged on its share of the pieces.
        epochs: how often a network sees the pieces it learns from.

    Raises:
        InputError: if there are fewer pieces than folds.
    """
    if min(len(first), len(second)) < folds:
        raise InputError(f"There are {len(first)} and {len(second)} pieces for {folds} folds.")
    rng = np.random.default_rng(seed)
    excerpts = [excerpt(piece, rng) for piece in (*first, *second)]
    labels = np.array([0] * len(first) + [1] * len(second))
    fold_of = np.concatenate([rng.permutation(len(side)) % folds for side in (first, second)])
    judged = np.zeros(len(labels))
    for fold in range(folds):
        known = fold_of != fold
        judged[~known] = _judge(
            [e for e, k in zip(excerpts, known, strict=True) if k],
            labels[known],
            [e for e, k in zip(excerpts, known, strict=True) if not k],
            epochs,
            seed + fold,
        )
    return _told(judged[labels == 0], judged[labels == 1])


def _told(first: np.ndarray, second: np.ndarray) -> TwoSample:
    right = ((first < 0.5).mean() + (second >= 0.5).mean()) / 2
    above = (second[:, None] > first).mean() + 0.5 * (second[:, None] == first).mean()
    return TwoSample(float(right), float(above), first, second)


def excerpt(piece: Piece, rng: Rng) -> np.ndarray:
    """The notes of 16 bars from a random one on, int64 [notes, 5], at most `_MOST_NOTES`."""
    strokes = Strokes.of(piece)
    start = int(rng.integers(max(1, strokes.bars - _EXCERPT_BARS + 1)))
    inside = (strokes.bar >= start) & (strokes.bar < start + _EXCERPT_BARS)
    onset = (strokes.bar_starts[strokes.bar] + strokes.tick)[inside]
    parts = np.array([player.instrument * DESKS + player.desk for player in strokes.players] or [0])
    pitched = strokes.pitch[inside] < _DRUM_PITCH
    table = np.stack(
        [
            np.minimum(strokes.tick[inside], _PLACES - 1),
            np.minimum(np.diff(onset, prepend=onset[:1]), _WAITS - 1),
            parts[strokes.player[inside]],
            strokes.pitch[inside],
            np.minimum(np.where(pitched, strokes.duration[inside], 0), _LENGTHS - 1),
        ],
        axis=1,
    )[:_MOST_NOTES]
    return table if len(table) else np.array([[0, 0, _PARTS - 1, _PITCHES - 1, 0]])


def _transposed(table: np.ndarray, semitones: int) -> np.ndarray:
    moved = table.copy()
    pitched = table[:, 3] < _DRUM_PITCH
    moved[pitched, 3] = np.clip(table[pitched, 3] + semitones, 0, _DRUM_PITCH - 1)
    return moved


def _judge(
    known: Sequence[np.ndarray],
    labels: np.ndarray,
    unknown: Sequence[np.ndarray],
    epochs: int,
    seed: int,
) -> np.ndarray:
    """How likely each unknown excerpt is of the second set, by a network that learns the known."""
    import torch

    from ritornello.metrics.keeping.excerpt_classifier import Listener

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Listener(_SIZES)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    weight = torch.tensor(float((labels == 0).sum() / max(1, (labels == 1).sum())))
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / epochs)
        order = rng.permutation(len(known))
        for start in range(0, len(order), 16):
            part = order[start : start + 16]
            moves = rng.integers(-_TRANSPOSED, _TRANSPOSED + 1, len(part)).tolist()
            moved = [_transposed(known[i], by) for i, by in zip(part, moves, strict=True)]
            logits = model(*_batch(moved))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, torch.as_tensor(labels[part]).float(), pos_weight=weight
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    model.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(unknown), 16):
            found.append(model(*_batch(unknown[start : start + 16])).sigmoid().numpy())
    return np.concatenate(found)


def _batch(excerpts: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Excerpts side by side, int64 [rows, notes, 5], and how long each is."""
    import torch

    longest = max(map(len, excerpts))
    table = np.zeros((len(excerpts), longest, len(_SIZES)), np.int64)
    for row, one in enumerate(excerpts):
        table[row, : len(one)] = one
    return torch.as_tensor(table), torch.tensor([len(one) for one in excerpts])
