"""A recording to its measures in one pass: levels, tuning, and how its spectrum behaves.

Whether something is music, noise, drums or speech is a guess from five numbers, whose limits were
set on loops, single hits and stems of known instruments, on made noise and on synthetic speech in
five languages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.dsp.recordings import Recording
from ritornello.json_values import JsonObject
from ritornello.transcribe.concert_pitch import peak_deviations, tuning_cents

_RATE_HZ = 22_050  # of the sound whose spectra are looked at
_FRAME, _HOP = 4096, 2048  # its spectra
_ENVELOPE = 512  # samples of a level; 23 ms
_LOWEST_HZ, _HIGHEST_HZ = 60, 5000
_BINS = slice(_LOWEST_HZ * _FRAME // _RATE_HZ, _HIGHEST_HZ * _FRAME // _RATE_HZ)
_BAND_BINS = 32  # a peak stands out from the median of its band
_STANDS_OUT = 12.0  # times in power; in white noise one bin in 4000 does
_STRONG = 0.02  # of the strongest peak, in power
_LOUD_DB = 35.0  # below the loudest; what is softer counts for nothing
_STEPS = 10_000  # of the histogram of sample values, to full scale
_COARSE_STEPS = 300
_FLOOR = 1e-12
_SILENCE_BELOW_LOUDEST_DB = 60.0  # does not count for what is usual
_SOUNDING_DB, _LEAD_IN_DB = 35.0, 25.0  # below the usual
# A steady noise of a room or recorder: so much of the time lies within so few dB of its level, so
# far below the loudest, and has no pitch. What is hardly louder counts for nothing.
_NOISE_SHARE, _NOISE_DB, _NOISE_BELOW_DB, _OVER_NOISE_DB = 0.3, 3.0, 12.0, 6.0
_NOISE_TONAL = 0.2

SILENT_DB, _NOTHING_DB = -60.0, -105.0  # where it is no more than noise; in any case


@dataclass(frozen=True)
class Measures:
    """Measured values of one recording; levels in dB of full scale.

    Attributes:
        duration_seconds, lost_seconds: in all, and what could not be decoded.
        loudest_db: loudest 23 ms.
        usual_db: what the loudest twentieth passes.
        lead_in_seconds: before the first sound that is at most 25 dB softer than usual.
        sounding_seconds: from the first to the last sound that is at most 35 dB softer than usual.
            Neither begins in the noise of a room that goes on all along.
        tuning_cents: of A above 440 Hz, -50 to 50; 0 where notes do not agree on one.
        clipped: share of samples beyond full scale, or at the highest value if far more are there
            than just below it.
        dc_offset: mean of the louder side.
        dc_offsets: mean of the left and of the right.
        balance_db: level of the left above that of the right.
        out_of_phase_db: level of the difference of left and right above that of their sum.
        tonal: share of energy in narrow peaks, in the middle of all loud spectra; 0 to 1.
        lasting: share of it in peaks that were there 93 ms before.
        flatness: geometric by arithmetic mean of the spectrum, in the middle; 0 to 1.
        range_db: from the level that a fifth of all is below, to the usual.
        syllabic: share of changes in level that come 2.5 to 8 times a second.
    """

    duration_seconds: float
    lost_seconds: float
    loudest_db: float
    usual_db: float
    lead_in_seconds: float
    sounding_seconds: tuple[float, float]
    tuning_cents: float
    clipped: float
    dc_offset: float
    dc_offsets: tuple[float, float]
    balance_db: float
    out_of_phase_db: float
    tonal: float
    lasting: float
    flatness: float
    range_db: float
    syllabic: float

    @property
    def is_silent(self) -> bool:
        """Whether there is no sound, or so little that is no more than a steady noise."""
        is_faint_noise = self.is_short or (self.range_db <= 8 and self.tonal < 0.2)
        return self.loudest_db < (SILENT_DB if is_faint_noise else _NOTHING_DB)

    @property
    def is_short(self) -> bool:
        """Whether the recording is too short to classify."""
        return self.duration_seconds < 2

    @property
    def is_noise(self) -> bool:
        steady = self.range_db <= 8
        return not self.is_short and steady and self.tonal < 0.2 and self.lasting < 0.15

    @property
    def is_percussive(self) -> bool:
        unpitched = self.tonal < 0.25 or (self.tonal < 0.67 and self.flatness > 0.05)
        return not (self.is_short or self.is_speech) and unpitched and self.range_db > 8

    @property
    def is_like_syllables(self) -> bool:
        """Whether its tones come and go as fast as syllables: speech does so, and many a player."""
        return (
            not self.is_short
            and self.tonal > 0.2
            and self.flatness < 0.05
            and self.syllabic > 0.45
            and self.range_db > 15
        )

    @property
    def is_speech(self) -> bool:
        # Vowels go on now and then; beeps as short as a metronome's never do.
        return self.is_like_syllables and self.tonal < 0.85 and 0.05 < self.lasting < 0.75


def measure(recording: Recording) -> Measures:
    """Measure a recording in one pass; memory is a kilobyte a second.

    Raises:
        InputError: if a value in it is not a number.
    """
    import soxr

    samples, spectra = _Samples(), _Spectra()
    lost: list[float] = []
    resampler = soxr.ResampleStream(recording.rate_hz, _RATE_HZ, 1, dtype="float32")
    sides = recording.blocks(recording.rate_hz, 2, lost=lambda start, end: lost.append(end - start))
    for block in sides:
        samples.add(block)
        spectra.add(resampler.resample_chunk(_mono(block)))
    spectra.add(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return Measures(
        duration_seconds=recording.duration_seconds,
        lost_seconds=sum(lost),
        **samples.measures(),
        **spectra.measures(),
    )


def _mono(block: np.ndarray) -> np.ndarray:
    """The sum of the sides [samples, 2], or their difference where the sum cancels; without DC."""
    total, difference = block.mean(axis=1), (block[:, 0] - block[:, 1]) / 2
    total, difference = total - total.mean(), difference - difference.mean()
    cancels = np.square(difference).sum() > 10 * np.square(total).sum()
    result: np.ndarray = difference if cancels else total
    return result


class _Samples:
    """Sample values, block by block."""

    def __init__(self) -> None:
        self._histogram = np.zeros(2 * _STEPS, np.int64)
        self._pairs = np.zeros(2 * _STEPS, np.int64)  # of the smaller of two in a row
        self._sums = np.zeros(2)
        self._powers = np.zeros(2)  # of sum and difference
        self._squares = np.zeros(2)  # of left and right
        self._count = 0

    def add(self, block: np.ndarray) -> None:
        steps = np.minimum(np.abs(block) * _STEPS, 2 * _STEPS - 1).astype(np.int64)
        self._histogram += np.bincount(steps.ravel(), minlength=2 * _STEPS)
        pairs = np.minimum(steps[1:], steps[:-1])
        self._pairs += np.bincount(pairs.ravel(), minlength=2 * _STEPS)
        self._sums += block.sum(axis=0, dtype=np.float64)
        left, right = block[:, 0], block[:, 1]
        self._powers += [float(((left + right) ** 2).sum()), float(((left - right) ** 2).sum())]
        self._squares += np.square(block).sum(axis=0, dtype=np.float64)
        self._count += len(block)

    def measures(self) -> JsonObject:
        total, difference = self._powers / self._count + _FLOOR
        means = self._sums / self._count
        left, right = np.maximum(self._squares / self._count - means**2, 0) + _FLOOR
        return {
            "clipped": self._clipped(),
            "dc_offset": float(means[np.abs(means).argmax()]),
            "dc_offsets": tuple(means.tolist()),
            "balance_db": float(10 * np.log10(left / right)),
            "out_of_phase_db": float(10 * np.log10(difference / total)),
        }

    def _clipped(self) -> float:
        """The share of samples at a peak that many reach, or beyond full scale.

        A sine has 0.46 times as many within 0.1% of its peak as within 1% below. What is cut off is
        so for two samples in a row, which tells it from a click that comes again and again. Lossy
        coders smear what was cut off, half of it to beyond full scale, where nothing else comes.
        """
        histogram, total = self._histogram, self._histogram.sum()
        peak = int(np.flatnonzero(histogram)[-1])
        if peak < _COARSE_STEPS:  # too soft for so fine a look
            return 0.0
        at_peak = int(self._pairs[int(peak * 0.999) :].sum())
        below = int(self._pairs[int(peak * 0.99) : int(peak * 0.999)].sum())
        beyond = int(histogram[_STEPS + 1 :].sum())
        result: float = max(at_peak if at_peak > max(8, 2 * below) else 0, beyond) / total
        return result


class _Spectra:
    """Levels and spectra of mono sound at `_RATE_HZ`, block by block."""

    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.float32)
        self._unmeasured = np.zeros(0, np.float32)
        self._levels: list[np.ndarray] = []
        self._frames: list[np.ndarray] = []
        self._directions: list[complex] = []
        self._peaks = np.zeros((1, _BINS.stop - _BINS.start), bool)
        self._window = np.hanning(_FRAME).astype(np.float32)

    def add(self, block: np.ndarray) -> None:
        waiting = np.concatenate([self._unmeasured, block])
        whole = len(waiting) // _ENVELOPE * _ENVELOPE
        self._levels.append((waiting[:whole].reshape(-1, _ENVELOPE) ** 2).mean(axis=1))
        self._unmeasured = waiting[whole:]
        self._waiting = np.concatenate([self._waiting, block])
        if len(self._waiting) >= _FRAME:
            frames = np.lib.stride_tricks.sliding_window_view(self._waiting, _FRAME)[::_HOP]
            self._frames.append(self._of_frames(frames))
            self._waiting = self._waiting[len(frames) * _HOP :]

    def _of_frames(self, frames: np.ndarray) -> np.ndarray:
        """float32 [frames, 4]: power, and the share of tones, of lasting tones, and flatness."""
        power = np.abs(np.fft.rfft(frames * self._window)[:, _BINS]) ** 2 + _FLOOR
        bins = power.shape[1] // _BAND_BINS * _BAND_BINS
        bands = power[:, :bins].reshape(len(frames), -1, _BAND_BINS)
        medians = np.median(bands, axis=2, keepdims=True)
        peaks = np.zeros(power.shape, bool)
        peaks[:, :bins] = (bands > _STANDS_OUT * medians).reshape(len(frames), -1)
        tonal = (power * peaks).sum(axis=1) / power.sum(axis=1)
        self._directions += [
            peak_deviations(row[None], peak[None], _RATE_HZ / _FRAME, _BINS.start)
            for row, peak in zip(power, peaks, strict=True)
        ]
        strong = peaks & (power > _STRONG * power.max(axis=1, keepdims=True))
        before = np.concatenate([self._peaks, strong[:-1]])
        near = before.copy()
        near[:, 1:] |= before[:, :-1]
        near[:, :-1] |= before[:, 1:]
        self._peaks = strong[-1:]
        tones = power * strong
        lasting = (tones * near).sum(axis=1) / (tones.sum(axis=1) + _FLOOR)
        flatness = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        levels = (frames**2).mean(axis=1)
        return np.stack([levels, tonal, lasting, flatness], axis=1).astype(np.float32)

    def measures(self) -> JsonObject:
        if not self._frames:
            padded = np.zeros((1, _FRAME), np.float32)
            padded[0, : len(self._waiting)] = self._waiting
            self._frames.append(self._of_frames(padded))
        powers = np.concatenate([*self._levels, [(self._unmeasured**2).sum() / _ENVELOPE]])
        levels = 10 * np.log10(powers + _FLOOR)
        usual = float(np.quantile(levels[levels > levels.max() - _SILENCE_BELOW_LOUDEST_DB], 0.95))
        frames = np.concatenate(self._frames)
        frames_db = 10 * np.log10(frames[:, 0] + _FLOOR)
        noise = _noise_db(frames_db, frames[:, 1])
        loud = frames[frames_db >= max(float(frames_db.max()) - _LOUD_DB, noise)]
        tonal, lasting, flatness = np.median(loud[:, 1:], axis=0).tolist()
        first = int((levels > max(usual - _LEAD_IN_DB, noise)).argmax())
        sounding = np.flatnonzero(levels > max(usual - _SOUNDING_DB, noise))[[0, -1]] + (0, 1)
        return {
            "loudest_db": float(levels.max()),
            "usual_db": usual,
            "lead_in_seconds": first * _ENVELOPE / _RATE_HZ,
            "sounding_seconds": tuple((sounding * _ENVELOPE / _RATE_HZ).tolist()),
            "tuning_cents": tuning_cents(np.array(self._directions)),
            "tonal": tonal,
            "lasting": lasting,
            "flatness": flatness,
            "range_db": usual - float(np.quantile(levels, 0.2)),
            "syllabic": _syllabic(np.sqrt(powers)),
        }


def _noise_db(levels: np.ndarray, tonal: np.ndarray) -> float:
    """The level up to which sound is no more than a steady noise; that of nothing without one.

    Args:
        levels: of frames, in dB. tonal: the share of their energy in tones.
    """
    floor = float(np.quantile(levels, _NOISE_SHARE / 2))
    near = np.abs(levels - floor) < _NOISE_DB
    is_below = levels.max() - floor > _NOISE_BELOW_DB
    if is_below and near.mean() > _NOISE_SHARE and np.median(tonal[near]) < _NOISE_TONAL:
        return floor + _OVER_NOISE_DB
    return -np.inf


def _syllabic(envelope: np.ndarray) -> float:
    hz = np.fft.rfftfreq(len(envelope), _ENVELOPE / _RATE_HZ)
    power = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope)))) ** 2
    syllables, all_changes = (hz > 2.5) & (hz < 8), (hz > 0.3) & (hz < 20)
    return float(power[syllables].sum() / (power[all_changes].sum() + _FLOOR))
