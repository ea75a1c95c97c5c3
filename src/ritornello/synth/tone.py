"""One sound of a SoundFont: samples for any stretch of time.

A tone is a function of time since the onset with nothing to carry along: where the sample is
read, how far the envelopes have come and how open the filter is follow from the sample number.
So any stretch can be made alone, kept and used again, and a long note costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ritornello.synth.soundfont import Sample
from ritornello.synth.zones import Sound, VolumeEnvelope

# A time of release or decay is the time to fall by this much.
_FULL_FALL_DB = 100.0
_FALL_NEPERS = _FULL_FALL_DB * np.log(10) / 20
# Levels never reach zero, so that a release can start from the level reached.
_FLOOR = 1e-5
# A shorter release is heard as a click.
_SHORTEST_RELEASE_SECONDS = 0.03
_OPEN_FILTER_CENTS = 13500
# Filters have stopped ringing after this many samples.
_RINGING = 2048
_FRAME = 2048
_HOP = _FRAME // 2
_HANN = np.sin(np.pi * np.arange(_FRAME, dtype=np.float32) / _FRAME) ** 2
# Room for interpolation before and after a recording.
_MARGIN_BEFORE = 2
_MARGIN_AFTER = 4
ENDLESS = 2**62


class PlayableSample(NamedTuple):
    """A sample ready to be interpolated: float32 with a margin at both ends, and its loop.

    The loop is (start, length), or None.
    """

    data: np.ndarray
    loop: tuple[int, int] | None


class Tone:
    """A sound at an output rate.

    Attributes:
        end: samples after which nothing sounds, for a tone that is held for ever.
        release_rate: nepers a sample by which the tone fades once released.
    """

    def __init__(
        self, sound: Sound, recording: PlayableSample, recorded_hz: int, rate_hz: float
    ) -> None:
        self._sound = sound
        self._rate_hz = rate_hz
        self._step = 2 ** (sound.cents / 1200) * recorded_hz / rate_hz
        self._data, self._loop = recording
        length = len(self._data) - _MARGIN_BEFORE - _MARGIN_AFTER
        self._start = min(max(0, sound.start), length)
        self.end = ENDLESS if self._loop else int(np.ceil((length - self._start) / self._step))
        if sound.volume.sustain >= _FULL_FALL_DB:
            volume = sound.volume
            held = volume.delay_seconds + volume.attack_seconds + volume.hold_seconds
            self.end = min(self.end, int((held + volume.decay_seconds) * rate_hz) + 1)
        release = max(_SHORTEST_RELEASE_SECONDS, sound.volume.release_seconds)
        self.release_rate = _FALL_NEPERS / (release * rate_hz)

    def sound(
        self, first: int, count: int, warp: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """The tone from sample ``first`` on, before its envelope, float32 [count].

        Args:
            warp: where the recording is read at samples since the onset, as its pitch moves.
        """
        start = first // _HOP - 3
        middles = np.arange(start + 1, (first + count - 1) // _HOP + 2) * _HOP
        cutoffs_cents = self._cutoffs_cents(np.maximum(0, middles))
        if cutoffs_cents.min() >= _OPEN_FILTER_CENTS and self._sound.resonance_db == 0:
            return self._read(first, count, warp)
        if np.ptp(cutoffs_cents) == 0:
            return self._filtered(first, count, cutoffs_cents[0], warp)
        skip = first - start * _HOP
        return self._swept(start * _HOP, cutoffs_cents, warp)[skip : skip + count]

    def level(self, at: np.ndarray) -> np.ndarray:
        """The volume envelope while the note is held, at sample numbers; at least 1e-5."""
        level, decayed = self._stages(self._sound.volume, at)
        fall_db = np.minimum(_FULL_FALL_DB * decayed, self._sound.volume.sustain)
        return np.maximum(_FLOOR, level * 10 ** (-fall_db / 20))

    def _stages(self, envelope: VolumeEnvelope, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rise of an envelope (0 to 1), and full decay times passed since its hold ended."""
        seconds = at / self._rate_hz - envelope.delay_seconds
        if envelope.attack_seconds > 0:
            rise = np.clip(seconds / envelope.attack_seconds, 0, 1)
        else:
            rise = (seconds >= 0).astype(float)
        # With no decay time the level drops at once; a sample's time keeps it finite.
        decay = max(envelope.decay_seconds, 1 / self._rate_hz)
        passed = (seconds - envelope.attack_seconds - envelope.hold_seconds) / decay
        return rise, np.maximum(0, passed)

    def _read(
        self, first: int, count: int, warp: Callable[[np.ndarray], np.ndarray] | None
    ) -> np.ndarray:
        """The recording at this pitch, by cubic interpolation; silence before and after it."""
        samples = np.arange(first, first + count)
        position = self._start + (samples if warp is None else warp(samples)) * self._step
        if self._loop:
            start, length = self._loop
            past = position >= start + length
            position[past] = start + (position[past] - start) % length
        whole = np.floor(position)
        t = (position - whole).astype(np.float32)
        index = np.clip(whole.astype(np.int64), -1, len(self._data) - 5) + _MARGIN_BEFORE
        a, b, c, d = (np.take(self._data, index + offset) for offset in (-1, 0, 1, 2))
        # Catmull-Rom, in Horner's form.
        between = b + t * 0.5 * (
            c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))
        )
        between[: max(0, -first)] = 0
        result: np.ndarray = between
        return result

    def _cutoffs_cents(self, at: np.ndarray) -> np.ndarray:
        """Cutoff of the filter at sample numbers, in absolute cents."""
        envelope = self._sound.modulation
        rise, decayed = self._stages(envelope, at)
        opened = np.maximum(envelope.sustain, 1 - decayed) * rise
        result: np.ndarray = (
            self._sound.cutoff_cents + self._sound.envelope_to_cutoff_cents * opened
        )
        return result

    def _filtered(
        self,
        first: int,
        count: int,
        cutoff_cents: float,
        warp: Callable[[np.ndarray], np.ndarray] | None,
    ) -> np.ndarray:
        """The recording through a low-pass filter that stands still."""
        source = self._read(first - _RINGING, count + _RINGING, warp)
        size = len(source) + len(source) % 2
        response = low_pass_response(self._relative(cutoff_cents), self._sound.resonance_db, size)
        return np.fft.irfft(np.fft.rfft(source, size) * response)[_RINGING : _RINGING + count]

    def _swept(
        self,
        first: int,
        cutoffs_cents: np.ndarray,
        warp: Callable[[np.ndarray], np.ndarray] | None,
    ) -> np.ndarray:
        """The recording through a moving low-pass filter, from the start of a frame on.

        Overlapping frames on a fixed grid each have the cutoff of their middle, and ring on for
        as long again. Their Hann windows sum to one.
        """
        frames = len(cutoffs_cents)
        source = self._read(first, (frames + 1) * _HOP, warp)
        windows = np.lib.stride_tricks.sliding_window_view(source, _FRAME)[::_HOP] * _HANN
        spectra = np.fft.rfft(windows, 2 * _FRAME)
        for spectrum, cents in zip(spectra, cutoffs_cents, strict=True):
            spectrum *= low_pass_response(
                self._relative(cents), self._sound.resonance_db, 2 * _FRAME
            )
        parts = np.fft.irfft(spectra).reshape(frames, 4, _HOP)
        out = np.zeros((frames + 3, _HOP), np.float32)
        for quarter in range(4):
            out[quarter : quarter + frames] += parts[:, quarter]
        return out.ravel()

    def _relative(self, cents: float) -> float:
        """A cutoff in absolute cents as a share of the sample rate."""
        hz = 8.176 * 2 ** (min(_OPEN_FILTER_CENTS, max(1500, cents)) / 1200)
        return min(hz / self._rate_hz, 0.45)


@lru_cache(maxsize=512)
def low_pass_response(cutoff: float, resonance_db: float, size: int) -> np.ndarray:
    """Response of a resonant two-pole low-pass filter, complex64 [size // 2 + 1].

    Args:
        cutoff: over the sample rate.
        resonance_db: height of the peak; half of it is taken from the level, as hardware did.
        size: of the Fourier transform.

    Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".
    """
    # Without resonance the filter is flat: 3 dB down at its cutoff.
    q = 10 ** ((resonance_db - 3.01) / 20)
    omega = 2 * np.pi * cutoff
    alpha = np.sin(omega) / (2 * q)
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    top = (1 - np.cos(omega)) / 2 * (1 + z) ** 2
    bottom = 1 + alpha - 2 * np.cos(omega) * z + (1 - alpha) * z**2
    result: np.ndarray = (top / bottom * 10 ** (-resonance_db / 40)).astype(np.complex64)
    return result


def playable(sample: Sample, shifts: tuple[int, int, int], is_looped: bool) -> PlayableSample:
    """A sample with its end, loop start and loop end shifted, ready to be read.

    A looped sample is cut at the loop's end and goes on with the loop's beginning. The loop is
    entered one sample late, so that the sample before it is the loop's last one too.
    """
    data = sample.data[: max(0, len(sample.data) + min(0, shifts[0]))]
    loop_start, loop_end = sample.loop_start + shifts[1], sample.loop_end + shifts[2]
    silence = np.zeros(_MARGIN_BEFORE, np.float32)
    if is_looped and 0 <= loop_start < loop_end <= len(data):
        more = np.resize(data[loop_start:loop_end], _MARGIN_AFTER)
        joined = np.concatenate([silence, data[:loop_end], more])
        return PlayableSample(joined, (loop_start + 1, loop_end - loop_start))
    return PlayableSample(
        np.concatenate([silence, data, np.zeros(_MARGIN_AFTER, np.float32)]), None
    )
