"""Notes to the sound of instruments that no SoundFont holds: plucked, bowed, sung, electronic.

What is trained on one sampler hears that sampler. Each part gets an instrument drawn anew: a
periodic wave through a random body (formants), whose brightness, loudness and pitch move as a
hand moves them: strings that are strummed and die away, bows and voices that begin softly, slide
into a note and tremble, and synthesisers that do neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.rng import Rng
from ritornello.synth.sampler import PlayedNote

_WAVE = 2048  # samples of a period
_HARMONICS = 40
_STRUM_SECONDS = 0.015
_RELEASE_SECONDS = 0.04
FAMILIES = ("plucked", "bowed", "sung", "electronic")


@dataclass(frozen=True)
class Instrument:
    """How notes begin, go on and end; times in seconds, pitches in semitones.

    Attributes:
        body: gain of a partial, [places of 20 Hz to 10 kHz, evenly over octaves].
        tilt: partial ``n`` is ``n ** -tilt`` strong when bright, and twice as steep when dark.
        fades: after which a held note has fallen to 1/e; None if it is held.
        trembles: depth and Hz of the vibrato.
        slides: from how far below a note begins.
        strum: between the notes of a chord.
    """

    body: np.ndarray
    tilt: float
    odd: float
    attack: float
    fades: float | None
    trembles: tuple[float, float]
    slides: float
    strum: float
    breath: float

    @classmethod
    def draw(cls, family: str, rng: Rng) -> Instrument:
        """An instrument of one of `FAMILIES`."""
        body = np.exp(np.interp(np.arange(64), np.arange(0, 64, 7), rng.normal(0, 0.8, 10)))
        tilt, odd = float(rng.uniform(0.7, 1.8)), float(rng.choice([1.0, 1.0, 0.15]))
        still = (0.0, 5.0)
        if family == "plucked":
            rings, strum = float(rng.uniform(0.25, 2.0)), float(rng.exponential(_STRUM_SECONDS))
            return cls(body, tilt, 1.0, 0.002, rings, still, 0.0, strum, rng.uniform(0, 0.3))
        vibrato = float(rng.uniform(0.05, 0.45)), float(rng.uniform(4.2, 6.8))
        if family == "electronic":
            fades = float(rng.uniform(0.2, 3)) if rng.random() < 0.5 else None
            attack = float(rng.choice([0.002, 0.01, 0.06]))
            return cls(np.ones(64), tilt, odd, attack, fades, still, 0.0, 0.0, 0.0)
        attack = float(rng.uniform(0.01, 0.09))
        slides = float(rng.exponential(0.5)) if family == "sung" else float(rng.exponential(0.1))
        return cls(body, tilt, odd, attack, None, vibrato, slides, 0.0, rng.uniform(0, 0.15))

    def play(self, notes: Sequence[PlayedNote], samples: int, rate_hz: int, rng: Rng) -> np.ndarray:
        """Notes by onset as they sound, float32 [samples]."""
        out = np.zeros(samples, np.float32)
        last, in_chord = -rate_hz, 0
        for note in notes:
            # A hand goes over the strings of a chord one after the other.
            in_chord = in_chord + 1 if note.onset - last < 0.03 * rate_hz else 0
            last = note.onset if not in_chord else last
            onset = note.onset + round(in_chord * self.strum * rate_hz)
            sound = self._note(note, rate_hz, rng)[: max(0, samples - onset)]
            out[onset : onset + len(sound)] += sound
        return out

    def _note(self, note: PlayedNote, rate_hz: int, rng: Rng) -> np.ndarray:
        held = max(0.05, (note.end - note.onset) / rate_hz)
        rings = held if self.fades is None else min(held + 0.2, 5 * self.fades)
        seconds = np.arange(round((rings + _RELEASE_SECONDS) * rate_hz)) / rate_hz
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        depth, tremble_hz = self.trembles
        moved = -self.slides * np.exp(-seconds / 0.04)
        if depth:
            growing = np.minimum(1, seconds / 0.25)
            moved += depth * growing * np.sin(2 * np.pi * (tremble_hz * seconds + rng.random()))
        turns = np.cumsum(hz * 2 ** (moved / 12)) / rate_hz + rng.random()
        place = ((turns % 1) * _WAVE).astype(int)
        loud = (note.velocity / 127) ** 1.5
        bright = loud * (np.exp(-seconds / 0.3) if self.fades else np.ones(len(seconds)))
        sound = bright * self._wave(hz, self.tilt, rate_hz)[place]
        sound += (1 - bright) * self._wave(hz, 2 * self.tilt, rate_hz)[place]
        level = np.minimum(1, seconds / self.attack)
        level *= np.clip((seconds[-1] - seconds) / _RELEASE_SECONDS, 0, 1)
        if self.fades is not None:
            level *= np.exp(-seconds / self.fades)
        elif held > 0.15:  # a bow and a breath swell
            level *= 1 + rng.uniform(-0.4, 0.3) * np.sin(np.pi * seconds / seconds[-1])
        if self.breath:
            noise = rng.standard_normal(len(seconds)) * self.breath
            sound += noise * (np.exp(-seconds / 0.01) if self.fades else 0.15)
        result: np.ndarray = (0.2 * loud * level * sound).astype(np.float32)
        return result

    def _wave(self, hz: float, tilt: float, rate_hz: int) -> np.ndarray:
        """One period of all partials that the rate holds, root mean square 1."""
        number = np.arange(1, max(2, min(_HARMONICS, int(0.45 * rate_hz / hz)) + 1))
        places = np.clip(np.log2(number * hz / 20) / 9 * 63, 0, 63)
        strength = number**-tilt * np.interp(places, np.arange(64), self.body)
        strength = np.where(number % 2, strength, self.odd * strength)
        spectrum = np.zeros(_WAVE // 2 + 1, complex)
        # Schroeder's phases keep the peak low.
        spectrum[number] = strength * np.exp(-1j * np.pi * number**2 / len(number))
        wave = np.fft.irfft(spectrum)
        result: np.ndarray = wave / np.sqrt(np.square(wave).mean())
        return result
