"""Sound as one-second chunks, the representation of `remix2023`, and back.

A chunk is what a network reads and writes at once, so a sound of any length is a row of them. The
last is filled up with silence; how long the sound was is remembered, so that joining the chunks
gives back every sample. Nothing is lost, and nothing is done about the borders: that two
neighbours were made apart from each other is audible (`ritornello.separate.scores.click_db`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.dsp.waveform import Waveform
from ritornello.errors import ConfigError, InputError


@dataclass(frozen=True, eq=False)
class Chunks:
    """A sound in pieces of equal length.

    Attributes:
        samples: float32 [chunks, samples, channels]; the end of the last chunk may be filling.
        length: samples of the sound itself.
        rate_hz: samples per second.
    """

    samples: np.ndarray
    length: int
    rate_hz: int


def encode(waveform: Waveform, *, seconds: float = 1.0) -> Chunks:
    """Cut a sound into chunks; a sound without samples has none.

    Args:
        waveform: of any length and number of channels.
        seconds: of a chunk, rounded to whole samples.

    Raises:
        ConfigError: if a chunk would be shorter than a sample.
    """
    size = round(seconds * waveform.rate_hz)
    if size < 1:
        raise ConfigError(
            f"A chunk of {seconds} s holds no sample at {waveform.rate_hz} Hz.",
            next_step="Choose longer chunks.",
        )
    length = len(waveform.samples)
    filling = -length % size
    filled = np.pad(waveform.samples, ((0, filling), (0, 0)))
    return Chunks(filled.reshape(-1, size, waveform.channels), length, waveform.rate_hz)


def decode(chunks: Chunks) -> Waveform:
    """Join chunks to a sound, without the filling. ``decode(encode(sound))`` is that sound.

    Raises:
        InputError: if the chunks hold fewer samples than the sound is said to have.
    """
    count, size, channels = chunks.samples.shape
    if chunks.length > count * size:
        raise InputError(
            f"{count} chunks of {size} samples cannot hold a sound of {chunks.length} samples."
        )
    joined = chunks.samples.reshape(-1, channels)[: chunks.length]
    return Waveform(np.ascontiguousarray(joined, np.float32), chunks.rate_hz)
