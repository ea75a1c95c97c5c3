"""A melody as one voice or one bow plays it: a sound that goes on from note to note.

`tones` begins every note from silence. A bow turns without a gap, a singer glides and swells, and
both are heard in between: consonants, breath, scratches of the bow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt

from ritornello.rng import Rng
from ritornello.synth.sampler import PlayedNote

_HARMONICS, _BODY = 24, 64
_CURVE_SAMPLES = 64  # loudness and pitch of what sounds are drawn so often
_BOUND_SECONDS = 0.09  # a note that begins so soon after the last goes on from it
_HEARD_LEVEL = 0.15  # of the loudness of a note that swells, where it begins to be heard


@dataclass(frozen=True)
class Line:
    """How a singer or bow goes from note to note; times in seconds, pitches in semitones.

    Attributes:
        body: log gain of a partial, [places of 20 Hz to 10 kHz, evenly over octaves].
        tilt: partial ``n`` is ``n ** -tilt`` strong.
        swells: how long a note takes to be loud. fades: how long it takes to be silent.
        glides: from one note to the next, as long. scoops: from how far below a note begins.
        dips: by which share a sound is softer where a note begins that it goes on into.
        trembles: depth, Hz, and seconds until there is a vibrato.
        noise: of breath or bow, beside the tone. bursts: of consonants or scratches, before notes.
    """

    body: np.ndarray
    tilt: float
    swells: float
    fades: float
    glides: float
    scoops: float
    dips: float
    trembles: tuple[float, float, float]
    noise: float
    bursts: float

    @classmethod
    def draw(cls, family: str, rng: Rng) -> Line:
        """A line of the family "sung" or "bowed"."""
        sung = family == "sung"
        places = np.arange(_BODY)
        body = np.interp(places, np.arange(0, _BODY, 7), rng.normal(0, 0.9, 10))
        for octaves in rng.uniform(4.0, 7.5, 3):  # formants, or resonances of a box
            place = octaves / 9 * _BODY
            body += rng.uniform(0.5, 2.0) * np.exp(-(((places - place) / rng.uniform(1.5, 4)) ** 2))
        return cls(
            body,
            float(rng.uniform(0.7, 1.6)),
            float(np.exp(rng.uniform(np.log(0.015), np.log(0.2)))),
            float(rng.uniform(0.03, 0.2)),
            float(np.exp(rng.uniform(np.log(0.01), np.log(0.14 if sung else 0.07)))),
            float(rng.exponential(0.7 if sung else 0.15)),
            float(rng.uniform(0.0, 0.8)),
            (
                float(rng.uniform(0, 0.8 if sung else 0.5)),
                float(rng.uniform(4.0, 6.8)),
                float(rng.uniform(0, 0.4)),
            ),
            float(np.exp(rng.uniform(np.log(0.005), np.log(0.12)))),
            float(rng.choice([0.0, 1.0]) * rng.uniform(0.02, 0.3)),
        )

    def play(self, notes: Sequence[PlayedNote], samples: int, rate_hz: int, rng: Rng) -> np.ndarray:
        """Notes by onset, one at a time, as they sound, float32 [samples]."""
        every = _CURVE_SAMPLES / rate_hz
        seconds = np.arange(samples // _CURVE_SAMPLES + 1) * every
        level, pitch = np.zeros(len(seconds)), np.full(len(seconds), 60.0)
        burst = np.zeros(len(seconds))
        last = None
        for n, note in enumerate(notes):
            begins, ends = note.onset / rate_hz, note.end / rate_hz
            if n + 1 < len(notes):
                ends = min(ends, notes[n + 1].onset / rate_hz)
            goes_on = n + 1 < len(notes) and notes[n + 1].onset / rate_hz - ends < _BOUND_SECONDS
            is_bound = last is not None and begins - last < _BOUND_SECONDS
            self._shape(level, seconds, (begins, ends), note.velocity, (is_bound, goes_on), rng)
            self._steer(pitch, seconds, (begins, ends), note.pitch, is_bound=is_bound, rng=rng)
            if rng.random() < (0.5 if is_bound else 0.8):
                early, lasts = rng.uniform(0, 0.06), rng.uniform(0.015, 0.05)
                away = (seconds - begins + early) / lasts
                burst += self.bursts * rng.random() * (note.velocity / 127) * np.exp(-(away**2))
            last = ends
        return self._sound(seconds, level, pitch, burst, samples, rate_hz, rng)

    def _shape(
        self,
        level: np.ndarray,
        seconds: np.ndarray,
        span: tuple[float, float],
        velocity: int,
        bound: tuple[bool, bool],
        rng: Rng,
    ) -> None:
        """Add the loudness of a note, which ``bound`` says is bound to the last and the next."""
        begins, ends = span
        loud = (velocity / 127) ** 1.5
        swells = self.swells * rng.uniform(0.5, 1.5)
        rises = np.clip((seconds - begins) / swells + _HEARD_LEVEL, 0, 1)
        if bound[0]:  # a bow that turns: softer for a moment, no silence
            dip = self.dips * rng.uniform(0.4, 1)
            width = rng.uniform(0.012, 0.05)
            rises = (seconds >= begins) * (1 - dip * np.exp(-(((seconds - begins) / width) ** 2)))
        fades = 0.012 if bound[1] else self.fades
        falls = np.clip(1 - (seconds - ends) / fades, 0, 1)
        inside = np.clip((seconds - begins) / max(0.05, ends - begins), 0, 1)
        hump = 1 + rng.uniform(-0.5, 0.5) * np.sin(np.pi * inside)
        np.maximum(level, loud * rises * falls * hump, out=level)

    def _steer(
        self,
        pitch: np.ndarray,
        seconds: np.ndarray,
        span: tuple[float, float],
        target: float,
        *,
        is_bound: bool,
        rng: Rng,
    ) -> None:
        """Steer the pitch to a note from the moment it begins on, all later ones included."""
        begins = span[0]
        depth, hz, delay = self.trembles
        after = seconds - begins
        now = seconds >= begins - self.glides
        growing = np.clip((after - delay * rng.uniform(0.5, 1.5)) / 0.2, 0, 1)
        turned = 2 * np.pi * (hz * rng.uniform(0.93, 1.07) * after + rng.random())
        there = target + depth * rng.uniform(0.4, 1) * growing * np.sin(turned)
        if is_bound:
            share = 1 / (1 + np.exp(np.clip(-after / (self.glides / 4), -50, 50)))
            moved = pitch + (there - pitch) * share
        else:
            scoop = self.scoops * rng.uniform(0, 1) * np.exp(-np.maximum(after, 0) / 0.05)
            moved = there - scoop
        pitch[now] = moved[now]

    def _sound(
        self,
        seconds: np.ndarray,
        level: np.ndarray,
        pitch: np.ndarray,
        burst: np.ndarray,
        samples: int,
        rate_hz: int,
        rng: Rng,
    ) -> np.ndarray:
        time = np.arange(samples) / rate_hz
        hz = 440 * 2 ** ((pitch - 69) / 12)
        turns = 2 * np.pi * (np.cumsum(np.interp(time, seconds, hz)) / rate_hz + rng.random())
        out = np.zeros(samples, np.float32)
        for number in range(1, _HARMONICS + 1):
            partial = number * hz
            places = np.clip(np.log2(partial / 20) / 9 * (_BODY - 1), 0, _BODY - 1)
            gain = np.exp(np.interp(places, np.arange(_BODY), self.body))
            # What is softer is duller as well.
            gain *= number ** -(self.tilt * (1.5 - 0.5 * np.clip(level, 0, 1)))
            gain = np.where(partial < 0.45 * rate_hz, gain * level, 0)
            if gain.any():
                wave = np.sin(number * turns + rng.uniform(0, 2 * np.pi))
                out += (np.interp(time, seconds, gain) * wave).astype(np.float32)
        noise = rng.standard_normal(samples)
        edges = np.sort(np.exp(rng.uniform(np.log(400), np.log(9000), 2))) * [0.8, 1.2]
        noise = sosfilt(butter(1, edges, "band", fs=rate_hz, output="sos"), noise)
        noise *= np.sqrt(np.square(out).mean() / max(1e-12, np.square(noise).mean()))
        loud = max(1e-6, float(level.mean()))
        shape = np.interp(time, seconds, (self.noise * level + burst) / loud)
        result: np.ndarray = out + (shape * noise).astype(np.float32)
        return result
