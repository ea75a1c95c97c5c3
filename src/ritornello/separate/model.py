"""A band-split recurrent network: magnitudes of a mix to a soft mask for each stem.

The spectrum is split into bands, narrow where bass and chords lie and wide above. What each band
holds becomes one vector, and two LSTMs take turns, each both ways and added to what was there: one
along time, with the same weights for all bands, one across the bands of a moment. Each band's
vector then says, for each of its bins, how the bin is shared among the parts. Shares sum to one, so
the parts sum to the mix.

Source: Luo and Yu, "Music source separation with band-split RNN" (2023). What is ours is small: one
network for all parts, shares in place of free complex masks, and sizes that train on one processor:
within minutes larger networks fell behind, and so did one LSTM over the whole spectrum.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn

from ritornello.json_values import JsonObject
from ritornello.separate.band_split import BandSplit


@dataclass(frozen=True)
class SeparatorConfig:
    """Sizes.

    Attributes:
        split: window and bands.
        width: numbers that stand for a band. hidden: units of an LSTM in each direction.
        layers: pairs of LSTMs. parts: to be told apart.
    """

    split: BandSplit = field(default_factory=BandSplit)
    width: int = 40
    hidden: int = 48
    layers: int = 2
    parts: int = 4

    def settings(self) -> JsonObject:
        """As a model file keeps them."""
        return asdict(self)

    @classmethod
    def from_settings(cls, settings: JsonObject) -> SeparatorConfig:
        return cls(**{**settings, "split": BandSplit(**settings["split"])})


class Separator(nn.Module):
    """Magnitudes of a mix to soft masks of the stems.

    Args:
        config: sizes.
    """

    def __init__(self, config: SeparatorConfig) -> None:
        super().__init__()
        self.config = config
        self.bands = config.split.bands
        size = config.width
        self.read = nn.ModuleList(nn.Linear(high - low, size) for low, high in self.bands)
        self.turns = nn.ModuleList(_Turn(size, config.hidden) for _ in range(2 * config.layers))
        self.norm = nn.RMSNorm(size, eps=1e-5)
        parts = config.parts
        self.write = nn.ModuleList(
            nn.Linear(size, (high - low) * parts) for low, high in self.bands
        )

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Compressed magnitudes [time, batch, bins] to soft masks [time, batch, parts, bins].

        Shares of a bin sum to one over the parts.
        """
        time, batch, _ = magnitudes.shape
        pieces = magnitudes.split([high - low for low, high in self.bands], dim=-1)
        read = [layer(piece) for layer, piece in zip(self.read, pieces, strict=True)]
        hidden = torch.stack(read, dim=2)  # [time, batch, bands, width]
        for along_time, across_bands in zip(self.turns[::2], self.turns[1::2], strict=True):
            hidden = along_time(hidden.flatten(1, 2)).view_as(hidden)
            turned = hidden.flatten(0, 1).transpose(0, 1)
            hidden = across_bands(turned).transpose(0, 1).reshape(hidden.shape)
        hidden = self.norm(hidden)
        scores = [
            layer(hidden[:, :, band]).view(time, batch, self.config.parts, -1)
            for band, layer in enumerate(self.write)
        ]
        return torch.cat(scores, dim=-1).softmax(dim=2)


class _Turn(nn.Module):
    """[steps, sequences, width] plus what an LSTM both ways along the steps makes of it."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.lstm = nn.LSTM(width, hidden, bidirectional=True)
        self.back = nn.Linear(2 * hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.back(self.lstm(self.norm(x))[0])
        return result
