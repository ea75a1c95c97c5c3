"""`ritornello.separate.model` in NumPy, with torch's weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ritornello.errors import CheckpointError
from ritornello.note_model.engine.layers import rms_norm
from ritornello.note_model.engine.recurrent import lstm
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.band_split import BandSplit

KIND = "separator"


class SeparatorNetwork:
    """Magnitudes of a mix to each part's share of every bin.

    Args:
        file: of kind "separator".

    Attributes:
        split: window and bands. parts: how many.

    Raises:
        CheckpointError: if settings and weights do not belong together.
    """

    def __init__(self, file: WeightsFile) -> None:
        settings: dict[str, Any] = file.settings
        try:
            self.split = BandSplit(**settings["split"])
            self.parts: int = settings["parts"]
            self._turns = 2 * settings["layers"]
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"The separator's settings cannot be used ({error}).") from error
        self._weights = file.weights
        needed = {f"write.{len(self.split.bands) - 1}.bias", f"turns.{self._turns - 1}.back.bias"}
        if missing := needed - set(self._weights):
            raise CheckpointError(f"The separator lacks weights: {', '.join(sorted(missing))}.")

    def shares(self, magnitudes: np.ndarray) -> np.ndarray:
        """Each part's share of every bin; shares of a bin sum to one.

        Args:
            magnitudes: float32 [frames, bins] of any number of bins; over the root mean square of
                the recording's samples.

        Returns:
            float32 [parts, frames, bins]. Bins above those the network knows share as its last.
        """
        heard = self.split.heard(magnitudes)
        read = [
            self._linear(heard[:, low:high], f"read.{band}.")
            for band, (low, high) in enumerate(self.split.bands)
        ]
        hidden = np.stack(read, axis=1)  # [frames, bands, width]
        for turn in range(self._turns):
            if turn % 2:  # across the bands of a moment
                turned = np.ascontiguousarray(hidden.transpose(1, 0, 2))
                hidden = hidden + self._turn(turned, turn).transpose(1, 0, 2)
            else:  # along time
                hidden = hidden + self._turn(hidden, turn)
        hidden = rms_norm(hidden, self._weights["norm.weight"])
        shares = [
            _softmax(self._scores(hidden[:, band], band)) for band in range(len(self.split.bands))
        ]
        return self.split.fitted(np.concatenate(shares, axis=-1), magnitudes.shape[-1])

    def _scores(self, hidden: np.ndarray, band: int) -> np.ndarray:
        """Of each part in each bin of a band, [parts, frames, bins]."""
        scores = self._linear(hidden, f"write.{band}.")
        return scores.reshape(len(scores), self.parts, -1).transpose(1, 0, 2)

    def _turn(self, x: np.ndarray, turn: int) -> np.ndarray:
        prefix = f"turns.{turn}."
        normed = rms_norm(x, self._weights[f"{prefix}norm.weight"])
        return self._linear(lstm(normed, self._weights, f"{prefix}lstm."), f"{prefix}back.")

    def _linear(self, x: np.ndarray, prefix: str) -> np.ndarray:
        return x @ self._weights[f"{prefix}weight"].T + self._weights[f"{prefix}bias"]


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Over the first axis."""
    raised = np.exp(scores - scores.max(axis=0))
    return raised / raised.sum(axis=0)
