"""The beat network in NumPy: log-mel bands to log odds of beat and downbeat in each frame.

The network reads both ways, so a recording is read in windows that overlap: what a window says
about its first and last seconds, where it has heard too little, is taken from its neighbours. But
for two numbers a frame nothing grows with the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ritornello.note_model.engine.recurrent import lstm
from ritornello.note_model.weights_file import WeightsFile
from ritornello.transcribe.spectra import BANDS, log_bands

KIND = "beats"
_KEPT, _MARGIN = 1500, 252  # frames of a window, and on each side of them
_SIZE = _KEPT + 2 * _MARGIN
_TOGETHER = 16


def beat_logits(blocks: Iterable[np.ndarray], network: WeightsFile) -> np.ndarray:
    """Log odds of a beat and of the beginning of a bar, float32 [frames, 2].

    Args:
        blocks: mono float32 at `spectra.RATE_HZ`, of any lengths.
        network: weights and settings of a `experiments.listening.beat_net.BeatNet`.
    """
    return window_logits(log_bands(blocks), network)


def window_logits(spectra: Iterable[np.ndarray], network: WeightsFile) -> np.ndarray:
    """Outputs of a network for spectra in blocks [frames, bands]: float32 [frames, outputs]."""
    found: list[np.ndarray] = []
    waiting: list[np.ndarray] = []
    for window in _windows(spectra):
        # The last one may be shorter than those before it.
        if waiting and (len(waiting) == _TOGETHER or len(window) < _SIZE):
            found += [*play(np.stack(waiting), network)]
            waiting = []
        waiting.append(window)
    if waiting:
        found += [*play(np.stack(waiting), network)]
    kept = [
        logits[_MARGIN if number else 0 : None if number == len(found) - 1 else _MARGIN + _KEPT]
        for number, logits in enumerate(found)
    ]
    return np.concatenate([np.zeros((0, _answers(network)), np.float32), *kept])


def _answers(network: WeightsFile) -> int:
    """How many numbers the network gives for a frame."""
    return int(len(network.weights["out.bias"]) // network.settings["stride"])


def _windows(spectra: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Overlapping stretches [_SIZE, bands], each `_KEPT` after the one before; the last is shorter
    or as long, but longer than two margins if it is not the only one."""
    held = np.zeros((0, BANDS), np.float32)
    for frames in spectra:
        held = np.concatenate([held, frames])
        while len(held) > _SIZE:
            yield held[:_SIZE]
            held = held[_KEPT:]
    if len(held):
        yield held


def play(spectra: np.ndarray, network: WeightsFile) -> np.ndarray:
    """Spectra [batch, frames, bands] to logits [batch, frames, answers].

    The answers of the beat network are beat and downbeat.
    """
    weights, settings = network.weights, network.settings
    batch, frames, bands = spectra.shape
    context, stride = settings["context"], settings["stride"]
    # The convolution pads with zeros, which stand for the centre.
    around = ((0, 0), (context, context + -frames % stride), (0, 0))
    padded = np.pad(spectra - np.float32(settings["centre"]), around)
    kernel = weights["near.weight"]  # [channels, bands, width]
    near = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2], axis=1)
    near = near[:, ::stride].reshape(-1, bands * kernel.shape[2])
    hidden = np.maximum(near @ kernel.reshape(len(kernel), -1).T + weights["near.bias"], 0)
    hidden = hidden.reshape(batch, -1, len(kernel)).transpose(1, 0, 2)
    hidden = lstm(np.ascontiguousarray(hidden), weights, "lstm.")
    logits = (hidden @ weights["out.weight"].T + weights["out.bias"]).transpose(1, 0, 2)
    result: np.ndarray = logits.reshape(batch, -1, _answers(network))[:, :frames]
    return result
