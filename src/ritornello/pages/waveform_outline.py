"""Waveforms: the lowest and highest sample of each short stretch of a sound, gathered as it streams
by, and drawn as one outline."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from ritornello.errors import InputError
from ritornello.pages.svg import element

_STEPS = 100  # of the drawing, from silence to full scale


class Envelope:
    """Gathers the envelope of a sound of known length from its blocks, in constant memory.

    Column ``i`` of `columns` equal stretches begins at sample ``i * samples // columns``.
    """

    def __init__(self, samples: int, columns: int = 3_000) -> None:
        """Args:
        samples: how many will come, at least 1.
        columns: how many stretches, at most one a sample.
        """
        if samples < 1 or columns < 1:
            raise InputError(
                f"An envelope has 1 sample and 1 column or more; found {samples} and {columns}."
            )
        columns = min(columns, samples)
        self._samples = samples
        self._starts = np.arange(columns, dtype=np.int64) * samples // columns
        self._extremes = np.zeros((columns, 2), np.float32)
        self._seen = 0

    def add(self, block: np.ndarray) -> None:
        """Take in the next block: float32 [samples] or [samples, channels], of any length.

        Raises:
            InputError: if more samples come than were announced.
        """
        end = self._seen + len(block)
        if end > self._samples:
            raise InputError(f"An envelope of {self._samples} samples got {end}.")
        if not len(block):
            return
        lows, highs = (block, block) if block.ndim == 1 else (block.min(axis=1), block.max(axis=1))
        first, last = np.searchsorted(self._starts, [self._seen, end - 1], side="right") - 1
        cuts = np.maximum(self._starts[first : last + 1] - self._seen, 0)
        low, high = self._extremes[first : last + 1].T
        np.minimum(low, np.minimum.reduceat(lows, cuts), out=low)
        np.maximum(high, np.maximum.reduceat(highs, cuts), out=high)
        self._seen = end

    @property
    def columns(self) -> np.ndarray:
        """Lowest and highest sample of each stretch, over all channels: float32 [columns, 2].

        Zero always lies between them, and what has not come yet is silent.
        """
        return self._extremes.copy()


def waveform_svg(envelope: np.ndarray, *, full_scale: float, description: str) -> Markup:
    """An envelope as an SVG that fills its box, whatever the box's shape.

    Args:
        envelope: float32 [columns, 2], see `Envelope.columns`.
        full_scale: the sample that reaches the edge; what is higher is cut off there.
        description: what it shows, for those who cannot see it.
    """
    # SVG counts downward, so the highest sample is the top edge of its column.
    steps = np.clip(np.rint(envelope * (-_STEPS / full_scale)), -_STEPS, _STEPS).astype(int)
    bottom, top = steps.T.tolist()
    outline = "".join(f"V{y}h1" for y in top) + "".join(f"V{y}h-1" for y in reversed(bottom))
    return element(
        "svg",
        element("path", d=f"M0 0{outline}z"),
        class_="wave",
        role="img",
        aria_label=description,
        preserveAspectRatio="none",
        viewBox=f"0 -{_STEPS} {len(envelope)} {2 * _STEPS}",
    )
