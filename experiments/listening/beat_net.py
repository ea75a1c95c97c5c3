"""A bidirectional recurrent network that hears beats and the beginnings of bars.

After Böck & Schedl, "Enhanced beat tracking with context-aware neural networks" (DAFx 2011), with a
convolution over neighbouring frames in place of spectral differences, and LSTMs that take one step
for several frames and answer for each of them: that divides the time to learn and to listen. It is
played without torch by `ritornello.transcribe.activations`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class BeatNetConfig:
    """Sizes.

    Attributes:
        bands: of the spectra that are read. channels: of the convolution.
        stride: frames of a step of the LSTMs. context: more frames that it sees on each side.
        hidden: units of each direction. layers: of LSTMs.
        centre: subtracted from the loudness, log10, so that inputs are around 0.
        dropout: share of units dropped between layers in training.
        answers: numbers for each frame.
    """

    bands: int
    stride: int = 4
    context: int = 2
    channels: int = 64
    hidden: int = 64
    layers: int = 2
    centre: float = -3.0
    dropout: float = 0.05
    answers: int = 2

    def settings(self) -> dict[str, Any]:
        return asdict(self)


class BeatNet(nn.Module):
    """Reads a whole recording, both ways."""

    def __init__(self, config: BeatNetConfig) -> None:
        super().__init__()
        self.config = config
        width = config.stride + 2 * config.context
        self.near = nn.Conv1d(
            config.bands, config.channels, width, stride=config.stride, padding=config.context
        )
        self.lstm = nn.LSTM(
            config.channels, config.hidden, config.layers,
            bidirectional=True, dropout=config.dropout,
        )  # fmt: skip
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(2 * config.hidden, config.answers * config.stride)

    def forward(self, spectra: Tensor) -> Tensor:
        """Loudness in bands, log10, [batch, frames, bands] to logits [batch, frames, answers].

        The first of two answers is of a beat, the second of the beginning of a bar. Frames
        come in whole strides.
        """
        near = torch.relu(self.near((spectra - self.config.centre).transpose(1, 2)))
        both_ways, _ = self.lstm(self.dropout(near).permute(2, 0, 1))
        logits = self.out(self.dropout(both_ways)).transpose(0, 1)
        result: Tensor = logits.reshape(len(spectra), -1, self.config.answers)
        return result
