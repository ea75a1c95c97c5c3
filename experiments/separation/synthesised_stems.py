"""Examples of stems whose players are no sampler's: synthesisers, voices, bows, drum machines.

What has learned from SoundFonts alone takes the synthesisers and voices of real songs for drums and
basses. So of a score some lines are played by a SoundFont as ever, and others by instruments drawn
anew, which the separator has never heard twice.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from experiments.listening.drum_kits import Kit
from experiments.listening.tones import Instrument
from ritornello.dsp.effects import gain, random_effects
from ritornello.rng import Rng
from ritornello.separate.stem_folders import PARTS
from ritornello.separate.stem_player import Example, Line, Score, play
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.spectra import RATE_HZ

# How often a line of a part is played so, and by whom.
_SHARES = {"bass": 0.5, "drums": 0.4, "piano": 0.0, "other": 0.7}
_FAMILIES = {
    "bass": ("electronic", "electronic", "plucked"),
    "other": ("electronic", "electronic", "sung", "sung", "plucked", "bowed"),
}
_LEVELS_DB = -26.0, -14.0
_EFFECTS = 0.7

Shots = dict[str, list[np.ndarray]]


def play_synthesised(score: Score, shots: Shots) -> Example:
    """An example of a score with some lines played by instruments that are drawn anew.

    Args:
        shots: recorded drums by kind, see `experiments.listening.drum_clips.one_shots`.
    """
    rng = np.random.default_rng((*score.seed, 2))
    anew = [rng.random() < _SHARES[PARTS[line.part]] for line in score.lines]
    sampled = tuple(line for line, new in zip(score.lines, anew, strict=True) if not new)
    rate_hz, samples = score.config.rate_hz, score.config.samples
    stems = np.zeros((samples, len(PARTS)), np.float32)
    if sampled:
        stems += play(replace(score, lines=sampled)).stems
    for line, new in zip(score.lines, anew, strict=True):
        if new:
            sound = random_effects(
                _played(line, samples, rate_hz, shots, rng),
                rate_hz, rng, strength=_EFFECTS, noisy=False,
            )  # fmt: skip
            power = float(np.square(sound).mean())
            if power > 0:
                level_db = rng.uniform(*_LEVELS_DB) - 10 * np.log10(power)
                stems[:, line.part] += gain(sound, float(level_db))
    peak = max(1.0, float(np.abs(stems).max()), float(np.abs(stems.sum(axis=1)).max()))
    return Example(stems / np.float32(peak), score.sources, rate_hz)


def _played(line: Line, samples: int, rate_hz: int, shots: Shots, rng: Rng) -> np.ndarray:
    """A line by a machine or an instrument of its own, float32 [samples]."""
    import soxr

    if line.is_drum:
        half = line.notes.copy()
        half[:, :2] = half[:, :2] * RATE_HZ // rate_hz
        notes = [PlayedNote(*row) for row in half.tolist()]
        sound = Kit.draw(shots, rng).play(notes, samples * RATE_HZ // rate_hz)
        full = soxr.resample(sound, RATE_HZ, rate_hz)[:samples]
        return np.pad(full, (0, samples - len(full))).astype(np.float32)
    family = str(rng.choice(_FAMILIES[PARTS[line.part]]))
    notes = [PlayedNote(*row) for row in line.notes.tolist()]
    return Instrument.draw(family, rng).play(notes, samples, rate_hz, rng)
