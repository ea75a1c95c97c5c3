"""How well stems were taken out of a mix, or written to a solo: decibels against the real stems.

Sounds are float arrays [samples] of one rate. A measure that has no meaning for a pair, such as the
ratio to a silent stem, is nan: leave it out of a mean and say how many were left out.

Sources: Le Roux, Wisdom, Erdogan and Hershey, "SDR - half-baked or well done?" (ICASSP 2019) for
SI-SDR; Wang, Narayanan and Wang, "On training targets for supervised speech separation" (2014) for
the ideal ratio mask; Gray and Markel, "Distance measures for speech processing" (1976) for the
log-spectral distance.
"""

from __future__ import annotations

import numpy as np

_WINDOW_SECONDS = 0.064
_HOPS_PER_WINDOW = 4
_SPECTRUM_FLOOR_DB = -80.0
_FRAME_SECONDS = 0.05
_SILENT_DB = -60.0


def si_sdr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB; nan if either sound is silent.

    Blind to how loud the estimate is, so see `snr_db` too. Constant offsets, which nobody hears,
    are taken off both sounds first.
    """
    reference, estimate = _centred(reference), _centred(estimate)
    energy = reference @ reference
    if not energy or not estimate @ estimate:
        return float("nan")
    target = (estimate @ reference / energy) * reference
    return _ratio_db(target @ target, np.square(estimate - target).sum())


def snr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Signal-to-noise ratio in dB: what silence gets is 0; nan if the reference is silent."""
    reference, estimate = _centred(reference), _centred(estimate)
    energy = reference @ reference
    return _ratio_db(energy, np.square(estimate - reference).sum()) if energy else float("nan")


def log_spectral_distance_db(reference: np.ndarray, estimate: np.ndarray, rate_hz: int) -> float:
    """Root mean square over frequencies of the difference in level, averaged over frames; 0 = same.

    Levels below -80 dB of full scale count as -80 dB, so two silences are equal.
    """
    levels = [_levels_db(sound, rate_hz) for sound in (reference, estimate)]
    return float(np.sqrt(np.square(levels[0] - levels[1]).mean(axis=1)).mean())


def ideal_ratio_mask(stems: np.ndarray, rate_hz: int) -> np.ndarray:
    """What a perfect magnitude mask on the mix of stems [samples, parts] gives back, same shape.

    It knows the answer and still has to use the phase of the mix: a bound for masking.
    """
    size = len(_window(rate_hz))
    around = (size, 2 * size)  # so that every sample is in as many frames as any other
    spectra = np.stack([_stft(np.pad(stem, around), rate_hz) for stem in stems.T])
    magnitudes = np.abs(spectra)
    share = magnitudes / np.maximum(magnitudes.sum(axis=0), np.finfo(np.float64).tiny)
    masked = share * spectra.sum(axis=0)
    sounds = [_istft(spectrum, rate_hz)[size : size + len(stems)] for spectrum in masked]
    return np.stack(sounds, axis=1)


def click_db(sound: np.ndarray, period: int) -> float:
    """How much larger steps between samples are at multiples of ``period`` than elsewhere, in dB.

    0 is a sound that knows nothing of chunks of ``period`` samples; nan without borders or sound.
    """
    steps = np.square(np.diff(np.asarray(sound, np.float64)))
    at_border = np.zeros(len(steps), bool)
    at_border[period - 1 :: period] = True
    if not at_border.any() or at_border.all() or not steps.any():
        return float("nan")
    return _ratio_db(steps[at_border].mean(), steps[~at_border].mean())


def noise_db(reference: np.ndarray, estimate: np.ndarray, rate_hz: int) -> float:
    """Level of an estimate where the real stem pauses, in dB of full scale; nan without pauses.

    A pause is a frame of 50 ms below -60 dB.
    """
    size = max(1, round(_FRAME_SECONDS * rate_hz))
    frames = [_centred(sound)[: len(sound) // size * size] for sound in (reference, estimate)]
    real, made = (np.square(frame.reshape(-1, size)).mean(axis=1) for frame in frames)
    pauses = real < 10 ** (_SILENT_DB / 10)
    return _ratio_db(made[pauses].mean(), 1.0) if pauses.any() else float("nan")


def _centred(sound: np.ndarray) -> np.ndarray:
    sound = np.asarray(sound, np.float64)
    return sound - sound.mean() if len(sound) else sound


def _ratio_db(above: float, below: float) -> float:
    """10 log10 of a ratio of energies; infinite where one of them is 0."""
    with np.errstate(divide="ignore"):
        return float(10 * (np.log10(above) - np.log10(below)))


def _window(rate_hz: int) -> np.ndarray:
    """Periodic Hann window of about 64 ms, a power of two samples long."""
    size = 2 ** max(3, round(np.log2(_WINDOW_SECONDS * rate_hz)))
    result: np.ndarray = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return result


def _stft(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Spectra of overlapping frames, complex128 [frames, frequencies]."""
    window = _window(rate_hz)
    filled = np.pad(np.asarray(sound, np.float64), (0, max(0, len(window) - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(filled, len(window))
    return np.fft.rfft(frames[:: len(window) // _HOPS_PER_WINDOW] * window)


def _istft(spectra: np.ndarray, rate_hz: int) -> np.ndarray:
    """The sound of the spectra that `_stft` made; samples that no window covers are 0."""
    window = _window(rate_hz)
    hop = len(window) // _HOPS_PER_WINDOW
    frames = np.fft.irfft(spectra, len(window)) * window
    sound = np.zeros(hop * (len(frames) - 1) + len(window))
    weight = np.zeros_like(sound)
    for index, frame in enumerate(frames):
        place = slice(index * hop, index * hop + len(window))
        sound[place] += frame
        weight[place] += window**2
    return np.divide(sound, weight, out=np.zeros_like(sound), where=weight > 0)


def _levels_db(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Levels [frames, frequencies], a full-scale sine being 0 dB."""
    amplitude = np.abs(_stft(sound, rate_hz)) * (2 / _window(rate_hz).sum())
    result: np.ndarray = 20 * np.log10(np.maximum(amplitude, 10 ** (_SPECTRUM_FLOOR_DB / 20)))
    return result
