"""What a separator hears: a window, bands of bins, and how magnitudes are compressed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

HIGHEST_HZ = 22_050.0
# Up to which frequency bands are how wide.
_WIDTHS_HZ = ((500, 85), (1_000, 125), (2_000, 250), (4_000, 500), (8_000, 1_000), (16_000, 4_000))


@dataclass(frozen=True)
class BandSplit:
    """The grid of a separator.

    Attributes:
        window_seconds: of a short-time spectrum; its inverse is the distance of bins.
        power: of the compression, 0 to 1.
    """

    window_seconds: float = 4096 / 44_100
    power: float = 0.3

    @property
    def bins(self) -> int:
        """From 0 to 22,050 Hz."""
        return round(HIGHEST_HZ * self.window_seconds) + 1

    @cached_property
    def bands(self) -> tuple[tuple[int, int], ...]:
        """First bin and the bin after the last of each band; together they are all bins."""
        edges, at = [0.0], 0.0
        for limit, width in _WIDTHS_HZ:
            while at + width <= limit + 1:
                at += width
                edges.append(at)
            at = edges[-1] = float(limit)
        # Where bins are wider than bands, each is a band.
        cuts = sorted({*(round(edge * self.window_seconds) for edge in edges), self.bins})
        return tuple(pairwise(cuts))

    def heard(self, magnitudes: np.ndarray) -> np.ndarray:
        """Compressed magnitudes [..., any bins] brought to `bins`: cut, or silent above."""
        missing = max(0, self.bins - magnitudes.shape[-1])
        filled = np.pad(magnitudes, [(0, 0)] * (magnitudes.ndim - 1) + [(0, missing)])
        return np.power(filled[..., : self.bins], np.float32(self.power))

    def fitted(self, shares: np.ndarray, bins: int) -> np.ndarray:
        """Undo `heard` for shares [..., `bins`]: bins above the highest share as the highest."""
        missing = max(0, bins - shares.shape[-1])
        return np.pad(
            shares[..., :bins], [(0, 0)] * (shares.ndim - 1) + [(0, missing)], mode="edge"
        )
