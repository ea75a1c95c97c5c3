"""What the network that hears beats in sound learns.

Excerpts of clips are drawn at random, made faster or slower, louder or softer, buried in a little
noise and coloured, and the network says for each frame how near it is to a beat and to the
beginning of a bar. The loop is `experiments.listening.learning`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ritornello.rng import Rng

_VALIDATED_TOGETHER = 20
_LARGEST_PACE = 0.2  # of the logarithm of the tempo


@dataclass(frozen=True, eq=False)
class BeatClips:
    """Recordings of one length.

    Attributes:
        spectra: float16 [clips, frames, bands], log10 of amplitudes.
        targets: float16 [clips, frames, 2], 0 to 1: nearness to a beat, to the beginning of a bar.
        knows_bars: bool [clips], whether the second is known.
    """

    spectra: np.ndarray
    targets: np.ndarray
    knows_bars: np.ndarray

    def __len__(self) -> int:
        return len(self.spectra)


@dataclass(frozen=True)
class BeatLessons:
    """Clips to learn from and to validate with; see `experiments.listening.learning.Lessons`.

    Attributes:
        together: excerpts in a batch. excerpt: frames of an excerpt.
    """

    clips: BeatClips
    valid: BeatClips
    together: int = 16
    excerpt: int = 800

    def batch(self, rng: Rng) -> tuple[Tensor, ...]:
        """Random excerpts: spectra, targets, and whether bars are known."""
        clips, frames = self.clips, self.clips.spectra.shape[1]
        length = min(frames, self.excerpt)
        chosen = rng.integers(len(clips), size=self.together)
        # Each at another tempo: every excerpt is read faster or slower than it is.
        pace = np.exp(rng.uniform(-_LARGEST_PACE, _LARGEST_PACE, self.together))
        pace = np.minimum(pace, frames / length)
        starts = rng.uniform(0, frames - length * pace)
        places = starts[:, None] + np.arange(length) * pace[:, None]
        read = chosen[:, None], np.rint(places).astype(int).clip(0, frames - 1)
        spectra = clips.spectra[read].astype(np.float32)
        targets = clips.targets[read].astype(np.float32)
        knows_bars = clips.knows_bars[chosen].astype(np.float32)
        spectra = _recorded_otherwise(spectra, rng)
        return tuple(torch.from_numpy(part) for part in (spectra, targets, knows_bars))

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Cross entropy in nats a frame, of beats, and of bars where they are known."""
        spectra, targets, knows_bars = batch
        nats = binary_cross_entropy_with_logits(network(spectra), targets, reduction="none").mean(1)
        return nats[:, 0].mean() + (nats[:, 1] * knows_bars).sum() / knows_bars.sum().clamp(min=1)

    @torch.no_grad()
    def score(self, network: nn.Module) -> float:
        """Loss over whole clips, nats a frame, of beats and bars together."""
        network.eval()
        found, clips = [], self.valid
        for first in range(0, len(clips), _VALIDATED_TOGETHER):
            rows = slice(first, first + _VALIDATED_TOGETHER)
            batch = tuple(
                torch.from_numpy(part[rows].astype(np.float32))
                for part in (clips.spectra, clips.targets, clips.knows_bars)
            )
            found.append(self.loss(network, batch).item() * len(batch[0]))
        return sum(found) / len(clips)


def _recorded_otherwise(spectra: np.ndarray, rng: Rng) -> np.ndarray:
    """The spectra at other levels, coloured, and above a floor of noise; [batch, frames, bands]."""
    batch, _, bands = spectra.shape
    gain = rng.uniform(-1.0, 0.5, (batch, 1, 1)).astype(np.float32)
    colour = rng.normal(0, 0.15, (batch, 1, bands)).astype(np.float32)
    noise = rng.uniform(-5.0, -2.5, (batch, 1, 1)).astype(np.float32)
    result: np.ndarray = np.maximum(spectra + (gain + colour), noise)
    return result
