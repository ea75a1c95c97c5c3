"""What the network that tells bars learns: the metre and the first beat of played parts.

Parts are transposed at random; the answer of the network is compared with the true one by cross
entropy. The loop is `experiments.listening.learning`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ritornello.rng import Rng

_VALIDATED_TOGETHER = 50
_SMOOTHING = 0.02  # parts whose bars are written otherwise than they are felt
_DRAWN_AMONG = 8  # batches: of like lengths, for little padding


@dataclass(frozen=True, eq=False)
class CountedPart:
    """Beats of a part: what is read of each, float32 [beats, features], and the number of the true
    answer."""

    table: np.ndarray
    answer: int


@dataclass(frozen=True)
class BarLessons:
    """Parts to learn from and to validate with; see `experiments.listening.learning.Lessons`.

    Attributes:
        answers: beats a bar, and the first beat that begins one.
        counts: beats a bar of the metres. transposed: a table so many semitones higher.
        together: parts in a batch.
    """

    parts: Sequence[CountedPart]
    valid: Sequence[CountedPart]
    answers: Sequence[tuple[int, int]]
    counts: Sequence[int]
    transposed: Callable[[np.ndarray, int], np.ndarray]
    together: int = 32

    def batch(self, rng: Rng) -> tuple[Tensor, ...]:
        """Random parts of about one length."""
        drawn = rng.integers(len(self.parts), size=_DRAWN_AMONG * self.together)
        drawn = drawn[np.argsort([len(self.parts[number].table) for number in drawn])]
        first = int(rng.integers(_DRAWN_AMONG)) * self.together
        rows = [self.parts[number] for number in drawn[first : first + self.together]]
        return _stacked(
            [CountedPart(self.transposed(r.table, int(rng.integers(12))), r.answer) for r in rows]
        )

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Cross entropy of the true answers."""
        tables, inside, truth = batch
        scores = network(tables, inside, *self._asked(tables.shape[1]))
        return cross_entropy(scores, truth, label_smoothing=_SMOOTHING if network.training else 0.0)

    @torch.no_grad()
    def score(self, network: nn.Module) -> float:
        """Cross entropy of the true answers of all that is kept for validation."""
        network.eval()
        found = []
        ordered = sorted(self.valid, key=lambda part: len(part.table))
        for first in range(0, len(ordered), _VALIDATED_TOGETHER):
            rows = ordered[first : first + _VALIDATED_TOGETHER]
            found.append(self.loss(network, _stacked(rows)).item() * len(rows))
        return sum(found) / len(ordered)

    def _asked(self, beats: int) -> tuple[Tensor, Tensor]:
        """Where bars begin by each answer, [answers, beats], and the metre of each."""
        begins = [[beat % count == first for beat in range(beats)] for count, first in self.answers]
        metres = [self.counts.index(count) for count, _ in self.answers]
        return torch.tensor(begins, dtype=torch.float32), torch.tensor(metres)


def _stacked(rows: Sequence[CountedPart]) -> tuple[Tensor, ...]:
    """Parts padded to one length: tables [parts, beats, features], which beats are no padding
    [parts, beats], and true answers."""
    beats = max(len(row.table) for row in rows)
    tables = torch.zeros(len(rows), beats, rows[0].table.shape[1])
    inside = torch.zeros(len(rows), beats)
    for number, row in enumerate(rows):
        tables[number, : len(row.table)] = torch.from_numpy(row.table)
        inside[number, : len(row.table)] = 1
    return tables, inside, torch.tensor([row.answer for row in rows])
