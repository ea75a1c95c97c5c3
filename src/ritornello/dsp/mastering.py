"""Loudness and true peak of a mix, and the gain and limiter that bring them to their targets.

One pass over the sound gives its loudness and its true peak for every millisecond. Gain and
limiter are found on those short arrays alone and applied in a second pass.

Sources: ITU-R BS.1770-5 (loudness, true peak); filter formulae for any sample rate from
B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement" (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOUDNESS_LUFS = -14.0
PEAK_DB = -1.0
# The limiter keeps below, for the ripple between the points it looks at and for other meters.
_LIMIT = 10 ** ((PEAK_DB - 0.2) / 20)
_MOST_LIMITING_DB = 9.0
_MOST_GAIN_DB = 40.0
_LOOK_AHEAD_HOPS = 10
_GATE_HOPS = 100  # from one gating block of 0.4 s to the next
_BLOCK = 1 << 16
_HISTORY = 1 << 13


@dataclass(frozen=True, eq=False)
class Levels:
    """What a sound measures, a value for each hop of about a millisecond.

    Attributes:
        hop: samples.
        peaks: largest magnitude of either channel, between samples too, [hops].
        energy: mean square after K-weighting, channels summed, [hops].
    """

    hop: int
    peaks: np.ndarray
    energy: np.ndarray

    @property
    def true_peak_db(self) -> float:
        """Largest magnitude of either channel, between samples too; -inf for silence."""
        peak = float(self.peaks.max(initial=0.0))
        return _decibels_of_peak(peak) if peak else -np.inf

    def lufs(self, gain: np.ndarray | float = 1.0) -> float:
        """Integrated loudness with a gain ([hops] or one); -inf for silence.

        Sounds shorter than a gating block of 0.4 s are measured as a whole.
        """
        energy = self.energy * np.square(gain, dtype=np.float32)
        if len(energy) < 4 * _GATE_HOPS:
            blocks = energy.mean(keepdims=True) if len(energy) else energy
        else:
            steps = energy[: len(energy) // _GATE_HOPS * _GATE_HOPS].reshape(-1, _GATE_HOPS)
            blocks = np.convolve(steps.mean(axis=1, dtype=np.float64), np.full(4, 0.25), "valid")
        # Loudness of blocks of 0.4 s that overlap by three quarters: L = -0.691 + 10 log10(energy).
        # Two gates: blocks above -70 LUFS, then those above 10 LU below the mean of these.
        loud = blocks[_decibels(blocks) - 0.691 > -70]
        if not len(loud):
            return -np.inf
        loud = loud[_decibels(loud) > _decibels(loud.mean()) - 10]
        return float(_decibels(loud.mean()) - 0.691)


class Meter:
    """Measures a sound of one or two channels that comes in blocks of any size.

    Attributes:
        hop: samples, see `Levels`.
    """

    def __init__(self, rate_hz: int, *, oversampling: int = 4) -> None:
        """Look for peaks at so many points a sample; 1 is enough where only loudness counts."""
        self.hop = max(1, round(rate_hz / 1000))
        self._block = _BLOCK // self.hop * self.hop
        self._size = _BLOCK + 2 * _HISTORY
        self._weighting = _k_weighting(self._size, rate_hz).astype(np.complex64)
        turns = np.arange(self._size // 2 + 1) / self._size
        self._shifts = [  # by parts of a sample
            np.exp(2j * np.pi * turns * part / oversampling).astype(np.complex64)
            for part in range(1, oversampling)
        ]
        self._before = 0
        self._near: list[np.ndarray] = []  # up to _HISTORY samples measured already, then new ones
        self._waiting = 0
        self._buffers: tuple[np.ndarray, ...] = ()
        self._peaks = [np.zeros(0, np.float32)]
        self._energy = [np.zeros(0, np.float32)]

    def add(self, part: np.ndarray) -> None:
        """Measure the next samples, float32 [channels, samples]; they are copied."""
        if not self._buffers:  # used again and again, as new memory takes as long as the transforms
            sound = np.zeros((len(part), self._size), np.float32)
            spectrum = np.zeros((len(part), self._size // 2 + 1), np.complex64)
            self._buffers = sound, spectrum, spectrum.copy()
        for start in range(0, part.shape[1], self._block):
            self._near.append(part[:, start : start + self._block].copy())
            self._waiting += self._near[-1].shape[1]
            # Some sound before and after, for the filters to settle in.
            while self._waiting >= self._block + _HISTORY:
                self._measure(self._block)

    def levels(self) -> Levels:
        """What the whole sound measures; to be asked once, at its end."""
        while self._waiting:
            self._measure(min(self._block, self._waiting))
        return Levels(self.hop, np.concatenate(self._peaks), np.concatenate(self._energy))

    def _measure(self, count: int) -> None:
        near = np.concatenate(self._near, axis=1)
        sound, spectrum, changed = self._buffers
        used = near[:, : self._before + count + _HISTORY]
        sound[:] = 0
        sound[:, _HISTORY - self._before :][:, : used.shape[1]] = used
        inside = slice(_HISTORY, _HISTORY + count)
        highest = np.abs(sound[:, inside]).max(axis=0)
        np.fft.rfft(sound, out=spectrum)

        def filtered(response: np.ndarray) -> np.ndarray:
            np.multiply(spectrum, response, out=changed)
            return np.fft.irfft(changed, self._size, out=sound)[:, inside]

        energy = np.square(filtered(self._weighting)).sum(axis=0)
        for shift in self._shifts:
            np.maximum(highest, np.abs(filtered(shift)).max(axis=0), out=highest)
        self._energy.append(_by_hop(energy, self.hop).mean(axis=1))
        self._peaks.append(_by_hop(highest, self.hop).max(axis=1))
        measured = self._before + count
        self._before = min(_HISTORY, measured)
        self._near = [near[:, measured - self._before :]]
        self._waiting -= count


def measure(samples: np.ndarray, rate_hz: int) -> Levels:
    """Measure float32 [channels, samples] in blocks."""
    meter = Meter(rate_hz)
    meter.add(samples)
    return meter.levels()


def mastering_gain(levels: Levels, *, most_limiting_db: float = _MOST_LIMITING_DB) -> float:
    """The gain that makes a sound -14 LUFS after the limiter; 1 for silence.

    Where that would take more limiting than this (9 dB) or 40 dB of gain, the sound stays quieter.
    """
    lufs = levels.lufs()
    if not np.isfinite(lufs):
        return 1.0
    highest = _decibels_of_peak(_LIMIT / levels.peaks.max()) + most_limiting_db
    highest = min(highest, _MOST_GAIN_DB)
    gain_db = min(LOUDNESS_LUFS - lufs, highest)
    # The limiter makes a mix quieter, so gain + (target - reached) is taken until it stands still.
    for _ in range(6):
        gain = 10 ** (gain_db / 20)
        curve = limiter_curve(levels.peaks * gain)
        reached = levels.lufs(gain * (curve[1:] + curve[:-1]) / 2)
        gain_db = min(gain_db + LOUDNESS_LUFS - reached, highest)
    return float(10 ** (gain_db / 20))


def limiter_curve(peaks: np.ndarray) -> np.ndarray:
    """Gain at the hop boundaries, float32 [hops + 1], that keeps every peak below -1 dB.

    The gain falls and rises smoothly over about 20 ms around a peak.
    """
    # g(t) = sum over d of w(d) * min(1, limit / M(t + d)), where w is a Hann window that sums to 1
    # and M the loudest peak within reach of it. Each term is low enough for the peak at t, so their
    # mean is; and as w is smooth, so is the gain.
    reach = _LOOK_AHEAD_HOPS
    window = np.hanning(2 * reach + 3)[1:-1]
    window /= window.sum()
    around = np.pad(peaks, 2 * reach + 1)
    curve = np.empty(len(peaks) + 1, np.float32)
    for start in range(0, len(curve), _BLOCK):
        near = around[start : start + _BLOCK + 4 * reach + 1]
        loudest = np.lib.stride_tricks.sliding_window_view(near, 2 * reach + 2).max(axis=1)
        lowest = np.minimum(1.0, _LIMIT / np.maximum(loudest, 1e-9))
        curve[start : start + _BLOCK] = np.convolve(lowest, window, mode="valid")
    return curve


def apply_gain(samples: np.ndarray, gain: float, curve: np.ndarray, hop: int) -> None:
    """Multiply [channels, samples] by a gain and a `limiter_curve`, in place and in blocks."""
    for start in range(0, samples.shape[1], _BLOCK):
        part = samples[:, start : start + _BLOCK]
        part *= (gain * curve_at(curve, hop, start, part.shape[1])).astype(np.float32)


def curve_at(curve: np.ndarray, hop: int, start: int, count: int) -> np.ndarray:
    """A `limiter_curve` at ``count`` samples from ``start`` on, float64 [count]."""
    first, last = start // hop, (start + count) // hop + 2
    boundaries = np.arange(first, min(last, len(curve))) * hop
    result: np.ndarray = np.interp(np.arange(start, start + count), boundaries, curve[first:last])
    return result


def _by_hop(values: np.ndarray, hop: int) -> np.ndarray:
    """Values as rows of a hop each; the last row is filled up with its last value."""
    return np.pad(values, (0, -len(values) % hop), mode="edge").reshape(-1, hop)


def _decibels(power: np.ndarray | float) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 1e-20))


def _decibels_of_peak(magnitude: float) -> float:
    return float(20 * np.log10(magnitude))


def _k_weighting(size: int, rate_hz: int) -> np.ndarray:
    """Response of the K-weighting filter, complex [size // 2 + 1]."""
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)

    def poles(k: float, q: float) -> np.ndarray:
        result: np.ndarray = 1 + k / q + k * k + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z**2
        return result

    # A shelf for the head, about 4 dB above 1.7 kHz.
    k, q = np.tan(np.pi * 1681.974450955533 / rate_hz), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416 * k / q
    shelf = high + middle + k * k + 2 * (k * k - high) * z + (high - middle + k * k) * z**2
    shelf /= poles(k, q)
    # And a high-pass at 38 Hz. The standard leaves its numerator as it is.
    k, q = np.tan(np.pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    result: np.ndarray = shelf * (1 - z) ** 2 / (poles(k, q) / (1 + k / q + k * k))
    return result
