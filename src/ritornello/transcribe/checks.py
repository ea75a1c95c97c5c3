"""A recording to diagnostics: silence, clipping, noise, speech, percussion, odd channels.

One pass in blocks measures levels and how the spectrum behaves; then each rule of `_RULES` looks at
the measures. Whether something is music, noise, drums or speech is a guess from five numbers, whose
limits were set on loops, single hits and stems of known instruments, on made noise and on
synthetic speech in five languages; so the sentences say "may be".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.recordings import Recording

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
_FLOOR = 1e-9

SILENT_DB = -60.0


@dataclass(frozen=True)
class Measures:
    """Measured values of one recording; levels in dB of full scale.

    Attributes:
        duration_seconds, lost_seconds: in all, and what could not be decoded.
        loudest_db: loudest 23 ms.
        usual_db: what the loudest twentieth passes.
        lead_in_seconds: before the first sound that is at most 25 dB softer than usual.
        clipped: share of samples beyond full scale, or at the highest value if far more are there
            than just below it.
        dc_offset: mean of the louder side.
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
    clipped: float
    dc_offset: float
    out_of_phase_db: float
    tonal: float
    lasting: float
    flatness: float
    range_db: float
    syllabic: float

    @property
    def is_silent(self) -> bool:
        return self.loudest_db < SILENT_DB

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
    def is_speech(self) -> bool:
        return (
            not self.is_short
            and 0.2 < self.tonal < 0.85
            and self.lasting < 0.75
            and self.flatness < 0.05
            and self.syllabic > 0.45
            and self.range_db > 15
        )


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
        spectra.add(resampler.resample_chunk(block.mean(axis=1)))
    spectra.add(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return Measures(
        duration_seconds=recording.duration_seconds,
        lost_seconds=sum(lost),
        **samples.measures(),
        **spectra.measures(),
    )


def examine(recording: Recording) -> tuple[Measures, tuple[Finding, ...]]:
    """A recording to its measures and diagnostics, those of its file included.

    Raises:
        InputError: if a value in it is not a number.
    """
    measures = measure(recording)
    return measures, tuple(
        Finding(name, sentence.format(value), value)
        for name, applies, value_of, sentence in _RULES
        if applies(measures) and (not measures.is_silent or name in _OF_SILENCE)
        for value in (value_of(measures),)
    )


# Name, when it applies, what is measured, and how it is said.
_Rule = tuple[str, Callable[[Measures], bool], Callable[[Measures], float], str]
_RULES: tuple[_Rule, ...] = (
    (
        "silence",
        lambda found: found.is_silent,
        lambda found: found.loudest_db,
        "It is silent: its loudest moment is at {:.0f} dB.",
    ),
    (
        "lost",
        lambda found: found.lost_seconds > 0,
        lambda found: found.lost_seconds,
        "The file is damaged; {:.2f} s could not be decoded and are silent.",
    ),
    (
        "short",
        lambda found: found.is_short,
        lambda found: found.duration_seconds,
        "It lasts only {:.2f} s; tempo, bars and key cannot be told from so little.",
    ),
    (
        "long",
        lambda found: found.duration_seconds > 1200,
        lambda found: found.duration_seconds / 60,
        "It lasts {:.0f} minutes; listening will take a while.",
    ),
    (
        "lead_in",
        lambda found: found.lead_in_seconds > 3,
        lambda found: found.lead_in_seconds,
        "Nothing is played in its first {:.1f} s.",
    ),
    (
        "quiet",
        lambda found: found.usual_db < -45,
        lambda found: found.usual_db,
        "It is very quiet, at {:.0f} dB; soft notes may be missed.",
    ),
    (
        "clipping",
        lambda found: found.clipped > 2e-5,
        lambda found: found.clipped * 100,
        "It was recorded too loud: {:.2g}% of it is cut off at, or lies beyond, the highest level.",
    ),
    (
        "dc_offset",
        lambda found: abs(found.dc_offset) > 0.03,
        lambda found: found.dc_offset,
        "It is not centred on zero but on {:.3f} of full scale.",
    ),
    (
        "out_of_phase",
        lambda found: found.out_of_phase_db > 10,
        lambda found: found.out_of_phase_db,
        "Left and right cancel out: their sum is {:.0f} dB softer than their difference.",
    ),
    (
        "noise",
        lambda found: found.is_noise,
        lambda found: found.tonal,
        "It may be noise: {:.0%} of its energy has a pitch.",
    ),
    (
        "percussive",
        lambda found: found.is_percussive,
        lambda found: found.tonal,
        "It may be drums or other sounds without pitch: {:.0%} of its energy has one.",
    ),
    (
        "speech",
        lambda found: found.is_speech,
        lambda found: found.lasting,
        "It may be speech: only {:.0%} of its tones last for a tenth of a second.",
    ),
)
_OF_SILENCE = ("silence", "lost", "short", "long")


class _Samples:
    """Sample values, block by block."""

    def __init__(self) -> None:
        self._histogram = np.zeros(2 * _STEPS, np.int64)
        self._sums = np.zeros(2)
        self._powers = np.zeros(2)  # of sum and difference
        self._count = 0

    def add(self, block: np.ndarray) -> None:
        steps = np.minimum(np.abs(block) * _STEPS, 2 * _STEPS - 1).astype(np.int64)
        self._histogram += np.bincount(steps.ravel(), minlength=2 * _STEPS)
        self._sums += block.sum(axis=0, dtype=np.float64)
        left, right = block[:, 0], block[:, 1]
        self._powers += [float(((left + right) ** 2).sum()), float(((left - right) ** 2).sum())]
        self._count += len(block)

    def measures(self) -> dict[str, float]:
        total, difference = self._powers / self._count + _FLOOR
        means = self._sums / self._count
        return {
            "clipped": self._clipped(),
            "dc_offset": float(means[np.abs(means).argmax()]),
            "out_of_phase_db": float(10 * np.log10(difference / total)),
        }

    def _clipped(self) -> float:
        """The share of samples at a peak that many reach, or beyond full scale.

        A sine has 0.46 times as many within 0.1% of its peak as within 1% below. Lossy coders smear
        what was cut off, half of it to beyond full scale, where nothing else comes.
        """
        histogram, total = self._histogram, self._histogram.sum()
        peak = int(np.flatnonzero(histogram)[-1])
        at_peak = int(histogram[int(peak * 0.999) :].sum())
        below = int(histogram[int(peak * 0.99) : int(peak * 0.999)].sum())
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

    def measures(self) -> dict[str, float]:
        if not self._frames:
            padded = np.zeros((1, _FRAME), np.float32)
            padded[0, : len(self._waiting)] = self._waiting
            self._frames.append(self._of_frames(padded))
        powers = np.concatenate([*self._levels, [(self._unmeasured**2).sum() / _ENVELOPE]])
        levels = 10 * np.log10(powers + _FLOOR)
        usual = float(np.quantile(levels, 0.95))
        frames = np.concatenate(self._frames)
        loud = frames[frames[:, 0] >= frames[:, 0].max() * 10 ** (-_LOUD_DB / 10)]
        tonal, lasting, flatness = np.median(loud[:, 1:], axis=0).tolist()
        first = int((levels > usual - 25).argmax())
        return {
            "loudest_db": float(levels.max()),
            "usual_db": usual,
            "lead_in_seconds": first * _ENVELOPE / _RATE_HZ,
            "tonal": tonal,
            "lasting": lasting,
            "flatness": flatness,
            "range_db": usual - float(np.quantile(levels, 0.2)),
            "syllabic": _syllabic(np.sqrt(powers)),
        }


def _syllabic(envelope: np.ndarray) -> float:
    hz = np.fft.rfftfreq(len(envelope), _ENVELOPE / _RATE_HZ)
    power = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope)))) ** 2
    syllables, all_changes = (hz > 2.5) & (hz < 8), (hz > 0.3) & (hz < 20)
    return float(power[syllables].sum() / (power[all_changes].sum() + _FLOOR))
