"""A bidirectional recurrent network that tells beats, bars and tempo from notes.

It is played without torch by `ritornello.transcribe.note_beats`, which says what it reads.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class NoteBeatNetConfig:
    """Sizes.

    Attributes:
        features: of an event. tempi: classes of the length of a beat.
        hidden: units of each direction. layers: of LSTMs.
        dropout: share of units dropped between layers and before the answers in training.
    """

    features: int
    tempi: int
    hidden: int = 72
    layers: int = 2
    dropout: float = 0.25

    def settings(self) -> dict[str, Any]:
        return asdict(self)


class NoteBeatNet(nn.Module):
    """Reads all events, both ways."""

    def __init__(self, config: NoteBeatNetConfig) -> None:
        super().__init__()
        self.config = config
        self.read = nn.Linear(config.features, config.hidden)
        self.lstm = nn.LSTM(
            config.hidden, config.hidden, config.layers,
            bidirectional=True, dropout=config.dropout,
        )  # fmt: skip
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(2 * config.hidden, 2 + config.tempi)

    def forward(self, events: Tensor) -> tuple[Tensor, Tensor]:
        """Events [batch, events, features] to logits of beats and bars [batch, events, 2] and of
        the length of a beat [batch, events, tempi]."""
        both_ways, _ = self.lstm(torch.relu(self.read(events)).transpose(0, 1))
        answers = self.out(self.dropout(both_ways)).transpose(0, 1)
        return answers[..., :2], answers[..., 2:]
