"""What the network that tells beats from notes learns.

Stretches of played parts are drawn at random and transposed; for each event the network says how
near it is to a beat and to the beginning of a bar, and how long a beat is there. The loop is
`experiments.listening.learning`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ritornello.rng import Rng

_VALIDATED_TOGETHER = 50
_TEMPO_WEIGHT = 0.3  # of its cross entropy, which is several times that of beats
_TEMPO_SPREAD = 0.7  # classes; the standard deviation of what counts as right


@dataclass(frozen=True, eq=False)
class PlayedPart:
    """Notes as events, and what is true of them.

    Attributes:
        table: float32 [events, features].
        targets: float32 [events, 2], 0 to 1: nearness to a beat, to the beginning of a bar.
        tempi: float32 [events], class of the length of a beat, between two of them if need be.
        is_inside: bool [events], whether beats are known there.
        knows_bars: whether the second target is.
    """

    table: np.ndarray
    targets: np.ndarray
    tempi: np.ndarray
    is_inside: np.ndarray
    knows_bars: bool


@dataclass(frozen=True)
class NoteBeatLessons:
    """Parts to learn from and to validate with; see `experiments.listening.learning.Lessons`.

    Attributes:
        transposed: a table so many semitones higher.
        together: stretches in a batch. stretch: events of a stretch.
    """

    parts: Sequence[PlayedPart]
    valid: Sequence[PlayedPart]
    transposed: Callable[[np.ndarray, int], np.ndarray]
    together: int = 32
    stretch: int = 112

    def batch(self, rng: Rng) -> tuple[Tensor, ...]:
        """Random stretches; see `_stacked`."""
        rows = []
        for part in (
            self.parts[number] for number in rng.integers(len(self.parts), size=self.together)
        ):
            start = int(rng.integers(max(1, len(part.table) - self.stretch + 1)))
            cut = slice(start, start + self.stretch)
            table = self.transposed(part.table[cut], int(rng.integers(12)))
            rows.append(
                PlayedPart(
                    table, part.targets[cut], part.tempi[cut], part.is_inside[cut], part.knows_bars
                )
            )
        return _stacked(rows)

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Cross entropies in nats an event: of beats, of bars where they are known, of tempi."""
        tables, targets, tempi, weights, bar_weights = batch
        logits, of_tempi = network(tables)
        nats = binary_cross_entropy_with_logits(logits, targets, reduction="none")
        classes = torch.arange(of_tempi.shape[-1])
        wanted = torch.softmax(-0.5 * ((classes - tempi[..., None]) / _TEMPO_SPREAD) ** 2, dim=-1)
        tempo_nats = -(wanted * of_tempi.log_softmax(dim=-1)).sum(dim=-1)
        return (
            _mean(nats[..., 0], weights)
            + _mean(nats[..., 1], bar_weights)
            + _TEMPO_WEIGHT * _mean(tempo_nats, weights)
        )

    @torch.no_grad()
    def score(self, network: nn.Module) -> float:
        """Loss over whole parts, nats an event."""
        network.eval()
        found = []
        ordered = sorted(self.valid, key=lambda part: len(part.table))  # next to no padding
        for first in range(0, len(ordered), _VALIDATED_TOGETHER):
            rows = ordered[first : first + _VALIDATED_TOGETHER]
            found.append(self.loss(network, _stacked(rows)).item() * len(rows))
        return sum(found) / len(ordered)


def _stacked(rows: Sequence[PlayedPart]) -> tuple[Tensor, ...]:
    """Parts padded to one length: tables [parts, events, features], targets [parts, events, 2],
    tempi, and the weights of events for beats and for bars [parts, events]."""
    events = max(len(row.table) for row in rows)
    tables = torch.zeros(len(rows), events, rows[0].table.shape[1])
    targets = torch.zeros(len(rows), events, 2)
    tempi, weights, bar_weights = (torch.zeros(len(rows), events) for _ in range(3))
    for number, row in enumerate(rows):
        count = len(row.table)
        tables[number, :count] = torch.from_numpy(row.table)
        targets[number, :count] = torch.from_numpy(row.targets)
        tempi[number, :count] = torch.from_numpy(row.tempi)
        weights[number, :count] = torch.from_numpy(row.is_inside.astype(np.float32))
        bar_weights[number] = weights[number] * row.knows_bars
    return tables, targets, tempi, weights, bar_weights


def _mean(nats: Tensor, weights: Tensor) -> Tensor:
    return (nats * weights).sum() / weights.sum().clamp(min=1)
