"""The network that hears notes, in NumPy: two seconds of sound to how likely each key is.

It is that of basic-pitch 0.4.0 (Spotify AB, Apache-2.0). `note_network_weights` in the experiments
takes its weights from the published ONNX file, and a test compares the two to 1e-5. It is small (36
thousand numbers), but reads 264 bins of 172 frames with a kernel of 3 x 39, so the work is laid out
for matrix products: what is wide in frequency goes through a Fourier transform along it, what comes
to one channel is multiplied first and shifted then, and the rest is gathered (im2col).

Source: Bittner et al., "A lightweight instrument-agnostic model for polyphonic note transcription
and multipitch estimation", ICASSP 2022. The spectrum is that of nnAudio (Cheuk et al. 2020): a
constant-Q transform whose lower octaves are computed from halved sound (Schörkhuber and Klapuri
2010).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ritornello.note_model import weights_file
from ritornello.note_model.engine.layers import sigmoid

NOTE_NETWORK_FILE, NOTE_NETWORK_KIND = "note_network.safetensors", "note activity"
WINDOW_SAMPLES = 43_844
FRAMES, KEYS, THIRDS = 172, 88, 3
_HOP = 256
_OCTAVES, _BINS_AN_OCTAVE, _BINS = 9, 36, 309
# Bins above and below at which the harmonics of a key lie: 1/2, 1, 2, ... 7.
_HARMONIC_BINS = (-36, 0, 36, 57, 72, 84, 93, 101)
_USED_BINS = THIRDS * KEYS
_TRANSFORM = 320  # at least `_USED_BINS` and the kernel
_HALVED_TOGETHER = 64


def hear(window: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How likely notes begin and sound, and pitches between the keys.

    Args:
        window: mono float32 [43,844] at 22,050 Hz, about two seconds.

    Returns:
        onset and sounding, float32 [172 frames, 88 keys], and contour [172 frames, 264 thirds of a
        semitone], key n in the middle of three from 3 n on; 0 to 1; a frame is 256 samples.
    """
    return _Network.bundled().hear(window)


class _Network:
    """The weights, in the shapes in which they are multiplied.

    Args:
        weights: `spectrum.kernel` [bins of an octave, samples, real and imaginary part],
            `spectrum.halving` [samples], `spectrum.scale` [bins], `spectrum.norm` (factor, offset);
            of each convolution `NAME.weight` [out, in, frames, bins] and `NAME.bias` [out]. Names
            are "harmonics", "contour" (which together find pitches between the keys), "wide",
            "sounding", "struck" and "onset".
    """

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self._weights = weights
        kernel = weights["spectrum.kernel"]
        self._kernel = np.ascontiguousarray(kernel.transpose(1, 2, 0).reshape(kernel.shape[1], -1))
        self._halving = _halving_matrix(weights["spectrum.halving"])
        self._harmonics = _transformed(weights["harmonics.weight"])

    @classmethod
    @cache
    def bundled(cls) -> _Network:
        return cls(weights_file.bundled(NOTE_NETWORK_FILE, NOTE_NETWORK_KIND).weights)

    def hear(self, window: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        stacked = _stacked(self._normed(self._spectrum(window)))
        found = self._wide_convolution(stacked)  # [8, frames, bins]
        contour = sigmoid(self._to_one(found, "contour"))
        wide = self._by_key(contour[None], "wide")
        sounding = sigmoid(self._to_one(wide, "sounding"))
        struck = self._by_key(stacked, "struck")
        onset = sigmoid(self._to_one(np.concatenate([sounding[None], struck]), "onset"))
        return onset, sounding, contour

    # --- the spectrum -----------------------------------------------------------------------------

    def _spectrum(self, samples: np.ndarray) -> np.ndarray:
        """Power in bins of a third of a semitone, float32 [frames, bins], from the lowest on."""
        octaves = []
        width = len(self._kernel)
        for octave in range(_OCTAVES):
            padded = np.pad(samples, width // 2, mode="reflect")
            cut = np.lib.stride_tricks.sliding_window_view(padded, width)[:: _HOP >> octave]
            parts = (cut[:FRAMES] @ self._kernel).reshape(FRAMES, 2, -1)
            octaves.append(np.square(parts).sum(axis=1))
            if octave < _OCTAVES - 1:
                samples = self._halved(samples)
        power = np.concatenate(octaves[::-1], axis=1)[:, -_BINS:]
        result: np.ndarray = power * np.square(self._weights["spectrum.scale"])
        return result

    def _halved(self, samples: np.ndarray) -> np.ndarray:
        """Low-passed at half the rate; each row of the matrix product makes 64 samples."""
        width = len(self._weights["spectrum.halving"])
        count = (len(samples) + 2 * (width // 2 - 1) - width) // 2 + 1
        rows = -(-count // _HALVED_TOGETHER)
        reach, step = len(self._halving), 2 * _HALVED_TOGETHER
        padded = np.zeros((rows - 1) * step + reach, np.float32)
        padded[width // 2 - 1 :][: len(samples)] = samples[: len(padded) - width // 2 + 1]
        cut = np.lib.stride_tricks.sliding_window_view(padded, reach)[::step]
        result: np.ndarray = (cut @ self._halving).reshape(-1)[:count]
        return result

    def _normed(self, power: np.ndarray) -> np.ndarray:
        """In decibels, from 0 to 1 within the window, as the network learned it."""
        decibels = 10 * np.log10(power + np.float32(1e-10))
        decibels -= decibels.min()
        if highest := decibels.max():
            decibels /= highest
        factor, offset = self._weights["spectrum.norm"]
        result: np.ndarray = decibels * factor + offset
        return result

    # --- convolutions, of [channels, frames, bins] ------------------------------------------------

    def _wide_convolution(self, stacked: np.ndarray) -> np.ndarray:
        """3 frames by 39 bins: a product of spectra along the bins."""
        spectra = np.fft.rfft(stacked, _TRANSFORM).transpose(2, 1, 0)  # [.., frames, channels]
        padded = np.pad(spectra, ((0, 0), (1, 1), (0, 0)))
        around = np.concatenate([padded[:, step : step + FRAMES] for step in range(3)], axis=2)
        product = np.ascontiguousarray((around @ self._harmonics).transpose(2, 1, 0))
        found = np.fft.irfft(product, _TRANSFORM)[..., :_USED_BINS]
        result: np.ndarray = np.maximum(found + self._weights["harmonics.bias"][:, None, None], 0)
        return result

    def _to_one(self, channels: np.ndarray, name: str) -> np.ndarray:
        """A convolution to one channel: first all products, then their sums [frames, bins]."""
        weight = self._weights[f"{name}.weight"][0]  # [channels, frames, bins]
        count, high, wide = weight.shape
        frames, bins = channels.shape[1:]
        products = weight.reshape(count, -1).T @ channels.reshape(count, -1)
        products = products.reshape(high, wide, frames, bins)
        out = np.zeros((frames + 2 * (high // 2), bins + 2 * (wide // 2)), np.float32)
        for row in range(high):
            for column in range(wide):
                # A product belongs as far after as its weight lies before the middle.
                out[high - 1 - row :, wide - 1 - column :][:frames, :bins] += products[row, column]
        inside = out[high // 2 :, wide // 2 :][:frames, :bins]
        return np.asarray(inside + self._weights[f"{name}.bias"])

    def _by_key(self, channels: np.ndarray, name: str) -> np.ndarray:
        """A convolution that takes three bins, those of a key, at a time, and what is positive."""
        weight = self._weights[f"{name}.weight"]
        count, _, high, wide = weight.shape
        side, rows = (wide - 3) // 2, len(channels) * wide
        padded = np.pad(channels, ((0, 0), (high // 2, high // 2), (side, side + wide)))
        # Row c * wide + w holds bin w of each key, counted from `side` bins below it.
        taps = [padded[:, :, tap : tap + 3 * KEYS : 3] for tap in range(wide)]
        gathered = np.stack(taps, axis=1).reshape(rows, -1)
        out = np.zeros((count, FRAMES * KEYS), np.float32)
        for row in range(high):
            part = np.ascontiguousarray(weight[:, :, row].reshape(count, rows))
            out += part @ gathered[:, row * KEYS : (row + FRAMES) * KEYS]
        out += self._weights[f"{name}.bias"][:, None]
        return np.maximum(out, 0).reshape(count, FRAMES, KEYS)


def _stacked(spectrum: np.ndarray) -> np.ndarray:
    """Each harmonic of each bin in a channel of its own, float32 [harmonics, frames, 264]."""
    out = np.zeros((len(_HARMONIC_BINS), FRAMES, _USED_BINS), np.float32)
    for channel, shift in zip(out, _HARMONIC_BINS, strict=True):
        moved = spectrum[:, max(0, shift) : shift + _USED_BINS]
        channel[:, max(0, -shift) :][:, : moved.shape[1]] = moved
    return out


def _halving_matrix(taps: np.ndarray) -> np.ndarray:
    """Samples to the 64 samples of half the rate that they make, [samples, 64]."""
    matrix = np.zeros((len(taps) + 2 * (_HALVED_TOGETHER - 1), _HALVED_TOGETHER), np.float32)
    for sample in range(_HALVED_TOGETHER):
        matrix[2 * sample : 2 * sample + len(taps), sample] = taps
    return matrix


def _transformed(weight: np.ndarray) -> np.ndarray:
    """A kernel [out, in, frames, bins] as complex64 [frequencies, frames * in, out]."""
    out, channels, frames, bins = weight.shape
    around = np.zeros((out, channels, frames, _TRANSFORM), np.float32)
    around[..., :bins] = weight
    spectra = np.conj(np.fft.rfft(np.roll(around, -(bins // 2), axis=-1)))
    return np.ascontiguousarray(spectra.transpose(3, 2, 1, 0).reshape(-1, frames * channels, out))
