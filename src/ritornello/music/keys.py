"""Keys and scales: names, pitch classes, and the key a set of notes is most likely in."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ritornello.errors import ConfigError

TONICS_SHARP = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
TONICS_FLAT = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# Semitones above the tonic. "minor" holds the natural, harmonic and melodic forms together,
# because tonal music in a minor key uses all of them; ask for "natural minor" to be strict.
SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 9, 10, 11),
    "natural minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}
_MINOR_LIKE = frozenset(name for name, steps in SCALES.items() if 3 in steps and 4 not in steps)


@dataclass(frozen=True)
class KeyName:
    """A tonic and a scale, for example D minor.

    Attributes:
        tonic: pitch class 0-11, C = 0.
        scale: a name in `SCALES`.
    """

    tonic: int
    scale: str = "major"

    @property
    def is_minor(self) -> bool:
        """Whether the third above the tonic is minor: what a key signature can tell."""
        return self.scale in _MINOR_LIKE

    @property
    def pitch_classes(self) -> frozenset[int]:
        return frozenset((self.tonic + step) % 12 for step in SCALES[self.scale])

    @property
    def sharps(self) -> int:
        """Sharps of the key signature, -6 to 6; negative for flats."""
        major_tonic = (self.tonic + 3) % 12 if self.is_minor else self.tonic
        fifths = major_tonic * 7 % 12
        return fifths if fifths <= 6 else fifths - 12

    def __str__(self) -> str:
        names = TONICS_FLAT if self.sharps < 0 else TONICS_SHARP
        return f"{names[self.tonic]} {self.scale}"


def pitch_name(pitch: int) -> str:
    """Name of a MIDI pitch, with a sharp where one is needed: 60 is C4, 61 is C#4."""
    return f"{TONICS_SHARP[pitch % 12]}{pitch // 12 - 1}"


def parse_key(text: str) -> KeyName:
    """Read a key as people write it: ``D minor``, ``Dm``, ``F# dorian``, ``Bb``.

    >>> parse_key("F# dorian")
    KeyName(tonic=6, scale='dorian')
    >>> parse_key("Bb") == parse_key("A# major")
    True

    Raises:
        ConfigError: if the tonic or the scale is not known.
    """
    match = re.fullmatch(r"\s*([A-Ga-g])\s*([#b♯♭]?)\s*(.*?)\s*", text)
    step = f"Write a note name and a scale, as in 'D minor' or 'Bb'. Scales: {', '.join(SCALES)}."
    if not match:
        raise ConfigError(f"{text!r} is not a key.", next_step=step)
    letter, accidental, rest = match.groups()
    shift = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[accidental]
    tonic = (LETTERS[letter.upper()] + shift) % 12
    short = {"": "major", "m": "minor", "M": "major", "maj": "major", "min": "minor"}
    scale = short.get(rest, rest.lower().replace("-", " ").replace("_", " "))
    scale = {"ionian": "major", "aeolian": "natural minor", "pentatonic": "major pentatonic"}.get(
        scale, scale
    )
    if scale not in SCALES:
        raise ConfigError(f"{text!r} names no known scale ({scale!r}).", next_step=step)
    return KeyName(tonic, scale)


# Key profiles of Temperley, "The Cognition of Basic Musical Structures" (2001), p. 180.
MAJOR_PROFILE = np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0])
MINOR_PROFILE = np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0])


def pitch_class_weights(pitches: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """How much of each pitch class there is, [12]: how many notes, or the sum of their weights.

    Args:
        pitches: int [notes], MIDI numbers.
        weights: [notes], such as durations; None counts notes.
    """
    return np.bincount(pitches % 12, weights, minlength=12)


def estimate_key(pitch_class_weights: np.ndarray) -> KeyName | None:
    """The major or minor key whose profile correlates best with a pitch-class histogram.

    Args:
        pitch_class_weights: float [12], for example the sounding time of each pitch class.

    Returns:
        The key, or None where the histogram is flat or empty and so has no key.
    """
    scores = _correlations(pitch_class_weights)
    if scores is None:
        return None
    scale, tonic = divmod(int(np.argmax(scores)), 12)
    return KeyName(tonic, ("major", "minor")[scale])


def _correlations(pitch_class_weights: np.ndarray) -> np.ndarray | None:
    """Of a histogram with the profiles of C major to B major and C minor to B minor, float [24]."""
    weights = np.asarray(pitch_class_weights, float)
    if weights.sum() <= 0 or np.ptp(weights) == 0:
        return None
    deviations = weights - weights.mean()
    # Rounded, so that ties, as of a single note, go to the first key on every machine.
    result: np.ndarray | None = np.round(_PROFILES @ (deviations / np.linalg.norm(deviations)), 9)
    return result


def _unit_profiles() -> np.ndarray:
    """The 24 profiles less their means and of length 1: their products are correlations."""
    rolled = [np.roll(p, tonic) for p in (MAJOR_PROFILE, MINOR_PROFILE) for tonic in range(12)]
    deviations = np.array(rolled) - np.mean(rolled, axis=1, keepdims=True)
    result: np.ndarray = deviations / np.linalg.norm(deviations, axis=1, keepdims=True)
    return result


_PROFILES = _unit_profiles()
