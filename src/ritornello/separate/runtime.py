"""`ritornello.separate.model` in NumPy, with torch's weights."""

from __future__ import annotations

import numpy as np

from ritornello.errors import CheckpointError
from ritornello.json_values import JsonObject
from ritornello.note_model.engine.layers import rms_norm
from ritornello.note_model.engine.recurrent import lstm
from ritornello.note_model.safetensors_file import mismatch, number_within, whole_number
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.band_split import BandSplit
from ritornello.separate.stem_folders import PARTS

KIND = "separator"
_WINDOW_SECONDS = 0.005, 0.5


class SeparatorNetwork:
    """Magnitudes of a mix to soft masks of the stems.

    Args:
        file: of kind "separator".

    Attributes:
        split: window and bands. parts: how many.

    Raises:
        CheckpointError: if settings and weights do not belong together.
    """

    def __init__(self, file: WeightsFile) -> None:
        settings = _checked(file.settings)
        self.split = BandSplit(**settings["split"])
        self.parts: int = settings["parts"]
        self._turns: int = 2 * settings["layers"]
        self._weights = file.weights
        if self._turns > len(file.weights):  # before the shapes of all of them are listed
            raise CheckpointError("The separator has fewer weights than its layers need.")
        found = {name: weight.shape for name, weight in file.weights.items()}
        if wrong := mismatch(separator_shapes(**{**settings, "split": self.split}), found):
            raise CheckpointError(f"The separator is damaged: {wrong}")

    def shares(self, magnitudes: np.ndarray) -> np.ndarray:
        """Soft masks of a magnitude spectrum; those of a bin sum to one.

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
        result: np.ndarray = x @ self._weights[f"{prefix}weight"].T + self._weights[f"{prefix}bias"]
        return result


def separator_shapes(
    *, split: BandSplit, width: int, hidden: int, layers: int, parts: int, **_: object
) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights of a `ritornello.models.separator.Separator`, by torch's names."""
    shapes: dict[str, tuple[int, ...]] = {"norm.weight": (width,)}
    for band, (low, high) in enumerate(split.bands):
        for name, rows, columns in (
            ("read", width, high - low),
            ("write", parts * (high - low), width),
        ):
            shapes[f"{name}.{band}.weight"] = (rows, columns)
            shapes[f"{name}.{band}.bias"] = (rows,)
    for turn in range(2 * layers):
        shapes[f"turns.{turn}.norm.weight"] = (width,)
        shapes[f"turns.{turn}.back.weight"] = (width, 2 * hidden)
        shapes[f"turns.{turn}.back.bias"] = (width,)
        for way in ("l0", "l0_reverse"):
            for kind, columns in (("ih", width), ("hh", hidden)):
                shapes[f"turns.{turn}.lstm.weight_{kind}_{way}"] = (4 * hidden, columns)
                shapes[f"turns.{turn}.lstm.bias_{kind}_{way}"] = (4 * hidden,)
    return shapes


def _checked(settings: JsonObject) -> JsonObject:
    """The settings of a separator.

    Raises:
        CheckpointError: naming the first one that cannot be used.
    """
    stated = settings.get("split")
    split = stated if isinstance(stated, dict) else {}
    usable = {
        "split": split is stated and split.keys() <= {"window_seconds", "power"},
        "split.window_seconds": number_within(split.get("window_seconds", 0.1), *_WINDOW_SECONDS),
        "split.power": number_within(split.get("power", 0.3), 0.05, 1.0),
        "parts": settings.get("parts") == len(PARTS),
        **{name: whole_number(settings.get(name)) for name in ("width", "hidden", "layers")},
    }
    for name, fits in usable.items():
        if not fits:
            raise CheckpointError(f"The separator's settings cannot be used: {name}.")
    return settings


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Over the first axis."""
    raised = np.exp(scores - scores.max(axis=0))
    result: np.ndarray = raised / raised.sum(axis=0)
    return result
