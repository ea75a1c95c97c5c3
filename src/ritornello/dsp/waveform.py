"""Sound in memory: float32 samples of shape [samples, channels] and their rate."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.hooks import lent


@dataclass(frozen=True)
class Waveform:
    """Samples with their rate; shape and type are checked once, here.

    Attributes:
        samples: float32 [samples, channels], nominally within -1..1.
        rate_hz: samples per second.

    Raises:
        InputError: if the array is not two-dimensional float32 or the rate is not positive.
    """

    samples: np.ndarray
    rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise InputError(
                f"A waveform is float32 [samples, channels]; found {self.samples.dtype} "
                f"of shape {list(self.samples.shape)}."
            )
        if self.rate_hz <= 0:
            raise InputError(f"A sample rate is a positive number of hertz; found {self.rate_hz}.")

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration_seconds(self) -> float:
        result: float = self.samples.shape[0] / self.rate_hz
        return result

    # --- verbs of upper rooms, see `ritornello.hooks` ------------------------------------------

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the sound; the file's ending chooses the format (wav, flac, ogg, mp3)."""
        return Path(lent("save_sound")(self, path, overwrite=overwrite))

    def _repr_html_(self) -> str:
        return str(lent("sound_html")(self))
