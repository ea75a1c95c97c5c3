"""A bidirectional recurrent network that tells which beats begin bars.

It is played without torch by `ritornello.transcribe.bar_network`, which says what it reads.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class BarNetConfig:
    """Sizes.

    Attributes:
        features: of a beat. counts: beats a bar that are told apart.
        read: units before the LSTM. hidden: of each of its directions.
        dropout: share of units dropped before the LSTM and after it in training.
    """

    features: int
    counts: tuple[int, ...]
    read: int = 64
    hidden: int = 48
    dropout: float = 0.2

    def settings(self) -> dict[str, Any]:
        return asdict(self)


class BarNet(nn.Module):
    """Reads all beats, both ways."""

    def __init__(self, config: BarNetConfig) -> None:
        super().__init__()
        self.config = config
        self.read = nn.Linear(config.features, config.read)
        self.lstm = nn.LSTM(config.read, config.hidden, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        self.begins = nn.Linear(2 * config.hidden, len(config.counts))
        self.metres = nn.Linear(2 * config.hidden, len(config.counts))

    def forward(self, beats: Tensor, inside: Tensor, answers: Tensor, metre_of: Tensor) -> Tensor:
        """Log probabilities of answers, but for a constant, [batch, answers].

        Args:
            beats: [batch, beats, features]. inside: 1 for beats, 0 for padding, [batch, beats].
            answers: 1 where one says that a bar begins, [answers, beats].
            metre_of: the place of its metre among the counts, [answers].
        """
        read = self.dropout(torch.relu(self.read(beats)))
        hidden, _ = self.lstm(read.transpose(0, 1))
        hidden = self.dropout(hidden.transpose(0, 1))
        shown, count = inside[..., None], inside.sum(dim=1, keepdim=True)
        begins = self.begins(hidden) * shown
        begins = begins - shown * (begins.sum(dim=1) / count)[:, None]
        of_metres = self.metres((hidden * shown).sum(dim=1) / count)
        told = torch.einsum("nbm,ab->nam", begins, answers)
        told = told.gather(2, metre_of.expand(len(beats), -1)[..., None])[..., 0]
        beats_a_bar = torch.tensor(self.config.counts)[metre_of]
        nats: Tensor = told * torch.sqrt(beats_a_bar / count) + of_metres[:, metre_of]
        return nats
